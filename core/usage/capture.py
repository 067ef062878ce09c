"""Counting in process, flushed once a second, off the path of requests.

A batch is keyed by (worker, sequence): one that is sent again counts once. What could not
be flushed is kept and sent with the next batch, up to a bound; beyond it, it is counted as
lost.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from core.database import Database, Transaction
from core.shared_state import end_tasks
from core.usage.latency import bucket_of
from core.usage.models import (
    KINDS,
    UsageBatch,
    UsageCell,
    UsageDay,
    UsageEffect,
    UsageElement,
    UsageLatency,
    organization_key,
)

logger = logging.getLogger(__name__)

SHANGHAI = ZoneInfo("Asia/Shanghai")
FLUSH_SECONDS = 1.0
MOST_CELLS = 50_000
STARTED, COMPLETED = "@started", "@completed"  # names that no effect of a manifest has

CellKey = tuple[date, str, str, str, str]
LatencyKey = tuple[date, str, str, int]


class Usage:
    """The counts of one worker."""

    def __init__(self, database: Database, worker: str) -> None:
        self._database = database
        self._worker = worker
        self._sequence = 0
        self._requests: dict[tuple[str, str, UUID | None, str, int, int], int] = defaultdict(int)
        self._others: dict[tuple[str, str, UUID | None, str, str], int] = defaultdict(int)
        self._pending: tuple[int, dict[CellKey, dict[str, int]], dict[LatencyKey, int]] | None = (
            None
        )
        self._busy = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self.lost = 0
        self.enabled = True

    def request(
        self,
        app: str,
        feature: str,
        organization: UUID | None,
        channel: str,
        status: int,
        seconds: float,
    ) -> None:
        """Count one answered request of a feature (a route template)."""
        if not self.enabled:
            return
        outcome = 0 if status < 400 else 1 if status < 500 else 2
        self._requests[app, feature, organization, channel, outcome, bucket_of(seconds)] += 1

    def count(
        self, app: str, feature: str, organization: UUID | None, channel: str, kind: str
    ) -> None:
        """Count an open, a start or a completion."""
        if self.enabled:
            self._others[app, feature, organization, channel, kind] += 1

    def start(self) -> None:
        """Begin flushing."""
        self._task = asyncio.create_task(self._run(), name="usage")

    async def close(self) -> None:
        """Flush what is left."""
        await end_tasks(self._task, busy=self._busy)
        try:
            await self.flush()
        except Exception as error:
            logger.warning("the last usage counts were not written: %s", type(error).__name__)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            try:
                async with self._busy:
                    await self.flush()
            except Exception as error:
                logger.warning("usage is kept for the next flush: %s", type(error).__name__)

    async def flush(self) -> None:
        """Write what was counted since the last flush as one batch."""
        if self._pending is not None:  # the very batch that failed, under its own number
            await self._write(*self._pending)
            self._pending = None
        if not self._requests and not self._others:
            return
        cells, latencies = self._fold(self._database.clock())
        self._sequence += 1
        if len(cells) > MOST_CELLS:
            self.lost += sum(sum(counts.values()) for counts in cells.values())
            logger.error("usage beyond the bound was lost: %d counts so far", self.lost)
            return
        self._pending = (self._sequence, cells, latencies)
        await self._write(*self._pending)
        self._pending = None

    def _fold(self, now: datetime) -> tuple[dict[CellKey, dict[str, int]], dict[LatencyKey, int]]:
        requests, self._requests = self._requests, defaultdict(int)
        others, self._others = self._others, defaultdict(int)
        day = now.astimezone(SHANGHAI).date()
        cells: dict[CellKey, dict[str, int]] = defaultdict(lambda: dict.fromkeys(KINDS, 0))
        latencies: dict[LatencyKey, int] = defaultdict(int)
        for (app, feature, organization, channel, outcome, bucket), n in requests.items():
            cell = cells[day, app, feature, organization_key(organization), channel]
            cell[("answered", "refused", "failed")[outcome]] += n
            latencies[day, app, feature, bucket] += n
        for (app, feature, organization, channel, kind), n in others.items():
            cells[day, app, feature, organization_key(organization), channel][kind] += n
        return cells, latencies

    async def _write(
        self,
        sequence: int,
        cells: Mapping[CellKey, Mapping[str, int]],
        latencies: Mapping[LatencyKey, int],
    ) -> None:
        async with self._database.transaction(write=True) as tx:
            if not await _first_time(tx, self._worker, sequence):
                return
            # in one order for all workers, so that none waits for another in a circle
            for key in sorted(cells):
                await _add(tx, UsageCell, CELL, key, cells[key])
            for total, counts in sorted(_by_app(cells).items()):
                await _add(tx, UsageDay, TOTAL, total, counts)
            for bucket in sorted(latencies):
                await _add(tx, UsageLatency, LATENCY, bucket, {"count": latencies[bucket]})

    async def tidy(self) -> None:
        """Forget the keys of batches that no worker can send again."""
        async with self._database.transaction(write=True) as tx:
            await tx.session.execute(
                delete(UsageBatch).where(col(UsageBatch.at) < tx.now - timedelta(days=7))
            )


CELL = ("day", "app", "feature", "organization", "channel")
TOTAL = ("app", "day")
LATENCY = ("day", "app", "feature", "bucket")
ELEMENT = ("day", "app", "element")


async def _first_time(tx: Transaction, worker: str, sequence: int) -> bool:
    dialect = sqlite if tx.database.sqlite else postgresql
    added = await tx.session.execute(
        dialect.insert(UsageBatch)
        .values(worker=worker, sequence=sequence, at=tx.now)
        .on_conflict_do_nothing()
        .returning(col(UsageBatch.sequence))
    )
    return added.first() is not None


async def _add(
    tx: Transaction, model: Any, names: tuple[str, ...], key: tuple[Any, ...], counts: Any
) -> None:
    dialect = sqlite if tx.database.sqlite else postgresql
    insert = dialect.insert(model).values(**dict(zip(names, key, strict=True)), **counts)
    await tx.session.execute(
        insert.on_conflict_do_update(
            index_elements=list(names),
            set_={name: getattr(model, name) + insert.excluded[name] for name in counts},
        )
    )


async def record_start(
    tx: Transaction,
    app: str,
    name: str,
    subject: str,
    organization: UUID | None,
    channel: str,
    *,
    shown: bool = False,
) -> None:
    """Count a procedure as started in the transaction that opens its subject; once a subject.

    With `shown` its form was counted when it was shown: what began is noted, and not counted
    again.
    """
    if await _note(tx, app, STARTED, subject) and not shown:
        await _count(tx, app, name, organization, channel, "starts")


async def record_effect(
    tx: Transaction,
    app: str,
    name: str,
    subject: str,
    organization: UUID | None,
    channel: str,
    *,
    measured: bool = True,
) -> bool:
    """Count a finished business object in the transaction of the act; once a subject.

    Its first effect completes a procedure whose start was counted, so that never more are
    completed than started. What is not `measured` (history that is brought in or acted out)
    is noted, so that it does not count later either. Returns whether it was counted now.
    """
    if not await _note(tx, app, name, subject) or not measured:
        return False
    started = await tx.session.execute(
        select(col(UsageEffect.day)).where(
            col(UsageEffect.app) == app,
            col(UsageEffect.name) == STARTED,
            col(UsageEffect.subject) == subject,
        )
    )
    completes = started.first() is not None and await _note(tx, app, COMPLETED, subject)
    kinds = ("effects", "completes") if completes else ("effects",)
    await _count(tx, app, name, organization, channel, *kinds)
    return True


async def record_element(
    tx: Transaction, app: str, element: str, *, spared: int, asked: int
) -> None:
    """Count, in the transaction of the act, fields that asked for what the hub held."""
    counts = {"spared": spared, "asked": asked}
    await _add(tx, UsageElement, ELEMENT, (_day(tx), app, element), counts)


async def _note(tx: Transaction, app: str, name: str, subject: str) -> bool:
    """Note that something befell a subject; return whether it was the first time."""
    dialect = sqlite if tx.database.sqlite else postgresql
    added = await tx.session.execute(
        dialect.insert(UsageEffect)
        .values(app=app, name=name, subject=subject, day=_day(tx))
        .on_conflict_do_nothing()
        .returning(col(UsageEffect.subject))
    )
    return added.first() is not None


async def _count(
    tx: Transaction, app: str, name: str, organization: UUID | None, channel: str, *kinds: str
) -> None:
    counts = {kind: int(kind in kinds) for kind in KINDS}
    key = (_day(tx), app, name, organization_key(organization), channel)
    await _add(tx, UsageCell, CELL, key, counts)
    await _add(tx, UsageDay, TOTAL, (app, key[0]), counts)


def _by_app(cells: Mapping[CellKey, Mapping[str, int]]) -> dict[tuple[str, date], dict[str, int]]:
    totals: dict[tuple[str, date], dict[str, int]] = defaultdict(lambda: dict.fromkeys(KINDS, 0))
    for (day, app, *_), counts in cells.items():
        for kind, n in counts.items():
            totals[app, day][kind] += n
    return totals


def _day(tx: Transaction) -> date:
    return tx.now.astimezone(SHANGHAI).date()
