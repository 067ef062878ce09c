"""Payments of fines."""

from plugin_sdk.payments.revisions import create_payments, drop_payments

revision = "0003"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables up."""
    create_payments("traffic")


def downgrade() -> None:
    """Take the tables back."""
    drop_payments("traffic")
