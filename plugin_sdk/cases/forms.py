"""Forms of acts that many procedures share. Every one carries the version that was seen."""

from datetime import date
from enum import StrEnum
from typing import ClassVar, Final
from uuid import UUID

from pydantic import Field

from plugin_sdk.forms import Form
from plugin_sdk.views import FieldKind

LONG_TEXT = 8000
REASON = 1000


class ActForm(Form):
    """The base of all acts on a case: the version of the case that the actor saw."""

    kinds: ClassVar[dict[str, FieldKind]] = {
        "version": "hidden",
        "reason": "textarea",
        "text": "textarea",
        "comment": "textarea",
        "unit": "select",
    }

    version: int = Field(ge=1)


class ReasonForm(ActForm):
    """An act that must say why."""

    reason: str = Field(min_length=1, max_length=REASON)


class NoteForm(ActForm):
    """An act that may say something to those who come after."""

    reason: str | None = Field(default=None, max_length=REASON)


class ReturnForm(ReasonForm):
    """Return (退回): why, and by which rule."""

    legal_basis: str = Field(min_length=1, max_length=300)


class ReplyForm(ActForm):
    """An answer (答复) to whoever asked."""

    words: ClassVar[dict[str, str]] = {"text": "reply"}

    text: str = Field(min_length=1, max_length=LONG_TEXT)


class MoveForm(ActForm):
    """Hand a case to a unit (派单, 转办)."""

    unit: UUID
    reason: str | None = Field(default=None, max_length=REASON)


class AssignForm(ActForm):
    """Give an assisting unit (协办) its part: what, and by when if sooner than the case."""

    words: ClassVar[dict[str, str]] = {"text": "part"}

    unit: UUID
    text: str = Field(min_length=1, max_length=REASON)
    due_on: date | None = None


class PartForm(ActForm):
    """The reply of an assisting unit to its part."""

    words: ClassVar[dict[str, str]] = {"text": "part_reply"}

    text: str = Field(min_length=1, max_length=LONG_TEXT)


class SendBackForm(ActForm):
    """Send the reply to a part back to its unit."""

    unit: UUID
    reason: str = Field(min_length=1, max_length=REASON)


class ExtendForm(ActForm):
    """Ask for more time (延期), in the unit of the case's own term."""

    days: int = Field(ge=1, le=60)
    reason: str = Field(min_length=1, max_length=REASON)


class Decision(StrEnum):
    """What was decided on a request."""

    APPROVE = "approve"
    REFUSE = "refuse"


class DecideForm(ActForm):
    """Decide on what another person asked for."""

    decision: Decision
    reason: str | None = Field(default=None, max_length=REASON)


class Rating(StrEnum):
    """The national scale of ratings (好差评, GB/T 39735-2020: five choices, none preset)."""

    VERY_SATISFIED = "5"
    SATISFIED = "4"
    FAIR = "3"
    DISSATISFIED = "2"
    VERY_DISSATISFIED = "1"


SATISFIED: Final = frozenset({5, 4, 3})
"""The choices that count as satisfied: 非常满意, 满意, 基本满意."""


class RateForm(ActForm):
    """Rate (评价) how a case was handled."""

    rating: Rating
    comment: str | None = Field(default=None, max_length=REASON)


class RevealForm(Form):
    """Why something that is masked must be seen (查看原值); it is recorded."""

    kinds: ClassVar[dict[str, FieldKind]] = {"reason": "textarea"}

    reason: str = Field(min_length=1, max_length=500)
