"""Counting in process, handed over once a second, off the path of requests.

A request costs the look-up of one entry, and asks nobody for the time: once a second what was
counted is put into the cells of the present minute. One batch at a time is on its way, under
this worker's name and a number; while it is not acknowledged, counting goes on here, up to a
bound of cells. What has no room is counted as lost, exactly, and said so with the next batch.
"""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from core.database import Clock, utc_now
from core.shared_state import end_tasks
from core.usage.batches import Batch
from core.usage.held import Held
from core.usage.latency import bucket_of
from core.usage.models import KINDS, organization_key
from core.usage.sinks import Sink

logger = logging.getLogger(__name__)

FLUSH_SECONDS = 1.0
HEARTBEAT = timedelta(seconds=60)
"""How often a worker that has nothing to hand over says so: what is unknown of one that was
killed begins at most so long before."""
STEP_SECONDS = 2.0
LONGEST_HOST = 253  # RFC 1035
MOST_CELLS = 50_000
OUTCOMES = tuple(KINDS.index(kind) for kind in ("answered", "refused", "failed"))

Place = Callable[[UUID | None], UUID | None]


def itself(organization: UUID | None) -> UUID | None:
    """Return the organization: each is counted where it is."""
    return organization


class Usage:
    """The counts of one worker. `place` says under which organization something is counted
    (`core.usage.places`); `instead` takes what `sink` does not when the worker leaves."""

    def __init__(
        self,
        sink: Sink,
        worker: str,
        *,
        clock: Clock = utc_now,
        place: Place = itself,
        instead: Sink | None = None,
    ) -> None:
        self._sink = sink
        self._instead = instead
        self._worker = worker
        self._clock = clock
        self._place = place
        self._requests: dict[tuple[str, str, UUID | None, str, int, int], int] = defaultdict(int)
        self._others: dict[tuple[str, str, UUID | None, str, str], int] = defaultdict(int)
        self._marks: dict[tuple[str, str], list[Any]] = {}
        self._exits: dict[tuple[str, str, str, str], int] = defaultdict(int)
        self._held = Held(MOST_CELLS)
        self._sequence = 0
        self._since = self._until = clock()
        self._ticked = self._until, time.monotonic()
        self._stepped = False
        self._on_its_way: Batch | None = None
        self._handing = asyncio.Lock()
        self._away = False
        self._tasks: list[asyncio.Task[None]] = []
        self.lost = 0
        self.enabled = True

    # --- on the path of requests ----------------------------------------------------------

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

    def reached(
        self, app: str, period: str, kind: str, organization: UUID | None, pseudonym: int
    ) -> None:
        """Note one person who opened or completed something, by a pseudonym of the period."""
        if self.enabled:
            self._held.reach(app, period, kind, self._placed(organization), pseudonym)

    def outcome(
        self,
        session: str,
        app: str,
        organization: UUID | None,
        channel: str,
        *,
        fruitful: bool = False,
        attending: bool = False,
    ) -> None:
        """Note that a session (its keyed digest) was in an app: finished something, checked in,
        or neither yet."""
        if self.enabled:
            mark = self._marks.setdefault((session, app), [organization, channel, False, False])
            mark[2] |= fruitful
            mark[3] |= attending

    def exit(self, app: str, feature: str, host: str, kind: str) -> None:
        """Count an answer that led to another host."""
        if self.enabled:
            self._exits[app, feature, host[:LONGEST_HOST], kind] += 1

    # --- once a second ---------------------------------------------------------------------

    def start(self) -> None:
        """Begin handing over; the first batch says that this worker is there."""
        self._fold()
        self._ticked = self._until, time.monotonic()
        self._tasks = [asyncio.create_task(self._run(), name="usage")]
        self._hand_over_soon(anyway=True)

    async def close(self) -> None:
        """Hand over what is left, and say that no more follows (of a worker that had begun)."""
        began = bool(self._tasks) or self._sequence > 0
        await end_tasks(*self._tasks, busy=self._handing)
        try:
            await self.flush(leaves=began)
        except Exception as error:
            if self._instead is None:
                logger.warning("the last usage counts were not written: %s", type(error).__name__)
                return
            self._sink, self._instead = self._instead, None
            await self.close()

    async def flush(self, *, leaves: bool = False) -> None:
        """Hand over what was counted until now. Raises what the sink raises; nothing is lost."""
        self._fold()
        async with self._handing:
            await self._hand_over()  # the very batch that failed, under its own number
            if self._seal(leaves=leaves):
                await self._hand_over()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            self.tick()

    def tick(self) -> None:
        """Close the second, and hand it over unless the last batch is still on its way."""
        self._look_at_the_clock()
        self._fold()
        if not self._handing.locked():
            self._hand_over_soon(anyway=self._until - self._since >= HEARTBEAT)

    def _hand_over_soon(self, *, anyway: bool) -> None:
        task = asyncio.create_task(self._try(anyway=anyway), name="usage-batch")
        self._tasks[1:] = [task]

    async def _try(self, *, anyway: bool) -> None:
        try:
            async with self._handing:
                await self._hand_over()
                if self._seal(anyway=anyway):
                    await self._hand_over()
        except Exception as error:
            if not self._away:
                logger.warning("usage is kept until it is taken: %s", type(error).__name__)
            self._away = True

    async def _hand_over(self) -> None:
        if self._on_its_way is not None:
            await self._sink.send(self._on_its_way)
            self._on_its_way = None
            if self._away:
                logger.warning("usage is taken again")
            self._away = False

    def _fold(self) -> None:
        """Put what was counted since the last tick into the cells of this minute."""
        now = self._clock()
        requests, self._requests = self._requests, defaultdict(int)
        others, self._others = self._others, defaultdict(int)
        marks, self._marks = self._marks, {}
        exits, self._exits = self._exits, defaultdict(int)
        held = self._held
        held.turn(now)
        for (app, feature, organization, channel, outcome, bucket), n in requests.items():
            placed = self._placed(organization)
            if held.count(app, feature, placed, channel, OUTCOMES[outcome], n):
                held.slow(app, feature, bucket, n)
        for (app, feature, organization, channel, kind), n in others.items():
            held.count(app, feature, self._placed(organization), channel, KINDS.index(kind), n)
        for (session, app), (organization, *mark) in marks.items():
            held.mark(session, app, self._placed(organization), *mark)
        for way, n in exits.items():
            held.exit(*way, n)
        self._until = now

    def _look_at_the_clock(self) -> None:
        """Notice a clock that was set, or a machine that slept: what was counted about then may
        stand in a wrong minute."""
        now, monotonic = self._clock(), time.monotonic()
        wall_then, monotonic_then = self._ticked
        passed = (now - wall_then).total_seconds()
        if abs(passed - (monotonic - monotonic_then)) > STEP_SECONDS:
            self._stepped = True
        self._ticked = now, monotonic

    def _placed(self, organization: UUID | None) -> str:
        return organization_key(self._place(organization))

    def _seal(self, *, anyway: bool = False, leaves: bool = False) -> bool:
        """Make a batch of what is held; return whether there was anything to say."""
        if self._held.empty and not (anyway or leaves or self._stepped):
            return False
        self._sequence += 1
        held, self._held = self._held, Held(MOST_CELLS)
        self.lost += held.lost
        if held.lost:
            logger.error("usage beyond the bound was lost: %d counts so far", self.lost)
        self._on_its_way = held.batch(
            worker=self._worker,
            sequence=self._sequence,
            since=self._since,
            until=self._until,
            clock_stepped=self._stepped,
            leaves=leaves,
        )
        self._since, self._stepped = self._until, False
        return True
