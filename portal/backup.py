"""Backup and restore of the whole hub: tables, files, and what is kept beside them.

A backup is a folder: `tables/` (engine-neutral, so that one of SQLite may be restored to
PostgreSQL), `files.tar`, `home.tar` (signed checkpoints of the record, and the keys when asked
for), `archive.tar` (the bundles of archived apps), and `backup.json`, written last, with the
checksum of each. It is one moment of the database, while the hub goes on. A restore goes into an
empty database, is written in one transaction, and is compared row by row hash before it is
committed.
"""

import importlib
import os
import shutil
import tarfile
from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from sqlalchemy import Connection, Table, delete, func, inspect, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from core import bundles
from core.apps.migrations import head_of, histories, migrate, reached, stamp
from core.apps.models import AppRuntime
from core.apps.registry import LoadedApp, declared
from core.audit.checkpoints import Book
from core.audit.verification import Verdict, verify
from core.bundles import BundleError, KeptTable, sha256_of
from core.database import Database, core_metadata
from core.files.models import FileRow
from core.governance.archive.models import Archive
from core.governance.archive.schema import Described, built
from core.governance.archive.service import WITH_BUNDLE
from core.governance.lifecycle.models import Standing
from core.identity.models import SignInSession
from core.settings import Settings

FORMAT = 1
KEYS = "*.key"
NOT_KEPT = ("files", "archive", "faults", "yimen.db", "demo.json")
INTO = {"files.tar": "files", "archive.tar": "archive"}
PART = ".restoring"


class Backup(msgspec.Struct, frozen=True, kw_only=True):
    """What `backup.json` says. `stored` apps have no tables, since these are in the archive; those
    of `orphans`, whose package was not installed, are described."""

    format: int
    made_at: datetime
    county: str
    revisions: dict[str, str | None]
    tables: list[KeptTable]
    files: int
    archives: dict[str, str]
    keys: bool
    stored: tuple[str, ...] = ()
    orphans: dict[str, Described] = {}


class Holding(msgspec.Struct, frozen=True):
    """What of apps a database holds: whose tables are in the archive, in which folders, and what
    the tables are of those whose package is not installed."""

    stored: frozenset[str]
    folders: tuple[str, ...]
    orphans: dict[str, Described]


class BackupRefused(Exception):
    """A backup that cannot be made or restored; the message says what to do."""


def tables_of(apps: Sequence[LoadedApp]) -> list[Table]:
    """Return every table of the shell and of the apps, what is pointed at before what points."""
    importlib.import_module("portal.assembly")  # a command may not have met every room yet
    found = list(core_metadata.sorted_tables)
    for app in apps:
        if app.plugin is not None:
            own = declared(app.plugin.__name__)
            for metadata in sorted({table.metadata for table in own}, key=id):
                found += [table for table in metadata.sorted_tables if table in own]
    return found


def revisions_of(apps: Iterable[LoadedApp]) -> dict[str, str | None]:
    """Return the revision that the code here makes of each history."""
    return {name: head_of(folder) for name, folder in histories(apps)}


def _with_tables(apps: Iterable[LoadedApp], stored: Container[str]) -> list[LoadedApp]:
    return [app for app in apps if app.id not in stored]


async def back_up(
    settings: Settings,
    apps: Sequence[LoadedApp],
    target: Path,
    console: Console,
    *,
    keys: bool = False,
) -> Backup:
    """Keep everything in the new folder `target`. Raises `BackupRefused`."""
    part = _begin(target)
    # before the tables: what was signed may then be less than what is kept, never more
    archives = {"home.tar": _pack_home(settings, part / "home.tar", keys=keys)}
    database = Database(settings.database_url)
    try:
        with _progress(console) as progress:
            async with database.migration(write=False) as connection:
                if not database.sqlite:
                    await connection.execution_options(isolation_level="REPEATABLE READ")
                holding = await _holding(connection, apps)
                apps = _with_tables(apps, holding.stored)
                tables = [*tables_of(apps), *_orphaned(holding.orphans)]
                await _expect_all(connection, tables)
                kept = await _keep_tables(connection, tables, part / "tables", progress)
                contents = await _contents(connection)
        archives["files.tar"] = _pack_files(settings, contents, part / "files.tar")
        archives["archive.tar"] = _pack_bundles(settings, holding.folders, part / "archive.tar")
    finally:
        await database.close()
    backup = Backup(
        format=FORMAT,
        made_at=datetime.now(UTC),
        county=settings.county,
        revisions=revisions_of(apps),
        tables=kept,
        files=len(contents),
        archives=archives,
        keys=keys,
        stored=tuple(sorted(holding.stored)),
        orphans=holding.orphans,
    )
    (part / "backup.json").write_bytes(msgspec.json.format(msgspec.json.encode(backup)))
    os.replace(part, target)
    return backup


async def restore(
    settings: Settings, apps: Sequence[LoadedApp], source: Path, console: Console
) -> tuple[Backup, int]:
    """Bring back what a backup holds, into an empty database; return what was kept, and how
    many faults its record of who did what has now. Raises `BackupRefused`."""
    backup = _read(source, apps)
    apps = _with_tables(apps, {*backup.stored, *backup.orphans})
    database = Database(settings.database_url)
    try:
        await _expect_empty(database)
        await migrate(database, apps)
        async with database.migration() as connection:
            orphaned = _orphaned(backup.orphans)
            await connection.run_sync(_make, orphaned, backup.orphans)
            with _progress(console) as progress:
                tables = [*tables_of(apps), *orphaned]
                await _load_tables(connection, tables, source / "tables", backup, progress)
            for name in backup.archives:  # before anything counts: run again, it finds them there
                _unpack(source / name, settings.home / INTO.get(name, ""))
            await connection.execute(  # one that was ended since must not come back
                update(SignInSession)
                .where(col(SignInSession.ended_at).is_(None))
                .values(ended_at=datetime.now(UTC))
            )
            await connection.commit()
        book = Book(settings.checkpoints, settings.checkpoint_key)
        faults = [
            fault
            async for fault in verify(database.transaction, book, Verdict())
            if backup.keys or fault.what != "checkpoint-hub"  # that key is brought back apart
        ]
    finally:
        await database.close()
    return backup, len(faults)


def _begin(target: Path) -> Path:
    if target.exists():
        raise BackupRefused(f"{target.name} is there already: name a folder that is not")
    part = target.with_name(f"{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)  # of one that was broken off
    part.mkdir(mode=0o700, parents=True)  # it holds what nobody else may read
    (part / "tables").mkdir()
    return part


async def _holding(connection: AsyncConnection, apps: Iterable[LoadedApp]) -> Holding:
    here = {app.id for app in apps if app.plugin is not None}
    stored = await connection.execute(select(col(AppRuntime.app)).where(col(AppRuntime.stored)))
    out = frozenset(stored.scalars())
    folders = await connection.execute(
        select(col(Archive.folder)).where(col(Archive.phase).in_(WITH_BUNDLE))
    )
    described = await connection.execute(select(col(Standing.app), col(Standing.tables)))
    orphans = {
        app: msgspec.convert(tables, Described)
        for app, tables in described
        if tables and app not in here and app not in out
    }
    for app, tables in orphans.items():
        revision = await connection.run_sync(reached, app)
        orphans[app] = msgspec.structs.replace(tables, revision=revision)
    return Holding(out, tuple(sorted(folders.scalars())), orphans)


def _orphaned(orphans: Mapping[str, Described]) -> list[Table]:
    return [table for app in sorted(orphans) for table in built(orphans[app].tables)]


def _make(
    connection: Connection, tables: Sequence[Table], orphans: Mapping[str, Described]
) -> None:
    """Make the tables of apps that are not installed: when the package is, they are there."""
    for table in tables:
        table.create(connection, checkfirst=True)
    for app, described in orphans.items():
        if described.revision is not None:
            stamp(connection, app, described.revision)


async def _expect_all(connection: AsyncConnection, tables: Sequence[Table]) -> None:
    there = set(await connection.run_sync(lambda sync: inspect(sync).get_table_names()))
    beside = {name for name in there if not name.startswith("alembic_")}
    beside -= {str(table.name) for table in tables}
    if beside:
        raise BackupRefused(
            f"no app that is installed here owns {', '.join(sorted(beside))}: install the package "
            "again, so that nothing is left out"
        )


async def _keep_tables(
    connection: AsyncConnection, tables: Sequence[Table], folder: Path, progress: Progress
) -> list[KeptTable]:
    kept = []
    for table in tables:
        rows = await connection.execute(select(func.count()).select_from(table))
        counted = partial(progress.advance, progress.add_task(table.name, total=rows.scalar_one()))
        path = folder / f"{table.name}.jsonl.gz"
        kept.append(await bundles.keep(connection, table, path, counted))
    return kept


async def _load_tables(
    connection: AsyncConnection,
    tables: Sequence[Table],
    folder: Path,
    backup: Backup,
    progress: Progress,
) -> None:
    for table in reversed(tables):  # what a migration puts into a new table
        await connection.execute(delete(table))
    kept = {table.name: table for table in backup.tables}
    for table in tables:
        one = kept[table.name]
        counted = partial(progress.advance, progress.add_task(table.name, total=one.rows * 2))
        try:
            path = folder / f"{table.name}.jsonl.gz"
            await bundles.load(connection, table, path, one, counted)
        except BundleError as error:
            raise BackupRefused(str(error)) from error
        if await bundles.digest(connection, table, counted) != (one.rows, one.digest):
            raise BackupRefused(f"{table.name} is not what was kept: nothing was restored")


async def _contents(connection: AsyncConnection) -> list[str]:
    found = await connection.execute(select(col(FileRow.sha256)).distinct())
    return sorted(found.scalars())


def _pack_files(settings: Settings, contents: Sequence[str], path: Path) -> str:
    folder = settings.home / "files"
    with tarfile.open(path, "w") as archive:
        for content in contents:
            name = f"{content[:2]}/{content[2:]}"
            if not (folder / name).is_file():
                raise BackupRefused(f"the content {content} of a file is not on this disk")
            if sha256_of(folder / name) != content:
                raise BackupRefused(f"the content {content} of a file was changed on this disk")
            archive.add(folder / name, name)
    return sha256_of(path)


def _pack_bundles(settings: Settings, folders: Sequence[str], path: Path) -> str:
    with tarfile.open(path, "w") as archive:
        for folder in folders:
            if not (settings.home / "archive" / folder / "bundle.json").is_file():
                raise BackupRefused(
                    f"the bundle {folder} is not in the archive of this hub: bring it back, or "
                    "wait until the restore or purge that is under way has ended"
                )
            archive.add(settings.home / "archive" / folder, folder)
    return sha256_of(path)


def _pack_home(settings: Settings, path: Path, *, keys: bool) -> str:
    with tarfile.open(path, "w") as archive:
        for found in sorted(settings.home.rglob("*")):
            name = found.relative_to(settings.home)
            if not found.is_file() or name.parts[0].startswith(NOT_KEPT):
                continue
            if keys or not name.match(KEYS):
                archive.add(found, str(name))
    return sha256_of(path)


def _unpack(path: Path, into: Path) -> None:
    into.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path) as archive:
        for member in archive:
            path = into / member.name
            if not path.exists():  # what is there, a key say, stays
                archive.extract(member, into / PART, filter="data")
                path.parent.mkdir(parents=True, exist_ok=True)
                os.replace(into / PART / member.name, path)
    shutil.rmtree(into / PART, ignore_errors=True)


def _read(source: Path, apps: Sequence[LoadedApp]) -> Backup:
    try:
        backup = msgspec.json.decode((source / "backup.json").read_bytes(), type=Backup)
    except (OSError, msgspec.DecodeError) as error:
        raise BackupRefused(f"{source.name} is no finished backup: {error}") from error
    if backup.format != FORMAT:
        raise BackupRefused(f"this backup has the format {backup.format}; {FORMAT} is read here")
    for name, digest in backup.archives.items():
        if not (source / name).is_file() or sha256_of(source / name) != digest:
            raise BackupRefused(f"{name} is damaged: its checksum is not the one that was kept")
    apps = _with_tables(apps, {*backup.stored, *backup.orphans})
    here = revisions_of(apps)
    for name, revision in backup.revisions.items():
        if here.get(name) != revision:
            raise BackupRefused(
                f"the tables of {name} were kept at revision {revision}, here they are at "
                f"{here.get(name) or 'none'}: install the version that made the backup, restore, "
                "then migrate"
            )
    missing = {table.name for table in tables_of(apps)} - {table.name for table in backup.tables}
    if missing:
        raise BackupRefused(f"the backup does not hold {', '.join(sorted(missing))}")
    return backup


async def _expect_empty(database: Database) -> None:
    async with database.migration(write=False) as connection:
        there = set(await connection.run_sync(lambda sync: inspect(sync).get_table_names()))
        for table in core_metadata.sorted_tables:
            if table.name in there and table.name.startswith(("identity_", "audit_")):
                found = await connection.execute(select(func.count()).select_from(table))
                if found.scalar_one():
                    raise BackupRefused(
                        "the database is in use: a restore goes into an empty one, so that "
                        "nothing is overwritten"
                    )


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, TimeElapsedColumn(), console=console, disable=console.quiet)
