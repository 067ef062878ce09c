"""Periodic jobs and the outbox: once, however many workers there are."""

import asyncio
import logging
from datetime import UTC, datetime, time, timedelta

import pytest
from sqlalchemy import func, insert, select, update
from sqlmodel import col

from core import jobs
from core.jobs import OutboxRow, PeriodicJob, send_later, unsend
from plugin_sdk.schedules import Daily
from tests.core.conftest import until
from tests.core.probe import Record


@pytest.fixture
async def workers(make_shell):
    """Two workers on one database."""
    return [await make_shell() for _ in range(2)]


async def records(shell):
    async with shell.read() as tx:
        return sorted((await tx.session.execute(select(col(Record.what)))).scalars())


async def queue(shell, *whats, **more):
    async with shell.write() as tx:
        for what in whats:
            await send_later(tx, "test", {"what": what}, **more)


def keep(shell, fail_at=None):
    async def handler(tx, item):
        await tx.session.execute(insert(Record).values(what=item.payload["what"]))
        if fail_at is not None and fail_at():
            raise ZeroDivisionError

    shell.services.jobs.handle("test", handler)


async def drain(shell):
    while await shell.services.jobs.relay():
        pass


def running(shell, name):
    async def holds():
        return name in shell.services.jobs._running

    return holds


def done(shell):
    async def holds():
        return await records(shell) == ["a"]

    return holds


async def rows(shell, *columns):
    async with shell.read() as tx:
        return (await tx.session.execute(select(*columns))).all()


async def test_a_job_fires_once_with_two_workers(workers):
    ran = []

    async def run():
        ran.append(1)
        await asyncio.sleep(0.01)

    for shell in workers:
        shell.services.jobs.every(60, "test", run)
    await asyncio.gather(*(s.services.jobs.run_due() for s in workers for _ in range(3)))
    assert sum(ran) == 1
    for shell in workers:
        shell.clock.move(seconds=61)
    await asyncio.gather(*(s.services.jobs.run_due() for s in workers))
    assert sum(ran) == 2


async def test_a_job_that_fails_is_noted_and_runs_again(shell, caplog):
    caplog.set_level(logging.CRITICAL)
    ran = []

    async def run():
        ran.append(1)
        raise ValueError("not now")

    shell.services.jobs.every(60, "test", run)
    await shell.services.jobs.run_due()
    async with shell.read() as tx:
        error = await tx.session.execute(
            select(col(PeriodicJob.last_error)).where(col(PeriodicJob.name) == "test")
        )
        assert error.scalar_one() == "ValueError: not now"
    shell.clock.move(seconds=61)
    await shell.services.jobs.run_due()
    assert len(ran) == 2


async def test_a_job_whose_worker_died_is_taken_over(workers):
    first, second = workers
    ran = []

    async def hang():
        await asyncio.sleep(60)

    async def run():
        ran.append(1)

    first.services.jobs.every(5, "test", hang)
    second.services.jobs.every(5, "test", run)
    (task,) = [t for t in await first.services.jobs._begin_due() if t.get_name() == "job test"]
    task.cancel()  # as if the process had been killed: nothing is given up
    second.clock.move(seconds=jobs.CLAIM_SECONDS - 2)
    await second.services.jobs.run_due()
    assert ran == []
    second.clock.move(seconds=3)
    await second.services.jobs.run_due()
    assert ran == [1]


async def test_what_a_worker_that_leaves_was_running_begins_elsewhere_at_once(workers):
    first, second = workers
    ran = []

    async def hang():
        await asyncio.sleep(60)

    async def run():
        ran.append(1)

    first.services.jobs.every(3600, "test", hang)
    second.services.jobs.every(3600, "test", run)
    first.services.jobs.start()
    await until(running(first, "test"))
    await first.services.jobs.close()
    await second.services.jobs.run_due()
    assert ran == [1]


SHANGHAI_0830 = datetime(2026, 3, 3, 0, 30, tzinfo=UTC)


@pytest.fixture
async def daily(workers):
    """Two workers with a job at 08:30; `daily(moment)` lets all try at a moment and returns how
    often it has run."""
    ran = []

    async def run():
        ran.append(1)
        await asyncio.sleep(0.01)

    async def at(moment):
        for shell in workers:
            shell.clock.stand(moment)
            shell.services.jobs.schedule(Daily(time(8, 30)), "digest", run)
        await asyncio.gather(*(s.services.jobs.run_due() for s in workers for _ in range(3)))
        await asyncio.gather(*(s.services.jobs.run_due() for s in workers))
        return len(ran)

    return at


async def test_a_daily_job_runs_at_its_time_in_shanghai_and_once(daily):
    early = SHANGHAI_0830 - timedelta(minutes=1)
    assert await daily(early) == 0
    assert await daily(SHANGHAI_0830) == 1
    for hours in (0.01, 1, 15.4, 23.9):  # also past midnight in Shanghai
        assert await daily(SHANGHAI_0830 + timedelta(hours=hours)) == 1
    assert await daily(SHANGHAI_0830 + timedelta(days=1)) == 2
    assert await daily(SHANGHAI_0830 + timedelta(days=1, hours=6)) == 2


async def test_what_was_missed_is_made_up_for_once(daily):
    late = SHANGHAI_0830 + timedelta(hours=9)
    assert await daily(late) == 1, "the hub starts after the time of its first day"
    assert await daily(late + timedelta(hours=1)) == 1
    assert await daily(late + timedelta(days=9)) == 2, "days without a worker are one run"
    assert await daily(SHANGHAI_0830 + timedelta(days=10)) == 3


async def test_a_daily_run_whose_worker_died_is_done_by_another_that_day(workers):
    first, second = workers
    ran = []

    async def hang():
        await asyncio.sleep(60)

    async def run():
        ran.append(1)

    for shell, work in ((first, hang), (second, run)):
        shell.clock.stand(SHANGHAI_0830)
        shell.services.jobs.schedule(Daily(time(8, 30)), "digest", work)
    (task,) = [t for t in await first.services.jobs._begin_due() if t.get_name() == "job digest"]
    await asyncio.sleep(0)
    second.clock.move(seconds=jobs.CLAIM_SECONDS - 1)
    await second.services.jobs.run_due()
    assert ran == [], "the first has it"
    task.cancel()  # as if the process had been killed: nothing is given up
    second.clock.move(seconds=2)
    await second.services.jobs.run_due()
    await second.services.jobs.run_due()
    assert ran == [1]
    second.clock.stand(SHANGHAI_0830 + timedelta(days=1))
    await second.services.jobs.run_due()
    assert ran == [1, 1]


async def test_a_schedule_that_was_further_away_gives_way_to_the_present_one(shell):
    ran = []

    async def run():
        ran.append(1)

    shell.clock.stand(SHANGHAI_0830)
    shell.services.jobs.every(31 * 86400, "digest", run)
    await shell.services.jobs.run_due()
    shell.services.jobs.schedule(Daily(time(8, 30)), "digest", run)
    await shell.services.jobs.run_due()
    assert ran == [1]
    shell.clock.move(days=1)
    await shell.services.jobs.run_due()
    await shell.services.jobs.run_due()
    assert ran == [1, 1]


async def test_a_job_that_takes_long_keeps_nothing_else_from_running(shell):
    async def hang():
        await asyncio.sleep(60)

    shell.services.jobs.every(3600, "hangs", hang)
    keep(shell)
    shell.services.jobs.start()
    await until(running(shell, "hangs"))
    await queue(shell, "a")
    shell.services.jobs.wake()
    await until(done(shell))


async def test_a_job_never_overruns_its_claim(shell, monkeypatch, caplog):
    caplog.set_level(logging.CRITICAL)
    monkeypatch.setattr(jobs, "_claim_seconds", lambda job: 1.05)

    async def hang():
        await asyncio.sleep(60)

    shell.services.jobs.every(0, "test", hang)
    async with asyncio.timeout(5):
        await shell.services.jobs.run_due()


async def test_two_relays_do_each_row_once(workers):
    for shell in workers:
        keep(shell)
    whats = [f"{n:03d}" for n in range(120)]
    await queue(workers[0], *whats)
    await asyncio.gather(*(drain(shell) for shell in workers for _ in range(2)))
    assert await records(workers[0]) == whats


async def test_a_row_that_fails_leaves_nothing_behind_and_is_tried_again(shell, caplog):
    caplog.set_level(logging.CRITICAL)
    failing = [True]
    keep(shell, lambda: failing[0])
    await queue(shell, "a")
    await drain(shell)
    assert await records(shell) == []
    ((error, done),) = await rows(shell, OutboxRow.error, OutboxRow.done_at)
    assert (error, done) == ("ZeroDivisionError: ", None)
    await drain(shell)  # not at once
    failing[0] = False
    shell.clock.move(seconds=jobs.RETRY_SECONDS + 1)
    await drain(shell)
    assert await records(shell) == ["a"]
    ((error, done),) = await rows(shell, OutboxRow.error, OutboxRow.done_at)
    assert error is None
    assert done is not None


async def test_a_row_that_always_fails_waits_longer_each_time_and_is_kept(shell, caplog):
    caplog.set_level(logging.CRITICAL)
    keep(shell, lambda: True)
    await queue(shell, "a")
    waits: list[int] = []
    for _ in range(20):
        await drain(shell)
        ((due, attempts),) = await rows(shell, OutboxRow.due_at, OutboxRow.attempts)
        wait = (due - shell.database.clock()).total_seconds()
        if attempts == jobs.MOST_ATTEMPTS and waits and wait < 0:
            break
        waits.append(round(wait / 10) * 10)
        shell.clock.move(seconds=wait + 1)
    assert waits[:4] == [30, 60, 120, 240]
    assert len(waits) == jobs.MOST_ATTEMPTS
    assert sum(waits) > 4 * 3600
    assert await records(shell) == []


async def test_a_handler_that_hangs_is_cut(shell, monkeypatch, caplog):
    caplog.set_level(logging.CRITICAL)
    monkeypatch.setattr(jobs, "ITEM_SECONDS", 0.05)

    async def hang(tx, item):
        await asyncio.sleep(60)

    shell.services.jobs.handle("test", hang)
    await queue(shell, "a")
    async with asyncio.timeout(5):
        await drain(shell)
    ((error,),) = await rows(shell, OutboxRow.error)
    assert error.startswith("TimeoutError")


async def test_what_a_dead_worker_had_claimed_is_taken_over(workers):
    first, second = workers
    for shell in workers:
        keep(shell)
    await queue(first, "a", "b")
    assert len(await first.services.jobs._take()) == 2  # and dies
    await drain(second)
    assert await records(second) == []
    second.clock.move(seconds=jobs.CLAIM_SECONDS + 1)
    await drain(second)
    assert await records(second) == ["a", "b"]


async def test_a_row_that_two_have_claimed_is_done_once(workers):
    first, second = workers
    for shell in workers:
        keep(shell)
    await queue(first, "a")
    (item,) = await first.services.jobs._take()
    await asyncio.gather(*(shell.services.jobs._do(item) for shell in (first, second, second)))
    assert await records(first) == ["a"]


async def test_a_dedupe_key_sends_once_ever(shell):
    keep(shell)
    await queue(shell, "a", "b", dedupe="k")
    await drain(shell)
    await queue(shell, "c", dedupe="k")
    await drain(shell)
    assert await records(shell) == ["a"]


async def test_what_waits_can_be_taken_back_and_what_left_cannot(shell):
    keep(shell)
    await queue(shell, "late", dedupe="k", delay_seconds=60)
    await drain(shell)
    assert await records(shell) == []
    async with shell.write() as tx:
        assert await unsend(tx, "k")
        assert not await unsend(tx, "k")
    shell.clock.move(seconds=61)
    await drain(shell)
    assert await records(shell) == []
    await queue(shell, "again", dedupe="k", delay_seconds=60)
    shell.clock.move(seconds=61)
    await drain(shell)
    assert await records(shell) == ["again"]
    async with shell.write() as tx:
        assert not await unsend(tx, "k")


async def test_a_transaction_that_is_rolled_back_sends_nothing(shell):
    keep(shell)

    async def act():
        async with shell.write() as tx:
            await send_later(tx, "test", {"what": "a"})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await act()
    await drain(shell)
    assert await records(shell) == []


async def test_a_kind_that_nobody_handles_waits(shell):
    await queue(shell, "a")
    await drain(shell)
    assert await records(shell) == []
    keep(shell)
    await drain(shell)
    assert await records(shell) == ["a"]


async def test_what_was_done_long_ago_is_forgotten_but_its_key(shell):
    keep(shell)
    await queue(shell, "a")
    await queue(shell, "b", dedupe="k")
    await drain(shell)
    await queue(shell, "waiting")
    shell.clock.move(days=8)
    await shell.services.jobs.tidy()
    found = await rows(shell, OutboxRow.dedupe, OutboxRow.payload)
    assert sorted((key or "", payload) for key, payload in found) == [
        ("", {"what": "waiting"}),
        ("k", {}),
    ]


async def test_the_loop_outlives_a_database_that_fails(shell, monkeypatch, caplog):
    caplog.set_level(logging.CRITICAL)
    monkeypatch.setattr(jobs, "TICK_SECONDS", 0.01)
    failed: list[int] = []
    before = shell.services.jobs._begin_due

    async def fail():
        if len(failed) < 3:
            failed.append(1)
            raise ConnectionError
        return await before()

    monkeypatch.setattr(shell.services.jobs, "_begin_due", fail)
    keep(shell)
    await queue(shell, "a")
    shell.services.jobs.start()
    await until(done(shell))
    assert len(failed) == 3
    async with shell.write() as tx:
        await tx.session.execute(update(OutboxRow).values(error=None))
        count = await tx.session.execute(select(func.count()).select_from(OutboxRow))
        assert count.scalar_one() == 1
