"""What a decision costs: session to actor under a warm lease and the grant that allows, by how
many grants the system holds; and how often database and Redis are asked for it.
"""

import asyncio
import time
from collections import Counter
from typing import Any
from uuid import UUID

import msgspec
import uvloop
from sqlalchemy import event, func, insert, select
from sqlmodel import col

from bench.site import Engine, Site

PERMISSION = "hotline.order.read"
TOGETHER = 5_000


class Cost(msgspec.Struct, frozen=True):
    """A decision among so many grants: µs when it is warm, µs when it is not, and what was
    asked for each (statements of the database, commands of Redis)."""

    grants: int
    warm: list[float]
    miss: list[float]
    asked_warm: tuple[int, int]
    asked_miss: tuple[int, int]


def run(site: Site, engine: str, grants: list[int], *, rounds: int) -> list[Cost]:
    """Measure on the event loop of a worker; `grants` grow."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(measure(site, site.engine(engine), grants, rounds))


async def measure(site: Site, engine: Engine, grants: list[int], rounds: int) -> list[Cost]:
    """Return the cost for each number of grants."""
    from core.hub import Services
    from core.settings import Settings

    home = site.folder / f"home-decisions-{engine.name}"
    home.mkdir(exist_ok=True)
    settings = Settings(
        home=home,
        database_url=engine.database_url,
        redis_url=engine.redis_url,
        secret=b"of-the-bench-alone-32-characters",
    )
    services = Services(settings)
    await services.start()
    try:
        return [await _among(services, engine, number, rounds) for number in grants]
    finally:
        await services.close()


async def _among(services: Any, engine: Engine, grants: int, rounds: int) -> Cost:
    from core.access.decisions import decide

    held = await _fill(services.database, grants)
    actors, token = services.actors, engine.cookie
    actor = await actors.of_token(token)
    if decide(actor, PERMISSION, services.database.clock()) is None:
        raise RuntimeError("the person of the bench does not hold the permission")

    async def warm(times: int) -> float:
        began = time.process_time()
        for _ in range(times):
            decide(await actors.of_token(token), PERMISSION, services.database.clock())
        return (time.process_time() - began) / times * 1e6

    async def miss(times: int) -> float:
        began = time.perf_counter()
        for _ in range(times):
            decide(await actors.reload(actor), PERMISSION, services.database.clock())
        return (time.perf_counter() - began) / times * 1e6

    await warm(1000)
    await miss(20)
    asked = _Asked(services)
    try:
        await warm(1000)
        asked_warm = asked.taken()
        await miss(1)
        asked_miss = asked.taken()
    finally:
        asked.end()
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        times[0].append(await warm(20_000))
        times[1].append(await miss(100))
        await asyncio.sleep(0)  # for the lease to be kept
    return Cost(held, *times, asked_warm, asked_miss)


class _Asked:
    """Counts what this task asks of database and Redis; what is renewed beside it counts not."""

    def __init__(self, services: Any) -> None:
        from redis.asyncio import Redis

        self._task = asyncio.current_task()
        self._counts: Counter[str] = Counter()
        self._engine = services.database.engine.sync_engine
        self._redis = Redis
        self._before: Any = Redis.execute_command
        event.listen(self._engine, "before_cursor_execute", self._statement)

        def told(redis: Any, *args: Any, **more: Any) -> Any:
            self._heard("redis")
            return self._before(redis, *args, **more)

        setattr(Redis, "execute_command", told)  # noqa: B010  (a method, put in place of another)

    def _heard(self, what: str) -> None:
        if asyncio.current_task() is self._task:
            self._counts[what] += 1

    def _statement(self, *_: Any) -> None:
        self._heard("database")

    def taken(self) -> tuple[int, int]:
        """Return what was counted since the last time."""
        found = self._counts["database"], self._counts["redis"]
        self._counts.clear()
        return found

    def end(self) -> None:
        """Count no more."""
        event.remove(self._engine, "before_cursor_execute", self._statement)
        setattr(self._redis, "execute_command", self._before)  # noqa: B010


async def _fill(database: Any, grants: int) -> int:
    """Let the system hold so many grants, of people who are not the one that asks."""
    from core.access.models import Grant
    from core.identity.models import OrganizationRow, Person, Post
    from plugin_sdk.data import new_id

    async with database.transaction(write=True) as tx:
        held: int = (await tx.session.execute(select(func.count(col(Grant.id))))).scalar_one()
        unit = (await tx.session.execute(select(col(OrganizationRow.id)).limit(1))).scalar_one()
        more = max(0, grants - held)
        for begin in range(0, more, TOGETHER):
            people: list[UUID] = [new_id() for _ in range(min(TOGETHER, more - begin))]
            posts = {person: new_id() for person in people}
            await tx.session.execute(
                insert(Person),
                [
                    {"id": id, "username": f"b{id.hex}", "name": "某", "created_at": tx.now}
                    for id in people
                ],
            )
            await tx.session.execute(
                insert(Post),
                [
                    {
                        "id": post,
                        "person_id": person,
                        "organization_id": unit,
                        "title": "岗",
                        "starts_at": tx.now,
                    }
                    for person, post in posts.items()
                ],
            )
            await tx.session.execute(
                insert(Grant),
                [
                    {
                        "post_id": post,
                        "role": "hotline.unit_handler",
                        "scope": "organization",
                        "created_at": tx.now,
                    }
                    for post in posts.values()
                ],
            )
    return held + more
