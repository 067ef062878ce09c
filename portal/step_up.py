"""Proving once more who one is, before an act of high risk: what the page shows, and what it
keeps of the form that led there. What was typed travels in the page (ADR 0018), not on the
server; a password and a file never do."""

import json
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlencode

from core.hub import Services
from core.identity import people, sessions
from core.identity.factors import factors_of
from core.identity.upstream import linking
from plugin_sdk.forms import CSRF_FIELD
from plugin_sdk.ports import Actor

AGAIN: Final = "/sign-in/again"
MOST_KEPT: Final = 100_000

Fields = Sequence[tuple[str, str]]


async def again_view(
    services: Services, actor: Actor, next: str, *, kept: Fields = (), action: str = ""
) -> dict[str, Any]:
    """Return the page that asks for a proof: the strongest that the person has. `kept` are the
    fields of a form that goes to `action` afterwards."""
    assert actor.real_person_id is not None  # noqa: S101  (nobody else has a session)
    async with services.database.transaction() as tx:
        factors = await factors_of(tx, actor.real_person_id)
        who = await people.person(tx, actor.real_person_id)
        password = await sessions.password_of(tx, actor.real_person_id)
        links = await linking.links_of(tx, actor.real_person_id)
    above = [] if factors.any else [one for one in links if one.open]
    return {
        "offered": {
            "totp": factors.totp is not None,
            "passkey": bool(factors.passkeys) and services.passkeys.possible,
            "recovery": factors.codes > 0,
            "password": not factors.any and password is not None,
            "sms": not factors.any and password is None and who is not None and bool(who.phone),
        },
        "above": [
            {"name": one.name, "href": f"{AGAIN}/with/{one.key}?{urlencode({'next': next})}"}
            for one in above
        ],
        "username": who.username if who else "",
        "next": next,
        "action": action if kept else "",
        "kept": pack(kept) if kept else "",
        "errors": {},
    }


def pack(fields: Fields) -> str:
    """Return fields as one text of a hidden field; nothing where that were too much."""
    text = json.dumps([pair for pair in fields if pair[0] != CSRF_FIELD], ensure_ascii=False)
    return text if len(text) <= MOST_KEPT else ""


def unpack(text: str) -> list[tuple[str, str]]:
    """Return the fields of such a text; none where it is not one."""
    try:
        found = json.loads(text)
        return [(str(name), str(value)) for name, value in found]
    except (ValueError, TypeError, RecursionError):
        return []
