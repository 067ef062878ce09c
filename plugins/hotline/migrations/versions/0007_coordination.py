"""Coordination: who takes part, what each unit has to do, and the paper of the decision."""

import sqlalchemy as sa

from plugin_sdk.cases.revisions import create_case, drop_case
from plugin_sdk.revisions import column, create, drop, text, time

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TABLE = "hotline_coordination"


def upgrade() -> None:
    """Bring the tables up."""
    create_case(
        TABLE,
        column("order_id", sa.Uuid()),
        text("order_number", 40),
        column("asker_person_id", sa.Uuid(), null=True),
        column("secret", sa.Boolean()),
        text("ground", 10),
        text("question", 1000),
        column("matter", sa.Text()),
        text("place", 200),
        column("region_id", sa.Uuid(), null=True),
        text("category_code", 100, null=True),
        text("how", 10, null=True),
        time("starts_at", null=True),
        text("venue", 200),
        column("chair_unit", sa.Uuid(), null=True),
        text("chair_name", 60),
        column("decision", sa.Text(), null=True),
        text("legal_basis", 300, null=True),
        column("rule_unit", sa.Uuid(), null=True),
        text("chair_reason", 1000, null=True),
        time("signed_at", null=True),
        index=("order_id",),
    )
    create(
        f"{TABLE}_seat",
        [
            column("id", sa.Uuid()),
            column("case_id", sa.Uuid()),
            text("kind", 10),
            column("organization_id", sa.Uuid(), null=True),
            text("name", 60),
            text("state", 10),
            text("reason", 1000),
            time("answered_at", null=True),
            column("opinion", sa.Text(), null=True),
            text("opinion_basis", 300, null=True),
            text("objection", 1000, null=True),
            text("objection_basis", 300, null=True),
            time("objected_at", null=True),
            text("ruling", 10, null=True),
            text("ruling_reason", 1000, null=True),
            time("ruled_at", null=True),
        ],
        sa.UniqueConstraint("case_id", "kind", "organization_id", name=f"uq_{TABLE}_seat_unit"),
        index=("case_id",),
    )
    create(
        f"{TABLE}_share",
        [
            column("id", sa.Uuid()),
            column("case_id", sa.Uuid()),
            column("organization_id", sa.Uuid()),
            text("task", 1000),
            column("due_on", sa.Date()),
            column("order_id", sa.Uuid(), null=True),
        ],
        unique=("order_id",),
        index=("case_id",),
    )
    create(
        f"{TABLE}_paper",
        [
            column("id", sa.Uuid()),
            column("case_id", sa.Uuid()),
            text("code", 12),
            time("issued_at"),
        ],
        unique=("case_id", "code"),
    )


def downgrade() -> None:
    """Take the tables back."""
    drop(f"{TABLE}_paper", f"{TABLE}_share", f"{TABLE}_seat")
    drop_case(TABLE)
