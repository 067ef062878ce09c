"""What people typed under data elements, and how often forms asked for what the hub held."""

import sqlalchemy as sa
from alembic import op

import plugin_sdk.data

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "hub_typed_element",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("element", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("app", sa.String(), nullable=False),
        sa.Column("at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["identity_person.id"], name=op.f("fk_hub_typed_element_person_id")
        ),
        sa.PrimaryKeyConstraint("person_id", "element", name=op.f("pk_hub_typed_element")),
    )
    op.create_index(op.f("ix_hub_typed_element_at"), "hub_typed_element", ["at"], unique=False)
    op.create_table(
        "usage_element",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("app", sa.String(), nullable=False),
        sa.Column("element", sa.String(), nullable=False),
        sa.Column("spared", sa.Integer(), nullable=False),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", "app", "element", name=op.f("pk_usage_element")),
    )


def downgrade() -> None:
    """Take them away."""
    op.drop_table("usage_element")
    op.drop_index(op.f("ix_hub_typed_element_at"), table_name="hub_typed_element")
    op.drop_table("hub_typed_element")
