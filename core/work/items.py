"""Work items: opened and closed in the transaction of the act that causes them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Select, and_, false, func, insert, or_, select, update
from sqlmodel import col

from core.database import Transaction
from core.work.models import WorkItem
from plugin_sdk.cursors import Position, later, older, read_cursor
from plugin_sdk.data import new_id
from plugin_sdk.ports import Actor, To
from plugin_sdk.views import Phrase


class WorkItemFacts(msgspec.Struct, frozen=True):
    """A work item as it is listed."""

    id: UUID
    app: str
    subject: str
    title: str
    title_key: str | None
    label_key: str
    params: Mapping[str, Any]
    href: str
    opened_at: datetime
    due_at: datetime | None
    closed_at: datetime | None


class Counts(msgspec.Struct, frozen=True):
    """How much waits for an actor."""

    late: int
    today: int
    open: int


async def open_item(
    tx: Transaction,
    app: str,
    subject: str,
    to: To,
    title: Phrase | str,
    href: str,
    *,
    label: Phrase,
    due_at: datetime | None,
) -> None:
    """Open the item of a subject for its recipient; an open one there is brought up to date.

    A recipient with person and organization is the person in their post there: when the post
    ends, the organization takes over. With a person alone it stays theirs.
    """
    words: dict[str, Any] = {
        "title": "" if isinstance(title, Phrase) else title,
        "title_key": title.key if isinstance(title, Phrase) else None,
        "label_key": label.key,
        "params": msgspec.to_builtins(
            {**label.params, **(title.params if isinstance(title, Phrase) else {})}
        ),
        "href": href,
        "due_at": due_at,
    }
    changed = await tx.session.execute(
        update(WorkItem)
        .where(_of(app, subject), _recipient(to), col(WorkItem.closed_at).is_(None))
        .values(**words)
        .returning(col(WorkItem.id))
        .execution_options(synchronize_session=False)
    )
    if changed.first() is None:
        await tx.session.execute(
            insert(WorkItem).values(
                id=new_id(),
                app=app,
                subject=subject,
                person_id=to.person_id,
                organization_id=to.organization_id,
                permission=to.permission,
                opened_at=tx.now,
                **words,
            )
        )


async def close_items(tx: Transaction, app: str, subject: str, to: To | None = None) -> None:
    """Close what is open of a subject: all of it, or one recipient's."""
    statement = (
        update(WorkItem)
        .where(_of(app, subject), col(WorkItem.closed_at).is_(None))
        .values(closed_at=tx.now)
        .execution_options(synchronize_session=False)
    )
    if to is not None:
        statement = statement.where(_recipient(to))
    await tx.session.execute(statement)


def _of(app: str, subject: str) -> ColumnElement[bool]:
    return and_(col(WorkItem.app) == app, col(WorkItem.subject) == subject)


def _recipient(to: To) -> ColumnElement[bool]:
    return and_(
        col(WorkItem.person_id) == to.person_id
        if to.person_id
        else col(WorkItem.person_id).is_(None),
        col(WorkItem.organization_id) == to.organization_id
        if to.organization_id
        else col(WorkItem.organization_id).is_(None),
        col(WorkItem.permission) == to.permission
        if to.permission
        else col(WorkItem.permission).is_(None),
    )


def _mine(actor: Actor, now: datetime) -> ColumnElement[bool]:
    held = [key for key in actor.permits if actor.permits_for(key, now)]
    if actor.person_id is None:  # nothing waits for a visitor
        return false()
    mine = col(WorkItem.person_id) == actor.person_id
    if actor.agent is not None:  # in the apps that the consent names in whole
        return and_(mine, col(WorkItem.app).in_(actor.agent.apps))
    if actor.organization_id is None:
        return mine
    whose: ColumnElement[bool] = col(WorkItem.person_id).is_(None)
    what: ColumnElement[bool] = col(WorkItem.permission).in_(held)
    handed = actor.delegation
    if handed is None or not handed.roles:  # with some roles alone comes what waits for these
        what = or_(what, col(WorkItem.permission).is_(None))
        if handed is not None:  # what waits for the one who handed over, in that post
            whose = or_(whose, col(WorkItem.person_id) == handed.person_id)
    there = col(WorkItem.organization_id) == actor.organization_id
    return or_(mine, and_(whose, there, what))


async def inbox(
    tx: Transaction,
    actor: Actor,
    *,
    which: Literal["open", "late", "today", "done"] = "open",
    day_end: datetime | None = None,
    cursor: str = "",
    limit: int = 50,
) -> list[WorkItemFacts]:
    """Return what waits for an actor: late before due before new; or what was done, the last
    first. `cursor` continues a list at the `place` of its last item."""
    row = WorkItem
    columns: list[Any] = [getattr(row, name) for name in WorkItemFacts.__struct_fields__]
    statement: Select[Any] = select(*columns).where(_mine(actor, tx.now))
    after = read_cursor(cursor) if cursor else None
    newest = col(row.id).desc()  # ids are in the order of opening
    if which == "done":
        at, following = col(row.closed_at), older
        statement = statement.where(at.is_not(None)).order_by(at.desc(), newest)
    else:
        at, following = col(row.due_at), later
        statement = statement.where(col(row.closed_at).is_(None)).order_by(
            at.asc().nulls_last(), newest
        )
    if after is not None:
        statement = statement.where(following(after, at, col(row.id)))
    if which == "late":
        statement = statement.where(col(row.due_at) < tx.now)
    if which == "today" and day_end is not None:
        statement = statement.where(col(row.due_at) >= tx.now, col(row.due_at) <= day_end)
    return [WorkItemFacts(*values) for values in await tx.session.execute(statement.limit(limit))]


def place(item: WorkItemFacts) -> Position:
    """Return where an item stands in its list: by its end when done, else by when it is due."""
    return Position(item.closed_at or item.due_at, item.id)


async def counts(tx: Transaction, actor: Actor, day_end: datetime) -> Counts:
    """Return how many items wait for an actor, are late, and are due by `day_end`."""
    due = col(WorkItem.due_at)
    found = (
        await tx.session.execute(
            select(
                func.count().filter(due < tx.now),
                func.count().filter(due >= tx.now, due <= day_end),
                func.count(),
            )
            .select_from(WorkItem)
            .where(_mine(actor, tx.now), col(WorkItem.closed_at).is_(None))
        )
    ).one()
    return Counts(*found)


async def open_by_app(tx: Transaction, actor: Actor) -> dict[str, int]:
    """Return how many items wait for an actor in each app."""
    found = await tx.session.execute(
        select(col(WorkItem.app), func.count())
        .where(_mine(actor, tx.now), col(WorkItem.closed_at).is_(None))
        .group_by(col(WorkItem.app))
    )
    return {app: count for app, count in found}


async def hand_over(
    tx: Transaction, person_id: UUID, organization_id: UUID, *, to: UUID | None = None
) -> None:
    """Let the open items of a person in a post that ends wait for another person there, or
    for their organization.

    What is theirs as a person, or in another post, stays with them.
    """
    await tx.session.execute(
        update(WorkItem)
        .where(_in_post(person_id, organization_id))
        .values(person_id=to)
        .execution_options(synchronize_session=False)
    )


async def waiting_in_posts(tx: Transaction, person_id: UUID) -> dict[UUID, int]:
    """Return how many open items a person has in their posts, by organization."""
    found = await tx.session.execute(
        select(col(WorkItem.organization_id), func.count())
        .where(
            col(WorkItem.person_id) == person_id,
            col(WorkItem.organization_id).is_not(None),
            col(WorkItem.closed_at).is_(None),
        )
        .group_by(col(WorkItem.organization_id))
    )
    return {organization: count for organization, count in found if organization is not None}


async def pass_on(tx: Transaction, organization_id: UUID, successor_id: UUID) -> int:
    """Let the open items of an organization wait for its successor; return how many."""
    moved = await tx.session.execute(
        update(WorkItem)
        .where(col(WorkItem.organization_id) == organization_id, col(WorkItem.closed_at).is_(None))
        .values(organization_id=successor_id)
        .returning(col(WorkItem.id))
        .execution_options(synchronize_session=False)
    )
    return len(moved.all())


async def people_with_items(tx: Transaction, people: Sequence[UUID]) -> set[UUID]:
    """Return those of the people who have or had work of their own."""
    found = await tx.session.execute(
        select(col(WorkItem.person_id)).where(col(WorkItem.person_id).in_(people)).distinct()
    )
    return {id for id in found.scalars() if id is not None}


def _in_post(person_id: UUID, organization_id: UUID) -> ColumnElement[bool]:
    return and_(
        col(WorkItem.person_id) == person_id,
        col(WorkItem.organization_id) == organization_id,
        col(WorkItem.closed_at).is_(None),
    )
