"""Sending notices through the outbox, and reading them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from core.access.holders import people_of, takers_of
from core.access.holding import post_in_force
from core.database import Transaction
from core.identity.events import PersonErased
from core.identity.models import Post
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
    organization = UUID(payload["organization"]) if payload["organization"] else None
    if payload["person"]:
        person = UUID(payload["person"])
        people = {person}
        if organization is not None:  # and who acts in their post there
            there = (col(Post.person_id) == person, col(Post.organization_id) == organization)
            people |= await takers_of(tx, *there, post_in_force(tx.now))
    else:
        people = await people_of(tx, organization, payload["permission"])
    dialect = sqlite if tx.database.sqlite else postgresql
    for person_id in sorted(people):
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
