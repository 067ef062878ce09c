"""A till for tests: payments opened by the resident, and a provider whose notices we write."""

import secrets
from typing import Any

import msgspec

from plugin_sdk.payments import PaymentDesk
from plugin_sdk.payments.minding import expire, reconcile, send_refunds
from plugin_sdk.payments.provider import NOTICE, Movement
from plugins.traffic.fines import FineDesk, fines_of

HERE = "/apps/traffic/payments"


class Till:
    """The payments of one hub, and what the provider says of them."""

    def __init__(self, hub: Any, actors: dict[str, Any]) -> None:
        self.hub = hub
        self.actors = actors
        self.desk: PaymentDesk = FineDesk(fines_of(hub.hub.apps.hubs["traffic"]))
        self.engine: Any = self.desk.engine
        self.provider: Any = self.engine.provider

    async def open(self, subject: str = "", fine: int = 15000, late_fee: int = 0) -> Any:
        """Return a payment that the resident opened."""
        payer = msgspec.structs.replace(self.actors["resident"], permission="traffic.payment.pay")
        async with self.engine.hub.work(payer) as work:
            return await self.engine.open(
                work,
                subject=subject or f"violation:{secrets.token_hex(4)}",
                title="机动车违反禁令标志指示",
                lines={"fine": fine, "late_fee": late_fee},
            )

    def movement(self, payment: Any, transaction: str = "", **changed: Any) -> Movement:
        """Return what the provider says when a payment was paid."""
        given = {
            "kind": "paid",
            "number": payment.number,
            "transaction": transaction or f"T{secrets.token_hex(8)}",
            "amount": payment.amount,
            "at": self.engine.hub.now(),
        }
        return Movement(**{**given, **changed})

    async def notify(self, movement: Movement, *, client: Any = None, **signed: Any) -> Any:
        """Send a notice over HTTP, as the provider does; return the answer."""
        given = {"key": self.provider.key, "now": self.engine.hub.now(), **signed}
        headers, body = NOTICE.signed(given["key"], movement, given["now"], secrets.token_hex(8))
        more = {**headers, "content-type": "application/json"}
        return await (client or self.hub.client()).post(
            f"{HERE}/notices", content=body, headers=more
        )

    async def rows(self, name: str) -> list[Any]:
        """Return all rows of a table: payment, transaction, refund, finding."""
        model = getattr(self.engine.tables, name)
        async with self.engine.hub.read(self.engine.system) as read:
            found = await read.session.execute(read.rows(model).order_by(model.id))
            return list(found.scalars())

    async def row(self, payment: Any) -> Any:
        """Return a payment as it stands."""
        return next(row for row in await self.rows("payment") if row.id == payment.id)

    async def mind(self) -> None:
        """Do what the jobs do: refunds, notices that are due, expiry."""
        await send_refunds(self.engine)
        await self.provider.deliver(self.engine.receive)
        await expire(self.engine)

    async def compare(self, days: int = 1) -> None:
        """Compare the last days with the provider's statements."""
        for back in range(days, -1, -1):
            await reconcile(self.engine, self.hub.clock.day(-back))
