"""Months as periods, and by when what is owed for one is due."""

import re
from calendar import month_name
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from plugin_sdk.deadlines import OFFICE_HOURS, CalendarUnknown
from plugin_sdk.ports import Calendar
from plugin_sdk.problems import NotFound
from plugin_sdk.text import Text

_MONTH = re.compile(r"(20[0-9]{2})-(0[1-9]|1[0-2])")
_DAY = timedelta(days=1)


class Rest(StrEnum):
    """What happens when the last day is a day of rest."""

    NEXT = "next"  # the next working day (民法典 第203条)
    BEFORE = "before"  # the working day before it
    SAME = "same"  # it stays: what is published on line needs no office


def month_of(day: date) -> date:
    """Return the period of a day: the first day of its month."""
    return day.replace(day=1)


def add_months(period: date, months: int) -> date:
    """Return the period so many months later."""
    index = period.year * 12 + period.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)


def read_period(text: str) -> date:
    """Return the period that an address names (`2026-03`). Raises `NotFound`."""
    found = _MONTH.fullmatch(text)
    if found is None:
        raise NotFound
    return date(int(found[1]), int(found[2]), 1)


def spell_period(period: date) -> str:
    """Return a period as addresses carry it."""
    return f"{period:%Y-%m}"


def month_words(period: date) -> Text:
    """Return a period as sentences say it: 2026年3月, March 2026."""
    return Text(f"{period.year}年{period.month}月", f"{month_name[period.month]} {period.year}")


def due_at(
    calendar: Calendar, period: date, *, day: int, months_later: int, rest: Rest
) -> datetime | None:
    """Return when what is owed for a period is due, in UTC: at the end of office hours of the
    day, moved as `rest` says; None while the calendar of that year is not known."""
    last = add_months(period, months_later).replace(day=day)
    if rest is not Rest.SAME:
        step = _DAY if rest is Rest.NEXT else -_DAY
        try:
            while not calendar.is_working_day(last):
                last += step
        except CalendarUnknown:
            return None
    return OFFICE_HOURS.closing(last).astimezone(UTC)
