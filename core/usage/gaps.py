"""What is not known of use: spans in which counts were lost, noted where they come to light.

A gap is noted once, however many notice it: its id is made of what it says. Who died, what was
dropped and when nothing ran makes counts unknown, never zero (design, section 7).
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from uuid import UUID, uuid5

import msgspec
from sqlalchemy import func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from core.database import Transaction
from core.usage.figures import first_day
from core.usage.measures import Window
from core.usage.models import UsageBatch, UsageGap, UsageWorker
from plugin_sdk.times import SHANGHAI

Cause = Literal["died", "down", "full", "missing", "unreadable", "late", "clock"]
CAUSES: Mapping[str, str] = {
    "died": "a worker ended without a word",
    "down": "no hub ran",
    "full": "a worker had no room while nothing took its counts",
    "missing": "a batch never came (the stream was lost with its server)",
    "unreadable": "a batch could not be read",
    "late": "a batch came when it was not known any more whether it was counted",
    "clock": "a clock was set, or a machine slept",
}

DEAD_AFTER = timedelta(seconds=10)
DOWN_AFTER = timedelta(seconds=60)
"""A hub that is started again within a minute, the finest cell, leaves none."""
SETTLED = timedelta(minutes=2)
"""After which a batch is missed: what a dead relay had begun is taken over sooner."""
UNKNOWN_SHARE = 0.5
"""A day is unknown once gaps cover half of it."""
MOST_LOOKED_AT = 50_000
_IDS = UUID("5a6f0c9e-7b1d-4a53-9d64-2f0b8f3c1e77")


class Gap(msgspec.Struct, frozen=True):
    """A span in which counts were lost; how many, where that is known."""

    since: datetime
    until: datetime
    cause: str
    lost: int | None


class Unknown(msgspec.Struct, frozen=True):
    """What is unknown in a window: whole days, minutes on the other days, counts that are
    known to be lost."""

    days: frozenset[date] = frozenset()
    minutes: int = 0
    lost: int = 0


async def note(
    tx: Transaction,
    worker: str,
    cause: Cause,
    since: datetime,
    until: datetime,
    lost: int | None = None,
) -> None:
    """Note a gap, once."""
    since, until = sorted((since, until))
    dialect = sqlite if tx.database.sqlite else postgresql
    await tx.session.execute(
        dialect.insert(UsageGap)
        .values(
            id=uuid5(_IDS, f"{worker} {cause} {since.astimezone(UTC).isoformat()}"),
            worker=worker,
            since=since,
            until=until,
            lost=lost,
            cause=cause,
        )
        .on_conflict_do_nothing()
    )


async def find_dead(tx: Transaction, live: Collection[str]) -> int:
    """Note, of workers that are gone without a word, the span from which on they are unknown;
    return how many there were. `live` are those that are known to run."""
    row = UsageWorker
    gone = await tx.session.execute(
        update(row)
        .where(
            col(row.left_at).is_(None),
            col(row.known_until) < tx.now - DEAD_AFTER,
            col(row.worker).not_in(live),
        )
        .values(left_at=tx.now)
        .returning(col(row.worker), col(row.known_until))
    )
    dead = sorted((worker, known_until) for worker, known_until in gone)
    for worker, known_until in dead:
        await note(tx, worker, "died", known_until, tx.now)
    return len(dead)


async def find_missing(tx: Transaction) -> int:
    """Note batches that never came though later ones of their worker did (a stream that was
    lost with its server); return how many spans there were."""
    batch, worker = UsageBatch, UsageWorker
    found = await tx.session.execute(
        select(
            col(batch.worker),
            col(worker.checked),
            col(batch.sequence),
            col(batch.since),
            col(batch.until),
        )
        .join(worker, col(worker.worker) == col(batch.worker))
        .where(col(batch.sequence) >= col(worker.checked), col(batch.at) < tx.now - SETTLED)
        .order_by(col(batch.worker), col(batch.sequence))
        .limit(MOST_LOOKED_AT)
    )
    missing = 0
    last: dict[str, tuple[int, datetime]] = {}
    for name, checked, sequence, since, until in found:
        before, known_until = last.get(name, (checked, since))
        if sequence > before + 1:
            await note(tx, name, "missing", known_until, since)
            missing += 1
        last[name] = sequence, until
    for name, (sequence, _) in sorted(last.items()):
        await tx.session.execute(
            update(worker)
            .where(col(worker.worker) == name, col(worker.checked) < sequence)
            .values(checked=sequence)
        )
    return missing


async def note_down(tx: Transaction, worker: str, since: datetime) -> None:
    """Note that no hub ran before the first batch of a worker, unless another one is there."""
    row = UsageWorker
    found = await tx.session.execute(
        select(func.count() - func.count(col(row.left_at)), func.max(row.left_at))
    )
    there, left = found.one()
    if not there and left is not None and since - left > DOWN_AFTER:
        await note(tx, worker, "down", left, since)


async def within(tx: Transaction, window: Window) -> list[Gap]:
    """Return the gaps that touch a window, the oldest first."""
    row = UsageGap
    found = await tx.session.execute(
        select(col(row.since), col(row.until), col(row.cause), col(row.lost))
        .where(
            col(row.until) >= _begins(window.since),
            col(row.since) < _begins(window.until + timedelta(days=1)),
        )
        .order_by(col(row.since), col(row.until), col(row.id))
    )
    return [Gap(*gap) for gap in found]


async def missing(tx: Transaction, window: Window) -> Unknown:
    """Return what is unknown in a window. Days before the first that was counted are; what lies
    in the future is not."""
    first = await first_day(tx)
    gaps = await within(tx, window)
    days, minutes = set(_days(window.since, min(window.until, _day_before(first, window)))), 0.0
    for day, covered in _covered(gaps, window).items():
        if covered >= UNKNOWN_SHARE * 24 * 60:
            days.add(day)
        elif day not in days:
            minutes += covered
    return Unknown(
        days=frozenset(days),
        minutes=-int(-minutes // 1),
        lost=sum(gap.lost or 0 for gap in gaps),
    )


def _covered(gaps: Iterable[Gap], window: Window) -> dict[date, float]:
    """Return how many minutes of each day lie in gaps; what two share counts once."""
    covered: dict[date, float] = {}
    end = _begins(window.since)
    last = _begins(window.until + timedelta(days=1))
    for gap in gaps:
        since, until = max(gap.since, end), min(gap.until, last)
        while since < until:
            day = since.astimezone(SHANGHAI).date()
            next = min(until, _begins(day + timedelta(days=1)))
            covered[day] = covered.get(day, 0.0) + (next - since).total_seconds() / 60
            since = next
        end = max(end, until)
    return covered


def _day_before(first: date | None, window: Window) -> date:
    return window.until if first is None else first - timedelta(days=1)


def _days(since: date, until: date) -> list[date]:
    return [since + timedelta(days=n) for n in range((until - since).days + 1)]


def _begins(day: date) -> datetime:
    return datetime.combine(day, time(), SHANGHAI)
