"""From the stream into the tables: read, counted, and only then let go of.

One worker relays at a time, by a lease; two at once are right as well, since a batch counts
once. What cannot be read is noted as a gap and let go of, so that it stops nobody.
"""

import asyncio
import logging
from collections.abc import Sequence

import msgspec
from sqlalchemy.exc import DBAPIError

from core.database import Database, DatabaseAway, Transaction
from core.shared_state import end_tasks
from core.shared_state.stream import Entry, Stream, StreamAway
from core.usage import gaps, rollup
from core.usage.batches import Batch, decode

logger = logging.getLogger(__name__)

RELAY_SECONDS = 1.0
AT_ONCE = 100
REFUSED = ("22", "23")  # classes of SQLSTATE: a value or a row that will never be taken


class Relay:
    """Counts what workers have put into the stream."""

    def __init__(self, database: Database, stream: Stream) -> None:
        self._database = database
        self._stream = stream
        self._busy = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin relaying, whenever this worker holds the lease."""
        self._task = asyncio.create_task(self._run(), name="usage-relay")

    async def close(self) -> None:
        """Count what is there, and let another worker go on."""
        began = self._task is not None
        await end_tasks(self._task, busy=self._busy)
        try:
            if began and await self._stream.lead():
                await self.drain()
        except Exception as error:
            logger.warning("usage waits in the stream: %s", type(error).__name__)
        await self._stream.close()

    async def drain(self) -> int:
        """Count everything that waits; return how many entries there were. Raises `StreamAway`
        or `DatabaseAway`."""
        done = 0
        while taken := await self._round():
            done += taken
        return done

    async def _run(self) -> None:
        while True:
            try:
                while await self._stream.lead() and await self._round():
                    pass
            except (StreamAway, DatabaseAway) as error:
                logger.warning("usage waits in the stream: %s", type(error).__name__)
            except Exception:
                logger.exception("counting usage failed; it is tried again")
            await asyncio.sleep(RELAY_SECONDS)

    async def _round(self) -> int:
        async with self._busy:
            entries = await self._stream.read(AT_ONCE)
            if entries:
                await self._count(entries)
                await self._stream.done([entry.id for entry in entries])
            return len(entries)

    async def _count(self, entries: Sequence[Entry]) -> None:
        """Count entries in one transaction; one by one where a table refused one of them."""
        try:
            async with self._database.transaction(write=True) as tx:
                batches: list[Batch] = []
                for entry in entries:
                    try:
                        batches.append(decode(entry.raw))
                    except msgspec.DecodeError as error:
                        logger.error("usage entry %s cannot be read: %s", entry.id, error)
                        await _note_unreadable(tx, entry)
                if batches:
                    await rollup.apply(tx, batches)
        except Exception as error:
            if _passes(error):
                raise
            if len(entries) > 1:
                for entry in entries:
                    await self._count([entry])
                return
            logger.exception("usage entry %s cannot be counted", entries[0].id)
            async with self._database.transaction(write=True) as tx:
                await _note_unreadable(tx, entries[0])


async def _note_unreadable(tx: Transaction, entry: Entry) -> None:
    at = entry.added_at
    await gaps.note(tx, f"entry {entry.id}", "unreadable", at, at)


def _passes(error: Exception) -> bool:
    """Return whether the same may go well another time: a lock, a server that is away. A value
    that a column does not take never will."""
    if isinstance(error, DBAPIError):
        return not str(getattr(error.orig, "sqlstate", None) or "").startswith(REFUSED)
    return isinstance(error, DatabaseAway | OSError | TimeoutError)
