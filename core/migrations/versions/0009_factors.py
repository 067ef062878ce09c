"""Factors: what a sign-in proved and when, sign-ins that still owe a second factor, codes of an
authenticator app, passkeys, recovery codes, and the challenges that passkeys answer."""

import sqlalchemy as sa
from alembic import op

import plugin_sdk.data

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables up; a session that is open has proved a password when it began."""
    op.add_column(
        "identity_session",
        sa.Column("proofs", sa.JSON(), nullable=False, server_default=sa.text("'[\"pwd\"]'")),
    )
    op.add_column(
        "identity_session", sa.Column("proved_at", plugin_sdk.data.UtcTime(), nullable=True)
    )
    op.create_table(
        "identity_pending",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("proofs", sa.JSON(), nullable=False),
        sa.Column("public_computer", sa.Boolean(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("expires_at", plugin_sdk.data.UtcTime(), nullable=False),
        *_of_person("identity_pending"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_pending")),
    )
    op.create_table(
        "identity_totp",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("sealed", sa.String(), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("created_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("confirmed_at", plugin_sdk.data.UtcTime(), nullable=True),
        sa.Column("used_at", plugin_sdk.data.UtcTime(), nullable=True),
        *_of_person("identity_totp"),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_identity_totp")),
    )
    op.create_table(
        "identity_passkey",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("credential_id", sa.String(), nullable=False),
        sa.Column("public_key", sa.String(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("transports", sa.JSON(), nullable=False),
        sa.Column("created_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("used_at", plugin_sdk.data.UtcTime(), nullable=True),
        *_of_person("identity_passkey"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_passkey")),
        sa.UniqueConstraint("credential_id", name=op.f("uq_identity_passkey_credential_id")),
    )
    op.create_table(
        "identity_recovery_code",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("created_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("used_at", plugin_sdk.data.UtcTime(), nullable=True),
        *_of_person("identity_recovery_code"),
        sa.PrimaryKeyConstraint("person_id", "digest", name=op.f("pk_identity_recovery_code")),
    )
    op.create_table(
        "identity_challenge",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("expires_at", plugin_sdk.data.UtcTime(), nullable=False),
        *_of_person("identity_challenge"),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_identity_challenge")),
    )
    for table, column in INDEXES:
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column], unique=False)


def downgrade() -> None:
    """Take the tables back."""
    for table, column in INDEXES:
        op.drop_index(op.f(f"ix_{table}_{column}"), table_name=table)
    for table in ("challenge", "recovery_code", "passkey", "totp", "pending"):
        op.drop_table(f"identity_{table}")
    op.drop_column("identity_session", "proved_at")
    op.drop_column("identity_session", "proofs")


INDEXES = (
    ("identity_pending", "person_id"),
    ("identity_pending", "expires_at"),
    ("identity_passkey", "person_id"),
    ("identity_challenge", "person_id"),
    ("identity_challenge", "expires_at"),
)


def _of_person(table: str) -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint(
            ["person_id"], ["identity_person.id"], name=op.f(f"fk_{table}_person_id")
        )
    ]
