"""Hints, acknowledgements and counters, with Redis and without."""

import asyncio

import pytest

from core.shared_state import LocalState, connect, end_tasks
from core.shared_state.on_redis import RedisState
from tests.core.conftest import until


@pytest.fixture
async def pair(engine_kind, request):
    """Two workers on Redis, or the one of the embedded default twice."""
    if engine_kind == "embedded":
        alone = LocalState()
        yield alone, alone
        return
    url = request.getfixturevalue("fresh_redis_url")
    states = RedisState(url, prefix="test"), RedisState(url, prefix="test")
    for state in states:
        await state.start()
    yield states
    for state in states:
        await state.close()


async def test_a_hint_is_heard_by_all(pair):
    heard = set()
    for n, state in enumerate(pair):
        state.on_hint("c", lambda n=n: heard.add(n))
        state.on_hint("other", lambda: heard.add("wrong"))

    async def holds():
        await pair[0].hint("c")
        return heard == {0, 1}

    await until(holds)


async def test_acknowledgements_are_of_the_live(pair):
    assert await pair[0].acknowledge("t", 5)
    assert await pair[1].acknowledge("t", 6)

    async def known():
        return await pair[0].acknowledgements("t") is not None

    await until(known)  # a Redis that has just begun knows nobody for certain
    found = await pair[0].acknowledgements("t")
    assert found == {pair[0].worker: 6 if pair[0] is pair[1] else 5, pair[1].worker: 6}
    assert await pair[0].acknowledgements("none") == dict.fromkeys(found, 0)
    if pair[0] is not pair[1]:
        await pair[1].close()
        assert await pair[0].acknowledgements("t") == {pair[0].worker: 5}


async def test_who_serves_nobody_is_counted_nowhere_and_heard_by_nobody(engine_kind, request):
    if engine_kind == "embedded":
        alone = LocalState(serves=False)
        assert not await alone.acknowledge("t", 9)
        assert await alone.acknowledgements("t") is None
        return
    url = request.getfixturevalue("fresh_redis_url")
    command = RedisState(url, prefix="test", serves=False)
    await command.start()
    assert not await command.acknowledge("t", 9)
    assert await command.acknowledgements("t") is None  # nobody at all is nothing certain
    worker = RedisState(url, prefix="test")
    await worker.start()
    await worker.acknowledge("t", 5)

    async def seen():
        return await command.acknowledgements("t") == {worker.worker: 5}

    await until(seen)
    await asyncio.sleep(0.6)  # longer than between two heartbeats
    assert await worker.acknowledgements("t") == {worker.worker: 5}
    await command.close()
    assert await worker.acknowledgements("t") == {worker.worker: 5}
    await worker.close()


async def test_counters_are_shared_and_begin_anew(pair):
    assert [await state.hit("k", 60) for state in (*pair, *pair)] == [1, 2, 3, 4]
    assert await pair[0].hit("other", 60) == 1
    await pair[1].forget("k")
    assert await pair[0].hit("k", 60) == 1
    assert await pair[0].hit("short", 1) == 1
    await asyncio.sleep(1.1)
    assert await pair[0].hit("short", 1) == 1


async def test_hubs_with_databases_of_their_own_stay_apart(fresh_redis_url):
    states = [connect(fresh_redis_url, f"postgresql://{name}") for name in "ab"]
    for state in states:
        await state.start()
    assert [await state.hit("k", 60) for state in states] == [1, 1]
    for state in states:
        await state.close()
    assert isinstance(connect(None, "sqlite://"), LocalState)


@pytest.mark.parametrize("how", ["stop", "pause"])
async def test_nothing_waits_long_for_a_redis_that_is_away(own_valkey, how):
    state = RedisState(own_valkey.url)
    await state.start()
    heard = []
    state.on_hint("c", lambda: heard.append(1))
    getattr(own_valkey, how)()
    async with asyncio.timeout(60):  # one that pauses never answers
        assert not await state.acknowledge("t", 1)
        assert await state.acknowledgements("t") is None
        await state.hint("c")
        assert heard
        assert [await state.hit("k", 60) for _ in range(2)] == [1, 2]
    if how == "pause":
        own_valkey.resume()
    await state.close()


async def test_a_redis_that_comes_back_is_found_again(own_valkey):
    state = RedisState(own_valkey.url)
    await state.start()
    heard = []
    state.on_hint("c", lambda: heard.append(1))
    own_valkey.restart()

    async def holds():
        return await state.acknowledge("t", 1)

    await until(holds)
    assert await state.acknowledgements("t") is None  # it may have forgotten someone
    other = RedisState(own_valkey.url)
    heard.clear()

    async def told():
        await other.hint("c")
        return bool(heard)

    await until(told)
    await other.close()
    await state.close()


async def test_a_task_that_swallows_a_cancellation_is_ended_all_the_same():
    heard = []

    async def stubborn():
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                heard.append(1)
                if len(heard) == 3:
                    raise

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    await end_tasks(task, None)
    assert task.cancelled()
