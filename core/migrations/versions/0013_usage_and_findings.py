"""Usage in minutes, hours and days, reach, sessions and gaps; the register and its findings."""

import sqlalchemy as sa
from alembic import op

import plugin_sdk.data

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

ADDED = (
    "sessions",
    "fruitful",
    "attending",
    "timed",
    "timely",
    "rated",
    "satisfied",
    "reminded",
)
KINDS = ("opens", "starts", "completes", "effects", "answered", "refused", "failed", *ADDED)
KEY = ("app", "feature", "organization", "channel")


def counts() -> list[sa.Column[int]]:
    """Return the columns of all counts."""
    return [sa.Column(name, sa.Integer(), nullable=False) for name in KINDS]


def upgrade() -> None:
    """Add the tables, and what cells count from now on."""
    op.create_table(
        "governance_app",
        sa.Column("app", sa.String(), nullable=False),
        sa.Column("manifest", sa.String(), nullable=False),
        sa.Column("registered_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("app", name=op.f("pk_governance_app")),
    )
    op.create_table(
        "governance_evaluation",
        sa.Column("at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("policy", sa.String(), nullable=False),
        sa.Column("apps", sa.Integer(), nullable=False),
        sa.Column("findings", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("at", name=op.f("pk_governance_evaluation")),
    )
    op.create_table(
        "governance_finding",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("app", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("about", sa.String(), nullable=False),
        sa.Column("found_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("seen_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("cleared_at", plugin_sdk.data.UtcTime(), nullable=True),
        sa.Column("finding", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_governance_finding")),
    )
    op.create_index(op.f("ix_governance_finding_app"), "governance_finding", ["app"], unique=False)
    op.create_table(
        "governance_measured",
        sa.Column("app", sa.String(), nullable=False),
        sa.Column("at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("measures", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("app", name=op.f("pk_governance_measured")),
    )
    op.create_table(
        "usage_day",
        *counts(),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("app", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("day", "app", name=op.f("pk_usage_day")),
    )
    op.create_table(
        "usage_exit",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("app", sa.String(), nullable=False),
        sa.Column("feature", sa.String(), nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(
            "day", "app", "feature", "host", "kind", name=op.f("pk_usage_exit")
        ),
    )
    op.create_table(
        "usage_gap",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("worker", sa.String(), nullable=False),
        sa.Column("since", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("until", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("lost", sa.Integer(), nullable=True),
        sa.Column("cause", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_usage_gap")),
    )
    op.create_index(op.f("ix_usage_gap_since"), "usage_gap", ["since"], unique=False)
    op.create_table(
        "usage_hour",
        *counts(),
        sa.Column("at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("app", sa.String(), nullable=False),
        sa.Column("feature", sa.String(), nullable=False),
        sa.Column("organization", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint(
            "at", "app", "feature", "organization", "channel", name=op.f("pk_usage_hour")
        ),
    )
    op.create_table(
        "usage_minute",
        *counts(),
        sa.Column("at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("app", sa.String(), nullable=False),
        sa.Column("feature", sa.String(), nullable=False),
        sa.Column("organization", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint(
            "at", "app", "feature", "organization", "channel", name=op.f("pk_usage_minute")
        ),
    )
    op.create_table(
        "usage_reach",
        sa.Column("app", sa.String(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("organization", sa.String(), nullable=False),
        sa.Column("sketch", sa.LargeBinary(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint(
            "app", "period", "kind", "organization", name=op.f("pk_usage_reach")
        ),
    )
    op.create_index(
        "ix_usage_reach_unsettled",
        "usage_reach",
        ["app", "period"],
        unique=False,
        postgresql_where=sa.text("people IS NULL"),
        sqlite_where=sa.text("people IS NULL"),
    )
    op.create_table(
        "usage_reach_key",
        sa.Column("app", sa.String(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("ends", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("app", "period", name=op.f("pk_usage_reach_key")),
    )
    op.create_index(op.f("ix_usage_reach_key_ends"), "usage_reach_key", ["ends"], unique=False)
    op.create_table(
        "usage_session",
        sa.Column("session", sa.String(), nullable=False),
        sa.Column("app", sa.String(), nullable=False),
        sa.Column("organization", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("fruitful", sa.Boolean(), nullable=False),
        sa.Column("attending", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("session", "app", name=op.f("pk_usage_session")),
    )
    op.create_table(
        "usage_worker",
        sa.Column("worker", sa.String(), nullable=False),
        sa.Column("known_until", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("left_at", plugin_sdk.data.UtcTime(), nullable=True),
        sa.Column("checked", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("worker", name=op.f("pk_usage_worker")),
    )
    # the workers that sent these have ended: nobody sends them again
    op.execute(sa.table("usage_batch").delete())
    with op.batch_alter_table("usage_batch") as table:
        table.add_column(sa.Column("since", plugin_sdk.data.UtcTime(), nullable=False))
        table.add_column(sa.Column("until", plugin_sdk.data.UtcTime(), nullable=False))
    for name in ADDED:
        op.add_column(
            "usage_cell", sa.Column(name, sa.Integer(), nullable=False, server_default="0")
        )
    with op.batch_alter_table("usage_cell") as table:
        for name in ADDED:
            table.alter_column(name, server_default=None)
    # the days that are counted already, as an app's total
    cell = sa.table("usage_cell", *(sa.column(name) for name in ("app", "day", *KINDS)))
    day = sa.table("usage_day", *(sa.column(name) for name in ("app", "day", *KINDS)))
    op.execute(
        day.insert().from_select(
            ["app", "day", *KINDS],
            sa.select(
                cell.c.app,
                cell.c.day,
                *(sa.cast(sa.func.sum(cell.c[name]), sa.Integer()) for name in KINDS),
            ).group_by(cell.c.app, cell.c.day),
        )
    )
    # a bucket was an octave: what it held was under its upper end, which the last quarter is
    latency = sa.table("usage_latency", sa.column("bucket", sa.Integer()))
    op.execute(latency.update().values(bucket=-4 * latency.c.bucket))
    op.execute(latency.update().values(bucket=-latency.c.bucket))


def downgrade() -> None:
    """Take them away; finer durations are lost."""
    latency = sa.table("usage_latency", sa.column("bucket", sa.Integer()))
    op.execute(latency.delete().where(latency.c.bucket % 4 != 0))
    op.execute(latency.update().values(bucket=-(latency.c.bucket // 4)))
    op.execute(latency.update().values(bucket=-latency.c.bucket))
    with op.batch_alter_table("usage_batch") as table:
        table.drop_column("until")
        table.drop_column("since")
    with op.batch_alter_table("usage_cell") as table:
        for name in ADDED:
            table.drop_column(name)
    op.drop_table("usage_worker")
    op.drop_table("usage_session")
    op.drop_index(op.f("ix_usage_reach_key_ends"), table_name="usage_reach_key")
    op.drop_table("usage_reach_key")
    op.drop_index("ix_usage_reach_unsettled", table_name="usage_reach")
    op.drop_table("usage_reach")
    op.drop_table("usage_minute")
    op.drop_table("usage_hour")
    op.drop_index(op.f("ix_usage_gap_since"), table_name="usage_gap")
    op.drop_table("usage_gap")
    op.drop_table("usage_exit")
    op.drop_table("usage_day")
    op.drop_table("governance_measured")
    op.drop_index(op.f("ix_governance_finding_app"), table_name="governance_finding")
    op.drop_table("governance_finding")
    op.drop_table("governance_evaluation")
    op.drop_table("governance_app")
