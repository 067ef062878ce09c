"""The registers of public accounts and work groups."""

import sqlalchemy as sa
from alembic import op

from plugin_sdk.registers.revisions import create_register, drop_register
from plugin_sdk.revisions import column, text

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = ("oversight_account", "oversight_group")


def upgrade() -> None:
    """Bring the tables up."""
    account, group = TABLES
    create_register(
        account,
        text("platform", 20),
        column("last_post", sa.Date(), null=True),
        column("followers", sa.Integer(), null=True),
        text("outcome", 20, null=True),
        text("target", 40, null=True),
    )
    create_register(
        group,
        text("platform", 20),
        text("kind", 20),
        text("purpose", 500, null=True),
        column("members", sa.Integer()),
        column("staff", sa.Integer(), null=True),
        column("village_heads", sa.Boolean()),
        text("approver", 100, null=True),
        column("approved_on", sa.Date(), null=True),
        column("kept_on", sa.Date(), null=True),
        text("outcome", 20, null=True),
        text("target", 40, null=True),
    )
    for table in TABLES:
        op.create_index(op.f(f"ix_{table}_outcome"), table, ["outcome"], unique=False)


def downgrade() -> None:
    """Take the tables back."""
    for table in TABLES:
        drop_register(table)
