"""The knowledge base in tests: a unit with two handlers, an answer, its acts."""

from datetime import timedelta
from typing import Any

from core.access.grants import grant
from plugin_sdk.deadlines import local_day
from plugin_sdk.ports import ScopeKind
from plugins.hotline.tests.conftest import HERE, LIGHTS

BASE = f"{HERE}/knowledge"


class Base:
    """The knowledge base of a desk; `unit` and `deputy` are of one unit, `unit2` of another."""

    def __init__(self, desk: Any) -> None:
        self.desk = desk

    async def staff(self) -> None:
        """Let the deputy handle orders, and so answers, in the unit."""
        post = (await self.desk.hub.actor("deputy")).post_id
        async with self.desk.hub.services.database.transaction(write=True) as tx:
            await grant(tx, post, "hotline.unit_handler", ScopeKind.ORGANIZATION, granted_by=None)

    def day(self, days: int = 0) -> str:
        today = local_day(self.desk.hub.clock()) + timedelta(days=days)
        return today.isoformat()

    def values(self, **form: Any) -> dict[str, Any]:
        return {
            "question": "路灯不亮找谁",
            "text": "您好，路灯由{单位}管护，已记下 {编号}，{期限}前修好。",
            "basis": "《城市照明管理规定》第二十四条",
            "ends_on": self.day(365),
            "keywords": "灯坏了 黑",
            "category": LIGHTS,
            **form,
        }

    async def try_write(self, by: str = "unit", **form: Any) -> Any:
        return await (await self.desk.client(by)).post(BASE, json=self.values(**form))

    async def write(self, by: str = "unit", **form: Any) -> dict[str, Any]:
        answer = await self.try_write(by, **form)
        assert answer.status_code == 201, answer.text
        kept: dict[str, Any] = answer.json()
        return kept

    async def see(self, id: str, by: str = "unit") -> dict[str, Any]:
        answer = await (await self.desk.client(by)).get(f"{BASE}/{id}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def try_act(self, id: str, verb: str, by: str, **form: Any) -> Any:
        if "version" not in form:
            form["version"] = (await self.see(id))["version"] or 1
        return await (await self.desk.client(by)).post(f"{BASE}/{id}/{verb}", json=form)

    async def act(self, id: str, verb: str, by: str, **form: Any) -> dict[str, Any]:
        answer = await self.try_act(id, verb, by, **form)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def publish(self, **form: Any) -> dict[str, Any]:
        kept = await self.write(**form)
        return await self.act(kept["id"], "publish", "deputy")

    async def found(self, q: str = "", by: str = "operator", **asked: str) -> list[str]:
        answer = await (await self.desk.client(by)).get(BASE, params={"q": q, **asked})
        assert answer.status_code == 200, answer.text
        return [item["question"] for item in answer.json()["items"]]

    async def offered(self, number: str, verb: str, by: str) -> list[str]:
        """Return the addresses that begin an order's answer, nearest first."""
        answer = await (await self.desk.client(by)).get(f"{HERE}/orders/{number}/{verb}/knowledge")
        assert answer.status_code == 200, answer.text
        return [item["begin_href"] for item in answer.json()["items"]]

    async def begin(self, number: str, verb: str, by: str) -> dict[str, Any]:
        """Return what the form of an answer sends that begins with the nearest."""
        first = (await self.offered(number, verb, by))[0]
        form = (await (await self.desk.client(by)).get(first)).json()
        text = next(field["value"] for field in form["fields"] if field["name"] == "text")
        return {"text": text, "used": form["hidden"]["used"]}
