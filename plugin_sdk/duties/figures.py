"""Figures of a duty: how much was published, and how much of it in time."""

from collections import defaultdict
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import func
from sqlmodel import col

from plugin_sdk.duties.calendar import add_months, month_of
from plugin_sdk.duties.engine import PUBLISHED, DutyEngine
from plugin_sdk.duties.table import Timely, periods
from plugin_sdk.figures import bounds
from plugin_sdk.ports import Read
from plugin_sdk.views import ChartView, FigureCard, Phrase


async def duty_figures(
    engine: DutyEngine[Any], read: Read, since: date, until: date, permission: str
) -> tuple[list[FigureCard], list[ChartView]]:
    """Return the items published and the share of months that were complete in time (按时率),
    all over and by supervisor, of the days from `since` to `until`, within scope."""
    made = engine.filing
    start, end = bounds(since, until)
    count = read.rows(made, func.count(), permission=permission).where(
        col(made.state) == PUBLISHED,
        col(made.nil).is_(False),
        col(made.published_at) >= start,
        col(made.published_at) < end,
    )
    items = (await read.session.execute(count)).scalar_one()
    first = add_months(month_of(since), -engine.duty.months_later - 1)
    every = Timely()
    by_unit: dict[UUID, Timely] = defaultdict(Timely)
    for fact in await periods(engine, read, first, month_of(until), permission=permission):
        if fact.due_at is None or not start <= fact.due_at < end:
            continue
        every.add(fact, read.now)
        by_unit[fact.supervisor_id or fact.organization_id].add(fact, read.now)
    names = await engine.hub.directory.names(list(by_unit))
    window = Phrase("case.figure.window", {"since": since, "until": until})
    return [_items(items, window), _timely(every, window)], [_towns(names, by_unit)]


def _items(count: int, window: Phrase) -> FigureCard:
    return FigureCard(
        label=Phrase("duties.figure.items.label"),
        what=Phrase("duties.figure.items.what"),
        value=count,
        window=window,
    )


def _timely(found: Timely, window: Phrase) -> FigureCard:
    return FigureCard(
        label=Phrase("duties.figure.timely.label"),
        what=Phrase("duties.figure.timely.what"),
        value=round(100 * found.timely / found.due, 1) if found.due else None,
        unit="percent",
        n=found.due,
        numerator=Phrase("duties.figure.timely.numerator", {"n": found.timely}),
        denominator=Phrase("duties.figure.timely.denominator", {"n": found.due}),
        window=window,
    )


def _towns(names: dict[UUID, str], by_unit: dict[UUID, Timely]) -> ChartView:
    ordered = sorted(
        (found.timely / found.due, names.get(id, ""), found)
        for id, found in by_unit.items()
        if found.due
    )
    rows: list[list[Any]] = [
        [f"{name} (n={found.due})", round(100 * share, 1)] for share, name, found in ordered
    ]
    worst = {"name": ordered[0][1], "share": f"{rows[0][1]}%"} if rows else {}
    said = Phrase("duties.figure.towns.sentence", worst)
    return ChartView(
        kind="bars",
        title=Phrase("duties.figure.towns.title"),
        sentence=said if rows else Phrase("case.chart.none"),
        columns=[Phrase("registers.column.unit"), Phrase("duties.figure.timely.share")],
        rows=rows,
    )
