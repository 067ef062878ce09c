"""The form of a line."""

import re
from datetime import date
from typing import ClassVar, Self

from pydantic import Field, model_validator

from plugin_sdk.problems import FieldError, Invalid
from plugin_sdk.registers import RecordForm
from plugin_sdk.views import FieldKind, Phrase

NUMBER = r"[0-9]{3,20}(-[0-9]{1,8})?"
APP = r"[a-z][a-z0-9]*(-[a-z0-9]+)*"


def wrong(field: str, why: str) -> FieldError:
    """Return the error of a field in the words of lines."""
    return FieldError(field, Phrase(f"hotline.line.wrong.{why}"))


class LineForm(RecordForm):
    """An old line: its number, whose it was, since when its callers reach the one intake."""

    kinds: ClassVar[dict[str, FieldKind]] = {"owner": "select"}

    code: str = Field(min_length=1, max_length=30)
    owner: str = Field(min_length=1, max_length=40)
    takes_over_on: date | None = None
    app: str | None = Field(default=None, max_length=40)

    @model_validator(mode="after")
    def _check(self) -> Self:
        code, app = getattr(self, "code", None), self.app
        found = []
        if code is not None and not re.fullmatch(NUMBER, code):
            found.append(wrong("code", "number"))
        if app is not None and not re.fullmatch(APP, app):
            found.append(wrong("app", "app"))
        if self.ends_on and (self.takes_over_on is None or self.ends_on < self.takes_over_on):
            found.append(wrong("ends_on", "before_merge"))
        if found:
            raise Invalid(*found)
        return self
