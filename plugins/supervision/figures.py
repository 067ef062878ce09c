"""What supervision counts beside the kit: checks by topic, inspections spared, problems of
projects. Each figure says what it is."""

from typing import Any, Final

from sqlalchemy import func
from sqlmodel import col

from plugin_sdk.cases.figures import bounds
from plugin_sdk.ports import Read
from plugin_sdk.views import ChartView, FigureCard, FiguresView, Phrase
from plugins.supervision.models import Finding, Project, Spared
from plugins.supervision.registers import topic_names

COUNTED: Final = ("spared", "projects", "problems", "settled")


async def add(read: Read, view: FiguresView) -> None:
    """Add the figures of the view's period, within scope."""
    start, end = bounds(view.since, view.until)
    spared = read.rows(Spared, func.count()).where(col(Spared.at) >= start, col(Spared.at) < end)
    sums = (func.count(), func.sum(Project.problems), func.sum(Project.settled))
    watched = read.rows(Project, *sums).where(
        col(Project.opened_at) >= start, col(Project.opened_at) < end
    )
    values = (
        *(await read.session.execute(spared)).one(),
        *(await read.session.execute(watched)).one(),
    )
    cards = [_card(name, value) for name, value in zip(COUNTED, values, strict=True)]
    view.cards = [*cards, *view.cards]
    view.charts = [await _by_topic(read, view), *view.charts]


def _card(name: str, value: Any) -> FigureCard:
    words = f"supervision.figure.{name}"
    return FigureCard(
        label=Phrase(f"{words}.label"), what=Phrase(f"{words}.what"), value=int(value or 0)
    )


async def _by_topic(read: Read, view: FiguresView) -> ChartView:
    found = col(Finding.result) == "problem"
    closed = col(Finding.state) == "closed"
    statement = (
        read.rows(
            Finding,
            col(Finding.topic),
            func.count(),
            func.count().filter(found),
            func.count().filter(closed),
        )
        .where(col(Finding.checked_on).between(view.since, view.until))
        .group_by(col(Finding.topic))
        .order_by(func.count().desc())
    )
    rows = [list(row) for row in await read.session.execute(statement)]
    names = await topic_names(read)
    words = "supervision.chart.topics"
    return ChartView(
        kind="bars",
        title=Phrase(f"{words}.title"),
        sentence=Phrase(
            f"{words}.sentence",
            {"n": sum(row[1] for row in rows), "found": sum(row[2] for row in rows)},
        ),
        columns=[Phrase(f"{words}.{name}") for name in ("topic", "checks", "found", "closed")],
        rows=[[names.get(code, code), *counts] for code, *counts in rows],
    )
