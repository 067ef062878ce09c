"""Arithmetic of deadlines (期限): when a term ends, what is left, what was skipped.

Rules are those of 民法典 第201–203条: the day on which a term in days begins is not counted;
a term in hours runs from its moment; a last day that is a day of rest gives way to the next
working day; where there are office hours, the last day ends when they do. Moments are UTC;
days are those of Asia/Shanghai. A year whose holidays are not known raises `CalendarUnknown`:
weekdays are never assumed to be working days.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, Literal, Protocol

import msgspec

from plugin_sdk.times import SHANGHAI

_DAY: Final = timedelta(days=1)
_ZERO: Final = timedelta(0)
MAX_DAYS: Final = 3660
"""The longest term in days (ten years)."""


class DeadlineError(ValueError):
    """A deadline that cannot be computed; `code` says why.

    Codes: `term-unit` (not exactly one unit), `term-length` (below 1 or too long), `time-naive`,
    `pause-reversed` (resumed before it was paused), `office-hours` (end not after start), and
    `calendar-unknown` (see `CalendarUnknown`).
    """

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


class CalendarUnknown(DeadlineError):
    """The holidays of `year` are not known (节假日未录入); shown as 期限待定."""

    def __init__(self, year: int) -> None:
        super().__init__("calendar-unknown", year=year)
        self.year = year


class WorkingCalendar(Protocol):
    """Which days are worked."""

    def is_working_day(self, day: date) -> bool:
        """Return whether offices work on `day`; raise `CalendarUnknown` beyond known years."""
        ...


class OfficeHours(msgspec.Struct, frozen=True):
    """When a working day begins and ends, in Asia/Shanghai; the break at noon is not taken off."""

    start: time = time(8, 30)
    end: time = time(17, 30)

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise DeadlineError("office-hours", start=self.start, end=self.end)

    @property
    def length(self) -> timedelta:
        """How long a working day is."""
        return datetime.combine(date.min, self.end) - datetime.combine(date.min, self.start)

    def opening(self, day: date) -> datetime:
        """Return when offices open on `day`."""
        return datetime.combine(day, self.start, SHANGHAI)

    def closing(self, day: date) -> datetime:
        """Return when offices close on `day`."""
        return datetime.combine(day, self.end, SHANGHAI)


OFFICE_HOURS: Final = OfficeHours()


class Term(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A length of time in one unit: `Term(working_days=5)`, `Term(calendar_days=30)`,
    `Term(working_hours=2)`. Raises `DeadlineError` unless exactly one unit is given, from 1 up.
    """

    working_days: int | None = None
    calendar_days: int | None = None
    working_hours: int | None = None

    def __post_init__(self) -> None:
        given = [
            n for n in (self.working_days, self.calendar_days, self.working_hours) if n is not None
        ]
        if len(given) != 1:
            raise DeadlineError("term-unit")
        longest = MAX_DAYS * 8 if self.working_hours is not None else MAX_DAYS
        if not 1 <= given[0] <= longest:
            raise DeadlineError("term-length", n=given[0], longest=longest)


RemainingKind = Literal[
    "unknown", "days_left", "today", "hours_left", "overdue_under_day", "overdue_days"
]


class Remaining(msgspec.Struct, frozen=True):
    """What is left of a deadline, in the kinds of `plugin_sdk.views.DeadlineView`.

    `n` counts working days, or working hours (rounded up) for `hours_left`; else it is None.
    """

    kind: RemainingKind
    n: int | None = None


def local_day(moment: date | datetime) -> date:
    """Return the day of a moment in Shanghai; a plain date is itself.

    Raises `DeadlineError` (`time-naive`) for a datetime without a zone.
    """
    if not isinstance(moment, datetime):
        return moment
    if moment.tzinfo is None:
        raise DeadlineError("time-naive")
    return moment.astimezone(SHANGHAI).date()


def due(
    start: datetime, term: Term, calendar: WorkingCalendar, hours: OfficeHours = OFFICE_HOURS
) -> datetime:
    """Return when a term that starts at `start` ends, in UTC, always on a working day.

    Days: counting begins the day after the start (民法典 第201条), and the last day ends with
    office hours (第203条). Calendar days count every day, and a last day of rest moves to the
    next working day. Hours run at once, inside office hours. Raises `CalendarUnknown`.
    """
    day = local_day(start)
    if term.working_hours is not None:
        return _add(start, timedelta(hours=term.working_hours), calendar, hours)
    if term.calendar_days is not None:
        day = next(_working_days(day + timedelta(days=term.calendar_days), calendar))
    else:
        days = _working_days(day + _DAY, calendar)
        for _ in range(term.working_days or 0):
            day = next(days)
    return hours.closing(day).astimezone(UTC)


def extend(
    due_at: datetime, term: Term, calendar: WorkingCalendar, hours: OfficeHours = OFFICE_HOURS
) -> datetime:
    """Return the deadline extended (延期) by `term`, counted from the old one, in UTC."""
    return due(due_at, term, calendar, hours)


def shift_for_pause(
    due_at: datetime,
    paused_at: datetime,
    resumed_at: datetime,
    calendar: WorkingCalendar,
    hours: OfficeHours = OFFICE_HOURS,
) -> datetime:
    """Return the deadline moved by exactly the working time that the clock stood still, in UTC.

    A pause without working time in it changes nothing; a deadline that had passed stays as
    late as it was. Raises `DeadlineError` (`pause-reversed`) and `CalendarUnknown`.
    """
    local_day(due_at)
    if resumed_at < paused_at:
        raise DeadlineError("pause-reversed")
    still = working_time(paused_at, resumed_at, calendar, hours)
    return _add(due_at, still, calendar, hours) if still else due_at.astimezone(UTC)


def remaining(
    now: datetime,
    due_at: datetime | None,
    calendar: WorkingCalendar,
    hours: OfficeHours = OFFICE_HOURS,
) -> Remaining:
    """Return what the deadline badge says.

    Before the deadline: `today` on its day when it is the end of office hours; `hours_left`
    when it falls inside a day and less than a working day is left; else `days_left`, the
    working days after today up to it. After it: whole working days of working time passed.
    `unknown` when there is no deadline yet or the calendar does not reach: no guess.
    """
    if due_at is None:
        return Remaining("unknown")
    today, last = local_day(now), local_day(due_at)
    try:
        if now > due_at:
            late = working_time(due_at, now, calendar, hours) // hours.length
            return Remaining("overdue_days", late) if late else Remaining("overdue_under_day")
        if today == last and due_at >= hours.closing(last):
            return Remaining("today")
        days = working_days_between(today, last, calendar)
        if days > 1:  # the first of them is a whole one
            return Remaining("days_left", days)
        left = working_time(now, due_at, calendar, hours)
    except CalendarUnknown:
        return Remaining("unknown")
    if left < hours.length or not days:
        return Remaining("hours_left", -(-left // timedelta(hours=1)))
    return Remaining("days_left", days)


def working_days_between(a: date | datetime, b: date | datetime, calendar: WorkingCalendar) -> int:
    """Return how many working days lie after the day of `a`, up to and with the day of `b`.

    Negative, counted the other way, when `b` is the earlier. Raises `CalendarUnknown`.
    """
    first, last = local_day(a), local_day(b)
    if last < first:
        return -working_days_between(last, first, calendar)
    return sum(calendar.is_working_day(day) for day in _days(first + _DAY, last))


def working_time(
    a: datetime, b: datetime, calendar: WorkingCalendar, hours: OfficeHours = OFFICE_HOURS
) -> timedelta:
    """Return the office hours of working days between two moments; zero when `b` is not later."""
    total, first, last = _ZERO, local_day(a), local_day(b)
    for day in {first, last} if first <= last else ():
        start, end = max(a, hours.opening(day)), min(b, hours.closing(day))
        if end > start and calendar.is_working_day(day):
            total += end - start
    return total + hours.length * sum(
        calendar.is_working_day(day) for day in _days(first + _DAY, last - _DAY)
    )


def skipped_days(
    start: datetime, due_at: datetime, calendar: WorkingCalendar, term: Term | None = None
) -> list[date]:
    """Return the days of rest after the start, up to the deadline, that were not counted.

    With a `term` in calendar days, which counts every day, only those that moved its last day.
    Raises `CalendarUnknown`.
    """
    first = local_day(start)
    counted = term.calendar_days if term is not None and term.calendar_days is not None else 1
    days = _days(first + timedelta(days=counted), local_day(due_at))
    return [day for day in days if not calendar.is_working_day(day)]


def _days(first: date, last: date) -> Iterator[date]:
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        yield date.fromordinal(ordinal)


def _working_days(first: date, calendar: WorkingCalendar) -> Iterator[date]:
    return (day for day in _days(first, date.max) if calendar.is_working_day(day))


def _add(
    start: datetime, length: timedelta, calendar: WorkingCalendar, hours: OfficeHours
) -> datetime:
    """Return the earliest moment with `length` (above zero) of working time since `start`."""
    for day in _working_days(local_day(start), calendar):
        begin, end = max(start, hours.opening(day)), hours.closing(day)
        if end - begin >= length:
            return (begin + length).astimezone(UTC)
        length -= max(end - begin, _ZERO)
    raise CalendarUnknown(date.max.year)
