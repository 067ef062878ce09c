"""The bundle of an app: a folder that says all of it, and of each part whether it is whole.

`tables/` holds the app's own tables and `shell/` what the shell holds of it, as lines that depend
on no engine (`core.bundles`); `files/` the contents of its files, each under its SHA-256;
`manifest.json` what it ran with; `schema.json` what the tables are. `bundle.json` is written last
and holds the checksum of each part; its own is the checksum of the bundle. A folder is called
`….part` until it is complete and on the disk.
"""

import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec
from sqlalchemy import Table, func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from core import bundles
from core.bundles import BundleError, Counted, KeptTable, sha256_of
from core.files.models import FileRow
from core.files.service import content_of
from core.governance.archive.schema import Described, TableFacts, built, describe
from core.governance.archive.shell import KEPT, table_of

FORMAT: Final = 1
PART: Final = ".part"
FILES: Final = str(FileRow.__tablename__)
CHUNK: Final = 1 << 20
FULL: Final = (errno.ENOSPC, errno.EDQUOT)


class ArchiveFault(Exception):
    """Why an archive, a restore or a destruction stopped: `code` names the sentence in the
    catalogues (`archive.fault.…`), `detail` the part, the table or the number."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


class Bundle(msgspec.Struct, frozen=True, kw_only=True):
    """What `bundle.json` says. `revision` is that of the app's history, `shell_revision` the
    hub's; `files` and `bytes` count the contents."""

    format: int
    app: str
    made_at: datetime
    revision: str | None
    shell_revision: str | None
    tables: tuple[KeptTable, ...]
    shell: tuple[KeptTable, ...]
    files: int
    bytes: int
    parts: dict[str, str]

    @property
    def rows(self) -> int:
        """Return how many rows it holds."""
        return sum(table.rows for table in (*self.tables, *self.shell))


class Schema(msgspec.Struct, frozen=True):
    """What `schema.json` says: the app's tables, and those of the shell that rows come from."""

    app: Described
    shell: tuple[TableFacts, ...]

    def tables(self) -> list[Table]:
        """Return the app's tables, what is pointed at first. Raises `ArchiveFault`."""
        try:
            return built(self.app.tables)
        except ValueError as error:
            raise ArchiveFault("ahead", str(error)) from error

    def shells(self) -> dict[str, Table]:
        """Return the tables of the shell by name, as they were then."""
        return {table.name: table for table in built(self.shell)}


def schema_of(described: Described) -> Schema:
    """Return the schema of a bundle that is made now."""
    return Schema(described, describe(table_of(held) for held in KEPT))


@contextmanager
def disk(what: str) -> Iterator[None]:
    """Say that the disk is full where it is. Raises `ArchiveFault`."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise ArchiveFault("full", what) from error
        raise
    except DBAPIError as error:
        said = str(error.orig)
        if "disk is full" in said or "No space left" in said:  # SQLite's words, and PostgreSQL's
            raise ArchiveFault("full", what) from error
        raise


async def count(connection: AsyncConnection, app: str, schema: Schema) -> int:
    """Return how many rows and files a bundle of an app would hold now."""
    total = 0
    for table in schema.tables():
        found = await connection.execute(select(func.count()).select_from(table))
        total += found.scalar_one()
    for held, table in zip(KEPT, _shell_tables(schema), strict=True):
        rows = select(func.count()).select_from(table).where(held.of(table, app))
        total += (await connection.execute(rows)).scalar_one()
    files = select(func.count(col(FileRow.sha256).distinct())).where(col(FileRow.app) == app)
    return total + int((await connection.execute(files)).scalar_one())


def _shell_tables(schema: Schema) -> list[Table]:
    tables = schema.shells()
    return [tables[held.table] for held in KEPT]


async def write(
    connection: AsyncConnection,
    folder: Path,
    home: Path,
    made: Bundle,
    schema: Schema,
    manifest: dict[str, Any] | None,
    counted: Counted,
) -> tuple[Bundle, str]:
    """Write a bundle into a new folder, as one moment of the connection has it; return it with
    its checksum. `made` says what it is of. Raises `ArchiveFault`; nothing is left then."""
    part = folder.with_name(folder.name + PART)
    for old in (part, folder):  # of a run that was broken off
        shutil.rmtree(old, ignore_errors=True)
    try:
        with disk(folder.name):
            part.mkdir(mode=0o700, parents=True)  # it holds what nobody else may read
            (part / "tables").mkdir()
            (part / "shell").mkdir()
            tables = [
                await bundles.keep(connection, table, table_file(part, table.name), counted)
                for table in schema.tables()
            ]
            shell = [
                await bundles.keep(
                    connection,
                    table,
                    shell_file(part, table.name),
                    counted,
                    where=held.of(table, made.app),
                )
                for held, table in zip(KEPT, _shell_tables(schema), strict=True)
            ]
            files, size = await _keep_contents(connection, made.app, part, home, counted)
            parts = {
                "manifest.json": _put(part / "manifest.json", manifest),
                "schema.json": _put(part / "schema.json", schema),
            }
            bundle = msgspec.structs.replace(
                made,
                tables=tuple(tables),
                shell=tuple(shell),
                files=files,
                bytes=size,
                parts=parts,
            )
            checksum = _put(part / "bundle.json", bundle)
            for inner in (*(path for path in part.rglob("*") if path.is_dir()), part):
                sync(inner)
            os.replace(part, folder)
            sync(folder.parent)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return bundle, checksum


async def _keep_contents(
    connection: AsyncConnection, app: str, part: Path, home: Path, counted: Counted
) -> tuple[int, int]:
    number = size = 0
    statement = select(col(FileRow.sha256)).where(col(FileRow.app) == app).distinct()
    async with bundles.reading(connection, statement) as found:
        async for (content,) in found:
            source = content_of(home / "files", content)
            size += copy(source, content_of(part / "files", content), content)
            number += 1
            counted(1)
    return number, size


def copy(source: Path, target: Path, content: str) -> int:
    """Copy a content, on disk when it returns; return its size in bytes. Raises `ArchiveFault`
    for one that is not there or not what its name says."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + PART)
    digest, size = hashlib.sha256(), 0
    try:
        with source.open("rb") as read, part.open("wb") as written:
            while data := read.read(CHUNK):
                digest.update(data)
                size += len(data)
                written.write(data)
            written.flush()
            os.fsync(written.fileno())
    except FileNotFoundError as error:
        raise ArchiveFault("lost", content) from error
    if digest.hexdigest() != content:
        part.unlink()
        raise ArchiveFault("lost", content)
    os.replace(part, target)
    return size


def _put(path: Path, value: Any) -> str:
    data = msgspec.json.format(msgspec.json.encode(value, order="deterministic"))
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return hashlib.sha256(data).hexdigest()


def sync(folder: Path) -> None:
    """Let what was written of a file, or into a folder, be on the disk when this returns."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def table_file(folder: Path, name: str) -> Path:
    """Return where the rows of a table of the app stand in a bundle."""
    return folder / "tables" / f"{name}.jsonl.gz"


def shell_file(folder: Path, name: str) -> Path:
    """Return where the rows of a table of the shell stand in a bundle."""
    return folder / "shell" / f"{name}.jsonl.gz"


def read(folder: Path, checksum: str | None) -> tuple[Bundle, Schema]:
    """Return what a bundle says of itself. Raises `ArchiveFault` for one that is not the one
    with that checksum, or of a format that is not known here."""
    path = folder / "bundle.json"
    if not path.is_file() or sha256_of(path) != checksum:
        raise ArchiveFault("damaged", "bundle.json")
    try:
        bundle = msgspec.json.decode(path.read_bytes(), type=Bundle)
    except msgspec.DecodeError as error:
        raise ArchiveFault("ahead", "bundle.json") from error
    if bundle.format != FORMAT:
        raise ArchiveFault("ahead", f"format {bundle.format}")
    for name, digest in bundle.parts.items():
        if not (folder / name).is_file() or sha256_of(folder / name) != digest:
            raise ArchiveFault("damaged", name)
    try:
        schema = msgspec.json.decode((folder / "schema.json").read_bytes(), type=Schema)
    except msgspec.DecodeError as error:
        raise ArchiveFault("ahead", "schema.json") from error
    return bundle, schema


def check(folder: Path, bundle: Bundle, schema: Schema, counted: Counted = lambda n: None) -> None:
    """Look at every part of a bundle. Raises `ArchiveFault`, which names the part."""
    for kept, path in parts(folder, bundle):
        try:
            bundles.expect(path, kept)
        except BundleError as error:
            raise ArchiveFault("damaged", f"{path.parent.name}/{path.name}") from error
    for content in contents(folder, schema):
        path = content_of(folder / "files", content)
        if not path.is_file() or sha256_of(path) != content:
            raise ArchiveFault("damaged", f"files/{content}")
        counted(1)


def parts(folder: Path, bundle: Bundle) -> Iterator[tuple[KeptTable, Path]]:
    """Yield what was kept of each table, and where."""
    for kept in bundle.tables:
        yield kept, table_file(folder, kept.name)
    for kept in bundle.shell:
        yield kept, shell_file(folder, kept.name)


def contents(folder: Path, schema: Schema) -> Iterator[str]:
    """Yield the contents of a bundle, one that several files have as often in a row at most as
    these follow one another."""
    last = ""
    try:
        for rows in bundles.read(shell_file(folder, FILES), schema.shells()[FILES]):
            for row in rows:
                if row["sha256"] != last:
                    last = row["sha256"]
                    yield last
    except BundleError as error:
        raise ArchiveFault("damaged", f"shell/{FILES}.jsonl.gz") from error


def remove(folder: Path) -> None:
    """Remove a bundle: what makes it one first, so that half of it is never taken for it."""
    (folder / "bundle.json").unlink(missing_ok=True)
    if folder.exists():
        shutil.rmtree(folder)
    shutil.rmtree(folder.with_name(folder.name + PART), ignore_errors=True)
