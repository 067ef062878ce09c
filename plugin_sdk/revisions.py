"""Tables in the revisions of apps and kits, a line a column.

What a landed revision calls is never changed: a column that a mixin gets later is brought by a
function of its own, which the next revision of each app calls.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from plugin_sdk.data import UtcTime

Columns = list["sa.Column[Any]"]


def column(name: str, kind: Any, *, null: bool = False) -> "sa.Column[Any]":
    """Return a column; `kind` is a type or its instance."""
    return sa.Column(name, kind, nullable=null)


def text(name: str, length: int, *, null: bool = False) -> "sa.Column[Any]":
    """Return a column of so many characters."""
    return column(name, sa.String(length=length), null=null)


def time(name: str, *, null: bool = False) -> "sa.Column[Any]":
    """Return a column of a moment."""
    return column(name, UtcTime(), null=null)


def owned() -> Columns:
    """Return the columns of `plugin_sdk.data.Owned`."""
    return [
        column("id", sa.Uuid()),
        column("organization_id", sa.Uuid()),
        column("person_id", sa.Uuid(), null=True),
    ]


def signed() -> Columns:
    """Return the columns of `plugin_sdk.signing.Signed`."""
    people = ("actor_person_id", "agent_person_id", "delegator_person_id")
    return [
        *(column(name, sa.Uuid(), null=True) for name in people),
        text("role", 200),
        text("unit", 200),
        time("at"),
    ]


def create(
    table: str,
    columns: Columns,
    *more: "sa.Constraint",
    unique: tuple[str, ...] = (),
    index: tuple[str, ...] = (),
) -> None:
    """Create a table whose key is `id`, with a constraint for each `unique` column and an index
    for each in `index`."""
    op.create_table(
        table,
        *columns,
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        *(sa.UniqueConstraint(name, name=op.f(f"uq_{table}_{name}")) for name in unique),
        *more,
    )
    for name in index:
        op.create_index(op.f(f"ix_{table}_{name}"), table, [name], unique=False)


def create_owned(
    table: str,
    columns: Columns,
    *more: "sa.Constraint",
    unique: tuple[str, ...] = (),
    index: tuple[str, ...] = (),
) -> None:
    """`create` with the columns and the indexes of `Owned`."""
    both = ("organization_id", "person_id", *index)
    create(table, [*owned(), *columns], *more, unique=unique, index=both)


def drop(*tables: str) -> None:
    """Drop tables, in order."""
    for table in tables:
        op.drop_table(table)
