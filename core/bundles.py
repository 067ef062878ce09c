"""Tables as files and back: engine-neutral lines, a digest of the rows, a digest of the file.

A table is one gzipped file of JSON lines: first its columns, then one list for each row. The
digest of the rows does not depend on their order, nor on the engine: the same rows on SQLite
and on PostgreSQL have the same one, so that what was restored is compared with what was kept.
"""

import gzip
import hashlib
import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import (
    Column,
    ColumnElement,
    Date,
    LargeBinary,
    Select,
    Table,
    Uuid,
    and_,
    bindparam,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncResult

from plugin_sdk.data import UtcTime

CHUNK = 1_000
LONGEST = 64 * 1024 * 1024

_KINDS: tuple[tuple[Any, type], ...] = (
    (Uuid, UUID),
    (UtcTime, datetime),
    (Date, date),
    (LargeBinary, bytes),
)
_encoder = msgspec.json.Encoder(order="deterministic")
Counted = Callable[[int], None]
Where = ColumnElement[bool] | None


class BundleError(Exception):
    """A kept table that cannot be taken; the message says which and what is wrong."""


class KeptTable(msgspec.Struct, frozen=True):
    """What is known of a table that was kept."""

    name: str
    rows: int
    digest: str  # of the rows, in whatever order
    sha256: str  # of the file


class Rows:
    """The digest of rows: how many, and the sum of what each one hashes to."""

    def __init__(self) -> None:
        self.count = 0
        self._sum = 0

    def add(self, line: bytes) -> None:
        """Take one more row."""
        self.count += 1
        self._sum += int.from_bytes(hashlib.sha256(line).digest(), "big")

    @property
    def digest(self) -> str:
        """Return the digest of the rows so far."""
        return f"{self._sum % 2**256:064x}"


async def keep(
    connection: AsyncConnection,
    table: Table,
    path: Path,
    counted: Counted = lambda n: None,
    *,
    where: Where = None,
) -> KeptTable:
    """Write a table (or the rows of it that a condition names) into a file, on disk when it
    returns; return what is known of it."""
    found = Rows()
    with path.open("wb") as raw:
        with gzip.GzipFile(fileobj=raw, mode="wb", mtime=0) as file:
            file.write(_encoder.encode([str(column.name) for column in table.columns]) + b"\n")
            async with aclosing(_lines(connection, table, where)) as every:
                async for lines in every:
                    for line in lines:
                        found.add(line)
                    file.write(b"\n".join(lines) + b"\n")
                    counted(len(lines))
        raw.flush()
        os.fsync(raw.fileno())
    return KeptTable(str(table.name), found.count, found.digest, sha256_of(path))


async def digest(
    connection: AsyncConnection,
    table: Table,
    counted: Counted = lambda n: None,
    *,
    where: Where = None,
) -> tuple[int, str]:
    """Return how many rows a table has (or a condition names in it), and their digest."""
    found = Rows()
    async with aclosing(_lines(connection, table, where)) as every:
        async for lines in every:
            for line in lines:
                found.add(line)
            counted(len(lines))
    return found.count, found.digest


async def let_go(connection: AsyncConnection) -> None:
    """Let tables that were read in this transaction be changed or dropped in it: PostgreSQL
    refuses while a cursor is open, and the driver closes none before the end."""
    if connection.dialect.name == "postgresql":
        await connection.execute(text("CLOSE ALL"))


async def load(
    connection: AsyncConnection,
    table: Table,
    path: Path,
    kept: KeptTable,
    counted: Counted = lambda n: None,
) -> None:
    """Write the rows of a file into an empty table. A column that points into the same table
    is filled last, since a parent may follow its child.

    Raises `BundleError` for a file that is not what was kept.
    """
    expect(path, kept)
    own = [
        column
        for column in table.columns
        if any(key.column.table is table for key in column.foreign_keys)
    ]
    later: list[dict[str, Any]] = []
    for rows in read(path, table):
        for row in rows:
            if any(row[column.name] is not None for column in own):
                later.append(_pointing(table, own, row))
                row.update({column.name: None for column in own})
        await connection.execute(insert(table), rows)
        counted(len(rows))
    if later:
        keys = [column == bindparam(f"key_{column.name}") for column in table.primary_key]
        values: dict[str, Any] = {column.name: bindparam(f"to_{column.name}") for column in own}
        statement = update(table).where(and_(*keys)).values(values)
        for start in range(0, len(later), CHUNK):
            await connection.execute(statement, later[start : start + CHUNK])


def expect(path: Path, kept: KeptTable) -> None:
    """Raise `BundleError` for a file that is not there, or not what was kept."""
    if not path.is_file():
        raise BundleError(f"{path.name} is not there")
    if sha256_of(path) != kept.sha256:
        raise BundleError(f"{path.name} is damaged: its checksum is not the one that was kept")


def _pointing(table: Table, own: Sequence[Column[Any]], row: dict[str, Any]) -> dict[str, Any]:
    keys = {f"key_{column.name}": row[column.name] for column in table.primary_key}
    return keys | {f"to_{column.name}": row[column.name] for column in own}


async def _lines(
    connection: AsyncConnection, table: Table, where: Where
) -> AsyncGenerator[list[bytes], None]:
    statement = select(table) if where is None else select(table).where(where)
    async with reading(connection, statement) as result:
        async for rows in result.partitions(CHUNK):
            yield [_encoder.encode(list(row)) for row in rows]


@asynccontextmanager
async def reading(
    connection: AsyncConnection, statement: Select[Any]
) -> AsyncIterator[AsyncResult[Any]]:
    """Return the rows of a statement as they come. What breaks off closes the cursor too, which
    the library leaves open then, in a connection that goes back to the pool."""
    async with connection.stream(statement) as result:
        try:
            yield result
        finally:
            await result.close()


def read(path: Path, table: Table) -> Iterator[list[dict[str, Any]]]:
    """Yield the rows of a file as the table has them, some at a time. Raises `BundleError`."""
    names = [column.name for column in table.columns]
    readers = [_reader(column) for column in table.columns]
    try:
        with gzip.open(path) as file:
            if msgspec.json.decode(file.readline(LONGEST)) != names:
                raise BundleError(f"{path.name} has other columns than {table.name}")
            rows = []
            while line := file.readline(LONGEST):
                values = msgspec.json.decode(line)
                read = zip(names, readers, values, strict=True)
                rows.append({name: None if v is None else convert(v) for name, convert, v in read})
                if len(rows) == CHUNK:
                    yield rows
                    rows = []
            if rows:
                yield rows
    except (OSError, EOFError, ValueError, TypeError, msgspec.DecodeError) as error:
        raise BundleError(f"{path.name} cannot be read: {error}") from error


def _reader(column: Column[Any]) -> Callable[[Any], Any]:
    for stored, kind in _KINDS:
        if isinstance(column.type, stored):
            return partial(msgspec.convert, type=kind)
    return lambda value: value


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
