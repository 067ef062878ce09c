"""In which organizations an application acts."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlmodel import col

from core.database import Transaction
from core.identity.models import OrganizationRow
from core.identity.provider.clients import CREDENTIALS
from core.identity.provider.models import Client, ClientReach
from plugin_sdk.ports import Organization


async def reach_of(tx: Transaction, client_id: str) -> list[Organization]:
    """Return the organizations that an application was given, by code."""
    row = OrganizationRow
    found = await tx.session.execute(
        select(col(row.id), col(row.code), col(row.name), col(row.level), col(row.parent_id))
        .join(ClientReach, col(ClientReach.organization_id) == col(row.id))
        .where(col(ClientReach.client_id) == client_id)
        .order_by(col(row.code))
    )
    return [Organization(*each) for each in found]


async def applications(tx: Transaction, scopes: Sequence[str] = ()) -> list[Client]:
    """Return the clients that act for themselves (client credentials), by id; with `scopes`
    those that have one of them."""
    found = await tx.session.execute(select(Client).order_by(col(Client.id)))
    return [
        client
        for client in found.scalars()
        if CREDENTIALS in client.grants and (not scopes or set(scopes) & set(client.scopes))
    ]


async def give(tx: Transaction, client_id: str, organization_id: UUID, *, by: UUID | None) -> bool:
    """Let an application act in an organization and all below it; return whether it is news."""
    there = {found.id for found in await reach_of(tx, client_id)}
    if organization_id in there:
        return False
    await tx.session.execute(
        insert(ClientReach).values(
            client_id=client_id, organization_id=organization_id, given_by=by, given_at=tx.now
        )
    )
    return True


async def take(tx: Transaction, client_id: str, organization_id: UUID) -> bool:
    """Let an application act there no more; return whether it did."""
    gone = await tx.session.execute(
        delete(ClientReach)
        .where(
            col(ClientReach.client_id) == client_id,
            col(ClientReach.organization_id) == organization_id,
        )
        .returning(col(ClientReach.client_id))
    )
    return gone.first() is not None
