"""Hidden codes: what the simulated provider kept until now holds them in the clear."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forget the messages that were kept with their codes."""
    op.execute(sa.delete(sa.table("delivery_message")))


def downgrade() -> None:
    """What was forgotten does not come back."""
