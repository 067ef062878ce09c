"""The figures that the county publishes, each with what it is."""

from datetime import date
from typing import Any

from sqlalchemy import func
from sqlmodel import col

from plugin_sdk.duties.figures import bounds, duty_figures
from plugin_sdk.ports import Read
from plugin_sdk.views import FigureCard, FiguresView, Phrase
from plugins.village_affairs.desk import Desk
from plugins.village_affairs.models import Meeting, Question

PERMISSION = "figures.read"


async def figures_view(desk: Desk, read: Read, since: date, until: date) -> FiguresView:
    """Return meetings held, items published, questions solved and months on time, in scope."""
    cards, charts = await duty_figures(desk.publications.engine, read, since, until, PERMISSION)
    counted = [
        await _count(read, "meetings", Meeting, Meeting.held_at, since, until),
        await _count(read, "solved", Question, Question.resolved_at, since, until),
    ]
    return FiguresView(
        title=Phrase("village-affairs.figures.title"),
        since=since,
        until=until,
        cards=[*counted, *cards],
        charts=charts,
    )


async def _count(
    read: Read, name: str, model: Any, moment: Any, since: date, until: date
) -> FigureCard:
    start, end = bounds(since, until)
    statement = read.rows(model, func.count(), permission=PERMISSION).where(
        col(moment) >= start, col(moment) < end
    )
    return FigureCard(
        label=Phrase(f"village-affairs.figures.{name}.label"),
        what=Phrase(f"village-affairs.figures.{name}.what"),
        value=(await read.session.execute(statement)).scalar_one(),
        window=Phrase("case.figure.window", {"since": since, "until": until}),
    )
