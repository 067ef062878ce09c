"""What the hub holds of one person: found in the tables themselves, of the shell and of apps.

A column holds a person's id when it refers to `identity_person`, or is called `person_id`,
`…_person_id`, `behalf_of_id` or `…_by`. Rows are *theirs* by `person_id` and `behalf_of_id`;
in any other column they did something with a row that is somebody else's.
"""

import json
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Boolean, Column, Select, Table, Uuid, func, or_, select

from core.access import wall
from core.access.guard import SCOPED_TABLES
from core.audit import record
from core.audit.erasure import ACT, APP, Erased
from core.audit.erasure import erase as erase_from_record
from core.database import Database, Transaction
from core.identity import people
from plugin_sdk.data import new_id
from plugin_sdk.ports import Actor

BATCH: Final = 200
PERSON: Final = "identity_person"
OWN: Final = frozenset({"person_id", "behalf_of_id"})
SECRET: Final = re.compile(
    r"^code$|(^|_)(hash|secret|csrf|token|salt|seal|sealed|cipher|digest|credential)s?(_|$)"
)

Tables = Mapping[Table, str]
"""The tables of the hub, each with the app it is of (`yimen`: the shell)."""


class Holding(msgspec.Struct, frozen=True):
    """A table that holds somebody's id: in how many rows, and how many of those are theirs."""

    app: str
    table: str
    rows: int
    own: int


def person_columns(table: Table) -> list[Column[Any]]:
    """Return the columns of a table that hold the id of a person."""
    return [column for column in table.columns if _of_person(column)]


def _of_person(column: Column[Any]) -> bool:
    if column.table.name == PERSON and column.name == "id":
        return True
    if column.foreign_keys:
        return any(key.target_fullname == f"{PERSON}.id" for key in column.foreign_keys)
    name = column.name
    named = name in OWN or name.endswith(("_person_id", "_by"))
    return named and isinstance(column.type, Uuid)


def _own(table: Table) -> list[Column[Any]]:
    return [c for c in person_columns(table) if c.name in OWN or table.name == PERSON]


async def holdings(tx: Transaction, tables: Tables, person_id: UUID) -> list[Holding]:
    """Return every table that holds a person's id, by app and name."""
    await wall.stand(tx, wall.EVERYTHING)  # each statement names whose rows it reads
    found = []
    for table, app in tables.items():
        columns = person_columns(table)
        if not columns:
            continue
        rows = await _count(tx, table, columns, person_id)
        if rows:
            own = _own(table)
            count = await _count(tx, table, own, person_id) if own else 0
            found.append(Holding(app, table.name, rows, count))
    return sorted(found, key=lambda holding: (holding.app, holding.table))


async def export(
    database: Database, tables: Tables, person_id: UUID
) -> AsyncIterator[tuple[str, list[dict[str, Any]]]]:
    """Yield what is theirs, a batch of rows of one table at a time: without secrets, without the
    ids of others, of a history only what is public."""
    for table in sorted(tables, key=lambda table: (tables[table], table.name)):
        own = _own(table)
        if not own:
            continue
        offset = 0
        while True:
            async with database.transaction() as tx:
                await wall.stand(tx, wall.EVERYTHING)
                statement = _theirs(table, own, person_id, *_shown(table))
                public = table.columns.get("public")
                if public is not None and isinstance(public.type, Boolean):
                    statement = statement.where(public)
                statement = statement.order_by(*table.primary_key).limit(BATCH).offset(offset)
                found = (await tx.session.execute(statement)).mappings().all()
            if found:
                yield table.name, [_row(table, row, person_id) for row in found]
            if len(found) < BATCH:
                break
            offset += BATCH


async def as_json(
    database: Database, tables: Tables, person_id: UUID, now: datetime
) -> AsyncIterator[bytes]:
    """Yield the export as one JSON document: `person`, `at`, and `tables`, rows by table."""
    yield json.dumps({"person": str(person_id), "at": now.isoformat()})[:-1].encode()
    yield b', "tables": {'
    current = None
    async for table, rows in export(database, tables, person_id):
        lines = ",\n".join(json.dumps(row, ensure_ascii=False, default=_plain) for row in rows)
        if table == current:
            yield f",\n{lines}".encode()
        else:
            closing = "" if current is None else "],\n"
            yield f"{closing}{json.dumps(table)}: [\n{lines}".encode()
        current = table
    yield b"}}\n" if current is None else b"]}}\n"


async def erase(
    tx: Transaction, actor: Actor, person_id: UUID, *, reason: str, request: str | None = None
) -> Erased:
    """Erase a person who has left: tombstones in identity, in the record and, by the event
    `PersonErased`, in other rooms; recorded without naming them.

    Raises `people.PersonError` and `core.audit.erasure.EraseRefused`.
    """
    was = await people.erase(tx, person_id)
    id = new_id()
    done = await erase_from_record(tx, person_id, was.username, id)
    await record(
        tx,
        actor,
        APP,
        ACT,
        "record:erased",
        permission=actor.permission or None,
        request_id=request,
        id=id,
        facts={"reason": reason, "places": done.places},
    )
    return done


def _shown(table: Table) -> list[Column[Any]]:
    return [
        column
        for column in table.columns
        if not SECRET.search(column.name) and not column.info.get("yimen_withheld")
    ]


def _theirs(
    table: Table, own: Iterable[Column[Any]], person_id: UUID, *columns: Any
) -> Select[Any]:
    return (
        select(*columns)
        .select_from(table)
        .where(or_(*(column == person_id for column in own)))
        .execution_options(**{SCOPED_TABLES: frozenset({table.name})})
    )


async def _count(tx: Transaction, table: Table, columns: list[Column[Any]], person_id: UUID) -> int:
    counted = await tx.session.execute(_theirs(table, columns, person_id, func.count()))
    return int(counted.scalar_one())


def _row(table: Table, row: Mapping[Any, Any], person_id: UUID) -> dict[str, Any]:
    others = {column.name for column in person_columns(table)}
    return {
        name: value
        for name, value in row.items()
        if name not in others or value is None or value == person_id
    }


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | datetime) else str(value)
