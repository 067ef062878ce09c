"""Reviews."""

import sqlalchemy as sa
from alembic import op

from plugin_sdk.cases.revisions import create_case, drop_case
from plugin_sdk.revisions import column, text, time

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

REVIEW = "oversight_review"


def upgrade() -> None:
    """Bring the tables up."""
    create_case(
        REVIEW,
        text("app", 60),
        text("pending", 60, null=True),
        column("cause", sa.Text()),
        column("opened_by", sa.Uuid(), null=True),
        column("evidence", sa.JSON()),
        text("reply", 10),
        column("reply_text", sa.Text()),
        time("replied_at", null=True),
        column("planned_on", sa.Date(), null=True),
        text("verdict", 10),
        column("improve_until", sa.Date(), null=True),
        text("successor", 60, null=True),
        column("reasons", sa.Text()),
        time("decided_at", null=True),
        column("decided_by", sa.Uuid(), null=True),
        text("decided_name", 100),
        text("decided_unit", 200),
        index=("app",),
    )
    with op.batch_alter_table(REVIEW) as table:
        table.create_unique_constraint(op.f(f"uq_{REVIEW}_pending"), ["pending"])


def downgrade() -> None:
    """Take the tables back."""
    drop_case(REVIEW)
