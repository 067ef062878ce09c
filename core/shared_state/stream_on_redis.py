"""A stream on Redis or Valkey, read by a consumer group."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from core.shared_state.stream import Entry, StreamAway, StreamFull

logger = logging.getLogger(__name__)

AWAY = (RedisError, OSError, TimeoutError)
LEASE_MILLISECONDS = 5_000
IDLE_MILLISECONDS = 10_000
"""After which what a consumer has begun and not done is another's."""
FORGET_MILLISECONDS = 86_400_000
GROUP = "readers"
FIELD = b"e"
T = TypeVar("T")


class RedisStream:
    """See `Stream`."""

    def __init__(self, url: str, key: str, consumer: str, most: int) -> None:
        self._key = key
        self._lease = f"{key}:lease"
        self._consumer = consumer
        self._most = most
        self._redis: Any = Redis.from_url(
            url, socket_timeout=2.0, socket_connect_timeout=1.0, retry=Retry(NoBackoff(), 0)
        )

    async def add(self, raw: bytes) -> None:
        """See `Stream`. Workers that add at the same moment may exceed the bound by one each."""
        try:
            if await self._redis.xlen(self._key) >= self._most:
                raise StreamFull
            await self._redis.xadd(self._key, {FIELD: raw})
        except AWAY as error:
            raise StreamAway(type(error).__name__) from error

    async def lead(self) -> bool:
        """See `Stream`."""
        mine = self._consumer.encode()
        try:
            if await self._redis.set(self._lease, mine, nx=True, px=LEASE_MILLISECONDS):
                return True
            if await self._redis.get(self._lease) != mine:
                return False
            await self._redis.pexpire(self._lease, LEASE_MILLISECONDS)
        except AWAY:
            return False
        return True

    async def read(self, most: int) -> list[Entry]:
        """See `Stream`."""
        return await self._grouped(lambda: self._read(most))

    async def done(self, ids: Sequence[str]) -> None:
        """See `Stream`."""
        try:
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.xack(self._key, GROUP, *ids)
                pipe.xdel(self._key, *ids)
                await pipe.execute()
        except AWAY as error:
            raise StreamAway(type(error).__name__) from error

    async def close(self) -> None:
        """Give the lease up, so that another reads at once."""
        try:
            if await self._redis.get(self._lease) == self._consumer.encode():
                await self._redis.delete(self._lease)
        except AWAY as error:
            logger.info("the lease of %s runs out by itself: %s", self._key, type(error).__name__)
        await self._redis.aclose()

    async def _read(self, most: int) -> list[Entry]:
        for begun in (self._mine, self._of_the_dead, self._new):
            entries: list[Entry] = []
            for id, fields in await begun(most):
                entries.append(Entry(id.decode(), (fields or {}).get(FIELD, b"")))
            if entries:
                return entries
        return []

    async def _mine(self, most: int) -> list[Any]:
        found = await self._redis.xreadgroup(GROUP, self._consumer, {self._key: "0"}, count=most)
        return _entries(found)

    async def _new(self, most: int) -> list[Any]:
        found = await self._redis.xreadgroup(GROUP, self._consumer, {self._key: ">"}, count=most)
        return _entries(found)

    async def _of_the_dead(self, most: int) -> list[Any]:
        """Take over what others have begun and not done for a while; forget those who have
        begun nothing for a day."""
        consumers = await self._redis.xinfo_consumers(self._key, GROUP)
        others = [c for c in consumers if c["name"].decode() != self._consumer]
        for other in others:
            if not other["pending"] and other["idle"] > FORGET_MILLISECONDS:
                await self._redis.xgroup_delconsumer(self._key, GROUP, other["name"])
        if not any(other["pending"] for other in others):
            return []
        _, found, *_ = await self._redis.xautoclaim(
            self._key, GROUP, self._consumer, IDLE_MILLISECONDS, count=most
        )
        if found:
            logger.warning("took over %d entries that a reader had left", len(found))
        return list(found)

    async def _grouped(self, call: Callable[[], Awaitable[T]]) -> T:
        """Call with the group there: it is made at the first time, and anew when Redis came back
        without it. It begins with the first entry there is."""
        try:
            try:
                return await call()
            except ResponseError as error:
                if "NOGROUP" not in str(error) and "no such key" not in str(error):
                    raise
            try:
                await self._redis.xgroup_create(self._key, GROUP, id="0", mkstream=True)
            except ResponseError as error:
                if "BUSYGROUP" not in str(error):
                    raise
            return await call()
        except AWAY as error:
            raise StreamAway(type(error).__name__) from error


def _entries(found: Any) -> list[Any]:
    """Return the entries of the one stream that was asked for."""
    return list(found[0][1]) if found else []
