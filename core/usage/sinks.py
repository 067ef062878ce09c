"""Where a worker's batches go (ADR 0027)."""

from typing import Protocol

from core.database import Database
from core.shared_state.stream import Stream
from core.usage import rollup
from core.usage.batches import Batch, encode


class Sink(Protocol):
    """What takes a batch from a worker."""

    async def send(self, batch: Batch) -> None:
        """Take a batch: when this returns, the worker may forget it. Raises when it cannot be
        known that it was taken; it is then sent again under its number."""
        ...


class DatabaseSink:
    """Straight into the tables: one worker, the embedded default; and in production what a
    worker that leaves could not put into the stream, since its key counts once anywhere."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def send(self, batch: Batch) -> None:
        """See `Sink`."""
        async with self._database.transaction(write=True) as tx:
            await rollup.apply(tx, [batch])


class StreamSink:
    """Into a stream that all workers share, from which one of them counts (`core.usage.relay`)."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    async def send(self, batch: Batch) -> None:
        """See `Sink`."""
        await self._stream.add(encode(batch))
