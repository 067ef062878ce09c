"""How long the answers of an app took, day by day (`core.usage.latency` says what buckets are)."""

from collections import defaultdict
from datetime import date

from sqlalchemy import func, select
from sqlmodel import col

from core.database import Transaction
from core.usage.models import UsageLatency


async def durations_by_day(
    tx: Transaction, app: str, since: date, until: date
) -> dict[date, dict[int, int]]:
    """Return how many answers fell into each bucket on each day, both days included; a day
    without an answer is absent."""
    row = UsageLatency
    found = await tx.session.execute(
        select(col(row.day), col(row.bucket), func.sum(row.count))
        .where(col(row.app) == app, col(row.day) >= since, col(row.day) <= until)
        .group_by(col(row.day), col(row.bucket))
    )
    by_day: dict[date, dict[int, int]] = defaultdict(dict)
    for day, bucket, count in found:
        by_day[day][bucket] = int(count)
    return by_day
