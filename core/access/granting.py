"""Who may give what to whom: a grantor gives no more than they may hold themselves."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from core.access.models import RolePermission
from core.access.scope import covers
from core.database import Transaction
from core.identity.models import Post
from plugin_sdk.ports import Actor, ScopeKind

GRANTING = "yimen.grants.manage"


async def reaches_post(tx: Transaction, granter: Actor, post_id: UUID) -> bool:
    """Return whether a grantor administers the organization of a post."""
    found = await tx.session.execute(
        select(col(Post.organization_id)).where(col(Post.id) == post_id)
    )
    unit = found.scalar_one_or_none()
    return unit is not None and await _covered(tx, granter, GRANTING, [unit], deep=False)


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
    if granter.system or any(
        permit.scope is ScopeKind.ALL for permit in granter.permits_for(GRANTING, tx.now)
    ):
        return True
    if scope is ScopeKind.ALL or not await _covered(tx, granter, GRANTING, [unit], deep=False):
        return False
    wanted = list(organizations) or [unit]
    deep = scope is ScopeKind.SUBTREE
    carried = await tx.session.execute(
        select(col(RolePermission.permission)).where(col(RolePermission.role) == role)
    )
    for permission in (GRANTING, *carried.scalars()):
        if not await _covered(tx, granter, permission, wanted, deep=deep):
            return False
    return True


async def _covered(
    tx: Transaction, granter: Actor, permission: str, units: Sequence[UUID], *, deep: bool
) -> bool:
    for permit in granter.permits_for(permission, tx.now):
        if await covers(tx, granter, permit, units, deep=deep):
            return True
    return False
