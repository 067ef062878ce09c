"""The canonical form of an entry and its seal: the same bytes from both engines.

What can be of a person stands in the form as salted commitments, a part each; destroying a
salt makes a part unreadable and leaves the seal as it was (ADR 0017). `VERSION` is hashed
with every entry: another form is another version beside this one.
"""

import hashlib
import hmac
import json
import secrets
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import msgspec

VERSION: Final = "yimen-audit-1"
GENESIS: Final = "0" * 64
ERASED: Final = "erased"

PLAIN: Final = (
    "id",
    "at",
    "app",
    "act",
    "outcome",
    "organization_id",
    "delegation_id",
    "system",
    "permission",
    "granted_by",
    "request_id",
)
PARTS: Final[dict[str, tuple[str, ...]]] = {
    "who": ("person_id", "post_id"),
    "behalf": ("behalf_of_id",),
    "about": ("subject", "facts"),
}
TOMBSTONES: Final[dict[str, dict[str, Any]]] = {
    "who": {"person_id": None, "post_id": None},
    "behalf": {"behalf_of_id": None},
    "about": {"subject": ERASED, "facts": {}},
}


class Entry(msgspec.Struct, frozen=True):
    """A row of the record, whole, as the seal reads it."""

    id: UUID
    at: datetime
    app: str
    act: str
    subject: str
    outcome: str
    person_id: UUID | None
    post_id: UUID | None
    organization_id: UUID | None
    behalf_of_id: UUID | None
    delegation_id: UUID | None
    system: str | None
    permission: str | None
    granted_by: str | None
    request_id: str | None
    facts: dict[str, Any]
    sequence: int | None
    seal: str | None
    salts: dict[str, str] | None
    erased: dict[str, Any] | None


def new_salts() -> dict[str, str]:
    """Return a salt of 128 bits for each part of an entry."""
    return {part: secrets.token_hex(16) for part in PARTS}


def commitment(entry: Entry, part: str, salt: str) -> str:
    """Return what stands for a part of an entry: HMAC-SHA-256 under its salt, in hex."""
    value = {name: _plain(getattr(entry, name)) for name in PARTS[part]}
    return hmac.new(bytes.fromhex(salt), _json(value), hashlib.sha256).hexdigest()


def seal(entry: Entry, sequence: int, before: str, commitments: dict[str, str]) -> str:
    """Return the seal of an entry at a place, chained to the seal before it: SHA-256 in hex."""
    form = {name: _plain(getattr(entry, name)) for name in PLAIN}
    form |= {"sequence": sequence, "parts": commitments}
    return hashlib.sha256(b"\n".join((VERSION.encode(), before.encode(), _json(form)))).hexdigest()


def fresh_commitments(entry: Entry, salts: dict[str, str]) -> dict[str, str]:
    """Return the commitments to all parts of an entry of which nothing is erased."""
    return {part: commitment(entry, part, salts[part]) for part in PARTS}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return str(value) if isinstance(value, UUID) else value


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
