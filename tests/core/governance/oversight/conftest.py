from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from core.access.grants import grant
from core.governance.lifecycle.service import StandingFacts, standing
from core.governance.models import Evaluation
from plugin_sdk.deadlines import local_day
from plugin_sdk.ports import ScopeKind
from portal.testing.hub import fill_template
from tests.portal.governed import govern

HERE = "/apps/oversight/reviews"
MORNING = datetime.fromisoformat("2026-09-01T09:00+08:00")


@pytest.fixture(scope="session")
def prepare_template() -> Callable[[str], Awaitable[None]]:
    """Return what fills the database: here the county with its cast, not the shell's small tree."""
    return fill_template


class Desk:
    """The cast at the review desk of one hub."""

    def __init__(self, hub: Any) -> None:
        self.hub = hub
        self._clients: dict[str, Any] = {}

    async def client(self, role: str) -> Any:
        if role not in self._clients:
            self._clients[role] = await self.hub.client_as(role)
        return self._clients[role]

    async def move(self, **by: float) -> None:
        """Let time pass; everybody signs in again."""
        self.hub.clock.move(**by)
        self._clients.clear()

    def day(self, days: int = 0) -> date:
        return local_day(self.hub.clock()) + timedelta(days=days)

    async def open(self, app: str = "hotline", status: int = 201, by: str = "governance", **form):
        answer = await (await self.client(by)).post(HERE, json={"app": app, **form})
        assert answer.status_code == status, answer.text
        return answer.json()

    async def see(self, number: str, by: str = "governance", status: int = 200) -> Any:
        answer = await (await self.client(by)).get(f"{HERE}/{number}")
        assert answer.status_code == status, answer.text
        return answer.json()

    async def act(self, number: str, verb: str, by: str, status: int = 200, **form: Any) -> Any:
        seen = await self.see(number)
        form = {"version": seen["version"], **form}
        answer = await (await self.client(by)).post(f"{HERE}/{number}/{verb}", json=form)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def stands(self, app: str = "hotline") -> StandingFacts:
        async with self.hub.services.database.transaction() as tx:
            return await standing(tx, app)

    async def let(self, role: str, key: str, scope: ScopeKind = ScopeKind.ALL) -> None:
        """Let somebody of the cast hold a role too."""
        post = (await self.hub.actor(role)).post_id
        async with self.hub.services.database.transaction(write=True) as tx:
            await grant(tx, post, key, scope, granted_by=None)
        self._clients.pop(role, None)

    async def look(self) -> None:
        """Let the register be looked at again, with nothing changed."""
        async with self.hub.services.database.transaction(write=True) as tx:
            tx.session.add(Evaluation(at=tx.now, policy="2026-11", apps=4, findings=3))


@pytest.fixture
async def desk(hub_app: Any) -> Desk:
    """Return the cast on a morning of September, when the register was just looked at."""
    hub_app.clock.stand(MORNING)
    await govern(hub_app)
    return Desk(hub_app)
