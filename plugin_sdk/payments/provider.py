"""The port to who takes the money (收单机构、非税收入收缴平台): an address to pay at, refunds,
statements, and signed notices of what moved.

Nothing here is called inside a transaction: an address is made without asking, the rest is asked
for by the kit's jobs.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, Literal, Protocol

import msgspec

from plugin_sdk.problems import Problem
from plugin_sdk.webhooks import Webhook

NOTICE: Final = Webhook("payment")


class Order(msgspec.Struct, frozen=True):
    """What is to be paid: our number, the sum in fen, what it says to the payer, until when."""

    number: str
    amount: int
    title: str
    expires_at: datetime


class RefundOrder(msgspec.Struct, frozen=True):
    """What is to go back: our number of the refund, by which it is asked for once; the payment,
    the provider's transaction and the sum in fen."""

    number: str
    payment: str
    transaction: str
    amount: int


class Movement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that happened at the provider, in notices and statements alike.

    `number` is ours of the payment, `transaction` the provider's of the money that came in;
    `refund` is ours of a refund. `done` is False for what the provider could not do: a payment
    that failed, a refund that it cannot give.
    """

    kind: Literal["paid", "refund"]
    number: str
    transaction: str
    amount: int
    at: datetime
    refund: str = ""
    done: bool = True

    @property
    def id(self) -> str:
        """Return what makes the movement one: the transaction, or the refund."""
        return self.refund if self.kind == "refund" else self.transaction


class ProviderAway(Exception):
    """The provider does not answer, or not sensibly: it is asked again later."""


class RefundRefused(Exception):
    """The provider will not give this back; the text says why, for staff."""


class Provider(Protocol):
    """Who takes the money. All but `address` ask it, and may raise `ProviderAway`."""

    name: str
    key: bytes

    def address(self, order: Order) -> str:
        """Return where the payer pays. Nobody is asked: the address carries the order, signed."""
        ...

    async def movements(self, number: str) -> Sequence[Movement]:
        """Return what came in for a payment."""
        ...

    async def refund(self, order: RefundOrder) -> None:
        """Ask for a refund; a notice says when it is done. Raises `RefundRefused`."""
        ...

    async def statement(self, day: date) -> Sequence[Movement]:
        """Return everything that moved on a day in Asia/Shanghai, whole."""
        ...


def opened_notice(key: bytes, headers: Mapping[str, Any], body: bytes, now: datetime) -> Movement:
    """Return what a notice says; the movement may be of any age. Raises `Problem`: 403 for one that
    the provider has not signed just now, 400 for one that cannot be read."""
    if not NOTICE.holds(key, headers, body, now):
        raise Problem("payments.unsigned", status=403)
    try:
        movement = msgspec.json.decode(body, type=Movement)
    except msgspec.DecodeError:
        raise Problem("payments.unreadable") from None
    names = (movement.number, movement.transaction, movement.refund)
    sane = all(len(name) <= 64 for name in names) and movement.at.tzinfo is not None
    if not sane or not 0 < movement.amount < 10**15 or not movement.id:
        raise Problem("payments.unreadable")
    return movement
