"""What supervision counts beside the kit: checks by topic, inspections spared, problems of
projects. Each figure says what it is."""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import func
from sqlmodel import col

from plugin_sdk.figures import counted
from plugin_sdk.ports import Read
from plugin_sdk.views import ChartView, FiguresView, Phrase
from plugins.supervision.models import Finding, Project, Spared

WORDS: Final = "supervision.figure"


async def add(read: Read, view: FiguresView, topics: Mapping[str, str]) -> None:
    """Add the figures of the view's period, within scope; topics are named by code."""
    opened = Project.opened_at
    cards = [
        await counted(read, f"{WORDS}.{name}", model, moment, view.since, view.until, value=value)
        for name, model, moment, value in (
            ("spared", Spared, Spared.at, None),
            ("projects", Project, opened, None),
            ("problems", Project, opened, func.sum(Project.problems)),
            ("settled", Project, opened, func.sum(Project.settled)),
        )
    ]
    view.cards = [*cards, *view.cards]
    view.charts = [await _by_topic(read, view, topics), *view.charts]


async def _by_topic(read: Read, view: FiguresView, topics: Mapping[str, str]) -> ChartView:
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
    words = "supervision.chart.topics"
    return ChartView(
        kind="bars",
        title=Phrase(f"{words}.title"),
        sentence=Phrase(
            f"{words}.sentence",
            {"n": sum(row[1] for row in rows), "found": sum(row[2] for row in rows)},
        ),
        columns=[Phrase(f"{words}.{name}") for name in ("topic", "checks", "found", "closed")],
        rows=[[topics.get(code, code), *counts] for code, *counts in rows],
    )
