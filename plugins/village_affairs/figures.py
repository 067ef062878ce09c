"""The figures that the county publishes, each with what it is."""

from datetime import date
from typing import Final

from plugin_sdk.duties.figures import duty_figures
from plugin_sdk.figures import counted
from plugin_sdk.ports import Read
from plugin_sdk.views import FiguresView, Phrase
from plugins.village_affairs.desk import Desk
from plugins.village_affairs.models import Meeting, Question

PERMISSION: Final = "figures.read"
WORDS: Final = "village-affairs.figures"


async def figures_view(desk: Desk, read: Read, since: date, until: date) -> FiguresView:
    """Return meetings held, items published, questions solved and months on time, in scope."""
    cards, charts = await duty_figures(desk.publications.engine, read, since, until, PERMISSION)
    counts = [
        await counted(
            *(read, f"{WORDS}.{name}", model, moment, since, until), permission=PERMISSION
        )
        for name, model, moment in (
            ("meetings", Meeting, Meeting.held_at),
            ("solved", Question, Question.resolved_at),
        )
    ]
    return FiguresView(
        title=Phrase(f"{WORDS}.title"),
        since=since,
        until=until,
        cards=[*counts, *cards],
        charts=charts,
    )
