"""A bounded stream between workers: many add, one reads at a time, each entry until it is done.

Nothing here makes an entry be read once. A lease lets one worker read at a time, as a rule;
what a dead one had begun is read by another. Who reads tells by an entry what it is.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

LAST_MILLISECOND = 253_370_764_800_000  # the last year that a date has begins


class StreamFull(Exception):
    """The stream holds as many entries as it may: nobody reads them, or not fast enough."""


class StreamAway(Exception):
    """The stream cannot be had now."""


class Entry(NamedTuple):
    """What was added, and the name that it has in the stream."""

    id: str
    raw: bytes

    @property
    def added_at(self) -> datetime:
        """Return when it was added, by the server's clock, or by whoever gave it a name that no
        clock gives."""
        milliseconds = min(int(self.id.partition("-")[0]), LAST_MILLISECOND)
        return datetime.fromtimestamp(milliseconds // 1000, UTC)


class Stream(Protocol):
    """The port."""

    async def add(self, raw: bytes) -> None:
        """Add an entry. Raises `StreamFull` or `StreamAway`; then it may be there all the same."""
        ...

    async def lead(self) -> bool:
        """Take or renew the lease; return whether this consumer is the one that reads."""
        ...

    async def read(self, most: int) -> list[Entry]:
        """Return entries to work off: those begun and not done, then those of dead consumers,
        then new ones. Raises `StreamAway`."""
        ...

    async def done(self, ids: Sequence[str]) -> None:
        """Let go of entries for good. Raises `StreamAway`."""
        ...

    async def close(self) -> None: ...
