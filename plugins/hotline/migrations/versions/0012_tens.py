"""Orders counted in tens of days too."""

from plugin_sdk.cases.revisions import count_in_tens, count_without_tens

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

ORDERS = "hotline_order"


def upgrade() -> None:
    """Make the cells of tens of days from those of days."""
    count_in_tens(ORDERS)


def downgrade() -> None:
    """Take them back."""
    count_without_tens(ORDERS)
