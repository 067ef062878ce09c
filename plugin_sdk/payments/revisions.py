"""The tables of payments, for the revisions of apps (see `plugin_sdk.revisions`).

def upgrade() -> None:
    create_payments("traffic")
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from plugin_sdk.revisions import column, create_owned, drop, signed, text, time


def create_payments(prefix: str, *columns: "sa.Column[Any]") -> None:
    """Create `<prefix>_payment`, `_payment_transaction`, `_payment_refund`, `_payment_finding`;
    `columns` are the app's own of a payment."""
    fen = sa.BigInteger()
    create_owned(
        f"{prefix}_payment",
        [
            column("version", sa.Integer()),
            text("number", 20),
            text("subject", 100),
            text("claim", 120, null=True),
            text("title", 200),
            column("lines", sa.JSON()),
            column("amount", fen),
            text("state", 20),
            column("late", sa.Boolean()),
            text("transaction", 64, null=True),
            time("opened_at"),
            time("expires_at"),
            time("paid_at", null=True),
            time("changed_at"),
            *columns,
        ],
        unique=("number", "claim"),
        index=("subject", "state", "expires_at", "paid_at", "changed_at"),
    )
    create_owned(
        f"{prefix}_payment_transaction",
        [
            column("payment_id", sa.Uuid()),
            text("transaction", 64),
            column("amount", fen),
            time("paid_at"),
            time("known_at"),
            text("source", 20),
            column("extra", sa.Boolean()),
        ],
        unique=("transaction",),
        index=("payment_id", "paid_at"),
    )
    create_owned(
        f"{prefix}_payment_refund",
        [
            *signed(),
            text("number", 20),
            column("payment_id", sa.Uuid()),
            text("transaction", 64),
            text("claim", 64, null=True),
            column("amount", fen),
            text("reason", 1000),
            column("automatic", sa.Boolean()),
            text("state", 20),
            column("decided_by", sa.Uuid(), null=True),
            text("decided_role", 200),
            time("sent_at", null=True),
            time("done_at", null=True),
        ],
        unique=("number", "claim"),
        index=("payment_id", "state", "done_at"),
    )
    create_owned(
        f"{prefix}_payment_finding",
        [
            text("key", 120),
            column("day", sa.Date()),
            text("kind", 20),
            text("number", 64),
            text("transaction", 64),
            column("ours", fen, null=True),
            column("theirs", fen, null=True),
            text("state", 20),
            text("note", 1000, null=True),
            time("found_at"),
            time("settled_at", null=True),
            column("settled_by", sa.Uuid(), null=True),
        ],
        unique=("key",),
        index=("day", "state"),
    )


def drop_payments(prefix: str) -> None:
    """Take the tables of payments back."""
    names = ("payment_finding", "payment_refund", "payment_transaction", "payment")
    drop(*(f"{prefix}_{name}" for name in names))


def add_owed(prefix: str) -> None:
    """Bring what a refund says of being owed, and why it was delayed or declined."""
    table = f"{prefix}_payment_refund"
    op.add_column(table, sa.Column("owed", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column(table, text("note", 1000, null=True))


def drop_owed(prefix: str) -> None:
    """Take that back."""
    for name in ("note", "owed"):
        op.drop_column(f"{prefix}_payment_refund", name)
