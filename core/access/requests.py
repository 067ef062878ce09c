"""Asking for a permission: it reaches who can grant it, who decides once."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import insert, select, update
from sqlmodel import col

from core.access.exclusion import one_at_a_time
from core.access.grants import GrantError
from core.access.models import AccessRequest
from core.database import Transaction
from core.identity.models import OrganizationRow, Person, Post
from plugin_sdk.data import Within, new_id
from plugin_sdk.ports import Actor

MOST_OPEN = 10


class RequestFacts(msgspec.Struct, frozen=True):
    """A request as it is listed."""

    id: UUID
    person_id: UUID
    person: str
    username: str
    post_id: UUID
    post: str
    organization: str
    permission: str
    reason: str
    created_at: datetime


async def ask(tx: Transaction, actor: Actor, permission: str, reason: str) -> UUID | None:
    """Ask for a permission in one's own present post; return the request's id, None when the
    same is asked already. Raises `GrantError`."""
    if actor.post_id is None or actor.delegation is not None or actor.person_id is None:
        raise GrantError("request-post")
    await one_at_a_time(tx)
    mine = [item for item in await open_requests(tx) if item.person_id == actor.person_id]
    if any((item.post_id, item.permission) == (actor.post_id, permission) for item in mine):
        return None
    if len(mine) >= MOST_OPEN:
        raise GrantError("request-many")
    id = new_id()
    await tx.session.execute(
        insert(AccessRequest).values(
            id=id,
            person_id=actor.person_id,
            post_id=actor.post_id,
            permission=permission,
            reason=reason,
            created_at=tx.now,
        )
    )
    return id


async def settle(tx: Transaction, id: UUID, *, by: Actor, grant_id: UUID | None) -> RequestFacts:
    """Decide a request, with a grant or without; return it. Raises `GrantError` when it is not
    open, or is the decider's own."""
    found = next((item for item in await open_requests(tx) if item.id == id), None)
    if found is None:
        raise GrantError("request-unknown")
    if found.person_id in by.hands:
        raise GrantError("grant-to-oneself")
    decided = await tx.session.execute(
        update(AccessRequest)
        .where(col(AccessRequest.id) == id, col(AccessRequest.decided_at).is_(None))
        .values(decided_at=tx.now, decided_by=by.real_person_id, grant_id=grant_id)
        .returning(col(AccessRequest.id))
    )
    if decided.first() is None:  # somebody was quicker
        raise GrantError("request-unknown")
    return found


async def open_requests(tx: Transaction, *, within: Within | None = None) -> Sequence[RequestFacts]:
    """Return what waits for a decision (of posts `within` some organizations), the oldest
    first."""
    row = AccessRequest
    columns: list[Any] = [
        row.id,
        row.person_id,
        Person.name,
        Person.username,
        row.post_id,
        Post.title,
        OrganizationRow.name,
        row.permission,
        row.reason,
        row.created_at,
    ]
    statement = (
        select(*columns)
        .select_from(row)
        .join(Person, col(Person.id) == col(row.person_id))
        .join(Post, col(Post.id) == col(row.post_id))
        .join(OrganizationRow, col(OrganizationRow.id) == col(Post.organization_id))
        .where(col(row.decided_at).is_(None))
        .order_by(col(row.created_at), col(row.id))
    )
    if within is not None:
        statement = statement.where(within(col(Post.organization_id)))
    return [RequestFacts(*values) for values in await tx.session.execute(statement)]
