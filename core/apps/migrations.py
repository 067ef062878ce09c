"""Migrations: the shell first, then each app by itself with a version table of its own.

A lock lets one process migrate at a time. A package that was removed blocks nobody, since
no two apps share a history. A history is a line, and its files are numbered in its order
(`0001_orders.py` is revision `0001`), so that a start knows the head from the names alone;
Alembic is imported where something is migrated.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import (
    Column,
    Connection,
    MetaData,
    String,
    Table,
    insert,
    inspect,
    select,
    text,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from core.access import wall
from core.apps.models import AppRuntime
from core.apps.registry import LoadedApp, scoped_models
from core.database import Database
from plugin_sdk.data import Owned, lock_key

logger = logging.getLogger(__name__)

CORE = Path(__file__).parent.parent / "migrations"


def histories(apps: Iterable[LoadedApp]) -> list[tuple[str, Path]]:
    """Return the histories in the order they are run: name and folder."""
    found = [("core", CORE)]
    for app in apps:
        if app.folder is not None and app.plugin is not None:
            folder = app.folder / "migrations"
            if folder.is_dir():
                found.append((app.id, folder))
    return found


class MigrationError(Exception):
    """Some histories could not be brought to their head; `failed` says which and why."""

    def __init__(self, failed: dict[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {why}" for name, why in failed.items()))
        self.failed = failed


async def migrate(database: Database, apps: Iterable[LoadedApp]) -> list[str]:
    """Bring every history to its head; return the names of those that moved.

    An app whose migration fails is left as it was, and the others go on; then
    `MigrationError` names it. The shell comes first: without it nothing goes on. An app whose
    tables are in an archive is passed by: a restore brings it to its head.
    """
    apps = list(apps)
    moved, failed = [], {}
    async with one_at_a_time(database) as connection:
        passed: frozenset[str] = frozenset()
        for name, folder in histories(apps):
            if name in passed:
                continue
            try:
                if await connection.run_sync(upgrade, name, folder):
                    moved.append(name)
                if not database.sqlite:
                    await connection.run_sync(wall.build, _scoped(apps, name))
                await connection.commit()
                if name == "core":
                    passed = await connection.run_sync(stored)
                    await connection.commit()
            except Exception as error:
                await connection.rollback()
                if name == "core":
                    raise
                logger.exception("the tables of %s were not migrated", name)
                failed[name] = f"{type(error).__name__}: {error}"
    if failed:
        raise MigrationError(failed)
    return moved


async def pending(database: Database, apps: Iterable[LoadedApp]) -> list[str]:
    """Return the histories that are not at their head, or whose wall does not stand. An app whose
    tables are in an archive waits for nothing."""
    apps = list(apps)
    wanted = {name: head_of(folder) for name, folder in histories(apps)}
    async with database.migration() as connection:
        there = await connection.run_sync(_reached, wanted)
        if there.get("core") == wanted["core"]:
            for name in await connection.run_sync(stored):
                wanted.pop(name, None)
        behind = [name for name, head in wanted.items() if there.get(name) != head]
        if not database.sqlite:
            models = {name: _scoped(apps, name) for name in wanted}
            every = [model for found in models.values() for model in found]
            bare = set(await connection.run_sync(wall.missing, every))
            behind += [
                name
                for name, found in models.items()
                if name not in behind and bare.intersection(m.__tablename__ for m in found)
            ]
    return behind


async def unwalled(database: Database) -> bool:
    """Return whether the hub's role on PostgreSQL passes by row-level security."""
    if database.sqlite:
        return False
    async with database.migration() as connection:
        return await connection.run_sync(wall.climbs)


def _scoped(apps: Iterable[LoadedApp], name: str) -> list[type[Owned]]:
    plugins = [app.plugin for app in apps if app.id == name]
    return [model for plugin in plugins if plugin for model in scoped_models(plugin.__name__)]


def head_of(folder: Path) -> str | None:
    """Return the last revision of a history, None when it has none yet."""
    return max(revisions(folder), default=None)


def revisions(folder: Path) -> list[str]:
    """Return the revisions of a history."""
    files = (folder / "versions").glob("[0-9]*.py")
    return sorted(file.stem.partition("_")[0] for file in files)


def stored(connection: Connection) -> frozenset[str]:
    """Return the apps whose tables are in an archive, by the shell's tables at their head."""
    found = connection.execute(select(col(AppRuntime.app)).where(col(AppRuntime.stored)))
    return frozenset(found.scalars())


def reached(connection: Connection, name: str) -> str | None:
    """Return the revision that a history has reached, None if it has not begun."""
    return _reached(connection, [name]).get(name)


def _reached(connection: Connection, names: Iterable[str]) -> dict[str, str | None]:
    there = set(inspect(connection).get_table_names())
    return {name: _current(connection, name) for name in names if version_table(name) in there}


@asynccontextmanager
async def one_at_a_time(database: Database) -> AsyncIterator[AsyncConnection]:
    """Return a connection for migrations that no other process has beside this one."""
    async with database.migration() as connection:
        if database.sqlite:
            yield connection  # BEGIN IMMEDIATE is the lock
            return
        key = lock_key("yimen.migrate")
        await connection.execute(text("select pg_advisory_lock(:key)"), {"key": key})
        await connection.commit()
        try:
            yield connection
        finally:
            await asyncio.shield(
                connection.execute(text("select pg_advisory_unlock(:key)"), {"key": key})
            )
            await connection.commit()


def version_table(name: str) -> str:
    """Return the table that keeps the revision of a history."""
    return f"alembic_{name.replace('-', '_')}"


def stamp(connection: Connection, name: str, revision: str) -> None:
    """Say that a history has reached a revision, whose tables were made by other means."""
    kept = Table(
        version_table(name), MetaData(), Column("version_num", String(32), primary_key=True)
    )
    kept.create(connection)
    connection.execute(insert(kept).values(version_num=revision))


def _current(connection: Connection, name: str) -> str | None:
    kept = Table(version_table(name), MetaData(), Column("version_num", String))
    return connection.execute(select(kept.c.version_num)).scalar()


def upgrade(connection: Connection, name: str, folder: Path, to: str | None = None) -> bool:
    """Bring one history to its head, or up to a revision; return whether it moved."""
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    if reached(connection, name) == (to or head_of(folder)):
        return False
    script = ScriptDirectory(str(folder), version_locations=[str(folder / "versions")])
    environment = EnvironmentContext(
        Config(), script, fn=lambda revision, _: script._upgrade_revs(to or "heads", revision)
    )
    with environment:
        environment.configure(
            connection=connection,
            version_table=version_table(name),
            render_as_batch=connection.dialect.name == "sqlite",
            transactional_ddl=True,
        )
        with environment.begin_transaction():
            environment.run_migrations()
    return True
