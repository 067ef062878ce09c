"""Counting: off the path, each batch once, and never a person."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, func, select
from sqlmodel import col

from core.usage import capture, cells, figures, models, rollup
from core.usage.capture import Usage
from core.usage.effects import record_effect, record_start
from core.usage.models import UsageBatch, UsageCell, UsageEffect, UsageElement, UsageLatency
from core.usage.sinks import DatabaseSink
from plugin_sdk.times import SHANGHAI


@pytest.fixture
async def usage(shell):
    return shell.services.usage


async def figure(shell, app="hotline"):
    day = shell.database.clock().astimezone(SHANGHAI).date()
    async with shell.read() as tx:
        return {found.app: found for found in await figures.by_app(tx, day, day)}.get(app)


async def test_counts_arrive_with_the_flush(shell, usage):
    unit = await shell.organization("U1")
    usage.request("hotline", "GET /x", unit, "web", 200, 0.003)
    usage.request("hotline", "GET /x", unit, "web", 404, 0.003)
    usage.request("hotline", "GET /x", unit, "web", 500, 0.3)
    usage.count("hotline", "GET /x", unit, "web", "opens")
    usage.count("hotline", "order", None, "api", "starts")
    assert await figure(shell) is None
    await shell.services.count_usage()
    found = await figure(shell)
    assert (found.answered, found.refused, found.failed) == (1, 1, 1)
    assert (found.opens, found.starts, found.effects) == (1, 1, 0)
    day = shell.database.clock().astimezone(SHANGHAI).date()
    async with shell.read() as tx:
        assert await figures.latency(tx, "hotline", day, day) == {7: 2, 33: 1}
        assert await figures.first_day(tx) == day
        (by_day,) = await figures.by_day(tx, "hotline", day, day)
        assert (by_day.day, by_day.answered) == (day, 1)


async def test_counting_asks_nothing_of_anybody(shell, usage):
    asked = []
    event.listen(
        shell.database.engine.sync_engine, "before_cursor_execute", lambda *a: asked.append(a)
    )
    for _ in range(1000):
        usage.request("hotline", "GET /x", None, "web", 200, 0.001)
    assert asked == []
    await shell.services.count_usage()
    assert len(asked) < 10


async def test_what_is_off_counts_nothing(shell, usage):
    usage.enabled = False
    usage.request("hotline", "GET /x", None, "web", 200, 0.001)
    usage.count("hotline", "GET /x", None, "web", "opens")
    await shell.services.count_usage()
    assert await figure(shell) is None


async def test_a_flush_that_fails_is_sent_again_as_the_same_batch(shell, usage, monkeypatch):
    before = cells.add
    sent = []

    async def fail(tx, model, *rows):
        sent.append(model)
        if len(sent) == 2:
            raise ConnectionError
        await before(tx, model, *rows)

    monkeypatch.setattr(rollup, "add", fail)
    usage.request("hotline", "GET /x", None, "web", 200, 0.001)
    with pytest.raises(ConnectionError):
        await shell.services.count_usage()
    assert await figure(shell) is None
    usage.request("hotline", "GET /x", None, "web", 200, 0.001)
    await shell.services.count_usage()
    assert (await figure(shell)).answered == 2
    async with shell.read() as tx:
        rows = await tx.session.execute(select(col(UsageBatch.sequence)))
        assert sorted(rows.scalars()) == [1, 2]


async def test_a_batch_whose_answer_was_lost_counts_once(shell, usage, monkeypatch):
    before = usage._sink.send

    async def lost(batch):
        await before(batch)
        raise ConnectionError  # committed, but nobody said so

    monkeypatch.setattr(usage._sink, "send", lost)
    usage.request("hotline", "GET /x", None, "web", 200, 0.001)
    with pytest.raises(ConnectionError):
        await shell.services.count_usage()
    monkeypatch.setattr(usage._sink, "send", before)
    await shell.services.count_usage()
    await shell.services.count_usage()
    assert (await figure(shell)).answered == 1


async def test_workers_add_up_whatever_their_order(shell):
    workers = [Usage(DatabaseSink(shell.database), f"w{n}") for n in range(4)]
    for n, worker in enumerate(workers):
        for feature in sorted("abcdef", reverse=bool(n % 2)):
            for _ in range(5):
                worker.request("hotline", feature, None, "web", 200, 0.001)
    await asyncio.gather(*(worker.flush() for worker in workers))
    assert (await figure(shell)).answered == 4 * 6 * 5


async def test_the_last_counts_are_written_on_leaving(shell, usage):
    usage.start()
    usage.request("hotline", "GET /x", None, "web", 200, 0.001)
    await usage.close()
    await shell.services.count_usage()
    assert (await figure(shell)).answered == 1


async def test_a_failing_flush_loses_nothing_and_keeps_no_loop_from_running(
    shell, usage, monkeypatch
):
    monkeypatch.setattr(capture, "FLUSH_SECONDS", 0.01)
    before, tries = usage._sink.send, []

    async def fail(batch):
        tries.append(1)
        if len(tries) < 3:
            raise ConnectionError
        await before(batch)

    monkeypatch.setattr(usage._sink, "send", fail)
    usage.request("hotline", "GET /x", None, "web", 200, 0.001)
    usage.start()
    async with asyncio.timeout(10):
        while True:
            if shell.services.relay:
                await shell.services.relay.drain()
            if await figure(shell):
                break
            await asyncio.sleep(0.01)
    assert (await figure(shell)).answered == 1


async def test_beyond_the_bound_is_counted_as_lost(shell, usage, monkeypatch):
    monkeypatch.setattr(usage._held, "_most", 2)
    for feature in "abc":
        usage.request("hotline", feature, None, "web", 200, 0.001)
    await shell.services.count_usage()
    assert usage.lost == 1
    assert (await figure(shell)).answered == 2, "what has a cell goes on counting"


async def test_an_effect_counts_once_a_subject(shell):
    async def effect(name, subject):
        async with shell.write() as tx:
            return await record_effect(tx, "hotline", name, subject, None, "web")

    assert await effect("answered", "order:1")
    assert not await effect("answered", "order:1")
    assert await effect("answered", "order:2")
    assert await effect("rated", "order:1")
    found = await figure(shell)
    assert (found.effects, found.completes) == (3, 0), "nothing is completed that did not start"
    counted = await asyncio.gather(*(effect("answered", "order:3") for _ in range(8)))
    assert sum(counted) == 1


async def test_a_procedure_is_started_once_and_completed_once(shell):
    async def start(subject, *, shown=False):
        async with shell.write() as tx:
            await record_start(tx, "hotline", "order.file", subject, None, "web", shown=shown)

    async def effect(name, subject):
        async with shell.write() as tx:
            return await record_effect(tx, "hotline", name, subject, None, "web")

    await asyncio.gather(*(start("order:1") for _ in range(8)))
    await start("order:2", shown=True)  # the door has counted its form
    found = await figure(shell)
    assert (found.starts, found.completes) == (1, 0)
    for name in ("answered", "closed", "rated"):
        for subject in ("order:1", "order:2", "order:3"):
            await asyncio.gather(*(effect(name, subject) for _ in range(3)))
    await start("order:1")  # it is begun only once
    await effect("again", "order:1")
    found = await figure(shell)
    assert (found.starts, found.completes, found.effects) == (1, 2, 10)


async def test_what_was_not_measured_counts_neither_then_nor_later(shell):
    then = shell.database.clock() - timedelta(days=40)
    hub = shell.hub.at(then)
    for name in ("done", "closed"):
        async with hub.work(hub.system("demonstration")) as work:
            work.start("record.file", "record:1")
            work.effect(name, "record:1")
    async with shell.read() as tx:
        rows = await tx.session.execute(select(func.count()).select_from(UsageCell))
        assert rows.scalar_one() == 0
    async with shell.hub.work(shell.hub.system("test")) as work:
        work.effect("done", "record:1")  # it was, before anything was counted
        work.effect("rated", "record:1")
        work.start("record.file", "record:2")
        work.effect("done", "record:2")
    found = await figure(shell, "probe")
    assert (found.starts, found.completes, found.effects) == (1, 1, 2)


async def test_batches_that_none_can_send_again_are_forgotten(shell, usage):
    usage.request("hotline", "GET /x", None, "web", 200, 0.001)
    await shell.services.count_usage()
    shell.clock.move(days=8)
    await rollup.tidy(shell.database)
    async with shell.read() as tx:
        count = await tx.session.execute(select(func.count()).select_from(UsageBatch))
        assert count.scalar_one() == 0


def test_no_column_of_usage_names_a_person():
    """Every column there is: a new one is weighed here before it is stored."""
    from sqlalchemy import inspect

    counts = " ".join(models.KINDS)
    known: dict[Any, str] = {
        models.UsageMinute: f"{counts} at day app feature organization channel",
        models.UsageHour: f"{counts} at day app feature organization channel",
        UsageCell: f"{counts} day app feature organization channel",
        models.UsageDay: f"{counts} app day",
        UsageLatency: "day app feature bucket count",
        UsageBatch: "worker sequence at since until",
        models.UsageWorker: "worker known_until left_at checked",
        models.UsageGap: "id worker since until lost cause",
        models.UsageReachKey: "app period key ends",
        models.UsageReach: "app period kind organization sketch people",
        models.UsageSession: "session app organization channel day fruitful attending",
        models.UsageExit: "day app feature host kind count",
        UsageEffect: "app name subject day",
        UsageElement: "day app element spared asked",
    }
    from core.database import core_metadata

    tables = {name for name in core_metadata.tables if name.startswith("usage_")}
    assert tables == {model.__tablename__ for model in known}
    for model, columns in known.items():
        assert [c.key for c in inspect(model).column_attrs] == columns.split()
