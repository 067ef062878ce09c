"""SQLite's driver, one visit to the connection's thread for a statement in place of four.

The driver has a thread for each connection and goes there to make a cursor, to run the statement,
to read the rows and to close the cursor, each time waking the loop: half of what a short statement
cost.
"""

import sqlite3
from collections import deque
from collections.abc import Callable
from typing import Any

import aiosqlite
from sqlalchemy.dialects.sqlite.aiosqlite import (
    AsyncAdapt_aiosqlite_connection,
    AsyncAdapt_aiosqlite_cursor,
    AsyncAdapt_aiosqlite_dbapi,
)
from sqlalchemy.util import immutabledict


class Outcome:
    """What a statement came to, its cursor closed already; of a new cursor nothing yet."""

    __slots__ = ("arraysize", "description", "lastrowid", "rowcount", "rows")

    def __init__(self, done: sqlite3.Cursor | None = None) -> None:
        self.arraysize = 1
        self.description = done.description if done else None
        self.rows = deque(done.fetchall() if done and done.description else ())
        # read last: of a statement that returns what it wrote they are known once it is read
        self.rowcount = done.rowcount if done else -1
        self.lastrowid = done.lastrowid if done else None

    def close(self) -> None:
        """Do nothing: it is closed."""


class OneVisitCursor(AsyncAdapt_aiosqlite_cursor):
    """A cursor that is made, run, read and closed in one visit."""

    __slots__ = ()

    _awaitable_cursor_close = False

    def __init__(self, adapt_connection: AsyncAdapt_aiosqlite_connection) -> None:
        self._adapt_connection = adapt_connection
        self._connection = adapt_connection._connection
        self._soft_closed_memoized = immutabledict()
        self._came_to(Outcome())

    def _came_to(self, outcome: Outcome) -> None:
        self._cursor = outcome  # type: ignore[assignment]
        self._rows = outcome.rows

    async def _execute_async(self, operation: Any, parameters: Any) -> Any:
        return await self._visit(lambda cursor: cursor.execute(operation, parameters or ()))

    async def _executemany_async(self, operation: Any, seq_of_parameters: Any) -> Any:
        return await self._visit(lambda cursor: cursor.executemany(operation, seq_of_parameters))

    async def _visit(self, run: Callable[[sqlite3.Cursor], object]) -> None:
        driver: Any = self._connection

        def visit() -> Outcome:
            cursor = driver._conn.cursor()
            try:
                run(cursor)
                return Outcome(cursor)
            finally:
                cursor.close()

        async with self._adapt_connection._execute_mutex:
            self._came_to(await driver._execute(visit))


class OneVisitConnection(AsyncAdapt_aiosqlite_connection):
    """A connection whose cursors do all in one visit, save those that stream."""

    __slots__ = ()

    _cursor_cls = OneVisitCursor  # type: ignore[assignment]


class OneVisitDriver(AsyncAdapt_aiosqlite_dbapi):
    """The driver, as `create_async_engine` takes it (`module`)."""

    def __init__(self) -> None:
        super().__init__(aiosqlite, sqlite3)

    def connect(self, *arg: Any, **kw: Any) -> OneVisitConnection:
        """Return a new connection."""
        return OneVisitConnection(self, super().connect(*arg, **kw)._connection)
