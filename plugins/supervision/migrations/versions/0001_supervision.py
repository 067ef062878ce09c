"""Topics, stations, findings, inspections spared, tasks, projects."""

import sqlalchemy as sa
from alembic import op

import plugin_sdk.data
from plugin_sdk.cases.revisions import create_case, drop_case
from plugin_sdk.registers.revisions import create_register, drop_register

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables up."""
    create_register("supervision_topic")
    create_register(
        "supervision_station",
        sa.Column("place_id", sa.Uuid(), nullable=False),
        sa.Column("head", sa.String(length=50), nullable=False),
    )
    create_case(
        "supervision_finding",
        sa.Column("topic", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=100), nullable=False),
        sa.Column("subject_unit_id", sa.Uuid(), nullable=True),
        sa.Column("checked_on", sa.Date(), nullable=False),
        sa.Column("result", sa.String(length=10), nullable=False),
        sa.Column("place", sa.String(length=200), nullable=False),
        sa.Column("longitude", sa.Float(), nullable=True),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
    )
    for name in ("topic", "subject", "subject_unit_id", "checked_on"):
        op.create_index(
            op.f(f"ix_supervision_finding_{name}"), "supervision_finding", [name], unique=False
        )
    op.create_table(
        "supervision_spared",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("finding_id", sa.Uuid(), nullable=False),
        sa.Column("source_organization_id", sa.Uuid(), nullable=False),
        sa.Column("at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("reason", sa.String(length=1000), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supervision_spared")),
        sa.UniqueConstraint("finding_id", "organization_id", name="uq_supervision_spared_once"),
    )
    for name in ("organization_id", "person_id", "source_organization_id"):
        op.create_index(
            op.f(f"ix_supervision_spared_{name}"), "supervision_spared", [name], unique=False
        )
    create_case(
        "supervision_task",
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("progress", sa.Text(), nullable=False),
        sa.Column("report", sa.Text(), nullable=False),
        parts=True,
    )
    create_case(
        "supervision_project",
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("station", sa.String(length=40), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("households", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("problems", sa.Integer(), nullable=False),
        sa.Column("settled", sa.Integer(), nullable=False),
    )


def downgrade() -> None:
    """Take the tables back."""
    drop_case("supervision_project")
    drop_case("supervision_task", parts=True)
    op.drop_table("supervision_spared")
    drop_case("supervision_finding")
    drop_register("supervision_station")
    drop_register("supervision_topic")
