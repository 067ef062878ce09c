"""What traffic counts beside the kit: vehicles bound, violations accepted and cancelled."""

from typing import Any, Final

from sqlalchemy import func
from sqlmodel import col

from plugin_sdk.figures import bounds, counted, window
from plugin_sdk.ports import Read
from plugin_sdk.views import FigureCard, FiguresView, Phrase
from plugins.traffic.models import Handling, OwnVehicle

WORDS: Final = "traffic.figure"


async def add_figures(read: Read, view: FiguresView) -> None:
    """Add the figures of the view's period, within scope."""
    bound = await counted(
        read, f"{WORDS}.bound", OwnVehicle, OwnVehicle.bound_at, view.since, view.until
    )
    settled = [
        await in_state(read, view, f"{WORDS}.{state}", Handling, Handling.changed_at, state)
        for state in ("accepted", "cancelled")
    ]
    view.cards = [bound, *settled, *view.cards]


async def in_state(
    read: Read, view: FiguresView, words: str, model: Any, moment: Any, state: str
) -> FigureCard:
    """Return how many rows of a table came into a state within the view's period, in scope."""
    start, end = bounds(view.since, view.until)
    statement = read.rows(model, func.count()).where(
        col(model.state) == state, col(moment) >= start, col(moment) < end
    )
    return FigureCard(
        label=Phrase(f"{words}.label"),
        what=Phrase(f"{words}.what"),
        value=int((await read.session.execute(statement)).scalar_one()),
        window=window(view.since, view.until),
    )
