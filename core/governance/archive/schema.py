"""Tables described without their app: what the archive builds them from when its package is gone.

A description names kinds, not types of an engine or of a library, so that one of a hub on SQLite
is read by one on PostgreSQL, years later. Only what an app's own tables are is described: columns,
keys, and what must be unique. What points out of them is left out.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

import msgspec
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.types import TypeEngine

from plugin_sdk.data import NAMING, UtcTime

# the first that a column's type is an instance of: what is more special stands first
KINDS: Final[tuple[tuple[str, type[Any]], ...]] = (
    ("uuid", Uuid),
    ("time", UtcTime),
    ("date", Date),
    ("bytes", LargeBinary),
    ("json", JSON),
    ("text", Text),
    ("string", String),
    ("bool", Boolean),
    ("bigint", BigInteger),
    ("int", Integer),
    ("float", Float),
)


class Undescribable(ValueError):
    """A column of a kind that no description has; the message names it."""


class ColumnFacts(msgspec.Struct, frozen=True, omit_defaults=True):
    """A column: its kind (`KINDS`), whether it may be empty, the length of a string."""

    name: str
    kind: str
    nullable: bool = False
    length: int | None = None


class Pointer(msgspec.Struct, frozen=True, omit_defaults=True):
    """Columns that point at those of another table of the app, and what follows a deletion."""

    columns: tuple[str, ...]
    table: str
    targets: tuple[str, ...]
    ondelete: str | None = None


class IndexFacts(msgspec.Struct, frozen=True, omit_defaults=True):
    """An index over whole columns, without a condition."""

    name: str
    columns: tuple[str, ...]
    unique: bool = False


class TableFacts(msgspec.Struct, frozen=True, omit_defaults=True):
    """A table."""

    name: str
    columns: tuple[ColumnFacts, ...]
    key: tuple[str, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    pointers: tuple[Pointer, ...] = ()
    indexes: tuple[IndexFacts, ...] = ()


class Described(msgspec.Struct, frozen=True, omit_defaults=True):
    """The tables of an app, what is pointed at before what points, at a revision of its history;
    `prefix` is what the name of each begins with."""

    tables: tuple[TableFacts, ...] = ()
    revision: str | None = None
    prefix: str = ""


def describe(tables: Iterable[Table]) -> tuple[TableFacts, ...]:
    """Return the description of tables. Raises `Undescribable`."""
    return _described(frozenset(tables))


@lru_cache(maxsize=64)  # a table never changes, so the same ones are described once
def _described(own: frozenset[Table]) -> tuple[TableFacts, ...]:
    ordered = [
        table
        for metadata in sorted(
            {table.metadata for table in own}, key=lambda each: _first(each, own)
        )
        for table in metadata.sorted_tables
        if table in own
    ]
    return tuple(_table(table, {each.name for each in own}) for table in ordered)


def _first(metadata: MetaData, own: frozenset[Table]) -> str:
    return min(table.name for table in own if table.metadata is metadata)


def _table(table: Table, own: set[str]) -> TableFacts:
    unique = [
        _names(constraint.columns)
        for constraint in table.constraints
        if isinstance(constraint, UniqueConstraint)
    ]
    return TableFacts(
        name=str(table.name),
        columns=tuple(_column(column) for column in table.columns),
        key=_names(table.primary_key.columns),
        unique=tuple(sorted(unique)),
        pointers=tuple(sorted(_pointers(table, own), key=lambda each: each.columns)),
        indexes=tuple(sorted(_indexes(table), key=lambda each: each.name)),
    )


def _names(columns: Iterable[Any]) -> tuple[str, ...]:
    return tuple(str(column.name) for column in columns)


def _column(column: Column[Any]) -> ColumnFacts:
    stored: Any = column.type
    while isinstance(stored, TypeDecorator) and not isinstance(stored, UtcTime):
        stored = stored.impl_instance  # what stands in the table, however the app reads it
    kind = next((name for name, type in KINDS if isinstance(stored, type)), None)
    if kind is None:
        raise Undescribable(f"{column.table.name}.{column.name} is of {column.type!r}")
    length = getattr(stored, "length", None) if kind == "string" else None
    return ColumnFacts(str(column.name), kind, bool(column.nullable), length)


def _pointers(table: Table, own: set[str]) -> Iterable[Pointer]:
    for constraint in table.foreign_key_constraints:
        target = str(constraint.referred_table.name)
        if target in own:
            yield Pointer(
                _names(constraint.columns),
                target,
                _names(element.column for element in constraint.elements),
                constraint.ondelete,
            )


def _indexes(table: Table) -> Iterable[IndexFacts]:
    for index in table.indexes:
        conditional = any(
            index.dialect_options[name].get("where") is not None
            for name in ("sqlite", "postgresql")
        )
        columns = tuple(str(getattr(each, "name", "")) for each in index.expressions)
        if not conditional and all(columns):
            yield IndexFacts(str(index.name), columns, bool(index.unique))


def built(tables: Iterable[TableFacts]) -> list[Table]:
    """Return tables as they were described, in a `MetaData` of their own, in the same order.
    Raises `Undescribable` for a kind that is not known here."""
    metadata = MetaData(naming_convention=NAMING)
    return [_built(metadata, facts) for facts in tables]


def _built(metadata: MetaData, facts: TableFacts) -> Table:
    parts: list[Any] = [
        Column(each.name, _type(facts.name, each), nullable=each.nullable, autoincrement=False)
        for each in facts.columns
    ]
    if facts.key:
        parts.append(PrimaryKeyConstraint(*facts.key))
    parts += [UniqueConstraint(*columns) for columns in facts.unique]
    for pointer in facts.pointers:
        targets = [f"{pointer.table}.{name}" for name in pointer.targets]
        parts.append(ForeignKeyConstraint(pointer.columns, targets, ondelete=pointer.ondelete))
    table = Table(facts.name, metadata, *parts)
    for index in facts.indexes:
        Index(index.name, *(table.c[name] for name in index.columns), unique=index.unique)
    return table


def _type(table: str, column: ColumnFacts) -> TypeEngine[Any]:
    kind = dict(KINDS).get(column.kind)
    if kind is None:
        raise Undescribable(f"{table}.{column.name} is of the kind {column.kind}")
    found: TypeEngine[Any] = kind(column.length) if column.kind == "string" else kind()
    return found
