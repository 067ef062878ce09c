"""Where each app stands and how it came there; archives, approvals, merges; old links."""

import sqlalchemy as sa
from alembic import op

import plugin_sdk.data

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables up."""
    op.create_table(
        "governance_archive",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("app", sa.String(), nullable=False),
        sa.Column("phase", sa.String(), nullable=False),
        sa.Column("folder", sa.String(), nullable=False),
        sa.Column("revision", sa.String(), nullable=True),
        sa.Column("sha256", sa.String(), nullable=True),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("files", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("fault", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=True),
        sa.Column("asked_name", sa.String(), nullable=False),
        sa.Column("asked_unit", sa.String(), nullable=False),
        sa.Column("asked_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("recalled_by", sa.Uuid(), nullable=True),
        sa.Column("recalled_name", sa.String(), nullable=False),
        sa.Column("recalled_unit", sa.String(), nullable=False),
        sa.Column("recall_reason", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("moved_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("keep_until", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_governance_archive")),
    )
    op.create_index(op.f("ix_governance_archive_app"), "governance_archive", ["app"], unique=False)
    op.create_index(
        op.f("ix_governance_archive_phase"), "governance_archive", ["phase"], unique=False
    )
    op.create_table(
        "governance_change",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("was", sa.JSON(), nullable=True),
        sa.Column("now", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_governance_change")),
    )
    op.create_index(op.f("ix_governance_change_at"), "governance_change", ["at"], unique=False)
    op.create_index(
        op.f("ix_governance_change_subject"), "governance_change", ["subject"], unique=False
    )
    op.create_table(
        "governance_old_link",
        sa.Column("app", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("example", sa.String(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("tested_at", plugin_sdk.data.UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("app", "path", name=op.f("pk_governance_old_link")),
    )
    op.create_table(
        "governance_parity",
        sa.Column("app", sa.String(), nullable=False),
        sa.Column("function", sa.String(), nullable=False),
        sa.Column("successor", sa.String(), nullable=False),
        sa.Column("route", sa.String(), nullable=False),
        sa.Column("example", sa.String(), nullable=False),
        sa.Column("proof", sa.String(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("answered_at", plugin_sdk.data.UtcTime(), nullable=True),
        sa.Column("checked_by", sa.Uuid(), nullable=True),
        sa.Column("waiver", sa.String(), nullable=False),
        sa.Column("waived_by", sa.Uuid(), nullable=True),
        sa.Column("waived_name", sa.String(), nullable=False),
        sa.Column("waived_at", plugin_sdk.data.UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("app", "function", name=op.f("pk_governance_parity")),
    )
    op.create_table(
        "governance_reconciled",
        sa.Column("app", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("successor", sa.String(), nullable=False),
        sa.Column("old_rows", sa.Integer(), nullable=False),
        sa.Column("old_digest", sa.String(), nullable=False),
        sa.Column("new_rows", sa.Integer(), nullable=True),
        sa.Column("new_digest", sa.String(), nullable=True),
        sa.Column("at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("checked_by", sa.Uuid(), nullable=True),
        sa.Column("waiver", sa.String(), nullable=False),
        sa.Column("waived_by", sa.Uuid(), nullable=True),
        sa.Column("waived_name", sa.String(), nullable=False),
        sa.Column("waived_at", plugin_sdk.data.UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("app", "kind", name=op.f("pk_governance_reconciled")),
    )
    op.create_table(
        "governance_standing",
        sa.Column("app", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("review", sa.String(), nullable=True),
        sa.Column("successor", sa.String(), nullable=True),
        sa.Column("announced", plugin_sdk.data.UtcTime(), nullable=True),
        sa.Column("closes_on", sa.Date(), nullable=True),
        sa.Column("manifest", sa.JSON(), nullable=True),
        sa.Column("tables", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("app", name=op.f("pk_governance_standing")),
    )
    op.create_index(
        op.f("ix_governance_standing_stage"), "governance_standing", ["stage"], unique=False
    )
    op.create_table(
        "governance_step",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("app", sa.String(), nullable=False),
        sa.Column("verb", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_governance_step")),
    )
    op.create_index(op.f("ix_governance_step_app"), "governance_step", ["app"], unique=False)
    op.create_index(op.f("ix_governance_step_at"), "governance_step", ["at"], unique=False)
    op.create_table(
        "governance_approval",
        sa.Column("archive_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["archive_id"],
            ["governance_archive.id"],
            name=op.f("fk_governance_approval_archive_id"),
        ),
        sa.PrimaryKeyConstraint("archive_id", "person_id", name=op.f("pk_governance_approval")),
    )
    op.add_column(
        "apps_runtime", sa.Column("deprecated_at", plugin_sdk.data.UtcTime(), nullable=True)
    )
    op.add_column("apps_runtime", sa.Column("sunset_at", plugin_sdk.data.UtcTime(), nullable=True))
    op.add_column(
        "apps_runtime",
        sa.Column("links", sa.JSON(), nullable=False, server_default=sa.text("'[]'")),
    )
    op.add_column(
        "apps_runtime", sa.Column("stored", sa.Boolean(), nullable=False, server_default=sa.false())
    )


def downgrade() -> None:
    """Take the tables back."""
    op.drop_column("apps_runtime", "stored")
    op.drop_column("apps_runtime", "links")
    op.drop_column("apps_runtime", "sunset_at")
    op.drop_column("apps_runtime", "deprecated_at")
    op.drop_table("governance_approval")
    op.drop_index(op.f("ix_governance_step_at"), table_name="governance_step")
    op.drop_index(op.f("ix_governance_step_app"), table_name="governance_step")
    op.drop_table("governance_step")
    op.drop_index(op.f("ix_governance_standing_stage"), table_name="governance_standing")
    op.drop_table("governance_standing")
    op.drop_table("governance_reconciled")
    op.drop_table("governance_parity")
    op.drop_table("governance_old_link")
    op.drop_index(op.f("ix_governance_change_subject"), table_name="governance_change")
    op.drop_index(op.f("ix_governance_change_at"), table_name="governance_change")
    op.drop_table("governance_change")
    op.drop_index(op.f("ix_governance_archive_phase"), table_name="governance_archive")
    op.drop_index(op.f("ix_governance_archive_app"), table_name="governance_archive")
    op.drop_table("governance_archive")
