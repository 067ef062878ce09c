"""Forms of a register. An app's form adds fields of the names of its columns."""

from datetime import date
from typing import ClassVar, Self

from pydantic import Field, model_validator

from plugin_sdk.forms import Form
from plugin_sdk.problems import Invalid, field_error
from plugin_sdk.views import FieldKind

REASON = 1000


class RecordForm(Form):
    """What every record says: its name, and from when to when it is valid.

    A form with a field `code` lets people choose it (else it is given), one with a field
    `organization` whose record it is (else that of the actor's post).
    """

    name: str = Field(min_length=1, max_length=200)
    starts_on: date | None = None
    ends_on: date | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.starts_on and self.ends_on and self.ends_on < self.starts_on:
            raise Invalid(field_error("ends_on", "before-start"))
        return self


class ChangeForm(Form):
    """What a change carries beside the values: the version that was seen, and why."""

    kinds: ClassVar[dict[str, FieldKind]] = {"version": "hidden", "reason": "textarea"}

    version: int = Field(ge=1)
    reason: str | None = Field(default=None, max_length=REASON)


class EndForm(Form):
    """End a record (停用): its last day, and why."""

    kinds: ClassVar[dict[str, FieldKind]] = {"version": "hidden", "reason": "textarea"}

    version: int = Field(ge=1)
    ends_on: date
    reason: str = Field(min_length=1, max_length=REASON)
