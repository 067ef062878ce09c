"""Drafting a migration: what the models say beyond what the migrations have made.

For developers of the shell and of apps; a draft is read and committed like any code.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from alembic.autogenerate import compare_metadata, produce_migrations, render_python_code
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, create_engine
from sqlmodel import AutoString

from core.apps.migrations import upgrade, version_table
from plugin_sdk.data import UtcTime

TEMPLATE = '''"""{message}."""

import sqlalchemy as sa
from alembic import op

import plugin_sdk.data

revision = "{revision}"
down_revision = {down}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables up."""
{up}


def downgrade() -> None:
    """Take the tables back."""
{back}
'''


def draft(name: str, folder: Path, metadata: MetaData, message: str) -> Path | None:
    """Write the next revision of a history; return its file, None if nothing changed."""
    versions = folder / "versions"
    versions.mkdir(parents=True, exist_ok=True)
    revisions = sorted(path.stem.partition("_")[0] for path in versions.glob("[0-9]*.py"))
    last = revisions[-1] if revisions else None
    with _scratch() as connection:
        if last:
            upgrade(connection, name, folder)
        context = _context(connection, name, metadata)
        script = produce_migrations(context, metadata)
        if script.upgrade_ops is None or script.downgrade_ops is None:
            return None
        if script.upgrade_ops.is_empty():
            return None
        up = render_python_code(script.upgrade_ops, migration_context=context, render_item=_render)
        back = render_python_code(
            script.downgrade_ops, migration_context=context, render_item=_render
        )
    revision = f"{len(revisions) + 1:04d}"
    slug = "_".join(message.lower().split())[:40]
    path = versions / f"{revision}_{slug}.py"
    path.write_text(
        TEMPLATE.format(
            message=message,
            revision=revision,
            down=repr(last),
            up=_body(up),
            back=_body(back),
            year=datetime.now(UTC).year,
        ),
        encoding="utf-8",
    )
    return path


def disorder(folder: Path) -> list[str]:
    """Return the files of a history that do not bear the number of their revision, or do not
    follow the one before: a start reads the head of a history from the names of its files."""
    found: list[str] = []
    last = None
    if not folder.is_dir():
        return found
    script = ScriptDirectory(str(folder), version_locations=[str(folder / "versions")])
    for revision in sorted(script.walk_revisions(), key=lambda revision: Path(revision.path).name):
        name = Path(revision.path).name
        if name.partition("_")[0] != revision.revision:
            found.append(f"{name} is revision {revision.revision}")
        if revision.down_revision != last:
            found.append(f"{name} follows {revision.down_revision}, not {last}")
        last = revision.revision
    return found


def differences(name: str, folder: Path, metadata: MetaData) -> list[str]:
    """Return what the models of a history say beyond what its migrations make."""
    with _scratch() as connection:
        if folder.is_dir():
            upgrade(connection, name, folder)
        found = compare_metadata(_context(connection, name, metadata), metadata)
    return [str(difference) for difference in found]


@contextmanager
def _scratch() -> Iterator[Connection]:
    with tempfile.TemporaryDirectory() as folder:
        engine = create_engine(f"sqlite:///{folder}/scratch.db")
        try:
            with engine.connect() as connection:
                yield connection
        finally:
            engine.dispose()


def _context(connection: Connection, name: str, metadata: MetaData) -> MigrationContext:
    return MigrationContext.configure(
        connection,
        opts={
            "version_table": version_table(name),
            "target_metadata": metadata,
            "render_item": _render,
            "sqlalchemy_module_prefix": "sa.",
            "alembic_module_prefix": "op.",
            "user_module_prefix": None,
            "compare_type": True,
        },
    )


def _body(code: str) -> str:
    lines = [line for line in code.splitlines() if line.strip() and "###" not in line]
    indented = [line if line.startswith("    ") else f"    {line}" for line in lines]
    return "\n".join(indented) or "    pass"


def _render(kind: str, item: Any, context: Any) -> str | Literal[False]:
    if kind == "type" and isinstance(item, UtcTime):
        return "plugin_sdk.data.UtcTime()"
    if kind == "type" and isinstance(item, AutoString):
        return "sa.String()"
    return False
