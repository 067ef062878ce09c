"""The port to who takes the money (收单机构、非税收入收缴平台): an address to pay at, refunds,
statements, and signed notices of what moved.

Nothing here is called inside a transaction: an address is made without asking, the rest is asked
for by the kit's jobs.
"""

import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal, Protocol

import msgspec

from plugin_sdk.problems import Problem

SKEW: Final = timedelta(minutes=5)
"""How far the clock of a signature may be from ours. What it is a notice of may be of any age:
who sends it late signs it anew."""
LARGEST_NOTICE: Final = 4096
LEAST_KEY: Final = 32

STAMP: Final = "payment-timestamp"
NONCE: Final = "payment-nonce"
SIGNATURE: Final = "payment-signature"


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


def signature(key: bytes, stamp: str, nonce: str, body: bytes) -> str:
    """Return the HMAC-SHA256 (RFC 2104) of a notice: of its time, its nonce and its very bytes."""
    said = b"\n".join((stamp.encode(), nonce.encode(), body))
    return hmac.new(key, said, hashlib.sha256).hexdigest()


def signed_notice(
    key: bytes, movement: Movement, now: datetime, nonce: str
) -> tuple[dict[str, str], bytes]:
    """Return the headers and the body of a notice."""
    body = msgspec.json.encode(movement, order="deterministic")
    stamp = str(int(now.timestamp()))
    return {STAMP: stamp, NONCE: nonce, SIGNATURE: signature(key, stamp, nonce, body)}, body


def opened_notice(key: bytes, headers: Mapping[str, Any], body: bytes, now: datetime) -> Movement:
    """Return what a notice says. Raises `Problem`: 403 for one that the provider has not signed
    just now, 400 for one that cannot be read."""
    stamp, nonce, given = (str(headers.get(name, "")) for name in (STAMP, NONCE, SIGNATURE))
    named = stamp.isascii() and stamp.isdecimal() and len(stamp) <= 12 and 8 <= len(nonce) <= 64
    if not named or len(body) > LARGEST_NOTICE:
        raise Problem("payments.unsigned", status=403)
    wanted = signature(key, stamp, nonce, body)
    if not hmac.compare_digest(wanted.encode(), given.encode()):
        raise Problem("payments.unsigned", status=403)
    if abs(int(stamp) - now.timestamp()) > SKEW.total_seconds():
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


def key_in(path: Path) -> bytes:
    """Return the key that a provider gave, from the file a grant names. Raises `ValueError`."""
    key = path.read_bytes().strip() if path.is_file() else b""
    if len(key) < LEAST_KEY:
        raise ValueError(f"the key file {path.name} lacks a key of {LEAST_KEY} characters")
    return key


def kept_key(path: Path) -> bytes:
    """Return the key in a file of the app's own, made there when it is the first time."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # written whole under another name first: a worker that starts beside never reads a part
        part = path.with_name(f"{path.name}.{secrets.token_hex(8)}.part")
        part.touch(mode=0o600)
        part.write_text(secrets.token_hex(32), encoding="ascii")
        with suppress(FileExistsError):
            os.link(part, path)
        part.unlink()
    return path.read_bytes()
