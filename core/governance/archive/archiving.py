"""Archiving an app: written, restored on trial and compared, and only then dropped."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, MetaData, Table, delete, inspect, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from core import audit, bundles
from core.access import wall
from core.apps import runtime
from core.apps.migrations import CORE, head_of, one_at_a_time, reached, version_table
from core.apps.models import AppRuntime
from core.bundles import BundleError, KeptTable
from core.database import Database, Transaction
from core.files.service import discard
from core.governance.archive import bundle
from core.governance.archive.bundle import ArchiveFault, Bundle, Schema
from core.governance.archive.desk import Desk, shut, whoever
from core.governance.archive.schema import Described
from core.governance.archive.service import ArchiveFacts, move
from core.governance.archive.shell import MOVED
from core.governance.lifecycle.models import Standing
from core.governance.lifecycle.service import take
from core.usage.months import Month
from plugin_sdk.deadlines import local_day

CLEARED = 200
TRIES = 3
OVERTAKEN = "40001"  # PostgreSQL: could not serialize access


async def write(desk: Desk, facts: ArchiveFacts) -> None:
    """Write the bundle, as the tables are at one moment."""
    async with desk.database.transaction() as tx:
        await shut(tx, facts.app)
        found = await tx.session.execute(
            select(col(Standing.app), col(Standing.tables), col(Standing.manifest))
        )
        known = {app: (tables, manifest) for app, tables, manifest in found}
        now = tx.now
    tables, manifest = known.pop(facts.app)
    schema = bundle.schema_of(_described(tables))
    others = {table.name for other, _ in known.values() for table in _described(other).tables}
    async with desk.database.migration(write=False) as connection:
        if not desk.database.sqlite:
            await connection.execution_options(isolation_level="REPEATABLE READ")
        await connection.run_sync(_expect, schema)
        await connection.run_sync(_expect_no_more, schema.app, others)
        made = Bundle(
            format=bundle.FORMAT,
            app=facts.app,
            made_at=now,
            revision=await connection.run_sync(reached, facts.app),
            shell_revision=head_of(CORE),
            tables=(),
            shell=(),
            files=0,
            bytes=0,
            parts={},
        )
        desk.progress.begin("asked", await bundle.count(connection, facts.app, schema))
        folder = desk.archive / facts.folder
        kept_now, checksum = await bundle.write(
            connection, folder, desk.home, made, schema, manifest, desk.progress.add
        )
    await desk.finish(
        facts,
        "written",
        revision=kept_now.revision,
        sha256=checksum,
        rows=kept_now.rows,
        files=kept_now.files,
        bytes=kept_now.bytes,
    )


def _described(tables: Any) -> Described:
    return msgspec.convert(tables, Described) if tables else Described()


def _expect(connection: Connection, schema: Schema) -> None:
    """Raise `ArchiveFault` where the tables are not as they were noted."""
    inspector = inspect(connection)
    there = set(inspector.get_table_names())
    for table in schema.app.tables:
        if table.name not in there:
            raise ArchiveFault("unlike", table.name)
        columns = {column["name"] for column in inspector.get_columns(table.name)}
        unlike = columns ^ {column.name for column in table.columns}
        if unlike:
            raise ArchiveFault("unlike", f"{table.name}: {', '.join(sorted(unlike))}")


def _expect_no_more(connection: Connection, noted: Described, others: set[str]) -> None:
    """Raise `ArchiveFault` for a table of the app that was not noted: nothing is left out."""
    own = {name for name in inspect(connection).get_table_names() if name.startswith(noted.prefix)}
    strange = own - {table.name for table in noted.tables} - others
    if noted.prefix and strange:
        raise ArchiveFault("unlike", ", ".join(sorted(strange)))


async def verify(desk: Desk, facts: ArchiveFacts) -> None:
    """Restore the bundle into a scratch place and compare every row, and every file's hash."""
    folder = desk.archive / facts.folder
    try:
        kept, schema = bundle.read(folder, facts.sha256)
        desk.progress.begin("written", kept.rows * 2 + kept.files)
        bundle.check(folder, kept, schema, desk.progress.add)
        tables = [*schema.tables(), *schema.shells().values()]
        with bundle.disk(facts.folder):
            async with _scratch(desk.database, folder, tables) as connection:
                by_name = {table.name: table for table in tables}
                for one, path in bundle.parts(folder, kept):
                    await compared(connection, by_name[one.name], path, one, desk)
    except ArchiveFault as fault:
        if fault.code in ("damaged", "different"):  # nothing was dropped
            await desk.begin_again(facts, fault)
        raise
    await desk.finish(facts, "verified")


async def compared(
    connection: AsyncConnection, table: Table, path: Path, kept: KeptTable, desk: Desk
) -> None:
    """Load what was kept of a table into an empty one and compare. Raises `ArchiveFault`."""
    try:
        await bundles.load(connection, table, path, kept, desk.progress.add)
    except BundleError as error:
        raise ArchiveFault("damaged", str(error)) from error
    if await bundles.digest(connection, table, desk.progress.add) != (kept.rows, kept.digest):
        raise ArchiveFault("different", table.name)


@asynccontextmanager
async def _scratch(
    database: Database, folder: Path, tables: list[Table]
) -> AsyncIterator[AsyncConnection]:
    """Return a connection to empty tables that nobody else sees, and that are gone afterwards,
    however it ends: a schema of a transaction that is never committed, or a file."""

    def create(connection: Connection) -> None:
        for metadata in _metadata(tables):
            metadata.create_all(connection, checkfirst=False)

    if not database.sqlite:
        name = f"yimen_scratch_{folder.name[-8:]}"
        async with database.migration() as connection:
            await connection.exec_driver_sql(f'CREATE SCHEMA "{name}"')
            await connection.execution_options(schema_translate_map={None: name})
            await connection.run_sync(create)
            yield connection
            await connection.rollback()
        return
    path = folder.with_name(f"{folder.name}.scratch")
    _unlink(path)
    scratch = Database(f"sqlite+aiosqlite:///{path}")
    try:
        async with scratch.migration() as connection:
            await connection.run_sync(create)
            yield connection
            await connection.rollback()
    finally:
        await scratch.close()
        _unlink(path)


def _metadata(tables: Iterable[Table]) -> list[MetaData]:
    found: list[MetaData] = []
    for table in tables:
        if table.metadata not in found:
            found.append(table.metadata)
    return found


def _unlink(path: Path) -> None:
    for name in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm", "-journal"))):
        name.unlink(missing_ok=True)


async def drop(desk: Desk, facts: ArchiveFacts) -> None:
    """Drop the tables and what the shell holds, if they still are what was kept, and say so in the
    same transaction."""
    folder = desk.archive / facts.folder
    try:
        kept, schema = bundle.read(folder, facts.sha256)
        desk.progress.begin("verified", kept.rows + kept.files)
        bundle.check(folder, kept, schema, desk.progress.add)
        keep_until = _keep_until(desk, facts, kept)
        for tried in range(1, TRIES + 1):
            try:
                await _drop(desk, facts, kept, schema, keep_until)
            except DBAPIError as error:
                if getattr(error.orig, "sqlstate", None) != OVERTAKEN or tried == TRIES:
                    raise
                await asyncio.sleep(tried)
            else:
                return
    except ArchiveFault as fault:
        if fault.code in ("changed", "damaged"):
            await desk.begin_again(facts, fault)
        raise


def _keep_until(desk: Desk, facts: ArchiveFacts, kept: Bundle) -> date:
    """Return the first day of the month after as many whole months as a bundle is kept."""
    try:
        months = desk.months()
    except Exception as error:
        raise ArchiveFault("policy", str(error)) from error
    manifest = desk.archive / facts.folder / "manifest.json"
    asked = msgspec.json.decode(manifest.read_bytes()) or {}
    own = asked.get("data", {}).get("retention_months", 0)
    day = local_day(desk.database.clock())
    return Month.of(day).before(-max(months, own) - 1).first


async def _drop(
    desk: Desk, facts: ArchiveFacts, kept: Bundle, schema: Schema, keep_until: date
) -> None:
    database, app = desk.database, facts.app
    desk.progress.begin("verified", kept.rows)
    tables = schema.tables()
    async with one_at_a_time(database) as connection:
        if not database.sqlite:
            # one moment for all that is compared; what somebody changes meanwhile is not deleted
            await connection.execution_options(isolation_level="REPEATABLE READ")
        try:
            async with database.transaction_on(connection) as tx:
                if tables and not database.sqlite:
                    names = ", ".join(f'"{table.name}"' for table in tables)
                    await connection.execute(text(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE"))
                await shut(tx, app)
                await connection.run_sync(_expect, schema)
                for one, table in zip(kept.tables, tables, strict=True):
                    found = await bundles.digest(connection, table, desk.progress.add)
                    if found != (one.rows, one.digest):
                        raise ArchiveFault("changed", one.name)
                await _take_out(connection, app, kept, schema, desk)
                await bundles.let_go(connection)
                if not database.sqlite:
                    await connection.run_sync(wall.raze, [table.name for table in tables])
                for metadata in _metadata(tables):
                    await connection.run_sync(metadata.drop_all, checkfirst=False)
                version = version_table(app)
                if kept.revision is not None:
                    await connection.exec_driver_sql(f'DROP TABLE "{version}"')
                await _archived(tx, facts, kept, keep_until)
        except BaseException:
            await connection.rollback()
            raise


async def _take_out(
    connection: AsyncConnection, app: str, kept: Bundle, schema: Schema, desk: Desk
) -> None:
    rows = {one.name: one for one in kept.shell}
    shells = schema.shells()
    for held in MOVED:
        table, one = shells[held.table], rows[held.table]
        condition = held.of(table, app)
        found = await bundles.digest(connection, table, desk.progress.add, where=condition)
        if found != (one.rows, one.digest):
            raise ArchiveFault("changed", held.table)
        await connection.execute(delete(table).where(condition))


async def _archived(tx: Transaction, facts: ArchiveFacts, kept: Bundle, keep_until: date) -> None:
    app, by = facts.app, whoever(facts.asked_by, facts.asked_name)
    told = {
        "sha256": facts.sha256,
        "rows": kept.rows,
        "files": kept.files,
        "folder": facts.folder,
        "keep_until": keep_until.isoformat(),
    }
    if facts.state:  # it stood behind the door
        await runtime.change(tx, app, state="disabled", by=facts.asked_by)
        stored = update(AppRuntime).where(col(AppRuntime.app) == app).values(stored=True)
        await tx.session.execute(stored)
    await take(
        tx,
        app,
        "archive",
        by,
        reason=facts.reason,
        name=facts.asked_name,
        unit=facts.asked_unit,
        facts=told,
    )
    await audit.record(tx, by, audit.SHELL, "app-archived", f"app:{app}", facts=told)
    await move(tx, facts, "dropped", keep_until=keep_until)


async def clear(desk: Desk, facts: ArchiveFacts) -> None:
    """Remove from the disk the contents of the app's files that no other app has."""
    folder = desk.archive / facts.folder
    kept, schema = bundle.read(folder, facts.sha256)
    desk.progress.begin("dropped", kept.files)
    some: list[str] = []
    for content in bundle.contents(folder, schema):
        some.append(content)
        if len(some) == CLEARED:
            await _discard(desk, some)
            some = []
    await _discard(desk, some)
    await desk.finish(facts, "stored")


async def _discard(desk: Desk, contents: list[str]) -> None:
    if contents:
        async with desk.database.transaction(write=True) as tx:
            await discard(tx, desk.home, contents)
        desk.progress.add(len(contents))
