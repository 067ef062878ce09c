"""Identity numbers that staff have compared with the card, and those that a person says."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column: what is there already was seen by nobody that is on record."""
    op.add_column(
        "identity_number",
        sa.Column("seen", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    with op.batch_alter_table("identity_number") as table:
        table.alter_column("seen", server_default=None)


def downgrade() -> None:
    """Take it back."""
    with op.batch_alter_table("identity_number") as table:
        table.drop_column("seen")
