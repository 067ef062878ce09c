"""When the order was opened, on its parties."""

from plugin_sdk.cases.revisions import date_parties, undate_parties

revision = "0011"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the column and the index up."""
    date_parties("hotline_order")


def downgrade() -> None:
    """Take them back."""
    undate_parties("hotline_order")
