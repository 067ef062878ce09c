"""The stream: whoever reads it, however often, each batch counts once and none stops the rest."""

import asyncio
from datetime import timedelta

import pytest
from hypothesis import strategies as st
from sqlalchemy import delete, select
from sqlmodel import col

from core.shared_state import stream_on_redis
from core.shared_state.stream import StreamAway, StreamFull
from core.shared_state.stream_on_redis import RedisStream
from core.usage import capture, gaps, rollup
from core.usage.batches import Batch, Counted, Slow, encode
from core.usage.cells import counts_of
from core.usage.models import (
    UsageBatch,
    UsageDay,
    UsageGap,
    UsageLatency,
    UsageMinute,
    UsageWorker,
)
from core.usage.relay import Relay
from tests.core.conftest import explore

KEY = "test:usage"


@pytest.fixture
def engine_kind():
    """A stream is there in production alone."""
    return "production"


@pytest.fixture
async def readers(fresh_redis_url, shell):
    """Two relays on one stream, as two workers have them."""
    streams = [RedisStream(fresh_redis_url, KEY, name, 20) for name in ("one", "two")]
    yield [Relay(shell.database, stream) for stream in streams]
    for stream in streams:
        await stream.close()


def batch(clock, sequence, answered=1, worker="w", **more):
    at = clock()
    minute = at.replace(second=0, microsecond=0)
    return Batch(
        worker=worker,
        sequence=sequence,
        since=at - timedelta(seconds=1),
        until=at,
        counted=(Counted((minute, "hotline", "GET /x", "", "web"), counts_of(answered=answered)),),
        slow=(Slow(minute.date(), "hotline", "GET /x", 3, answered),),
        **more,
    )


async def rows(shell, *columns):
    async with shell.read() as tx:
        return [tuple(row) for row in await tx.session.execute(select(*map(col, columns)))]


async def answered(shell):
    minutes = await rows(shell, UsageMinute.answered)
    days = await rows(shell, UsageDay.answered)
    slow = await rows(shell, UsageLatency.count)
    sums = {sum(n for (n,) in found) for found in (minutes, days, slow)}
    assert len(sums) == 1, "every table says the same"
    return sums.pop()


async def find_missing(shell):
    async with shell.write() as tx:
        await gaps.find_missing(tx)


async def test_what_a_dead_reader_had_begun_is_read_by_another(shell, readers, monkeypatch):
    one, two = (relay._stream for relay in readers)
    for n in (1, 2, 3):
        await one.add(encode(batch(shell.clock, n, 10**n)))
    assert await one.lead()
    assert not await two.lead()
    assert len(await one.read(2)) == 2, "begun, and then it dies"
    assert await readers[1].drain() == 1
    assert await answered(shell) == 1000
    monkeypatch.setattr(stream_on_redis, "IDLE_MILLISECONDS", 1)
    await asyncio.sleep(0.05)
    assert await readers[1].drain() == 2
    assert await answered(shell) == 1110
    assert await readers[0].drain() == 0, "what another has done it has no more"
    assert await one._redis.xlen(KEY) == 0


async def test_a_reader_that_dies_between_counting_and_saying_so_counts_once(
    shell, readers, monkeypatch
):
    stream = readers[0]._stream
    await stream.add(encode(batch(shell.clock, 1)))
    done = stream.done

    async def away(ids):
        raise StreamAway("cut")

    monkeypatch.setattr(stream, "done", away)
    with pytest.raises(StreamAway):
        await readers[0].drain()
    assert await answered(shell) == 1
    monkeypatch.setattr(stream, "done", done)
    assert await readers[0].drain() == 1
    assert await answered(shell) == 1


async def test_what_cannot_be_read_or_counted_is_a_gap_and_stops_nobody(
    shell, readers, caplog, monkeypatch
):
    stream = readers[0]._stream
    for raw in (
        b"\xff\x00",
        encode(batch(shell.clock, 1)),
        encode(batch(shell.clock, 2, -1)),
        encode(batch(shell.clock, 3, 2**31)),
        encode(batch(shell.clock, 4, 2**31 - 1)),  # the sum with the first one is too large
        encode(batch(shell.clock, 5, worker="nul\x00")),
        encode(batch(shell.clock, 6)),
    ):
        await stream.add(raw)
    assert await readers[0].drain() == 7
    assert await answered(shell) == 2
    causes = await rows(shell, UsageGap.cause)
    assert causes == [("unreadable",)] * 5
    await stream._redis.xadd(KEY, {b"e": b"\xff"}, id=f"{2**64 - 1}-1")  # no clock says that
    assert await readers[0].drain() == 1
    assert "cannot be" in caplog.text
    assert await readers[0].drain() == 0


async def test_a_stream_that_was_lost_is_begun_anew_and_shows_as_a_gap(shell, readers):
    stream = readers[0]._stream
    await stream.add(encode(batch(shell.clock, 1)))
    await readers[0].drain()
    lost = batch(shell.clock, 2)
    await stream.add(encode(lost))
    await stream._redis.flushdb()
    shell.clock.move(seconds=5)
    after = batch(shell.clock, 3)
    await stream.add(encode(after))
    assert await readers[0].drain() == 1
    assert await answered(shell) == 2
    await find_missing(shell)
    assert await rows(shell, UsageGap.cause) == [], "it may still come"
    shell.clock.move(minutes=3)
    await find_missing(shell)
    await find_missing(shell)
    ((cause, since, until),) = await rows(shell, UsageGap.cause, UsageGap.since, UsageGap.until)
    assert (cause, until) == ("missing", after.since)
    assert since <= lost.until


async def test_a_full_stream_is_refused_and_a_stream_away_is_said(shell, readers, fresh_redis_url):
    stream = readers[0]._stream
    for n in range(20):
        await stream.add(encode(batch(shell.clock, n)))
    with pytest.raises(StreamFull):
        await stream.add(b"")
    assert await readers[0].drain() == 20
    await stream.add(encode(batch(shell.clock, 20)))
    nowhere = RedisStream("redis://127.0.0.1:1/0", KEY, "x", 20)
    with pytest.raises(StreamAway):
        await nowhere.add(b"")
    with pytest.raises(StreamAway):
        await nowhere.read(1)
    assert not await nowhere.lead()
    await nowhere.close()


async def test_any_order_and_any_repetition_over_two_relays_counts_each_batch_once(shell, readers):
    made = {n: batch(shell.clock, n, 3**n, worker=f"w{n % 2}") for n in range(5)}
    raw = {n: encode(one) for n, one in made.items()}
    sent = st.lists(st.sampled_from(range(5)), max_size=12)
    steps = st.lists(st.sampled_from(("add", "add", "read 0", "read 1", "both")), max_size=20)

    async def check(example):
        numbers, order = example
        async with shell.write() as tx:
            for model in (UsageBatch, UsageMinute, UsageDay, UsageLatency, UsageWorker, UsageGap):
                await tx.session.execute(delete(model))
        waiting = list(numbers)
        for step in [*order, *["add"] * len(numbers), "both"]:
            if step == "add" and waiting:
                await readers[0]._stream.add(raw[waiting.pop()])
            elif step == "both":
                await asyncio.gather(*(relay.drain() for relay in readers))
            elif step.startswith("read"):
                await readers[int(step[-1])].drain()
        assert await answered(shell) == sum(3**n for n in set(numbers))

    await explore(st.tuples(sent, steps), check, 40)


async def test_the_same_batch_on_both_ways_counts_once(shell):
    """A worker that leaves writes into the tables what it did not hear the stream take."""
    one = batch(shell.clock, 1)
    for _ in range(2):
        async with shell.write() as tx:
            await rollup.apply(tx, [one, one])
    assert await answered(shell) == 1


async def test_while_redis_is_away_all_goes_on_and_what_has_no_room_is_lost_exactly(
    make_shell, own_valkey, monkeypatch
):
    monkeypatch.setattr(capture, "MOST_CELLS", 3)
    monkeypatch.setattr(capture, "FLUSH_SECONDS", 0.1)
    shell = await make_shell(redis_url=own_valkey.url, background=True)
    usage, sent = shell.services.usage, 0

    async def requests(*features):
        nonlocal sent
        for feature in features:
            usage.request("hotline", feature, None, "web", 200, 0.001)
            sent += 1
        await asyncio.sleep(0.2)

    await requests("a", "b")
    own_valkey.pause()
    for _ in range(3):
        begun = asyncio.get_running_loop().time()
        await requests("a", "b", "c")
        assert asyncio.get_running_loop().time() - begun < 0.4, "nobody waits for it"
    own_valkey.resume()
    await requests("a")
    await shell.services.count_usage()  # what it took and nobody read would go with it
    own_valkey.stop()
    await requests("a", "b", "c", "d", "e")
    await requests("d", "e")
    own_valkey.restart()  # empty: whose group is made anew
    await shell.services.close()
    gone = await rows(shell, UsageGap.cause, UsageGap.lost)
    assert {cause for cause, _ in gone} == {"full"}
    lost = sum(n for _, n in gone)
    assert lost == usage.lost > 0
    assert await answered(shell) + lost == sent
    assert await rows(shell, UsageWorker.left_at) != [(None,)]


async def test_a_worker_that_leaves_while_redis_is_away_writes_into_the_tables(
    make_shell, own_valkey
):
    shell = await make_shell(redis_url=own_valkey.url, background=True)
    shell.services.usage.request("hotline", "a", None, "web", 200, 0.001)
    own_valkey.stop()
    await shell.services.close()
    assert await answered(shell) == 1
    assert await rows(shell, UsageGap.cause) == []
