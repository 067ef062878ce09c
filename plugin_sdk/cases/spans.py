"""Spans of the calendar in which cases are counted: days, tens of days (旬: a month's first ten,
its second ten, the rest) and months; and of which spans a period is put together."""

from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

from plugin_sdk.times import last_of_month

SPANS: Final = ("month", "ten", "day")
_DAY: Final = timedelta(days=1)


class Span(NamedTuple):
    """A day, a ten or a month, and its first day."""

    span: str
    since: date

    @property
    def until(self) -> date:
        """Return its last day."""
        if self.span == "day":
            return self.since
        if self.span == "ten" and self.since.day < 21:
            return self.since + 9 * _DAY
        return last_of_month(self.since)

    def parts(self) -> list["Span"]:
        """Return the shorter spans that it is made of."""
        if self.span == "month":
            return [Span("ten", self.since.replace(day=day)) for day in (1, 11, 21)]
        days = (self.until - self.since).days + 1
        return [Span("day", self.since + n * _DAY) for n in range(days)]


def spans_of(day: date) -> list[Span]:
    """Return the spans that a day is in, the longest first."""
    ten = day.replace(day=min((day.day - 1) // 10, 2) * 10 + 1)
    return [Span("month", day.replace(day=1)), Span("ten", ten), Span("day", day)]


@lru_cache(maxsize=100)
def parts_of(since: date, until: date, today: date) -> Mapping[Span, int]:
    """Return what a period (both days included) is the sum of: spans, each with how often it is
    added, or with -1 for what is taken away of a longer one.

    They are the fewest, not counting those that begin after today, in which next to nothing
    happened: all but the last days of a month cost as much as a few days, and the month under
    way as much as a whole one.
    """
    found: Counter[Span] = Counter()
    month = since.replace(day=1)
    while month <= until:
        for part, n in _put_together(Span("month", month), since, until, today):
            found[part] += n
        month = last_of_month(month) + _DAY
    return {part: n for part, n in found.items() if n}


def _put_together(whole: Span, since: date, until: date, today: date) -> list[tuple[Span, int]]:
    since, until = max(since, whole.since), min(until, whole.until)
    if since > until:
        return []
    if (since, until) == (whole.since, whole.until):
        return [(whole, 1)]
    added, taken = [], [(whole, 1)]
    for part in whole.parts():
        added += _put_together(part, since, until, today)
        for first, last in ((whole.since, since - _DAY), (until + _DAY, whole.until)):
            taken += [(one, -n) for one, n in _put_together(part, first, last, today)]

    def cost(of: list[tuple[Span, int]]) -> int:
        return sum(part.since <= today for part, _ in of)

    return min(added, taken, key=cost)
