"""Lines, calls and the telephones they are taken on; orders found by who called."""

import sqlalchemy as sa
from alembic import op

from plugin_sdk.registers.revisions import create_register, drop_register
from plugin_sdk.revisions import column, create_owned, drop, text, time

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables up."""
    create_register(
        "hotline_line",
        text("owner", 40),
        column("takes_over_on", sa.Date(), null=True),
        text("app", 40, null=True),
    )
    create_owned(
        "hotline_call",
        [
            text("provider_id", 64, null=True),
            text("direction", 3),
            text("phone", 20),
            text("line", 40, null=True),
            text("month", 7),
            time("started_at"),
            time("answered_at", null=True),
            time("ended_at", null=True),
            column("operator_person_id", sa.Uuid(), null=True),
            text("outcome", 12, null=True),
            column("settled", sa.Boolean()),
            text("note", 500),
            column("order_id", sa.Uuid(), null=True),
        ],
        unique=("provider_id",),
        index=("month", "started_at", "operator_person_id", "outcome", "order_id"),
    )
    op.create_index("ix_hotline_call_phone_started_at", "hotline_call", ["phone", "started_at"])
    op.create_index("ix_hotline_call_line_month", "hotline_call", ["line", "month"])
    create_owned("hotline_seat", [text("extension", 10)], unique=("extension",))
    op.create_index("ix_hotline_order_caller_phone", "hotline_order", ["caller_phone"])


def downgrade() -> None:
    """Take the tables back."""
    op.drop_index("ix_hotline_order_caller_phone", "hotline_order")
    drop("hotline_seat", "hotline_call")
    drop_register("hotline_line")
