"""Rules of responsibility, what was learnt of categories, and a way to orders of a place."""

import sqlalchemy as sa
from alembic import op

from plugin_sdk.registers.revisions import create_register, drop_register
from plugin_sdk.revisions import column, create, drop, text, time

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

PLACE = "ix_hotline_order_region_id_opened_at"


def upgrade() -> None:
    """Bring the tables up."""
    create_register(
        "hotline_responsibility",
        text("category", 100, null=True),
        column("region", sa.Uuid(), null=True),
        text("kind", 20, null=True),
        text("urgency", 10, null=True),
        column("unit", sa.Uuid()),
        text("basis", 300),
        text("source", 60, null=True),
    )
    create(
        "hotline_category_model",
        [
            column("id", sa.Uuid()),
            column("version", sa.Integer()),
            time("trained_at"),
            *(column(name, sa.Integer()) for name in ("examples", "classes")),
            *(column(name, sa.Float()) for name in ("accuracy", "level1", "baseline")),
            column("weights", sa.LargeBinary(), null=True),
        ],
        unique=("version",),
    )
    op.create_index(PLACE, "hotline_order", ["region_id", "opened_at"])


def downgrade() -> None:
    """Take the tables back."""
    op.drop_index(PLACE, "hotline_order")
    drop("hotline_category_model")
    drop_register("hotline_responsibility")
