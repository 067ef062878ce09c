"""Payments of fines."""

from plugin_sdk.payments.revisions import create_payments, drop_payments
from plugin_sdk.revisions import text

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables up."""
    create_payments("traffic", text("told", 20, null=True))


def downgrade() -> None:
    """Take the tables back."""
    drop_payments("traffic")
