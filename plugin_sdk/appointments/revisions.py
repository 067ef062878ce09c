"""The tables of appointments, for the revisions of apps (see `plugin_sdk.revisions`).

def upgrade() -> None:
    create_appointments("traffic")
"""

import sqlalchemy as sa

from plugin_sdk.registers.revisions import create_register, drop_register
from plugin_sdk.revisions import column, create, create_owned, drop, text, time


def create_appointments(prefix: str) -> None:
    """Create `<prefix>_place`, `_hours` (registers), `_slot` and `_booking`."""
    create_register(f"{prefix}_place", text("address", 200), text("phone", 40, null=True))
    create_register(
        f"{prefix}_hours",
        text("place", 40),
        text("service", 40, null=True),
        text("days", 20),
        text("opens", 5),
        text("closes", 5),
        column("minutes", sa.Integer()),
        column("quota", sa.Integer()),
    )
    create(
        f"{prefix}_slot",
        [
            column("id", sa.Uuid()),
            text("key", 120),
            text("place", 40),
            text("service", 40),
            column("day", sa.Date()),
            time("starts_at"),
            *(column(name, sa.Integer()) for name in ("taken", "waiting", "queued", "tickets")),
        ],
        unique=("key",),
        index=("starts_at",),
    )
    create_owned(
        f"{prefix}_booking",
        [
            column("version", sa.Integer()),
            text("number", 40),
            text("claim", 120, null=True),
            column("slot_id", sa.Uuid()),
            text("place", 40),
            text("service", 40),
            column("day", sa.Date()),
            time("starts_at"),
            time("ends_at"),
            text("state", 20),
            text("queue", 20, null=True),
            column("ticket", sa.Integer(), null=True),
            time("offered_until", null=True),
            column("waited", sa.Boolean()),
            column("reminded", sa.Boolean()),
            text("person_name", 100),
            time("made_at"),
            time("changed_at"),
            time("arrived_at", null=True),
            text("reason", 200, null=True),
        ],
        unique=("number", "claim"),
        index=("slot_id", "place", "day", "starts_at", "state", "made_at"),
    )


def drop_appointments(prefix: str) -> None:
    """Take the tables of appointments back."""
    drop(f"{prefix}_booking", f"{prefix}_slot")
    drop_register(f"{prefix}_hours")
    drop_register(f"{prefix}_place")
