"""Shared state on Redis or Valkey, for several workers."""

import asyncio
import contextlib
import logging
from collections import defaultdict

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from core.shared_state import (
    HEARTBEAT_SECONDS,
    WORKER_TTL_SECONDS,
    Callback,
    Windows,
    end_tasks,
    new_worker_id,
)
from core.shared_state.stream_on_redis import AWAY, RedisStream

logger = logging.getLogger(__name__)


class RedisState:
    """Shared state on Redis or Valkey, for several workers."""

    def __init__(self, url: str, *, prefix: str = "yimen", serves: bool = True) -> None:
        self._serves = serves
        self.worker = new_worker_id()
        self._prefix = prefix
        self._callbacks: dict[str, list[Callback]] = defaultdict(list)
        self._acknowledged: dict[str, int] = {}
        self._windows = Windows()
        self._tasks: list[asyncio.Task[None]] = []
        self._redis = Redis.from_url(
            url,
            socket_timeout=1.0,
            socket_connect_timeout=1.0,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
        )
        # listening has no time limit of its own: silence is not a fault
        self._url = url
        self._listener = Redis.from_url(url, socket_connect_timeout=1.0, decode_responses=True)

    async def start(self) -> None:
        """Begin the heartbeat and the listening."""
        self._tasks = [asyncio.create_task(self._listen(), name="shared-state-listener")]
        if self._serves:
            with contextlib.suppress(*AWAY):
                await self._beat()
            beating = asyncio.create_task(self._heartbeat(), name="shared-state-heartbeat")
            self._tasks.append(beating)

    async def close(self) -> None:
        """Leave: this worker is no longer counted among the live."""
        await end_tasks(*self._tasks)
        with contextlib.suppress(*AWAY):
            await self._redis.delete(self._key("worker", self.worker))
            await self._redis.srem(self._key("workers"), self.worker)
        await self._redis.aclose()
        await self._listener.aclose()

    def on_hint(self, channel: str, callback: Callback) -> None:
        """See `SharedState`."""
        self._callbacks[channel].append(callback)

    async def hint(self, channel: str) -> None:
        """See `SharedState`. This worker hears it whether or not it listens to Redis now."""
        for callback in self._callbacks[channel]:
            callback()
        with contextlib.suppress(*AWAY):
            await self._redis.publish(self._key("hint"), channel)

    async def acknowledge(self, topic: str, generation: int) -> bool:
        """See `SharedState`."""
        self._acknowledged[topic] = generation
        if not self._serves:
            return False
        try:
            await self._beat()
        except AWAY:
            return False
        return True

    async def acknowledgements(self, topic: str) -> dict[str, int] | None:
        """See `SharedState`."""
        try:
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.info("server")
                pipe.smembers(self._key("workers"))
                server, members = await pipe.execute()
            if int(server["uptime_in_seconds"]) <= WORKER_TTL_SECONDS:
                return None  # it may have forgotten a worker that still holds a lease
            workers = sorted(str(member) for member in members)
            async with self._redis.pipeline(transaction=False) as pipe:
                for worker in workers:
                    pipe.hgetall(self._key("worker", worker))
                states = await pipe.execute()
        except AWAY:
            return None
        live: dict[str, int] = {}
        for worker, state in zip(workers, states, strict=True):
            if state:
                live[worker] = int(state.get(topic, 0))
            else:
                with contextlib.suppress(*AWAY):
                    await self._redis.srem(self._key("workers"), worker)
        if not self._serves:
            return live or None  # nobody at all may be a Redis that was emptied
        return live if self.worker in live else None

    async def hit(self, key: str, seconds: int) -> int:
        """See `SharedState`."""
        name = self._key("hits", key)
        try:
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.incr(name)
                pipe.expire(name, seconds, nx=True)
                count, _ = await pipe.execute()
            return int(count)
        except AWAY:
            return self._windows.hit(key, seconds)

    async def take_back(self, key: str) -> None:
        """See `SharedState`."""
        self._windows.take_back(key)
        name = self._key("hits", key)
        with contextlib.suppress(*AWAY):
            if await self._redis.exists(name):  # a counter that ran out is not begun below zero
                await self._redis.decr(name)

    async def forget(self, key: str) -> None:
        """See `SharedState`."""
        self._windows.forget(key)
        with contextlib.suppress(*AWAY):
            await self._redis.delete(self._key("hits", key))

    def stream(self, name: str, most: int) -> RedisStream:
        """See `SharedState`."""
        return RedisStream(self._url, self._key("stream", name), self.worker, most)

    def _key(self, *parts: str) -> str:
        return ":".join((self._prefix, *parts))

    async def _beat(self) -> None:
        name = self._key("worker", self.worker)
        state: dict[str, int] = {"alive": 1, **self._acknowledged}
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.sadd(self._key("workers"), self.worker)
            pipe.hset(name, mapping={key: str(value) for key, value in state.items()})
            pipe.expire(name, WORKER_TTL_SECONDS)
            await pipe.execute()

    async def _heartbeat(self) -> None:
        away = False
        while True:
            try:
                await self._beat()
                if away:
                    logger.warning("shared state is back")
                away = False
            except AWAY as error:
                if not away:
                    logger.warning("shared state is away: %s", type(error).__name__)
                away = True
            await asyncio.sleep(HEARTBEAT_SECONDS)

    async def _listen(self) -> None:
        while True:
            try:
                async with self._listener.pubsub() as channel:
                    await channel.subscribe(self._key("hint"))
                    async for message in channel.listen():
                        if message["type"] == "message":
                            for callback in self._callbacks[message["data"]]:
                                callback()
            except AWAY:
                await asyncio.sleep(HEARTBEAT_SECONDS)
