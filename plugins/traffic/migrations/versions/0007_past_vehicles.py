"""Who had a vehicle bound before."""

from plugin_sdk.revisions import create_owned, drop, text, time

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the table up."""
    create_owned(
        "traffic_vehicle_past",
        [text("plate", 10), time("bound_at"), time("until_at")],
        index=("plate",),
    )


def downgrade() -> None:
    """Take it back."""
    drop("traffic_vehicle_past")
