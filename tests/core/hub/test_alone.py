"""Servers that could not hear one another do not run on one database."""

import asyncio

import pytest
from sqlalchemy import func, select, text

from core.hub import AlreadyServed, alone
from core.hub.alone import Place
from tests.core.conftest import until

production = pytest.mark.parametrize("engine_kind", ["production"], indirect=True)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(alone, "WAIT_SECONDS", 0.3)
    monkeypatch.setattr(alone, "LOOK_SECONDS", 0.05)


async def test_a_second_server_without_redis_is_refused_until_the_first_has_ended(make_shell):
    first = await make_shell(background=True, redis_url=None)
    for _ in range(2):
        with pytest.raises(AlreadyServed, match="YIMEN_REDIS_URL"):
            await make_shell(background=True, redis_url=None)
    await make_shell(redis_url=None)  # a command may come and go
    await first.services.close()
    await make_shell(background=True, redis_url=None)


async def test_one_that_has_just_ended_is_waited_for(make_shell, monkeypatch):
    monkeypatch.setattr(alone, "WAIT_SECONDS", 10)
    first = await make_shell(background=True, redis_url=None)
    second = asyncio.create_task(make_shell(background=True, redis_url=None))
    await asyncio.sleep(0.3)
    assert not second.done()
    await first.services.close()
    await second


async def backend(place: Place) -> int:
    """Return the process of the server that holds a place."""
    assert place._connection is not None
    found = await place._connection.execute(select(func.pg_backend_pid()))
    pid: int = found.scalar_one()
    return pid


@production
async def test_redis_joins_servers_and_keeps_one_without_it_out(make_shell):
    joined = [await make_shell(background=True) for _ in range(2)]
    with pytest.raises(AlreadyServed):
        await make_shell(background=True, redis_url=None)
    for shell in joined:
        await shell.services.close()
    await make_shell(background=True, redis_url=None)
    with pytest.raises(AlreadyServed):
        await make_shell(background=True)


@production
async def test_a_place_that_was_lost_is_taken_again(shell):
    place, other = [Place(shell.database, joined=False) for _ in range(2)]
    await place.take()

    async def held():
        try:
            await other.take()
        except AlreadyServed:
            return True
        await other.leave()
        return False

    assert await held()
    pid = await backend(place)
    async with shell.database.migration() as connection:
        await connection.execute(text("select pg_terminate_backend(:pid)"), {"pid": pid})
    await until(held)
    await place.leave()
    assert not await held()


@production
async def test_a_place_keeps_no_transaction_open(shell):
    place = Place(shell.database, joined=False)
    await place.take()
    pid = await backend(place)
    async with shell.database.migration() as connection:
        state = await connection.scalar(
            text("select state from pg_stat_activity where pid = :pid"), {"pid": pid}
        )
    assert state == "idle"
    await place.leave()
