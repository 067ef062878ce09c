"""The keys of applications (api_key): shown once, kept as digests, each with its hourly measure.

The protocol sends the key as a field of the form, for good. The hub's own tokens are sent in a
header and mostly live an hour, which no Open311 client knows how to do: see ADR 0047.
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final
from uuid import UUID

from pydantic import Field
from sqlmodel import col

from plugin_sdk.forms import Form
from plugin_sdk.ports import Hub, Read, Work
from plugin_sdk.problems import Denied
from plugins.hotline.open311.models import Open311Key
from plugins.hotline.open311.wire import refused

KEYS: Final = "open311.keys"
PREFIX: Final = "o311_"
HOURLY: Final = 600
"""What one application may file in an hour (`open311_hourly`)."""


class KeyForm(Form):
    """A new key: whose it is, and whom to call when it does harm."""

    hints: ClassVar[frozenset[str]] = frozenset({"contact"})

    name: str = Field(min_length=1, max_length=100)
    contact: str = Field(min_length=1, max_length=200)


def digest(key: str) -> str:
    """Return what is kept of a key."""
    return hashlib.sha256(key.encode()).hexdigest()


async def make(work: Work, form: KeyForm) -> tuple[Open311Key, str]:
    """Make a key and return it with its secret, which is not kept."""
    if work.actor.organization_id is None:
        raise Denied(f"hotline.{KEYS}")
    secret = PREFIX + secrets.token_urlsafe(32)
    row = Open311Key(
        organization_id=work.actor.organization_id,
        name=form.name,
        contact=form.contact,
        digest=digest(secret),
        hint=secret[-4:],
        made_at=work.now,
    )
    await work.add(row)
    work.audit("open311.key-made", f"open311-key:{row.id}", name=row.name)
    return row, secret


async def revoke(work: Work, id: UUID) -> Open311Key:
    """End a key; from the next request on nothing is filed with it. Raises `NotFound`."""
    row = await work.get(Open311Key, id, permission=KEYS)
    if row.revoked_at is None:
        row.revoked_at = work.now
        work.audit("open311.key-revoked", f"open311-key:{row.id}", name=row.name)
    return row


async def known(read: Read) -> list[Open311Key]:
    """Return the keys in scope, the newest first."""
    statement = read.rows(Open311Key, permission=KEYS).order_by(col(Open311Key.made_at).desc())
    return list((await read.session.execute(statement.limit(200))).scalars())


async def held(hub: Hub, read: Read, secret: str) -> UUID:
    """Return the id of the key in force, before what it sends costs anything more to look at.

    Raises `Refusal`: 403, and 429 where its hourly measure is full already.
    """
    statement: Any = read.rows(Open311Key).where(
        col(Open311Key.digest) == digest(secret), col(Open311Key.revoked_at).is_(None)
    )
    row: Open311Key | None = (await read.session.execute(statement)).scalar_one_or_none()
    if row is None:
        raise refused(403, "key")
    _measure(hub, row, read.now)
    return row.id


def _measure(hub: Hub, row: Open311Key, now: datetime) -> int:
    """Return how much a key has filed in this hour. Raises `Refusal` (429) beyond its measure."""
    hour = _hour(now)
    filed = row.filed if row.hour == hour else 0
    most = int(hub.settings.get("open311_hourly", HOURLY))
    if filed >= most:
        wait = hour + timedelta(hours=1) - now
        raise refused(429, "hourly", wait=int(wait.total_seconds()) + 1, n=most)
    return filed


def _hour(now: datetime) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0)


async def use(hub: Hub, work: Work, id: UUID) -> Open311Key:
    """Lock a key, so that what it files comes one after another, and count it.

    Raises `Refusal`: 403 where it was revoked meanwhile, 429 beyond its hourly measure.
    """
    row = await work.get(Open311Key, id)
    if row.revoked_at is not None:
        raise refused(403, "key")
    row.filed = _measure(hub, row, work.now) + 1
    row.hour, row.used_at = _hour(work.now), work.now
    return row
