"""What is not known of use: spans in which counts were lost, noted where they come to light.

A gap is noted once, however many notice it: its id is made of what it says. Who died, what was
dropped and when nothing ran makes counts unknown, never zero (design, section 7).
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, Literal
from uuid import UUID, uuid5

import msgspec
from sqlalchemy import func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from core.database import Transaction
from core.usage.figures import first_day, was_counted
from core.usage.measures import Window
from core.usage.models import UsageBatch, UsageDay, UsageGap, UsageWorker
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
AHEAD = timedelta(minutes=1)
LEAP = timedelta(days=2)
"""A clock that moves so far at once was wrong before or is wrong now."""
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
            id=uuid5(_IDS, f"{worker} {cause} {since.timestamp()} {until.timestamp()}"),
            worker=worker,
            since=since,
            until=until,
            lost=lost,
            cause=cause,
        )
        .on_conflict_do_nothing()
    )


async def note_between(
    tx: Transaction, worker: str, cause: Cause, before: datetime, after: datetime
) -> None:
    """Note the time between what a clock showed when a worker was last known and what it shows
    now.

    If those are days apart, days on which anything was counted stay known: a machine that
    started in 1970, or was a year ahead for a minute, makes no year unknown, neither past nor
    to come.
    """
    since, until = sorted((before, after))
    if until - since < LEAP:
        await note(tx, worker, cause, since, until)
        return
    await _end_by_now(tx)
    until = max(since, min(until, tx.now))
    counted = await _counted_between(tx, since, until)
    if counted is None:
        await note(tx, worker, cause, since, until)
    else:
        first, last = counted
        await note(tx, worker, cause, since, first)
        await note(tx, worker, cause, last, until)


async def _end_by_now(tx: Transaction) -> None:
    """Let no gap reach into the future: a clock that was ahead has left it there."""
    row = UsageGap
    reaching = (col(row.since) <= tx.now, col(row.until) > tx.now + LEAP)
    await tx.session.execute(update(row).where(*reaching).values(until=tx.now))


async def _counted_between(
    tx: Transaction, since: datetime, until: datetime
) -> tuple[datetime, datetime] | None:
    """Return from when until when, between two moments that are days apart, this hub counted:
    by the day, or as its last batch says; None where it did not."""
    day, batch = col(UsageDay.day), col(UsageBatch.until)
    days = (day > since.astimezone(SHANGHAI).date(), day < until.astimezone(SHANGHAI).date())
    found = await tx.session.execute(
        select(func.min(day), func.max(day)).where(*days, was_counted())
    )
    first: Any
    last: Any
    first, last = found.one()
    if first is None:
        return None
    newest = select(func.max(batch)).where(batch > _begins(last), batch < until)
    heard = (await tx.session.execute(newest)).scalar_one_or_none()
    return _begins(first), max(filter(None, (_begins(last + timedelta(days=1)), heard)))


async def in_doubt(tx: Transaction) -> bool:
    """Return whether the clock may have leapt within the last day, for all that is known: what
    is destroyed by its day does not come back, and can wait for another one."""
    row = UsageGap
    leapt = await tx.session.execute(
        select(col(row.id))
        .where(col(row.since) < tx.now - LEAP, col(row.until) > tx.now - timedelta(days=1))
        .limit(1)
    )
    if leapt.first() is not None:
        return True
    known = await tx.session.execute(select(func.max(col(UsageWorker.known_until))))
    heard = known.scalar_one_or_none()
    return heard is not None and heard < tx.now - LEAP


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
        await note_between(tx, worker, "died", known_until, tx.now)
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
    await _end_by_now(tx)
    row = UsageWorker
    found = await tx.session.execute(
        select(func.count() - func.count(col(row.left_at)), func.max(row.left_at))
    )
    there, left = found.one()
    if not there and left is not None and since - left > DOWN_AFTER:
        await note_between(tx, worker, "down", left, since)


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
