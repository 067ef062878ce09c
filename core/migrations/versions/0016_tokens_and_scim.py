"""Tokens of people, where applications act, and what they keep of people and units (SCIM)."""

import sqlalchemy as sa
from alembic import op

import plugin_sdk.data

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables up."""
    op.create_table(
        "identity_api_token",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("post_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("hint", sa.String(), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("proofs", sa.JSON(), nullable=False),
        sa.Column("created_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("expires_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("used_at", plugin_sdk.data.UtcTime(), nullable=True),
        sa.Column("warned_at", plugin_sdk.data.UtcTime(), nullable=True),
        sa.Column("revoked_at", plugin_sdk.data.UtcTime(), nullable=True),
        sa.Column("revoked_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["identity_person.id"], name=op.f("fk_identity_api_token_person_id")
        ),
        sa.ForeignKeyConstraint(
            ["post_id"], ["identity_post.id"], name=op.f("fk_identity_api_token_post_id")
        ),
        sa.ForeignKeyConstraint(
            ["revoked_by"], ["identity_person.id"], name=op.f("fk_identity_api_token_revoked_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_api_token")),
        sa.UniqueConstraint("digest", name=op.f("uq_identity_api_token_digest")),
    )
    op.create_index(
        op.f("ix_identity_api_token_expires_at"), "identity_api_token", ["expires_at"], unique=False
    )
    op.create_index(
        op.f("ix_identity_api_token_person_id"), "identity_api_token", ["person_id"], unique=False
    )
    op.create_index(
        op.f("ix_identity_api_token_post_id"), "identity_api_token", ["post_id"], unique=False
    )
    op.create_table(
        "identity_client_reach",
        sa.Column("client_id", sa.String(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("given_by", sa.Uuid(), nullable=True),
        sa.Column("given_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["identity_client.id"],
            name=op.f("fk_identity_client_reach_client_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["given_by"], ["identity_person.id"], name=op.f("fk_identity_client_reach_given_by")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["identity_organization.id"],
            name=op.f("fk_identity_client_reach_organization_id"),
        ),
        sa.PrimaryKeyConstraint(
            "client_id", "organization_id", name=op.f("pk_identity_client_reach")
        ),
    )
    op.create_index(
        op.f("ix_identity_client_reach_organization_id"),
        "identity_client_reach",
        ["organization_id"],
        unique=False,
    )
    op.create_table(
        "identity_scim_group",
        sa.Column("client_id", sa.String(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=True),
        sa.Column("brought", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["identity_client.id"],
            name=op.f("fk_identity_scim_group_client_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["identity_organization.id"],
            name=op.f("fk_identity_scim_group_organization_id"),
        ),
        sa.PrimaryKeyConstraint(
            "client_id", "organization_id", name=op.f("pk_identity_scim_group")
        ),
    )
    op.create_index(
        op.f("ix_identity_scim_group_organization_id"),
        "identity_scim_group",
        ["organization_id"],
        unique=False,
    )
    op.create_table(
        "identity_scim_user",
        sa.Column("client_id", sa.String(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=True),
        sa.Column("brought", sa.Boolean(), nullable=False),
        sa.Column("gone_at", plugin_sdk.data.UtcTime(), nullable=True),
        sa.Column("disabled_at", plugin_sdk.data.UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["identity_client.id"],
            name=op.f("fk_identity_scim_user_client_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["identity_person.id"], name=op.f("fk_identity_scim_user_person_id")
        ),
        sa.PrimaryKeyConstraint("client_id", "person_id", name=op.f("pk_identity_scim_user")),
    )
    op.create_index(
        op.f("ix_identity_scim_user_person_id"), "identity_scim_user", ["person_id"], unique=False
    )


def downgrade() -> None:
    """Take the tables back."""
    op.drop_index(op.f("ix_identity_scim_user_person_id"), table_name="identity_scim_user")
    op.drop_table("identity_scim_user")
    op.drop_index(op.f("ix_identity_scim_group_organization_id"), table_name="identity_scim_group")
    op.drop_table("identity_scim_group")
    op.drop_index(
        op.f("ix_identity_client_reach_organization_id"), table_name="identity_client_reach"
    )
    op.drop_table("identity_client_reach")
    op.drop_index(op.f("ix_identity_api_token_post_id"), table_name="identity_api_token")
    op.drop_index(op.f("ix_identity_api_token_person_id"), table_name="identity_api_token")
    op.drop_index(op.f("ix_identity_api_token_expires_at"), table_name="identity_api_token")
    op.drop_table("identity_api_token")
