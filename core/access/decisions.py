"""Decisions and why: one grant allows, or one sentence says what is missing."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import or_, select
from sqlmodel import col

from core.access.loading import load_actor
from core.access.models import Grant, Role, RolePermission
from core.access.scope import reach
from core.database import Transaction
from core.identity.models import OrganizationRow, Person, Post
from plugin_sdk.ports import Actor, Organization, Permit

GRANTING = "yimen.grants.manage"


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """Whether an act is allowed: by which one grant, or what was missing."""

    allowed: bool
    permission: str
    permit: Permit | None = None
    missing: str = ""  # not-granted | not-in-force | out-of-scope | sign-in
    roles: tuple[str, ...] = ()
    granters: tuple[str, ...] = ()


class Holder(msgspec.Struct, frozen=True):
    """Someone who may do a thing, and by which grant."""

    person_id: UUID
    name: str
    organization: str
    post: str
    role: str
    scope: str
    ends_at: datetime | None


def decide(actor: Actor, permission: str, now: datetime) -> Permit | None:
    """Return the grant that allows the act as such, None if there is none.

    A few dictionary look-ups, whatever the number of grants in the system.
    """
    for permit in actor.permits.get(permission, ()):
        if permit.in_force(now):
            return permit
    return None


async def decide_row(tx: Transaction, actor: Actor, permission: str, row: Any) -> Permit | None:
    """Return the one grant that allows the act on a stored row, None if none reaches it."""
    model = type(row)
    for permit in actor.permits_for(permission, tx.now):
        found = await tx.session.execute(
            select(model.id)
            .where(model.id == row.id, reach(model, actor, [permit]))
            .execution_options(yimen_scoped_tables=frozenset({model.__tablename__}))
        )
        if found.first() is not None:
            return permit
    return None


async def explain(
    tx: Transaction, actor: Actor, permission: str, row: Any | None = None
) -> Decision:
    """Return the decision on an act together with what it rests on."""
    held = actor.permits.get(permission, ())
    in_force = actor.permits_for(permission, tx.now)
    permit = None
    if actor.system:
        return Decision(allowed=True, permission=permission)
    if row is None:
        permit = in_force[0] if in_force else None
    elif in_force:
        permit = await decide_row(tx, actor, permission, row)
    if permit is not None:
        return Decision(allowed=True, permission=permission, permit=permit)
    if not actor.signed_in:
        missing = "sign-in"
    elif in_force:
        missing = "out-of-scope"
    else:
        missing = "not-in-force" if held else "not-granted"
    roles = await tx.session.execute(
        select(col(RolePermission.role))
        .where(col(RolePermission.permission) == permission)
        .order_by(col(RolePermission.role))
    )
    granters = {f"{holder.organization} · {holder.post}" for holder in await who_may(tx, GRANTING)}
    return Decision(
        allowed=False,
        permission=permission,
        missing=missing,
        roles=tuple(roles.scalars()),
        granters=tuple(sorted(granters))[:5],
    )


async def who_may(tx: Transaction, permission: str, *, limit: int = 200) -> list[Holder]:
    """Return who holds a permission now through a post, by organization."""
    found = await tx.session.execute(
        select(
            col(Person.id),
            col(Person.name),
            col(OrganizationRow.name),
            col(Post.title),
            col(Grant.role),
            col(Grant.scope),
            col(Grant.ends_at),
        )
        .join(RolePermission, col(RolePermission.role) == col(Grant.role))
        .join(Post, col(Post.id) == col(Grant.post_id))
        .join(Person, col(Person.id) == col(Post.person_id))
        .join(OrganizationRow, col(OrganizationRow.id) == col(Post.organization_id))
        .where(
            col(RolePermission.permission) == permission,
            col(Grant.revoked_at).is_(None),
            or_(col(Grant.starts_at).is_(None), col(Grant.starts_at) <= tx.now),
            or_(col(Grant.ends_at).is_(None), col(Grant.ends_at) > tx.now),
            or_(col(Post.ends_at).is_(None), col(Post.ends_at) > tx.now),
            col(Person.disabled_at).is_(None),
        )
        .order_by(col(OrganizationRow.code), col(Person.name))
        .limit(limit)
    )
    return [Holder(*row) for row in found]


async def organizations_holding(tx: Transaction, permission: str) -> list[Organization]:
    """Return the organizations with a post that holds a permission now, by code."""
    found = await tx.session.execute(
        select(
            col(OrganizationRow.id),
            col(OrganizationRow.code),
            col(OrganizationRow.name),
            col(OrganizationRow.level),
            col(OrganizationRow.parent_id),
        )
        .where(
            col(OrganizationRow.id).in_(
                select(col(Post.organization_id))
                .join(Grant, col(Grant.post_id) == col(Post.id))
                .join(Person, col(Person.id) == col(Post.person_id))
                .join(RolePermission, col(RolePermission.role) == col(Grant.role))
                .where(
                    col(Person.disabled_at).is_(None),
                    col(RolePermission.permission) == permission,
                    col(Grant.revoked_at).is_(None),
                    or_(col(Grant.starts_at).is_(None), col(Grant.starts_at) <= tx.now),
                    or_(col(Grant.ends_at).is_(None), col(Grant.ends_at) > tx.now),
                    or_(col(Post.ends_at).is_(None), col(Post.ends_at) > tx.now),
                )
            )
        )
        .order_by(col(OrganizationRow.code))
    )
    return [Organization(*row) for row in found]


async def explain_person(
    tx: Transaction, username: str, permission: str
) -> list[tuple[str, Decision]]:
    """Return the decision for each post of a person (and as a resident), by its name."""
    person = (
        await tx.session.execute(
            select(col(Person.id), col(Person.name)).where(col(Person.username) == username)
        )
    ).first()
    if person is None:
        return []
    posts = await tx.session.execute(
        select(col(Post.id)).where(
            col(Post.person_id) == person[0],
            or_(col(Post.ends_at).is_(None), col(Post.ends_at) > tx.now),
        )
    )
    outcome = []
    for post_id in [*posts.scalars(), None]:
        actor = await load_actor(tx, person[0], person[1], post_id)
        where = f"{actor.organization_name} {actor.post_title}" if post_id else "-"
        outcome.append((where, await explain(tx, actor, permission)))
    return outcome


async def role_titles(tx: Transaction) -> dict[str, tuple[str, str]]:
    """Return the Chinese and English titles of all roles."""
    found = await tx.session.execute(
        select(col(Role.key), col(Role.title_zh), col(Role.title_en)).order_by(col(Role.key))
    )
    return {key: (zh, en) for key, zh, en in found}
