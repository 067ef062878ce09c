"""What an application keeps of a person or a unit: its own id of them, whether it brought them."""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, insert, select, update
from sqlmodel import col

from core.database import Transaction
from core.identity.scim.filters import check_external
from core.identity.scim.models import ScimGroup, ScimUser

PERSON: Final[Any] = ScimUser.person_id
UNIT: Final[Any] = ScimGroup.organization_id


async def is_brought(tx: Transaction, client: str, kind: Any, id: UUID) -> bool:
    """Return whether an application brought a person (`PERSON`) or a unit (`UNIT`)."""
    found = await tx.session.execute(
        select(col(kind.class_.brought)).where(*_one(client, kind, id))
    )
    return bool(found.scalar_one_or_none())


async def link(tx: Transaction, client: str, kind: Any, id: UUID, *, brought: bool = False) -> None:
    """Keep that an application knows a person or a unit, where it is not kept yet."""
    there = await tx.session.execute(select(kind).where(*_one(client, kind, id)))
    if there.first() is None:
        values = {"client_id": client, kind.key: id, "brought": brought}
        await tx.session.execute(insert(kind.class_).values(values))


async def keep_external(
    tx: Transaction, client: str, kind: Any, id: UUID, external_id: str | None
) -> None:
    """Keep the application's own id of a person or a unit. Raises `InvalidValueException`."""
    check_external(external_id)
    if external_id is not None:
        await link(tx, client, kind, id)
    await tx.session.execute(
        update(kind.class_).where(*_one(client, kind, id)).values(external_id=external_id)
    )


def _one(client: str, kind: Any, id: UUID) -> tuple[ColumnElement[bool], ...]:
    return col(kind.class_.client_id) == client, kind == id
