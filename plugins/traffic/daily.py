"""How much one person may do in a day."""

from typing import Any
from uuid import UUID

from sqlalchemy import func
from sqlmodel import col

from plugin_sdk.cases import CaseEngine
from plugin_sdk.deadlines import local_day
from plugin_sdk.figures import bounds
from plugin_sdk.ports import Work
from plugin_sdk.problems import AppConflict


async def refuse_more(
    engine: CaseEngine[Any], work: Work, person_id: UUID | None, most: int
) -> None:
    """Raise `AppConflict` (`accident-too-often`, `report-too-often`) for one who has opened as
    many cases of a flow today as one may."""
    row, flow = engine.row, engine.flow
    start, _ = bounds(local_day(work.now), local_day(work.now))
    mine = work.rows(row, func.count(), permission=flow.read).where(
        col(row.person_id) == person_id, col(row.opened_at) >= start
    )
    if (await work.session.execute(mine)).scalar_one() >= most:
        raise AppConflict(engine.hub.app, f"{flow.name}-too-often", n=most)
