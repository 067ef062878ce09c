"""When a case was opened, on its parties; orders counted as they change."""

from plugin_sdk.cases.revisions import (
    create_figures,
    date_parties,
    drop_figures,
    undate_parties,
)

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

ORDERS = "hotline_order"
CASES = (ORDERS, "hotline_coordination", "hotline_supervision", "hotline_visit", "hotline_matter")


def upgrade() -> None:
    """Bring the columns, the indexes and the tables up."""
    for name in CASES:
        date_parties(name)
    create_figures(ORDERS)


def downgrade() -> None:
    """Take them back."""
    drop_figures(ORDERS)
    for name in CASES:
        undate_parties(name)
