"""What changed: grants and delegations given and ended, newest first."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from sqlalchemy import Select, select
from sqlalchemy.orm import aliased
from sqlmodel import col

from core.access.models import Delegation, Grant
from core.database import Transaction
from core.identity.models import OrganizationRow, Person, Post
from plugin_sdk.data import Within


class Change(msgspec.Struct, frozen=True):
    """One change of who may do what: whose post, which role (none: every role of it), who did
    it, and to whom a delegation went."""

    at: datetime
    what: Literal["granted", "grant-ended", "delegated", "delegation-ended"]
    person: str
    organization: str
    post: str
    role: str
    by: str | None
    to: str | None = None


async def changes(
    tx: Transaction,
    *,
    person_id: UUID | None = None,
    within: Within | None = None,
    limit: int = 200,
) -> list[Change]:
    """Return the last changes, of all posts, of those `within` some organizations, or of one
    person's posts and delegations."""
    giver, taker = aliased(Person), aliased(Person)
    found: list[Change] = []
    grants: Select[Any] = (
        _posts(Grant, Grant.created_at, Grant.revoked_at, Grant.role)
        .add_columns(col(giver.name))
        .outerjoin(giver, col(giver.id) == col(Grant.granted_by))
        .order_by(col(Grant.id).desc())
        .limit(limit)
    )
    handed: Select[Any] = (
        _posts(Delegation, Delegation.created_at, Delegation.revoked_at, Delegation.roles)
        .add_columns(col(taker.name))
        .join(taker, col(taker.id) == col(Delegation.person_id))
        .order_by(col(Delegation.id).desc())
        .limit(limit)
    )
    if within is not None:
        grants = grants.where(within(col(Post.organization_id)))
        handed = handed.where(within(col(Post.organization_id)))
    if person_id is not None:
        grants = grants.where(col(Post.person_id) == person_id)
        handed = handed.where(
            (col(Post.person_id) == person_id) | (col(Delegation.person_id) == person_id)
        )
    for created, ended, role, person, unit, post, by in await tx.session.execute(grants):
        found.append(Change(created, "granted", person, unit, post, role, by))
        if ended is not None:
            found.append(Change(ended, "grant-ended", person, unit, post, role, None))
    for created, ended, roles, person, unit, post, to in await tx.session.execute(handed):
        names = " ".join(roles)
        found.append(Change(created, "delegated", person, unit, post, names, person, to))
        if ended is not None:
            found.append(Change(ended, "delegation-ended", person, unit, post, names, None, to))
    return sorted(found, key=lambda change: change.at, reverse=True)[:limit]


def _posts(table: Any, *columns: Any) -> Select[Any]:
    return (
        select(*columns, col(Person.name), col(OrganizationRow.name), col(Post.title))
        .select_from(table)
        .join(Post, col(Post.id) == table.post_id)
        .join(Person, col(Person.id) == col(Post.person_id))
        .join(OrganizationRow, col(OrganizationRow.id) == col(Post.organization_id))
    )
