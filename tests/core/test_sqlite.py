"""One visit for a statement: what it came to is what the driver's own cursor says."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import create_async_engine

from core.database import Database
from core.sqlite import OneVisitCursor

STATEMENTS = (
    ("CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT)", None),
    ("INSERT INTO t (b) VALUES ('x'), ('y')", None),
    ("INSERT INTO t (b) VALUES (:b) RETURNING a, b", {"b": "z"}),
    ("INSERT INTO t (b) VALUES (:b)", [{"b": "1"}, {"b": "2"}]),
    ("UPDATE t SET b = 'w' WHERE a > 2 RETURNING a", None),
    ("UPDATE t SET b = 'v' WHERE a > 99", None),
    ("SELECT a, b FROM t ORDER BY a", None),
    ("SELECT a FROM t WHERE a > 99", None),
    ("DELETE FROM t WHERE a < 3", None),
)


async def outcomes(engine):
    found: list = []
    async with engine.begin() as connection:
        for statement, values in STATEMENTS:
            result = await connection.execute(text(statement), values)
            rows = [tuple(row) for row in result] if result.returns_rows else None
            found.append((result.rowcount, result.lastrowid, rows))
        with pytest.raises(IntegrityError, match="UNIQUE"):
            await connection.execute(text("INSERT INTO t (a) VALUES (3)"))
        async with connection.stream(text("SELECT a FROM t ORDER BY a")) as streamed:
            found.append([row.a async for row in streamed])
        raw = (await connection.get_raw_connection()).dbapi_connection
        kind = raw._cursor_cls
    await engine.dispose()
    return found, kind


async def test_a_statement_comes_to_what_it_came_to_in_four(tmp_path):
    plain = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'plain'}")
    expected, four = await outcomes(plain)
    found, one = await outcomes(Database(f"sqlite+aiosqlite:///{tmp_path / 'ours'}").engine)
    assert found == expected
    assert one is OneVisitCursor
    assert four is not one
