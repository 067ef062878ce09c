"""What happens beside orders is counted, and so is what happened already; calls are found by line
and time; outcomes that nobody rated are counted.

What there is goes in as counts that are new, one for each day: the figures are whole from the
first moment, and the app gathers them.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from plugin_sdk.cases.revisions import count_unrated, count_without_unrated
from plugin_sdk.data import UtcTime
from plugin_sdk.revisions import column, drop, text

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

COUNTS = "hotline_count"
CALLS = "hotline_call"
ORDERS = "hotline_order"
ASKED = ("answered", "verified", "polite", "on_time", "evidence")
KEY = ("kind", "span", "since", "organization_id", "centre_id", "value", "entry_id")
NOBODY = sa.cast(sa.literal_column(f"'{'0' * 32}'"), sa.Uuid())


def upgrade() -> None:
    """Bring the table up and count what is there."""
    op.create_table(
        COUNTS,
        text("kind", 20),
        text("span", 5),
        column("since", sa.Date()),
        column("organization_id", sa.Uuid()),
        column("centre_id", sa.Uuid()),
        text("value", 100),
        column("entry_id", sa.Uuid()),
        column("n", sa.Integer()),
        sa.PrimaryKeyConstraint(*KEY, name=op.f(f"pk_{COUNTS}")),
    )
    op.create_index("ix_hotline_count_new", COUNTS, ["span", "entry_id"])
    _count_calls()
    _count_checking()
    _forget_months()
    count_unrated(ORDERS)


def _count_calls() -> None:
    call = _table(CALLS, "organization_id", "line", "direction", "started_at")
    line = sa.func.coalesce(call.c.line, "")
    came = call.c.direction == "in"
    _count("call", call.c.organization_id, NOBODY, line, call.c.started_at, came)


def _count_checking() -> None:
    rating = _table("hotline_rating", "organization_id", "centre_id", "stars", "rated_at").c
    stars = sa.cast(rating.stars, sa.String())
    _count("rating", rating.organization_id, rating.centre_id, stars, rating.rated_at)
    follow = _table("hotline_follow_up", "organization_id", "outcome", "closed_at").c
    over = follow.closed_at.is_not(None)
    _count("follow_up", follow.organization_id, NOBODY, follow.outcome, follow.closed_at, over)
    named = ("organization_id", "centre_id", "state", "judged_at", *ASKED)
    check = _table("hotline_check", *named).c
    found: dict[str, Any] = {
        name: sa.type_coerce(check[name], sa.Boolean()).is_(True) for name in ASKED
    }
    found |= {"judged": sa.true(), "passed": check.state == "passed"}
    for value, so in found.items():
        unit, both = check.organization_id, (check.judged_at.is_not(None), so)
        _count("check", unit, check.centre_id, sa.literal(value), check.judged_at, *both)


def _count(kind: str, unit: Any, centre: Any, value: Any, at: Any, *which: Any) -> None:
    """Count rows by unit, value and day."""
    key = (unit, centre, value, _day(at))
    columns = [sa.literal(kind), sa.literal("new"), *key, NOBODY, sa.func.count()]
    names = ["kind", "span", "organization_id", "centre_id", "value", "since", "entry_id", "n"]
    # by their places: PostgreSQL does not know an expression with parameters again
    by: list[Any] = [sa.literal_column(str(n)) for n in (3, 4, 5, 6)]
    found = sa.select(*columns).where(*which).group_by(*by)
    op.execute(_table(COUNTS, *names).insert().from_select(names, found))


def _table(name: str, *columns: str) -> Any:
    return sa.table(name, *(sa.column(one) for one in columns))


def _day(at: Any) -> Any:
    """Return the day of a moment in Shanghai, which is eight hours ahead since 1992."""
    if op.get_bind().dialect.name == "postgresql":
        return sa.cast(sa.func.timezone("Asia/Shanghai", at), sa.Date())
    return sa.func.date(at, "+8 hours")


def _forget_months() -> None:
    """Take the month of a call, by which it was counted, with its indexes."""
    op.create_index(f"ix_{CALLS}_line_started_at", CALLS, ["line", "started_at"])
    op.drop_index(f"ix_{CALLS}_line_month", CALLS)
    op.drop_index(f"ix_{CALLS}_month", CALLS)
    op.drop_column(CALLS, "month")


def downgrade() -> None:
    """Take that back."""
    count_without_unrated(ORDERS)
    op.add_column(CALLS, text("month", 7, null=True))
    call = sa.table(CALLS, sa.column("month"), sa.column("started_at", UtcTime()))
    day = sa.cast(_day(call.c.started_at), sa.String())
    op.execute(call.update().values(month=sa.func.substr(day, 1, 7)))
    with op.batch_alter_table(CALLS) as table:
        table.alter_column("month", existing_type=sa.String(length=7), nullable=False)
    op.create_index(f"ix_{CALLS}_month", CALLS, ["month"])
    op.create_index(f"ix_{CALLS}_line_month", CALLS, ["line", "month"])
    op.drop_index(f"ix_{CALLS}_line_started_at", CALLS)
    drop(COUNTS)
