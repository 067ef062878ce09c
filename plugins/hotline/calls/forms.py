"""Forms of the operator's desk."""

from enum import StrEnum
from typing import ClassVar, Self
from uuid import UUID

from pydantic import Field, model_validator

from plugin_sdk.forms import Form
from plugin_sdk.identifiers import IdentifierError, normalize_phone
from plugin_sdk.problems import Invalid, field_error
from plugin_sdk.views import FieldKind
from plugins.hotline.forms import TakenForm


class Outcome(StrEnum):
    """How an operator ends a call that became no order."""

    ANSWERED = "answered"  # 当场答复
    TRANSFERRED = "transferred"  # 转接
    CALLED_BACK = "called_back"  # 回拨
    ABANDONED = "abandoned"  # 未接通


class DeskForm(TakenForm):
    """What an operator takes down of a call; with `reply` it is answered on the spot. Who hides
    their number need not name one."""

    kinds: ClassVar[dict[str, FieldKind]] = {
        **TakenForm.kinds,
        "reply": "textarea",
        "used": "hidden",
    }
    words: ClassVar[dict[str, str]] = {"reply": "spot_reply"}

    reply: str | None = Field(default=None, max_length=8000)
    used: UUID | None = None


class FinishForm(Form):
    """End a call that becomes no order; what was said (`used`: with which answer of the knowledge
    base), or where it went."""

    kinds: ClassVar[dict[str, FieldKind]] = {"used": "hidden"}

    note: str | None = Field(default=None, max_length=500)
    outcome: Outcome
    used: UUID | None = None

    @model_validator(mode="after")
    def _where_to(self) -> Self:
        if self.outcome is Outcome.TRANSFERRED and not self.note:
            raise Invalid(field_error("note", "missing"))
        return self


class DialForm(Form):
    """Call a number."""

    kinds: ClassVar[dict[str, FieldKind]] = {"number": "phone"}

    number: str = Field(min_length=1, max_length=30)

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        try:
            normalize_phone(self.number)
        except IdentifierError as error:
            raise Invalid(field_error("number", error.code)) from None
        return self


class CallBackForm(Form):
    """Call who asked; pages of orders send the version that they show."""

    version: int | None = None


class SeatForm(Form):
    """The telephone on which one takes calls."""

    extension: str = Field(min_length=2, max_length=10, pattern=r"^[0-9]+$")


class RingForm(Form):
    """A call at the simulated exchange: from a number or a hidden one, to a line."""

    kinds: ClassVar[dict[str, FieldKind]] = {"phone": "phone"}

    phone: str | None = Field(default=None, max_length=30)
    line: str = Field(default="12345", min_length=3, max_length=30, pattern=r"^[0-9-]+$")
