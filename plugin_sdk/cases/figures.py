"""Figures of a procedure: how long, how well, how often on time; each says what it is.

They are read case by case here (`tally`), or of a flow that counts its cases as they change from
there (`plugin_sdk.cases.rollup`); the page is one.

On time (按时办结率) = cases resolved by their deadline ÷ cases whose deadline fell in the
period, open overdue ones included. Cases without a deadline, paused ones, and deadlines that
have not come yet are in neither number.

Satisfied (满意率) = outcomes rated fairly satisfied or better ÷ outcomes rated in the period. Each
counts once, for who gave it, also when the case was reopened since: were a rating gone with the
outcome it was given for, whoever lets a case be reopened would be rid of what was said of them.
"""

import asyncio
from bisect import bisect_left
from collections import Counter
from datetime import date, datetime, timedelta
from statistics import median
from typing import Any, Final, Literal, Protocol
from uuid import UUID

import msgspec
from sqlalchemy import and_, or_
from sqlmodel import col

from plugin_sdk.cases.counting import Remembered, ratings
from plugin_sdk.cases.flow import Does
from plugin_sdk.cases.forms import SATISFIED
from plugin_sdk.cases.traces import CaseTraces
from plugin_sdk.deadlines import CalendarUnknown, local_day, working_days_between
from plugin_sdk.figures import bounds
from plugin_sdk.ports import Calendar, Read
from plugin_sdk.views import ChartView, FigureCard, FiguresView, Phrase

SMALLEST_GROUP: Final = 5
"""Figures of fewer people are not shown (design, section 7)."""
RATINGS: Final = (5, 4, 3, 2, 1)
BINS: Final = (1, 3, 5, 10, 15, 30, 60)
_DAY: Final = timedelta(days=1)


class Length(msgspec.Struct, frozen=True):
    """How long cases took: how many they were, the median and what nine in ten did not exceed,
    in days (None: there were none)."""

    n: int
    median: float | None
    p90: float | None


class Lengths(Protocol):
    """Lengths of time, as a page of figures asks for them."""

    unknown: int
    """How many had no known calendar."""

    def length(self, unit: str) -> Length:
        """Return how long they took in `calendar_days` or in `working_days`."""
        ...

    def binned(self) -> Counter[int]:
        """Return how many calendar days fall into which of `BINS`."""
        ...


class Spans(msgspec.Struct):
    """Lengths of time in calendar and in working days, and how many had no known calendar."""

    calendar: list[float] = []
    working: list[int] = []
    unknown: int = 0

    def length(self, unit: str) -> Length:
        """Return how long they took, exactly."""
        values: list[Any] = self.working if unit == "working_days" else self.calendar
        return Length(len(values), median(values) if values else None, percentile(values, 0.9))

    def binned(self) -> Counter[int]:
        """Return how many calendar days fall into which of `BINS`."""
        return Counter(bisect_left(BINS, days) for days in self.calendar)

    def add(self, start: datetime, end: datetime, calendar: Calendar) -> None:
        """Add the time between two moments."""
        self.calendar.append((end - start) / _DAY)
        try:
            self.working.append(working_days_between(start, end, calendar))
        except CalendarUnknown:
            self.unknown += 1


class Happened(Protocol):
    """What a period holds, as a page of figures asks for it."""

    @property
    def opened(self) -> int: ...
    @property
    def resolved(self) -> int: ...
    @property
    def due(self) -> int: ...
    @property
    def on_time(self) -> int: ...
    @property
    def ratings(self) -> Counter[int]: ...
    @property
    def unrated(self) -> int: ...
    @property
    def months(self) -> dict[str, list[int]]: ...
    @property
    def response(self) -> Lengths: ...
    @property
    def resolution(self) -> Lengths: ...


class Tally(msgspec.Struct):
    """What a period holds, read case by case."""

    opened: int = 0
    resolved: int = 0
    due: int = 0
    on_time: int = 0
    response: Spans = msgspec.field(default_factory=Spans)
    resolution: Spans = msgspec.field(default_factory=Spans)
    ratings: Counter[int] = msgspec.field(default_factory=Counter)
    unrated: int = 0
    months: dict[str, list[int]] = {}


class _Facts(msgspec.Struct, frozen=True):
    opened_at: datetime
    responded_at: datetime | None
    resolved_at: datetime | None
    due_at: datetime | None
    paused_at: datetime | None
    rating: int | None
    rated_at: datetime | None
    id: UUID | None = None


async def tally(
    engine: CaseTraces[Any], read: Read, since: date, until: date, permission: str | None = None
) -> Tally:
    """Return what happened from `since` to `until` (both days included), within scope."""
    row = engine.row
    start, end = bounds(since, until)
    moments = (row.opened_at, row.responded_at, row.resolved_at, row.due_at, row.rated_at)
    statement = read.rows(
        row,
        *(col(getattr(row, name)) for name in _Facts.__struct_fields__),
        permission=permission,
    ).where(or_(*(and_(col(moment) >= start, col(moment) < end) for moment in moments)))
    found, calendar = Tally(), Remembered(engine.hub.calendar)
    facts = await read.fetch(statement, _Facts)
    for n, fact in enumerate(facts):
        _count(found, fact, start, end, read.now, calendar)
        if n % 500 == 0:
            await asyncio.sleep(0)  # others are served meanwhile
    at = col(row.entries.at)
    said = await ratings(read, engine.flow, row, and_(at >= start, at < end), permission)
    present = Counter((fact.id, fact.rated_at, fact.rating) for fact in facts)
    for _, _, stars in (said - present).elements():  # of outcomes that a reopening overtook
        found.ratings[stars] += 1
    return found


def _count(
    found: Tally, fact: _Facts, start: datetime, end: datetime, now: datetime, calendar: Calendar
) -> None:
    def within(moment: datetime | None) -> bool:
        return moment is not None and start <= moment < end

    if within(fact.opened_at):
        found.opened += 1
        _month(found, fact.opened_at)[0] += 1
    if fact.responded_at is not None and within(fact.responded_at):
        found.response.add(fact.opened_at, fact.responded_at, calendar)
    if fact.resolved_at is not None and within(fact.resolved_at):
        found.resolved += 1
        found.unrated += fact.rating is None
        found.resolution.add(fact.opened_at, fact.resolved_at, calendar)
        _month(found, fact.resolved_at)[1] += 1
    if fact.due_at is not None and within(fact.due_at) and fact.due_at <= now:
        if fact.resolved_at is not None:
            found.due += 1
            found.on_time += fact.resolved_at <= fact.due_at
        elif fact.paused_at is None:
            found.due += 1
    if fact.rating is not None and within(fact.rated_at):
        found.ratings[fact.rating] += 1


def _month(found: Tally, moment: datetime) -> list[int]:
    return found.months.setdefault(local_day(moment).strftime("%Y-%m"), [0, 0])


def percentile(values: list[float] | list[int], share: float) -> float | None:
    """Return the nearest-rank percentile (the smallest value that so large a share of all
    values does not exceed), None without values."""
    if not values:
        return None
    ordered = sorted(values)
    rank = -(-int(share * 1000) * len(ordered) // 1000)
    return float(ordered[max(rank, 1) - 1])


def view(engine: CaseTraces[Any], found: Happened, since: date, until: date) -> FiguresView:
    """Return the page of a tally: cards, charts and their tables."""
    window = Phrase("case.figure.window", {"since": since, "until": until})
    rated = any(transition.does is Does.RATE for transition in engine.flow.transitions)
    cards = [
        _card("opened", found.opened, window=window),
        _card("resolved", found.resolved, window=window),
        _on_time(found, window),
        *([_satisfaction(found, window)] if rated else []),
    ]
    for name, spans in (("response", found.response), ("resolution", found.resolution)):
        cards += _spans(name, spans, window)
    return FiguresView(
        title=Phrase("case.figure.title"),
        since=since,
        until=until,
        cards=cards,
        charts=[
            _histogram(found.resolution),
            *([_ratings(found)] if rated else []),
            _months(found),
        ],
        export_href=f"/apps/{engine.hub.app}{engine.flow.path}.csv" if engine.flow.read else None,
    )


def _card(name: str, value: float | None, **more: Any) -> FigureCard:
    return FigureCard(
        label=Phrase(f"case.figure.{name}.label"),
        what=Phrase(f"case.figure.{name}.what"),
        value=value,
        **more,
    )


def _on_time(found: Happened, window: Phrase) -> FigureCard:
    return _card(
        "on_time",
        round(100 * found.on_time / found.due, 1) if found.due else None,
        unit="percent",
        n=found.due,
        numerator=Phrase("case.figure.on_time.numerator", {"n": found.on_time}),
        denominator=Phrase("case.figure.on_time.denominator", {"n": found.due}),
        window=window,
    )


def _satisfaction(found: Happened, window: Phrase) -> FigureCard:
    n = found.ratings.total()
    satisfied = sum(found.ratings[rating] for rating in SATISFIED)
    few = 0 < n < SMALLEST_GROUP
    return _card(
        "satisfaction",
        round(100 * satisfied / n, 1) if n and not few else None,
        unit="percent",
        n=n,
        suppressed=few,
        numerator=None if few else Phrase("case.figure.satisfaction.numerator", {"n": satisfied}),
        denominator=Phrase("case.figure.satisfaction.denominator", {"n": n}),
        window=window,
    )


def _spans(name: str, spans: Lengths, window: Phrase) -> list[FigureCard]:
    missing = Phrase("case.figure.unknown_calendar", {"n": spans.unknown})
    units: tuple[tuple[Literal["calendar_days", "working_days"], Phrase | None], ...] = (
        ("calendar_days", None),
        ("working_days", missing if spans.unknown else None),
    )
    cards = []
    for unit, lacking in units:
        found = spans.length(unit)
        for figure, value in ((f"{name}_median", found.median), (f"{name}_p90", found.p90)):
            shown = round(value, 1) if value is not None else None
            cards.append(_card(figure, shown, unit=unit, n=found.n, window=window, missing=lacking))
    return cards


def _histogram(spans: Lengths) -> ChartView:
    bins, found = spans.binned(), spans.length("calendar_days")
    labels: list[Any] = [Phrase("case.chart.up_to_days", {"n": limit}) for limit in BINS] + [
        Phrase("case.chart.over_days", {"n": BINS[-1]})
    ]
    return ChartView(
        kind="histogram",
        title=Phrase("case.chart.resolution.title"),
        sentence=Phrase(
            "case.chart.resolution.sentence",
            {"n": found.n, "median": round(found.median, 1), "p90": round(found.p90 or 0, 1)},
        )
        if found.median is not None
        else Phrase("case.chart.none"),
        columns=[Phrase("case.chart.duration"), Phrase("case.chart.cases")],
        rows=[[label, bins[index]] for index, label in enumerate(labels)],
    )


def _ratings(found: Happened) -> ChartView:
    n = found.ratings.total()
    shown = n == 0 or n >= SMALLEST_GROUP
    names = [Phrase(f"case.rating.{rating}") for rating in RATINGS]
    counts: list[Any] = [found.ratings[rating] if shown else None for rating in RATINGS]
    unrated = found.unrated if shown else None
    return ChartView(
        kind="stacked",
        title=Phrase("case.chart.ratings.title"),
        sentence=Phrase("case.chart.ratings.sentence", {"n": n})
        if n >= SMALLEST_GROUP
        else Phrase("case.chart.too_few" if n else "case.chart.none"),
        columns=[Phrase("case.chart.ratings.column"), *names, Phrase("case.rating.none")],
        rows=[[Phrase("case.chart.ratings.row"), *counts, unrated]],
    )


def _months(found: Happened) -> ChartView:
    return ChartView(
        kind="bars",
        title=Phrase("case.chart.months.title"),
        sentence=Phrase(
            "case.chart.months.sentence", {"opened": found.opened, "resolved": found.resolved}
        ),
        columns=[
            Phrase("case.chart.month"),
            Phrase("case.figure.opened.label"),
            Phrase("case.figure.resolved.label"),
        ],
        rows=[[month, *counts] for month, counts in sorted(found.months.items())],
    )
