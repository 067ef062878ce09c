"""Whose hands a step may come from: a person's, and nobody's who answers for the app (owner ≠
decider, design section 8)."""

from sqlalchemy import select
from sqlmodel import col

from core.access.holding import delegation_in_force, post_in_force
from core.access.models import Delegation
from core.database import Transaction
from core.identity.models import OrganizationRow, Person, Post
from core.identity.organizations import subtree
from plugin_sdk.ports import Actor
from plugin_sdk.problems import Problem


class OwnerDecides(Problem):
    """Whoever answers for an app does not decide on it (403)."""

    status = 403

    def __init__(self, owner: str) -> None:
        super().__init__("owner-decides", owner=owner)


async def answers_for(tx: Transaction, actor: Actor, owner: str) -> bool:
    """Return whether an act would be the owner's own: one of those whose act it is (the person,
    who delegated to them, who acts for them) holds a post in the owner's unit or below it, or
    has one delegated. Of a division (a county) its own posts alone count: everybody's unit
    stands below it.
    """
    found = await tx.session.execute(
        select(col(OrganizationRow.id), col(OrganizationRow.level)).where(
            col(OrganizationRow.code) == owner
        )
    )
    unit = found.first()
    if unit is None or not actor.hands:
        return False
    id, level = unit
    there = (
        col(Post.organization_id).in_(subtree([id]))
        if level == "unit"
        else col(Post.organization_id) == id
    )
    held = (
        select(col(Post.id))
        .join(Person, col(Person.id) == col(Post.person_id))
        .where(there, post_in_force(tx.now))
    )
    own = held.where(col(Post.person_id).in_(actor.hands))
    handed = held.join(Delegation, col(Delegation.post_id) == col(Post.id)).where(
        col(Delegation.person_id).in_(actor.hands), delegation_in_force(tx.now)
    )
    return (await tx.session.execute(own.union(handed).limit(1))).first() is not None


async def need_other_hands(tx: Transaction, actor: Actor, owner: str, name: str) -> None:
    """Raise `OwnerDecides` for one who answers for the app; `name` is the owner's."""
    if await answers_for(tx, actor, owner):
        raise OwnerDecides(name)
