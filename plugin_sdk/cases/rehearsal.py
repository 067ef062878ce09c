"""Acting out cases with a moved clock: demonstrations that went through the engine itself."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
from sqlmodel import col

from plugin_sdk.cases import clock
from plugin_sdk.cases.desk import CaseDesk
from plugin_sdk.cases.engine import CaseEngine
from plugin_sdk.deadlines import CalendarUnknown, local_day
from plugin_sdk.extension import ImportReport
from plugin_sdk.forms import Submission, validate
from plugin_sdk.ports import Actor, Hub, Work

LONGEST_REST: Final = 100
"""How many days back a working day is looked for: holidays of a whole quarter may be unknown."""


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


class Told(msgspec.Struct, frozen=True):
    """A case as a file tells it (`read_told`). In forms a unit is named by who of the cast works
    there, and what happens on a day (`…_on`) by so many days from the opening."""

    by: str
    days_ago: float
    form: dict[str, Any]
    acts: list[tuple[str, str, float, dict[str, Any]]]


def read_told(path: Path) -> dict[str, list[Told]]:
    """Return the cases of a JSON file by the name of their flow."""
    return msgspec.json.decode(path.read_bytes(), type=dict[str, list[Told]])


def told(desk: CaseDesk[Any], case: Told, n: int, cast: Mapping[str, Actor]) -> Scene:
    """Return a told case as a scene: it is filed through the desk, as people do it."""
    form: Any = desk.form

    def values(given: Mapping[str, Any], today: date | None = None) -> dict[str, Any]:
        filled = dict(given)
        if "unit" in given:
            filled["unit"] = str(cast[given["unit"]].organization_id)
        for name in given if today else ():
            if name.endswith("_on") and today:
                filled[name] = _worked(desk.hub, today + timedelta(days=given[name]))
        return filled

    async def open_case(work: Work) -> Any:
        filled = validate(form, values(case.form, local_day(work.now)))
        return await desk.file(work, Submission(filled, None))

    acts = tuple(Act(verb, by, hours, values(given)) for verb, by, hours, given in case.acts)
    key = f"{desk.flow.name}:{n}"
    return Scene(key=key, by=case.by, days_ago=case.days_ago, open=open_case, acts=acts)


def _worked(hub: Hub, day: date) -> date:
    """Return the last working day up to a day, as far as holidays are known."""
    for back in range(LONGEST_REST):
        try:
            if hub.calendar.is_working_day(day - timedelta(days=back)):
                return day - timedelta(days=back)
        except CalendarUnknown:
            continue
    return day


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
