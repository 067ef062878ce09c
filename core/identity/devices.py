"""Devices that have signed in to an account before. Knowing one proves nothing but that: it
spares the rightful person the counts that strangers drive up (`core.identity.throttle`).
"""

import secrets
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from core.database import Transaction
from core.identity.models import KnownDevice, Person
from core.identity.sessions import TOKEN_BYTES, digest
from plugin_sdk.data import new_id

KEEP = timedelta(days=365)
MOST = 20


async def known(tx: Transaction, token: str, username: str) -> UUID | None:
    """Return the device with this secret as the account knows it: an id that stays when the
    secret changes, so that what is counted under it is not begun anew."""
    found = await tx.session.execute(
        select(col(KnownDevice.id))
        .join(Person, col(Person.id) == col(KnownDevice.person_id))
        .where(
            col(KnownDevice.digest) == digest(token),
            col(Person.username) == username,
            col(KnownDevice.used_at) > tx.now - KEEP,
        )
    )
    return found.scalar_one_or_none()


async def remember(tx: Transaction, token: str | None, person_id: UUID) -> str:
    """Take note that a device has signed in; return its new secret.

    The secret changes each time, so that one planted in a browser is soon worth nothing; the
    other accounts that the device knows stay known. An account has at most `MOST` devices.
    """
    new = secrets.token_urlsafe(TOKEN_BYTES)
    row = KnownDevice
    if token:
        await tx.session.execute(
            update(row).where(col(row.digest) == digest(token)).values(digest=digest(new))
        )
    dialect = sqlite if tx.database.sqlite else postgresql
    insert = dialect.insert(row).values(
        id=new_id(), digest=digest(new), person_id=person_id, used_at=tx.now
    )
    await tx.session.execute(
        insert.on_conflict_do_update(
            index_elements=[col(row.digest), col(row.person_id)], set_={"used_at": tx.now}
        )
    )
    newest = (
        select(col(row.id))
        .where(col(row.person_id) == person_id)
        .order_by(col(row.used_at).desc(), col(row.id))
        .limit(MOST)
    )
    await tx.session.execute(
        delete(row).where(col(row.person_id) == person_id, col(row.id).not_in(newest))
    )
    return new


async def forget_others(tx: Transaction, person_id: UUID, token: str | None) -> None:
    """Forget every device of a person but the one with this secret."""
    await tx.session.execute(
        delete(KnownDevice).where(
            col(KnownDevice.person_id) == person_id, col(KnownDevice.digest) != digest(token or "")
        )
    )


async def tidy(tx: Transaction) -> None:
    """Forget devices that were not used for a year."""
    await tx.session.execute(delete(KnownDevice).where(col(KnownDevice.used_at) < tx.now - KEEP))
