"""Forms of appointments."""

import re
from typing import ClassVar, Final, Self

from pydantic import Field, field_validator, model_validator

from plugin_sdk.appointments.hours import Days
from plugin_sdk.forms import Form
from plugin_sdk.problems import Invalid, field_error
from plugin_sdk.registers import RecordForm
from plugin_sdk.views import FieldKind

CLOCK: Final = re.compile(r"([01]?[0-9]|2[0-3])[:：]([0-5][0-9])")
MOST_PLACES: Final = 1000


class NothingForm(Form):
    """An act that asks for nothing more."""


class CodeForm(Form):
    """Who is at the counter: the number of the appointment, or the queue number."""

    code: str = Field(min_length=1, max_length=40)


class PlaceForm(RecordForm):
    """A place where people come."""

    kinds: ClassVar[dict[str, FieldKind]] = {"phone": "phone"}

    code: str = Field(min_length=1, max_length=20, pattern=r"^[0-9A-Za-z-]+$")
    address: str = Field(min_length=1, max_length=200)
    phone: str | None = Field(default=None, max_length=40)


class HoursForm(RecordForm):
    """Hours of a service at a place; a quota of nought closes it then. `service` empty: all."""

    kinds: ClassVar[dict[str, FieldKind]] = {
        "place": "select",
        "service": "select",
        "days": "select",
    }

    place: str = Field(min_length=1, max_length=40)
    service: str | None = Field(default=None, max_length=40)
    days: Days
    opens: str = Field(min_length=1, max_length=5)
    closes: str = Field(min_length=1, max_length=5)
    minutes: int = Field(default=60, ge=5, le=720)
    quota: int = Field(ge=0, le=MOST_PLACES)

    @field_validator("opens", "closes")
    @classmethod
    def _clock(cls, value: str) -> str:
        found = CLOCK.fullmatch(value)
        if found is None:
            return ""
        return f"{int(found[1]):02}:{found[2]}"

    @model_validator(mode="after")
    def _fits(self) -> Self:
        wrong = [name for name in ("opens", "closes") if not getattr(self, name)]
        if wrong:
            raise Invalid(*(field_error(name, "time") for name in wrong))
        if self.closes <= self.opens:
            raise Invalid(field_error("closes", "closes-first"))
        if self.quota and self.service is None:
            raise Invalid(field_error("service", "missing"))
        if self.quota and self.minutes > _minutes(self.closes) - _minutes(self.opens):
            raise Invalid(field_error("minutes", "hour-too-long"))
        return self


def _minutes(clock: str) -> int:
    hour, _, minute = clock.partition(":")
    return int(hour) * 60 + int(minute)
