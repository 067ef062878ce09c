"""The gate of a merge: what is still to be proven before the old app may go into its sunset."""

from datetime import date, timedelta
from typing import Final

from sqlalchemy import select
from sqlmodel import col

from core.apps.models import AppRuntime
from core.database import Transaction
from core.governance.lifecycle.models import Standing
from core.governance.lifecycle.obstacles import Obstacle
from core.governance.lifecycle.steps import IN_USE
from core.governance.merging import links, parity, reconciling
from plugin_sdk.views import Phrase

EVIDENCE_DAYS: Final = 7
"""How old a proof may be where no policy says so (`life_cycle.evidence_days`)."""

DATE: Final = "date"
"""The obstacle that the step itself removes, by naming the day."""


async def obstacles(
    tx: Transaction,
    app: str,
    successor: str,
    *,
    closes_on: date | None = None,
    evidence_days: int = EVIDENCE_DAYS,
) -> list[Obstacle]:
    """Return what stands between an app and its merge into a successor; nothing: the gate is open.

    Every function has a route of the successor that was called and answered, or a signed waiver;
    every kind of data is reconciled or waived; every old link was tried; the successor runs and is
    in use; the day is announced: `closes_on` is that which the step is about to announce, None the
    one that was. A proof counts for `evidence_days`: what answered a month ago may be gone, and
    data that were equal then are not what the old app holds by now.
    """
    fresh = tx.now - timedelta(days=evidence_days)
    return [
        *await parity.unproven(tx, app, successor, fresh),
        *await reconciling.unequal(tx, app, successor, fresh),
        *await links.untested(tx, app, successor, fresh),
        *await _of_the_apps(tx, app, successor, closes_on),
    ]


async def _of_the_apps(
    tx: Transaction, app: str, successor: str, closes_on: date | None
) -> list[Obstacle]:
    row, runs = Standing, AppRuntime
    stands = {
        name: (stage, day)
        for name, stage, day in await tx.session.execute(
            select(col(row.app), col(row.stage), col(row.closes_on)).where(
                col(row.app).in_((app, successor))
            )
        )
    }
    door = await tx.session.execute(
        select(col(runs.state), col(runs.mode)).where(col(runs.app) == successor)
    )
    found = []
    if tuple(door.first() or ()) != ("enabled", "open"):
        found.append(("successor-shut", "merge.obstacle.successor_shut", f"/about/{successor}"))
    if stands.get(successor, ("", None))[0] not in IN_USE:
        found.append(("successor-stage", "merge.obstacle.successor_stage", ""))
    if (closes_on or stands.get(app, ("", None))[1]) is None:
        found.append((DATE, "merge.obstacle.date", f"/governance/apps/{app}/life"))
    return [Obstacle(key=key, said=Phrase(said), href=href) for key, said, href in found]
