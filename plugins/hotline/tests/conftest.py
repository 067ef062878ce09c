from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import col

from core.access.grants import grant
from plugin_sdk.ports import ScopeKind
from plugins.hotline.desk import desk_of
from plugins.hotline.models import Order

Seen = dict[str, Any]
HERE = "/apps/hotline"
LIGHTS = "城乡建设/城市建设和市政管理/城市公共设施"


class Desk:
    """The cast of the hotline at work on one hub."""

    def __init__(self, hub: Any) -> None:
        self.hub = hub
        self._clients: dict[str, tuple[Any, datetime]] = {}

    async def client(self, role: str) -> Any:
        """Return a client of the role, signed in again when the clock has outrun its session."""
        now = self.hub.clock()
        if role in self._clients and abs(now - self._clients[role][1]) < timedelta(hours=8):
            return self._clients[role][0]
        self._clients[role] = (await self.hub.client_as(role), now)
        return self._clients[role][0]

    async def file(self, by: str = "resident", at: str = "orders", **form: Any) -> Seen:
        client = await self.client(by)
        values = {"kind": "help", "text": "路灯不亮，连着五盏", **form}
        answer = await client.post(f"{HERE}/{at}", json=values)
        assert answer.status_code == 201, answer.text
        filed: Seen = answer.json()
        return filed

    async def see(self, number: str, by: str = "dispatcher") -> Seen:
        answer = await (await self.client(by)).get(f"{HERE}/orders/{number}")
        assert answer.status_code == 200, answer.text
        found: Seen = answer.json()
        return found

    async def version(self, number: str) -> int:
        """Return how often an order was moved, as a page that is open now would send it."""
        hub = self.hub.hub.apps.hubs["hotline"]
        async with hub.read(hub.system("a test")) as read:
            asked = read.rows(Order, col(Order.version)).where(col(Order.number) == number)
            return int((await read.session.execute(asked)).scalar_one())

    async def try_act(self, number: str, verb: str, by: str, **form: Any) -> Any:
        if "version" not in form:
            form["version"] = await self.version(number)
        return await (await self.client(by)).post(f"{HERE}/orders/{number}/{verb}", json=form)

    async def act(self, number: str, verb: str, by: str, **form: Any) -> Seen:
        answer = await self.try_act(number, verb, by, **form)
        assert answer.status_code == 200, f"{verb}: {answer.text}"
        acted: Seen = answer.json()
        return acted

    async def unit(self, role: str = "unit") -> str:
        return str((await self.hub.actor(role)).organization_id)

    async def let(self, who: str, *roles: str) -> None:
        """Grant roles of the hotline to the post of one of the cast."""
        post = (await self.hub.actor(who)).post_id
        async with self.hub.services.database.transaction(write=True) as tx:
            for role in roles:
                await grant(tx, post, f"hotline.{role}", ScopeKind.ORGANIZATION, granted_by=None)

    async def dispatch(self, number: str, role: str = "unit", **form: Any) -> Seen:
        form = {"unit": await self.unit(role), "category": LIGHTS, **form}
        return await self.act(number, "dispatch", "dispatcher", **form)

    async def begin(self, number: str) -> Seen:
        await self.dispatch(number)
        await self.act(number, "sign", "unit")
        return await self.act(number, "process", "unit")

    async def count(self) -> None:
        """Let the figures count what has changed, as the job does."""
        hub = self.hub.hub.apps.hubs["hotline"]
        await desk_of(hub).counting.run(hub.system("job figures"))

    async def answer(self, number: str) -> Seen:
        await self.begin(number)
        return await self.act(number, "reply", "unit", text="已修好五盏路灯")


@pytest.fixture
async def desk(hub_app: Any) -> Desk:
    """Return the cast at work."""
    return Desk(hub_app)
