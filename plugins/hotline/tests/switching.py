"""The exchange in tests: events signed as a real one signs them, and the simulated one."""

import secrets
from datetime import timedelta
from typing import Any

from sqlmodel import col

from plugins.hotline.calls.connecting import switchboard_of
from plugins.hotline.calls.models import Call
from plugins.hotline.calls.simulated import SimulatedExchange
from plugins.hotline.calls.telephony import EVENT, Event
from plugins.hotline.desk import desk_of
from plugins.hotline.tests.conftest import HERE

EVENTS = f"{HERE}/telephony/events"
PHONE = "13800005678"


class Exchange:
    """What an exchange says to one hub, and what the hub knows of calls."""

    def __init__(self, hub: Any) -> None:
        self.hub = hub
        board = switchboard_of(desk_of(hub.hub.apps.hubs["hotline"]))
        assert board is not None
        self.board = board
        assert isinstance(board.exchange, SimulatedExchange)
        self.simulated = board.exchange
        self.began = hub.clock()

    def event(self, kind: Any, call: str, after: float = 0, **more: Any) -> Event:
        """Return an event of a call, so many seconds after the exchange began."""
        at = self.began + timedelta(seconds=after)
        given = {"phone": PHONE, "line": "12345", **more}
        return Event(kind=kind, call=call, at=at, **given)

    async def send(self, event: Event, key: bytes | None = None, late: float = 0) -> Any:
        """Send an event, signed `late` seconds ago."""
        now = self.hub.clock() - timedelta(seconds=late)
        headers, body = EVENT.signed(
            key or self.board.exchange.key, event, now, secrets.token_hex(8)
        )
        return await self.hub.client().post(EVENTS, content=body, headers=headers)

    async def ring(self, call: str, **more: Any) -> str:
        """Let a call ring; return the hub's id of it."""
        answer = await self.send(self.event("ringing", call, **more))
        assert answer.status_code == 200, answer.text
        return str((await self.of(call)).id)

    async def all(self) -> list[Call]:
        """Return every call that the hub has put down."""
        hub = self.board.hub
        async with hub.read(hub.system("test")) as read:
            found = await read.session.execute(read.rows(Call).order_by(col(Call.started_at)))
            return list(found.scalars())

    async def of(self, call: str) -> Call:
        """Return what the hub has put down of a call."""
        (found,) = [one for one in await self.all() if one.provider_id == call]
        return found
