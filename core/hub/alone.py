"""One server for one database, unless Redis joins several.

Without Redis a worker hears only itself: another server on the same database would keep
deciding by rights that were revoked here. Whether one is there is asked of what both have in
common, at the start and as long as the server runs: an advisory lock of PostgreSQL, held by
a connection of its own, or a lock on a file beside SQLite's. Both end with the process,
however it ends. Servers that Redis joins share the lock and keep one without Redis out.
"""

import asyncio
import contextlib
import fcntl
import logging
import os
import time

from sqlalchemy import func, make_url, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.database import Database
from core.shared_state import end_tasks
from plugin_sdk.data import lock_key

logger = logging.getLogger(__name__)

WAIT_SECONDS = 5.0
LOOK_SECONDS = 5.0


class AlreadyServed(Exception):
    """Another server that this one could not hear serves the database; the message says what
    to do."""

    def __init__(self) -> None:
        super().__init__(
            "another server is running on this database, and without Redis neither hears what "
            "the other revokes: stop it, or set the same YIMEN_REDIS_URL for both"
        )


async def unserved(database: Database) -> bool:
    """Return whether nobody serves the database just now."""
    return await Place(database, joined=False).vacant()


class Place:
    """The place of this process among those that serve a database."""

    def __init__(self, database: Database, *, joined: bool) -> None:
        self._database = database
        self._joined = joined
        self._connection: AsyncConnection | None = None
        self._file = -1
        self._task: asyncio.Task[None] | None = None

    async def take(self) -> None:
        """Take the place and keep it. Raises `AlreadyServed` when it stays taken: one that has
        just ended is waited for."""
        until = time.monotonic() + WAIT_SECONDS
        while not await self._try():
            if time.monotonic() > until:
                raise AlreadyServed
            await asyncio.sleep(0.1)
        if not self._database.sqlite:
            self._task = asyncio.create_task(self._keep(), name="place")

    async def vacant(self) -> bool:
        """Return whether the place is free, and leave it so."""
        taken = await self._try()
        await self.leave()
        return taken

    async def leave(self) -> None:
        """Give the place up."""
        await end_tasks(self._task)
        await self._drop()
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    async def _try(self) -> bool:
        if self._database.sqlite:
            return self._lock_file()
        connection = await self._database.engine.connect()
        # without a transaction, which would stay open as long as the server runs
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        lock = func.pg_try_advisory_lock_shared if self._joined else func.pg_try_advisory_lock
        self._connection = connection
        taken = await connection.scalar(select(lock(lock_key("yimen.serve"))))
        if not taken:
            await self._drop()
        return bool(taken)

    def _lock_file(self) -> bool:
        path = make_url(self._database.url).database
        if not path or path == ":memory:":
            return True
        # a file of its own: closing any other of SQLite's would give up SQLite's own locks
        file = os.open(f"{path}-serving", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if self._joined else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except OSError:
            os.close(file)
            return False
        self._file = file
        return True

    async def _drop(self) -> None:
        """Close the connection and with it the lock, which the pool would keep."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(Exception):
                await connection.invalidate()
            with contextlib.suppress(Exception):
                await connection.close()

    async def _keep(self) -> None:
        """Look after the connection: one that is lost has lost the place, which is taken anew."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                if self._connection is not None:
                    await self._connection.scalar(select(1))
                elif not await self._try():
                    logger.critical("%s", AlreadyServed())
            except Exception as error:
                logger.warning("the place of this server was lost: %s", type(error).__name__)
                await self._drop()
