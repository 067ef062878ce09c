"""The tables of a duty, for the revisions of apps (see `plugin_sdk.revisions`).

def upgrade() -> None:
    create_duty("village_month", "village_publication", text("payee", 100, null=True))
"""

from typing import Any

import sqlalchemy as sa

from plugin_sdk.revisions import column, create_owned, drop, signed, text, time


def create_duty(periods: str, filings: str, *columns: "sa.Column[Any]") -> None:
    """Create the tables of periods and of filings, these with the app's `columns`."""
    create_owned(
        periods,
        [
            column("version", sa.Integer()),
            text("key", 60),
            column("period", sa.Date()),
            column("supervisor_id", sa.Uuid(), null=True),
            time("due_at", null=True),
            column("expected", sa.JSON()),
            *(column(name, sa.Integer()) for name in ("owed", "done", "nil")),
            *(
                time(name, null=True)
                for name in ("completed_at", "late_at", "released_at", "urged_at")
            ),
        ],
        unique=("key",),
        index=("period", "supervisor_id", "due_at"),
    )
    create_owned(
        filings,
        [
            *signed(),
            text("key", 150),
            column("period_id", sa.Uuid()),
            column("period", sa.Date()),
            text("item", 40),
            column("seq", sa.Integer()),
            text("state", 20),
            *(column(name, sa.Boolean()) for name in ("nil", "late", "imported")),
            text("reason", 1000, null=True),
            column("reviewer_person_id", sa.Uuid(), null=True),
            text("reviewer_role", 200),
            time("reviewed_at", null=True),
            text("remark", 1000, null=True),
            time("published_at", null=True),
            *columns,
        ],
        unique=("key",),
        index=("period_id", "period", "item", "state"),
    )


def drop_duty(periods: str, filings: str) -> None:
    """Take the tables of a duty back."""
    drop(filings, periods)
