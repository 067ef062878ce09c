"""The listener that lets no statement touch a scoped table without its scope.

`rows()` marks its statement with the table whose scope it has set. Any scoped table that a
statement names beyond this (a bare table in Core, a join, an alias, a subquery, an eager
load, a bulk update) is refused when it is executed, and so is text. Writes of the unit of
work pass, since each row was checked before the flush.

A statement is looked through once, when it is compiled; SQLAlchemy keeps compiled
statements, so that later executions cost a look-up.
"""

from collections.abc import Iterator
from typing import Any
from weakref import WeakKeyDictionary

import msgspec
from sqlalchemy import TextClause, event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.sql import visitors
from sqlalchemy.sql.elements import ClauseElement, ColumnClause
from sqlalchemy.sql.schema import Table
from sqlalchemy.sql.selectable import CTE, AliasedReturnsRows, Select, Subquery, TableClause

from core.database import MIGRATION, UNIT
from plugin_sdk.data import scoped

SCOPED_TABLES = "yimen_scoped_tables"


class ScopeViolation(Exception):
    """A statement that would read or write past the scope: a fault of the app's code."""


class _Scan(msgspec.Struct, frozen=True):
    """What a statement does: the scoped tables it names where `rows` would have set their
    scope, those it names beside, and text that cannot be looked through."""

    plain: frozenset[str]
    beside: frozenset[str]
    opaque: str = ""


_scans: WeakKeyDictionary[Any, _Scan] = WeakKeyDictionary()


def install(engine: Engine) -> None:
    """Let the engine refuse what is not scoped."""

    def before_cursor(
        connection: Connection, cursor: Any, statement: str, params: Any, context: Any, many: bool
    ) -> None:
        if context is None:
            return
        options = context.execution_options
        if options.get(MIGRATION):
            return
        compiled = context.compiled
        if compiled is None or context.isddl:
            raise ScopeViolation("driver SQL and DDL are for migrations alone")
        scan = _scans.get(compiled)
        if scan is None:
            scan = _scans[compiled] = _scan(compiled)
        if scan.opaque:
            raise ScopeViolation(
                f"{scan.opaque} cannot be scoped: use rows() or the model's columns"
            )
        if not scan.plain and not scan.beside:
            return
        unit = options.get(UNIT)
        if unit is not None and unit.flushing:
            return
        for name in scan.beside | (scan.plain - options.get(SCOPED_TABLES, frozenset())):
            raise ScopeViolation(f"{name} is scoped: read it through rows()")

    event.listen(engine, "before_cursor_execute", before_cursor)


def _scan(compiled: Any) -> _Scan:
    statement: ClauseElement = compiled.statement
    # what the ORM made of it: eager loads have become joins there
    final = getattr(compiled.compile_state, "statement", None)
    plain: set[str] = set()
    beside: set[str] = set()
    opaque = ""
    for top in (statement, final):
        if top is None:
            continue
        for element in visitors.iterate(top):
            opaque = opaque or _opaque(element)
            plain.update(_named(element))
            beside.update(_beside(element, top))
    return _Scan(frozenset(plain), frozenset(beside), opaque)


def _opaque(element: Any) -> str:
    if isinstance(element, TextClause):
        return "text()"
    if isinstance(element, ColumnClause) and element.is_literal and element.name not in ("*", "1"):
        return "literal_column()"
    if isinstance(element, TableClause) and not isinstance(element, Table):
        return "table()"
    return ""


def _named(element: Any) -> Iterator[str]:
    for table in (element, getattr(element, "table", None)):
        if isinstance(table, TableClause) and scoped(table):
            yield table.name


def _beside(element: Any, top: Any) -> Iterator[str]:
    """Yield scoped tables that stand in a statement a second time: as an alias, in a
    subquery, joined. The condition that `rows` has set does not bind those."""
    table = getattr(element, "table", None)
    if isinstance(table, AliasedReturnsRows):
        yield from _beside(table, top)
    if isinstance(element, AliasedReturnsRows):
        inner = element.element
        if isinstance(inner, TableClause):
            yield from _named(inner)
        elif isinstance(element, Subquery | CTE):
            for part in visitors.iterate(inner):
                yield from _named(part)
    elif isinstance(element, Select) and element is not top:
        yield from _uncorrelated(element)


def _uncorrelated(select: Select[Any]) -> Iterator[str]:
    """Yield scoped tables that a nested select reads by itself. One that it names beside
    another table, and does not join, is the enclosing statement's row (auto-correlation)."""
    froms = select.get_final_froms()
    for origin in froms:
        named = {name for part in visitors.iterate(origin) for name in _named(part)}
        alone = len(froms) == 1 or not isinstance(origin, TableClause)
        if named and (alone or not select._auto_correlate):
            yield from named
