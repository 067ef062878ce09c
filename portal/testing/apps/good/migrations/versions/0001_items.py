"""Items, runs and notices."""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

import plugin_sdk.data

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables up."""
    op.create_table(
        "good_item",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("title", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
        sa.Column("sealed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_good_item")),
    )
    op.create_index(
        op.f("ix_good_item_organization_id"), "good_item", ["organization_id"], unique=False
    )
    op.create_index(op.f("ix_good_item_person_id"), "good_item", ["person_id"], unique=False)
    op.create_table(
        "good_notice",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_good_notice")),
    )
    op.create_index(op.f("ix_good_notice_item_id"), "good_notice", ["item_id"], unique=False)
    op.create_table(
        "good_tally",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_good_tally")),
    )


def downgrade() -> None:
    """Take the tables back."""
    op.drop_table("good_tally")
    op.drop_index(op.f("ix_good_notice_item_id"), table_name="good_notice")
    op.drop_table("good_notice")
    op.drop_index(op.f("ix_good_item_person_id"), table_name="good_item")
    op.drop_index(op.f("ix_good_item_organization_id"), table_name="good_item")
    op.drop_table("good_item")
