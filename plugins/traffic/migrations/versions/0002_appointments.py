"""Appointments: places, hours, who comes when; requests to move a car."""

import sqlalchemy as sa

from plugin_sdk.appointments.revisions import create_appointments, drop_appointments
from plugin_sdk.revisions import column, create_owned, drop, text, time

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables up."""
    create_appointments("traffic")
    create_owned(
        "traffic_move_request",
        [
            column("version", sa.Integer()),
            text("number", 40),
            column("owner_person_id", sa.Uuid(), null=True),
            text("plate", 10),
            text("place", 60),
            text("turn", 64),
            text("plate_turn", 64),
            time("asked_at"),
            time("closes_at"),
            text("answer", 10, null=True),
            time("answered_at", null=True),
            time("closed_at", null=True),
        ],
        unique=("number", "turn", "plate_turn"),
        index=("owner_person_id", "plate", "asked_at"),
    )
    create_owned("traffic_move_contact", [text("key", 40), text("phone", 20)], unique=("key",))


def downgrade() -> None:
    """Take the tables back."""
    drop("traffic_move_contact", "traffic_move_request")
    drop_appointments("traffic")
