"""Tables described without their app: what is kept of one is loaded into another engine's."""

from datetime import UTC, date, datetime
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    Interval,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    Uuid,
    insert,
    text,
)

from core import bundles
from core.database import Database
from core.governance.archive.schema import TableFacts, Undescribable, built, describe
from plugin_sdk.data import NAMING, UtcTime


class Upper(TypeDecorator):
    """A type of an app's own: the archive keeps what stands in the table."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value, dialect):
        return value.upper()

    def process_result_value(self, value, dialect):
        return value.lower()


METADATA = MetaData(naming_convention=NAMING)
SHELF = Table(
    "shelf_row",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("above", ForeignKey("shelf_row.id")),
    Column("kind", ForeignKey("shelf_kind.name", ondelete="CASCADE"), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("day", Date),
    Column("data", LargeBinary),
    Column("facts", JSON),
    Column("words", Text),
    Column("code", Upper(20), unique=True),
    Column("big", BigInteger),
    Column("part", Float),
    Column("done", Boolean),
    Index("ix_shelf_row_day", "day", "done"),
    Index("ix_shelf_row_open", "day", unique=True, sqlite_where=text("done = 0")),
)
KIND = Table(
    "shelf_kind", METADATA, Column("name", String(9), primary_key=True), Column("n", Integer)
)
IDS = [UUID(int=n) for n in (2, 1)]
ROWS = [
    {
        "id": IDS[0],
        "above": IDS[1],  # a parent may follow its child
        "kind": "书",
        "at": datetime(2026, 1, 2, 3, 4, 5, 678901, UTC),
        "day": date(2026, 2, 28),
        "data": b"\x00\xff",
        "facts": {"b": [1, None], "a": "“引号”\n"},
        "words": "第一行\n第二行",
        "code": "abc",
        "big": 2**62,
        "part": 0.1,
        "done": True,
    },
    dict.fromkeys(SHELF.columns.keys())
    | {"id": IDS[1], "kind": "书", "at": datetime(1999, 12, 31, tzinfo=UTC), "code": "x"},
]


async def test_every_kind_of_column_is_kept_and_comes_back_on_the_other_engine(
    fresh_database_url, tmp_path
):
    described = msgspec.json.decode(
        msgspec.json.encode(describe([SHELF, KIND])), type=tuple[TableFacts, ...]
    )
    tables = built(described)
    assert [table.name for table in tables] == ["shelf_kind", "shelf_row"]
    assert describe(tables) == described, "what was built is what was described"
    assert [index.name for index in tables[1].indexes] == ["ix_shelf_row_day"], "whole ones alone"
    first, second = Database(fresh_database_url), Database(f"sqlite+aiosqlite:///{tmp_path}/other")
    try:
        async with first.migration() as connection:
            await connection.run_sync(METADATA.create_all)
            await connection.execute(insert(KIND), [{"name": "书", "n": -1}])
            for row in reversed(ROWS):
                await connection.execute(insert(SHELF), row)
            kept = [
                await bundles.keep(connection, table, tmp_path / table.name) for table in tables
            ]
            assert (await bundles.digest(connection, tables[1]))[0] == 2
            await connection.rollback()
        async with second.migration() as connection:
            await connection.run_sync(tables[0].metadata.create_all)
            for one, table in zip(kept, tables, strict=True):
                await bundles.load(connection, table, tmp_path / table.name, one)
                assert await bundles.digest(connection, table) == (one.rows, one.digest)
            found = await connection.execute(SHELF.select().order_by(SHELF.c.id.desc()))
            assert [dict(row) for row in found.mappings()] == ROWS
            await connection.rollback()
    finally:
        await first.close()
        await second.close()


def test_what_cannot_be_described_is_named():
    table = Table("shelf_odd", MetaData(), Column("span", Interval))
    with pytest.raises(Undescribable, match=r"shelf_odd\.span"):
        describe([table])
