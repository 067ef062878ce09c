"""A provider that takes no money, for demonstrations and tests: a page where one "pays", and
notices that come as badly as in life."""

import hashlib
import hmac
import secrets
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from plugin_sdk.figures import bounds
from plugin_sdk.payments.provider import NOTICE, Movement, Order, RefundOrder
from plugin_sdk.problems import Problem
from plugin_sdk.simulated import SimulatedSystem

LATE: Final = timedelta(minutes=2)
TABLES: Final = """
CREATE TABLE IF NOT EXISTS movement (
  id TEXT PRIMARY KEY, number TEXT NOT NULL, at REAL NOT NULL, body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS movement_number ON movement (number);
CREATE INDEX IF NOT EXISTS movement_at ON movement (at);
"""


class How(StrEnum):
    """How a simulated payment goes, and how its notice comes."""

    AT_ONCE = "at-once"
    LATER = "later"
    TWICE = "twice"  # one payment, two notices
    LOST = "lost"  # found by the statement
    PAID_TWICE = "paid-twice"  # two payments: one goes back
    OTHER_SUM = "other-sum"
    FAILED = "failed"


class SimulatedProvider(SimulatedSystem):
    """`plugin_sdk.payments.Provider` on a file."""

    name = "simulated"

    def __init__(
        self,
        folder: Path,
        now: Callable[[], datetime],
        *,
        at: str,
        key: bytes,
        notice_seconds: int = 0,
        refund_seconds: int = 0,
    ) -> None:
        """`at` is the path of its page; notices come so many seconds after what they say."""
        file = folder / "simulated-payments.db"
        super().__init__(file, now, NOTICE, key=key, tables=TABLES, wait=30.0)
        self._at = at
        self._notice = timedelta(seconds=notice_seconds)
        self._refund = timedelta(seconds=refund_seconds)

    def address(self, order: Order) -> str:
        """See `Provider`."""
        until = str(int(order.expires_at.timestamp()))
        given = {"amount": str(order.amount), "until": until, "title": order.title}
        return f"{self._at}/{order.number}?{urlencode({**given, 'sign': self._sign(order)})}"

    def ordered(self, number: str, query: Mapping[str, str]) -> Order:
        """Return the order that an address carries. Raises `Problem` for one we did not make."""
        amount, until = query.get("amount", ""), query.get("until", "")
        if not (amount.isdecimal() and until.isdecimal() and len(amount + until) < 30):
            raise Problem("payments.bad-address", status=404)
        try:
            expires_at = datetime.fromtimestamp(int(until), UTC)
        except (ValueError, OverflowError):
            raise Problem("payments.bad-address", status=404) from None
        order = Order(number, int(amount), query.get("title", "")[:200], expires_at)
        if not hmac.compare_digest(self._sign(order).encode(), query.get("sign", "").encode()):
            raise Problem("payments.bad-address", status=404)
        return order

    def _sign(self, order: Order) -> str:
        said = (order.number, str(order.amount), order.title, int(order.expires_at.timestamp()))
        return hmac.new(self.key, repr(said).encode(), hashlib.sha256).hexdigest()

    async def pay(self, order: Order, how: How, *, late: timedelta = LATE) -> None:
        """Let an order be paid, and let its notices come as `how` says."""
        now = self._now()
        count = 2 if how is How.PAID_TWICE else 1
        amount = max(order.amount - 100, 1) if how is How.OTHER_SUM else order.amount
        paid = [
            Movement(
                kind="paid",
                number=order.number,
                transaction=f"S{secrets.token_hex(12)}",
                amount=amount,
                at=now,
                done=how is not How.FAILED,
            )
            for _ in range(count)
        ]
        due = now + self._notice + (late if how is How.LATER else timedelta(0))
        copies = {How.TWICE: 2, How.LOST: 0}.get(how, 1)
        for one in paid:
            await self._run(partial(self._keep, movement=one, due=due, notices=copies))

    async def movements(self, number: str) -> Sequence[Movement]:
        """See `Provider`."""
        return await self._found("number = ? AND id NOT LIKE 'R%'", number)

    async def refund(self, order: RefundOrder) -> None:
        """See `Provider`."""
        back = Movement(
            kind="refund",
            number=order.payment,
            transaction=order.transaction,
            amount=order.amount,
            at=self._now() + self._refund,
            refund=order.number,
        )
        await self._run(partial(self._keep, movement=back, due=back.at + self._notice, notices=1))

    async def statement(self, day: date) -> Sequence[Movement]:
        """See `Provider`."""
        start, end = bounds(day, day)
        return await self._found("at >= ? AND at < ?", start.timestamp(), end.timestamp())

    async def forget(self, id: str) -> None:
        """Let a movement never have been, for tests of what a statement lacks."""
        await self._run(lambda db: db.execute("DELETE FROM movement WHERE id = ?", (id,)))

    async def _found(self, where: str, *values: Any) -> list[Movement]:
        query = f"SELECT body FROM movement WHERE {where} ORDER BY at, id"  # noqa: S608  (ours)
        rows = await self._run(lambda db: db.execute(query, values).fetchall())
        found = (msgspec.json.decode(body, type=Movement) for (body,) in rows)
        return [movement for movement in found if movement.done]

    def _keep(
        self, db: sqlite3.Connection, movement: Movement, due: datetime, notices: int
    ) -> None:
        """Keep a movement and what is said of it, once: a refund may be asked for again."""
        id = f"R{movement.refund}" if movement.kind == "refund" else movement.transaction
        kept = db.execute(
            "INSERT OR IGNORE INTO movement VALUES (?, ?, ?, ?)",
            (id, movement.number, movement.at.timestamp(), msgspec.json.encode(movement)),
        )
        for _ in range(notices if kept.rowcount else 0):
            self._say(db, movement, due)
