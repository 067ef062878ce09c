"""Orders."""

import sqlalchemy as sa
from alembic import op

import plugin_sdk.data

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables up."""
    op.create_table(
        "hotline_order",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("stage_entered_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("opened_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("held_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("origin_organization_id", sa.Uuid(), nullable=False),
        sa.Column("due_at", plugin_sdk.data.UtcTime(), nullable=True),
        sa.Column("due_from", plugin_sdk.data.UtcTime(), nullable=True),
        sa.Column("due_term", sa.JSON(), nullable=True),
        sa.Column("due_pending", sa.Boolean(), nullable=False),
        sa.Column("paused_at", plugin_sdk.data.UtcTime(), nullable=True),
        sa.Column("responded_at", plugin_sdk.data.UtcTime(), nullable=True),
        sa.Column("resolved_at", plugin_sdk.data.UtcTime(), nullable=True),
        sa.Column("closed_at", plugin_sdk.data.UtcTime(), nullable=True),
        sa.Column("returns", sa.Integer(), nullable=False),
        sa.Column("extension_asked", sa.Integer(), nullable=True),
        sa.Column("extension_asked_by", sa.Uuid(), nullable=True),
        sa.Column("extended", sa.Integer(), nullable=False),
        sa.Column("supervised_at", plugin_sdk.data.UtcTime(), nullable=True),
        sa.Column("urged_at", plugin_sdk.data.UtcTime(), nullable=True),
        sa.Column("urged_by", sa.Uuid(), nullable=True),
        sa.Column("urged_by_post", sa.String(length=200), nullable=False),
        sa.Column("reopened", sa.Integer(), nullable=False),
        sa.Column("rating", sa.Integer(), nullable=True),
        sa.Column("rating_comment", sa.String(length=1000), nullable=True),
        sa.Column("rated_at", plugin_sdk.data.UtcTime(), nullable=True),
        sa.Column("imported", sa.Boolean(), nullable=False),
        sa.Column("source_key", sa.String(length=200), nullable=True),
        sa.Column("kind", sa.String(length=20), nullable=True),
        sa.Column("category_code", sa.String(length=100), nullable=True),
        sa.Column("region_id", sa.Uuid(), nullable=True),
        sa.Column("place", sa.String(length=200), nullable=False),
        sa.Column("longitude", sa.Float(), nullable=True),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("outside_boundary", sa.Boolean(), nullable=False),
        sa.Column("urgency", sa.String(length=10), nullable=False),
        sa.Column("secret", sa.Boolean(), nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("caller_name", sa.String(length=100), nullable=False),
        sa.Column("caller_phone", sa.String(length=20), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("reply", sa.Text(), nullable=True),
        sa.Column("answered_at", plugin_sdk.data.UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hotline_order")),
        sa.UniqueConstraint("number", name=op.f("uq_hotline_order_number")),
        sa.UniqueConstraint("source_key", name=op.f("uq_hotline_order_source_key")),
    )
    op.create_index(
        op.f("ix_hotline_order_category_code"), "hotline_order", ["category_code"], unique=False
    )
    op.create_index(op.f("ix_hotline_order_due_at"), "hotline_order", ["due_at"], unique=False)
    op.create_index(
        op.f("ix_hotline_order_due_pending"), "hotline_order", ["due_pending"], unique=False
    )
    op.create_index(
        op.f("ix_hotline_order_opened_at"), "hotline_order", ["opened_at"], unique=False
    )
    op.create_index(
        op.f("ix_hotline_order_organization_id"), "hotline_order", ["organization_id"], unique=False
    )
    op.create_index(
        op.f("ix_hotline_order_person_id"), "hotline_order", ["person_id"], unique=False
    )
    op.create_index(
        op.f("ix_hotline_order_region_id"), "hotline_order", ["region_id"], unique=False
    )
    op.create_index(op.f("ix_hotline_order_state"), "hotline_order", ["state"], unique=False)
    op.create_table(
        "hotline_order_entry",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("verb", sa.String(length=40), nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("target", sa.String(length=40), nullable=False),
        sa.Column("actor_person_id", sa.Uuid(), nullable=True),
        sa.Column("actor_post_id", sa.Uuid(), nullable=True),
        sa.Column("role", sa.String(length=200), nullable=False),
        sa.Column("unit", sa.String(length=200), nullable=False),
        sa.Column("at", plugin_sdk.data.UtcTime(), nullable=True),
        sa.Column("on_date", sa.Date(), nullable=True),
        sa.Column("reason", sa.String(length=1000), nullable=True),
        sa.Column("text", sa.String(), nullable=True),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hotline_order_entry")),
    )
    op.create_index(
        op.f("ix_hotline_order_entry_case_id"), "hotline_order_entry", ["case_id"], unique=False
    )
    op.create_index(
        op.f("ix_hotline_order_entry_organization_id"),
        "hotline_order_entry",
        ["organization_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_hotline_order_entry_person_id"), "hotline_order_entry", ["person_id"], unique=False
    )
    op.create_table(
        "hotline_order_party",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("since", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hotline_order_party")),
    )
    op.create_index(
        op.f("ix_hotline_order_party_case_id"), "hotline_order_party", ["case_id"], unique=False
    )
    op.create_index(
        op.f("ix_hotline_order_party_organization_id"),
        "hotline_order_party",
        ["organization_id"],
        unique=False,
    )


def downgrade() -> None:
    """Take the tables back."""
    op.drop_index(op.f("ix_hotline_order_party_organization_id"), table_name="hotline_order_party")
    op.drop_index(op.f("ix_hotline_order_party_case_id"), table_name="hotline_order_party")
    op.drop_table("hotline_order_party")
    op.drop_index(op.f("ix_hotline_order_entry_person_id"), table_name="hotline_order_entry")
    op.drop_index(op.f("ix_hotline_order_entry_organization_id"), table_name="hotline_order_entry")
    op.drop_index(op.f("ix_hotline_order_entry_case_id"), table_name="hotline_order_entry")
    op.drop_table("hotline_order_entry")
    op.drop_index(op.f("ix_hotline_order_state"), table_name="hotline_order")
    op.drop_index(op.f("ix_hotline_order_region_id"), table_name="hotline_order")
    op.drop_index(op.f("ix_hotline_order_person_id"), table_name="hotline_order")
    op.drop_index(op.f("ix_hotline_order_organization_id"), table_name="hotline_order")
    op.drop_index(op.f("ix_hotline_order_opened_at"), table_name="hotline_order")
    op.drop_index(op.f("ix_hotline_order_due_pending"), table_name="hotline_order")
    op.drop_index(op.f("ix_hotline_order_due_at"), table_name="hotline_order")
    op.drop_index(op.f("ix_hotline_order_category_code"), table_name="hotline_order")
    op.drop_table("hotline_order")
