"""How imports of people stand, and their reports by row."""

from collections.abc import AsyncIterator, Set
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import func, select
from sqlmodel import col

from core.database import Transaction
from core.identity.models import PeopleImport, PeopleImportRow

OUTCOMES: Final = ("refused", "warn", "ok", "kept", "taken-back")


class ImportFacts(msgspec.Struct, frozen=True):
    """An import as it is listed. `state`: `tried`, `running`, `done`, `undoing`, `undone`."""

    id: UUID
    name: str
    state: str
    total: int
    done: int
    created_by: UUID | None
    created_at: datetime
    ended_at: datetime | None

    @property
    def running(self) -> bool:
        """Return whether chunks are being worked off."""
        return self.state in ("running", "undoing")


class RowFacts(msgspec.Struct, frozen=True):
    """A row of the report: what it does (or did), and the reasons, words at
    `people_import.<code>`."""

    line: int
    username: str
    outcome: str
    does: str
    reasons: list[dict[str, Any]]


async def recent(
    tx: Transaction, *, of: Set[UUID] | None = None, limit: int = 20
) -> list[ImportFacts]:
    """Return the imports, newest first: all, or those whose act they are `of`."""
    statement = _imports().order_by(col(PeopleImport.created_at).desc())
    if of is not None:
        statement = statement.where(col(PeopleImport.created_by).in_(of))
    return [ImportFacts(*row) for row in await tx.session.execute(statement.limit(limit))]


async def standing(tx: Transaction, id: UUID) -> ImportFacts | None:
    """Return an import, None if there is none."""
    found = (await tx.session.execute(_imports().where(col(PeopleImport.id) == id))).first()
    return ImportFacts(*found) if found else None


async def unfinished(tx: Transaction, digest: str) -> ImportFacts | None:
    """Return the import of this very file that was begun and has not ended."""
    found = (
        await tx.session.execute(
            _imports()
            .where(col(PeopleImport.digest) == digest, col(PeopleImport.state) == "running")
            .order_by(col(PeopleImport.created_at).desc())
            .limit(1)
        )
    ).first()
    return ImportFacts(*found) if found else None


async def counts(tx: Transaction, id: UUID) -> dict[str, dict[str, int]]:
    """Return how many rows of an import have each outcome, and of each what they do."""
    row = PeopleImportRow
    found = await tx.session.execute(
        select(col(row.outcome), col(row.does), func.count())
        .where(col(row.import_id) == id)
        .group_by(col(row.outcome), col(row.does))
    )
    counted: dict[str, dict[str, int]] = {}
    for outcome, does, count in found:
        counted.setdefault(outcome, {})[does] = count
    return counted


async def rows(
    tx: Transaction, id: UUID, *, outcome: str | None = None, after: int = 0, limit: int = 100
) -> list[RowFacts]:
    """Return rows of the report in order of the file, those after a line."""
    row = PeopleImportRow
    statement = (
        select(col(row.line), col(row.username), col(row.outcome), col(row.does), col(row.reasons))
        .where(col(row.import_id) == id, col(row.line) > after)
        .order_by(col(row.line))
        .limit(limit)
    )
    if outcome:
        statement = statement.where(col(row.outcome) == outcome)
    return [RowFacts(*values) for values in await tx.session.execute(statement)]


async def all_rows(tx: Transaction, id: UUID) -> AsyncIterator[RowFacts]:
    """Yield the whole report."""
    after = 0
    while chunk := await rows(tx, id, after=after, limit=1_000):
        for row in chunk:
            yield row
        after = chunk[-1].line


def _imports() -> Any:
    row: Any = PeopleImport
    return select(*(getattr(row, name) for name in ImportFacts.__struct_fields__)).where(
        col(PeopleImport.state) != "reading"
    )
