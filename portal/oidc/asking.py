"""Which client leads somebody to the page of signing in, and what it says of them."""

from typing import Final
from urllib.parse import parse_qs, urlsplit

import msgspec

from core.identity.provider import clients
from core.identity.provider.discovery import PATHS
from core.identity.provider.requests import Refused, parameters
from plugin_sdk.text import Text
from portal.pages.context import Portal

RESUME: Final = "resume"


class Asking(msgspec.Struct, frozen=True):
    """The client that asks, and the user name it expects, if any."""

    name: Text
    login_hint: str = ""


async def asking(portal: Portal, next: str) -> Asking | None:
    """Return who asks for a sign-in that goes on at `next`, None where it is none of a client."""
    parts = urlsplit(next)
    if parts.path != PATHS["authorization_endpoint"]:
        return None
    (packed,) = parse_qs(parts.query).get(RESUME, [""])[:1]
    kept = portal.services.provider.sealing.unpack(packed, portal.services.database.clock())
    if kept is None:
        return None
    try:
        given, _ = parameters(kept.query)
    except Refused:
        return None
    async with portal.read() as tx:
        client = await clients.find(tx, given.get("client_id", ""))
    if client is None:
        return None
    hint = given.get("login_hint", "")
    plain = hint if len(hint) <= 100 and hint.isprintable() else ""
    return Asking(client.name, plain)
