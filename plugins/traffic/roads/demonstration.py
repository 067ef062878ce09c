"""The demonstration: what is the matter on the county's roads, of our own making."""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any, Final

import msgspec
from sqlmodel import col

from plugin_sdk.deadlines import local_day
from plugin_sdk.extension import ImportReport
from plugin_sdk.forms import validate
from plugin_sdk.ports import Actor, Hub
from plugin_sdk.registers import EndForm
from plugins.traffic.desk import desk_of as traffic_of
from plugins.traffic.roads.following import FOLLOW, Following
from plugins.traffic.roads.forms import FollowForm, RoadForm
from plugins.traffic.roads.models import RoadNotice
from plugins.traffic.roads.notices import desk_of

TOWN: Final = "371603104"
"""泊头镇."""
NOTICES: Final[tuple[dict[str, Any], ...]] = (
    {
        "name": "G205 国道半幅施工",
        "kind": "works",
        "road": "G205 国道",
        "stretch": "412 公里至 415 公里",
        "hours": "每天 22:00 至次日 6:00",
        "advice": "夜间半幅双向通行，限速 40 公里；大货车绕行 S235 省道。",
        "since": -4,
        "until": 16,
    },
    {
        "name": "泊头大桥维修封闭",
        "kind": "closed",
        "town": True,
        "stretch": "泊头镇政府西 500 米",
        "advice": "机动车绕行北侧便桥，行人、非机动车可以通过。",
        "since": 5,
        "until": 35,
    },
    {
        "name": "富国路事故，车辆缓行",
        "kind": "accident",
        "road": "富国路",
        "stretch": "中心路路口东 200 米",
        "advice": "已处理完毕，恢复通行。",
        "since": 0,
        "until": 0,
        "over": True,
    },
)


async def demonstrate(hub: Hub, cast: Mapping[str, Actor]) -> AsyncIterator[ImportReport]:
    """Publish the notices, and let a resident follow a road; what is there is left as it is."""
    desk = desk_of(hub)
    officer, today = _by(cast["officer"], "road.publish"), local_day(hub.now())
    async with hub.read(hub.system("demonstration")) as read:
        known = set(
            (await read.session.execute(read.rows(RoadNotice, col(RoadNotice.name)))).scalars()
        )
    town = next((str(one.id) for one in await desk.regions() if one.code == TOWN), None)
    for line, told in enumerate(NOTICES, 1):
        new = told["name"] not in known
        if new:
            values = {name: told[name] for name in RoadForm.model_fields if name in told}
            values |= {"starts_on": today + timedelta(days=told["since"])}
            values |= {"ends_on": today + timedelta(days=told["until"])}
            if told.get("town"):
                values |= {"region": town} if town else {"road": desk.roads[0]}
            async with hub.work(officer) as work:
                row = await desk.engine.add(work, validate(RoadForm, values))
            if told.get("over"):
                form = EndForm(version=1, ends_on=today, reason="事故处理完毕")
                async with hub.work(officer) as work:
                    await desk.engine.end(work, row.id, form)
        yield ImportReport(line=line, outcome="added" if new else "present", total=len(NOTICES) + 1)
    yield ImportReport(
        line=len(NOTICES) + 1,
        outcome="added" if await _follow(hub, cast) else "present",
        total=len(NOTICES) + 1,
    )


async def _follow(hub: Hub, cast: Mapping[str, Actor]) -> bool:
    following, by = Following(desk_of(hub)), _by(cast["resident"], FOLLOW)
    unit, offered = await traffic_of(hub).unit(), await following.options()
    async with hub.read(by) as read:
        if not offered or await following.mine(read):
            return False
    async with hub.work(by) as work:
        await following.follow(work, FollowForm(subject=offered[0].value), unit, offered)
    return True


def _by(actor: Actor, permission: str) -> Actor:
    return msgspec.structs.replace(actor, permission=f"traffic.{permission}")
