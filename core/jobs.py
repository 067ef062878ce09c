"""Periodic jobs and the outbox: each fires once, however many workers there are.

A job is claimed by a conditional update, an outbox row by a lock that others skip. What a
row does to the database is committed together with its being done, so it happens once;
what it sends outside goes at least once, with the row's id as dedupe key.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import JSON, Index, and_, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Field, col

from core.database import CoreBase, Database, Transaction
from core.shared_state import SharedState, end_tasks
from plugin_sdk.data import UtcTime, new_id
from plugin_sdk.schedules import Daily, Every

logger = logging.getLogger(__name__)

TICK_SECONDS = 1.0
CLAIM_SECONDS = 60
ITEM_SECONDS = 20
BATCH = 50
RETRY_SECONDS = 30
MOST_RETRY_SECONDS = 3600
KEEP_DONE = timedelta(days=7)
MOST_ATTEMPTS = 12
HINT = "outbox"


class PeriodicJob(CoreBase, table=True):
    """When a job is due next, and who runs it now."""

    __tablename__ = "jobs_periodic"

    name: str = Field(primary_key=True)
    next_at: datetime = Field(sa_type=UtcTime)
    claimed_by: str | None = None
    claimed_until: datetime | None = Field(default=None, sa_type=UtcTime)
    last_ran_at: datetime | None = Field(default=None, sa_type=UtcTime)
    last_error: str | None = None


class OutboxRow(CoreBase, table=True):
    """Something to be done after the transaction that wrote this row."""

    __tablename__ = "jobs_outbox"
    __table_args__ = (Index("ix_jobs_outbox_pending", "done_at", "due_at"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    kind: str
    payload: dict[str, Any] = Field(sa_type=JSON)
    dedupe: str | None = Field(default=None, unique=True)
    due_at: datetime = Field(sa_type=UtcTime)
    attempts: int = 0
    claimed_until: datetime | None = Field(default=None, sa_type=UtcTime)
    done_at: datetime | None = Field(default=None, sa_type=UtcTime)
    error: str | None = None


class OutboxItem(msgspec.Struct, frozen=True):
    """An outbox row as its handler sees it."""

    id: UUID
    kind: str
    payload: Mapping[str, Any]
    attempts: int = 0


OutboxHandler = Callable[[Transaction, OutboxItem], Awaitable[None]]


async def send_later(
    transaction: Transaction,
    kind: str,
    payload: Mapping[str, Any],
    *,
    dedupe: str | None = None,
    delay_seconds: float = 0,
) -> None:
    """Write an outbox row into the transaction. A dedupe key that was used is ignored."""
    values = {
        "id": new_id(),
        "kind": kind,
        "payload": dict(payload),
        "dedupe": dedupe,
        "due_at": transaction.now + timedelta(seconds=delay_seconds),
        "attempts": 0,
    }
    dialect = sqlite if transaction.database.sqlite else postgresql
    await transaction.session.execute(
        dialect.insert(OutboxRow).values(**values).on_conflict_do_nothing()
    )


async def unsend(transaction: Transaction, dedupe: str) -> bool:
    """Take back an outbox row that has not left; return whether it was there."""
    gone = await transaction.session.execute(
        delete(OutboxRow)
        .where(col(OutboxRow.dedupe) == dedupe, col(OutboxRow.done_at).is_(None))
        .returning(col(OutboxRow.id))
    )
    return gone.first() is not None


async def forget(transaction: Transaction, kind: str, field: str, value: str) -> None:
    """Take back the outbox rows of a kind whose payload has this value in a field, and blank
    what those that have left said; their dedupe keys stay."""
    rows = and_(col(OutboxRow.kind) == kind, col(OutboxRow.payload)[field].as_string() == value)
    unsent = delete(OutboxRow).where(rows, col(OutboxRow.done_at).is_(None))
    for statement in (unsent, update(OutboxRow).where(rows).values(payload={})):
        await transaction.session.execute(statement.execution_options(synchronize_session=False))


class _Periodic(msgspec.Struct, frozen=True):
    when: Every | Daily
    run: Callable[[], Awaitable[None]]


class Jobs:
    """Runs the periodic jobs and the outbox of one worker."""

    def __init__(self, database: Database, shared: SharedState) -> None:
        self._database = database
        self._shared = shared
        self._periodic: dict[str, _Periodic] = {}
        self._handlers: dict[str, OutboxHandler] = {}
        self._busy = asyncio.Lock()
        self._wake = asyncio.Event()
        self._running: dict[str, asyncio.Task[None]] = {}
        self._task: asyncio.Task[None] | None = None
        shared.on_hint(HINT, self._wake.set)

    def every(self, seconds: float, name: str, run: Callable[[], Awaitable[None]]) -> None:
        """Run something every `seconds`, on one worker at a time."""
        self.schedule(Every(seconds), name, run)

    def schedule(self, when: Every | Daily, name: str, run: Callable[[], Awaitable[None]]) -> None:
        """Run something by a schedule, on one worker at a time. A daily run whose worker dies
        is begun by another once its claim has run out."""
        self._periodic[name] = _Periodic(when, run)

    def cancel(self, prefix: str) -> None:
        """Stop running the jobs whose name starts so."""
        for name in [name for name in self._periodic if name.startswith(prefix)]:
            del self._periodic[name]

    def handle(self, kind: str, handler: OutboxHandler) -> None:
        """Let `handler` do the outbox rows of a kind."""
        self._handlers[kind] = handler

    def unhandle(self, kind: str) -> None:
        """Leave the outbox rows of a kind where they are until they are handled again."""
        self._handlers.pop(kind, None)

    def wake(self) -> None:
        """Look at the outbox now rather than at the next tick."""
        self._wake.set()

    def start(self) -> None:
        """Begin ticking."""
        self._task = asyncio.create_task(self._run(), name="jobs")

    async def close(self) -> None:
        """Stop ticking; what was running here may begin elsewhere at once."""
        await end_tasks(self._task, busy=self._busy)
        await end_tasks(*self._running.values())
        if self._task is None:
            return
        try:
            async with self._database.transaction(write=True) as tx:
                await tx.session.execute(
                    update(PeriodicJob)
                    .where(
                        col(PeriodicJob.claimed_by) == self._shared.worker,
                        col(PeriodicJob.claimed_until).is_not(None),
                    )
                    .values(claimed_until=None, next_at=tx.now)
                )
        except Exception as error:  # then they are taken over when the claims run out
            logger.warning("the claims of jobs were not given up: %s", type(error).__name__)

    async def _run(self) -> None:
        while True:
            try:
                async with self._busy:
                    await self._begin_due()
                more = True
                while more:
                    async with self._busy:  # let go between batches, for whoever ends this
                        more = bool(await self.relay())
            except Exception:
                logger.exception("jobs: this round failed, the next follows")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TICK_SECONDS):
                    await self._wake.wait()
            self._wake.clear()

    async def run_due(self) -> None:
        """Run each periodic job that is due and that no other worker has claimed, to its end."""
        await asyncio.gather(*await self._begin_due())

    async def _begin_due(self) -> list[asyncio.Task[None]]:
        """Begin them, each in a task of its own: one that takes long keeps no other, nor the
        outbox, from running."""
        begun = []
        async with self._database.transaction() as tx:
            found = await tx.session.execute(
                select(col(PeriodicJob.name), col(PeriodicJob.next_at))
            )
            due = {name: at for name, at in found}
            now = tx.now
        for name, job in list(self._periodic.items()):
            if name in self._running:
                continue
            if name in due and due[name] > now:
                if due[name] > (latest := job.when.following(now)):
                    await self._bring_nearer(name, latest)
                continue
            if await self._claim(name, job):
                task = asyncio.create_task(self._run_job(name, job), name=f"job {name}")
                self._running[name] = task
                task.add_done_callback(partial(self._ended, name))
                begun.append(task)
        return begun

    async def _bring_nearer(self, name: str, latest: datetime) -> None:
        """Let a job run by its present schedule, where a former one put it further away."""
        async with self._database.transaction(write=True) as tx:
            await tx.session.execute(
                update(PeriodicJob)
                .where(col(PeriodicJob.name) == name, col(PeriodicJob.next_at) > latest)
                .values(next_at=latest)
            )

    def _ended(self, name: str, task: asyncio.Task[None]) -> None:
        self._running.pop(name, None)

    async def _claim(self, name: str, job: _Periodic) -> bool:
        async with self._database.transaction(write=True) as tx:
            dialect = sqlite if self._database.sqlite else postgresql
            await tx.session.execute(
                dialect.insert(PeriodicJob)
                .values(name=name, next_at=job.when.first(tx.now))
                .on_conflict_do_nothing()
            )
            claimed = await tx.session.execute(
                update(PeriodicJob)
                .where(
                    col(PeriodicJob.name) == name,
                    col(PeriodicJob.next_at) <= tx.now,
                    or_(
                        col(PeriodicJob.claimed_until).is_(None),
                        col(PeriodicJob.claimed_until) < tx.now,
                    ),
                )
                .values(
                    # that of a day is due until it is done: its worker may die
                    next_at=job.when.following(tx.now)
                    if isinstance(job.when, Every)
                    else col(PeriodicJob.next_at),
                    claimed_by=self._shared.worker,
                    claimed_until=tx.now + timedelta(seconds=_claim_seconds(job)),
                )
                .returning(col(PeriodicJob.name))
            )
            return claimed.first() is not None

    async def _run_job(self, name: str, job: _Periodic) -> None:
        error = None
        try:
            async with asyncio.timeout(_claim_seconds(job) - 1):  # never beyond its claim
                await job.run()
        except Exception as failure:
            error = f"{type(failure).__name__}: {failure}"[:500]
            logger.exception("job %s failed", name)
        async with self._database.transaction(write=True) as tx:
            values = {"claimed_until": None, "last_ran_at": tx.now, "last_error": error}
            if isinstance(job.when, Daily):
                values["next_at"] = job.when.following(tx.now)
            await tx.session.execute(
                update(PeriodicJob)
                .where(
                    col(PeriodicJob.name) == name,
                    col(PeriodicJob.claimed_by) == self._shared.worker,
                )
                .values(**values)
            )

    async def last_error(self, tx: Transaction, name: str) -> str | None:
        """Return what a job failed of when it ran last, None when it did not."""
        found = await tx.session.execute(
            select(col(PeriodicJob.last_error)).where(col(PeriodicJob.name) == name)
        )
        return found.scalar_one_or_none()

    async def relay(self) -> int:
        """Do one batch of the outbox; return how many rows were taken."""
        items = await self._take()
        for item in items:
            await self._do(item)
        return len(items)

    async def _take(self) -> list[OutboxItem]:
        kinds = list(self._handlers)

        def pending(now: datetime) -> Any:
            return (
                select(
                    col(OutboxRow.id),
                    col(OutboxRow.kind),
                    col(OutboxRow.payload),
                    col(OutboxRow.attempts),
                )
                .where(
                    col(OutboxRow.done_at).is_(None),
                    col(OutboxRow.due_at) <= now,
                    col(OutboxRow.attempts) < MOST_ATTEMPTS,
                    col(OutboxRow.kind).in_(kinds),
                    or_(col(OutboxRow.claimed_until).is_(None), col(OutboxRow.claimed_until) < now),
                )
                .order_by(col(OutboxRow.due_at), col(OutboxRow.id))
                .limit(BATCH)
            )

        async with self._database.transaction() as tx:
            if (await tx.session.execute(pending(tx.now).limit(1))).first() is None:
                return []
        async with self._database.transaction(write=True) as tx:
            rows = await tx.session.execute(pending(tx.now).with_for_update(skip_locked=True))
            items = [OutboxItem(*row) for row in rows]
            await tx.session.execute(
                update(OutboxRow)
                .where(col(OutboxRow.id).in_([item.id for item in items]))
                .values(
                    claimed_until=tx.now + timedelta(seconds=CLAIM_SECONDS),
                    attempts=col(OutboxRow.attempts) + 1,
                )
            )
        return items

    async def _do(self, item: OutboxItem) -> None:
        try:
            async with self._database.transaction(write=True) as tx:
                mine = await tx.session.execute(
                    update(OutboxRow)
                    .where(col(OutboxRow.id) == item.id, col(OutboxRow.done_at).is_(None))
                    .values(done_at=tx.now, error=None)
                    .returning(col(OutboxRow.id))
                )
                if mine.first() is not None:
                    async with asyncio.timeout(ITEM_SECONDS):
                        await self._handlers[item.kind](tx, item)
        except Exception as failure:
            logger.exception("outbox row %s (%s) failed", item.id, item.kind)
            wait = min(RETRY_SECONDS * 2**item.attempts, MOST_RETRY_SECONDS)
            async with self._database.transaction(write=True) as tx:
                await tx.session.execute(
                    update(OutboxRow)
                    .where(col(OutboxRow.id) == item.id)
                    .values(
                        claimed_until=None,
                        due_at=tx.now + timedelta(seconds=wait),
                        error=f"{type(failure).__name__}: {failure}"[:500],
                    )
                )

    async def tidy(self) -> None:
        """Forget what was done long ago: whole rows, but for those with a dedupe key, of which
        the key is kept and what they said is not."""
        done = col(OutboxRow.done_at)
        async with self._database.transaction(write=True) as tx:
            long_ago = tx.now - KEEP_DONE
            await tx.session.execute(
                delete(OutboxRow).where(done < long_ago, col(OutboxRow.dedupe).is_(None))
            )
            await tx.session.execute(update(OutboxRow).where(done < long_ago).values(payload={}))


def _claim_seconds(job: _Periodic) -> float:
    return max(CLAIM_SECONDS, job.when.seconds) if isinstance(job.when, Every) else CLAIM_SECONDS
