"""What traffic counts beside the kit: vehicles bound, violations accepted and cancelled."""

from typing import Final

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
    settled = [await _in_state(read, view, state) for state in ("accepted", "cancelled")]
    view.cards = [bound, *settled, *view.cards]


async def _in_state(read: Read, view: FiguresView, state: str) -> FigureCard:
    start, end = bounds(view.since, view.until)
    moment = col(Handling.changed_at)
    statement = read.rows(Handling, func.count()).where(
        col(Handling.state) == state, moment >= start, moment < end
    )
    return FigureCard(
        label=Phrase(f"{WORDS}.{state}.label"),
        what=Phrase(f"{WORDS}.{state}.what"),
        value=int((await read.session.execute(statement)).scalar_one()),
        window=window(view.since, view.until),
    )
