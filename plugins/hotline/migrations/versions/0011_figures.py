"""When an order was opened, on its parties; orders counted as they change."""

from plugin_sdk.cases.revisions import (
    create_figures,
    date_parties,
    drop_figures,
    undate_parties,
)

revision = "0011"
down_revision = "0003"
branch_labels = None
depends_on = None

ORDERS = "hotline_order"


def upgrade() -> None:
    """Bring the column, the index and the tables up."""
    date_parties(ORDERS)
    create_figures(ORDERS)


def downgrade() -> None:
    """Take them back."""
    drop_figures(ORDERS)
    undate_parties(ORDERS)
