"""When the case was opened, on its parties: the newest of a unit are found by an index."""

from plugin_sdk.cases.revisions import date_parties, undate_parties

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the column and the index up."""
    date_parties("oversight_review")


def downgrade() -> None:
    """Take them back."""
    undate_parties("oversight_review")
