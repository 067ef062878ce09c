"""Recording and finding acts."""

import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Select, Text, cast, insert, or_, select
from sqlmodel import col

from core.audit.models import AuditEntry
from core.database import Transaction
from plugin_sdk.cursors import older, read_cursor
from plugin_sdk.data import Within, new_id
from plugin_sdk.identifiers import redact
from plugin_sdk.ports import Actor


class AuditFacts(msgspec.Struct, frozen=True):
    """An entry as it is listed."""

    id: UUID
    at: datetime
    app: str
    act: str
    subject: str
    outcome: str
    person_id: UUID | None
    organization_id: UUID | None
    behalf_of_id: UUID | None
    delegation_id: UUID | None
    system: str | None
    permission: str | None
    granted_by: str | None
    request_id: str | None
    facts: dict[str, Any]
    sequence: int | None
    erased: dict[str, Any] | None


SHELL = "yimen"
"""What the shell is called where acts of apps stand beside its own."""

OBJECT = re.compile(r"[a-z._-]+:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)  # JSON has no word for those
    if isinstance(value, bool | int) or value is None:
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    return redact(str(value))


async def record(
    transaction: Transaction,
    actor: Actor,
    app: str,
    act: str,
    subject: str,
    *,
    outcome: str = "done",
    permission: str | None = None,
    granted_by: str | None = None,
    request_id: str | None = None,
    id: UUID | None = None,
    facts: Mapping[str, Any] | None = None,
) -> UUID:
    """Add an entry to the transaction; return its id. It is sealed within a minute or two of its
    commit. Identity and phone numbers in facts, and in a subject that is no object's id, are
    masked.

    Who acts for another is the one who did it; whom they acted for stands beside. An application
    that acts for itself is named; a program with somebody's token by the token's last characters.
    """
    id = id or new_id()
    agent, bearer = actor.agent, actor.bearer
    by_application = bearer is not None and bool(bearer.application)
    by_token = {"token": f"…{bearer.hint}"} if bearer and not by_application else {}
    await transaction.session.execute(
        insert(AuditEntry).values(
            id=id,
            at=transaction.now,
            app=app,
            act=act,
            subject=subject if OBJECT.fullmatch(subject) else redact(subject),
            outcome=outcome,
            person_id=actor.real_person_id,
            post_id=agent.post_id if agent else actor.post_id,
            organization_id=agent.organization_id if agent else actor.organization_id,
            behalf_of_id=actor.person_id if agent else None,
            delegation_id=actor.delegation.id if actor.delegation else None,
            system=actor.name if actor.system or by_application else None,
            permission=permission,
            granted_by=granted_by,
            request_id=request_id,
            facts=_plain({**(facts or {}), **by_token}),
        )
    )
    return id


async def search(
    transaction: Transaction,
    *,
    app: str | None = None,
    act: str | None = None,
    subject: str | None = None,
    behalf_of_id: UUID | None = None,
    outcome: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    words: str | None = None,
    people: Sequence[UUID] = (),
    within: Within | None = None,
    cursor: str = "",
    limit: int = 50,
) -> list[AuditFacts]:
    """Return entries, newest first; `cursor` continues a list (`plugin_sdk.cursors`), `until` is
    not within it.

    With `words` those whose act, subject or facts (a case's number) hold them, or which one of
    `people` did. With `within` those alone that somebody of an organization there did.
    """
    entry = AuditEntry
    columns: list[Any] = [getattr(entry, name) for name in AuditFacts.__struct_fields__]
    statement: Select[Any] = select(*columns).order_by(col(entry.at).desc(), col(entry.id).desc())
    if app:
        statement = statement.where(col(entry.app) == app)
    if act:
        statement = statement.where(col(entry.act) == act)
    if since:
        statement = statement.where(col(entry.at) >= since)
    if until:
        statement = statement.where(col(entry.at) < until)
    if subject:
        statement = statement.where(col(entry.subject) == subject)
    if behalf_of_id:
        statement = statement.where(col(entry.behalf_of_id) == behalf_of_id)
    if outcome:
        statement = statement.where(col(entry.outcome) == outcome)
    if within is not None:
        statement = statement.where(within(col(entry.organization_id)))
    if words:
        texts = (col(entry.act), col(entry.subject), cast(col(entry.facts), Text))
        statement = statement.where(
            or_(
                *(text.contains(words, autoescape=True) for text in texts),
                col(entry.person_id).in_(people),
            )
        )
    if cursor:
        statement = statement.where(older(read_cursor(cursor), col(entry.at), col(entry.id)))
    return [AuditFacts(*row) for row in await transaction.session.execute(statement.limit(limit))]


async def entry(
    transaction: Transaction, id: UUID, *, within: Within | None = None
) -> AuditFacts | None:
    """Return one entry, None if there is none (`within` those organizations)."""
    columns: list[Any] = [getattr(AuditEntry, name) for name in AuditFacts.__struct_fields__]
    statement = select(*columns).where(col(AuditEntry.id) == id)
    if within is not None:
        statement = statement.where(within(col(AuditEntry.organization_id)))
    row = (await transaction.session.execute(statement)).first()
    return AuditFacts(*row) if row else None
