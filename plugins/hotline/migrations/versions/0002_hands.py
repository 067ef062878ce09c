"""Who acted for another, and in whose post, on the timeline of an order."""

from plugin_sdk.cases.revisions import add_hands, drop_hands

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables up."""
    add_hands("hotline_order_entry")


def downgrade() -> None:
    """Take the tables back."""
    drop_hands("hotline_order_entry")
