"""Forms of meetings."""

import re
from datetime import date
from functools import cache
from typing import Any, ClassVar, Self

from pydantic import Field, create_model, model_validator

from plugin_sdk.forms import Form
from plugin_sdk.problems import FieldError, Invalid, field_error
from plugin_sdk.publishing import PublicText
from plugin_sdk.views import FieldKind

LONG_TEXT = 8000
MOST = 10_000
_CLOCK = re.compile(r"([01]?[0-9]|2[0-3])[:：]([0-5][0-9])")


class CallForm(Form):
    """Call a meeting (通知): when, where, what about."""

    kinds: ClassVar[dict[str, FieldKind]] = {"agenda": "textarea"}

    title: PublicText = Field(min_length=1, max_length=200)
    day: date
    time: str = Field(min_length=4, max_length=5)
    place: PublicText = Field(min_length=1, max_length=200)
    agenda: PublicText = Field(min_length=1, max_length=LONG_TEXT)

    @model_validator(mode="after")
    def _a_time(self) -> Self:
        if not _CLOCK.fullmatch(self.time):
            raise Invalid(field_error("time", "time"))
        return self

    @property
    def clock(self) -> tuple[int, int]:
        """Return hour and minute."""
        found = _CLOCK.fullmatch(self.time)
        return (int(found[1]), int(found[2])) if found else (0, 0)


class MeetingQuestionForm(Form):
    """A question at a meeting: answered on the spot, or with the day by which it will be."""

    kinds: ClassVar[dict[str, FieldKind]] = {"text": "textarea", "reply": "textarea"}

    asker: str | None = Field(default=None, max_length=100)
    text: str = Field(min_length=1, max_length=LONG_TEXT)
    reply: str | None = Field(default=None, max_length=LONG_TEXT)
    promised_on: date | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.reply is None) == (self.promised_on is None):
            raise Invalid(field_error("reply", "reply-or-promise"))
        return self


class MinutesForm(Form):
    """Publish the minutes (纪要)."""

    kinds: ClassVar[dict[str, FieldKind]] = {"minutes": "textarea"}

    minutes: PublicText = Field(min_length=1, max_length=LONG_TEXT)


class CancelForm(Form):
    """Call a meeting off, and say why."""

    kinds: ClassVar[dict[str, FieldKind]] = {"reason": "textarea"}

    reason: str = Field(min_length=1, max_length=1000)


class Held(Form):
    """How many of each group came; more than belong to it is refused, and so is nobody."""

    @model_validator(mode="after")
    def _counted(self) -> Self:
        wrong: list[FieldError] = []
        for group, (came, of) in self.attendance().items():
            if came > of:
                wrong.append(field_error(f"came_{group}", "too-large", limit=of))
        if not wrong and not any(came for came, _ in self.attendance().values()):
            wrong.append(field_error(next(iter(type(self).model_fields)), "nobody-came"))
        if wrong:
            raise Invalid(*wrong)
        return self

    def attendance(self) -> dict[str, list[int]]:
        """Return for each group how many came and how many belong to it."""
        values = self.model_dump()
        groups = [name.removeprefix("came_") for name in values if name.startswith("came_")]
        return {group: [values[f"came_{group}"], values[f"of_{group}"]] for group in groups}


@cache
def held_form(groups: tuple[str, ...]) -> type[Held]:
    """Return the form of attendance for the groups of a meeting."""
    fields: dict[str, Any] = {}
    for group in groups:
        fields[f"came_{group}"] = (int, Field(ge=0, le=MOST))
        fields[f"of_{group}"] = (int, Field(ge=0, le=MOST))
    made: type[Held] = create_model("HeldForm", __base__=Held, **fields)
    return made
