"""The port to the county's telephone exchange (话务平台): events of calls in, calls asked for out.

Each event says all that the exchange knows of its call, so that one alone is enough: they come
late, twice and out of order. A signature holds for a few minutes; what is sent again within them
changes nothing.
"""

import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Literal, Protocol

import msgspec

from plugin_sdk.identifiers import IdentifierError, normalize_phone
from plugin_sdk.payments.provider import signature
from plugin_sdk.problems import AppConflict

SKEW: Final = timedelta(minutes=5)
"""How far the clock of a signature, and of what it signs, may run before ours."""
LARGEST_EVENT: Final = 4096
STAMP: Final = "telephony-timestamp"
NONCE: Final = "telephony-nonce"
SIGNATURE: Final = "telephony-signature"


class Event(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that happened to a call.

    `call` is the exchange's name of it, `phone` the other side (empty: hidden), `line` the number
    that was dialled, `seat` the telephone that took it, `ref` our name of a call we asked for.
    """

    kind: Literal["ringing", "answered", "ended"]
    call: str
    at: datetime
    direction: Literal["in", "out"] = "in"
    phone: str = ""
    line: str = ""
    seat: str = ""
    ref: str = ""


class ExchangeAway(Exception):
    """The exchange does not answer, or not sensibly."""


class Unsigned(AppConflict):
    """The exchange has not signed this just now (403)."""

    status = 403

    def __init__(self) -> None:
        super().__init__("hotline", "call-unsigned")


class Unreadable(AppConflict):
    """What was signed is no event (400)."""

    status = 400

    def __init__(self) -> None:
        super().__init__("hotline", "call-unreadable")


class Telephony(Protocol):
    """The exchange. It is asked outside every transaction, and may raise `ExchangeAway`; what
    comes of it, its events say."""

    name: str
    key: bytes

    async def connect(self, call: str, seat: str) -> None:
        """Put a ringing call through to a telephone."""
        ...

    async def dial(self, ref: str, phone: str, seat: str) -> None:
        """Call a number: the telephone rings first. Asked again with the same `ref`, it is one."""
        ...

    async def hang_up(self, call: str) -> None:
        """End a call; one that has ended stays so."""
        ...


def signed_event(
    key: bytes, event: Event, now: datetime, nonce: str
) -> tuple[dict[str, str], bytes]:
    """Return the headers and the body of an event."""
    body = msgspec.json.encode(event, order="deterministic")
    stamp = str(int(now.timestamp()))
    return {STAMP: stamp, NONCE: nonce, SIGNATURE: signature(key, stamp, nonce, body)}, body


def opened_event(key: bytes, headers: Mapping[str, Any], body: bytes, now: datetime) -> Event:
    """Return what an event says. Raises `Unsigned` and `Unreadable`."""
    stamp, nonce, given = (str(headers.get(name, "")) for name in (STAMP, NONCE, SIGNATURE))
    named = stamp.isascii() and stamp.isdecimal() and len(stamp) <= 12 and 8 <= len(nonce) <= 64
    if not named or len(body) > LARGEST_EVENT:
        raise Unsigned
    wanted = signature(key, stamp, nonce, body)
    if not hmac.compare_digest(wanted.encode(), given.encode()):
        raise Unsigned
    if abs(int(stamp) - now.timestamp()) > SKEW.total_seconds():
        raise Unsigned
    try:
        event = msgspec.json.decode(body, type=Event)
    except msgspec.DecodeError:
        raise Unreadable from None
    short = (event.phone, event.line, event.seat, event.ref)
    plain = all(len(text) <= 40 and text.isprintable() for text in short)
    plain = plain and len(event.call) <= 64 and event.call.isprintable()
    timed = event.at.tzinfo is not None and event.at <= now + SKEW
    if not plain or not timed or not event.call:
        raise Unreadable
    return event


def spelled(phone: str) -> str:
    """Return a number as calls keep it: as orders do where it is one of the mainland, else its
    digits; nothing for one that is hidden (`anonymous`, `Restricted`)."""
    try:
        return normalize_phone(phone)
    except IdentifierError:
        return "".join(one for one in phone if one in "+0123456789")[:20]
