"""Groups (RFC 7643, section 4.2) are units, and their members who holds a post there.

A unit that the county's own directory holds keeps its name and stays; its members change. One
that the application brought is its own to rename and to close. A post that begins here carries
no right: roles are granted by people, to the post.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from scim2_models import (
    ConflictException,
    ForbiddenException,
    InvalidValueException,
    MutabilityException,
    NotFoundException,
    Reference,
)
from sqlalchemy import ColumnElement, and_, exists, func, or_, select, update
from sqlalchemy.orm import aliased
from sqlmodel import col

from core.database import Transaction
from core.identity import organizations, people, tree
from core.identity.arrivals import OrganizationError
from core.identity.events import TreeChanged
from core.identity.models import OrganizationRow, Person, Post
from core.identity.people import PersonError
from core.identity.provider.reach import reach_of
from core.identity.scim import links, users
from core.identity.scim.desk import Desk, uuid_of
from core.identity.scim.filters import Test, condition, one_of, text
from core.identity.scim.models import ScimGroup
from core.identity.scim.resources import MOST_MEMBERS, Group, Member
from core.identity.tree import TreeError
from plugin_sdk.data import new_id

TITLE = "工作人员"
Changes = dict[str, Any]


def tests(tx: Transaction, desk: Desk) -> dict[str, Test]:
    """Return what each attribute of a group means in SQL."""
    row = OrganizationRow
    own = aliased(ScimGroup)
    external = (
        select(col(own.external_id))
        .where(col(own.client_id) == desk.client, col(own.organization_id) == col(row.id))
        .scalar_subquery()
    )
    held = and_(col(Post.organization_id) == col(row.id), _in_force(tx))
    members = one_of(
        lambda value: exists().where(held, col(Post.person_id) == uuid_of(value)),
        exists().where(held),
    )
    return {
        "id": one_of(lambda value: col(row.id) == uuid_of(value), col(row.id).is_not(None)),
        "displayname": text(col(row.name)),
        "externalid": text(external, exact=True),
        "members": members,
        "members.value": members,
    }


def _in_force(tx: Transaction) -> ColumnElement[bool]:
    return or_(col(Post.ends_at).is_(None), col(Post.ends_at) > tx.now)


async def search(
    tx: Transaction,
    desk: Desk,
    filter: str | None,
    *,
    offset: int = 0,
    limit: int = 0,
    lenient: bool = False,
    members: bool = True,
) -> tuple[int, list[Group]]:
    """Return how many units match, and a page of them by code; without `members` none are read.
    Raises `InvalidFilterException`."""
    where = desk.groups()
    if filter:
        where = and_(where, condition(filter, Group, tests(tx, desk), lenient=lenient))
    count = await tx.session.execute(select(func.count()).select_from(OrganizationRow).where(where))
    total = int(count.scalar_one())
    if limit <= 0 or offset >= total:
        return total, []
    return total, await _load(tx, desk, where, offset=offset, limit=limit, members=members)


async def get(tx: Transaction, desk: Desk, id: str) -> Group:
    """Return a group. Raises `NotFoundException`, alike for one that is beyond reach."""
    unit, found = uuid_of(id), []
    if unit is not None:
        found = await _load(tx, desk, and_(desk.groups(), col(OrganizationRow.id) == unit))
    if not found:
        raise NotFoundException(detail="There is no such group.")
    return found[0]


async def _load(
    tx: Transaction,
    desk: Desk,
    where: ColumnElement[bool],
    *,
    offset: int = 0,
    limit: int = 1,
    members: bool = True,
) -> list[Group]:
    row = OrganizationRow
    rows = (
        await tx.session.execute(
            select(col(row.id), col(row.name), col(row.created_at), col(ScimGroup.external_id))
            .outerjoin(
                ScimGroup,
                and_(
                    col(ScimGroup.organization_id) == col(row.id),
                    col(ScimGroup.client_id) == desk.client,
                ),
            )
            .where(where)
            .order_by(col(row.code))
            .offset(offset)
            .limit(limit)
        )
    ).all()
    inside: dict[UUID, list[UUID]] = defaultdict(list)
    if members:
        held = await tx.session.execute(
            select(col(Post.organization_id), col(Post.person_id))
            .join(Person, col(Person.id) == col(Post.person_id))
            .where(
                col(Post.organization_id).in_([row[0] for row in rows]),
                _in_force(tx),
                desk.people(tx),
            )
            .distinct()
            .order_by(col(Post.person_id))
        )
        for unit, person_id in held:
            inside[unit].append(person_id)
    return await asyncio.to_thread(_groups, desk, rows, inside)  # thousands of members take a while


def _groups(desk: Desk, rows: Iterable[Any], inside: Mapping[UUID, list[UUID]]) -> list[Group]:
    found = []
    for id, name, created_at, external_id in rows:
        group = Group(
            id=str(id),
            external_id=external_id,
            display_name=name,
            members=[
                Member(value=str(one), ref=Reference(f"{desk.base}/Users/{one}"), type="User")
                for one in inside.get(id, ())
            ]
            or None,
        )
        desk.finish(group, "Group", created_at)
        found.append(group)
    return found


async def add(tx: Transaction, desk: Desk, wanted: Group) -> UUID:
    """Bring a unit, below the first organization (by code) in which the application acts; return
    its id. Raises `InvalidValueException`."""
    roots = await reach_of(tx, desk.client)
    id = new_id()
    try:
        unit = await organizations.add_unit(
            tx, f"S{id.hex[-12:].upper()}", _name(wanted), "unit", roots[0].code
        )
    except OrganizationError as error:
        raise ConflictException(detail=str(error)) from None
    desk.units.add(unit)
    await links.link(tx, desk.client, links.UNIT, unit, brought=True)
    await tx.raise_event(TreeChanged())
    await links.keep_external(tx, desk.client, links.UNIT, unit, wanted.external_id)
    await _set_members(tx, unit, set(), await _wanted(tx, desk, wanted))
    return unit


async def change(tx: Transaction, desk: Desk, was: Group, wanted: Group) -> Changes:
    """Make a unit what is wanted of it; return what has changed. Raises `MutabilityException` and
    `InvalidValueException`."""
    id = UUID(was.id or "")
    changed: Changes = {}
    name = _name(wanted)
    if name != was.display_name:
        if not await links.is_brought(tx, desk.client, links.UNIT, id):
            raise MutabilityException(
                detail="The county's own directory names this unit; only its members change here."
            )
        await tx.session.execute(
            update(OrganizationRow).where(col(OrganizationRow.id) == id).values(name=name)
        )
        await tx.raise_event(TreeChanged())
        changed["name"] = name
    if wanted.external_id != was.external_id:
        await links.keep_external(tx, desk.client, links.UNIT, id, wanted.external_id)
        changed["external_id"] = True
    held = {UUID(member.value or "") for member in was.members or []}
    begun, ended = await _set_members(tx, id, held, await _wanted(tx, desk, wanted))
    if begun or ended:
        changed |= {"begun": begun, "ended": ended}
    return changed


async def close(tx: Transaction, desk: Desk, id: UUID) -> None:
    """Close a unit that the application brought: the posts in it end, its record stays. Raises
    `ForbiddenException` for the county's own, `ConflictException` where units stand below."""
    if not await links.is_brought(tx, desk.client, links.UNIT, id):
        raise ForbiddenException(
            detail="The county's own directory holds this unit; an administrator closes it."
        )
    await _end_posts(tx, id, None)
    try:
        await tree.close(tx, id, None, reason=f"SCIM: {desk.client}")
    except TreeError:
        raise ConflictException(detail="Other units stand below this one.") from None


async def _wanted(tx: Transaction, desk: Desk, wanted: Group) -> set[UUID]:
    """Return who shall be a member. Raises `InvalidValueException` for whom the application does
    not see."""
    named = wanted.members or []
    if len(named) > MOST_MEMBERS:
        raise InvalidValueException(detail=f"A group has at most {MOST_MEMBERS} members here.")
    ids = {member.value: uuid_of(member.value) for member in named}
    known = await users.visible(tx, desk, [id for id in ids.values() if id is not None])
    for text_id, id in ids.items():
        if id not in known:
            raise InvalidValueException(detail=f"There is no user {str(text_id)[:64]}.")
    return known


async def _set_members(
    tx: Transaction, unit: UUID, held: set[UUID], wanted: set[UUID]
) -> tuple[int, int]:
    for person_id in sorted(wanted - held):
        try:
            await people.add_post(tx, person_id, unit, TITLE)
        except PersonError as error:
            raise ConflictException(detail=error.code) from None
    gone = held - wanted
    if gone:
        await _end_posts(tx, unit, gone)
    return len(wanted - held), len(gone)


async def _end_posts(tx: Transaction, unit: UUID, whose: set[UUID] | None) -> None:
    statement = select(col(Post.id)).where(
        col(Post.organization_id) == unit, col(Post.ends_at).is_(None)
    )
    if whose is not None:
        statement = statement.where(col(Post.person_id).in_(whose))
    for post_id in (await tx.session.execute(statement.order_by(col(Post.id)))).scalars().all():
        await people.end_post(tx, post_id)


def _name(wanted: Group) -> str:
    name = (wanted.display_name or "").strip()
    if not name or len(name) > 100 or not name.isprintable():
        raise InvalidValueException(detail="displayName has 1 to 100 characters to be printed.")
    return name
