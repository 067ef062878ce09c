"""Catalogue, publications, codes, questions, meetings, assets, subsidies."""

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
        "village_affairs_asset",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("key", sa.String(length=90), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("changed_at", plugin_sdk.data.UtcTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("counterparty", sa.String(length=100), nullable=True),
        sa.Column("place", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_village_affairs_asset")),
        sa.UniqueConstraint("key", name=op.f("uq_village_affairs_asset_key")),
    )
    op.create_index(
        op.f("ix_village_affairs_asset_changed_at"),
        "village_affairs_asset",
        ["changed_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_village_affairs_asset_ends_on"), "village_affairs_asset", ["ends_on"], unique=False
    )
    op.create_index(
        op.f("ix_village_affairs_asset_organization_id"),
        "village_affairs_asset",
        ["organization_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_village_affairs_asset_person_id"),
        "village_affairs_asset",
        ["person_id"],
        unique=False,
    )
    op.create_table(
        "village_affairs_asset_version",
        sa.Column("actor_person_id", sa.Uuid(), nullable=True),
        sa.Column("agent_person_id", sa.Uuid(), nullable=True),
        sa.Column("delegator_person_id", sa.Uuid(), nullable=True),
        sa.Column("role", sa.String(length=200), nullable=False),
        sa.Column("unit", sa.String(length=200), nullable=False),
        sa.Column("at", plugin_sdk.data.UtcTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("verb", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=1000), nullable=True),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_village_affairs_asset_version")),
    )
    op.create_index(
        op.f("ix_village_affairs_asset_version_organization_id"),
        "village_affairs_asset_version",
        ["organization_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_village_affairs_asset_version_person_id"),
        "village_affairs_asset_version",
        ["person_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_village_affairs_asset_version_record_id"),
        "village_affairs_asset_version",
        ["record_id"],
        unique=False,
    )
    op.create_table(
        "village_affairs_code",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("made_at", plugin_sdk.data.UtcTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_village_affairs_code")),
        sa.UniqueConstraint("code", name=op.f("uq_village_affairs_code_code")),
        sa.UniqueConstraint(
            "organization_id", name=op.f("uq_village_affairs_code_organization_id")
        ),
    )
    op.create_table(
        "village_affairs_item",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("key", sa.String(length=90), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("changed_at", plugin_sdk.data.UtcTime(timezone=True), nullable=False),
        sa.Column("heading", sa.String(length=20), nullable=False),
        sa.Column("every", sa.String(length=4), nullable=False),
        sa.Column("accounts", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_village_affairs_item")),
        sa.UniqueConstraint("key", name=op.f("uq_village_affairs_item_key")),
    )
    op.create_index(
        op.f("ix_village_affairs_item_changed_at"),
        "village_affairs_item",
        ["changed_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_village_affairs_item_ends_on"), "village_affairs_item", ["ends_on"], unique=False
    )
    op.create_index(
        op.f("ix_village_affairs_item_organization_id"),
        "village_affairs_item",
        ["organization_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_village_affairs_item_person_id"),
        "village_affairs_item",
        ["person_id"],
        unique=False,
    )
    op.create_table(
        "village_affairs_item_version",
        sa.Column("actor_person_id", sa.Uuid(), nullable=True),
        sa.Column("agent_person_id", sa.Uuid(), nullable=True),
        sa.Column("delegator_person_id", sa.Uuid(), nullable=True),
        sa.Column("role", sa.String(length=200), nullable=False),
        sa.Column("unit", sa.String(length=200), nullable=False),
        sa.Column("at", plugin_sdk.data.UtcTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("verb", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=1000), nullable=True),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_village_affairs_item_version")),
    )
    op.create_index(
        op.f("ix_village_affairs_item_version_organization_id"),
        "village_affairs_item_version",
        ["organization_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_village_affairs_item_version_person_id"),
        "village_affairs_item_version",
        ["person_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_village_affairs_item_version_record_id"),
        "village_affairs_item_version",
        ["record_id"],
        unique=False,
    )
    op.create_table(
        "village_affairs_meeting",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("place", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("starts_at", plugin_sdk.data.UtcTime(timezone=True), nullable=False),
        sa.Column("agenda", sa.Text(), nullable=False),
        sa.Column("called_at", plugin_sdk.data.UtcTime(timezone=True), nullable=False),
        sa.Column("called_by", sa.Uuid(), nullable=True),
        sa.Column("held_at", plugin_sdk.data.UtcTime(timezone=True), nullable=True),
        sa.Column("attendance", sa.JSON(), nullable=False),
        sa.Column("minutes", sa.Text(), nullable=True),
        sa.Column("published_at", plugin_sdk.data.UtcTime(timezone=True), nullable=True),
        sa.Column("cancelled_for", sa.String(length=1000), nullable=True),
        sa.Column("source_key", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_village_affairs_meeting")),
        sa.UniqueConstraint("number", name=op.f("uq_village_affairs_meeting_number")),
        sa.UniqueConstraint("source_key", name=op.f("uq_village_affairs_meeting_source_key")),
    )
    op.create_index(
        op.f("ix_village_affairs_meeting_organization_id"),
        "village_affairs_meeting",
        ["organization_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_village_affairs_meeting_person_id"),
        "village_affairs_meeting",
        ["person_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_village_affairs_meeting_starts_at"),
        "village_affairs_meeting",
        ["starts_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_village_affairs_meeting_state"), "village_affairs_meeting", ["state"], unique=False
    )
    op.create_table(
        "village_affairs_month",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("period", sa.Date(), nullable=False),
        sa.Column("supervisor_id", sa.Uuid(), nullable=True),
        sa.Column("due_at", plugin_sdk.data.UtcTime(timezone=True), nullable=True),
        sa.Column("expected", sa.JSON(), nullable=False),
        sa.Column("owed", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("nil", sa.Integer(), nullable=False),
        sa.Column("completed_at", plugin_sdk.data.UtcTime(timezone=True), nullable=True),
        sa.Column("late_at", plugin_sdk.data.UtcTime(timezone=True), nullable=True),
        sa.Column("released_at", plugin_sdk.data.UtcTime(timezone=True), nullable=True),
        sa.Column("urged_at", plugin_sdk.data.UtcTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_village_affairs_month")),
        sa.UniqueConstraint("key", name=op.f("uq_village_affairs_month_key")),
    )
    op.create_index(
        op.f("ix_village_affairs_month_due_at"), "village_affairs_month", ["due_at"], unique=False
    )
    op.create_index(
        op.f("ix_village_affairs_month_organization_id"),
        "village_affairs_month",
        ["organization_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_village_affairs_month_period"), "village_affairs_month", ["period"], unique=False
    )
    op.create_index(
        op.f("ix_village_affairs_month_person_id"),
        "village_affairs_month",
        ["person_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_village_affairs_month_supervisor_id"),
        "village_affairs_month",
        ["supervisor_id"],
        unique=False,
    )
    op.create_table(
        "village_affairs_publication",
        sa.Column("actor_person_id", sa.Uuid(), nullable=True),
        sa.Column("agent_person_id", sa.Uuid(), nullable=True),
        sa.Column("delegator_person_id", sa.Uuid(), nullable=True),
        sa.Column("role", sa.String(length=200), nullable=False),
        sa.Column("unit", sa.String(length=200), nullable=False),
        sa.Column("at", plugin_sdk.data.UtcTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("key", sa.String(length=150), nullable=False),
        sa.Column("period_id", sa.Uuid(), nullable=False),
        sa.Column("period", sa.Date(), nullable=False),
        sa.Column("item", sa.String(length=40), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("nil", sa.Boolean(), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("imported", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=1000), nullable=True),
        sa.Column("reviewer_person_id", sa.Uuid(), nullable=True),
        sa.Column("reviewer_role", sa.String(length=200), nullable=False),
        sa.Column("reviewed_at", plugin_sdk.data.UtcTime(timezone=True), nullable=True),
        sa.Column("remark", sa.String(length=1000), nullable=True),
        sa.Column("published_at", plugin_sdk.data.UtcTime(timezone=True), nullable=True),
        sa.Column("content", sa.Text(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("payee", sa.String(length=100), nullable=True),
        sa.Column("evidence", sa.String(length=500), nullable=True),
        sa.Column("opening", sa.BigInteger(), nullable=True),
        sa.Column("income", sa.BigInteger(), nullable=True),
        sa.Column("expense", sa.BigInteger(), nullable=True),
        sa.Column("closing", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_village_affairs_publication")),
        sa.UniqueConstraint("key", name=op.f("uq_village_affairs_publication_key")),
    )
    op.create_index(
        op.f("ix_village_affairs_publication_item"),
        "village_affairs_publication",
        ["item"],
        unique=False,
    )
    op.create_index(
        op.f("ix_village_affairs_publication_organization_id"),
        "village_affairs_publication",
        ["organization_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_village_affairs_publication_period"),
        "village_affairs_publication",
        ["period"],
        unique=False,
    )
    op.create_index(
        op.f("ix_village_affairs_publication_period_id"),
        "village_affairs_publication",
        ["period_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_village_affairs_publication_person_id"),
        "village_affairs_publication",
        ["person_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_village_affairs_publication_state"),
        "village_affairs_publication",
        ["state"],
        unique=False,
    )
    op.create_table(
        "village_affairs_question",
        sa.Column("meeting_id", sa.Uuid(), nullable=True),
        sa.Column("promised", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("stage_entered_at", plugin_sdk.data.UtcTime(timezone=True), nullable=False),
        sa.Column("opened_at", plugin_sdk.data.UtcTime(timezone=True), nullable=False),
        sa.Column("held_at", plugin_sdk.data.UtcTime(timezone=True), nullable=False),
        sa.Column("origin_organization_id", sa.Uuid(), nullable=False),
        sa.Column("due_at", plugin_sdk.data.UtcTime(timezone=True), nullable=True),
        sa.Column("due_from", plugin_sdk.data.UtcTime(timezone=True), nullable=True),
        sa.Column("due_term", sa.JSON(), nullable=True),
        sa.Column("due_pending", sa.Boolean(), nullable=False),
        sa.Column("paused_at", plugin_sdk.data.UtcTime(timezone=True), nullable=True),
        sa.Column("responded_at", plugin_sdk.data.UtcTime(timezone=True), nullable=True),
        sa.Column("resolved_at", plugin_sdk.data.UtcTime(timezone=True), nullable=True),
        sa.Column("closed_at", plugin_sdk.data.UtcTime(timezone=True), nullable=True),
        sa.Column("returns", sa.Integer(), nullable=False),
        sa.Column("extension_asked", sa.Integer(), nullable=True),
        sa.Column("extension_asked_by", sa.Uuid(), nullable=True),
        sa.Column("extended", sa.Integer(), nullable=False),
        sa.Column("supervised_at", plugin_sdk.data.UtcTime(timezone=True), nullable=True),
        sa.Column("urged_at", plugin_sdk.data.UtcTime(timezone=True), nullable=True),
        sa.Column("urged_by", sa.Uuid(), nullable=True),
        sa.Column("urged_by_post", sa.String(length=200), nullable=False),
        sa.Column("reopened", sa.Integer(), nullable=False),
        sa.Column("rating", sa.Integer(), nullable=True),
        sa.Column("rating_comment", sa.String(length=1000), nullable=True),
        sa.Column("rated_at", plugin_sdk.data.UtcTime(timezone=True), nullable=True),
        sa.Column("imported", sa.Boolean(), nullable=False),
        sa.Column("source_key", sa.String(length=200), nullable=True),
        sa.Column("town_id", sa.Uuid(), nullable=True),
        sa.Column("asker_name", sa.String(length=100), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("reply", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_village_affairs_question")),
        sa.UniqueConstraint("number", name=op.f("uq_village_affairs_question_number")),
        sa.UniqueConstraint("source_key", name=op.f("uq_village_affairs_question_source_key")),
    )
    op.create_index(
        op.f("ix_village_affairs_question_due_at"),
        "village_affairs_question",
        ["due_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_village_affairs_question_due_pending"),
        "village_affairs_question",
        ["due_pending"],
        unique=False,
    )
    op.create_index(
        op.f("ix_village_affairs_question_meeting_id"),
        "village_affairs_question",
        ["meeting_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_village_affairs_question_opened_at"),
        "village_affairs_question",
        ["opened_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_village_affairs_question_organization_id"),
        "village_affairs_question",
        ["organization_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_village_affairs_question_person_id"),
        "village_affairs_question",
        ["person_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_village_affairs_question_state"),
        "village_affairs_question",
        ["state"],
        unique=False,
    )
    op.create_table(
        "village_affairs_question_entry",
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
        sa.Column("agent_person_id", sa.Uuid(), nullable=True),
        sa.Column("delegator_person_id", sa.Uuid(), nullable=True),
        sa.Column("role", sa.String(length=200), nullable=False),
        sa.Column("unit", sa.String(length=200), nullable=False),
        sa.Column("at", plugin_sdk.data.UtcTime(timezone=True), nullable=True),
        sa.Column("on_date", sa.Date(), nullable=True),
        sa.Column("reason", sa.String(length=1000), nullable=True),
        sa.Column("text", sa.String(), nullable=True),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_village_affairs_question_entry")),
    )
    op.create_index(
        op.f("ix_village_affairs_question_entry_case_id"),
        "village_affairs_question_entry",
        ["case_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_village_affairs_question_entry_organization_id"),
        "village_affairs_question_entry",
        ["organization_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_village_affairs_question_entry_person_id"),
        "village_affairs_question_entry",
        ["person_id"],
        unique=False,
    )
    op.create_table(
        "village_affairs_question_party",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("since", plugin_sdk.data.UtcTime(timezone=True), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_village_affairs_question_party")),
    )
    op.create_index(
        op.f("ix_village_affairs_question_party_case_id"),
        "village_affairs_question_party",
        ["case_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_village_affairs_question_party_organization_id"),
        "village_affairs_question_party",
        ["organization_id"],
        unique=False,
    )
    op.create_table(
        "village_affairs_subsidy",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("recipient_index", sa.String(length=64), nullable=False),
        sa.Column("recipient_name", sa.String(length=100), nullable=False),
        sa.Column("programme", sa.String(length=100), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_village_affairs_subsidy")),
    )
    op.create_index(
        op.f("ix_village_affairs_subsidy_organization_id"),
        "village_affairs_subsidy",
        ["organization_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_village_affairs_subsidy_person_id"),
        "village_affairs_subsidy",
        ["person_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_village_affairs_subsidy_recipient_index"),
        "village_affairs_subsidy",
        ["recipient_index"],
        unique=False,
    )


def downgrade() -> None:
    """Take the tables back."""
    op.drop_index(
        op.f("ix_village_affairs_subsidy_recipient_index"), table_name="village_affairs_subsidy"
    )
    op.drop_index(
        op.f("ix_village_affairs_subsidy_person_id"), table_name="village_affairs_subsidy"
    )
    op.drop_index(
        op.f("ix_village_affairs_subsidy_organization_id"), table_name="village_affairs_subsidy"
    )
    op.drop_table("village_affairs_subsidy")
    op.drop_index(
        op.f("ix_village_affairs_question_party_organization_id"),
        table_name="village_affairs_question_party",
    )
    op.drop_index(
        op.f("ix_village_affairs_question_party_case_id"),
        table_name="village_affairs_question_party",
    )
    op.drop_table("village_affairs_question_party")
    op.drop_index(
        op.f("ix_village_affairs_question_entry_person_id"),
        table_name="village_affairs_question_entry",
    )
    op.drop_index(
        op.f("ix_village_affairs_question_entry_organization_id"),
        table_name="village_affairs_question_entry",
    )
    op.drop_index(
        op.f("ix_village_affairs_question_entry_case_id"),
        table_name="village_affairs_question_entry",
    )
    op.drop_table("village_affairs_question_entry")
    op.drop_index(op.f("ix_village_affairs_question_state"), table_name="village_affairs_question")
    op.drop_index(
        op.f("ix_village_affairs_question_person_id"), table_name="village_affairs_question"
    )
    op.drop_index(
        op.f("ix_village_affairs_question_organization_id"), table_name="village_affairs_question"
    )
    op.drop_index(
        op.f("ix_village_affairs_question_opened_at"), table_name="village_affairs_question"
    )
    op.drop_index(
        op.f("ix_village_affairs_question_meeting_id"), table_name="village_affairs_question"
    )
    op.drop_index(
        op.f("ix_village_affairs_question_due_pending"), table_name="village_affairs_question"
    )
    op.drop_index(op.f("ix_village_affairs_question_due_at"), table_name="village_affairs_question")
    op.drop_table("village_affairs_question")
    op.drop_index(
        op.f("ix_village_affairs_publication_state"), table_name="village_affairs_publication"
    )
    op.drop_index(
        op.f("ix_village_affairs_publication_person_id"), table_name="village_affairs_publication"
    )
    op.drop_index(
        op.f("ix_village_affairs_publication_period_id"), table_name="village_affairs_publication"
    )
    op.drop_index(
        op.f("ix_village_affairs_publication_period"), table_name="village_affairs_publication"
    )
    op.drop_index(
        op.f("ix_village_affairs_publication_organization_id"),
        table_name="village_affairs_publication",
    )
    op.drop_index(
        op.f("ix_village_affairs_publication_item"), table_name="village_affairs_publication"
    )
    op.drop_table("village_affairs_publication")
    op.drop_index(
        op.f("ix_village_affairs_month_supervisor_id"), table_name="village_affairs_month"
    )
    op.drop_index(op.f("ix_village_affairs_month_person_id"), table_name="village_affairs_month")
    op.drop_index(op.f("ix_village_affairs_month_period"), table_name="village_affairs_month")
    op.drop_index(
        op.f("ix_village_affairs_month_organization_id"), table_name="village_affairs_month"
    )
    op.drop_index(op.f("ix_village_affairs_month_due_at"), table_name="village_affairs_month")
    op.drop_table("village_affairs_month")
    op.drop_index(op.f("ix_village_affairs_meeting_state"), table_name="village_affairs_meeting")
    op.drop_index(
        op.f("ix_village_affairs_meeting_starts_at"), table_name="village_affairs_meeting"
    )
    op.drop_index(
        op.f("ix_village_affairs_meeting_person_id"), table_name="village_affairs_meeting"
    )
    op.drop_index(
        op.f("ix_village_affairs_meeting_organization_id"), table_name="village_affairs_meeting"
    )
    op.drop_table("village_affairs_meeting")
    op.drop_index(
        op.f("ix_village_affairs_item_version_record_id"), table_name="village_affairs_item_version"
    )
    op.drop_index(
        op.f("ix_village_affairs_item_version_person_id"), table_name="village_affairs_item_version"
    )
    op.drop_index(
        op.f("ix_village_affairs_item_version_organization_id"),
        table_name="village_affairs_item_version",
    )
    op.drop_table("village_affairs_item_version")
    op.drop_index(op.f("ix_village_affairs_item_person_id"), table_name="village_affairs_item")
    op.drop_index(
        op.f("ix_village_affairs_item_organization_id"), table_name="village_affairs_item"
    )
    op.drop_index(op.f("ix_village_affairs_item_ends_on"), table_name="village_affairs_item")
    op.drop_index(op.f("ix_village_affairs_item_changed_at"), table_name="village_affairs_item")
    op.drop_table("village_affairs_item")
    op.drop_table("village_affairs_code")
    op.drop_index(
        op.f("ix_village_affairs_asset_version_record_id"),
        table_name="village_affairs_asset_version",
    )
    op.drop_index(
        op.f("ix_village_affairs_asset_version_person_id"),
        table_name="village_affairs_asset_version",
    )
    op.drop_index(
        op.f("ix_village_affairs_asset_version_organization_id"),
        table_name="village_affairs_asset_version",
    )
    op.drop_table("village_affairs_asset_version")
    op.drop_index(op.f("ix_village_affairs_asset_person_id"), table_name="village_affairs_asset")
    op.drop_index(
        op.f("ix_village_affairs_asset_organization_id"), table_name="village_affairs_asset"
    )
    op.drop_index(op.f("ix_village_affairs_asset_ends_on"), table_name="village_affairs_asset")
    op.drop_index(op.f("ix_village_affairs_asset_changed_at"), table_name="village_affairs_asset")
    op.drop_table("village_affairs_asset")
