"""When a case was opened, on its parties."""

from plugin_sdk.cases.revisions import date_parties, undate_parties

revision = "0011"
down_revision = "0009"
branch_labels = None
depends_on = None

CASES = ("hotline_order", "hotline_visit", "hotline_matter")


def upgrade() -> None:
    """Bring the columns and the indexes up."""
    for name in CASES:
        date_parties(name)


def downgrade() -> None:
    """Take them back."""
    for name in CASES:
        undate_parties(name)
