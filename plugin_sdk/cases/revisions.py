"""Changes of the kit's mixins, for the revisions of apps that have tables of them.

def upgrade() -> None:
    add_hands("hotline_order_entry")
"""

import sqlalchemy as sa
from alembic import op

HANDS = ("agent_person_id", "delegator_person_id")


def add_hands(entries: str) -> None:
    """Let a table of `CaseEntry` say who acted for another, and in whose post."""
    for name in HANDS:
        op.add_column(entries, sa.Column(name, sa.Uuid(), nullable=True))


def drop_hands(entries: str) -> None:
    """Take that back."""
    for name in HANDS:
        op.drop_column(entries, name)
