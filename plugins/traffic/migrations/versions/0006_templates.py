"""What came over from an old app; the words that decisions begin with, and what was sent."""

import sqlalchemy as sa
from alembic import op

from plugin_sdk.payments.revisions import add_owed, drop_owed
from plugin_sdk.registers.revisions import create_register, drop_register
from plugin_sdk.revisions import column, create_owned, drop, text, time

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables up."""
    add_owed("traffic")
    create_register("traffic_template", text("decision", 40), column("text", sa.Text()))
    op.create_index("ix_traffic_template_decision", "traffic_template", ["decision"])
    create_owned(
        "traffic_imported",
        [text("key", 120), text("of", 40), text("kind", 20), text("number", 40), time("at")],
        unique=("key",),
        index=("of",),
    )


def downgrade() -> None:
    """Take the tables back."""
    drop("traffic_imported")
    drop_register("traffic_template")
    drop_owed("traffic")
