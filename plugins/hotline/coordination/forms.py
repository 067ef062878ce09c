"""The forms of coordinations."""

from datetime import date, datetime, time
from enum import StrEnum
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import Field, model_validator

from plugin_sdk.cases.forms import LONG_TEXT, REASON, ActForm, ReasonForm, ReturnForm
from plugin_sdk.problems import FieldError, Invalid, field_error
from plugin_sdk.times import SHANGHAI
from plugin_sdk.views import FieldKind, Phrase

Name = Annotated[str, Field(min_length=1, max_length=60)]
KINDS: dict[str, FieldKind] = {
    **ActForm.kinds,
    "question": "textarea",
    "chair": "select",
    "expert": "select",
    "rule_unit": "select",
    "to_unit": "select",
    "photos": "photo",
}


def wrong(field: str, code: str, **params: Any) -> FieldError:
    """Return the error of a field in the room's own words."""
    return FieldError(field, Phrase(f"hotline.coordination.wrong.{code}", params))


class How(StrEnum):
    """Where a meeting is held."""

    SITE = "site"  # 现场协调
    TABLE = "table"  # 会议协调


class Ruling(StrEnum):
    """What a leader decides on an objection."""

    DISMISSED = "dismissed"
    UPHELD = "upheld"


class InviteForm(ActForm):
    """A unit that shall take part, and who comes for it."""

    name: Name
    unit: UUID


class ExpertForm(ActForm):
    """A legal expert who shall give a written opinion: by their post, or by name where they are of
    no unit (a law firm), with the unit that hands their opinion in."""

    kinds: ClassVar[dict[str, FieldKind]] = KINDS
    words: ClassVar[dict[str, str]] = {"unit": "expert_unit", "name": "expert_name"}

    expert: UUID | None = None
    name: Name | None = None
    unit: UUID | None = None

    @model_validator(mode="after")
    def _one(self) -> "ExpertForm":
        outside = (self.name, self.unit)
        if self.expert is not None and outside != (None, None):
            raise Invalid(wrong("expert", "two-experts"))
        if self.expert is None and outside == (None, None):
            raise Invalid(field_error("expert", "missing"))
        for field in ("name", "unit"):
            if self.expert is None and getattr(self, field) is None:
                raise Invalid(field_error(field, "missing"))
        return self


class ConveneForm(ActForm):
    """When and where they meet, and the post of who presides and signs."""

    kinds: ClassVar[dict[str, FieldKind]] = KINDS

    how: How
    day: date
    hour: Annotated[str, Field(max_length=5, pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
    venue: Annotated[str, Field(min_length=2, max_length=200)]
    chair: UUID

    @property
    def starts_at(self) -> datetime:
        """Return the moment at which the meeting begins."""
        return datetime.combine(self.day, time.fromisoformat(self.hour), SHANGHAI)


class ChairForm(ActForm):
    """The post of who presides and signs instead, and why."""

    kinds: ClassVar[dict[str, FieldKind]] = KINDS

    chair: UUID
    reason: str = Field(min_length=1, max_length=REASON)


class AnotherForm(ActForm):
    """Who comes instead, and why."""

    name: Name
    reason: str = Field(min_length=1, max_length=REASON)


class AbsentForm(ActForm):
    """Which unit did not come, or went, and what is known of why."""

    unit: UUID
    reason: str = Field(min_length=1, max_length=REASON)


class SiteForm(ActForm):
    """What was seen on the spot or said at the table, with photos."""

    kinds: ClassVar[dict[str, FieldKind]] = KINDS
    words: ClassVar[dict[str, str]] = {"text": "note"}

    text: str = Field(min_length=1, max_length=LONG_TEXT)
    photos: str | None = Field(default=None, max_length=0)


class OpinionForm(ActForm):
    """The written opinion of the legal expert, and on what it rests."""

    words: ClassVar[dict[str, str]] = {"text": "opinion"}

    text: str = Field(min_length=1, max_length=LONG_TEXT)
    legal_basis: str = Field(min_length=1, max_length=300)


class ShareForm(ActForm):
    """What one unit has to do, and until when."""

    words: ClassVar[dict[str, str]] = {"text": "task", "due_on": "task_due_on"}

    unit: UUID
    text: str = Field(min_length=1, max_length=REASON)
    due_on: date


class DropForm(ActForm):
    """The unit whose part is struck from the draft."""

    unit: UUID


class ProposeForm(ActForm):
    """The decision as it is to be signed, and whose such a matter is the next time."""

    kinds: ClassVar[dict[str, FieldKind]] = KINDS
    words: ClassVar[dict[str, str]] = {"text": "decision"}

    text: str = Field(min_length=1, max_length=LONG_TEXT)
    legal_basis: str = Field(min_length=1, max_length=300)
    rule_unit: UUID | None = None


class SignForm(ActForm):
    """The signature of the chair; a reason where the decision needs one."""

    words: ClassVar[dict[str, str]] = {"reason": "chair_reason"}

    reason: str | None = Field(default=None, max_length=REASON)


class ObjectForm(ReturnForm):
    """What a unit objects to the decision, by which rule."""


class JudgeForm(ActForm):
    """What is decided on an objection; where it is upheld, who takes the part over."""

    kinds: ClassVar[dict[str, FieldKind]] = KINDS
    words: ClassVar[dict[str, str]] = {"unit": "objector"}

    unit: UUID
    ruling: Ruling
    to_unit: UUID | None = None
    reason: str = Field(min_length=1, max_length=REASON)


class CallOffForm(ReasonForm):
    """Why it is called off."""
