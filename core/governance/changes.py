"""The change log of the register (变更记录): of which entry, by whom, what was and what is.

Entries of apps beyond the door are written down here; public accounts and work groups keep every
version of themselves (`plugin_sdk.registers`).
"""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Select, select
from sqlmodel import col

from core.database import Transaction
from core.governance.lifecycle.models import Change
from core.identity import people
from plugin_sdk.cursors import Position, cut, older, read_cursor
from plugin_sdk.data import new_id
from plugin_sdk.ports import Actor

PAGE = 50
APP = "app"


class ChangeFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One change; `was` is None for an entry that was new, `name` empty for the console."""

    id: UUID
    kind: str
    subject: str
    at: datetime
    name: str
    was: dict[str, Any] | None
    now: dict[str, Any] | None

    @property
    def fields(self) -> list[str]:
        """Return what differs, in the order in which an entry says it."""
        was, now = self.was or {}, self.now or {}
        return [name for name in (now or was) if was.get(name) != now.get(name)]


async def keep(
    tx: Transaction,
    subject: str,
    by: Actor | None,
    was: dict[str, Any] | None,
    now: dict[str, Any] | None,
) -> None:
    """Write a change of an entry down, with the name of who made it as it is now."""
    person = by.person_id if by else None
    names = await people.names(tx, [person]) if person else {}
    tx.session.add(
        Change(
            id=new_id(),
            kind=APP,
            subject=subject,
            at=tx.now,
            person_id=person,
            name=names.get(person, "") if person else "",
            was=was,
            now=now,
        )
    )
    await tx.session.flush()


async def changes(
    tx: Transaction, *, app: str = "", since: date | None = None, cursor: str = ""
) -> tuple[list[ChangeFacts], str | None]:
    """Return a page of changes, newest first, and where the next begins. Raises `Problem`
    (`bad-cursor`)."""
    statement = _asked(app).order_by(col(Change.at).desc(), col(Change.id).desc())
    if cursor:
        statement = statement.where(older(read_cursor(cursor), col(Change.at), col(Change.id)))
    found = [_facts(row) for row in await tx.session.execute(statement.limit(PAGE + 1))]
    return cut(found, PAGE, lambda change: Position(change.at, change.id))


def _asked(app: str) -> Select[Any]:
    columns = [col(getattr(Change, name)) for name in ChangeFacts.__struct_fields__]
    statement = select(*columns)
    return statement.where(col(Change.subject) == app) if app else statement


def _facts(row: Any) -> ChangeFacts:
    return ChangeFacts(**dict(zip(ChangeFacts.__struct_fields__, row, strict=True)))
