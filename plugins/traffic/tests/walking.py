"""A walk through everything that the old app of the traffic police did: residents, officers and a
counter at work, each act through the front door. What was answered is noted by its path."""

from typing import Any, Final

import httpx

from core.governance.merging.functions import fits
from plugin_sdk.payments.simulated import How
from plugin_sdk.times import SHANGHAI
from plugins.traffic.study.lessons import course
from plugins.traffic.tests.booking import HOURS, PLACE
from plugins.traffic.tests.conftest import CAR, HERE, LICENCE, PARKED, RED_LIGHT, Town
from plugins.traffic.tests.crash import Crash
from plugins.traffic.tests.paying import Till
from plugins.traffic.tests.reporting import CROSSING, Reporters, photo
from plugins.traffic.tests.test_roads import WORKS
from plugins.traffic.tests.test_study import CAR_ROW, LICENCE_ROW, Student

FURTHER = "3716030000010003"
BLOCK = {
    "name": "标线清楚",
    "decision": "objection-uphold",
    "text": "{车牌} 于{违法时间}在{违法地点}的记录，照片中标线清楚，维持。",
}
REPLY: Final[dict[str, Any]] = {"text": "经核对，情况属实。"}


class Walk:
    """Notes which paths of the app are answered from now on, by whatever client of a hub."""

    def __init__(self, town: Town) -> None:
        self.answered: set[tuple[str, str]] = set()
        make = town.hub.client

        async def note(answer: httpx.Response) -> None:
            path = answer.request.url.path
            if answer.is_success and path.startswith(f"{HERE}/"):
                self.answered.add((answer.request.method, path.removeprefix(HERE)))

        def noted() -> Any:
            client = make()
            client.event_hooks = {"response": [note]}
            return client

        town.hub.client = noted

    def walked(self, route: str) -> bool:
        """Return whether a route (`POST /vehicles`) was answered on the walk."""
        method = route.partition(" ")[0]
        return any(how == method and fits(route, path) for how, path in self.answered)


async def vehicles_and_licences(town: Town) -> None:
    """Bind and take off, show a licence and check it, free a vehicle."""
    await town.prove("resident")
    for _ in range(2):  # bound, taken off, and bound again
        await town.post("/vehicles", "resident", 201, plate=CAR, vin_tail="012345")
        await town.post("/licence", "resident", 201, file_number=LICENCE)
        mine = await town.get("/mine")
        await town.get("/licence")
        code = (await town.post("/licence/code", "resident", 201))["code"]
        await town.get(f"/verify/{code}", None)
        await town.post(mine["vehicles"][0]["unbind_href"].removeprefix("/apps/traffic"))
        await town.post("/licence/unbind")
    await town.post("/vehicles", "resident", 201, plate=CAR, vin_tail="012345")
    await town.post("/release", "officer", plate=CAR, reason="核对行驶证，车辆已过户")
    await town.post("/vehicles", "resident", 201, plate=CAR, vin_tail="012345")
    await town.post("/licence", "resident", 201, file_number=LICENCE)


async def violations_and_objections(town: Town) -> str:
    """Look, accept, pay, give back; object, and decide each way. Returns an objection's number."""
    till = Till(town.hub, await town.hub.actors())
    await town.get("/violations")
    await town.get(f"/violations/{RED_LIGHT}/pictures/0")
    await town.post(f"/violations/{PARKED}/accept")
    opened = await town.post(f"/violations/{PARKED}/pay", status=201)
    row = next(one for one in await till.rows("payment") if one.number == opened["number"])
    await till.provider.pay(till.desk.order(row), How.AT_ONCE)
    await till.provider.deliver(till.engine.receive)
    await town.get("/payments")
    await town.get(f"/payments/{row.number}/receipt")
    await town.get("/payments/findings", "officer")
    paid = await town.get(f"/payments/{row.number}", "officer")
    refund = {"version": paid["version"], "reason": "重复处罚"}
    await town.post(f"/payments/{row.number}/refund", "officer", **refund)
    await till.mind()
    text = {"text": "当时按交警手势通行，请核对。"}
    small = (await town.post("/objections", status=201, violation=PARKED, **text))["number"]
    await town.act(small, "cancel", "officer", **REPLY)
    large = (await town.post("/objections", status=201, violation=RED_LIGHT, **text))["number"]
    await town.act(large, "propose", "officer", **REPLY)
    await town.act(large, "confirm", "officer2")
    third = (await town.post("/objections", status=201, violation=FURTHER, **text))["number"]
    await town.act(third, "uphold", "officer", **REPLY)
    await town.get("/objections", "officer")
    await town.get(f"/objections/{small}")
    await town.get("/figures", "brigade")
    return str(small)


async def deciding(town: Town) -> None:
    """Look at what waits, and keep the words that decisions begin with."""
    await town.get("/queue", "officer")
    await town.post("/templates", "brigade", 201, **BLOCK)


async def appointments(town: Town) -> None:
    """Open a place, book, wait, move, cancel, and be served."""
    at = "/appointments/new/licence/A"
    await town.post("/places", "brigade", 201, **PLACE)
    await town.post("/hours", "brigade", 201, **HOURS)
    booked = (await town.post(f"{at}/2026-09-02/0900", status=201))["number"]
    await town.post(f"{at}/2026-09-02/0900/wait", "resident2", 201)
    await town.get("/appointments")
    await town.post(f"/appointments/{booked}/move/A/2026-09-03/0900")
    mine = await town.get(f"/appointments/{booked}")
    await town.get("/appointments/counter?place=A&day=2026-09-03", "officer")
    other = (await town.post(f"{at}/2026-09-04/1000", status=201))["number"]
    await town.post(f"/appointments/{other}/cancel")
    town.later(days=2)
    await town.post("/appointments/counter/A", "officer", code=mine["queue"])
    await town.get("/appointments/figures?since=2026-09-01&until=2026-09-30", "brigade")


async def moving(town: Town) -> None:
    """Ask for a car to be moved, and answer."""
    place = "富国小区 3 号楼东侧"
    asked = await town.post("/moving", "resident2", 201, plate=CAR, place=place)
    await town.post(f"/moving/{asked['item']['number']}/answer", reply="coming")


async def accidents(town: Town) -> None:
    """Settle one accident between two, let officers decide another, refer a third."""
    crash = Crash(town)
    await crash.both()
    known = await town.get(f"/accidents/{crash.number}/amend")
    amended = {field["name"]: field["value"] for field in known["fields"]}
    amended["what"] = "我车等红灯，被后车追尾，后保险杠和尾灯损坏。"
    await crash.act("amend", "resident", **amended)
    await crash.agree("resident", "none", statement=2)
    await crash.agree("resident2", "full", statement=2)
    await town.get(f"/accidents/{crash.number}/paper.pdf")
    await town.get("/verify", None)
    await crash.act("revoke", "brigade", reason="经查一方为代驾人，重新处理。")
    decisions: dict[str, dict[str, Any]] = {
        "propose": {"outcome": "none", "text": "后车未保持安全距离。"},
        "refer": {"text": "双方各执一词，请到交警大队三楼现场处理。"},
    }
    for verb, form in decisions.items():
        town.later(hours=3)
        await crash.both()
        await crash.act("dispute", "resident2", reason="是对方突然变道。")
        await crash.act(verb, "officer", **form)
        if verb == "propose":
            await crash.act("confirm", "officer2")
    await town.get("/accidents", "officer")


async def reports(town: Town) -> None:
    """Report, join what is one, accept and reject."""
    reporters = Reporters(town)
    at = town.hub.clock().astimezone(SHANGHAI)
    seen = {"happened_on": f"{at:%Y-%m-%d}", "clock": f"{at:%H:%M}"}

    def shot(n: int) -> bytes:
        return photo(n, at=f"{at:%Y:%m:%d %H:%M:%S}")

    east, north = CROSSING
    near = {**seen, "kind": "line", "longitude": east, "latitude": north}
    first = await reporters.report("resident", shot(1), **near)
    other = await reporters.report("resident2", shot(2), **{**near, "longitude": east + 0.05})
    third = await reporters.report("resident", shot(3), **{**seen, "plate": "鲁M99999"})
    await reporters.act(other, "same", number=first)
    await reporters.act(first, "accept")
    await reporters.act(third, "reject", reason="照片看不清号牌")
    await town.get(f"/reports/{first}")
    await town.get("/reports", "officer")
    await town.get("/reports/figures", "brigade")


async def roads(town: Town) -> None:
    """Publish what is the matter on a road, follow it, correct and end it."""
    today = f"{town.hub.clock().astimezone(SHANGHAI):%Y-%m-%d}"
    works: dict[str, Any] = {**WORKS, "starts_on": today, "ends_on": None}
    made = await town.post("/road-notices", "officer", 201, **works)
    await town.get("/roads")
    await town.post("/roads/follows", "resident", 201, subject="road:G205 国道")
    at = f"/road-notices/{made['id']}"
    changed: dict[str, Any] = {
        **works,
        "advice": "北向绕行恒业六路",
        "version": 1,
        "reason": "改道",
    }
    await town.post(f"{at}/change", "officer", **changed)
    over: dict[str, Any] = {"version": 2, "ends_on": today, "reason": "提前完工"}
    await town.post(f"{at}/end", "officer", **over)


async def study(town: Town) -> None:
    """Learn, pass the quiz, and see what comes of it."""
    student = Student(town)
    for n in range(1, 10):
        student.violation(n, points=0)
    student.violation(1, points=3)
    town.source.put("vehicle", **CAR_ROW)
    town.source.put("licence", **LICENCE_ROW)
    town.later(minutes=3)
    await town.get("/study")
    await town.post("/study", "resident", 201)
    for lesson in course().lessons:
        await town.get(f"/study/lessons/{lesson.key}")
    await student.learn()
    town.later(minutes=31)
    await town.post("/study/quiz", **await student.answers())


WALK: Final = (appointments, moving, deciding, accidents, reports, roads, study)
"""The parts after vehicles, licences, violations and objections."""
