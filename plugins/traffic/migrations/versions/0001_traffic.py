"""Sources, vehicles and licences, violations."""

import sqlalchemy as sa

from plugin_sdk.cases.revisions import create_case, drop_case
from plugin_sdk.revisions import Columns, column, create, create_owned, drop, text, time
from plugin_sdk.sources.revisions import create_source

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables up."""
    create_source("traffic_source")
    create_owned(
        "traffic_vehicle",
        [text("plate", 10), text("owner_index", 64), time("bound_at")],
        unique=("plate",),
    )
    create_owned(
        "traffic_licence",
        [text("file_number", 12), text("owner_index", 64), time("bound_at")],
        sa.UniqueConstraint("person_id", name="uq_traffic_licence_person"),
        unique=("file_number",),
    )
    create(
        "traffic_licence_code",
        [
            column("id", sa.Uuid()),
            text("digest", 64),
            column("licence_id", sa.Uuid()),
            time("expires_at"),
        ],
        unique=("digest",),
        index=("licence_id", "expires_at"),
    )
    create_owned(
        "traffic_handling",
        [
            text("number", 32),
            *_violation(),
            text("state", 12),
            time("changed_at"),
            column("due_on", sa.Date(), null=True),
        ],
        unique=("number",),
        index=("plate", "state", "changed_at"),
    )
    create_case(
        "traffic_objection",
        text("violation", 32),
        *_violation(),
        column("pictures", sa.JSON()),
        column("text", sa.Text()),
        column("reply", sa.Text()),
        index=("violation",),
    )


def downgrade() -> None:
    """Take the tables back."""
    drop_case("traffic_objection")
    drop("traffic_handling", "traffic_licence_code", "traffic_licence", "traffic_vehicle")
    drop("traffic_source")


def _violation() -> Columns:
    return [
        text("plate", 10),
        time("happened_at"),
        text("place", 200),
        text("what", 200),
        column("points", sa.Integer()),
        column("fine", sa.BigInteger()),
    ]
