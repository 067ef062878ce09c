"""Looking for what stands in the way of a step: the day, the merge, the archive, the app itself,
and the apps that rely on it."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from core.apps.hooks import HookFailure
from core.apps.supervisor import Apps
from core.database import Transaction
from core.governance.archive.service import latest
from core.governance.lifecycle.dependants import dependants
from core.governance.lifecycle.obstacles import Obstacle
from core.governance.lifecycle.service import StandingFacts
from core.governance.merging import gate, links
from core.governance.register import RegisterEntry
from plugin_sdk.deadlines import local_day
from plugin_sdk.views import Phrase

ANNOUNCED = ("sunset", "close")
"""The steps that people and other apps are told of before they are taken."""


async def in_the_way(
    tx: Transaction,
    apps: Apps,
    register: Mapping[str, RegisterEntry],
    standing: StandingFacts,
    verb: str,
    *,
    told: Sequence[Phrase] = (),
    evidence_days: int = gate.EVIDENCE_DAYS,
) -> list[Obstacle]:
    """Return what stands in the way of a step, what cannot be waived first. `told` is what the
    app itself says (`unfinished`), asked before the transaction began. Where a merge was decided,
    its gate (`core.governance.merging.gate`) is asked; its proofs count for `evidence_days`. Old
    links are tried once more before a closing hands them to the door: they may have been changed
    since, or their targets."""
    found = []
    if verb == "reopen":
        last = await latest(tx, standing.app)
        if last is not None and last.under_way:
            found.append(Obstacle(key="archiving", said=Phrase("life.obstacle.archiving")))
    if verb not in ANNOUNCED:
        return found
    into = standing.successor
    if verb == "sunset" and standing.stage == "merge":
        if into is None:
            return [Obstacle(key="no-successor", said=Phrase("merge.obstacle.no_successor"))]
        found += await gate.obstacles(
            tx,
            standing.app,
            into,
            closes_on=local_day(tx.now),  # a sunset announces its day: that is asked for apart
            evidence_days=evidence_days,
        )
    if verb == "close":
        today = local_day(tx.now)
        if standing.closes_on is not None and today < standing.closes_on:
            said = Phrase("life.obstacle.not_yet", {"day": standing.closes_on})
            found.append(Obstacle(key="not-yet", said=said))
        if standing.stage == "sunset" and into is not None:
            fresh = tx.now - timedelta(days=evidence_days)
            found += await links.untested(tx, standing.app, into, fresh)
        found += [
            Obstacle(key=f"app-{n}", said=said, href=f"/apps/{standing.app}/", waivable=True)
            for n, said in enumerate(told)
        ]
    relying = (await dependants(tx, apps, register)).get(standing.app, [])
    found += [
        Obstacle(
            key=f"{one.way}-{one.app}",
            said=Phrase(f"life.obstacle.{one.way}", {"name": one.names}),
            href=f"/governance/apps/{one.app}",
            waivable=True,
        )
        for one in relying
    ]
    return found


async def unfinished(apps: Apps, app: str) -> list[Phrase]:
    """Return what an app says is not finished in it (hook `can_retire`); that it cannot say, if
    it cannot. An app whose package is gone says nothing."""
    hub = apps.hubs.get(app)
    if hub is None:
        return []
    try:
        return list(await apps.hooks.call_async(app, "can_retire", (), hub=hub))
    except HookFailure as failure:
        return [Phrase("life.obstacle.silent", {"detail": str(failure)})]
