"""Catalogue, publications, codes, questions, meetings, assets, subsidies."""

import sqlalchemy as sa

from plugin_sdk.cases.revisions import create_case, drop_case
from plugin_sdk.codes.revisions import create_codes
from plugin_sdk.duties.revisions import create_duty, drop_duty
from plugin_sdk.meetings.revisions import asked_at_meeting, create_meeting
from plugin_sdk.registers.revisions import create_register, drop_register
from plugin_sdk.revisions import column, create_owned, drop, text

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

DUTY = ("village_affairs_month", "village_affairs_publication")


def upgrade() -> None:
    """Bring the tables up."""
    create_register(
        "village_affairs_item",
        text("heading", 20),
        text("every", 4),
        column("accounts", sa.Boolean()),
    )
    create_register(
        "village_affairs_asset",
        text("kind", 20),
        column("amount", sa.BigInteger(), null=True),
        text("counterparty", 100, null=True),
        text("place", 200, null=True),
    )
    create_duty(
        *DUTY,
        column("content", sa.Text(), null=True),
        column("amount", sa.BigInteger(), null=True),
        text("payee", 100, null=True),
        text("evidence", 500, null=True),
        *(
            column(name, sa.BigInteger(), null=True)
            for name in ("opening", "income", "expense", "closing")
        ),
    )
    create_codes("village_affairs_code")
    create_meeting("village_affairs_meeting")
    create_case(
        "village_affairs_question",
        *asked_at_meeting(),
        column("town_id", sa.Uuid(), null=True),
        text("asker_name", 100),
        column("text", sa.Text()),
        column("reply", sa.Text(), null=True),
        index=("meeting_id",),
    )
    create_owned(
        "village_affairs_subsidy",
        [
            text("recipient_index", 64),
            text("recipient_name", 100),
            text("programme", 100),
            column("amount", sa.BigInteger()),
            column("paid_on", sa.Date()),
        ],
        index=("recipient_index",),
    )


def downgrade() -> None:
    """Take the tables back."""
    drop("village_affairs_subsidy")
    drop_case("village_affairs_question")
    drop("village_affairs_meeting", "village_affairs_code")
    drop_duty(*DUTY)
    drop_register("village_affairs_asset")
    drop_register("village_affairs_item")
