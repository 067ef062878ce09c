"""The table of lines: a register, so that what was said of a line before stays."""

from datetime import date
from typing import ClassVar

from sqlmodel import Field

from plugin_sdk.registers import RegisterRow, RegisterVersion
from plugins.hotline.models import Base


class LineVersion(RegisterVersion, Base, table=True):
    """A line as it stood."""

    __tablename__ = "hotline_line_version"
    shared: ClassVar[bool] = True


class Line(RegisterRow, Base, table=True):
    """An old line: `code` is its number, `owner` the unit whose it was.

    From `takes_over_on` its callers reach the one intake; `ends_on` is the last day of the old
    number. `app` is the app, as the county's register has it, that goes with the number.
    """

    __tablename__ = "hotline_line"
    versions: ClassVar[type[RegisterVersion]] = LineVersion
    shared: ClassVar[bool] = True

    owner: str = Field(max_length=40)
    takes_over_on: date | None = None
    app: str | None = Field(default=None, max_length=40)
