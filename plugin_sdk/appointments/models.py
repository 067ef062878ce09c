"""Mixins of appointments. The tables are the app's own.

class HoursVersion(RegisterVersion, Base, table=True): ...
class Hours(HoursRow, Base, table=True):
    versions: ClassVar[type[RegisterVersion]] = HoursVersion
class Slot(SlotRow, Base, table=True): ...
class Booking(BookingRow, Base, table=True): ...
"""

from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from sqlmodel import Field

from plugin_sdk.data import Identified, Owned, UtcTime, Versioned
from plugin_sdk.registers import RegisterRow


class PlaceRow(RegisterRow):
    """A place (办理点) where people come: its `organization_id` is the unit that serves there."""

    shared: ClassVar[bool] = True

    address: str = Field(max_length=200)
    phone: str | None = Field(default=None, max_length=40)


class HoursRow(RegisterRow):
    """Hours of a service at a place (开放时间), day after day from `starts_on` to `ends_on`.

    Every `minutes` from `opens` to `closes` an hour begins that takes `quota` people. With a
    quota of nought the place is closed then (停办), for one service or (None) for all.
    """

    shared: ClassVar[bool] = True

    place: str = Field(max_length=40)
    service: str | None = Field(default=None, max_length=40)
    days: str = Field(max_length=20)
    opens: str = Field(max_length=5)
    closes: str = Field(max_length=5)
    minutes: int
    quota: int


class SlotRow(Identified):
    """An hour that somebody asked for: how many places are taken and how many people wait.

    It says nothing of a person and lies in nobody's scope. Whoever takes or frees a place locks
    it first, so that the last place goes to one.
    """

    key: str = Field(max_length=120, unique=True)
    place: str = Field(max_length=40)
    service: str = Field(max_length=40)
    day: date
    starts_at: datetime = Field(sa_type=UtcTime, index=True)
    taken: int = 0
    waiting: int = 0
    queued: int = 0
    """The last queue number that was given."""
    tickets: int = 0
    """The last place in the waiting list that was given."""


class BookingRow(Owned, Versioned):
    """Somebody's appointment (预约), or their place in the waiting list (候补).

    `claim` holds what a person may have once (a service on a day) while it lasts; `ticket`
    orders the waiting list; `queue` is the number that is called at the counter.
    """

    number: str = Field(max_length=40, unique=True)
    claim: str | None = Field(default=None, max_length=120, unique=True)
    slot_id: UUID = Field(index=True)
    place: str = Field(max_length=40, index=True)
    service: str = Field(max_length=40)
    day: date = Field(index=True)
    starts_at: datetime = Field(sa_type=UtcTime, index=True)
    ends_at: datetime = Field(sa_type=UtcTime)
    state: str = Field(max_length=20, index=True)
    queue: str | None = Field(default=None, max_length=20)
    ticket: int | None = None
    offered_until: datetime | None = Field(default=None, sa_type=UtcTime)
    waited: bool = False
    reminded: bool = False
    person_name: str = Field(max_length=100)
    made_at: datetime = Field(sa_type=UtcTime, index=True)
    changed_at: datetime = Field(sa_type=UtcTime)
    arrived_at: datetime | None = Field(default=None, sa_type=UtcTime)
    reason: str | None = Field(default=None, max_length=200)
