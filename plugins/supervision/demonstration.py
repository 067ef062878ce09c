"""Two months of supervision of our own making, acted out through the engines."""

import csv
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from msgspec import structs

from plugin_sdk.cases.desk import CaseDesk
from plugin_sdk.cases.rehearsal import read_told, rehearse, told
from plugin_sdk.deadlines import local_day
from plugin_sdk.extension import ImportReport
from plugin_sdk.forms import validate
from plugin_sdk.ports import Actor, Hub
from plugins.supervision.desk import desks
from plugins.supervision.forms import StationForm
from plugins.supervision.registers import enter_topics, stations, topics

DATA: Final = Path(__file__).parent / "data"


async def run(hub: Hub, cast: Mapping[str, Actor]) -> AsyncIterator[ImportReport]:
    """Yield a report for each topic and for each case that is acted out."""
    keeper, place = cast["supervisor"].organization_id, cast["head"].organization_id
    if keeper is None or place is None:
        raise LookupError("the cast has no posts")
    acted: tuple[CaseDesk[Any], ...] = desks(hub)
    since = local_day(hub.now()) - timedelta(days=90)
    with (DATA / "topics.csv").open(encoding="utf-8", newline="") as file:
        named = {row["code"]: row["name"] for row in csv.DictReader(file)}
    cases = read_told(DATA / "demonstration.json")
    line, total = 0, len(named) + sum(len(known) for known in cases.values())
    async for new in enter_topics(topics(hub), keeper, named, since):
        line += 1
        yield ImportReport(line=line, outcome="added" if new else "present", total=total)
    register = stations(hub)
    async with hub.work(hub.system("stations")) as work:
        if await register.by_code(work, "FG01") is None:
            station = {"code": "FG01", "name": "富国街道监察联络站", "head": "窦站长"}
            form = validate(StationForm, {**station, "place_id": place, "starts_on": since})
            await register.add(work, form, organization_id=keeper)
    for desk in acted:
        known = cases[desk.flow.name]
        scenes = [told(desk, case, n, cast) for n, case in enumerate(known)]
        async for report in rehearse(desk.engine, cast, scenes):
            line += 1
            yield structs.replace(report, line=line, total=total)
