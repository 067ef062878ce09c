"""A walk through everything that the old app of the traffic police did: residents, officers and a
counter at work, each act through the front door. What was answered is noted by its path."""

from typing import Any

from core.governance.merging.functions import fits
from plugin_sdk.payments.simulated import How
from plugins.traffic.tests.booking import HOURS, PLACE
from plugins.traffic.tests.conftest import CAR, LICENCE, PARKED, RED_LIGHT, Town
from plugins.traffic.tests.paying import Till

FURTHER = "3716030000010003"
BLOCK = {
    "name": "标线清楚",
    "decision": "objection-uphold",
    "text": "{车牌} 于{违法时间}在{违法地点}的记录，照片中标线清楚，维持。",
}
REPLY = {"text": "经核对，情况属实。"}


class Walk:
    """The acts of a walk, and which paths were answered."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.answered: list[tuple[str, str]] = []

    def walked(self, route: str) -> bool:
        """Return whether a route (`POST /vehicles`) was answered on the walk."""
        method = route.partition(" ")[0]
        return any(how == method and fits(route, path) for how, path in self.answered)

    def entered(self, route: str) -> bool:
        """Return whether anything below the first segment of a route was asked for at all."""
        first = route.partition(" ")[2].split("/")[1]
        return any(path.partition("?")[0].split("/")[1] == first for _, path in self.answered)

    async def get(self, path: str, by: str | None = "resident") -> Any:
        answer = await self.town.get(path, by)
        self.answered.append(("GET", path))
        return answer

    async def post(self, path: str, by: str = "resident", status: int = 200, **form: Any) -> Any:
        answer = await self.town.post(path, by, status, **form)
        self.answered.append(("POST", path))
        return answer

    async def act(self, number: str, verb: str, by: str, **form: Any) -> None:
        await self.town.act(number, verb, by, **form)
        self.answered.append(("POST", f"/objections/{number}/{verb}"))


async def vehicles_and_licences(walk: Walk) -> None:
    """Bind and take off, show a licence and check it, free a vehicle."""
    town = walk.town
    await town.prove("resident")
    for _ in range(2):  # bound, taken off, and bound again
        await walk.post("/vehicles", status=201, plate=CAR, vin_tail="012345")
        await walk.post("/licence", status=201, file_number=LICENCE)
        mine = await walk.get("/mine")
        await walk.get("/licence")
        code = (await walk.post("/licence/code", status=201))["code"]
        await walk.get(f"/verify/{code}", None)
        await walk.post(mine["vehicles"][0]["unbind_href"].removeprefix("/apps/traffic"))
        await walk.post("/licence/unbind")
    await walk.post("/vehicles", status=201, plate=CAR, vin_tail="012345")
    await walk.post("/release", "officer", plate=CAR, reason="核对行驶证，车辆已过户")
    await walk.post("/vehicles", status=201, plate=CAR, vin_tail="012345")
    await walk.post("/licence", status=201, file_number=LICENCE)


async def violations_and_objections(walk: Walk) -> str:
    """Look, accept, pay, give back; object, and decide each way. Returns an objection's number."""
    town, till = walk.town, Till(walk.town.hub, await walk.town.hub.actors())
    await walk.get("/violations")
    await walk.get(f"/violations/{RED_LIGHT}/pictures/0")
    await walk.post(f"/violations/{PARKED}/accept")
    opened = await walk.post(f"/violations/{PARKED}/pay", status=201)
    row = next(one for one in await till.rows("payment") if one.number == opened["number"])
    await till.provider.pay(till.desk.order(row), How.AT_ONCE)
    await till.provider.deliver(till.engine.receive)
    await walk.get("/payments")
    await walk.get(f"/payments/{row.number}/receipt")
    await walk.get("/payments/findings", "officer")
    paid = await town.get(f"/payments/{row.number}", "officer")
    refund = {"version": paid["version"], "reason": "重复处罚"}
    await walk.post(f"/payments/{row.number}/refund", "officer", **refund)
    await till.mind()
    text = {"text": "当时按交警手势通行，请核对。"}
    small = (await walk.post("/objections", status=201, violation=PARKED, **text))["number"]
    await walk.act(small, "cancel", "officer", **REPLY)
    large = (await walk.post("/objections", status=201, violation=RED_LIGHT, **text))["number"]
    await walk.act(large, "propose", "officer", **REPLY)
    await walk.act(large, "confirm", "officer2")
    third = (await walk.post("/objections", status=201, violation=FURTHER, **text))["number"]
    await walk.act(third, "uphold", "officer", **REPLY)
    await walk.get("/objections", "officer")
    await walk.get(f"/objections/{small}")
    await walk.get("/figures", "brigade")
    return str(small)


async def deciding(walk: Walk) -> None:
    """Look at what waits, and keep the words that decisions begin with."""
    await walk.get("/queue", "officer")
    await walk.post("/templates", "brigade", 201, **BLOCK)


async def appointments(walk: Walk) -> None:
    """Open a place, book, wait, move, cancel, and be served."""
    town, at = walk.town, "/appointments/new/licence/A"
    await walk.post("/places", "brigade", 201, **PLACE)
    await walk.post("/hours", "brigade", 201, **HOURS)
    booked = (await walk.post(f"{at}/2026-09-02/0900", status=201))["number"]
    await walk.post(f"{at}/2026-09-02/0900/wait", "resident2", 201)
    await walk.get("/appointments")
    await walk.post(f"/appointments/{booked}/move/A/2026-09-03/0900")
    mine = await town.get(f"/appointments/{booked}")
    await walk.get("/appointments/counter?place=A&day=2026-09-03", "officer")
    other = (await walk.post(f"{at}/2026-09-04/1000", status=201))["number"]
    await walk.post(f"/appointments/{other}/cancel")
    town.later(days=2)
    await walk.post("/appointments/counter/A", "officer", code=mine["queue"])
    await walk.get("/appointments/figures?since=2026-09-01&until=2026-09-30", "brigade")


async def moving(walk: Walk) -> None:
    """Ask for a car to be moved, and answer."""
    place = "富国小区 3 号楼东侧"
    asked = await walk.post("/moving", "resident2", 201, plate=CAR, place=place)
    await walk.post(f"/moving/{asked['item']['number']}/answer", reply="coming")
