"""Two months of supervision of our own making, acted out through the engines."""

import csv
from collections.abc import AsyncIterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgspec

from plugin_sdk.cases.desk import CaseDesk
from plugin_sdk.cases.rehearsal import Act, Scene, rehearse
from plugin_sdk.deadlines import CalendarUnknown, local_day
from plugin_sdk.extension import ImportReport
from plugin_sdk.forms import Submission, validate
from plugin_sdk.ports import Actor, Hub, Work
from plugins.supervision.desk import desks
from plugins.supervision.forms import StationForm
from plugins.supervision.registers import enter_topics, stations

DATA: Final = Path(__file__).parent / "data"


class Told(msgspec.Struct, frozen=True):
    """A case as the file tells it. In forms a unit is named by who of the cast works there,
    and a deadline in days."""

    by: str
    days_ago: float
    form: dict[str, Any]
    acts: list[tuple[str, str, float, dict[str, Any]]]


async def run(hub: Hub, cast: Mapping[str, Actor]) -> AsyncIterator[ImportReport]:
    """Yield a report for each topic and for each case that is acted out."""
    findings, tasks, projects = desks(hub)
    units = {role: actor.organization_id for role, actor in cast.items()}
    keeper, place = units["supervisor"], units["head"]
    if keeper is None or place is None:
        raise LookupError("the cast has no posts")
    line, since = 0, local_day(hub.now()) - timedelta(days=90)
    with (DATA / "topics.csv").open(encoding="utf-8", newline="") as file:
        named = {row["code"]: row["name"] for row in csv.DictReader(file)}
    async for new in enter_topics(findings.topics, keeper, named, since):
        line += 1
        yield ImportReport(line=line, outcome="added" if new else "present")
    async with hub.work(hub.system("stations")) as work:
        register = stations(hub)
        if await register.by_code(work, "FG01") is None:
            station = {"code": "FG01", "name": "富国街道监察联络站", "head": "窦站长"}
            form = validate(StationForm, {**station, "place_id": place, "starts_on": since})
            await register.add(work, form, organization_id=keeper)
    told = msgspec.json.decode(
        (DATA / "demonstration.json").read_bytes(), type=dict[str, list[Told]]
    )
    for desk, name in ((findings, "findings"), (tasks, "tasks"), (projects, "projects")):
        scenes = [_scene(desk, f"{name}:{n}", case, units) for n, case in enumerate(told[name])]
        async for report in rehearse(desk.engine, cast, scenes):
            yield report


def _scene(desk: CaseDesk[Any], key: str, case: Told, units: Mapping[str, UUID | None]) -> Scene:
    form: Any = desk.form

    def values(given: Mapping[str, Any]) -> dict[str, Any]:
        unit = {"unit": str(units[given["unit"]])} if "unit" in given else {}
        return {**given, **unit}

    async def open_case(work: Work) -> Any:
        filled, today = values(case.form), local_day(work.now)
        if "checked_on" in form.model_fields:
            filled["checked_on"] = today
        if "due_on" in form.model_fields:
            filled["due_on"] = _worked(desk.hub, today + timedelta(days=filled.pop("days")))
        return await desk.file(work, Submission(validate(form, filled), None))

    acts = tuple(Act(verb, by, hours, values(given)) for verb, by, hours, given in case.acts)
    return Scene(key=key, by=case.by, days_ago=case.days_ago, open=open_case, acts=acts)


def _worked(hub: Hub, day: date) -> date:
    """Return the last working day up to a day, as far as holidays are known."""
    while True:
        try:
            if hub.calendar.is_working_day(day):
                return day
        except CalendarUnknown:
            pass
        day -= timedelta(days=1)
