"""Roles that nobody holds together (不相容岗位): in any post, nor by any delegation.

What two such roles keep apart are the permissions that each has alone: a role that carries
one of those stands for the role, whatever its name.
"""

from collections.abc import Iterable
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, or_, select
from sqlmodel import col

from core.access.models import Delegation, Generation, Grant, Role, RolePermission
from core.database import Transaction
from core.identity.models import Person, Post
from plugin_sdk.problems import Conflict


class _Known(msgspec.Struct, frozen=True):
    zh: str
    en: str
    excludes: list[str]
    permissions: set[str]


async def one_at_a_time(tx: Transaction) -> None:
    """Wait for whoever else gives, hands over, asks for or composes rights: two that do so
    together would each miss what the other does. It is the row on which every revocation is
    counted."""
    await tx.session.execute(
        select(col(Generation.value)).where(col(Generation.id) == 1).with_for_update()
    )


async def refuse_together(tx: Transaction, person_id: UUID, roles: Iterable[str]) -> None:
    """Raise `Conflict` (`roles-exclude`, with both names) when a person would hold one of the
    roles beside one that either of the two excludes. What is not over yet counts."""
    await one_at_a_time(tx)
    new = set(roles)
    held = await roles_held(tx, person_id)
    known = await _known(tx)
    for one in sorted(new & known.keys()):
        for other in sorted((held | new) & known.keys() - {one}):
            if _apart(known, one, other):
                name = await tx.session.execute(
                    select(col(Person.name)).where(col(Person.id) == person_id)
                )
                raise Conflict(
                    "roles-exclude",
                    person=name.scalar_one(),
                    name_zh=f"{known[one].zh}、{known[other].zh}",
                    name_en=f"{known[one].en}, {known[other].en}",
                )


async def _known(tx: Transaction) -> dict[str, _Known]:
    found = await tx.session.execute(
        select(col(Role.key), col(Role.title_zh), col(Role.title_en), col(Role.excludes))
    )
    known = {key: _Known(zh, en, excludes, set()) for key, zh, en, excludes in found}
    for role, permission in await tx.session.execute(
        select(col(RolePermission.role), col(RolePermission.permission))
    ):
        if role in known:
            known[role].permissions.add(permission)
    return known


def _apart(known: dict[str, _Known], one: str, other: str) -> bool:
    def stands(key: str, role: str, beside: str) -> bool:
        alone = known[role].permissions - known[beside].permissions
        return key == role or bool(known[key].permissions & alone)

    return any(
        (stands(one, role, excluded) and stands(other, excluded, role))
        or (stands(other, role, excluded) and stands(one, excluded, role))
        for role, facts in known.items()
        for excluded in facts.excludes
        if excluded in known
    )


async def roles_held(tx: Transaction, person_id: UUID) -> set[str]:
    """Return the roles of a person's posts and of the posts delegated to them, now or later."""
    own = await tx.session.execute(
        select(col(Grant.role))
        .join(Post, col(Post.id) == col(Grant.post_id))
        .where(col(Post.person_id) == person_id, *_not_over(tx))
    )
    found = set(own.scalars())
    handed = await tx.session.execute(
        select(col(Delegation.roles), col(Grant.role))
        .join(Grant, col(Grant.post_id) == col(Delegation.post_id))
        .join(Post, col(Post.id) == col(Delegation.post_id))
        .where(
            col(Delegation.person_id) == person_id,
            col(Delegation.revoked_at).is_(None),
            col(Delegation.ends_at) > tx.now,
            *_not_over(tx),
        )
    )
    return found | {role for subset, role in handed if not subset or role in subset}


def _not_over(tx: Transaction) -> tuple[ColumnElement[bool], ...]:
    return (
        or_(col(Post.ends_at).is_(None), col(Post.ends_at) > tx.now),
        col(Grant.revoked_at).is_(None),
        or_(col(Grant.ends_at).is_(None), col(Grant.ends_at) > tx.now),
    )


async def holders(tx: Transaction, role: str) -> set[UUID]:
    """Return everybody who acts under a role now or later, in whichever post."""
    found = await tx.session.execute(
        select(col(Post.id))
        .join(Grant, col(Grant.post_id) == col(Post.id))
        .where(col(Grant.role) == role, *_not_over(tx))
        .distinct()
    )
    return {person for post_id in found.scalars() for person in await who_holds(tx, post_id, role)}


async def who_holds(tx: Transaction, post_id: UUID, role: str) -> list[UUID]:
    """Return who acts in a post under a role: its holder, and those it is delegated to."""
    holder = await tx.session.execute(select(col(Post.person_id)).where(col(Post.id) == post_id))
    takers = await tx.session.execute(
        select(col(Delegation.person_id), col(Delegation.roles)).where(
            col(Delegation.post_id) == post_id,
            col(Delegation.revoked_at).is_(None),
            col(Delegation.ends_at) > tx.now,
        )
    )
    return [*holder.scalars(), *(person for person, roles in takers if not roles or role in roles)]
