"""Forms of the hotline. A category, where one is named, must be a leaf of the tree."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Annotated, ClassVar, Self
from uuid import UUID

from pydantic import Field, model_validator

from plugin_sdk.cases.forms import ActForm, MoveForm, ReasonForm
from plugin_sdk.forms import Form
from plugin_sdk.identifiers import IdentifierError, normalize_phone
from plugin_sdk.problems import Invalid, field_error
from plugin_sdk.views import FieldKind
from plugins.hotline.categories import tree

Category = Annotated[str | None, Field(max_length=100)]


class Kind(StrEnum):
    """What a request is."""

    CONSULT = "consult"  # 咨询
    HELP = "help"  # 求助
    COMPLAIN = "complain"  # 投诉
    REPORT = "report"  # 举报
    SUGGEST = "suggest"  # 建议


class Urgency(StrEnum):
    """How soon a request must be answered."""

    NORMAL = "normal"
    URGENT = "urgent"


def _known(category: str | None) -> None:
    if category is not None and category not in tree():
        raise Invalid(field_error("category", "choice"))


class FileForm(Form):
    """What a resident files."""

    kinds: ClassVar[dict[str, FieldKind]] = {
        "text": "textarea",
        "category": "select",
        "region": "select",
        "phone": "phone",
        "photos": "photo",
        "longitude": "hidden",
        "latitude": "hidden",
    }

    elements: ClassVar[Mapping[str, str]] = {"phone": "person.phone", "region": "place.region"}

    kind: Kind
    text: str = Field(min_length=1, max_length=8000)
    region: str | None = Field(default=None, max_length=40)
    place: str | None = Field(default=None, max_length=200)
    photos: str | None = Field(default=None, max_length=0)
    category: Category = None
    phone: str | None = Field(default=None, max_length=30)
    secret: bool = False
    wishes_public: bool = False
    longitude: float | None = Field(default=None, ge=-180, le=180)
    latitude: float | None = Field(default=None, ge=-90, le=90)

    @model_validator(mode="after")
    def _check(self) -> Self:
        _known(self.category)
        if (self.longitude is None) != (self.latitude is None):
            raise Invalid(field_error("latitude", "missing"))
        if self.phone is not None:
            try:
                normalize_phone(self.phone)
            except IdentifierError as error:
                raise Invalid(field_error("phone", error.code)) from None
        return self


class SnapForm(FileForm):
    """随手拍: a photo, where it is, and a word about it."""

    needed: ClassVar[frozenset[str]] = frozenset({"photos"})

    kind: Kind = Kind.HELP


class TakenForm(FileForm):
    """What somebody takes down for a caller: nothing of it is about themselves."""

    kinds: ClassVar[dict[str, FieldKind]] = {**FileForm.kinds, "repeats": "hidden"}
    elements: ClassVar[Mapping[str, str]] = {}

    caller_name: str | None = Field(default=None, max_length=100)
    urgency: Urgency = Urgency.NORMAL
    due_on: date | None = None
    repeats: str | None = Field(default=None, max_length=40)


class IntakeForm(TakenForm):
    """What an operator takes down: with the number at which the caller is reached."""

    phone: str = Field(min_length=1, max_length=30)


class DispatchForm(MoveForm):
    """Dispatch (派单): to whom, as what, and by when if sooner than the term."""

    kinds: ClassVar[dict[str, FieldKind]] = {**MoveForm.kinds, "category": "select"}
    words: ClassVar[dict[str, str]] = {"category": "dispatch_category", "reason": "dispatch_reason"}

    category: Category = None
    due_on: date | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        _known(self.category)
        return self


class CoordinateForm(ActForm):
    """Ask for a coordination (提请协调): what has to be settled, and what it is about."""

    kinds: ClassVar[dict[str, FieldKind]] = {
        **ActForm.kinds,
        "question": "textarea",
        "category": "select",
    }
    words: ClassVar[dict[str, str]] = {"category": "dispatch_category"}

    question: str = Field(min_length=1, max_length=1000)
    category: Category = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        _known(self.category)
        return self


class RedirectForm(ReasonForm):
    """Hand the part of a decision to another unit, by a leader's ruling."""

    unit: UUID
