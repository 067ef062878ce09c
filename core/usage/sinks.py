"""Where a worker's batches go (ADR 0027)."""

from typing import Protocol

from core.database import Database
from core.usage import rollup
from core.usage.batches import Batch


class Sink(Protocol):
    """What takes a batch from a worker."""

    async def send(self, batch: Batch) -> None:
        """Take a batch: when this returns, the worker may forget it. Raises when it cannot be
        known that it was taken; it is then sent again under its number."""
        ...


class DatabaseSink:
    """Straight into the tables: one worker, the embedded default."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def send(self, batch: Batch) -> None:
        """See `Sink`."""
        async with self._database.transaction(write=True) as tx:
            await rollup.apply(tx, [batch])
