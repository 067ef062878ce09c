"""Which hours a place offers on a day: a pure function of what staff entered and the calendar.

Days are those of Asia/Shanghai. Whether a weekday is worked says the working calendar alone: a
year that it does not know is said to be unknown, and nothing is offered on its weekdays.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final, Literal, Protocol

import msgspec

from plugin_sdk.deadlines import CalendarUnknown, WorkingCalendar
from plugin_sdk.times import SHANGHAI

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WEEKEND: Final = ("sat", "sun")


class Days(StrEnum):
    """On which days hours are offered."""

    WORKING = "working"  # 工作日，调休上班的周末也算
    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"
    DAILY = "daily"  # whatever the calendar says: an extra opening, a closing


class Pattern(Protocol):
    """What `plugin_sdk.appointments.models.HoursRow` says."""

    place: str
    service: str | None
    days: str
    opens: str
    closes: str
    minutes: int
    quota: int
    name: str

    def valid_on(self, day: date) -> bool:
        """Return whether it is in force on a day."""
        ...


class Slot(msgspec.Struct, frozen=True, kw_only=True):
    """An hour that takes `quota` people for a service at a place."""

    place: str
    service: str
    starts_at: datetime
    ends_at: datetime
    quota: int

    @property
    def day(self) -> date:
        """Return its day in Shanghai."""
        return self.starts_at.astimezone(SHANGHAI).date()

    @property
    def clock(self) -> str:
        """Return its beginning as addresses carry it: 0930."""
        return f"{self.starts_at.astimezone(SHANGHAI):%H%M}"

    @property
    def key(self) -> str:
        """Return what no other hour has."""
        return f"{self.place}|{self.service}|{self.day}|{self.clock}"


class DayPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What a place offers on a day. `unknown`: its holidays are not known, so that hours on
    working days cannot be told; `reason` is what staff said of a closing."""

    day: date
    kind: Literal["open", "closed", "unknown"]
    slots: tuple[Slot, ...] = ()
    reason: str | None = None


def moment(day: date, clock: str) -> datetime:
    """Return the moment of `9:30` or `09:30` on a day, in UTC."""
    hour, _, minute = clock.partition(":")
    return datetime.combine(day, time(int(hour), int(minute)), SHANGHAI).astimezone(UTC)


def offered_on(days: str, day: date, calendar: WorkingCalendar) -> bool:
    """Return whether hours of such days are offered on a day: those of Monday to Friday when it
    is worked, those of Saturday and Sunday whatever the calendar says, since staff chose them.

    Raises `CalendarUnknown`.
    """
    if days == Days.DAILY:
        return True
    if days == Days.WORKING:
        return calendar.is_working_day(day)
    if WEEKDAYS[day.weekday()] != days:
        return False
    return days in WEEKEND or calendar.is_working_day(day)


def plan(
    patterns: Sequence[Pattern], place: str, service: str, day: date, calendar: WorkingCalendar
) -> DayPlan:
    """Return what a place offers of a service on a day. Hours that begin together are one, with
    the quotas added; an hour that a closing touches is not offered."""
    unknown, slots = False, dict[datetime, Slot]()
    for pattern in patterns:
        if not pattern.quota or (pattern.place, pattern.service) != (place, service):
            continue
        try:
            if not (pattern.valid_on(day) and offered_on(pattern.days, day, calendar)):
                continue
        except CalendarUnknown:
            unknown = True
            continue
        for slot in _cut(pattern, place, service, day):
            beside = slots.get(slot.starts_at)
            slots[slot.starts_at] = slot if beside is None else _together(slot, beside)
    shut = closings_on(patterns, place, service, day, calendar)
    left = tuple(slots[start] for start in sorted(slots) if not closing_of(slots[start], shut))
    if left or not unknown:
        reason = shut[0].name if slots and not left else None
        return DayPlan(day=day, kind="open" if left else "closed", slots=left, reason=reason)
    return DayPlan(day=day, kind="unknown")


def closing_of(slot: Slot, closings: Iterable[Pattern]) -> Pattern | None:
    """Return the closing that touches an hour, None where none does."""
    for pattern in closings:
        opens, closes = moment(slot.day, pattern.opens), moment(slot.day, pattern.closes)
        if slot.starts_at < closes and opens < slot.ends_at:
            return pattern
    return None


def closings_on(
    patterns: Sequence[Pattern], place: str, service: str, day: date, calendar: WorkingCalendar
) -> list[Pattern]:
    """Return the closings of a service at a place on a day."""
    return [
        p
        for p in patterns
        if not p.quota
        and p.place == place
        and p.service in (None, service)
        and p.valid_on(day)
        and _closes(p, day, calendar)
    ]


def _closes(pattern: Pattern, day: date, calendar: WorkingCalendar) -> bool:
    try:
        return offered_on(pattern.days, day, calendar)
    except CalendarUnknown:  # a closing that may hold, holds: nobody comes to a shut door
        return True


def _cut(pattern: Pattern, place: str, service: str, day: date) -> Iterable[Slot]:
    start, end = moment(day, pattern.opens), moment(day, pattern.closes)
    step = timedelta(minutes=pattern.minutes)
    while start + step <= end:
        yield Slot(
            place=place,
            service=service,
            starts_at=start,
            ends_at=start + step,
            quota=pattern.quota,
        )
        start += step


def _together(one: Slot, other: Slot) -> Slot:
    return msgspec.structs.replace(
        one, quota=one.quota + other.quota, ends_at=max(one.ends_at, other.ends_at)
    )
