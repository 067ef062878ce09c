"""A coordination as the tests walk it."""

from datetime import timedelta
from typing import Any

from plugin_sdk.deadlines import local_day
from plugin_sdk.times import SHANGHAI
from plugins.hotline.tests.conftest import HERE, LIGHTS, Desk

BASIS = "《城市道路管理条例》第六条"


class Table(Desk):
    """The cast at work on coordinations."""

    async def get(self, path: str, by: str = "dispatcher", status: int = 200) -> Any:
        answer = await (await self.client(by)).get(f"{HERE}{path}")
        assert answer.status_code == status, answer.text
        return answer.json() if "json" in answer.headers["content-type"] else answer

    async def coordinate(self, number: str = "", **form: Any) -> str:
        """Ask for the coordination of an order; return its number."""
        number = number or (await self.file())["number"]
        form = {"question": "城管局和交通局都说不归它管", "category": LIGHTS, **form}
        await self.act(number, "coordinate", "dispatcher", **form)
        return str((await self.get("/coordinations"))["items"][0]["number"])

    async def met(self, number: str, by: str = "dispatcher") -> Any:
        return await self.get(f"/coordinations/{number}", by)

    async def try_do(self, number: str, verb: str, by: str, **form: Any) -> Any:
        if "version" not in form:
            form["version"] = (await self.met(number))["version"]
        return await (await self.client(by)).post(
            f"{HERE}/coordinations/{number}/{verb}", json=form
        )

    async def do(self, number: str, verb: str, by: str = "dispatcher", **form: Any) -> Any:
        answer = await self.try_do(number, verb, by, **form)
        assert answer.status_code == 200, f"{verb}: {answer.text}"
        return answer.json()

    async def refused(self, number: str, verb: str, by: str = "dispatcher", **form: Any) -> str:
        """Return why an act is refused: the code, or the words of the first field."""
        answer = await self.try_do(number, verb, by, **form)
        assert answer.status_code in (403, 404, 409, 422), answer.text
        said = answer.json()
        if said.get("errors"):
            return str(said["errors"][0]["field"])
        return str(said["type"].removeprefix("urn:yimen:problem:").removeprefix("hotline."))

    def day(self, n: int) -> str:
        """Return the nth working day from now."""
        day, calendar = local_day(self.hub.clock()), self.calendar
        while n:
            day += timedelta(days=1)
            n -= calendar.is_working_day(day)
        return day.isoformat()

    @property
    def calendar(self) -> Any:
        return self.hub.hub.apps.hubs["hotline"].calendar

    async def post(self, role: str) -> str:
        return str((await self.hub.actor(role)).post_id)

    async def convene(self, number: str, chair: str = "leader", **form: Any) -> Any:
        """Set a meeting in an hour."""
        at = (self.hub.clock() + timedelta(hours=1)).astimezone(SHANGHAI)
        values = {
            "how": "site",
            "day": f"{at:%Y-%m-%d}",
            "hour": f"{at:%H:%M}",
            "venue": "黄河五路桥下",
            "chair": await self.post(chair),
            **form,
        }
        return await self.do(number, "convene", **values)

    async def seat(self, number: str, *roles: str, expert: str = "") -> None:
        """Invite units, and a legal expert."""
        names = {"unit": "冯城管", "unit2": "陈交通"}
        for role in roles:
            await self.do(number, "invite", unit=await self.unit(role), name=names[role])
        if expert:
            await self.do(number, "invite-expert", expert=await self.post(expert))

    async def hold(self, number: str, *there: str) -> None:
        """Let units confirm, and open the meeting when it is time."""
        for role in there:
            await self.do(number, "confirm", role)
        self.hub.clock.move(hours=2)
        await self.do(number, "hold")

    async def meet(self, *there: str, order: str = "", chair: str = "leader") -> str:
        """Walk to a meeting of two units and a legal expert; return its number."""
        number = await self.coordinate(order)
        await self.seat(number, "unit", "unit2", expert="unit3")
        await self.convene(number, chair)
        await self.hold(number, *(there or ("unit", "unit2")))
        return number

    async def share(self, number: str, role: str, text: str = "修好路灯", n: int = 3) -> Any:
        unit = await self.unit(role)
        return await self.do(number, "share", unit=unit, text=text, due_on=self.day(n))

    async def propose(self, number: str, **form: Any) -> Any:
        values = {"text": "路灯归城管局，路面归交通局", "legal_basis": BASIS, **form}
        return await self.do(number, "propose", **values)

    async def decide(self, number: str, *roles: str, by: str = "leader", **form: Any) -> Any:
        """Give each unit its part, submit the decision and sign it."""
        for role in roles:
            await self.share(number, role)
        await self.propose(number)
        return await self.do(number, "sign", by, **form)

    async def finish(self, number: str, by: str, text: str = "已修好") -> None:
        """Walk the part of a unit to its answer."""
        for verb, form in (("sign", {}), ("process", {}), ("reply", {"text": text})):
            await self.act(number, verb, by, **form)


async def order_of(table: Table, number: str) -> str:
    """Return the number of the order that a coordination is about."""
    return str((await table.met(number))["order_number"])


async def parts_of(table: Table, number: str) -> dict[str, str]:
    """Return the numbers of the parts by unit."""
    return {one["unit"]: one["number"] for one in (await table.met(number))["shares"]}
