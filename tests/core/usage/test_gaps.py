"""What is not known is said: who died, what was dropped, when nothing ran, whose clock lied."""

import asyncio
import contextlib
from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest
from sqlalchemy import select, update
from sqlmodel import col

from core.usage import capture, gaps, rollup
from core.usage.batches import Batch, Counted, decode, encode
from core.usage.capture import Usage
from core.usage.cells import counts_of
from core.usage.coarsening import coarsen, move_quarter
from core.usage.figures import by_day, cells_of
from core.usage.measures import Window
from core.usage.models import (
    KINDS,
    UsageCell,
    UsageDay,
    UsageGap,
    UsageHour,
    UsageMinute,
    UsageWorker,
)
from core.usage.sinks import DatabaseSink
from plugin_sdk.times import SHANGHAI

NOON = datetime(2026, 3, 10, 4, 0, 30, tzinfo=UTC)  # noon in Shanghai
TWO = timedelta(minutes=2)


@pytest.fixture
async def shell(make_shell):
    return await make_shell(standing=NOON)


def batch(sequence=1, at=NOON, worker="w", answered=1, since=None, **more):
    minute = at.replace(second=0, microsecond=0)
    return Batch(
        worker=worker,
        sequence=sequence,
        since=since or at - timedelta(seconds=1),
        until=at,
        counted=(Counted((minute, "hotline", "GET /x", "", "web"), counts_of(answered=answered)),)
        if answered
        else (),
        **more,
    )


async def apply(shell, *batches):
    async with shell.write() as tx:
        await rollup.apply(tx, batches)


async def rows(shell, *columns):
    async with shell.read() as tx:
        return [tuple(row) for row in await tx.session.execute(select(*map(col, columns)))]


async def noted(shell):
    found = await rows(shell, UsageGap.cause, UsageGap.since, UsageGap.until, UsageGap.lost)
    return sorted(found, key=lambda gap: gap[:2])


async def unknown(shell, since, until):
    async with shell.read() as tx:
        return await gaps.missing(tx, Window(since, until))


# --- the buffer --------------------------------------------------------------------------


class Away:
    """A sink that takes nothing until it is told to."""

    def __init__(self, sink):
        self.sink, self.here, self.tries = sink, False, 0

    async def send(self, batch):
        self.tries += 1
        if not self.here:
            raise ConnectionError
        await self.sink.send(batch)


async def test_while_the_sink_is_away_counting_goes_on_and_what_has_no_room_is_lost_exactly(
    shell, monkeypatch
):
    monkeypatch.setattr(capture, "MOST_CELLS", 4)
    sink = Away(DatabaseSink(shell.database))
    usage = Usage(sink, "w", clock=shell.clock)
    sent = 0
    for second in range(0, 180, 20):
        for feature in ("a", "b", "c")[: 1 + second // 60]:
            usage.request("hotline", feature, None, "web", 200, 0.001)
            usage.request("hotline", feature, None, "web", 404, 0.001)
            sent += 2
        with pytest.raises(ConnectionError):
            await usage.flush()
        shell.clock.move(seconds=20)
    assert sink.tries == 9, "one batch is on its way, the very same"
    sink.here = True
    await usage.flush()
    found = await rows(shell, UsageMinute.at, UsageMinute.feature, UsageMinute.answered)
    counted = sum(n for (*_, n) in found)
    minutes = {at.minute for at, *_ in found}
    assert minutes == {0, 1, 2}, "each second stands in its minute"
    ((cause, since, until, lost),) = await noted(shell)
    assert (cause, since, until) == ("full", NOON, NOON + timedelta(seconds=180))
    assert 2 * counted + lost == sent
    assert usage.lost == lost > 0
    known = await unknown(shell, NOON.date(), NOON.date())
    assert (known.days, known.minutes, known.lost) == (frozenset(), 3, lost)


async def test_a_batch_that_hangs_keeps_no_second_from_being_counted(shell):
    class Hangs:
        def __init__(self):
            self.go, self.sent = asyncio.Event(), []

        async def send(self, batch):
            await self.go.wait()
            self.sent.append(batch)

    sink = Hangs()
    usage = Usage(sink, "w", clock=shell.clock)
    for _ in range(3):
        usage.request("hotline", "a", None, "web", 200, 0.001)
        usage.tick()
        await asyncio.sleep(0)
    sink.go.set()
    await usage.flush()
    assert [b.sequence for b in sink.sent] == [1, 2]
    assert [b.counted[0].counts[4] for b in sink.sent] == [1, 2]


async def test_people_marks_and_ways_out_are_merged_in_a_batch_and_bounded(shell, monkeypatch):
    monkeypatch.setattr(capture, "MOST_CELLS", 2)
    got = []

    class Keeps:
        async def send(self, batch):
            got.append(decode(encode(batch)))

    unit = await shell.organization("T1")
    usage = Usage(Keeps(), "w", clock=shell.clock)
    for n in (7, 7, 8, 9):
        usage.reached("hotline", "2026-Q1", "opened", unit, n)
    usage.outcome("s", "hotline", unit, "web")
    usage.outcome("s", "hotline", unit, "web", attending=True)
    usage.outcome("s", "hotline", None, "api", fruitful=True)
    usage.outcome("t", "hotline", unit, "web")
    usage.outcome("u", "hotline", unit, "web")
    usage.exit("hotline", "GET /x", "elsewhere.example" + "x" * 500, "redirect")
    usage.exit("hotline", "GET /x", "elsewhere.example" + "x" * 500, "redirect")
    await usage.flush()
    (sent,) = got
    assert [sorted(r.pseudonyms) for r in sent.reached] == [[7, 8]]
    (first, second) = sent.outcomes
    assert (first.fruitful, first.attending, first.organization, first.channel) == (
        True,
        True,
        str(unit),
        "web",
    )
    assert (second.session, second.fruitful, second.attending) == ("t", False, False)
    assert [(e.count, e.day) for e in sent.exits] == [(2, date(2026, 3, 10))]
    assert sent.lost == 2, "one person and one mark found no room"
    usage.exit("hotline", "GET /x", "a.example", "link")
    await usage.flush()
    assert got[-1].lost == 0
    assert got[-1].exits


# --- clocks, old and future ---------------------------------------------------------------


async def test_a_clock_that_is_set_leaves_a_gap_and_time_that_passes_none(shell):
    now = [NOON]
    usage = Usage(DatabaseSink(shell.database), "w", clock=lambda: now[0])
    for step in (timedelta(0), timedelta(hours=-2), timedelta(0), timedelta(hours=3)):
        now[0] += step
        usage.request("hotline", "a", None, "web", 200, 0.001)
        usage.tick()
        await usage.flush()
    shell.clock.move(hours=1)
    early = NOON - timedelta(hours=2)
    spans = [gap[1:3] for gap in await noted(shell)]
    assert {(early, NOON), (early, NOON + timedelta(hours=1))} <= set(spans)
    assert (await unknown(shell, NOON.date(), NOON.date())).minutes == 180


async def test_a_clock_that_leaps_makes_no_year_unknown_and_no_count_future(shell):
    """A machine that starts in 1970 or is a year ahead for a minute, and whoever restarts it."""
    days = [NOON - timedelta(days=n) for n in (40, 1)]
    for n, day in enumerate(days):
        shell.clock.move(seconds=(day - shell.clock()).total_seconds())
        await apply(shell, batch(n, day, worker="before"))
    wrong = NOON + timedelta(days=365), datetime(1970, 1, 1, tzinfo=UTC)
    last = NOON
    times = (NOON, wrong[0], NOON + timedelta(minutes=1), wrong[1], NOON + TWO)
    for sequence, shown in enumerate(times):
        shell.clock.move(seconds=(shown - shell.clock()).total_seconds())
        stepped = abs(shown - last) > TWO
        await apply(shell, batch(sequence, shown, since=last, clock_stepped=stepped))
        last = shown
    early = wrong[1] + TWO
    await apply(shell, batch(1, early, worker="early", since=early, answered=0))
    async with shell.write() as tx:  # and one that ended while it was 1970
        then = update(UsageWorker).where(col(UsageWorker.worker) == "early")
        await tx.session.execute(then.values(known_until=early))
        assert await gaps.find_dead(tx, ["w", "before"]) == 1
    found = await unknown(shell, date(1970, 1, 2), NOON.date() + timedelta(days=366))
    known = {day.astimezone(SHANGHAI).date() for day in (*days, NOON)}
    assert not known & found.days
    assert not {NOON.date() + timedelta(days=n) for n in range(1, 366)} & found.days
    assert {days[0].date() - timedelta(days=n) for n in (1, 400)} <= found.days

    ahead = batch(9, NOON + TWO, worker="x", answered=0, since=NOON)
    cell = Counted((wrong[0], "lost", "GET /x", "", "web"), counts_of(answered=1))
    await apply(shell, msgspec.structs.replace(ahead, counted=(cell,)))
    async with shell.read() as tx:
        ((counted, *_),) = [(day.day, day) for day in await by_day(tx, "lost", *2 * (NOON.date(),))]
    assert counted == NOON.date()


async def test_no_count_lies_in_the_future_and_none_is_counted_twice_from_the_past(shell):
    ahead, old = NOON + timedelta(days=30), NOON - timedelta(days=3)
    await apply(shell, batch(1, ahead, answered=2), batch(2, old, answered=4))
    ((at, answered),) = await rows(shell, UsageMinute.at, UsageMinute.answered)
    assert (at, answered) == (NOON.replace(second=0), 2)
    assert [gap[0] for gap in await noted(shell)] == ["clock", "late"]


async def test_a_worker_that_comes_back_with_an_old_sequence_counts_nothing_twice(shell):
    old = batch(1)
    await apply(shell, old)
    shell.clock.move(days=5)
    await rollup.tidy(shell.database)
    await apply(shell, old)
    await apply(shell, old)
    ((answered,),) = await rows(shell, UsageDay.answered)
    assert answered == 1
    assert [gap[0] for gap in await noted(shell)] == ["late"]


# --- workers ------------------------------------------------------------------------------


async def test_a_worker_that_died_is_unknown_from_its_last_word_and_one_that_left_is_not(shell):
    await apply(
        shell, batch(worker="dead"), batch(worker="lives"), batch(worker="left", leaves=True)
    )
    shell.clock.move(seconds=40)

    async def find(live):
        async with shell.write() as tx:
            return await gaps.find_dead(tx, live)

    assert sorted(await asyncio.gather(find(["lives"]), find(["lives"]))) == [0, 1]
    ((cause, since, until, lost),) = await noted(shell)
    assert (cause, since, until) == ("died", NOON, NOON + timedelta(seconds=40))
    assert lost is None
    await apply(shell, batch(2, shell.clock(), worker="dead"))  # it had only slept
    shell.clock.move(seconds=40)
    assert await find(["lives", "dead"]) == 0
    assert await find(["lives"]) == 1


async def test_a_hub_that_was_down_is_a_gap_and_one_started_again_at_once_is_none(shell):
    await apply(shell, batch(leaves=True))
    shell.clock.move(seconds=20)
    again = shell.clock()
    await apply(shell, batch(worker="w2", at=again, answered=0, since=again))
    assert await noted(shell) == []
    await apply(shell, batch(2, worker="w2", at=again, answered=0, leaves=True))
    shell.clock.move(hours=2)
    later = shell.clock()
    for worker in ("w3", "w4"):
        await apply(shell, batch(worker=worker, at=later, answered=0, since=later))
    assert await noted(shell) == [("down", again, later, None)]


async def test_an_idle_worker_says_so_once_a_minute_and_a_clean_leave_last(shell):
    sent = []

    class Keeps:
        async def send(self, batch):
            sent.append(batch)

    usage = Usage(Keeps(), "w", clock=shell.clock)
    usage.start()
    for _ in range(150):
        await asyncio.sleep(0)
        shell.clock.move(seconds=1)
        usage.tick()
    await usage.close()
    assert [b.until - NOON for b in sent] == [timedelta(seconds=n) for n in (0, 60, 120, 150)]
    assert [b.leaves for b in sent] == [False, False, False, True]


# --- what a window does not know ------------------------------------------------------------


async def test_days_before_the_first_count_and_days_in_gaps_are_unknown_and_shared_time_counts_once(
    shell,
):
    assert (await unknown(shell, date(2026, 3, 1), date(2026, 3, 2))).days == {
        date(2026, 3, 1),
        date(2026, 3, 2),
    }, "nothing was ever counted"
    await apply(shell, batch())
    day = datetime(2026, 3, 11, tzinfo=SHANGHAI)
    async with shell.write() as tx:
        await gaps.note(tx, "a", "died", day, day + timedelta(hours=8))
        await gaps.note(tx, "b", "died", day + timedelta(hours=6), day + timedelta(hours=13))
        await gaps.note(
            tx, "c", "full", day + timedelta(days=1), day + timedelta(days=1, minutes=9), 5
        )
    found = await unknown(shell, date(2026, 3, 8), date(2026, 3, 20))
    assert found.days == {date(2026, 3, 8), date(2026, 3, 9), date(2026, 3, 11)}
    assert (found.minutes, found.lost) == (9, 5)


# --- minutes, hours, days -------------------------------------------------------------------


async def grains(shell):
    return [
        sum(n for (n,) in await rows(shell, model.answered))
        for model in (UsageMinute, UsageHour, UsageCell, UsageDay)
    ]


async def test_each_count_stands_in_one_grain_and_in_the_sum_of_its_day(shell):
    for n, minutes in enumerate((0, 1, 61, 1)):
        shell.clock.move(minutes=minutes)
        await apply(shell, batch(n + 1, shell.clock(), answered=10**n))
    assert await grains(shell) == [1111, 0, 0, 1111]
    await coarsen(shell.database)
    assert await grains(shell) == [1100, 11, 0, 1111]
    await asyncio.gather(*(coarsen(shell.database) for _ in range(2)))
    assert await grains(shell) == [1100, 11, 0, 1111]
    shell.clock.move(hours=12)
    await apply(shell, batch(5, NOON, answered=10**4))  # late, for an hour that was moved
    async with shell.read() as tx:
        (cell,) = await cells_of(tx, "hotline", NOON.date(), NOON.date())
        assert cell.counts[KINDS.index("answered")] == 11111
    await asyncio.gather(*(coarsen(shell.database) for _ in range(2)))
    assert await grains(shell) == [0, 0, 11111, 11111]
    async with shell.read() as tx:
        (found,) = await by_day(tx, "hotline", NOON.date(), NOON.date())
        assert found.answered == 11111
        (cell,) = await cells_of(tx, "hotline", NOON.date(), NOON.date())
        assert (cell.feature, cell.counts[KINDS.index("answered")]) == ("GET /x", 11111)


async def test_a_move_that_is_cut_moved_nothing(shell):
    await apply(shell, batch())
    with contextlib.suppress(RuntimeError):
        async with shell.write() as tx:
            await move_quarter(tx, NOON.replace(minute=0, second=0))
            raise RuntimeError
    assert await grains(shell) == [1, 0, 0, 1]
