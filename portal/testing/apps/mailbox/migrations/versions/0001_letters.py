"""Letters."""

import sqlalchemy as sa

from plugin_sdk.cases.revisions import create_case, drop_case
from plugin_sdk.revisions import column, text

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

NAME = "mailbox_letter"


def upgrade() -> None:
    """Bring the tables up."""
    create_case(
        NAME,
        text("leader", 20),
        text("sender", 100),
        column("text", sa.Text()),
        column("reply", sa.Text(), null=True),
    )


def downgrade() -> None:
    """Take them away."""
    drop_case(NAME)
