"""Imports of people: as what somebody imports, so that each chunk asks what they may now, and
whose act it is."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; an import that is under way gives no roles until it is tried anew."""
    op.add_column("identity_import", sa.Column("post_id", sa.Uuid(), nullable=True))
    op.add_column("identity_import", sa.Column("delegation_id", sa.Uuid(), nullable=True))
    op.add_column(
        "identity_import",
        sa.Column("hands", sa.JSON(), nullable=False, server_default=sa.text("'[]'")),
    )


def downgrade() -> None:
    """Take the columns back."""
    op.drop_column("identity_import", "hands")
    op.drop_column("identity_import", "delegation_id")
    op.drop_column("identity_import", "post_id")
