"""Compiled statements, kept for a whole run.

SQLAlchemy compiles each statement once for an engine; each test has an engine of its own, and
compiling was a sixth of its time. What is compiled depends on the dialect alone, as long as
all engines of one are made alike, and `Database` makes them all.
"""

from typing import Any

from sqlalchemy import Connection, Dialect, Engine, event
from sqlalchemy.util import LRUCache

MOST = 2_000

_kept: dict[type[Dialect], "Statements"] = {}


class Statements(LRUCache[Any, Any]):
    """What was compiled for one dialect, whichever engine asked for it first."""

    def get(self, key: Any, default: Any = None) -> Any:
        """Return what was compiled, whatever instance of the dialect it was compiled for."""
        return super().get(key[1:], default)

    def __setitem__(self, key: Any, compiled: Any) -> None:
        super().__setitem__(key[1:], compiled)


def share_statements() -> None:
    """Let no engine of this process compile what another one has compiled before."""
    event.listen(Engine, "engine_connect", _share)


def _share(connection: Connection) -> None:
    kept = _kept.setdefault(type(connection.dialect), Statements(MOST))
    connection.execution_options(compiled_cache=kept)
