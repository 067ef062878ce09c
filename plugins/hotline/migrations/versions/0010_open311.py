"""What is public of orders, the keys of applications, and what they filed that waits."""

import sqlalchemy as sa
from alembic import op

from plugin_sdk.data import UtcTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

PUBLICATION, KEY, FILING = "hotline_publication", "hotline_open311_key", "hotline_open311_filing"
INDEXED = {
    PUBLICATION: ("state", "requested_at"),
    KEY: ("organization_id", "person_id"),
    FILING: ("organization_id", "person_id", "key_id", "filed_at", "decided_at"),
}


def upgrade() -> None:
    """Bring the tables up."""
    op.create_table(
        PUBLICATION,
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("asked_at", UtcTime(), nullable=False),
        sa.Column("requested_at", UtcTime(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("address", sa.String(length=200), nullable=False),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("longitude", sa.Float(), nullable=True),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("photos", sa.JSON(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=True),
        sa.Column("decided_at", UtcTime(), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{PUBLICATION}")),
        sa.UniqueConstraint("order_id", name=op.f(f"uq_{PUBLICATION}_order_id")),
    )
    op.create_table(
        KEY,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("contact", sa.String(length=200), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("hint", sa.String(length=4), nullable=False),
        sa.Column("made_at", UtcTime(), nullable=False),
        sa.Column("revoked_at", UtcTime(), nullable=True),
        sa.Column("used_at", UtcTime(), nullable=True),
        sa.Column("hour", UtcTime(), nullable=True),
        sa.Column("filed", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{KEY}")),
        sa.UniqueConstraint("digest", name=op.f(f"uq_{KEY}_digest")),
    )
    op.create_table(
        FILING,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("key_id", sa.Uuid(), nullable=False),
        sa.Column("request_key", sa.String(length=200), nullable=True),
        sa.Column("sent", sa.JSON(), nullable=False),
        sa.Column("caller_name", sa.String(length=100), nullable=False),
        sa.Column("filed_at", UtcTime(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("number", sa.String(length=40), nullable=True),
        sa.Column("decided_at", UtcTime(), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{FILING}")),
        sa.UniqueConstraint("request_key", name=op.f(f"uq_{FILING}_request_key")),
    )
    for table, columns in INDEXED.items():
        for column in columns:
            op.create_index(f"ix_{table}_{column}", table, [column])


def downgrade() -> None:
    """Take the tables back."""
    for table, columns in INDEXED.items():
        for column in columns:
            op.drop_index(f"ix_{table}_{column}", table)
        op.drop_table(table)
