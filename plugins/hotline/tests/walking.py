"""How the tests walk a case along its flow: by whom each verb is done, and with what."""

from typing import Any, ClassVar

from plugins.hotline.tests.conftest import HERE, LIGHTS
from plugins.hotline.tests.coordinating import BASIS, Table
from plugins.hotline.tests.test_checking_calls import call, follow_up

WHY = {"reason": "说明理由"}
RETURNED = {"reason": "不归我们", "legal_basis": "三定方案"}


class Walker:
    """Walks one kind of case: by whom each verb is done, and with what."""

    path = ""
    sees = "dispatcher"
    who: ClassVar[dict[str, str]] = {}
    forms: ClassVar[dict[str, dict[str, Any]]] = {}

    def __init__(self, desk: Table) -> None:
        self.desk = desk
        self.number = ""
        self.seen: Any = None

    async def look(self) -> None:
        """See where the case stands."""
        self.seen = await self.desk.get(f"/{self.path}/{self.number}", self.sees)

    async def form(self, verb: str) -> dict[str, Any]:
        return self.forms.get(verb, {})

    async def send(self, verb: str, by: str, **form: Any) -> None:
        """Send an act; what is answered says where the case stands."""
        client = await self.desk.client(by)
        form.setdefault("version", self.seen["version"])
        answer = await client.post(f"{HERE}/{self.path}/{self.number}/{verb}", json=form)
        assert answer.status_code == 200, (verb, answer.text)
        self.seen = answer.json()

    async def do(self, verb: str) -> None:
        """Do an act; what takes more than a form, or is the hub's own to do, is a method of its
        name."""
        caused = getattr(self, verb.replace("-", "_"), None)
        if caused is None:
            await self.send(verb, self.who[verb], **await self.form(verb))
        else:
            await caused()

    async def walk(self, way: str, number: str) -> None:
        """Walk a case of a number all the way: after each act it stands where the walk says, and
        its timeline tells the same acts."""
        self.number = number
        first, *steps = way.split()
        await self.look()
        before = len(self.seen["timeline"])
        assert self.seen["state"] == first
        for verb, state in zip(steps[::2], steps[1::2], strict=True):
            await self.do(verb)
            assert (verb, self.seen["state"]) == (verb, state)
        await self.look()
        told = [step["verb"] for step in self.seen["timeline"]][::-1][before:]
        assert [verb for verb in told if verb != "urge_undone"] == steps[::2]


class Orders(Walker):
    """Orders, what they follow, and how they are coordinated."""

    path = "orders"
    who: ClassVar[dict[str, str]] = {
        **dict.fromkeys(("sign", "process", "reply", "return", "extend"), "unit"),
        **dict.fromkeys(("rate", "reopen", "publicize", "withhold"), "resident"),
        **dict.fromkeys(("dispatch", "close", "approve-extension", "supervise"), "dispatcher"),
        **dict.fromkeys(("follow", "unfollow", "keep-secret", "coordinate"), "dispatcher"),
        "answer": "operator",
    }
    forms: ClassVar[dict[str, dict[str, Any]]] = {
        "reply": {"text": "已修好"},
        "answer": {"text": "带身份证即可"},
        "return": RETURNED,
        "extend": {"days": 5, "reason": "等配件"},
        "approve-extension": {"decision": "approve"},
        "rate": {"rating": "4"},
        "coordinate": {"question": "都说不归它管", "category": LIGHTS},
        **dict.fromkeys(("reopen", "unfollow"), WHY),
    }
    original = ""

    async def form(self, verb: str) -> dict[str, Any]:
        if verb == "dispatch":
            return {"unit": await self.desk.unit(), "category": LIGHTS, **WHY}
        if verb == "follow":
            self.original = (await self.desk.file("resident2"))["number"]
            return {"original": self.original}
        return await super().form(verb)

    async def urge(self) -> None:
        await self.send("urge", "resident")
        client = await self.desk.client("resident")  # once a day, unless it is taken back
        undone = await client.post(f"{HERE}/orders/{self.number}/undo-urge", json={})
        assert undone.status_code == 200, undone.text
        await self.look()

    async def release(self) -> None:
        await self.desk.act(self.original, "keep-secret", "resident2")
        await self.desk.hub.settle()
        await self.look()

    async def overdue(self) -> None:
        self.desk.hub.clock.move(days=60)
        await self.desk.hub.settle()
        await self.look()

    async def pass_on(self) -> None:
        await self.desk.act(self.original, "answer", "operator", text="修好了")
        await self.desk.hub.settle()
        await self.look()

    async def original_reopened(self) -> None:
        await self.desk.act(self.original, "reopen", "resident2", **WHY)
        await self.desk.hub.settle()
        await self.look()

    async def take_rating(self) -> None:
        found = await follow_up(self.desk, self.number)
        kept = await call(self.desk, found["id"], rating="5")
        assert kept.status_code == 200, kept.text
        await self.look()

    async def resume(self) -> None:
        (met,) = (await self.desk.get("/coordinations"))["items"]
        await self.desk.do(met["number"], "call-off", **WHY)
        await self.look()


class Parts(Orders):
    """The parts of a decision, which change hands when an objection is upheld."""

    met = ""
    hands: ClassVar[dict[str, str]] = {
        "城市管理局": "unit",
        "交通运输局": "unit2",
        "住房和城乡建设局": "unit3",
    }

    holder = ""

    async def walk(self, way: str, number: str) -> None:
        self.holder = self.hands[(await self.desk.see(number))["unit"]]
        await super().walk(way, number)

    async def do(self, verb: str) -> None:
        if verb != "redirect":
            await self.send(verb, self.holder)
            return
        await self.desk.do(self.met, "object", self.holder, **RETURNED)
        other = "unit" if self.holder == "unit3" else "unit3"
        units = {"unit": await self.desk.unit(self.holder), "to_unit": await self.desk.unit(other)}
        await self.desk.do(self.met, "judge", "owner", **units, ruling="upheld", **WHY)
        self.holder = other
        await self.look()


class Coordinations(Walker):
    """Coordinations: `unit` and `unit2` take part, `unit3` gives the legal opinion."""

    path = "coordinations"
    who: ClassVar[dict[str, str]] = {
        **dict.fromkeys(("confirm", "send-another", "leave", "object"), "unit2"),
        **dict.fromkeys(("sign", "send-back"), "leader"),
        **dict.fromkeys(("call-off", "share", "drop", "propose", "absent"), "dispatcher"),
        **dict.fromkeys(("invite-expert", "invite-requester"), "dispatcher"),
        "decline": "unit2",
        "opine": "unit3",
        "judge": "owner",
        "note": "unit",
    }
    invited = ""

    async def convene(self) -> None:
        self.seen = await self.desk.convene(self.number, version=self.seen["version"])

    async def invite(self) -> None:
        self.invited = "unit" if self.invited != "unit" else "unit2"
        unit = {"unit": await self.desk.unit(self.invited), "name": "冯城管"}
        await self.send("invite", "dispatcher", **unit)

    async def hold(self) -> None:
        self.desk.hub.clock.move(hours=2)
        await self.send("hold", "dispatcher")

    async def confirm(self) -> None:
        await self.send("confirm", self.invited)

    async def another_chair(self) -> None:
        chair = await self.desk.post("owner" if self.seen["state"] == "held" else "leader")
        await self.send("another-chair", "dispatcher", chair=chair, **WHY)

    async def form(self, verb: str) -> dict[str, Any]:
        unit = await self.desk.unit(self.invited or "unit")
        forms: dict[str, dict[str, Any]] = {
            "send-another": {"name": f"第 {self.seen['version']} 人", **WHY},
            "note": {"text": "桥下无灯"},
            "opine": {"text": "归城管局", "legal_basis": BASIS},
            "absent": {"unit": unit, **WHY},
            "drop": {"unit": unit},
            "share": {"unit": unit, "text": "修好路灯", "due_on": self.desk.day(3)},
            "propose": {"text": "路灯归城管局", "legal_basis": BASIS},
            "invite-expert": {"expert": await self.desk.post("unit3")},
            "object": RETURNED,
            "judge": {"unit": unit, "ruling": "dismissed", **WHY},
            **dict.fromkeys(("decline", "leave", "send-back", "call-off"), WHY),
        }
        return forms.get(verb, {})


class Supervisions(Walker):
    """Supervisions of the unit that holds an order."""

    path = "supervisions"
    who: ClassVar[dict[str, str]] = {
        "explain": "unit",
        **dict.fromkeys(("end", "refuse", "escalate", "withdraw"), "dispatcher"),
    }
    forms: ClassVar[dict[str, dict[str, Any]]] = {
        "explain": {"text": "备件缺货"},
        **dict.fromkeys(("refuse", "withdraw"), WHY),
    }


class Visits(Walker):
    """Visits to a reception that is held today, of somebody who calls or has an account."""

    path = "reception"
    sees = "leader"
    who: ClassVar[dict[str, str]] = {
        **dict.fromkeys(("receive", "settle"), "leader"),
        **dict.fromkeys(("move", "absent"), "dispatcher"),
        **dict.fromkeys(("take-over", "sign-off"), "checker"),
        "withdraw": "resident",
    }
    forms: ClassVar[dict[str, dict[str, Any]]] = {
        "receive": {"text": "听取意见", "promise": "两周内恢复"},
        "settle": {"text": "当场答复"},
        "take-over": WHY,
    }

    async def day(self) -> str:
        """Announce a reception for today; return its id."""
        values = {
            "name": "供水",
            "leader": "副区长",
            "place": "2 室",
            "places": 9,
            "opens": "9:00",
            "closes": "11:30",
            "ends_on": str(self.desk.hub.clock.day()),
        }
        client = await self.desk.client("dispatcher")
        answer = await client.post(f"{HERE}/reception-days", json=values)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def form(self, verb: str) -> dict[str, Any]:
        if verb == "move":
            return {"day": await self.day(), **WHY}
        if verb == "sign-off":
            await self.desk.answer(await self.order())
        return await super().form(verb)

    async def order(self) -> str:
        (order,) = (await self.desk.get("/orders"))["items"]
        return str(order["number"])

    async def renew(self) -> None:
        await self.desk.act(await self.order(), "reopen", "resident", **WHY)
        for _ in range(2):
            await self.desk.hub.settle()
        await self.look()


class Matters(Walker):
    """Matters that could not be done at a counter of `unit`."""

    path = "window"
    sees = "specialist"
    who: ClassVar[dict[str, str]] = {
        **dict.fromkeys(("take", "ask", "settle", "explain", "systemic"), "specialist"),
        "supervise": "specialist",
        "state": "unit",
        "reopen": "resident",
    }
    ended: ClassVar[dict[str, Any]] = {"cause": "rule", "text": "已办结"}
    forms: ClassVar[dict[str, dict[str, Any]]] = {
        "state": {"finding": "wrong", "text": "窗口理解有误"},
        "settle": ended,
        "explain": {**ended, "rule": "《城市道路管理条例》第三十一条"},
        "systemic": {**ended, "proposal": "改办事指南"},
        "reopen": WHY,
    }

    async def form(self, verb: str) -> dict[str, Any]:
        if verb in ("take", "ask"):
            unit = {"unit": await self.desk.unit(), **WHY}
            return unit | ({"representative": "首席 孙代表"} if verb == "take" else {})
        return await super().form(verb)
