"""Migrations: the shell first, then each app by itself with a version table of its own.

A lock lets one process migrate at a time. A package that was removed blocks nobody, since
no two apps share a history.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from core.apps.registry import LoadedApp
from core.database import Database
from plugin_sdk.data import lock_key

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
    `MigrationError` names it. The shell comes first: without it nothing goes on.
    """
    moved, failed = [], {}
    async with _one_at_a_time(database) as connection:
        for name, folder in histories(apps):
            try:
                if await connection.run_sync(upgrade, name, folder):
                    moved.append(name)
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
    """Return the histories that are not at their head, or cannot be read."""
    behind = []
    async with database.migration() as connection:
        for name, folder in histories(apps):
            try:
                head = _script(folder).get_current_head()
                if await connection.run_sync(_current, name) != head:
                    behind.append(name)
            except Exception:
                logger.exception("the migrations of %s cannot be read", name)
                behind.append(name)
    return behind


@asynccontextmanager
async def _one_at_a_time(database: Database) -> AsyncIterator[Any]:
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


def _script(folder: Path) -> ScriptDirectory:
    return ScriptDirectory(str(folder), version_locations=[str(folder / "versions")])


def version_table(name: str) -> str:
    """Return the table that keeps the revision of a history."""
    return f"alembic_{name.replace('-', '_')}"


def _current(connection: Connection, name: str) -> str | None:
    context = MigrationContext.configure(connection, opts={"version_table": version_table(name)})
    return context.get_current_revision()


def upgrade(connection: Connection, name: str, folder: Path) -> bool:
    """Bring one history to its head; return whether it moved."""
    script = _script(folder)
    head = script.get_current_head()
    if _current(connection, name) == head:
        return False
    environment = EnvironmentContext(
        Config(), script, fn=lambda revision, _: script._upgrade_revs("heads", revision)
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
