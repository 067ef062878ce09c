"""Counting batches: each once, many at a time.

One transaction claims the keys of the batches it counts; a key that is there already adds
nothing. Any number of relays may read the same batch, in any order, as often as they like.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from core.database import Database, Transaction
from core.usage import reach, sessions
from core.usage.batches import Batch, Cell
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


async def apply(tx: Transaction, batches: Sequence[Batch]) -> int:
    """Count the batches that were not counted before; return how many those were."""
    claimed = await _claim(tx, batches)
    fresh = [batch for batch in batches if (batch.worker, batch.sequence) in claimed]
    unique = {(batch.worker, batch.sequence): batch for batch in fresh}
    new = [unique[key] for key in sorted(unique)]
    if not new:
        return 0
    cells: dict[Cell, list[int]] = {}
    totals: dict[tuple[str, date], list[int]] = defaultdict(lambda: [0] * len(KINDS))
    for batch in new:
        for counted in batch.counted:
            _sum(cells.setdefault(counted.cell, [0] * len(KINDS)), counted.counts)
    for (at, app, *_), counts in cells.items():
        _sum(totals[app, at.astimezone(SHANGHAI).date()], counts)
    await _add_minutes(tx, cells)
    await add(tx, UsageLatency, LATENCY, ("count",), _merged(s for b in new for s in b.slow))
    await add(tx, UsageExit, EXIT, ("count",), _merged(e for b in new for e in b.exits))
    if reached := [item for batch in new for item in batch.reached]:
        await reach.add(tx, reached)
    if outcomes := [item for batch in new for item in batch.outcomes]:
        await sessions.add(tx, outcomes)
    await _note_workers(tx, new)
    await add_totals(tx, totals)
    return len(new)


async def tidy(database: Database) -> None:
    """Forget the keys of batches that nobody can send again: older ones are not counted."""
    async with database.transaction(write=True) as tx:
        await tx.session.execute(delete(UsageBatch).where(col(UsageBatch.at) < tx.now - 2 * KEPT))


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


async def _add_minutes(tx: Transaction, cells: dict[Cell, list[int]]) -> None:
    days: dict[datetime, date] = {at: at.astimezone(SHANGHAI).date() for at, *_ in cells}
    rows = ((*cell, days[cell[0]], *counts) for cell, counts in cells.items())
    await add(tx, UsageMinute, MINUTE, KINDS, rows, ("day",))


async def _note_workers(tx: Transaction, batches: Sequence[Batch]) -> None:
    """Note until when workers are known: what they counted, and that they were there."""
    dialect = sqlite if tx.database.sqlite else postgresql
    for batch in {batch.worker: batch for batch in batches}.values():  # the last one of each
        left = batch.until if batch.leaves else None
        insert = dialect.insert(UsageWorker).values(
            worker=batch.worker, known_until=batch.until, left_at=left, checked=0
        )
        await tx.session.execute(
            insert.on_conflict_do_update(
                index_elements=["worker"],
                set_={"known_until": batch.until, "left_at": left},
                where=col(UsageWorker.known_until) <= batch.until,
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
