from datetime import date, datetime
from typing import Any

import msgspec
import pytest

from plugin_sdk.duties.forms import ReviewForm
from plugin_sdk.forms import validate
from plugin_sdk.ports import Actor
from plugin_sdk.times import SHANGHAI
from plugins.village_affairs.desk import Desk, desk_of
from plugins.village_affairs.publications import PublicationForm

HERE = "/apps/village-affairs"
ACCOUNTS = {
    "content": "村级财务收支",
    "evidence": "记账凭证 1 至 9 号",
    "opening": "100.00",
    "income": "50.00",
    "expense": "30.50",
    "closing": "119.50",
}
PLAIN = {"content": "误工补贴", "amount": "2400", "payee": "丁树林", "evidence": "付款单 14 号"}


def at(year: int, month: int, day: int, hour: int = 10) -> datetime:
    return datetime(year, month, day, hour, tzinfo=SHANGHAI)


def acting(actor: Actor, permission: str) -> Actor:
    """Return an actor as the door hands them on for a route of that permission."""
    return msgspec.structs.replace(actor, permission=f"village-affairs.{permission}")


class Village:
    """The cast of a village at work on one hub, at a time that the test sets."""

    def __init__(self, hub: Any) -> None:
        self.hub = hub
        self._clients: dict[str, Any] = {}

    def stand(self, *moment: int) -> None:
        self.hub.clock.stand(at(*moment))
        self._clients = {}

    async def client(self, role: str) -> Any:
        if role not in self._clients:
            self._clients[role] = await self.hub.client_as(role)
        return self._clients[role]

    async def get(self, path: str, by: str | None = "clerk", status: int = 200) -> Any:
        client = self.hub.client() if by is None else await self.client(by)
        answer = await client.get(f"{HERE}{path}")
        assert answer.status_code == status, answer.text
        return answer.json() if "json" in answer.headers["content-type"] else answer

    async def post(self, path: str, by: str, status: int = 201, **form: Any) -> Any:
        answer = await (await self.client(by)).post(f"{HERE}{path}", json=form)
        assert answer.status_code == status, answer.text
        return answer.json()

    @property
    def desk(self) -> Desk:
        return desk_of(self.hub.hub.apps.hubs["village-affairs"])

    async def rows(self, model: Any, *where: Any) -> list[Any]:
        """Return all rows of a scoped table, as the app itself reads them."""
        hub = self.desk.hub
        async with hub.read(hub.system("test")) as read:
            found = await read.session.execute(read.rows(model).where(*where))
            return list(found.scalars())

    async def close_day(self) -> None:
        desk = self.desk
        await desk.close_day(desk.hub.system("job closing"))
        await desk.assets.engine.job("contracts").run(desk.hub.system("job contracts"))

    async def publish(self, period: str, item: str, **form: Any) -> Any:
        path = f"/publications/{period}/{item}" + ("" if form else "/nil")
        made = await self.post(path, "clerk", **form)
        return await self.review(made["id"])

    async def review(self, id: str, by: str = "reviewer", decision: str = "approve") -> Any:
        return await self.post(f"/publications/filings/{id}/review", by, 200, decision=decision)

    async def publish_all(self, period: date) -> None:
        """File and review everything that the clerk's village owes for a month."""
        desk = self.desk
        cast = await self.hub.actors()
        made = []
        async with desk.hub.work(acting(cast["clerk"], "publication.file")) as work:
            for item in await desk.publications.items(work, period):
                form = None if item.may_be_nil else validate(PublicationForm, ACCOUNTS)
                if item.owed:
                    made.append(await desk.publications.file(work, period, item.code, form))
        approve = validate(ReviewForm, {"decision": "approve"})
        async with desk.hub.work(acting(cast["reviewer"], "publication.review")) as work:
            for filing in made:
                await desk.publications.review(work, filing.id, approve)

    async def code(self) -> str:
        items = (await self.get("/codes", "clerk"))["items"]
        return str(items[0]["code"])


@pytest.fixture
async def village(hub_app: Any) -> Village:
    found = Village(hub_app)
    found.stand(2026, 9, 1)
    await found.close_day()
    return found
