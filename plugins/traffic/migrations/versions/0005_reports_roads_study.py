"""Reports of violations, road works and incidents, study that takes points off."""

import sqlalchemy as sa
from alembic import op

from plugin_sdk.cases.revisions import create_case, drop_case
from plugin_sdk.registers.revisions import create_register, drop_register
from plugin_sdk.revisions import column, create_owned, drop, text, time

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables up."""
    _reports()
    create_register(
        "traffic_road_notice",
        text("kind", 20),
        text("road", 60, null=True),
        text("region", 40, null=True),
        text("stretch", 100),
        text("hours", 100, null=True),
        text("advice", 500),
        time("over_at", null=True),
        column("news", sa.Integer()),
        column("told", sa.Integer()),
        column("told_to", sa.Uuid(), null=True),
    )
    create_owned(
        "traffic_road_follow",
        [text("key", 120), text("subject", 70), text("name", 100), time("since")],
        unique=("key",),
        index=("subject",),
    )
    create_owned(
        "traffic_study",
        [
            column("version", sa.Integer()),
            text("reference", 64),
            text("claim", 40, null=True),
            text("state", 12),
            text("file_number", 12),
            column("period_first", sa.Date()),
            column("points", sa.Integer()),
            time("begun_at"),
            column("done", sa.JSON()),
            column("asked", sa.JSON()),
            column("tries", sa.Integer()),
            time("passed_at", null=True),
            time("ruled_at", null=True),
            text("why", 20),
        ],
        unique=("reference", "claim"),
        index=("state", "period_first", "begun_at"),
    )


def downgrade() -> None:
    """Take the tables back."""
    drop("traffic_study", "traffic_road_follow")
    drop_register("traffic_road_notice")
    drop("traffic_report_photo")
    drop_case("traffic_report")


def _reports() -> None:
    create_case(
        "traffic_report",
        text("kind", 20),
        text("plate", 10),
        time("happened_at"),
        text("place", 100),
        column("text", sa.Text()),
        column("longitude", sa.Float(), null=True),
        column("latitude", sa.Float(), null=True),
        column("remarks", sa.JSON()),
        text("reporter_name", 100),
        column("same_as", sa.Uuid(), null=True),
        text("reference", 64),
        text("recorded_as", 32, null=True),
        index=("plate", "same_as"),
    )
    op.create_index(
        op.f("ix_traffic_report_reference"), "traffic_report", ["reference"], unique=True
    )
    create_owned(
        "traffic_report_photo",
        [column("report_id", sa.Uuid()), text("digest", 64)],
        index=("report_id", "digest"),
    )
