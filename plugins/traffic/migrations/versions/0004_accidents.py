"""Accidents: both sides, their photos, invitations and papers."""

import sqlalchemy as sa

from plugin_sdk.cases.revisions import create_case, drop_case
from plugin_sdk.revisions import column, create, drop, text, time

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables up."""
    create_case(
        "traffic_accident",
        time("happened_at"),
        text("place", 100),
        column("longitude", sa.Float(), null=True),
        column("latitude", sa.Float(), null=True),
        text("other_plate", 10),
        text("collision", 10),
        text("weather", 10),
        text("road", 10),
        column("what", sa.Text()),
        column("statement", sa.Integer()),
        text("outcome", 8, null=True),
        column("reply", sa.Text()),
    )
    create(
        "traffic_accident_side",
        [
            column("id", sa.Uuid()),
            column("case_id", sa.Uuid()),
            column("person_id", sa.Uuid()),
            text("side", 1),
            text("name", 60),
            text("plate", 10),
            text("insurer", 60),
            text("share", 8, null=True),
            column("statement", sa.Integer(), null=True),
            time("agreed_at", null=True),
        ],
        sa.UniqueConstraint("case_id", "side", name="uq_traffic_accident_side_case_side"),
        sa.UniqueConstraint("case_id", "person_id", name="uq_traffic_accident_side_case_person"),
        index=("case_id", "person_id"),
    )
    create(
        "traffic_accident_photo",
        [
            column("id", sa.Uuid()),
            column("case_id", sa.Uuid()),
            text("side", 1),
            text("view", 12),
            column("file_id", sa.Uuid()),
            time("kept_at"),
            time("taken_at", null=True),
            column("metres", sa.Integer(), null=True),
        ],
        index=("case_id",),
    )
    create(
        "traffic_accident_invitation",
        [
            column("id", sa.Uuid()),
            column("case_id", sa.Uuid()),
            text("digest", 64),
            time("expires_at"),
            time("used_at", null=True),
        ],
        unique=("digest",),
        index=("case_id", "expires_at"),
    )
    create(
        "traffic_accident_try",
        [
            column("id", sa.Uuid()),
            column("person_id", sa.Uuid()),
            text("turn", 64),
            time("tried_at"),
        ],
        unique=("turn",),
        index=("person_id", "tried_at"),
    )
    create(
        "traffic_accident_paper",
        [
            column("id", sa.Uuid()),
            column("case_id", sa.Uuid()),
            text("code", 12),
            text("kind", 10),
            time("issued_at"),
            time("expires_at"),
            time("revoked_at", null=True),
        ],
        unique=("case_id", "code"),
    )


def downgrade() -> None:
    """Take the tables back."""
    drop("traffic_accident_paper", "traffic_accident_try", "traffic_accident_invitation")
    drop("traffic_accident_photo", "traffic_accident_side")
    drop_case("traffic_accident")
