"""Who holds a permission now: through a post of their own, or one delegated to them."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Select, select
from sqlalchemy.orm import aliased
from sqlmodel import col

from core.access.holding import delegation_in_force, grant_in_force, post_in_force
from core.access.models import Delegation, Grant, RolePermission
from core.database import Transaction
from core.identity.models import OrganizationRow, Person, Post
from plugin_sdk.data import Within
from plugin_sdk.directory import OFFICIALS
from plugin_sdk.ports import Official, Organization


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """Someone who may do a thing, and by which grant; `delegated_by` names whose post it is
    when it is not their own."""

    person_id: UUID
    name: str
    organization_id: UUID
    organization: str
    post: str
    role: str
    scope: str
    ends_at: datetime | None
    grant: UUID
    delegated_by: str | None = None


def _held(*more: Any) -> Select[Any]:
    columns: list[Any] = [
        Person.id,
        Person.name,
        OrganizationRow.id,
        OrganizationRow.name,
        Post.title,
        Grant.role,
        Grant.scope,
        Grant.ends_at,
        Grant.id,
    ]
    return (
        select(*columns, *more)
        .select_from(Grant)
        .join(RolePermission, col(RolePermission.role) == col(Grant.role))
        .join(Post, col(Post.id) == col(Grant.post_id))
        .join(Person, col(Person.id) == col(Post.person_id))
        .join(OrganizationRow, col(OrganizationRow.id) == col(Post.organization_id))
        .order_by(col(OrganizationRow.code), col(Person.name), col(Grant.id))
    )


async def who_may(
    tx: Transaction,
    permission: str,
    *,
    organization_id: UUID | None = None,
    within: Within | None = None,
    limit: int | None = 200,
) -> list[Holder]:
    """Return who holds a permission now (in one organization, or `within` some), by organization;
    those to whom a post is delegated come last."""
    taker = aliased(Person)
    conditions = [
        col(RolePermission.permission) == permission,
        grant_in_force(tx.now),
        post_in_force(tx.now),
    ]
    if organization_id is not None:
        conditions.append(col(Post.organization_id) == organization_id)
    if within is not None:
        conditions.append(within(col(Post.organization_id)))
    own = _held().where(*conditions)
    handed = (
        _held(col(taker.id), col(taker.name), col(Delegation.roles), col(Delegation.ends_at))
        .join(Delegation, col(Delegation.post_id) == col(Post.id))
        .join(taker, col(taker.id) == col(Delegation.person_id))
        .where(
            *conditions,
            delegation_in_force(tx.now),
            col(taker.disabled_at).is_(None),
            col(Grant.scope) != "own",  # what is the giver's as a person stays with them
        )
    )
    found = [
        Holder(**dict(zip(Holder.__struct_fields__, row, strict=False)))
        for row in await tx.session.execute(own.limit(limit))
    ]
    for row in await tx.session.execute(handed.limit(limit)):
        holder = Holder(**dict(zip(Holder.__struct_fields__, row[:9], strict=False)))
        taker_id, name, roles, until = row[9:]
        if not roles or holder.role in roles:
            found.append(
                msgspec.structs.replace(
                    holder,
                    person_id=taker_id,
                    name=name,
                    ends_at=min(until, holder.ends_at or until),
                    delegated_by=holder.name,
                )
            )
    return found[:limit]


async def people_of(
    tx: Transaction, organization_id: UUID | None, permission: str | None
) -> set[UUID]:
    """Return who acts in a post (with the permission) of an organization now, their own or one
    that is delegated to them; without a permission, in whole."""
    if permission is not None:
        held = await who_may(tx, permission, organization_id=organization_id, limit=None)
        return {holder.person_id for holder in held}
    if organization_id is None:
        return set()
    there = (col(Post.organization_id) == organization_id, post_in_force(tx.now))
    own = await tx.session.execute(
        select(col(Post.person_id))
        .join(Person, col(Person.id) == col(Post.person_id))
        .where(*there)
    )
    return set(own.scalars()) | await takers_of(tx, *there)


async def takers_of(tx: Transaction, *conditions: Any) -> set[UUID]:
    """Return to whom posts are delegated in whole now, of those that the conditions on `Post`
    and its holder (`Person`) choose. Some roles alone do not bring what is not said to whom
    holds them."""
    taker = aliased(Person)
    found = await tx.session.execute(
        select(col(Delegation.person_id), col(Delegation.roles))
        .join(Post, col(Post.id) == col(Delegation.post_id))
        .join(Person, col(Person.id) == col(Post.person_id))
        .join(taker, col(taker.id) == col(Delegation.person_id))
        .where(*conditions, delegation_in_force(tx.now), col(taker.disabled_at).is_(None))
    )
    return {person_id for person_id, roles in found if not roles}


def _posts_holding(permission: str, now: datetime, column: Any) -> Select[Any]:
    """Return a column of the posts that hold a permission at `now`."""
    return (
        select(column)
        .select_from(Post)
        .join(Grant, col(Grant.post_id) == col(Post.id))
        .join(Person, col(Person.id) == col(Post.person_id))
        .join(RolePermission, col(RolePermission.role) == col(Grant.role))
        .where(
            col(RolePermission.permission) == permission,
            grant_in_force(now),
            post_in_force(now),
        )
    )


async def organizations_holding(tx: Transaction, permission: str) -> list[Organization]:
    """Return the organizations with a post that holds a permission now, by code."""
    holding = _posts_holding(permission, tx.now, col(Post.organization_id))
    found = await tx.session.execute(
        select(
            col(OrganizationRow.id),
            col(OrganizationRow.code),
            col(OrganizationRow.name),
            col(OrganizationRow.level),
            col(OrganizationRow.parent_id),
        )
        .where(col(OrganizationRow.id).in_(holding))
        .order_by(col(OrganizationRow.code))
    )
    return [Organization(*row) for row in found]


async def officials_holding(tx: Transaction, permission: str) -> list[Official]:
    """Return who holds a post with a permission now, by organization and name; the first so many
    alone."""
    found = await tx.session.execute(
        select(
            col(Post.id),
            col(Person.id),
            col(Person.name),
            col(Post.title),
            col(OrganizationRow.id),
            col(OrganizationRow.name),
        )
        .join(Person, col(Person.id) == col(Post.person_id))
        .join(OrganizationRow, col(OrganizationRow.id) == col(Post.organization_id))
        .where(col(Post.id).in_(_posts_holding(permission, tx.now, col(Post.id))))
        .order_by(col(OrganizationRow.code), col(Person.name), col(Post.id))
        .limit(OFFICIALS)
    )
    return [Official(*row) for row in found]
