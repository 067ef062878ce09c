"""Codes of an authenticator app (TOTP, RFC 6238): six digits, half a minute each, once each.

The key is sealed as identity numbers are. A code is taken if it is that of this half minute or
of the one before or after, and later than the code that was taken last: of many that send the
same code at once, one is let in.
"""

import hmac
import os
from base64 import b32encode
from datetime import datetime
from typing import Final
from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from core.database import Transaction
from core.identity.models import Totp
from core.identity.numbers import Numbers

KEY_BYTES: Final = 20
DIGITS: Final = 6
STEP_SECONDS: Final = 30
WINDOW: Final = (0, -1, 1)


def code_of(key: bytes, step: int) -> str:
    """Return the code of a key at a step: half minutes since 1970."""
    # SHA-1 is what authenticator apps know, and no weakness within HMAC (RFC 4226, B.2)
    return _generator(key).generate(step * STEP_SECONDS).decode()


def step_of(moment: datetime) -> int:
    """Return the step that a moment falls in."""
    return int(moment.timestamp()) // STEP_SECONDS


def address(key: bytes, account: str, issuer: str) -> str:
    """Return the address that an authenticator app reads from a QR code."""
    return _generator(key).get_provisioning_uri(account, issuer)


def spelled(key: bytes) -> str:
    """Return a key as people type it: base32 in groups of four."""
    text = b32encode(key).decode().rstrip("=")
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


async def begin(tx: Transaction, numbers: Numbers, person_id: UUID) -> bytes | None:
    """Return the key of an authenticator app that is to be set up; None for somebody who has
    one. It is new each time: whoever saw one before, and did not confirm it, knows nothing."""
    key = os.urandom(KEY_BYTES)
    values = {"sealed": numbers.seal(key.hex(), _owner(person_id)), "created_at": tx.now}
    dialect = sqlite if tx.database.sqlite else postgresql
    begun = await tx.session.execute(
        dialect.insert(Totp)
        .values(person_id=person_id, last_step=0, **values)
        .on_conflict_do_update(
            index_elements=["person_id"], set_=values, where=col(Totp.confirmed_at).is_(None)
        )
        .returning(col(Totp.person_id))
    )
    return key if begun.first() else None


async def begun(tx: Transaction, numbers: Numbers, person_id: UUID) -> bytes | None:
    """Return the key that is being set up, to be shown once more; None if there is none."""
    kept = await _kept(tx, person_id)
    return None if kept is None or kept[2] else _open(numbers, person_id, kept[0])


async def accept(
    tx: Transaction, numbers: Numbers, person_id: UUID, code: str, *, confirming: bool = False
) -> bool:
    """Return whether it is a code of the person's, and take it, so that it is one no more.

    With `confirming` it is the first of an app that is being set up, and makes it a factor.
    """
    kept = await _kept(tx, person_id)
    if kept is None or bool(kept[2]) is confirming:
        return False
    key = _open(numbers, person_id, kept[0])
    now = step_of(tx.now)
    steps = [
        now + off for off in WINDOW if hmac.compare_digest(code_of(key, now + off), code.strip())
    ]
    later = [step for step in steps if step > kept[1]]
    if not later:
        return False
    values = {"last_step": later[0], "used_at": tx.now}
    if confirming:
        values["confirmed_at"] = tx.now
    taken = await tx.session.execute(
        update(Totp)
        .where(col(Totp.person_id) == person_id, col(Totp.last_step) < later[0])
        .values(**values)
        .returning(col(Totp.person_id))
        .execution_options(synchronize_session=False)
    )
    return taken.first() is not None


async def remove(tx: Transaction, person_id: UUID) -> bool:
    """Remove a person's authenticator app; return whether there was one in use."""
    gone = await tx.session.execute(
        delete(Totp).where(col(Totp.person_id) == person_id).returning(col(Totp.confirmed_at))
    )
    found = gone.first()
    return found is not None and found[0] is not None


async def _kept(tx: Transaction, person_id: UUID) -> tuple[str, int, datetime | None] | None:
    found = await tx.session.execute(
        select(col(Totp.sealed), col(Totp.last_step), col(Totp.confirmed_at)).where(
            col(Totp.person_id) == person_id
        )
    )
    row = found.first()
    return (row[0], row[1], row[2]) if row else None


def _generator(key: bytes) -> TOTP:
    return TOTP(key, DIGITS, SHA1(), STEP_SECONDS)  # noqa: S303  (see `code_of`)


def _owner(person_id: UUID) -> str:
    return f"totp:{person_id}"


def _open(numbers: Numbers, person_id: UUID, sealed: str) -> bytes:
    return bytes.fromhex(numbers.open(sealed, _owner(person_id)))
