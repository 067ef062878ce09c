"""The database: engine, transactions, and domain events inside a transaction.

Nothing else in the house opens a connection. `Database.transaction(write=True)` is one
transaction; on SQLite it begins with BEGIN IMMEDIATE, since a read transaction that turns
into a writing one fails at once when another has written meanwhile.
"""

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy import MetaData, event
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, DisconnectionError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import (
    AsyncConnection,
    AsyncEngine,
    AsyncSession,
    create_async_engine,
)
from sqlalchemy.orm import registry
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel import SQLModel

from plugin_sdk.data import NAMING
from plugin_sdk.problems import Problem

WRITING = "yimen_writing"
UNIT = "yimen_unit"
MIGRATION = "yimen_migration"
USED = "yimen_used"
SILENT_SECONDS = 5.0
EVERYTHING = "SELECT set_config('yimen.all', 'on', false)"  # see `core.access.wall`

core_metadata = MetaData(naming_convention=NAMING)
E = TypeVar("E")


class WriteInRead(RuntimeError):
    """A write in a transaction for reading, where it would be lost without a word."""


class WriteInWrite(RuntimeError):
    """A writing transaction begun inside another of the same task: it would wait for itself."""


class DatabaseAway(Problem):
    """The database cannot be had, or went away meanwhile (503). Nothing is half-written: the
    request that is sent again with its key is done once, whether its commit was still heard or
    not."""

    status = 503

    def __init__(self) -> None:
        super().__init__("database-away", headers={"Retry-After": "5"})


class CoreBase(SQLModel, registry=registry(metadata=core_metadata)):
    """The base of the shell's own tables."""


Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the time in UTC."""
    return datetime.now(UTC)


class Transaction:
    """One transaction: its session, its time, and what to do once it is committed.

    `now` is the same throughout, so that all rows of one act agree.
    """

    def __init__(
        self, database: "Database", session: AsyncSession, now: datetime, *, writes: bool
    ) -> None:
        self.database = database
        self.session = session
        self.now = now
        self.writes = writes
        self._after_commit: list[Callable[[], Awaitable[None] | None]] = []

    def after_commit(self, call: Callable[[], Awaitable[None] | None]) -> None:
        """Call it once the transaction is committed; never when it rolls back.

        Raises `WriteInRead` in a transaction that commits nothing.
        """
        if not self.writes:
            raise WriteInRead("nothing follows a transaction for reading")
        self._after_commit.append(call)

    async def raise_event(self, event: Any) -> None:
        """Let other rooms act on a domain event within this very transaction."""
        for handler in self.database.handlers(type(event)):
            await handler(self, event)

    async def _committed(self) -> None:
        failure: Exception | None = None
        for call in self._after_commit:  # one that fails keeps no other from being called
            try:
                outcome = call()
                if outcome is not None:
                    await outcome
            except Exception as error:
                failure = failure or error
        if failure is not None:
            raise failure


Handler = Callable[[Transaction, E], Awaitable[None]]


class Share:
    """What one app may hold of the connections: at most so many units of work at once."""

    def __init__(self, most: int) -> None:
        self._free = asyncio.Semaphore(most)
        self._holding: set[asyncio.Task[Any] | None] = set()

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Wait until the app holds less than its share, and hold one connection more. A task
        that holds one waits for no other: it would wait for itself."""
        task = asyncio.current_task()
        if task in self._holding:
            yield
            return
        async with self._free:
            self._holding.add(task)
            try:
                yield
            finally:
                self._holding.discard(task)


class Database:
    """The engine of a hub. `clock` gives the time; tests set it."""

    def __init__(self, url: str, *, clock: Clock = utc_now, pool_size: int = 10) -> None:
        self.url = url
        self.clock = clock
        self.sqlite = url.startswith("sqlite")
        # one writer at a time on SQLite; on PostgreSQL half the pool, so that what a unit
        # of work looks up beside its own connection always finds one
        self._writers = asyncio.Semaphore(1 if self.sqlite else pool_size)
        self._writing: set[asyncio.Task[Any] | None] = set()
        # a quarter of all connections for each app: one that holds what it may until its time
        # runs out leaves most of them to the others, to sign-in and to the jobs
        self._shares: dict[str, Share] = defaultdict(lambda: Share(max(1, pool_size // 2)))
        self._handlers: dict[type, list[Handler[Any]]] = defaultdict(list)
        self.engine: AsyncEngine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=pool_size,
            hide_parameters=True,  # an error is logged with its statement, not with what it held
            connect_args={"timeout": 20} if self.sqlite else {"timeout": 5, "command_timeout": 60},
        )
        event.listen(self.engine.sync_engine, "before_execute", _refuse_lost_write)
        if self.sqlite:
            event.listen(self.engine.sync_engine, "connect", _prepare_sqlite)
            event.listen(self.engine.sync_engine, "begin", _begin_sqlite)
        else:
            event.listen(self.engine.sync_engine, "checkin", _note_use)
            event.listen(self.engine.sync_engine, "checkout", _refuse_dead)

    def on(self, kind: type[E], handler: Handler[E]) -> None:
        """Let `handler` run in the transaction of each domain event of the kind."""
        self._handlers[kind].append(handler)

    def handlers(self, kind: type) -> list[Handler[Any]]:
        """Return the handlers of a kind of domain event."""
        return self._handlers[kind]

    def share(self, app: str) -> Share:
        """Return what an app may hold of the connections."""
        return self._shares[app]

    @asynccontextmanager
    async def transaction(
        self,
        *,
        write: bool = False,
        now: datetime | None = None,
        options: dict[str, Any] | None = None,
    ) -> AsyncIterator[Transaction]:
        """Return one transaction: committed at the end, rolled back on any exception.

        Raises `WriteInWrite` when the task already stands in one that writes, `DatabaseAway`.
        """
        settings = {WRITING: write, **(options or {})}
        async with (
            self._alone() if write else contextlib.nullcontext(),
            AsyncSession(self.engine, expire_on_commit=False, autoflush=False) as session,
        ):
            try:
                await session.connection(execution_options=settings)
            except (OSError, OperationalError, InterfaceError, PoolTimeout) as error:
                raise DatabaseAway from error
            transaction = Transaction(self, session, now or self.clock(), writes=write)
            try:
                yield transaction
                if write:
                    await session.commit()
                # what was only read is rolled back as the session gives its connection back
            except DBAPIError as error:
                if error.connection_invalidated:
                    raise DatabaseAway from error
                raise
        await transaction._committed()

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        task = asyncio.current_task()
        if task in self._writing:
            raise WriteInWrite("end the transaction that writes before the next is begun")
        async with self._writers:
            self._writing.add(task)
            try:
                yield
            finally:
                self._writing.discard(task)

    @asynccontextmanager
    async def migration(self, *, write: bool = True) -> AsyncIterator[AsyncConnection]:
        """Return a connection for migrations, which alone may run plain SQL and see all rows."""
        async with self.engine.connect() as connection:
            await connection.execution_options(**{MIGRATION: True, WRITING: write})
            if self.sqlite:
                yield connection
                return
            try:
                await connection.exec_driver_sql(EVERYTHING)
                await connection.commit()
                yield connection
            finally:  # what has seen all rows does not go back to the pool
                await connection.invalidate()

    @asynccontextmanager
    async def transaction_on(self, connection: AsyncConnection) -> AsyncIterator[Transaction]:
        """Return one transaction on a connection for migrations: it may change tables and rows
        at once. Committed at the end, rolled back on any exception."""
        async with AsyncSession(
            connection,
            expire_on_commit=False,
            autoflush=False,
            join_transaction_mode="control_fully",
        ) as session:
            await session.connection()
            transaction = Transaction(self, session, self.clock(), writes=True)
            yield transaction
            await session.commit()
        await transaction._committed()

    async def flush_to_disk(self) -> None:
        """Let nothing committed so far be lost with the power (SQLite; PostgreSQL has done it)."""
        if self.sqlite:
            async with self.engine.connect() as connection:
                raw = await connection.get_raw_connection()
                driver: Any = raw.driver_connection
                # a checkpoint syncs the log first, which a commit under synchronous=NORMAL does not
                await (await driver.execute("PRAGMA wal_checkpoint(PASSIVE)")).close()

    async def close(self) -> None:
        """Close all connections."""
        await self.engine.dispose()


def _prepare_sqlite(connection: Any, record: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # the driver begins nothing: `_begin_sqlite` does
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        "busy_timeout=20000",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _note_use(connection: Any, record: ConnectionPoolEntry) -> None:
    record.info[USED] = time.monotonic()


def _refuse_dead(connection: Any, record: ConnectionPoolEntry, proxy: Any) -> None:
    """Let the pool open another connection in place of one that is dead.

    The driver knows when the server has closed one. Only where it may not have noticed, after
    a while of silence, is the server asked: SQLAlchemy's own ping takes three round trips each
    time, more than most transactions.
    """
    if connection.driver_connection.is_closed():
        raise DisconnectionError
    if time.monotonic() - record.info.get(USED, time.monotonic()) > SILENT_SECONDS:
        try:
            connection.ping()
        except Exception as error:
            raise DisconnectionError from error


def _refuse_lost_write(
    connection: Connection, statement: Any, multiparams: Any, params: Any, options: Any
) -> None:
    if options.get(WRITING) is False and getattr(statement, "is_dml", False):
        raise WriteInRead("a transaction for reading writes nothing: begin it with write=True")


def _begin_sqlite(connection: Connection) -> None:
    writing = connection.get_execution_options().get(WRITING)
    cursor = connection.connection.cursor()
    cursor.execute("BEGIN IMMEDIATE" if writing else "BEGIN")
    cursor.close()
