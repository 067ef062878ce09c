"""Mixins of what is owed for a period and of what was filed. The tables are the app's own.

class Publication(DutyFiling, Base, table=True): ...
class Month(DutyPeriod, Base, table=True):
    filings: ClassVar[type[DutyFiling]] = Publication
"""

from datetime import date, datetime
from typing import ClassVar, Literal, Protocol
from uuid import UUID

from sqlalchemy import JSON
from sqlmodel import Field

from plugin_sdk.data import Owned, UtcTime, Versioned
from plugin_sdk.signing import Signed

Standing = Literal["on_time", "late", "nil", "missing", "open", "released", "none"]


class Progress(Protocol):
    """What of a period tells how it stands."""

    @property
    def due_at(self) -> datetime | None: ...
    @property
    def owed(self) -> int: ...
    @property
    def done(self) -> int: ...
    @property
    def nil(self) -> int: ...
    @property
    def completed_at(self) -> datetime | None: ...
    @property
    def late_at(self) -> datetime | None: ...
    @property
    def released_at(self) -> datetime | None: ...


def standing_of(period: Progress, now: datetime) -> Standing:
    """Return how a period stands: complete (`on_time`, `late`, `nil`: nothing all over), or
    `missing` something, `open` (nothing is late yet), `released` (its organization was closed
    before it was due); `none` where nothing is owed."""
    if not period.owed:
        return "none"
    if period.completed_at is not None:
        overdue = period.due_at is not None and period.completed_at > period.due_at
        if overdue or period.late_at is not None:
            return "late"
        return "nil" if period.nil >= period.done else "on_time"
    if period.released_at is not None:
        return "released"
    overdue = period.due_at is not None and now > period.due_at
    return "missing" if overdue or period.late_at is not None else "open"


class DutyFiling(Owned, Signed):
    """A return for one item of a period: one row a version, never changed once published.

    Its signature is the operator's; `reviewer_*` decided on it. `state` is `submitted`,
    `published`, `refused`, or `replaced` (a correction was published). `nil` says that there
    was nothing; `late` is decided when the first version is published and stays.
    """

    key: str = Field(max_length=150, unique=True)
    period_id: UUID = Field(index=True)
    period: date = Field(index=True)
    item: str = Field(max_length=40, index=True)
    seq: int
    state: str = Field(max_length=20, index=True)
    nil: bool = False
    late: bool = False
    imported: bool = False
    reason: str | None = Field(default=None, max_length=1000)
    reviewer_person_id: UUID | None = None
    reviewer_role: str = Field(default="", max_length=200)
    reviewed_at: datetime | None = Field(default=None, sa_type=UtcTime)
    remark: str | None = Field(default=None, max_length=1000)
    published_at: datetime | None = Field(default=None, sa_type=UtcTime)


class DutyPeriod(Owned, Versioned):
    """What an organization owes for a period, and how far it is.

    `expected` are the codes of the items as the catalogue had them when the period opened, `owed`
    how many (none for a month that was only imported);
    `late_at` is when it was found that something was missing after the last day: it stays.
    `supervisor_id` is the organization that looks after it.
    """

    filings: ClassVar[type[DutyFiling]]

    key: str = Field(max_length=60, unique=True)
    period: date = Field(index=True)
    supervisor_id: UUID | None = Field(default=None, index=True)
    due_at: datetime | None = Field(default=None, sa_type=UtcTime, index=True)
    expected: list[str] = Field(default_factory=list, sa_type=JSON)
    owed: int = 0
    done: int = 0
    nil: int = 0
    completed_at: datetime | None = Field(default=None, sa_type=UtcTime)
    late_at: datetime | None = Field(default=None, sa_type=UtcTime)
    released_at: datetime | None = Field(default=None, sa_type=UtcTime)
    urged_at: datetime | None = Field(default=None, sa_type=UtcTime)
