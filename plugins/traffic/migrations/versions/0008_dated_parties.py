"""When the case was opened, on its parties: the newest of a unit are found by an index."""

from plugin_sdk.cases.revisions import date_parties, undate_parties

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

CASES = ("traffic_objection", "traffic_accident", "traffic_report")


def upgrade() -> None:
    """Bring the column and the index up."""
    for case in CASES:
        date_parties(case)


def downgrade() -> None:
    """Take them back."""
    for case in CASES:
        undate_parties(case)
