"""Reach periods: how long people of an app are told apart before its key is destroyed."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

import msgspec

from plugin_sdk.times import SHANGHAI

MONTHS = {"daily": 1, "weekly": 1, "monthly": 1, "quarterly": 3, "yearly": 12}
"""How many months a period has, by how often a person is expected to need the app."""


class Period(msgspec.Struct, frozen=True):
    """A month (`2026-11`), a quarter (`2026-Q4`) or a year (`2026`); both days included."""

    key: str
    since: date
    until: date

    @property
    def ends_at(self) -> datetime:
        """Return the first moment after it."""
        return datetime.combine(self.until + timedelta(days=1), time(), SHANGHAI)


def period_of(cadence: str, day: date) -> Period:
    """Return the period of a cadence that a day lies in."""
    return _period(MONTHS[cadence], day.year, day.month)


def named(key: str) -> Period:
    """Return the period of a key. Raises `ValueError`."""
    year, _, rest = key.partition("-")
    if not rest:
        return _period(12, int(year), 1)
    if rest.startswith("Q"):
        return _period(3, int(year), 3 * int(rest[1:]) - 2)
    return _period(1, int(year), int(rest))


def overlapping(since: date, until: date) -> Iterator[Period]:
    """Yield every period, of any cadence, that shares a day with the days from `since` to
    `until`."""
    for months in sorted(set(MONTHS.values())):
        day = since
        while day <= until:
            period = _period(months, day.year, day.month)
            yield period
            day = period.until + timedelta(days=1)


def _period(months: int, year: int, month: int) -> Period:
    first = month - (month - 1) % months
    since = date(year, first, 1)
    after = first + months
    until = date(year + (after > 12), after - 12 * (after > 12), 1) - timedelta(days=1)
    key = {1: f"{year}-{first:02}", 3: f"{year}-Q{first // 3 + 1}", 12: f"{year}"}[months]
    return Period(key, since, until)
