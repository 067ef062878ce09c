"""Passwords that must be changed or were had before; codes bound to a purpose; when a session
was last seen."""

import sqlalchemy as sa
from alembic import op

import plugin_sdk.data

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add columns and tables. A password that is there counts as set when its account was made;
    codes that are on their way (they live for minutes) are sent anew."""
    op.add_column(
        "identity_person",
        sa.Column("password_set_at", plugin_sdk.data.UtcTime(), nullable=True),
    )
    op.add_column(
        "identity_person",
        sa.Column("must_change", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.execute(
        "UPDATE identity_person SET password_set_at = created_at WHERE password_hash IS NOT NULL"
    )
    op.create_index(op.f("ix_identity_person_phone"), "identity_person", ["phone"], unique=False)
    op.create_table(
        "identity_earlier_password",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("set_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["identity_person.id"],
            name=op.f("fk_identity_earlier_password_person_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_earlier_password")),
    )
    op.create_index(
        op.f("ix_identity_earlier_password_person_id"),
        "identity_earlier_password",
        ["person_id"],
        unique=False,
    )
    op.add_column(
        "identity_session", sa.Column("seen_at", plugin_sdk.data.UtcTime(), nullable=True)
    )
    op.execute("UPDATE identity_session SET seen_at = created_at")
    with op.batch_alter_table("identity_session") as table:
        table.alter_column("seen_at", existing_type=plugin_sdk.data.UtcTime(), nullable=False)
    op.drop_table("identity_phone_code")
    _phone_codes(sa.Column("purpose", sa.String(), nullable=False))
    op.create_table(
        "identity_phone_proof",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("phone", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("expires_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_identity_phone_proof")),
    )
    op.create_index(
        op.f("ix_identity_phone_proof_phone"), "identity_phone_proof", ["phone"], unique=False
    )


def downgrade() -> None:
    """Take them away."""
    op.drop_index(op.f("ix_identity_phone_proof_phone"), table_name="identity_phone_proof")
    op.drop_table("identity_phone_proof")
    op.drop_table("identity_phone_code")
    _phone_codes()
    op.drop_column("identity_session", "seen_at")
    op.drop_index(
        op.f("ix_identity_earlier_password_person_id"), table_name="identity_earlier_password"
    )
    op.drop_table("identity_earlier_password")
    op.drop_index(op.f("ix_identity_person_phone"), table_name="identity_person")
    op.drop_column("identity_person", "must_change")
    op.drop_column("identity_person", "password_set_at")


def _phone_codes(*purpose: "sa.Column[str]") -> None:
    key = ["phone", *(column.name for column in purpose)]
    op.create_table(
        "identity_phone_code",
        sa.Column("phone", sa.String(), nullable=False),
        *purpose,
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("sent_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("expires_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint(*key, name=op.f("pk_identity_phone_code")),
    )
