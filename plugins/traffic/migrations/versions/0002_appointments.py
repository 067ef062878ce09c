"""Appointments: places, hours, who comes when."""

from plugin_sdk.appointments.revisions import create_appointments, drop_appointments

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables up."""
    create_appointments("traffic")


def downgrade() -> None:
    """Take the tables back."""
    drop_appointments("traffic")
