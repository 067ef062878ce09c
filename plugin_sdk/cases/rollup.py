"""Reading the figures of cases that are counted as they change: whole months and single days
added up, of the units that a permission reaches."""

from bisect import bisect_left
from collections import Counter
from datetime import date, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlmodel import col

from plugin_sdk.cases.counted import COUNTS, NOBODY, RATED, days_of
from plugin_sdk.cases.figures import BINS, Length
from plugin_sdk.cases.forms import SATISFIED
from plugin_sdk.cases.models import CaseFigure
from plugin_sdk.ports import Read

TIMES: Final = (
    "response_calendar",
    "response_working",
    "resolution_calendar",
    "resolution_working",
)
_DAY: Final = timedelta(days=1)


class Sums(msgspec.Struct):
    """What happened to cases, added up. `times` are histograms by their names (`TIMES`)."""

    counts: Counter[str] = msgspec.field(default_factory=Counter)
    times: dict[str, Counter[int]] = msgspec.field(
        default_factory=lambda: {name: Counter() for name in TIMES}
    )

    @property
    def rated(self) -> int:
        """Return how many ratings there are."""
        return sum(self.counts[name] for name in RATED)

    @property
    def satisfied(self) -> int:
        """Return how many of the ratings are good ones."""
        return sum(self.counts[f"rated_{n}"] for n in SATISFIED)

    def time(self, name: str, share: float) -> float | None:
        """Return the nearest-rank percentile of a histogram in days, None without any time: that
        of working days exactly, that of calendar time at most 5 % too long."""
        bins = self.times[name]
        left = max(-(-int(share * 1000) * bins.total() // 1000), 1)
        for step, n in sorted(bins.items()):
            left -= n
            if left <= 0:
                return float(step) if name.endswith("_working") else days_of(step)
        return None

    def add(self, times: dict[str, dict[str, int]]) -> None:
        """Add the histograms of a cell."""
        for name, bins in times.items():
            into = self.times[name]
            for step, n in bins.items():
                into[int(step)] += n


async def sums(
    figures: type[CaseFigure],
    read: Read,
    dimension: str,
    since: date,
    until: date,
    permission: str | None = None,
) -> dict[str, Sums]:
    """Return what happened from `since` to `until` (both days included) by the values of a
    dimension ('': all of it, under ''), of cases that units in scope set, or held then."""
    columns = [col(getattr(figures, name)) for name in (*COUNTS, "times")]
    found: dict[str, Sums] = {}
    statement: Select[Any] = select(col(figures.value), *columns)
    for value, *counts, times in await read.session.execute(
        _within(statement, figures, read, dimension, since, until, permission)
    ):
        into = found.get(value)
        if into is None:
            into = found[value] = Sums()
        for name, n in zip(COUNTS, counts, strict=True):
            if n:
                into.counts[name] += n
        if times:
            into.add(times)
    return found


class Steps(msgspec.Struct):
    """The lengths of time of a pair of histograms (`plugin_sdk.cases.figures.Lengths`)."""

    sums: Sums
    name: str
    unknown: int

    def length(self, unit: str) -> Length:
        """Return how long they took, in the steps of the histogram."""
        name = f"{self.name}_{unit.removesuffix('_days')}"
        n = self.sums.times[name].total()
        return Length(n, self.sums.time(name, 0.5), self.sums.time(name, 0.9))

    def binned(self) -> Counter[int]:
        """Return how many calendar days fall into which of `BINS`."""
        found: Counter[int] = Counter()
        for step, n in self.sums.times[f"{self.name}_calendar"].items():
            found[bisect_left(BINS, days_of(step))] += n
        return found


class Total(msgspec.Struct):
    """What a period holds, as a page of figures asks for it."""

    sums: Sums
    months: dict[str, list[int]]

    @property
    def opened(self) -> int:
        """Return how many cases were opened."""
        return self.sums.counts["opened"]

    @property
    def resolved(self) -> int:
        """Return how many cases had their outcome."""
        return self.sums.counts["resolved"]

    @property
    def due(self) -> int:
        """Return the deadlines that came."""
        return self.sums.counts["due"]

    @property
    def on_time(self) -> int:
        """Return how many of these were kept."""
        return self.sums.counts["on_time"]

    @property
    def ratings(self) -> Counter[int]:
        """Return the ratings, from 1 to 5."""
        return Counter({n: self.sums.counts[name] for n, name in enumerate(RATED, 1)})

    @property
    def response(self) -> Steps:
        """Return how long it took until somebody acted."""
        return self._steps("response", "responded")

    @property
    def resolution(self) -> Steps:
        """Return how long it took until the outcome."""
        return self._steps("resolution", "resolved")

    def _steps(self, name: str, of: str) -> Steps:
        unknown = self.sums.counts[of] - self.sums.times[f"{name}_working"].total()
        return Steps(self.sums, name, unknown)


async def total(
    figures: type[CaseFigure], read: Read, since: date, until: date, permission: str | None = None
) -> Total:
    """Return what happened from `since` to `until` (both days included), within scope."""
    found = await sums(figures, read, "", since, until, permission)
    columns = (col(figures.since), func.sum(col(figures.opened)), func.sum(col(figures.resolved)))
    statement: Any = select(*columns)
    statement = _within(statement, figures, read, "", since, until, permission)
    months: dict[str, list[int]] = {}
    for day, opened, resolved in await read.session.execute(statement.group_by(col(figures.since))):
        if opened or resolved:
            month = months.setdefault(day.strftime("%Y-%m"), [0, 0])
            month[0] += int(opened)
            month[1] += int(resolved)
    return Total(found.get("", Sums()), months)


async def counts(
    figures: type[CaseFigure],
    read: Read,
    dimension: str,
    since: date,
    until: date,
    permission: str | None = None,
) -> dict[str, int]:
    """Return how many cases were opened, by the values of a dimension."""
    opened = func.sum(col(figures.opened))
    statement: Any = select(col(figures.value), opened)
    statement = _within(statement, figures, read, dimension, since, until, permission)
    rows = await read.session.execute(statement.group_by(col(figures.value)).having(opened > 0))
    return {value: int(n) for value, n in rows}


def _within(
    statement: Select[Any],
    figures: type[CaseFigure],
    read: Read,
    dimension: str,
    since: date,
    until: date,
    permission: str | None,
) -> Select[Any]:
    units, origin = read.units(permission), col(figures.origin_id)
    statement = statement.where(col(figures.dimension) == dimension, _period(figures, since, until))
    if units is None:
        return statement.where(origin == NOBODY)
    # what a unit in scope held and another in scope set stands in the figures of the latter
    elsewhere = or_(origin == NOBODY, origin.not_in(units))
    return statement.where(col(figures.organization_id).in_(units), elsewhere)


def _period(figures: type[CaseFigure], since: date, until: date) -> ColumnElement[bool]:
    months, days = parts_of(since, until)
    span, at = col(figures.span), col(figures.since)
    parts = [and_(span == "day", at.between(first, last)) for first, last in days]
    if months:
        parts.append(and_(span == "month", at.in_(months)))
    return or_(*parts)


def parts_of(since: date, until: date) -> tuple[list[date], list[tuple[date, date]]]:
    """Return the whole months of a period by their first days, and the days before and after."""
    months: list[date] = []
    month = since if since.day == 1 else _following(since)
    while _following(month) <= until + _DAY:
        months.append(month)
        month = _following(month)
    if not months:
        return [], [(since, until)]
    ends = [(since, months[0] - _DAY), (_following(months[-1]), until)]
    return months, [(first, last) for first, last in ends if first <= last]


def _following(day: date) -> date:
    """Return the first day of the month after a day's."""
    return (day.replace(day=28) + 4 * _DAY).replace(day=1)
