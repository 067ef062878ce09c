"""The OpenID Provider: clients, keys, sign-ins of clients, their codes and tokens."""

import sqlalchemy as sa
from alembic import op

import plugin_sdk.data

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables up."""
    op.create_table(
        "identity_sign_in_trace",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client", sa.String(), nullable=False),
        sa.Column("at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("error", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_sign_in_trace")),
    )
    op.create_index(
        op.f("ix_identity_sign_in_trace_at"), "identity_sign_in_trace", ["at"], unique=False
    )
    op.create_index(
        "ix_identity_sign_in_trace_client", "identity_sign_in_trace", ["client", "at"], unique=False
    )
    op.create_table(
        "identity_signing_key",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("algorithm", sa.String(), nullable=False),
        sa.Column("public", sa.JSON(), nullable=False),
        sa.Column("sealed", sa.String(), nullable=False),
        sa.Column("created_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("signs_from", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("signs_until", plugin_sdk.data.UtcTime(), nullable=True),
        sa.Column("gone_at", plugin_sdk.data.UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_signing_key")),
    )
    op.create_table(
        "identity_client",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name_zh", sa.String(), nullable=False),
        sa.Column("name_en", sa.String(), nullable=False),
        sa.Column("app", sa.String(), nullable=True),
        sa.Column("authentication", sa.String(), nullable=False),
        sa.Column("grants", sa.JSON(), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("redirect_uris", sa.JSON(), nullable=False),
        sa.Column("post_logout_uris", sa.JSON(), nullable=False),
        sa.Column("backchannel_logout_uri", sa.String(), nullable=True),
        sa.Column("first_party", sa.Boolean(), nullable=False),
        sa.Column("subjects", sa.String(), nullable=False),
        sa.Column("sector", sa.String(), nullable=True),
        sa.Column("algorithm", sa.String(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("disabled_at", plugin_sdk.data.UtcTime(), nullable=True),
        sa.Column("used_at", plugin_sdk.data.UtcTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["created_by"], ["identity_person.id"], name=op.f("fk_identity_client_created_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_client")),
    )
    op.create_index(op.f("ix_identity_client_app"), "identity_client", ["app"], unique=False)
    op.create_table(
        "identity_authorization_code",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("client_id", sa.String(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.String(), nullable=False),
        sa.Column("redirect_uri", sa.String(), nullable=False),
        sa.Column("challenge", sa.String(), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("claims", sa.JSON(), nullable=False),
        sa.Column("nonce", sa.String(), nullable=True),
        sa.Column("proofs", sa.JSON(), nullable=False),
        sa.Column("proved_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("expires_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["identity_client.id"],
            name=op.f("fk_identity_authorization_code_client_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["identity_person.id"],
            name=op.f("fk_identity_authorization_code_person_id"),
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_identity_authorization_code")),
    )
    op.create_index(
        op.f("ix_identity_authorization_code_client_id"),
        "identity_authorization_code",
        ["client_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_identity_authorization_code_expires_at"),
        "identity_authorization_code",
        ["expires_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_identity_authorization_code_session_id"),
        "identity_authorization_code",
        ["session_id"],
        unique=False,
    )
    op.create_table(
        "identity_client_consent",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.String(), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("given_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["identity_client.id"],
            name=op.f("fk_identity_client_consent_client_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["identity_person.id"], name=op.f("fk_identity_client_consent_person_id")
        ),
        sa.PrimaryKeyConstraint("person_id", "client_id", name=op.f("pk_identity_client_consent")),
    )
    op.create_index(
        op.f("ix_identity_client_consent_client_id"),
        "identity_client_consent",
        ["client_id"],
        unique=False,
    )
    op.create_table(
        "identity_client_secret",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("hint", sa.String(), nullable=False),
        sa.Column("created_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("expires_at", plugin_sdk.data.UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["identity_client.id"],
            name=op.f("fk_identity_client_secret_client_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_client_secret")),
    )
    op.create_index(
        op.f("ix_identity_client_secret_client_id"),
        "identity_client_secret",
        ["client_id"],
        unique=False,
    )
    op.create_table(
        "identity_client_sign_in",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.String(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.String(), nullable=True),
        sa.Column("sid", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=True),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("claims", sa.JSON(), nullable=False),
        sa.Column("nonce", sa.String(), nullable=True),
        sa.Column("proofs", sa.JSON(), nullable=False),
        sa.Column("proved_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("created_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("expires_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("ended_at", plugin_sdk.data.UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["identity_client.id"],
            name=op.f("fk_identity_client_sign_in_client_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["identity_person.id"], name=op.f("fk_identity_client_sign_in_person_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_client_sign_in")),
        sa.UniqueConstraint("code", name=op.f("uq_identity_client_sign_in_code")),
    )
    op.create_index(
        op.f("ix_identity_client_sign_in_client_id"),
        "identity_client_sign_in",
        ["client_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_identity_client_sign_in_expires_at"),
        "identity_client_sign_in",
        ["expires_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_identity_client_sign_in_person_id"),
        "identity_client_sign_in",
        ["person_id"],
        unique=False,
    )
    op.create_index(
        "ix_identity_client_sign_in_session",
        "identity_client_sign_in",
        ["session_id", "client_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_identity_client_sign_in_sid"), "identity_client_sign_in", ["sid"], unique=False
    )
    op.create_table(
        "identity_access_token",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("client_id", sa.String(), nullable=False),
        sa.Column("sign_in_id", sa.Uuid(), nullable=True),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("created_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("expires_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["identity_client.id"],
            name=op.f("fk_identity_access_token_client_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["sign_in_id"],
            ["identity_client_sign_in.id"],
            name=op.f("fk_identity_access_token_sign_in_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_identity_access_token")),
    )
    op.create_index(
        op.f("ix_identity_access_token_client_id"),
        "identity_access_token",
        ["client_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_identity_access_token_expires_at"),
        "identity_access_token",
        ["expires_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_identity_access_token_sign_in_id"),
        "identity_access_token",
        ["sign_in_id"],
        unique=False,
    )
    op.create_table(
        "identity_refresh_token",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("sign_in_id", sa.Uuid(), nullable=False),
        sa.Column("expires_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("spent_at", plugin_sdk.data.UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["sign_in_id"],
            ["identity_client_sign_in.id"],
            name=op.f("fk_identity_refresh_token_sign_in_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_identity_refresh_token")),
    )
    op.create_index(
        op.f("ix_identity_refresh_token_expires_at"),
        "identity_refresh_token",
        ["expires_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_identity_refresh_token_sign_in_id"),
        "identity_refresh_token",
        ["sign_in_id"],
        unique=False,
    )


def downgrade() -> None:
    """Take the tables back."""
    op.drop_index(op.f("ix_identity_refresh_token_sign_in_id"), table_name="identity_refresh_token")
    op.drop_index(op.f("ix_identity_refresh_token_expires_at"), table_name="identity_refresh_token")
    op.drop_table("identity_refresh_token")
    op.drop_index(op.f("ix_identity_access_token_sign_in_id"), table_name="identity_access_token")
    op.drop_index(op.f("ix_identity_access_token_expires_at"), table_name="identity_access_token")
    op.drop_index(op.f("ix_identity_access_token_client_id"), table_name="identity_access_token")
    op.drop_table("identity_access_token")
    op.drop_index(op.f("ix_identity_client_sign_in_sid"), table_name="identity_client_sign_in")
    op.drop_index("ix_identity_client_sign_in_session", table_name="identity_client_sign_in")
    op.drop_index(
        op.f("ix_identity_client_sign_in_person_id"), table_name="identity_client_sign_in"
    )
    op.drop_index(
        op.f("ix_identity_client_sign_in_expires_at"), table_name="identity_client_sign_in"
    )
    op.drop_index(
        op.f("ix_identity_client_sign_in_client_id"), table_name="identity_client_sign_in"
    )
    op.drop_table("identity_client_sign_in")
    op.drop_index(op.f("ix_identity_client_secret_client_id"), table_name="identity_client_secret")
    op.drop_table("identity_client_secret")
    op.drop_index(
        op.f("ix_identity_client_consent_client_id"), table_name="identity_client_consent"
    )
    op.drop_table("identity_client_consent")
    op.drop_index(
        op.f("ix_identity_authorization_code_session_id"), table_name="identity_authorization_code"
    )
    op.drop_index(
        op.f("ix_identity_authorization_code_expires_at"), table_name="identity_authorization_code"
    )
    op.drop_index(
        op.f("ix_identity_authorization_code_client_id"), table_name="identity_authorization_code"
    )
    op.drop_table("identity_authorization_code")
    op.drop_index(op.f("ix_identity_client_app"), table_name="identity_client")
    op.drop_table("identity_client")
    op.drop_table("identity_signing_key")
    op.drop_index("ix_identity_sign_in_trace_client", table_name="identity_sign_in_trace")
    op.drop_index(op.f("ix_identity_sign_in_trace_at"), table_name="identity_sign_in_trace")
    op.drop_table("identity_sign_in_trace")
