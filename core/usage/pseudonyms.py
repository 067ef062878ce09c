"""Pseudonyms of the people of one worker: a keyed digest, under a key that does not last."""

import asyncio
import contextlib
import logging
from datetime import UTC, datetime
from hashlib import blake2b
from uuid import UUID

from core.database import Database
from core.shared_state import end_tasks
from core.usage.capture import Usage
from core.usage.periods import Period, period_of
from core.usage.reach import key_of
from plugin_sdk.times import SHANGHAI

logger = logging.getLogger(__name__)

MOST_WAITING = 10_000
AGAIN_SECONDS = 1.0


class PeriodKey:
    """The key of an app in a period, ready to digest."""

    def __init__(self, period: Period, key: bytes) -> None:
        self.period = period.key
        self.since = datetime.combine(period.since, datetime.min.time(), SHANGHAI).astimezone(UTC)
        self.ends_at = period.ends_at.astimezone(UTC)
        self._digest = blake2b(key=key, digest_size=8)

    def pseudonym(self, person_id: UUID) -> int:
        """Return what stands for a person in this period, in 63 bits, as batches carry it."""
        digest = self._digest.copy()
        digest.update(person_id.bytes)
        return int.from_bytes(digest.digest(), "big") >> 1


class Pseudonyms:
    """Counts whom an app reaches. Somebody who comes before the key of the period is here waits
    in memory for it, never a request."""

    def __init__(self, database: Database, usage: Usage) -> None:
        self._database = database
        self._usage = usage
        self._keys: dict[str, PeriodKey] = {}
        self._waiting: dict[tuple[str, Period], set[tuple[str, UUID | None, UUID]]] = {}
        self._drawing: asyncio.Task[None] | None = None
        self._busy = asyncio.Lock()

    def reach(
        self, app: str, cadence: str, kind: str, organization: UUID | None, person_id: UUID
    ) -> None:
        """Count somebody whom an app reached, once in its period."""
        key = self._keys.get(app)
        now = self._database.clock()
        if key is not None and key.since <= now < key.ends_at:
            self._usage.reached(app, key.period, kind, organization, key.pseudonym(person_id))
            return
        self._keys.pop(app, None)
        if sum(map(len, self._waiting.values())) >= MOST_WAITING:
            logger.error("whom %s reached is not counted: keys cannot be drawn", app)
            return
        period = period_of(cadence, now.astimezone(SHANGHAI).date())
        self._waiting.setdefault((app, period), set()).add((kind, organization, person_id))
        if self._drawing is None or self._drawing.done():
            self._drawing = asyncio.create_task(self._draw(), name="usage-keys")

    async def drawn(self) -> None:
        """Return once nobody waits for a key."""
        while self._drawing is not None and not self._drawing.done():
            await asyncio.wait({self._drawing})

    async def close(self) -> None:
        """Count who still waits, if keys can be had at once, and forget all keys."""
        await end_tasks(self._drawing, busy=self._busy)
        with contextlib.suppress(Exception):
            await self._pour()
        self._keys.clear()

    async def _draw(self) -> None:
        while self._waiting:
            try:
                async with self._busy:
                    await self._pour()
            except Exception as error:
                logger.warning("the key of a reach period is not here: %s", type(error).__name__)
                await asyncio.sleep(AGAIN_SECONDS)

    async def _pour(self) -> None:
        """Draw the keys that are waited for, and count who waited."""
        for app, period in list(self._waiting):
            async with self._database.transaction(write=True) as tx:
                key = PeriodKey(period, await key_of(tx, app, period))
            for kind, organization, person_id in self._waiting.pop((app, period)):
                self._usage.reached(app, key.period, kind, organization, key.pseudonym(person_id))
            self._keys[app] = key
