"""The directory: organizations as a tree that rows elsewhere join by id."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Select, func, or_, select
from sqlmodel import col

from core.database import Transaction
from core.identity.arrivals import DirectoryRow, OrganizationError, import_directory
from core.identity.models import Closing, OrganizationClosure, OrganizationRow, Post
from plugin_sdk.ports import Organization


def subtree(ids: Sequence[UUID]) -> Select[UUID]:
    """Return a select of the ids of the organizations and all that stands below them."""
    return select(col(OrganizationClosure.descendant_id)).where(
        col(OrganizationClosure.ancestor_id).in_(ids)
    )


def _organizations() -> "Select[UUID, str, str, str, UUID | None]":
    row = OrganizationRow
    return select(
        col(row.id), col(row.code), col(row.name), col(row.level), col(row.parent_id)
    ).order_by(col(row.code))


async def organization(tx: Transaction, id: UUID) -> Organization | None:
    """Return an organization, None if there is none."""
    found = (
        await tx.session.execute(_organizations().where(col(OrganizationRow.id) == id))
    ).first()
    return Organization(*found) if found else None


async def by_code(tx: Transaction, code: str) -> Organization | None:
    """Return the organization of a code, None if there is none."""
    found = (
        await tx.session.execute(_organizations().where(col(OrganizationRow.code) == code))
    ).first()
    return Organization(*found) if found else None


async def children(tx: Transaction, id: UUID | None) -> list[Organization]:
    """Return what stands directly below an organization (or at the top), by code."""
    found = await tx.session.execute(
        _organizations().where(col(OrganizationRow.parent_id) == id)
        if id
        else _organizations().where(col(OrganizationRow.parent_id).is_(None))
    )
    return [Organization(*row) for row in found]


async def regions(tx: Transaction, root: UUID | None) -> list[Organization]:
    """Return the county and the towns below `root` (or everywhere), in order of code."""
    statement = _organizations().where(col(OrganizationRow.level).in_(("county", "township")))
    if root:
        statement = statement.where(col(OrganizationRow.id).in_(subtree([root])))
    return [Organization(*row) for row in await tx.session.execute(statement)]


async def listed(tx: Transaction, ids: Sequence[UUID]) -> list[Organization]:
    """Return the organizations of the ids, in order of code."""
    if not ids:
        return []
    found = await tx.session.execute(_organizations().where(col(OrganizationRow.id).in_(set(ids))))
    return [Organization(*row) for row in found]


async def names(tx: Transaction, ids: Sequence[UUID]) -> dict[UUID, str]:
    """Return the names of organizations by id."""
    if not ids:
        return {}
    found = await tx.session.execute(
        select(col(OrganizationRow.id), col(OrganizationRow.name)).where(
            col(OrganizationRow.id).in_(set(ids))
        )
    )
    return {id: name for id, name in found}


async def staffed(tx: Transaction) -> dict[UUID, tuple[UUID | None, int]]:
    """Return what stands above an organization and how many people have a post in force in it,
    not below it: for each that has any, and all that stand above one."""
    people = (
        select(
            col(Post.organization_id).label("id"),
            func.count(func.distinct(col(Post.person_id))).label("people"),
        )
        .where(
            col(Post.starts_at) <= tx.now,
            or_(col(Post.ends_at).is_(None), col(Post.ends_at) > tx.now),
        )
        .group_by(col(Post.organization_id))
        .subquery()
    )
    row, closure = OrganizationRow, OrganizationClosure
    found = await tx.session.execute(
        select(col(row.id), col(row.parent_id), func.coalesce(people.c.people, 0))
        .outerjoin(people, people.c.id == col(row.id))
        .where(
            col(row.id).in_(
                select(col(closure.ancestor_id)).where(
                    col(closure.descendant_id).in_(select(people.c.id))
                )
            )
        )
    )
    return {id: (above, count) for id, above, count in found}


async def posts_in(tx: Transaction, id: UUID) -> int:
    """Return how many posts in force there are in an organization, not below it."""
    found = await tx.session.execute(
        select(func.count())
        .select_from(Post)
        .where(
            col(Post.organization_id) == id,
            or_(col(Post.ends_at).is_(None), col(Post.ends_at) > tx.now),
        )
    )
    return int(found.scalar_one())


async def closed(tx: Transaction, id: UUID) -> bool:
    """Return whether an organization is closed (撤并): nothing new begins in it."""
    found = await tx.session.execute(
        select(col(Closing.closed_at)).where(col(Closing.organization_id) == id)
    )
    return found.first() is not None


async def add_unit(tx: Transaction, code: str, name: str, level: str, parent: str) -> UUID:
    """Add an organization below the one with the code `parent`; return its id.

    Raises `OrganizationError` if the code is taken, or the parent unknown or closed.
    """
    if await by_code(tx, code) is not None:
        raise OrganizationError(f"the code {code} is taken")
    above = await by_code(tx, parent)
    if above is not None and await closed(tx, above.id):
        raise OrganizationError(f"the organization {parent} is closed")
    await import_directory(tx, [DirectoryRow(code, name, level, parent)])
    added = await by_code(tx, code)
    if added is None:
        raise OrganizationError(f"the organization {code} was not added")
    return added.id


class Branch(msgspec.Struct, frozen=True):
    """An organization in the tree as it is listed: how deep it stands, its posts."""

    depth: int
    code: str
    name: str
    level: str
    posts: int
    closed: bool = False
    href: str | None = None


async def tree(tx: Transaction, *, villages: bool = False) -> list[Branch]:
    """Return the organizations in the order of the tree; villages only when asked for."""
    rows = OrganizationRow
    statement = (
        select(
            col(rows.id),
            col(rows.parent_id),
            col(rows.code),
            col(rows.name),
            col(rows.level),
            col(Closing.closed_at).is_not(None),
        )
        .outerjoin(Closing, col(Closing.organization_id) == col(rows.id))
        .order_by(col(rows.code))
    )
    if not villages:
        statement = statement.where(col(rows.level) != "village")
    found = list(await tx.session.execute(statement))
    held = await tx.session.execute(
        select(col(Post.organization_id), func.count())
        .where(or_(col(Post.ends_at).is_(None), col(Post.ends_at) > tx.now))
        .group_by(col(Post.organization_id))
    )
    posts = {id: count for id, count in held}
    below: dict[UUID | None, list[Any]] = {}
    for row in found:
        below.setdefault(row[1], []).append(row)
    branches: list[Branch] = []
    waiting = [(row, 0) for row in reversed(below.get(None, []))]
    while waiting:
        (id, _, code, name, level, closed), depth = waiting.pop()
        branches.append(Branch(depth, code, name, level, posts.get(id, 0), closed))
        waiting += [(row, depth + 1) for row in reversed(below.get(id, []))]
    return branches
