"""Topics, stations, findings, inspections spared, tasks, projects."""

import sqlalchemy as sa

from plugin_sdk.cases.revisions import create_case, drop_case
from plugin_sdk.registers.revisions import create_register, drop_register
from plugin_sdk.revisions import column, create_owned, drop, text, time

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables up."""
    create_register("supervision_topic")
    create_register("supervision_station", column("place_id", sa.Uuid()), text("head", 50))
    create_case(
        "supervision_finding",
        text("topic", 40),
        text("subject", 100),
        column("subject_unit_id", sa.Uuid(), null=True),
        column("checked_on", sa.Date()),
        text("result", 10),
        text("place", 200),
        column("longitude", sa.Float(), null=True),
        column("latitude", sa.Float(), null=True),
        column("text", sa.Text()),
        index=("topic", "subject", "subject_unit_id", "checked_on"),
    )
    create_owned(
        "supervision_spared",
        [
            column("finding_id", sa.Uuid()),
            column("source_organization_id", sa.Uuid()),
            time("at"),
            text("reason", 1000),
        ],
        sa.UniqueConstraint("finding_id", "organization_id", name="uq_supervision_spared_once"),
        index=("source_organization_id",),
    )
    create_case(
        "supervision_task",
        text("source", 200),
        *(column(name, sa.Text()) for name in ("text", "progress", "report")),
        parts=True,
    )
    create_case(
        "supervision_project",
        text("kind", 20),
        text("station", 40),
        column("amount", sa.BigInteger()),
        column("households", sa.Integer()),
        column("text", sa.Text()),
        column("problems", sa.Integer()),
        column("settled", sa.Integer()),
    )


def downgrade() -> None:
    """Take the tables back."""
    drop_case("supervision_project")
    drop_case("supervision_task", parts=True)
    drop("supervision_spared")
    drop_case("supervision_finding")
    drop_register("supervision_station")
    drop_register("supervision_topic")
