"""Answers used in a call that became no order; the order that a caller says theirs repeats."""

import sqlalchemy as sa
from alembic import op

from plugin_sdk.revisions import column

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

ORDERS = "hotline_order"
USES = "hotline_knowledge_use"


def upgrade() -> None:
    """Bring the column up, and let a use be of no order."""
    op.add_column(ORDERS, column("repeats_id", sa.Uuid(), null=True))
    with op.batch_alter_table(USES) as table:
        table.alter_column("order_id", existing_type=sa.Uuid(), nullable=True)


def downgrade() -> None:
    """Take that back, and with it the uses that are of no order."""
    uses = sa.table(USES, sa.column("order_id"))
    op.execute(uses.delete().where(uses.c.order_id.is_(None)))
    with op.batch_alter_table(USES) as table:
        table.alter_column("order_id", existing_type=sa.Uuid(), nullable=False)
    op.drop_column(ORDERS, "repeats_id")
