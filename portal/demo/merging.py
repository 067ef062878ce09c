"""A merge under way in the demonstration: an app beyond the door, and what of it the hotline was
seen to do."""

from typing import Any, Final

from core.database import Transaction
from core.governance.merging import parity
from core.governance.merging.functions import inventory, proposed, routes_of
from core.governance.merging.signing import Signature
from core.identity import sessions
from plugin_sdk.ports import Actor
from portal.demo import county
from portal.probe import Probes

OLD: Final = "demo-public-voice"
INTO: Final = "hotline"
WALL: Final = "意见墙（公开留言）"
REASON: Final = "居民留言不再逐条公开；办结的诉求由热线脱敏后选登。"
SECONDS: Final = 60


async def begin(hub: Any) -> bool:
    """Begin the merge, once: functions are matched by name, one is signed away, and what the
    governance officer may open is really called. Return whether it was begun now."""
    database = hub.services.database
    instance = hub.apps.instances.get(INTO)
    async with database.transaction(write=True) as tx:
        who = (await county.cast_actors(tx)).get("governance")
        if instance is None or who is None or who.person_id is None:
            return False
        if await parity.successor_of(tx, OLD) is not None:
            return False
        functions = instance.app.manifest.porting.functions
        rule, there = hub.governance.policy().rules.duplicate, routes_of(instance)
        alike = proposed(await inventory(tx, OLD), functions, there, rule)
        await parity.begin(tx, OLD, INTO, alike)
        await parity.add(tx, OLD, INTO, WALL)
        by = Signature(who.person_id, who.name)
        await parity.waive(tx, OLD, INTO, WALL, REASON, by)
        token = await sessions.begin(tx, who.person_id, seconds=SECONDS, proofs=["pwd"])
        every = await parity.functions(tx, OLD, INTO)
    probes = Probes(hub.front, f"{hub.front.cookie}={token}".encode())
    answers = {
        one.function: await probes.status(f"/apps/{INTO}{one.example}")
        for one in every
        if one.example
    }
    async with database.transaction(write=True) as tx:
        await sessions.end(tx, sessions.digest(token))
        await _keep(tx, every, answers, who)
    return True


async def _keep(
    tx: Transaction,
    every: list[parity.FunctionFacts],
    answers: dict[str, int | None],
    who: Actor,
) -> None:
    for one in every:
        if one.function in answers:
            status = answers[one.function]
            proof: parity.Proof = "probe" if status is not None and status < 300 else ""
            await parity.answered(tx, OLD, INTO, one, proof, who.person_id, status)
