"""Forms of receptions and of matters that could not be done."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Annotated, ClassVar, Self
from uuid import UUID

from pydantic import AfterValidator, Field, field_validator, model_validator

from plugin_sdk.appointments.forms import CLOCK
from plugin_sdk.cases.forms import ActForm, MoveForm, ReplyForm
from plugin_sdk.forms import Form
from plugin_sdk.identifiers import IdentifierError, normalize_phone
from plugin_sdk.problems import Invalid, field_error
from plugin_sdk.registers import RecordForm
from plugin_sdk.views import FieldKind


class ReceptionDayForm(RecordForm):
    """A day on which a leader receives: who, about what, where, when, how many."""

    leader: str = Field(min_length=1, max_length=100)
    place: str = Field(min_length=1, max_length=200)
    ends_on: date
    opens: str = Field(min_length=1, max_length=5)
    closes: str = Field(min_length=1, max_length=5)
    places: int = Field(ge=1, le=60)

    @field_validator("opens", "closes")
    @classmethod
    def _clock(cls, value: str) -> str:
        found = CLOCK.fullmatch(value)
        return f"{int(found[1]):02}:{found[2]}" if found else ""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if wrong := [name for name in ("opens", "closes") if not getattr(self, name)]:
            raise Invalid(*(field_error(name, "time") for name in wrong))
        if self.closes <= self.opens:
            raise Invalid(field_error("closes", "closes-first"))
        return self


def _reachable(value: str) -> str:
    try:
        return normalize_phone(value)
    except IdentifierError as error:
        raise Invalid(field_error("phone", error.code)) from None


Phone = Annotated[str, Field(min_length=1, max_length=30), AfterValidator(_reachable)]
"""How whoever asks is reached, as it is kept."""


class VisitForm(Form):
    """Register for a reception, with one's matter."""

    kinds: ClassVar[dict[str, FieldKind]] = {
        "day": "select",
        "text": "textarea",
        "phone": "phone",
    }
    elements: ClassVar[Mapping[str, str]] = {"phone": "person.phone"}

    day: UUID
    text: str = Field(min_length=1, max_length=4000)
    phone: Phone


class CallerVisitForm(VisitForm):
    """Register somebody who calls or stands at the counter."""

    elements: ClassVar[Mapping[str, str]] = {}

    caller_name: str = Field(min_length=1, max_length=100)


class ReceiveForm(ActForm):
    """The minutes of a reception, and what was promised: an order."""

    kinds: ClassVar[dict[str, FieldKind]] = {**ActForm.kinds, "promise": "textarea"}
    words: ClassVar[dict[str, str]] = {"text": "minutes"}

    text: str = Field(min_length=1, max_length=8000)
    promise: str = Field(min_length=1, max_length=4000)
    due_on: date | None = None


class HeardForm(ActForm):
    """The minutes of a reception at which the matter was settled."""

    words: ClassVar[dict[str, str]] = {"text": "minutes"}

    text: str = Field(min_length=1, max_length=8000)


class AnotherDayForm(ActForm):
    """Another day for a visit."""

    kinds: ClassVar[dict[str, FieldKind]] = {**ActForm.kinds, "day": "select"}

    day: UUID
    reason: str = Field(min_length=1, max_length=1000)


class MatterForm(Form):
    """What could not be done: which matter, at which counter, what was refused and why."""

    kinds: ClassVar[dict[str, FieldKind]] = {
        "unit_id": "select",
        "text": "textarea",
        "said": "textarea",
        "photos": "photo",
        "phone": "phone",
    }
    elements: ClassVar[Mapping[str, str]] = {"phone": "person.phone"}

    matter: str = Field(min_length=1, max_length=200)
    unit_id: UUID
    counter: str = Field(min_length=1, max_length=100)
    refused_on: date
    text: str = Field(min_length=1, max_length=8000)
    said: str | None = Field(default=None, max_length=2000)
    photos: str | None = Field(default=None, max_length=0)
    phone: Phone


class CallerMatterForm(MatterForm):
    """What the window's officer takes down for who stands there."""

    elements: ClassVar[Mapping[str, str]] = {}

    caller_name: str = Field(min_length=1, max_length=100)


class TakeForm(MoveForm):
    """Take a matter: who answers for it (首席事务代表), and which unit is asked."""

    representative: str = Field(min_length=1, max_length=100)


class Finding(StrEnum):
    """Whether a refusal was right."""

    RIGHT = "right"
    WRONG = "wrong"


class StateForm(ActForm):
    """What the unit says: whether it was right to refuse, by which rule."""

    words: ClassVar[dict[str, str]] = {"text": "statement"}

    finding: Finding
    rule: str | None = Field(default=None, max_length=500)
    text: str = Field(min_length=1, max_length=8000)

    @model_validator(mode="after")
    def _by_rule(self) -> Self:
        if self.finding is Finding.RIGHT and self.rule is None:
            raise Invalid(field_error("rule", "missing"))
        return self


class AskForm(MoveForm):
    """Ask the unit, or another, once more."""

    reason: str = Field(min_length=1, max_length=1000)


class Cause(StrEnum):
    """Why it failed at the counter."""

    MATERIALS = "materials"  # 材料反复补正
    CONDITIONS = "conditions"  # 条件理解不一
    SYSTEM = "system"  # 系统或数据不通
    BORDER = "border"  # 部门之间推诿
    RULE = "rule"  # 规定或指南不清
    SERVICE = "service"  # 服务态度或效率
    OTHER = "other"


class SettleForm(ReplyForm):
    """It was done after all."""

    cause: Cause


class ExplainForm(ReplyForm):
    """It cannot be done, and by which rule."""

    cause: Cause
    rule: str = Field(min_length=1, max_length=500)


class SystemicForm(ReplyForm):
    """It will fail the next one too: what has to change."""

    kinds: ClassVar[dict[str, FieldKind]] = {**ReplyForm.kinds, "proposal": "textarea"}

    cause: Cause
    proposal: str = Field(min_length=1, max_length=4000)
