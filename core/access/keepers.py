"""That somebody is left who can grant: no program locks everybody out."""

from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from core.access.exclusion import one_at_a_time
from core.access.granting import GRANTING
from core.access.holding import grant_in_force, post_in_force
from core.access.models import Grant, RolePermission
from core.database import Transaction
from core.identity.models import Person, Post
from plugin_sdk.ports import ScopeKind
from plugin_sdk.problems import Conflict


async def keepers(tx: Transaction) -> set[UUID]:
    """Return who grants rights everywhere now, in a post of their own. Whoever else changes
    rights, or who may sign in, waits until this transaction has ended."""
    await one_at_a_time(tx)
    found = await tx.session.execute(
        select(col(Person.id))
        .join(Post, col(Post.person_id) == col(Person.id))
        .join(Grant, col(Grant.post_id) == col(Post.id))
        .join(RolePermission, col(RolePermission.role) == col(Grant.role))
        .where(
            col(RolePermission.permission) == GRANTING,
            col(Grant.scope) == ScopeKind.ALL,
            grant_in_force(tx.now),
            post_in_force(tx.now),
        )
    )
    return set(found.scalars())


async def refuse_lockout(tx: Transaction, before: set[UUID]) -> None:
    """Raise `Conflict` (`last-administrator`) where there were `keepers` before what was done in
    this transaction, and now there is none."""
    if before and not await keepers(tx):
        raise Conflict("last-administrator")
