"""The enterprise desk, receptions, and matters that could not be done."""

import sqlalchemy as sa
from alembic import op

from plugin_sdk.cases.revisions import create_case, drop_case
from plugin_sdk.registers.revisions import create_register, drop_register
from plugin_sdk.revisions import column, create, create_owned, drop, signed, text, time

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables up."""
    create_register("hotline_specialist", text("phone", 40))
    create_register(
        "hotline_enterprise",
        column("region_id", sa.Uuid(), null=True),
        text("scale", 10),
        text("contact", 50),
        text("contact_phone", 20),
        text("specialist", 40),
        text("deputy", 40, null=True),
    )
    for name in ("region_id", "specialist", "deputy"):
        op.create_index(f"ix_hotline_enterprise_{name}", "hotline_enterprise", [name])
    create_register(
        "hotline_call_plan",
        column("region_id", sa.Uuid(), null=True),
        text("scale", 10, null=True),
        column("script", sa.Text()),
    )
    create_owned(
        "hotline_enterprise_call",
        [
            *signed(),
            column("enterprise_id", sa.Uuid()),
            column("plan_id", sa.Uuid(), null=True),
            text("claim", 80, null=True),
            text("outcome", 20),
            text("note", 2000),
            text("order_number", 40, null=True),
        ],
        unique=("claim",),
        index=("enterprise_id", "plan_id"),
    )
    create_owned(
        "hotline_guidance_card",
        [
            *signed(),
            column("enterprise_id", sa.Uuid()),
            text("code", 12),
            text("title", 100),
            column("steps", sa.Text()),
            text("place", 200),
            column("documents", sa.Text()),
            text("specialist", 200),
            text("phone", 40),
            column("valid_until", sa.Date()),
            time("withdrawn_at", null=True),
            text("withdrawn_for", 1000, null=True),
        ],
        unique=("code",),
        index=("enterprise_id",),
    )
    create_register(
        "hotline_reception_day",
        text("leader", 100),
        text("place", 200),
        text("opens", 5),
        text("closes", 5),
        column("places", sa.Integer()),
    )
    seats = [column("id", sa.Uuid()), column("day_id", sa.Uuid()), column("taken", sa.Integer())]
    create("hotline_reception_seats", seats, unique=("day_id",))
    create_case(
        "hotline_visit",
        column("day_id", sa.Uuid()),
        column("day_on", sa.Date()),
        text("leader", 100),
        text("caller_name", 100),
        text("caller_phone", 20),
        column("text", sa.Text()),
        column("minutes", sa.Text(), null=True),
        column("order_id", sa.Uuid(), null=True),
        text("order_number", 40, null=True),
        column("sponsor_person_id", sa.Uuid(), null=True),
        text("sponsor", 200),
        index=("day_id", "order_id"),
    )
    create_case(
        "hotline_matter",
        column("unit_id", sa.Uuid()),
        text("matter", 200),
        text("counter", 100),
        column("refused_on", sa.Date()),
        column("text", sa.Text()),
        text("said", 2000),
        text("caller_name", 100),
        text("caller_phone", 20),
        text("representative", 100),
        column("upheld", sa.Boolean(), null=True),
        text("rule", 500),
        text("cause", 20, null=True),
        text("outcome", 20, null=True),
        column("reply", sa.Text(), null=True),
        text("order_number", 40, null=True),
        index=("unit_id", "outcome"),
    )


def downgrade() -> None:
    """Take the tables back."""
    drop_case("hotline_matter")
    drop_case("hotline_visit")
    drop("hotline_reception_seats")
    drop_register("hotline_reception_day")
    drop("hotline_guidance_card", "hotline_enterprise_call")
    for name in ("hotline_call_plan", "hotline_enterprise", "hotline_specialist"):
        drop_register(name)
