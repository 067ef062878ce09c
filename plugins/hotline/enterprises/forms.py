"""Forms of the enterprise desk."""

from datetime import date
from enum import StrEnum
from typing import ClassVar, Self
from uuid import UUID

from pydantic import Field, field_validator, model_validator

from plugin_sdk.forms import Form
from plugin_sdk.identifiers import IdentifierError, normalize_credit_code, normalize_phone
from plugin_sdk.problems import FieldError, Invalid, field_error
from plugin_sdk.registers import RecordForm
from plugin_sdk.views import FieldKind, Phrase
from plugins.hotline.forms import Kind

WORDS = "hotline.enterprise"


class Scale(StrEnum):
    """How large an enterprise is (统计上大中小微型企业划分办法, 2017)."""

    LARGE = "large"
    MEDIUM = "medium"
    SMALL = "small"
    MICRO = "micro"


class Outcome(StrEnum):
    """What came of a call."""

    REACHED = "reached"
    NO_ANSWER = "no_answer"
    REFUSED = "refused"
    WRONG_NUMBER = "wrong_number"


class SpecialistForm(RecordForm):
    """Who looks after enterprises: themselves, under the telephone of their office."""

    kinds: ClassVar[dict[str, FieldKind]] = {"phone": "phone"}

    phone: str = Field(min_length=1, max_length=30)

    @field_validator("phone")
    @classmethod
    def _phone(cls, value: str) -> str:
        return checked_phone("phone", value)


class EnterpriseForm(RecordForm):
    """An enterprise, whom to call there, and who looks after it."""

    kinds: ClassVar[dict[str, FieldKind]] = {
        "region_id": "select",
        "contact_phone": "phone",
        "specialist": "select",
        "deputy": "select",
    }

    code: str = Field(min_length=1, max_length=40)
    region_id: UUID | None = None
    scale: Scale
    contact: str = Field(min_length=1, max_length=50)
    contact_phone: str = Field(min_length=1, max_length=30)
    specialist: str = Field(min_length=1, max_length=40)
    deputy: str | None = Field(default=None, max_length=40)

    @field_validator("code")
    @classmethod
    def _code(cls, value: str | None) -> str | None:
        try:
            return normalize_credit_code(value) if value else value
        except IdentifierError as error:
            raise Invalid(FieldError("code", Phrase(f"{WORDS}.wrong.{error.code}"))) from None

    @field_validator("contact_phone")
    @classmethod
    def _contact_phone(cls, value: str) -> str:
        return checked_phone("contact_phone", value)

    @model_validator(mode="after")
    def _two(self) -> Self:
        if self.deputy is not None and self.deputy == self.specialist:
            raise Invalid(FieldError("deputy", Phrase(f"{WORDS}.wrong.deputy-same")))
        return self


class CallPlanForm(RecordForm):
    """A plan of calls: until when, which enterprises, and what to ask."""

    kinds: ClassVar[dict[str, FieldKind]] = {"region_id": "select", "script": "textarea"}

    ends_on: date
    region_id: UUID | None = None
    scale: Scale | None = None
    script: str = Field(min_length=1, max_length=4000)


class CallForm(Form):
    """What came of a call; what the enterprise asks for becomes an order."""

    kinds: ClassVar[dict[str, FieldKind]] = {"note": "textarea", "need": "textarea"}

    outcome: Outcome
    note: str | None = Field(default=None, max_length=2000)
    need: str | None = Field(default=None, max_length=8000)
    kind: Kind | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.need is not None and self.outcome is not Outcome.REACHED:
            raise Invalid(FieldError("need", Phrase(f"{WORDS}.wrong.need-unheard")))
        if (self.need is None) != (self.kind is None):
            raise Invalid(field_error("kind" if self.kind is None else "need", "missing"))
        return self


class CardForm(Form):
    """A guidance card: what to do, where, with what, and how long that holds."""

    kinds: ClassVar[dict[str, FieldKind]] = {"steps": "textarea", "documents": "textarea"}

    title: str = Field(min_length=1, max_length=100)
    steps: str = Field(min_length=1, max_length=2000)
    place: str = Field(min_length=1, max_length=200)
    documents: str = Field(min_length=1, max_length=2000)
    valid_until: date


class WithdrawForm(Form):
    """Why a card no longer holds."""

    kinds: ClassVar[dict[str, FieldKind]] = {"reason": "textarea"}

    reason: str = Field(min_length=1, max_length=1000)


def checked_phone(field: str, value: str) -> str:
    """Return a phone as it is kept. Raises `Invalid`."""
    try:
        return normalize_phone(value)
    except IdentifierError as error:
        raise Invalid(field_error(field, error.code)) from None


def shown_phone(phone: str) -> str:
    """Return a phone as it is dialled in the county."""
    national = phone.removeprefix("+86")
    return national if national.startswith("1") and len(national) == 11 else f"0{national}"
