"""The shell."""

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
        "access_generation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_generation")),
    )
    op.create_table(
        "access_revocation",
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("generation", name=op.f("pk_access_revocation")),
    )
    op.create_index(op.f("ix_access_revocation_at"), "access_revocation", ["at"], unique=False)
    op.create_table(
        "access_role",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("app", sa.String(), nullable=False),
        sa.Column("title_zh", sa.String(), nullable=False),
        sa.Column("title_en", sa.String(), nullable=False),
        sa.Column("audience", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_access_role")),
    )
    op.create_index(op.f("ix_access_role_app"), "access_role", ["app"], unique=False)
    op.create_table(
        "apps_event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("app", sa.String(), nullable=False),
        sa.Column("at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_apps_event")),
    )
    op.create_index(op.f("ix_apps_event_app"), "apps_event", ["app"], unique=False)
    op.create_table(
        "apps_generation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_apps_generation")),
    )
    op.create_table(
        "apps_runtime",
        sa.Column("app", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("successor", sa.String(), nullable=True),
        sa.Column("until", plugin_sdk.data.UtcTime(), nullable=True),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.Column("changed_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("app", name=op.f("pk_apps_runtime")),
    )
    op.create_index(
        op.f("ix_apps_runtime_generation"), "apps_runtime", ["generation"], unique=False
    )
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("app", sa.String(), nullable=False),
        sa.Column("act", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("post_id", sa.Uuid(), nullable=True),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.Column("system", sa.String(), nullable=True),
        sa.Column("permission", sa.String(), nullable=True),
        sa.Column("granted_by", sa.String(), nullable=True),
        sa.Column("request_id", sa.String(), nullable=True),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
    )
    op.create_index(op.f("ix_audit_entry_app"), "audit_entry", ["app"], unique=False)
    op.create_index(op.f("ix_audit_entry_at"), "audit_entry", ["at"], unique=False)
    op.create_index(op.f("ix_audit_entry_person_id"), "audit_entry", ["person_id"], unique=False)
    op.create_index(op.f("ix_audit_entry_subject"), "audit_entry", ["subject"], unique=False)
    op.create_table(
        "delivery_message",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_message")),
    )
    op.create_index(op.f("ix_delivery_message_at"), "delivery_message", ["at"], unique=False)
    op.create_table(
        "files_file",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("app", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("created_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_files_file")),
    )
    op.create_index(op.f("ix_files_file_subject"), "files_file", ["subject"], unique=False)
    op.create_table(
        "governance_feedback",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("app", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("anonymous", sa.Boolean(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("reply", sa.String(), nullable=True),
        sa.Column("replied_at", plugin_sdk.data.UtcTime(), nullable=True),
        sa.Column("replied_by", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_governance_feedback")),
        sa.UniqueConstraint("number", name=op.f("uq_governance_feedback_number")),
    )
    op.create_index(
        op.f("ix_governance_feedback_app"), "governance_feedback", ["app"], unique=False
    )
    op.create_index(
        op.f("ix_governance_feedback_person_id"), "governance_feedback", ["person_id"], unique=False
    )
    op.create_table(
        "hub_request",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("route", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("answer", sa.JSON(), nullable=True),
        sa.Column("at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("key", "route", name=op.f("pk_hub_request")),
    )
    op.create_index(op.f("ix_hub_request_at"), "hub_request", ["at"], unique=False)
    op.create_table(
        "identity_organization",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["parent_id"],
            ["identity_organization.id"],
            name=op.f("fk_identity_organization_parent_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_organization")),
        sa.UniqueConstraint("code", name=op.f("uq_identity_organization_code")),
    )
    op.create_index(
        op.f("ix_identity_organization_level"), "identity_organization", ["level"], unique=False
    )
    op.create_index(
        op.f("ix_identity_organization_parent_id"),
        "identity_organization",
        ["parent_id"],
        unique=False,
    )
    op.create_table(
        "identity_person",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("username", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("phone", sa.String(), nullable=True),
        sa.Column("password_hash", sa.String(), nullable=True),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("elder", sa.Boolean(), nullable=False),
        sa.Column("demonstration", sa.Boolean(), nullable=False),
        sa.Column("disabled_at", plugin_sdk.data.UtcTime(), nullable=True),
        sa.Column("created_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_person")),
        sa.UniqueConstraint("username", name=op.f("uq_identity_person_username")),
    )
    op.create_table(
        "jobs_outbox",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("dedupe", sa.String(), nullable=True),
        sa.Column("due_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("claimed_until", plugin_sdk.data.UtcTime(), nullable=True),
        sa.Column("done_at", plugin_sdk.data.UtcTime(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs_outbox")),
        sa.UniqueConstraint("dedupe", name=op.f("uq_jobs_outbox_dedupe")),
    )
    op.create_index("ix_jobs_outbox_pending", "jobs_outbox", ["done_at", "due_at"], unique=False)
    op.create_table(
        "jobs_periodic",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("next_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("claimed_by", sa.String(), nullable=True),
        sa.Column("claimed_until", plugin_sdk.data.UtcTime(), nullable=True),
        sa.Column("last_ran_at", plugin_sdk.data.UtcTime(), nullable=True),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_jobs_periodic")),
    )
    op.create_table(
        "usage_batch",
        sa.Column("worker", sa.String(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("worker", "sequence", name=op.f("pk_usage_batch")),
    )
    op.create_index(op.f("ix_usage_batch_at"), "usage_batch", ["at"], unique=False)
    op.create_table(
        "usage_cell",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("app", sa.String(), nullable=False),
        sa.Column("feature", sa.String(), nullable=False),
        sa.Column("organization", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("opens", sa.Integer(), nullable=False),
        sa.Column("starts", sa.Integer(), nullable=False),
        sa.Column("completes", sa.Integer(), nullable=False),
        sa.Column("effects", sa.Integer(), nullable=False),
        sa.Column("answered", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(
            "day", "app", "feature", "organization", "channel", name=op.f("pk_usage_cell")
        ),
    )
    op.create_table(
        "usage_effect",
        sa.Column("app", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("app", "name", "subject", name=op.f("pk_usage_effect")),
    )
    op.create_table(
        "usage_latency",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("app", sa.String(), nullable=False),
        sa.Column("feature", sa.String(), nullable=False),
        sa.Column("bucket", sa.Integer(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", "app", "feature", "bucket", name=op.f("pk_usage_latency")),
    )
    op.create_table(
        "work_holiday_notice",
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("holidays", sa.JSON(), nullable=False),
        sa.Column("workdays", sa.JSON(), nullable=False),
        sa.Column("entered_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("year", name=op.f("pk_work_holiday_notice")),
    )
    op.create_table(
        "work_item",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("app", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.Column("permission", sa.String(), nullable=True),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("title_key", sa.String(), nullable=True),
        sa.Column("label_key", sa.String(), nullable=False),
        sa.Column("params", sa.JSON(), nullable=False),
        sa.Column("href", sa.String(), nullable=False),
        sa.Column("opened_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("due_at", plugin_sdk.data.UtcTime(), nullable=True),
        sa.Column("closed_at", plugin_sdk.data.UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work_item")),
    )
    op.create_index("ix_work_item_person", "work_item", ["person_id", "closed_at"], unique=False)
    op.create_index(op.f("ix_work_item_subject"), "work_item", ["subject"], unique=False)
    op.create_index(
        "ix_work_item_unit",
        "work_item",
        ["organization_id", "permission", "closed_at"],
        unique=False,
    )
    op.create_table(
        "work_series",
        sa.Column("app", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("day", sa.String(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("app", "name", "day", name=op.f("pk_work_series")),
    )
    op.create_table(
        "work_timer",
        sa.Column("app", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("app", "kind", "subject", name=op.f("pk_work_timer")),
    )
    op.create_index(op.f("ix_work_timer_at"), "work_timer", ["at"], unique=False)
    op.create_table(
        "access_role_permission",
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("permission", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["role"],
            ["access_role.key"],
            name=op.f("fk_access_role_permission_role"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("role", "permission", name=op.f("pk_access_role_permission")),
    )
    op.create_index(
        op.f("ix_access_role_permission_permission"),
        "access_role_permission",
        ["permission"],
        unique=False,
    )
    op.create_table(
        "identity_closure",
        sa.Column("ancestor_id", sa.Uuid(), nullable=False),
        sa.Column("descendant_id", sa.Uuid(), nullable=False),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["ancestor_id"],
            ["identity_organization.id"],
            name=op.f("fk_identity_closure_ancestor_id"),
        ),
        sa.ForeignKeyConstraint(
            ["descendant_id"],
            ["identity_organization.id"],
            name=op.f("fk_identity_closure_descendant_id"),
        ),
        sa.PrimaryKeyConstraint("ancestor_id", "descendant_id", name=op.f("pk_identity_closure")),
    )
    op.create_index(
        op.f("ix_identity_closure_descendant_id"),
        "identity_closure",
        ["descendant_id"],
        unique=False,
    )
    op.create_table(
        "identity_post",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("starts_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("ends_at", plugin_sdk.data.UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["identity_organization.id"],
            name=op.f("fk_identity_post_organization_id"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["identity_person.id"], name=op.f("fk_identity_post_person_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_post")),
    )
    op.create_index(
        op.f("ix_identity_post_organization_id"), "identity_post", ["organization_id"], unique=False
    )
    op.create_index(
        op.f("ix_identity_post_person_id"), "identity_post", ["person_id"], unique=False
    )
    op.create_table(
        "messages_notice",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("app", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("params", sa.JSON(), nullable=False),
        sa.Column("href", sa.String(), nullable=False),
        sa.Column("at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("read_at", plugin_sdk.data.UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["identity_person.id"], name=op.f("fk_messages_notice_person_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages_notice")),
        sa.UniqueConstraint(
            "source", "person_id", name=op.f("uq_messages_notice_source_person_id")
        ),
    )
    op.create_index(
        "ix_messages_notice_inbox", "messages_notice", ["person_id", "at"], unique=False
    )
    op.create_table(
        "access_grant",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("post_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("organizations", sa.JSON(), nullable=False),
        sa.Column("starts_at", plugin_sdk.data.UtcTime(), nullable=True),
        sa.Column("ends_at", plugin_sdk.data.UtcTime(), nullable=True),
        sa.Column("granted_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("revoked_at", plugin_sdk.data.UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["granted_by"], ["identity_person.id"], name=op.f("fk_access_grant_granted_by")
        ),
        sa.ForeignKeyConstraint(
            ["post_id"], ["identity_post.id"], name=op.f("fk_access_grant_post_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_grant")),
    )
    op.create_index(op.f("ix_access_grant_post_id"), "access_grant", ["post_id"], unique=False)
    op.create_index(op.f("ix_access_grant_role"), "access_grant", ["role"], unique=False)
    op.create_table(
        "identity_session",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("post_id", sa.Uuid(), nullable=True),
        sa.Column("csrf", sa.String(), nullable=False),
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("public_computer", sa.Boolean(), nullable=False),
        sa.Column("created_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("expires_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("ended_at", plugin_sdk.data.UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["identity_person.id"], name=op.f("fk_identity_session_person_id")
        ),
        sa.ForeignKeyConstraint(
            ["post_id"], ["identity_post.id"], name=op.f("fk_identity_session_post_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_session")),
    )
    op.create_index(
        op.f("ix_identity_session_person_id"), "identity_session", ["person_id"], unique=False
    )

    for table in ("access_generation", "apps_generation"):  # one row each, that is counted up
        counter = sa.table(table, sa.column("id", sa.Integer), sa.column("value", sa.Integer))
        op.bulk_insert(counter, [{"id": 1, "value": 0}])


def downgrade() -> None:
    """Take the tables back."""
    op.drop_index(op.f("ix_identity_session_person_id"), table_name="identity_session")
    op.drop_table("identity_session")
    op.drop_index(op.f("ix_access_grant_role"), table_name="access_grant")
    op.drop_index(op.f("ix_access_grant_post_id"), table_name="access_grant")
    op.drop_table("access_grant")
    op.drop_index("ix_messages_notice_inbox", table_name="messages_notice")
    op.drop_table("messages_notice")
    op.drop_index(op.f("ix_identity_post_person_id"), table_name="identity_post")
    op.drop_index(op.f("ix_identity_post_organization_id"), table_name="identity_post")
    op.drop_table("identity_post")
    op.drop_index(op.f("ix_identity_closure_descendant_id"), table_name="identity_closure")
    op.drop_table("identity_closure")
    op.drop_index(op.f("ix_access_role_permission_permission"), table_name="access_role_permission")
    op.drop_table("access_role_permission")
    op.drop_index(op.f("ix_work_timer_at"), table_name="work_timer")
    op.drop_table("work_timer")
    op.drop_table("work_series")
    op.drop_index("ix_work_item_unit", table_name="work_item")
    op.drop_index(op.f("ix_work_item_subject"), table_name="work_item")
    op.drop_index("ix_work_item_person", table_name="work_item")
    op.drop_table("work_item")
    op.drop_table("work_holiday_notice")
    op.drop_table("usage_latency")
    op.drop_table("usage_effect")
    op.drop_table("usage_cell")
    op.drop_index(op.f("ix_usage_batch_at"), table_name="usage_batch")
    op.drop_table("usage_batch")
    op.drop_table("jobs_periodic")
    op.drop_index("ix_jobs_outbox_pending", table_name="jobs_outbox")
    op.drop_table("jobs_outbox")
    op.drop_table("identity_person")
    op.drop_index(op.f("ix_identity_organization_parent_id"), table_name="identity_organization")
    op.drop_index(op.f("ix_identity_organization_level"), table_name="identity_organization")
    op.drop_table("identity_organization")
    op.drop_index(op.f("ix_hub_request_at"), table_name="hub_request")
    op.drop_table("hub_request")
    op.drop_index(op.f("ix_governance_feedback_person_id"), table_name="governance_feedback")
    op.drop_index(op.f("ix_governance_feedback_app"), table_name="governance_feedback")
    op.drop_table("governance_feedback")
    op.drop_index(op.f("ix_files_file_subject"), table_name="files_file")
    op.drop_table("files_file")
    op.drop_index(op.f("ix_delivery_message_at"), table_name="delivery_message")
    op.drop_table("delivery_message")
    op.drop_index(op.f("ix_audit_entry_subject"), table_name="audit_entry")
    op.drop_index(op.f("ix_audit_entry_person_id"), table_name="audit_entry")
    op.drop_index(op.f("ix_audit_entry_at"), table_name="audit_entry")
    op.drop_index(op.f("ix_audit_entry_app"), table_name="audit_entry")
    op.drop_table("audit_entry")
    op.drop_index(op.f("ix_apps_runtime_generation"), table_name="apps_runtime")
    op.drop_table("apps_runtime")
    op.drop_table("apps_generation")
    op.drop_index(op.f("ix_apps_event_app"), table_name="apps_event")
    op.drop_table("apps_event")
    op.drop_index(op.f("ix_access_role_app"), table_name="access_role")
    op.drop_table("access_role")
    op.drop_index(op.f("ix_access_revocation_at"), table_name="access_revocation")
    op.drop_table("access_revocation")
    op.drop_table("access_generation")
