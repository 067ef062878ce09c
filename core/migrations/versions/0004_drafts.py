"""Drafts: what a person has begun to fill in; and the lists that they pinned."""

import sqlalchemy as sa
from alembic import op

import plugin_sdk.data

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables up."""
    op.create_table(
        "work_draft",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.String(), nullable=True),
        sa.Column("app", sa.String(), nullable=False),
        sa.Column("form", sa.String(), nullable=False),
        sa.Column("href", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("title_key", sa.String(), nullable=False),
        sa.Column("lacking", sa.JSON(), nullable=False),
        sa.Column("texts", sa.JSON(), nullable=False),
        sa.Column("saved_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_work_draft")),
    )
    for column in ("person_id", "session_id", "saved_at"):
        op.create_index(op.f(f"ix_work_draft_{column}"), "work_draft", [column], unique=False)
    op.create_table(
        "work_pin",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("href", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("pinned_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", "href", name=op.f("pk_work_pin")),
    )


def downgrade() -> None:
    """Take the tables away."""
    op.drop_table("work_pin")
    for column in ("saved_at", "session_id", "person_id"):
        op.drop_index(op.f(f"ix_work_draft_{column}"), table_name="work_draft")
    op.drop_table("work_draft")
