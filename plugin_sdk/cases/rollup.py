"""Reading the figures of cases that are counted as they change: months, tens of days and single
days added up and taken away, of the units that a permission reaches."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Text, and_, cast, or_, select
from sqlmodel import col

from plugin_sdk.cases.counted import COUNTS, NOBODY, OPENED_AT, RATED, SPOT, UNRATED, days_of
from plugin_sdk.cases.figures import BINS, Length
from plugin_sdk.cases.forms import SATISFIED
from plugin_sdk.cases.models import CaseFigure
from plugin_sdk.cases.spans import SPANS, Span, parts_of
from plugin_sdk.deadlines import local_day
from plugin_sdk.ports import Read

TIMES: Final = (
    "response_calendar",
    "response_working",
    "resolution_calendar",
    "resolution_working",
)
_HISTOGRAMS: Final = msgspec.json.Decoder(dict[str, dict[int, int]])
_PLACES: Final = msgspec.json.Decoder(dict[str, dict[str, int]])


class Sums(msgspec.Struct):
    """What happened to cases, added up. `times` are histograms by their names (`TIMES`,
    `UNRATED`)."""

    counts: Counter[str] = msgspec.field(default_factory=Counter)
    times: dict[str, Counter[int]] = msgspec.field(
        default_factory=lambda: {name: Counter() for name in (*TIMES, UNRATED)}
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

    def add(self, often: int, counts: Sequence[int], times: str, wanted: Sequence[str]) -> None:
        """Add a cell so often: its `COUNTS`, and those of its histograms that are wanted."""
        for name, n in zip(COUNTS, counts, strict=True):
            if n:
                self.counts[name] += often * n
        histograms = _HISTOGRAMS.decode(times)
        for name in wanted:
            into = self.times[name]
            for step, n in histograms.get(name, {}).items():
                into[step] = into.get(step, 0) + often * n


async def sums(
    figures: type[CaseFigure],
    read: Read,
    dimension: str,
    since: date,
    until: date,
    permission: str | None = None,
    *,
    times: Sequence[str] = TIMES,
) -> dict[str, Sums]:
    """Return what happened from `since` to `until` (both days included) by the values of a
    dimension ('': all of it, under ''), of cases that units in scope set, or held then; of the
    histograms `times` alone, for most of the work is theirs."""
    found: dict[str, Sums] = {}
    names = ("value", *COUNTS, "times")
    for often, value, *counts, histograms in await _cells(
        figures, read, dimension, since, until, names, permission
    ):
        into = found.get(value)
        if into is None:
            into = found[value] = Sums()
        into.add(often, counts, histograms, times)
    return {value: one for value, one in found.items() if any(one.counts.values())}


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
    def unrated(self) -> int:
        """Return how many outcomes nobody has rated."""
        return self.sums.times[UNRATED].total()

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
    found, months = Sums(), dict[str, list[int]]()
    names = ("since", *COUNTS, "times")
    for often, day, *counts, times in await _cells(
        figures, read, "", since, until, names, permission
    ):
        found.add(often, counts, times, (*TIMES, UNRATED))
        month = months.setdefault(day.strftime("%Y-%m"), [0, 0])
        month[0] += often * counts[COUNTS.index("opened")]
        month[1] += often * counts[COUNTS.index("resolved")]
    return Total(found, {name: both for name, both in months.items() if any(both)})


async def openings(
    figures: type[CaseFigure],
    read: Read,
    dimension: str,
    since: date,
    until: date,
    permission: str | None = None,
) -> Counter[tuple[str, str]]:
    """Return how many cases were opened, by the value of a dimension and the month (`2026-11`)."""
    found: Counter[tuple[str, str]] = Counter()
    for often, day, value, opened in await _cells(
        figures, read, dimension, since, until, ("since", "value", "opened"), permission
    ):
        found[value, day.strftime("%Y-%m")] += often * opened
    return +found


async def spots(
    figures: type[CaseFigure], read: Read, since: date, until: date, permission: str | None = None
) -> Counter[tuple[str, str]]:
    """Return how many cases were opened, by what and where (`SPOT`)."""
    found: dict[str, dict[str, int]] = {}
    for often, what, times in await _cells(
        figures, read, SPOT, since, until, ("value", "times"), permission
    ):
        into = found.setdefault(what, {})
        for where, n in _PLACES.decode(times)[OPENED_AT].items():
            into[where] = into.get(where, 0) + often * n
    return Counter({(what, at): n for what, into in found.items() for at, n in into.items() if n})


async def _cells(
    figures: type[CaseFigure],
    read: Read,
    dimension: str,
    since: date,
    until: date,
    names: Sequence[str],
    permission: str | None,
) -> Iterator[tuple[Any, ...]]:
    """Return the cells that a period is put together of: how often each is added, and those of
    its columns; `times` as they are written."""
    parts = parts_of(since, until, local_day(read.now))
    columns: list[Any] = [col(getattr(figures, name)) for name in names if name != "times"]
    if "times" in names:
        columns.append(cast(col(figures.times), Text))
    statement = select(col(figures.span), col(figures.since), *columns).where(
        col(figures.dimension) == dimension, _any_of(figures, parts)
    )
    units, origin = read.units(permission), col(figures.origin_id)
    if units is None:
        statement = statement.where(origin == NOBODY)
    else:
        # what a unit in scope held and another in scope set stands in the figures of the latter
        elsewhere = or_(origin == NOBODY, origin.not_in(units))
        statement = statement.where(col(figures.organization_id).in_(units), elsewhere)
    rows = await read.session.execute(statement)
    return ((parts[Span(name, day)], *rest) for name, day, *rest in rows)


def _any_of(figures: type[CaseFigure], parts: Iterable[Span]) -> ColumnElement[bool]:
    firsts = {name: [part.since for part in parts if part.span == name] for name in SPANS}
    span, at = col(figures.span), col(figures.since)
    return or_(*(and_(span == name, at.in_(days)) for name, days in firsts.items() if days))
