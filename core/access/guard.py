"""The listener that lets no statement touch a scoped table without its scope.

`rows()` marks its statement with the tables whose scope it has set; any scoped table that
a statement names beyond these (a bare table in Core, a join, a subquery, a bulk update) is
refused when it is executed, and so is text. Writes of the unit of work pass, since each
row was checked before the flush.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import TextClause, event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.orm import Mapper
from sqlalchemy.sql import visitors
from sqlalchemy.sql.elements import ClauseElement
from sqlalchemy.sql.schema import Table

from core.database import MIGRATION, UNIT
from plugin_sdk.data import SCOPED, Owned, scoped

SCOPED_TABLES = "yimen_scoped_tables"


class ScopeViolation(Exception):
    """A statement that would read or write past the scope: a fault of the app's code."""


@event.listens_for(Mapper, "after_mapper_constructed")
def _mark_scoped(mapper: Mapper[Any], class_: type[Any]) -> None:
    if issubclass(class_, Owned) and isinstance(mapper.local_table, Table):
        mapper.local_table.info[SCOPED] = True


def tables_in(statement: ClauseElement) -> set[Table]:
    """Return every table that a statement names, wherever."""
    return {element for element in _elements(statement) if isinstance(element, Table)}


def _elements(statement: ClauseElement) -> Iterable[Any]:
    for element in visitors.iterate(statement):
        yield element
        if isinstance(element, Table):
            continue
        table = getattr(element, "table", None)
        if isinstance(table, Table):
            yield table


def install(engine: Engine) -> None:
    """Let the engine refuse what is not scoped."""
    event.listen(engine, "before_execute", _before_execute)
    event.listen(engine, "before_cursor_execute", _before_cursor)


def _before_execute(
    connection: Connection, statement: Any, multiparams: Any, params: Any, options: Any
) -> None:
    if options.get(MIGRATION):
        return
    if isinstance(statement, TextClause):
        raise ScopeViolation("text() cannot be scoped: use rows() or the model's columns")
    unit = options.get(UNIT)
    if unit is not None and unit.flushing:
        return
    allowed = options.get(SCOPED_TABLES, frozenset())
    for table in tables_in(statement):
        if scoped(table) and table.name not in allowed:
            raise ScopeViolation(f"{table.name} is scoped: read it through rows()")


def _before_cursor(
    connection: Connection, cursor: Any, statement: str, params: Any, context: Any, many: bool
) -> None:
    if context is not None and context.compiled is None:
        options = context.execution_options
        if not options.get(MIGRATION):
            raise ScopeViolation("driver SQL is for migrations alone")
