"""Counting batches: each once, many at a time.

One transaction claims the keys of the batches it counts; a key that is there already adds
nothing. Any number of relays may read the same batch, in any order, as often as they like.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import case, delete, select, true
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from core.database import Database, Transaction
from core.usage import gaps, reach, sessions
from core.usage.batches import Batch, Cell, Counted
from core.usage.cells import add, add_totals
from core.usage.models import (
    KINDS,
    UsageBatch,
    UsageExit,
    UsageLatency,
    UsageMinute,
    UsageWorker,
)
from plugin_sdk.times import SHANGHAI

MINUTE = ("at", "app", "feature", "organization", "channel")
LATENCY = ("day", "app", "feature", "bucket")
EXIT = ("day", "app", "feature", "host", "kind")
KEPT = timedelta(days=2)
"""How long a batch may be on its way. Keys are kept longer, so that one whose key is forgotten
is older than that, and counts nothing."""
WORKERS_KEPT = timedelta(days=400)


async def apply(tx: Transaction, batches: Sequence[Batch]) -> int:
    """Count the batches that were not counted before; return how many those were."""
    claimed = await _claim(tx, batches)
    unique = {(batch.worker, batch.sequence): batch for batch in batches}
    new = [unique[key] for key in sorted(claimed)]
    if not new:
        return 0
    known = await _known_workers(tx, new)
    for batch in new:
        await _note_gaps(tx, batch, known)
    counted = [_in_time(batch, tx.now) for batch in new if not _late(batch, tx.now)]
    cells: dict[Cell, list[int]] = {}
    totals: dict[tuple[str, date], list[int]] = defaultdict(lambda: [0] * len(KINDS))
    for batch in counted:
        for item in batch.counted:
            _sum(cells.setdefault(item.cell, [0] * len(KINDS)), item.counts)
    days = {at: at.astimezone(SHANGHAI).date() for at, *_ in cells}
    for (at, app, *_), sums in cells.items():
        _sum(totals[app, days[at]], sums)
    rows = ((*cell, days[cell[0]], *sums) for cell, sums in cells.items())
    await add(tx, UsageMinute, MINUTE, KINDS, rows, ("day",))
    await add(tx, UsageLatency, LATENCY, ("count",), _merged(s for b in counted for s in b.slow))
    await add(tx, UsageExit, EXIT, ("count",), _merged(e for b in counted for e in b.exits))
    if reached := [item for batch in counted for item in batch.reached]:
        await reach.add(tx, reached)
    if outcomes := [item for batch in counted for item in batch.outcomes]:
        await sessions.add(tx, outcomes)
    await _note_workers(tx, new)
    await add_totals(tx, totals)  # last: an act that counts its effect waits for these rows
    return len(new)


async def tidy(database: Database) -> None:
    """Forget the keys of batches that count no more, and workers that left long ago."""
    async with database.transaction(write=True) as tx:
        await tx.session.execute(delete(UsageBatch).where(col(UsageBatch.at) < tx.now - 2 * KEPT))
        await tx.session.execute(
            delete(UsageWorker).where(col(UsageWorker.left_at) < tx.now - WORKERS_KEPT)
        )


async def _claim(tx: Transaction, batches: Sequence[Batch]) -> set[tuple[str, int]]:
    rows = {
        (batch.worker, batch.sequence): {
            "worker": batch.worker,
            "sequence": batch.sequence,
            "at": tx.now,
            "since": batch.since,
            "until": batch.until,
        }
        for batch in batches
    }
    dialect = sqlite if tx.database.sqlite else postgresql
    added = await tx.session.execute(
        dialect.insert(UsageBatch)
        .values([rows[key] for key in sorted(rows)])
        .on_conflict_do_nothing()
        .returning(col(UsageBatch.worker), col(UsageBatch.sequence))
    )
    return {(worker, sequence) for worker, sequence in added}


async def _known_workers(tx: Transaction, batches: Sequence[Batch]) -> set[str]:
    names = {batch.worker for batch in batches}
    found = await tx.session.execute(
        select(col(UsageWorker.worker)).where(col(UsageWorker.worker).in_(names))
    )
    return set(found.scalars())


async def _note_gaps(tx: Transaction, batch: Batch, known: set[str]) -> None:
    """Note what a batch says, or shows, that is not known."""
    if batch.worker not in known:
        await gaps.note_down(tx, batch.worker, batch.since)
        known.add(batch.worker)
    span = batch.since, batch.until
    if batch.lost:
        await gaps.note(tx, batch.worker, "full", *span, batch.lost)
    if batch.clock_stepped:
        await gaps.note_between(tx, batch.worker, "clock", *span)
    if batch.until > tx.now + gaps.AHEAD:  # once a minute, however many batches there are
        await gaps.note(tx, batch.worker, "clock", _minute(tx.now), tx.now)
    if _late(batch, tx.now) and batch.counted:
        await gaps.note(tx, batch.worker, "late", *span)


def _late(batch: Batch, now: datetime) -> bool:
    """Return whether a batch is so old that it may have been counted under a key that is
    forgotten by now: a worker that comes back, a machine that is set back to a former state."""
    return batch.until < now - KEPT


def _in_time(batch: Batch, now: datetime) -> Batch:
    """Return a batch with what a clock ahead put into the future counted now: also where the
    clock was right again by the batch's end."""
    today = now.astimezone(SHANGHAI).date()
    dated: tuple[Any, ...] = (*batch.slow, *batch.outcomes, *batch.exits)
    newest = max((c.cell[0] for c in batch.counted), default=now)
    if newest <= now + gaps.AHEAD and all(item.day <= today for item in dated):
        return batch
    minute, replace = _minute(now), msgspec.structs.replace
    return replace(
        batch,
        counted=tuple(
            Counted((min(c.cell[0], minute), *c.cell[1:]), c.counts) for c in batch.counted
        ),
        slow=tuple(replace(slow, day=min(slow.day, today)) for slow in batch.slow),
        outcomes=tuple(replace(mark, day=min(mark.day, today)) for mark in batch.outcomes),
        exits=tuple(replace(exit, day=min(exit.day, today)) for exit in batch.exits),
    )


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


async def _note_workers(tx: Transaction, batches: Sequence[Batch]) -> None:
    """Note until when workers are known. One that was found dead and speaks again is not; what
    it had sent before changes nothing."""
    dialect = sqlite if tx.database.sqlite else postgresql
    row = UsageWorker
    for batch in {batch.worker: batch for batch in batches}.values():  # the last one of each
        until = min(batch.until, tx.now)
        left = until if batch.leaves else None
        insert = dialect.insert(row).values(
            worker=batch.worker, known_until=until, left_at=left, checked=0
        )
        await tx.session.execute(
            insert.on_conflict_do_update(
                index_elements=["worker"],
                set_={
                    "known_until": until,
                    "left_at": case((col(row.left_at) > until, col(row.left_at)), else_=left),
                },
                where=true() if batch.clock_stepped else col(row.known_until) <= until,
            )
        )


def _merged(items: Iterable[Any]) -> Iterable[tuple[Any, ...]]:
    """Return rows of a key and a count, one for each key."""
    merged: dict[tuple[Any, ...], int] = defaultdict(int)
    for item in items:
        *key, count = (getattr(item, name) for name in item.__struct_fields__)
        merged[tuple(key)] += count
    return ((*key, count) for key, count in merged.items())


def _sum(total: list[int], counts: Sequence[int]) -> None:
    for n, count in enumerate(counts):
        if count:
            total[n] += count
