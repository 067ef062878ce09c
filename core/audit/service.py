"""Recording and finding acts."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Select, insert, select
from sqlmodel import col

from core.audit.models import AuditEntry
from core.database import Transaction
from plugin_sdk.cursors import older, read_cursor
from plugin_sdk.data import new_id
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
    system: str | None
    permission: str | None
    granted_by: str | None
    facts: dict[str, Any]


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, bool | int | float) or value is None:
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
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Add an entry to the transaction. Identity and phone numbers in facts are masked."""
    await transaction.session.execute(
        insert(AuditEntry).values(
            id=new_id(),
            at=transaction.now,
            app=app,
            act=act,
            subject=subject,
            outcome=outcome,
            person_id=actor.person_id,
            post_id=actor.post_id,
            organization_id=actor.organization_id,
            system=actor.name if actor.system else None,
            permission=permission,
            granted_by=granted_by,
            request_id=request_id,
            facts=_plain(facts or {}),
        )
    )


async def search(
    transaction: Transaction,
    *,
    app: str | None = None,
    subject: str | None = None,
    person_id: UUID | None = None,
    cursor: str = "",
    limit: int = 50,
) -> list[AuditFacts]:
    """Return entries, newest first; `cursor` continues a list (`plugin_sdk.cursors`)."""
    entry = AuditEntry
    columns: list[Any] = [getattr(entry, name) for name in AuditFacts.__struct_fields__]
    statement: Select[Any] = select(*columns).order_by(col(entry.at).desc(), col(entry.id).desc())
    if app:
        statement = statement.where(col(entry.app) == app)
    if subject:
        statement = statement.where(col(entry.subject) == subject)
    if person_id:
        statement = statement.where(col(entry.person_id) == person_id)
    if cursor:
        statement = statement.where(older(read_cursor(cursor), col(entry.at), col(entry.id)))
    return [AuditFacts(*row) for row in await transaction.session.execute(statement.limit(limit))]
