"""What workers tell one another: hints, acknowledgements, counters. Never the truth.

The database decides; a hint only makes the others look at it sooner. `LocalState` serves
the one worker of the embedded default, `on_redis.RedisState` several workers on Redis or Valkey.
When Redis is away, hints are lost, acknowledgements fail or are unknown (`None`) and counters
count in this worker alone; nothing waits for it.

A process that serves nobody (`serves=False`: a command) is not among the workers: it is
counted nowhere, nobody waits for it, and what it acknowledges nobody hears.

A worker that is not among the acknowledgements has had none accepted for
`WORKER_TTL_SECONDS`. That holds even when Redis has started anew and forgotten them all,
since a Redis younger than that is answered as unknown.
"""

import asyncio
import contextlib
import hashlib
import logging
import os
import secrets
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Protocol

from core.shared_state.stream import Stream

logger = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 0.5
WORKER_TTL_SECONDS = 3
END_SECONDS = 5
Callback = Callable[[], None]


def new_worker_id() -> str:
    """Return a name for this worker that no other has had."""
    return f"{os.getpid()}-{secrets.token_hex(4)}"


async def end_tasks(*tasks: asyncio.Task[None] | None, busy: asyncio.Lock | None = None) -> None:
    """Cancel background tasks of a worker and wait until they have ended.

    `busy` is held by a task while it works: what it does is ended first, a few seconds at
    most, since a statement that is cut leaves a connection whose answer nobody awaits.
    A cancellation may be swallowed by a library that waits (the drivers', `wait_for` of
    Python 3.11): it is repeated until it is heard.
    """
    running = {task for task in tasks if task is not None}
    if busy is not None and running:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(END_SECONDS), busy:
                for task in running:
                    task.cancel()
    while running:
        for task in running:
            task.cancel()
        ended, running = await asyncio.wait(running, timeout=0.2)
        for task in ended:
            if not task.cancelled() and (error := task.exception()):
                logger.error("a background task had failed", exc_info=error)


class SharedState(Protocol):
    """The port: what both kinds offer."""

    worker: str

    async def start(self) -> None: ...
    async def close(self) -> None: ...

    def on_hint(self, channel: str, callback: Callback) -> None:
        """Call back soon after any worker has hinted on the channel."""
        ...

    async def hint(self, channel: str) -> None:
        """Tell all workers to look at the database; may be lost."""
        ...

    async def acknowledge(self, topic: str, generation: int) -> bool:
        """Say that this worker runs a generation; return whether the others can hear it."""
        ...

    async def acknowledgements(self, topic: str) -> dict[str, int] | None:
        """Return the generation of every live worker; None when that is unknown."""
        ...

    async def hit(self, key: str, seconds: int) -> int:
        """Count a hit; return how many there were in the present window of `seconds`."""
        ...

    async def take_back(self, key: str) -> None:
        """Give a counter its last hit back."""
        ...

    async def forget(self, key: str) -> None:
        """Start a counter anew."""
        ...

    def stream(self, name: str, most: int) -> Stream | None:
        """Return a stream of at most so many entries between workers; None where there is one
        worker alone, who needs none."""
        ...


class Windows:
    """Counters of fixed windows, bounded in number."""

    def __init__(self, most: int = 100_000) -> None:
        self._counts: dict[str, tuple[float, int]] = {}
        self._most = most

    def hit(self, key: str, seconds: int) -> int:
        now = time.monotonic()
        until, count = self._counts.get(key, (0.0, 0))
        if until <= now:
            until, count = now + seconds, 0
            if len(self._counts) >= self._most:
                self._counts = {k: v for k, v in self._counts.items() if v[0] > now}
        self._counts[key] = (until, count + 1)
        return count + 1

    def take_back(self, key: str) -> None:
        if key in self._counts:
            until, count = self._counts[key]
            self._counts[key] = (until, max(0, count - 1))

    def forget(self, key: str) -> None:
        self._counts.pop(key, None)


class LocalState:
    """The in-process twin: one worker that hears itself."""

    def __init__(self, *, serves: bool = True) -> None:
        self._serves = serves
        self.worker = new_worker_id()
        self._callbacks: dict[str, list[Callback]] = defaultdict(list)
        self._acknowledged: dict[str, int] = {}
        self._windows = Windows()

    async def start(self) -> None:
        """Nothing to start."""

    async def close(self) -> None:
        """Nothing to close."""

    def on_hint(self, channel: str, callback: Callback) -> None:
        """See `SharedState`."""
        self._callbacks[channel].append(callback)

    async def hint(self, channel: str) -> None:
        """See `SharedState`."""
        for callback in self._callbacks[channel]:
            callback()

    async def acknowledge(self, topic: str, generation: int) -> bool:
        """See `SharedState`."""
        self._acknowledged[topic] = generation
        return self._serves

    async def acknowledgements(self, topic: str) -> dict[str, int] | None:
        """See `SharedState`."""
        return {self.worker: self._acknowledged.get(topic, 0)} if self._serves else None

    async def hit(self, key: str, seconds: int) -> int:
        """See `SharedState`."""
        return self._windows.hit(key, seconds)

    async def take_back(self, key: str) -> None:
        """See `SharedState`."""
        self._windows.take_back(key)

    async def forget(self, key: str) -> None:
        """See `SharedState`."""
        self._windows.forget(key)

    def stream(self, name: str, most: int) -> Stream | None:
        """See `SharedState`."""
        return None


def connect(redis_url: str | None, database_url: str, *, serves: bool = True) -> SharedState:
    """Return the shared state for a hub: Redis when there is an address, else local.

    Hubs with different databases may share a Redis: their keys and hints stay apart.
    """
    if redis_url is None:
        return LocalState(serves=serves)
    from core.shared_state.on_redis import RedisState  # its library is not small

    hub = hashlib.sha256(database_url.encode()).hexdigest()[:12]
    return RedisState(redis_url, prefix=f"yimen:{hub}", serves=serves)
