"""Imports of people, identity numbers, legacy users, the closing of organizations."""

import sqlalchemy as sa
from alembic import op

import plugin_sdk.data

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables up."""
    op.create_table(
        "identity_arriving",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("parent_code", sa.String(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("wave", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_identity_arriving")),
        sa.UniqueConstraint("code", name=op.f("uq_identity_arriving_code")),
    )
    op.create_index(
        op.f("ix_identity_arriving_parent_code"), "identity_arriving", ["parent_code"], unique=False
    )
    op.create_index(
        "ix_identity_arriving_wave", "identity_arriving", ["wave", "number"], unique=False
    )
    op.create_table(
        "identity_closing",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("successor_id", sa.Uuid(), nullable=True),
        sa.Column("closed_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["identity_organization.id"],
            name=op.f("fk_identity_closing_organization_id"),
        ),
        sa.ForeignKeyConstraint(
            ["successor_id"],
            ["identity_organization.id"],
            name=op.f("fk_identity_closing_successor_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", name=op.f("pk_identity_closing")),
    )
    op.create_index(
        op.f("ix_identity_closing_successor_id"), "identity_closing", ["successor_id"], unique=False
    )
    op.create_table(
        "identity_import",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("last_line", sa.Integer(), nullable=False),
        sa.Column("may_grant", sa.Boolean(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("ended_at", plugin_sdk.data.UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_import")),
    )
    op.create_index(op.f("ix_identity_import_digest"), "identity_import", ["digest"], unique=False)
    op.create_table(
        "identity_import_row",
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("username", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("does", sa.String(), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("sealed", sa.String(), nullable=True),
        sa.Column("added", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["import_id"],
            ["identity_import.id"],
            name=op.f("fk_identity_import_row_import_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("import_id", "line", name=op.f("pk_identity_import_row")),
    )
    op.create_index(
        "ix_identity_import_row_outcome",
        "identity_import_row",
        ["import_id", "outcome"],
        unique=False,
    )
    op.create_table(
        "identity_legacy_user",
        sa.Column("system", sa.String(), nullable=False),
        sa.Column("legacy_id", sa.String(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["identity_person.id"],
            name=op.f("fk_identity_legacy_user_person_id"),
        ),
        sa.PrimaryKeyConstraint("system", "legacy_id", name=op.f("pk_identity_legacy_user")),
    )
    op.create_index(
        op.f("ix_identity_legacy_user_person_id"),
        "identity_legacy_user",
        ["person_id"],
        unique=False,
    )
    op.create_table(
        "identity_number",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("sealed", sa.String(), nullable=False),
        sa.Column("accepted_by", sa.Uuid(), nullable=True),
        sa.Column("accepted_reason", sa.String(), nullable=True),
        sa.Column("created_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["accepted_by"],
            ["identity_person.id"],
            name=op.f("fk_identity_number_accepted_by"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["identity_person.id"], name=op.f("fk_identity_number_person_id")
        ),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_identity_number")),
        sa.UniqueConstraint("digest", name=op.f("uq_identity_number_digest")),
    )
    op.create_table(
        "identity_enterprise",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("agent_id", sa.Uuid(), nullable=False),
        sa.Column("accepted_by", sa.Uuid(), nullable=True),
        sa.Column("accepted_reason", sa.String(), nullable=True),
        sa.Column("created_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["accepted_by"],
            ["identity_person.id"],
            name=op.f("fk_identity_enterprise_accepted_by"),
        ),
        sa.ForeignKeyConstraint(
            ["agent_id"], ["identity_person.id"], name=op.f("fk_identity_enterprise_agent_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_enterprise")),
        sa.UniqueConstraint("code", name=op.f("uq_identity_enterprise_code")),
    )
    op.create_index(
        op.f("ix_identity_enterprise_agent_id"), "identity_enterprise", ["agent_id"], unique=False
    )
    op.create_table(
        "identity_phone_code",
        sa.Column("phone", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("sent_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("expires_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("phone", name=op.f("pk_identity_phone_code")),
    )
