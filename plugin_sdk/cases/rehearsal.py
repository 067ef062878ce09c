"""Acting out cases with a moved clock: demonstrations that went through the engine itself."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlmodel import col

from plugin_sdk.cases import clock
from plugin_sdk.cases.engine import CaseEngine
from plugin_sdk.extension import ImportReport
from plugin_sdk.ports import Actor, Work


class Act(msgspec.Struct, frozen=True):
    """One act of a scene: who of the cast does it, so many hours after the one before."""

    verb: str
    by: str
    hours: float = 1.0
    form: Mapping[str, Any] = {}


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """A case that is acted out: opened so many days ago, then act by act up to now."""

    key: str
    by: str
    days_ago: float
    open: Callable[[Work], Awaitable[Any]]
    acts: tuple[Act, ...] = ()


async def rehearse(
    engine: CaseEngine[Any], cast: Mapping[str, Actor], scenes: Sequence[Scene]
) -> AsyncIterator[ImportReport]:
    """Yield a report for each scene; one that was acted out before is left as it is.

    What the hub does by itself meanwhile (escalation, lapse) happens at its own time.
    """
    for line, scene in enumerate(scenes, 1):
        new = await _play(engine, cast, scene)
        outcome: Any = "added" if new else "present"
        yield ImportReport(line=line, outcome=outcome, total=len(scenes))


async def _play(engine: CaseEngine[Any], cast: Mapping[str, Actor], scene: Scene) -> bool:
    hub, end = engine.hub, engine.hub.now()
    key = f"rehearsal:{scene.key}"
    async with hub.read(hub.system("rehearsal")) as read:
        known = read.rows(engine.row, col(engine.row.id), permission=engine.flow.read).where(
            col(engine.row.source_key) == key
        )
        if (await read.session.execute(known)).first() is not None:
            return False
    moment = end - timedelta(days=scene.days_ago)
    async with hub.at(moment).work(cast[scene.by]) as work:
        row = await scene.open(work)
        row.source_key = key
    for act in scene.acts:
        moment += timedelta(hours=act.hours)
        if moment > end:
            break
        row = await _meanwhile(engine, row, moment)
        transition = engine.flow.find(row.state, act.verb)
        if transition is None:
            continue  # it lapsed meanwhile
        form = transition.form.model_validate({**act.form, "version": row.version})
        async with hub.at(moment).work(cast[act.by]) as work:
            row = await engine.act(work, row.id, act.verb, form)
    await _meanwhile(engine, row, end)
    return True


async def _meanwhile(engine: CaseEngine[Any], row: Any, until: datetime) -> Any:
    """Fire what would have fired by `until`, each at its own moment; return the case."""
    hub = engine.hub
    for kind in ("stage", "late", "lapse"):
        at = _moment(engine, row, kind)
        if at is None or at > until:
            continue
        async with hub.at(at).work(hub.system(f"timer {kind}")) as work:
            await engine.on_timer(work, kind, engine.subject(row.id))
            row = await work.get(engine.row, row.id, permission=engine.flow.read)
    return row


def _moment(engine: CaseEngine[Any], row: Any, kind: str) -> datetime | None:
    state = engine.flow.state(row.state)
    if kind == "late":
        return row.due_at if clock.runs(engine.flow, row) else None
    term = state.term if kind == "stage" else state.lapse and state.lapse.term
    return clock.window(engine.hub, row.stage_entered_at, term) if term else None
