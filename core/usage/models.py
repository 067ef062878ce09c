"""Tables of usage. No column holds a person, an address or what a session did when.

The grain is decided once (ADR 0006, ADR 0026): app × feature × organization × channel × day.
Only cells in which something happened are stored. What was counted today stands in minutes,
then in hours; each count stands in exactly one of the three, so that their sum is always right.
"""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from core.database import CoreBase
from plugin_sdk.data import UtcTime, new_id

NO_ORGANIZATION = ""

REQUESTS = ("answered", "refused", "failed")
SESSIONS = ("sessions", "fruitful", "attending")
QUALITIES = ("timed", "timely", "rated", "satisfied", "reminded")
KINDS = ("opens", "starts", "completes", "effects", *REQUESTS, *SESSIONS, *QUALITIES)
"""Every kind of count, in the order in which tables and structs name them."""


class Counts(SQLModel):
    """What is counted. `attending` sessions did nothing but check in; `timely` is counted of
    what was `timed` (had a deadline), `satisfied` of what was `rated`; `reminded` are effects
    that came after a reminder."""

    opens: int = 0
    starts: int = 0
    completes: int = 0
    effects: int = 0
    answered: int = 0
    refused: int = 0
    failed: int = 0
    sessions: int = 0
    fruitful: int = 0
    attending: int = 0
    timed: int = 0
    timely: int = 0
    rated: int = 0
    satisfied: int = 0
    reminded: int = 0


class UsageCell(CoreBase, Counts, table=True):
    """Counts of one feature of an app, from one organization, on one day in Shanghai."""

    __tablename__ = "usage_cell"

    day: date = Field(primary_key=True)
    app: str = Field(primary_key=True)
    feature: str = Field(primary_key=True)
    organization: str = Field(primary_key=True)
    channel: str = Field(primary_key=True)


class UsageHour(CoreBase, Counts, table=True):
    """The same within an hour, until its day is over."""

    __tablename__ = "usage_hour"

    at: datetime = Field(sa_type=UtcTime, primary_key=True)
    day: date
    app: str = Field(primary_key=True)
    feature: str = Field(primary_key=True)
    organization: str = Field(primary_key=True)
    channel: str = Field(primary_key=True)


class UsageMinute(CoreBase, Counts, table=True):
    """The same within a minute, until its hour is over."""

    __tablename__ = "usage_minute"

    at: datetime = Field(sa_type=UtcTime, primary_key=True)
    day: date
    app: str = Field(primary_key=True)
    feature: str = Field(primary_key=True)
    organization: str = Field(primary_key=True)
    channel: str = Field(primary_key=True)


class UsageDay(CoreBase, Counts, table=True):
    """All counts of an app on a day, whatever the feature: what portfolios read."""

    __tablename__ = "usage_day"

    app: str = Field(primary_key=True)
    day: date = Field(primary_key=True)


class UsageLatency(CoreBase, table=True):
    """Counts of answers by duration; `core.usage.latency` says what a bucket holds."""

    __tablename__ = "usage_latency"

    day: date = Field(primary_key=True)
    app: str = Field(primary_key=True)
    feature: str = Field(primary_key=True)
    bucket: int = Field(primary_key=True)
    count: int = 0


class UsageBatch(CoreBase, table=True):
    """Which batches of a worker are counted, and of when they were: each counts once."""

    __tablename__ = "usage_batch"

    worker: str = Field(primary_key=True)
    sequence: int = Field(primary_key=True)
    at: datetime = Field(sa_type=UtcTime, index=True)
    since: datetime = Field(sa_type=UtcTime)
    until: datetime = Field(sa_type=UtcTime)


class UsageWorker(CoreBase, table=True):
    """Until when the counts of a worker are known, when it left in good order (or was found
    dead), and up to which batch it was looked for missing ones."""

    __tablename__ = "usage_worker"

    worker: str = Field(primary_key=True)
    known_until: datetime = Field(sa_type=UtcTime)
    left_at: datetime | None = Field(default=None, sa_type=UtcTime)
    checked: int = 0


class UsageGap(CoreBase, table=True):
    """A span in which counts were lost: how many, where that is known. It makes what is
    counted in it unknown, never zero."""

    __tablename__ = "usage_gap"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    worker: str
    since: datetime = Field(sa_type=UtcTime, index=True)
    until: datetime = Field(sa_type=UtcTime)
    lost: int | None = None
    cause: str


class UsageReachKey(CoreBase, table=True):
    """The key of an app's pseudonyms for one reach period; destroyed when that is over."""

    __tablename__ = "usage_reach_key"

    app: str = Field(primary_key=True)
    period: str = Field(primary_key=True)
    key: bytes
    ends: date = Field(index=True)


class UsageReach(CoreBase, table=True):
    """How many people there were (`opened` or `completed`): a sketch, which cannot say who.

    `people` is about how many of the whole app (organization `*`). An organization has none until
    its period is settled; then it has what is published of it, and no sketch (`core.usage.reach`).
    """

    __tablename__ = "usage_reach"
    __table_args__ = (
        Index(
            "ix_usage_reach_unsettled",
            "app",
            "period",
            postgresql_where=text("people IS NULL"),
            sqlite_where=text("people IS NULL"),
        ),
    )

    app: str = Field(primary_key=True)
    period: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    organization: str = Field(primary_key=True)
    sketch: bytes
    people: int | None = None


class UsageSession(CoreBase, table=True):
    """What became of an open session (under a keyed digest) in an app: whether anything was filed
    or finished in it, or only a check-in. The row is folded into the counts and deleted when the
    session has ended (`core.usage.sessions`)."""

    __tablename__ = "usage_session"

    session: str = Field(primary_key=True)
    app: str = Field(primary_key=True)
    organization: str
    channel: str
    day: date
    fruitful: bool = False
    attending: bool = False


class UsageExit(CoreBase, table=True):
    """How often an app's answers led to another host: by a redirect, or by a link that a
    looked-through page had to a sign-in elsewhere (门后有门)."""

    __tablename__ = "usage_exit"

    day: date = Field(primary_key=True)
    app: str = Field(primary_key=True)
    feature: str = Field(primary_key=True)
    host: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    count: int = 0


class UsageEffect(CoreBase, table=True):
    """What befell a business object: each effect on it counts once, and so does its procedure,
    which is started and then completed (`core.usage.effects`)."""

    __tablename__ = "usage_effect"

    app: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    subject: str = Field(primary_key=True)
    day: date


class UsageElement(CoreBase, table=True):
    """Fields of an app's forms that asked for a data element which the hub held: how often it
    was filled in and stayed (`spared`), how often it was typed all the same (`asked`)."""

    __tablename__ = "usage_element"

    day: date = Field(primary_key=True)
    app: str = Field(primary_key=True)
    element: str = Field(primary_key=True)
    spared: int = 0
    asked: int = 0


def organization_key(id: UUID | None) -> str:
    """Return an organization as usage stores it."""
    return str(id) if id else NO_ORGANIZATION
