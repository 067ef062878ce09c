"""Known devices."""

import sqlalchemy as sa
from alembic import op

import plugin_sdk.data

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the table up."""
    op.create_table(
        "identity_device",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("used_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["identity_person.id"], name=op.f("fk_identity_device_person_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_device")),
        sa.UniqueConstraint(
            "digest", "person_id", name=op.f("uq_identity_device_digest_person_id")
        ),
    )
    op.create_index(
        op.f("ix_identity_device_person_id"), "identity_device", ["person_id"], unique=False
    )
    op.create_index(
        op.f("ix_identity_device_used_at"), "identity_device", ["used_at"], unique=False
    )


def downgrade() -> None:
    """Take the table back."""
    op.drop_index(op.f("ix_identity_device_used_at"), table_name="identity_device")
    op.drop_index(op.f("ix_identity_device_person_id"), table_name="identity_device")
    op.drop_table("identity_device")
