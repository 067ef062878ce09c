"""The table of meetings, for the revisions of apps (see `plugin_sdk.revisions`).

def upgrade() -> None:
    create_meeting("village_meeting")
    create_case("village_question", *asked_at_meeting(), index=("meeting_id",))
"""

import sqlalchemy as sa

from plugin_sdk.revisions import Columns, column, create_owned, text, time


def create_meeting(name: str) -> None:
    """Create the table of meetings."""
    create_owned(
        name,
        [
            column("version", sa.Integer()),
            text("number", 40),
            text("title", 200),
            text("place", 200),
            text("state", 20),
            time("starts_at"),
            column("agenda", sa.Text()),
            time("called_at"),
            column("called_by", sa.Uuid(), null=True),
            time("held_at", null=True),
            column("attendance", sa.JSON()),
            column("minutes", sa.Text(), null=True),
            time("published_at", null=True),
            text("cancelled_for", 1000, null=True),
            text("source_key", 200, null=True),
        ],
        unique=("number", "source_key"),
        index=("state", "starts_at"),
    )


def asked_at_meeting() -> Columns:
    """Return the columns of a `QuestionRow` that say at which meeting it was asked."""
    return [column("meeting_id", sa.Uuid(), null=True), column("promised", sa.Boolean())]
