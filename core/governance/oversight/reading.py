"""Reading reviews for the shell's own purposes: commands, and pages that name a review."""

from datetime import datetime

import msgspec
from sqlmodel import col

from core.governance.oversight.desk import desk_of
from core.governance.oversight.models import Review
from plugin_sdk.ports import Hub
from plugin_sdk.views import Phrase


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A review in a list: `due_at` is the owner's while it runs."""

    number: str
    app: str
    state: str
    state_label: Phrase
    due_at: datetime | None
    successor: str | None


async def reviews(hub: Hub, *, opened: bool = False) -> list[Listed]:
    """Return all reviews, newest first; with `opened` those alone that are not decided yet."""
    desk = desk_of(hub)
    columns = [Review.number, Review.app, Review.state, Review.due_at, Review.successor]
    async with hub.read(hub.system("reviews")) as read:
        statement = read.rows(Review, *map(col, columns), permission=desk.flow.read)
        if opened:
            statement = statement.where(col(Review.pending).is_not(None))
        found = await read.session.execute(
            statement.order_by(col(Review.opened_at).desc(), col(Review.id).desc())
        )
        return [
            Listed(
                number=number,
                app=app,
                state=state,
                state_label=desk.engine.words(f"state.{state}"),
                due_at=due_at if state in ("waiting", "improve") else None,
                successor=successor,
            )
            for number, app, state, due_at, successor in found
        ]
