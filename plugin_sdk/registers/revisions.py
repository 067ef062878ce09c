"""The tables of a register, for the revisions of apps: what a landed one calls never changes.

def upgrade() -> None:
    create_register("village_lease", sa.Column("rent", sa.BigInteger(), nullable=False))
"""

import sqlalchemy as sa
from alembic import op

from plugin_sdk.data import UtcTime


def create_register(name: str, *columns: "sa.Column[object]") -> None:
    """Create `name` with the app's `columns`, and its `_version`."""
    op.create_table(
        name,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=90), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("changed_at", UtcTime(), nullable=False),
        *columns,
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
        sa.UniqueConstraint("key", name=op.f(f"uq_{name}_key")),
    )
    _index(name, "organization_id", "person_id", "ends_on", "changed_at")
    op.create_table(
        f"{name}_version",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("actor_person_id", sa.Uuid(), nullable=True),
        sa.Column("agent_person_id", sa.Uuid(), nullable=True),
        sa.Column("delegator_person_id", sa.Uuid(), nullable=True),
        sa.Column("role", sa.String(length=200), nullable=False),
        sa.Column("unit", sa.String(length=200), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("verb", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=1000), nullable=True),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}_version")),
    )
    _index(f"{name}_version", "organization_id", "person_id", "record_id")


def drop_register(name: str) -> None:
    """Take the tables of a register back."""
    op.drop_table(f"{name}_version")
    op.drop_table(name)


def _index(table: str, *names: str) -> None:
    for name in names:
        op.create_index(op.f(f"ix_{table}_{name}"), table, [name], unique=False)
