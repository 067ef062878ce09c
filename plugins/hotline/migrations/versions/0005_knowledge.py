"""The knowledge base; names of callers are found again; what an old system's readers voted."""

import sqlalchemy as sa
from alembic import op

from plugin_sdk.revisions import column, create, create_owned, drop, signed, text, time

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ORDER = "hotline_order"
VERSION = "hotline_knowledge_version"


def upgrade() -> None:
    """Bring the tables up."""
    create_owned(
        "hotline_knowledge", [column("version", sa.Integer()), column("latest", sa.Integer())]
    )
    create_owned(
        VERSION,
        [
            *signed(),
            column("knowledge_id", sa.Uuid()),
            column("n", sa.Integer()),
            text("state", 10),
            text("question", 200),
            column("text", sa.Text()),
            text("basis", 300),
            text("category_code", 100, null=True),
            column("region_id", sa.Uuid(), null=True),
            text("keywords", 200),
            column("public", sa.Boolean()),
            column("starts_on", sa.Date()),
            column("ends_on", sa.Date()),
            column("last_day", sa.Date()),
            column("heading", sa.Text()),
            column("body", sa.Text()),
            time("changed_at"),
            text("reason", 1000, null=True),
            time("published_at", null=True),
            column("published_by", sa.Uuid(), null=True),
            text("published_role", 200),
            column("replaced_by", sa.Integer(), null=True),
            time("withdrawn_at", null=True),
            column("withdrawn_by", sa.Uuid(), null=True),
            text("withdrawn_role", 200),
            text("withdrawn_reason", 1000, null=True),
        ],
        sa.UniqueConstraint("knowledge_id", "n", name=f"uq_{VERSION}_knowledge_id_n"),
        index=("knowledge_id", "state", "last_day", "changed_at"),
    )
    create(
        "hotline_knowledge_use",
        [
            column("id", sa.Uuid()),
            column("order_id", sa.Uuid()),
            column("version_id", sa.Uuid()),
            column("day", sa.Date()),
        ],
        index=("order_id", "version_id", "day"),
    )
    op.create_index(f"ix_{ORDER}_caller_name", ORDER, ["caller_name"])
    for name in ("votes_for", "votes_against"):
        op.add_column(ORDER, sa.Column(name, sa.Integer(), nullable=True))


def downgrade() -> None:
    """Take the tables back."""
    for name in ("votes_against", "votes_for"):
        op.drop_column(ORDER, name)
    op.drop_index(f"ix_{ORDER}_caller_name", ORDER)
    drop("hotline_knowledge_use", VERSION, "hotline_knowledge")
