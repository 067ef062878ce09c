"""Compiled statements, kept for a whole run.

SQLAlchemy compiles each statement once for an engine; each test has an engine of its own, and
compiling was a sixth of its time. What is compiled depends on the kind of database alone.
"""

from typing import Any

from sqlalchemy import Engine
from sqlalchemy.util import LRUCache

MOST = 2_000

_kept: dict[str, "Statements"] = {}


class Statements(LRUCache[Any, Any]):
    """What was compiled for one kind of database, whichever engine asked for it first."""

    def get(self, key: Any, default: Any = None) -> Any:
        """Return what was compiled for another engine's dialect too."""
        return super().get(key[1:], default)

    def __setitem__(self, key: Any, compiled: Any) -> None:
        super().__setitem__(key[1:], compiled)


def share_statements(engine: Engine) -> None:
    """Let an engine compile nothing that another one of its kind has compiled before."""
    kept = _kept.setdefault(engine.dialect.name, Statements(MOST))
    engine.update_execution_options(compiled_cache=kept)
