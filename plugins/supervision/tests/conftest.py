from datetime import datetime, timedelta
from typing import Any

import pytest

from plugin_sdk.deadlines import local_day
from plugins.supervision.models import Finding
from plugins.supervision.registers import topics

HERE = "/apps/supervision"
SITE = "宏达商砼站"
MORNING = datetime.fromisoformat("2026-09-01T09:00+08:00")


class Cast:
    """The cast of supervision at work on one hub."""

    def __init__(self, hub: Any) -> None:
        self.hub = hub
        self._clients: dict[str, Any] = {}

    async def client(self, role: str) -> Any:
        if role not in self._clients:
            self._clients[role] = await self.hub.client_as(role)
        return self._clients[role]

    async def unit(self, role: str) -> str:
        return str((await self.hub.actor(role)).organization_id)

    def day(self, days: int = 0) -> str:
        return (local_day(self.hub.clock()) + timedelta(days=days)).isoformat()

    async def post(self, by: str, path: str, status: int = 200, **form: Any) -> Any:
        answer = await (await self.client(by)).post(f"{HERE}{path}", json=form)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def see(self, path: str, by: str = "supervisor") -> Any:
        answer = await (await self.client(by)).get(f"{HERE}{path}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def topic(self, code: str = "waste", name: str = "建筑垃圾", **more: Any) -> Any:
        return await self.post("supervisor", "/topics", 201, code=code, name=name, **more)

    def check(self, **form: Any) -> dict[str, Any]:
        return {
            "topic": "waste",
            "subject": SITE,
            "checked_on": self.day(),
            "result": "problem",
            "text": "运输车辆未冲洗带泥上路。门口路面有洒落。",
            **form,
        }

    async def find(self, by: str = "inspector", **form: Any) -> str:
        number: str = (await self.post(by, "/findings", 201, **self.check(**form)))["number"]
        return number

    async def act(
        self, kind: str, number: str, verb: str, by: str, status: int = 200, **form: Any
    ) -> Any:
        seen = await self.see(f"/{kind}/{number}", by)
        return await self.post(
            by, f"/{kind}/{number}/{verb}", status, version=seen["version"], **form
        )

    async def kept(self) -> list[Finding]:
        hub = self.hub.hub.apps.hubs["supervision"]
        async with hub.read(hub.system("test")) as read:
            found = list((await read.session.execute(read.rows(Finding))).scalars())
            read.session.expunge_all()
        return found

    async def codes(self) -> list[str]:
        hub = self.hub.hub.apps.hubs["supervision"]
        async with hub.read(hub.system("test")) as read:
            return [topic.code for topic in await topics(hub).in_force(read)]


@pytest.fixture
async def cast(hub_app: Any) -> Cast:
    """Return the cast at work on a morning of September, with one topic."""
    hub_app.clock.stand(MORNING)
    made = Cast(hub_app)
    await made.topic()
    return made
