"""What waits at a desk, due first, and the newest of a category, each from one index."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

TABLE = "hotline_order"
ADDED = (("organization_id", "state", "due_at"), ("category_code", "opened_at"))
COVERED = ("category_code", "region_id")
"""Columns whose own index another begins with."""


def upgrade() -> None:
    """Bring the indexes up."""
    for columns in ADDED:
        op.create_index(f"ix_{TABLE}_{'_'.join(columns)}", TABLE, list(columns))
    for name in COVERED:
        op.drop_index(f"ix_{TABLE}_{name}", TABLE)


def downgrade() -> None:
    """Take them back."""
    for name in COVERED:
        op.create_index(f"ix_{TABLE}_{name}", TABLE, [name])
    for columns in ADDED:
        op.drop_index(f"ix_{TABLE}_{'_'.join(columns)}", TABLE)
