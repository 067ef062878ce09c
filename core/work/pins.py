"""Lists that a person pinned: addresses with a name, theirs alone."""

from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from core.database import Transaction
from core.identity.events import PersonErased
from core.work.models import PinRow
from plugin_sdk.problems import Conflict

MOST: Final = 20


class Pin(msgspec.Struct, frozen=True):
    """A pinned list."""

    name: str
    href: str


async def pins_of(tx: Transaction, person_id: UUID) -> list[Pin]:
    """Return a person's pinned lists in the order they were pinned."""
    row = PinRow
    found = await tx.session.execute(
        select(col(row.name), col(row.href))
        .where(col(row.person_id) == person_id)
        .order_by(col(row.pinned_at), col(row.href))
    )
    return [Pin(*values) for values in found]


async def pin(tx: Transaction, person_id: UUID, name: str, href: str) -> None:
    """Pin a list; one that is pinned already gets the new name.

    Raises `Conflict` (`too-many-pins`) beyond twenty.
    """
    dialect = sqlite if tx.database.sqlite else postgresql
    insert = dialect.insert(PinRow).values(
        person_id=person_id, href=href, name=name, pinned_at=tx.now
    )
    await tx.session.execute(
        insert.on_conflict_do_update(
            index_elements=["person_id", "href"], set_={"name": insert.excluded.name}
        )
    )
    count = select(func.count()).where(col(PinRow.person_id) == person_id)
    if (await tx.session.execute(count)).scalar_one() > MOST:
        raise Conflict("too-many-pins", limit=MOST)


async def unpin(tx: Transaction, person_id: UUID, href: str) -> None:
    """Let go of a pinned list."""
    await tx.session.execute(
        delete(PinRow).where(col(PinRow.person_id) == person_id, col(PinRow.href) == href)
    )


async def forget_pins(tx: Transaction, event: PersonErased) -> None:
    """Forget the pinned lists of a person who is erased."""
    await tx.session.execute(delete(PinRow).where(col(PinRow.person_id) == event.person_id))
