"""Sending notices through the outbox, and reading them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from core.access.models import Grant, RolePermission
from core.database import Transaction
from core.identity.events import PersonErased
from core.identity.models import Person, Post
from core.jobs import OutboxItem, send_later
from core.messages.models import Notice
from plugin_sdk.cursors import older, read_cursor
from plugin_sdk.data import new_id
from plugin_sdk.ports import To
from plugin_sdk.views import Phrase

KIND = "notice"


class NoticeFacts(msgspec.Struct, frozen=True):
    """A notice as it is listed."""

    id: UUID
    app: str
    key: str
    params: Mapping[str, Any]
    href: str
    at: datetime
    read: bool


async def send(
    tx: Transaction,
    app: str,
    to: To,
    message: Phrase,
    href: str,
    *,
    delay_seconds: int = 0,
    dedupe: str | None = None,
) -> None:
    """Send a notice when the transaction is committed; `to` is resolved when it leaves."""
    await send_later(
        tx,
        KIND,
        {
            "app": app,
            "person": str(to.person_id) if to.person_id else None,
            "organization": str(to.organization_id) if to.organization_id else None,
            "permission": to.permission,
            "key": message.key,
            "params": msgspec.to_builtins(message.params),
            "href": href,
        },
        delay_seconds=delay_seconds,
        dedupe=dedupe,
    )


async def deliver(tx: Transaction, item: OutboxItem) -> None:
    """Put an outbox notice into the message centre of everyone it is for."""
    payload = item.payload
    if payload["person"]:
        people: Sequence[UUID] = [UUID(payload["person"])]
    else:
        people = await people_of(
            tx,
            UUID(payload["organization"]) if payload["organization"] else None,
            payload["permission"],
        )
    dialect = sqlite if tx.database.sqlite else postgresql
    for person_id in people:
        await tx.session.execute(
            dialect.insert(Notice)
            .values(
                id=new_id(),
                source=item.id,
                person_id=person_id,
                app=payload["app"],
                key=payload["key"],
                params=payload["params"],
                href=payload["href"],
                at=tx.now,
            )
            .on_conflict_do_nothing()
        )


async def people_of(
    tx: Transaction, organization_id: UUID | None, permission: str | None
) -> list[UUID]:
    """Return who holds a post (with the permission) in an organization now."""
    statement = (
        select(col(Post.person_id))
        .join(Person, col(Person.id) == col(Post.person_id))
        .where(
            or_(col(Post.ends_at).is_(None), col(Post.ends_at) > tx.now),
            col(Person.disabled_at).is_(None),
        )
        .distinct()
    )
    if organization_id is not None:
        statement = statement.where(col(Post.organization_id) == organization_id)
    if permission is not None:
        statement = (
            statement.join(Grant, col(Grant.post_id) == col(Post.id))
            .join(RolePermission, col(RolePermission.role) == col(Grant.role))
            .where(
                col(RolePermission.permission) == permission,
                col(Grant.revoked_at).is_(None),
                or_(col(Grant.starts_at).is_(None), col(Grant.starts_at) <= tx.now),
                or_(col(Grant.ends_at).is_(None), col(Grant.ends_at) > tx.now),
            )
        )
    elif organization_id is None:
        return []
    return list((await tx.session.execute(statement)).scalars())


async def inbox(
    tx: Transaction, person_id: UUID, *, cursor: str = "", limit: int = 30
) -> list[NoticeFacts]:
    """Return a person's notices, newest first; `cursor` continues a list."""
    statement = (
        select(
            col(Notice.id),
            col(Notice.app),
            col(Notice.key),
            col(Notice.params),
            col(Notice.href),
            col(Notice.at),
            col(Notice.read_at).is_not(None),
        )
        .where(col(Notice.person_id) == person_id)
        .order_by(col(Notice.at).desc(), col(Notice.id).desc())
        .limit(limit)
    )
    if cursor:
        statement = statement.where(older(read_cursor(cursor), col(Notice.at), col(Notice.id)))
    return [NoticeFacts(*row) for row in await tx.session.execute(statement)]


async def unread(tx: Transaction, person_id: UUID) -> int:
    """Return how many notices a person has not read."""
    count = await tx.session.execute(
        select(func.count())
        .select_from(Notice)
        .where(col(Notice.person_id) == person_id, col(Notice.read_at).is_(None))
    )
    return int(count.scalar_one())


async def mark_read(tx: Transaction, person_id: UUID, notice_id: UUID | None = None) -> None:
    """Mark one notice of a person as read, or all of them."""
    statement = (
        update(Notice)
        .where(col(Notice.person_id) == person_id, col(Notice.read_at).is_(None))
        .values(read_at=tx.now)
    )
    if notice_id is not None:
        statement = statement.where(col(Notice.id) == notice_id)
    await tx.session.execute(statement)


async def opened(tx: Transaction, person_id: UUID, notice_id: UUID) -> str | None:
    """Mark a notice as read and return where it leads, None if it is not theirs."""
    href = await tx.session.execute(
        select(col(Notice.href)).where(
            col(Notice.id) == notice_id, col(Notice.person_id) == person_id
        )
    )
    found = href.scalar_one_or_none()
    if found is not None:
        await mark_read(tx, person_id, notice_id)
    return found


async def forget(tx: Transaction, event: PersonErased) -> None:
    """Delete the notices of a person who is erased."""
    await tx.session.execute(delete(Notice).where(col(Notice.person_id) == event.person_id))
