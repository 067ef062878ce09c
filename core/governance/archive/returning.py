"""Bringing an archived app back: its tables by its own history, its rows from the bundle,
compared before it counts, and then brought to where the installed version has its head."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Table, delete, func, inspect, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from core import audit, bundles
from core.access import wall
from core.apps import runtime
from core.apps.migrations import CORE, head_of, one_at_a_time, revisions, upgrade
from core.apps.models import AppRuntime
from core.apps.registry import LoadedApp, scoped_models
from core.database import Transaction
from core.files.service import content_of, hold_contents
from core.governance.archive import bundle
from core.governance.archive.archiving import compared
from core.governance.archive.bundle import ArchiveFault, Bundle, Schema
from core.governance.archive.describing import described
from core.governance.archive.desk import Desk, whoever
from core.governance.archive.service import ArchiveFacts, as_it_ran, move
from core.governance.archive.shell import MOVED, Held, table_of
from core.governance.lifecycle.models import Standing
from core.governance.lifecycle.service import take
from core.identity.models import Person
from core.identity.people import ERASED


async def bring_back(desk: Desk, facts: ArchiveFacts) -> None:
    """Bring back tables, rows and files in one transaction, with all that was said of them."""
    folder = desk.archive / facts.folder
    kept, schema = bundle.read(folder, facts.sha256)
    app = _installed(desk, facts.app, kept)
    desk.progress.begin("recalled", kept.rows * 2 + kept.files * 2)
    bundle.check(folder, kept, schema, desk.progress.add)
    with bundle.disk(facts.folder):
        _put_contents(desk, folder, schema)
        async with one_at_a_time(desk.database) as connection:
            try:
                async with desk.database.transaction_on(connection) as tx:
                    await hold_contents(tx)
                    _put_contents(desk, folder, schema)  # what was discarded since, if anything
                    await _tables(desk, connection, app, folder, kept, schema)
                    left = await _rows(desk, connection, folder, kept, schema)
                    await _returned(tx, facts, app, left)
            except BaseException:
                await connection.rollback()
                raise


def _installed(desk: Desk, name: str, kept: Bundle) -> LoadedApp | None:
    """Return the app if it can take the bundle; None for one that never stood behind the door.
    Raises `ArchiveFault`."""
    app = desk.apps.get(name)
    here = head_of(CORE) or ""
    if (kept.shell_revision or "") > here:
        raise ArchiveFault("ahead", f"core {kept.shell_revision}")
    if kept.revision is None and not kept.tables:
        return app
    if app is None or app.plugin is None or app.folder is None:
        raise ArchiveFault("uninstalled", str(app.refusal) if app and app.refusal else name)
    if kept.revision not in revisions(app.folder / "migrations"):
        raise ArchiveFault("ahead", f"{name} {kept.revision}")
    return app


def _put_contents(desk: Desk, folder: Path, schema: Schema) -> None:
    for content in bundle.contents(folder, schema):
        target = content_of(desk.home / "files", content)
        if not target.exists():
            bundle.copy(content_of(folder / "files", content), target, content)
            bundle.sync(target.parent)
            desk.progress.add(1)


async def _tables(
    desk: Desk,
    connection: AsyncConnection,
    app: LoadedApp | None,
    folder: Path,
    kept: Bundle,
    schema: Schema,
) -> None:
    if app is None or app.folder is None or app.plugin is None or kept.revision is None:
        return
    history = app.folder / "migrations"
    there = set(await connection.run_sync(lambda sync: inspect(sync).get_table_names()))
    if found := there & {table.name for table in kept.tables}:
        raise ArchiveFault("present", ", ".join(sorted(found)))
    await connection.run_sync(upgrade, app.id, history, kept.revision)
    tables = schema.tables()
    for table in reversed(tables):  # what a migration puts into a new table
        await connection.execute(delete(table))
    for one, table in zip(kept.tables, tables, strict=True):
        path = bundle.table_file(folder, one.name)
        await compared(connection, table, path, one, desk)
    if not desk.database.sqlite:
        for table in tables:
            await _count_on(connection, table)
    await bundles.let_go(connection)
    await connection.run_sync(upgrade, app.id, history)
    if not desk.database.sqlite:
        await connection.run_sync(wall.build, scoped_models(app.plugin.__name__))


async def _count_on(connection: AsyncConnection, table: Table) -> None:
    """Let numbers that PostgreSQL gives go on after the last that was kept."""
    for column in table.primary_key:
        name = {"table": f'"{table.name}"', "column": column.name}
        found = await connection.execute(
            text("SELECT pg_get_serial_sequence(:table, :column)"), name
        )
        if (sequence := found.scalar()) is not None:
            last = select(func.setval(sequence, func.max(column))).where(column.is_not(None))
            await connection.execute(last)


async def _rows(
    desk: Desk, connection: AsyncConnection, folder: Path, kept: Bundle, schema: Schema
) -> dict[str, int]:
    """Put back what the shell held; return how many rows stay out, by table: those of people who
    are gone."""
    shells = schema.shells()
    rows = {one.name: one for one in kept.shell}
    # anybody pins what address they like: those of an app that is away lead nowhere, and go
    pins = next(held for held in MOVED if held.table == "work_pin")
    await connection.execute(delete(table_of(pins)).where(pins.of(table_of(pins), kept.app)))
    left: dict[str, int] = {}
    for held in MOVED:
        path = bundle.shell_file(folder, held.table)
        out = await _put_back(desk, connection, held, path, shells[held.table])
        one = rows[held.table]
        if out:
            left[held.table] = out
        elif await _held(connection, held, shells[held.table], kept.app) != (one.rows, one.digest):
            raise ArchiveFault("different", held.table)
    return left


async def _held(connection: AsyncConnection, held: Held, table: Table, app: str) -> tuple[int, str]:
    return await bundles.digest(connection, table, where=held.of(table, app))


async def _put_back(
    desk: Desk, connection: AsyncConnection, held: Held, path: Path, then: Table
) -> int:
    live = table_of(held)
    missing = [
        column.name
        for column in live.columns
        if column.name not in then.columns and not column.nullable and column.default is None
    ]
    if missing:
        raise ArchiveFault("unlike", f"{held.table}: {', '.join(missing)}")
    dialect = sqlite if desk.database.sqlite else postgresql
    out = 0
    for rows in bundles.read(path, then):
        gone = await _gone(connection, held, rows)
        back = [
            {name: value for name, value in row.items() if name in live.columns}
            for row in rows
            if held.person is None or row[held.person] not in gone
        ]
        out += len(rows) - len(back)
        if back:
            await connection.execute(dialect.insert(live).on_conflict_do_nothing(), back)
        desk.progress.add(len(rows))
    return out


async def _gone(
    connection: AsyncConnection, held: Held, rows: Sequence[dict[str, Any]]
) -> set[UUID]:
    if held.person is None:
        return set()
    named = {row[held.person] for row in rows if row[held.person] is not None}
    found = await connection.execute(
        select(col(Person.id)).where(
            col(Person.id).in_(named), col(Person.username).not_like(f"{ERASED}-%")
        )
    )
    return named - set(found.scalars())


async def _returned(
    tx: Transaction, facts: ArchiveFacts, app: LoadedApp | None, left: dict[str, int]
) -> None:
    by = whoever(facts.recalled_by, facts.recalled_name)
    told = {"sha256": facts.sha256, "rows": facts.rows, "files": facts.files, "left_out": left}
    if facts.state:
        await tx.session.execute(
            update(AppRuntime).where(col(AppRuntime.app) == facts.app).values(stored=False)
        )
        await runtime.change(tx, facts.app, state=as_it_ran(facts.state), by=facts.recalled_by)
    if app is not None and (now := described(app)) is not None:
        await tx.session.execute(
            update(Standing)
            .where(col(Standing.app) == facts.app)
            .values(tables=msgspec.to_builtins(now))
        )
    await take(
        tx,
        facts.app,
        "restore",
        by,
        reason=facts.recall_reason,
        name=facts.recalled_name,
        unit=facts.recalled_unit,
        facts=told,
    )
    await audit.record(tx, by, audit.SHELL, "app-restored", f"app:{facts.app}", facts=told)
    await move(tx, facts, "returned", keep_until=None)


async def clear(desk: Desk, facts: ArchiveFacts) -> None:
    """Remove the bundle: what it held lives again, and a copy would only grow old. SQLite may keep
    what was committed in memory for a while; the bundle goes when it is on the disk."""
    if desk.database.sqlite:
        file = Path(desk.database.engine.url.database or "")
        for written in (file.with_name(f"{file.name}-wal"), file):
            if written.is_file():
                bundle.sync(written)
    bundle.remove(desk.archive / facts.folder)
    await desk.finish(facts, "restored")
