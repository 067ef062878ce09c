"""The port to the county's telephone exchange (话务平台): events of calls in, calls asked for out.

Each event says all that the exchange knows of its call, so that one alone is enough: they come
late, twice and out of order, and what is sent again changes nothing.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal, Protocol

import msgspec

from plugin_sdk.identifiers import IdentifierError, normalize_phone
from plugin_sdk.problems import AppConflict
from plugin_sdk.webhooks import SKEW, Webhook

EVENT: Final = Webhook("telephony")


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


def opened_event(key: bytes, headers: Mapping[str, Any], body: bytes, now: datetime) -> Event:
    """Return what an event says. Raises `Unsigned` and `Unreadable`."""
    if not EVENT.holds(key, headers, body, now):
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
