"""Who may give what to whom: a grantor gives no more than they may hold themselves."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from core.access.models import RolePermission
from core.access.scope import covers, within
from core.database import Transaction
from core.identity.models import Post
from core.identity.people import posted, posts
from plugin_sdk.ports import Actor, ScopeKind

GRANTING = "yimen.grants.manage"


async def reaches(
    tx: Transaction, actor: Actor, permission: str, units: Sequence[UUID], *, deep: bool = False
) -> bool:
    """Return whether one grant of a permission reaches all the organizations (`deep`: and what
    is below them). What is of no organization is reached by a grant for everything alone."""
    for permit in actor.permits_for(permission, tx.now):
        if permit.scope is ScopeKind.ALL:
            return True
        if units and await covers(tx, actor, permit, units, deep=deep):
            return True
    return False


def everywhere(actor: Actor, permission: str, now: datetime) -> bool:
    """Return whether a grant of a permission reaches everything: what is done to the whole hub
    (its calendar, its apps, its roles) is done by nobody else."""
    return any(p.scope is ScopeKind.ALL for p in actor.permits_for(permission, now))


async def sees_person(tx: Transaction, actor: Actor, person_id: UUID, permission: str) -> bool:
    """Return whether a permission reaches a post of a person: enough to look at them."""
    scope = within(actor, actor.permits_for(permission, tx.now))
    if scope is None:
        return True
    found = await tx.session.execute(
        posted(scope, tx.now).where(col(Post.person_id) == person_id).limit(1)
    )
    return found.first() is not None


async def posts_within(
    tx: Transaction, actor: Actor, permission: str, post_ids: Sequence[UUID]
) -> set[UUID]:
    """Return those of the posts whose organizations a permission reaches."""
    scope = within(actor, actor.permits_for(permission, tx.now))
    if scope is None:
        return set(post_ids)
    found = await tx.session.execute(
        select(col(Post.id)).where(col(Post.id).in_(post_ids), scope(col(Post.organization_id)))
    )
    return set(found.scalars())


async def reaches_post(
    tx: Transaction, actor: Actor, post_id: UUID, permission: str = GRANTING
) -> bool:
    """Return whether a permission (of granting, unless another is named) reaches the
    organization of a post."""
    found = await tx.session.execute(
        select(col(Post.organization_id)).where(col(Post.id) == post_id)
    )
    return await reaches(tx, actor, permission, list(found.scalars()))


async def reaches_person(tx: Transaction, actor: Actor, person_id: UUID, permission: str) -> bool:
    """Return whether a permission reaches a person: every post they hold, now or later."""
    held = await posts(tx, [person_id])
    return await reaches(tx, actor, permission, [post.organization_id for post in held])


async def may_give(
    tx: Transaction,
    granter: Actor,
    post_id: UUID,
    role: str,
    scope: ScopeKind,
    organizations: Sequence[UUID],
) -> bool:
    """Return whether a grantor may give a role to a post with a scope (`may_give_in`)."""
    found = await tx.session.execute(
        select(col(Post.organization_id)).where(col(Post.id) == post_id)
    )
    unit = found.scalar_one_or_none()
    return unit is not None and await may_give_in(tx, granter, unit, role, scope, organizations)


async def may_give_in(
    tx: Transaction,
    granter: Actor,
    unit: UUID,
    role: str,
    scope: ScopeKind,
    organizations: Sequence[UUID] = (),
) -> bool:
    """Return whether a grantor may give a role with a scope to whatever post of a unit.

    Who administers grants everywhere gives any role. Others give to posts in the organizations
    they administer, no further than there, and only roles all of whose permissions they hold
    themselves as far.
    """
    if granter.system or everywhere(granter, GRANTING, tx.now):
        return True
    if scope is ScopeKind.ALL or not await reaches(tx, granter, GRANTING, [unit]):
        return False
    wanted = list(organizations) or [unit]
    deep = scope is ScopeKind.SUBTREE
    carried = await tx.session.execute(
        select(col(RolePermission.permission)).where(col(RolePermission.role) == role)
    )
    for permission in (GRANTING, *carried.scalars()):
        if not await reaches(tx, granter, permission, wanted, deep=deep):
            return False
    return True
