"""By which line an order came, whose it is, which other it belongs to, whether it is public."""

import sqlalchemy as sa
from alembic import op

from plugin_sdk.data import UtcTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLE = "hotline_order"
INDEXED = ("line", "follows_id", "split_from_id", "enterprise_id", "published_at")


def upgrade() -> None:
    """Bring the tables up."""
    op.add_column(TABLE, sa.Column("line", sa.String(length=40), nullable=True))
    for name in ("follows_id", "split_from_id", "enterprise_id"):
        op.add_column(TABLE, sa.Column(name, sa.Uuid(), nullable=True))
    private = sa.false()
    op.add_column(
        TABLE, sa.Column("wishes_public", sa.Boolean(), nullable=False, server_default=private)
    )
    op.add_column(TABLE, sa.Column("published_at", UtcTime(), nullable=True))
    for name in INDEXED:
        op.create_index(f"ix_{TABLE}_{name}", TABLE, [name])


def downgrade() -> None:
    """Take the tables back."""
    for name in INDEXED:
        op.drop_index(f"ix_{TABLE}_{name}", TABLE)
        op.drop_column(TABLE, name)
    op.drop_column(TABLE, "wishes_public")
