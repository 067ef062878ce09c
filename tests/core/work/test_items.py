"""Work items, timers, numbers and the calendar an administrator completes."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlmodel import col

from core.work.calendar import enter_notice
from core.work.holidays import NoticeError
from core.work.items import close_items, counts, inbox, open_by_app, open_item
from core.work.models import Series, WorkItem
from core.work.timers import due_timers, next_number, set_timer, take_timer
from plugin_sdk.deadlines import CalendarUnknown, Term
from plugin_sdk.ports import Actor, To
from plugin_sdk.views import Phrase


async def add(tx, subject, to, *, title="t", due_at=None):
    await open_item(tx, "probe", subject, to, title, "/x", label=Phrase("l"), due_at=due_at)


async def test_an_item_waits_for_whoever_holds_the_permission_in_the_unit(shell):
    here = await shell.staff("here", "U1", "probe.writer")
    reads = await shell.staff("reads", "U1", "probe.reader")
    there = await shell.staff("there", "T1", "probe.writer")
    unit = await shell.organization("U1")
    async with shell.write() as tx:
        await add(tx, "s:1", To(organization_id=unit, permission="probe.write"))
        await add(tx, "s:2", To(organization_id=unit))
        await add(tx, "s:3", To(person_id=here.person))

    async def waits(actor):
        async with shell.read() as tx:
            return sorted(item.subject for item in await inbox(tx, actor))

    assert await waits(await here.actor()) == ["s:1", "s:2", "s:3"]
    assert await waits(await reads.actor()) == ["s:2"]
    assert await waits(await there.actor()) == []
    assert await waits(Actor()) == []
    assert await waits(Actor(organization_id=unit)) == []
    async with shell.read() as tx:
        assert await open_by_app(tx, await here.actor()) == {"probe": 3}


async def test_opening_again_brings_up_to_date_and_closing_closes_one_or_all(shell):
    staff = await shell.staff("here", "U1", "probe.writer")
    unit = await shell.organization("U1")
    one, other = To(person_id=staff.person), To(organization_id=unit, permission="probe.write")
    async with shell.write() as tx:
        await add(tx, "s", one, title="old")
        await add(tx, "s", one, title="new")  # in the same transaction
        await add(tx, "s", other)
    async with shell.write() as tx:
        await add(tx, "s", other, title="newer")
        count = await tx.session.execute(select(func.count()).select_from(WorkItem))
        assert count.scalar_one() == 2
        actor = await staff.actor()
        assert sorted(i.title for i in await inbox(tx, actor)) == ["new", "newer"]
        await close_items(tx, "probe", "s", one)
        assert [i.title for i in await inbox(tx, actor)] == ["newer"]
        await add(tx, "s", one, title="again")
        await close_items(tx, "probe", "s")
        assert await inbox(tx, actor) == []
        assert len(await inbox(tx, actor, which="done")) == 3


async def test_what_is_late_comes_first(shell):
    staff = await shell.staff("here", "U1")
    now = datetime(2026, 3, 2, 2, tzinfo=UTC)
    shell.clock.stand(now)
    end = now + timedelta(hours=10)
    async with shell.write() as tx:
        for subject, due in (
            ("none", None),
            ("tomorrow", now + timedelta(days=1)),
            ("late", now - timedelta(hours=1)),
            ("today", now + timedelta(hours=1)),
        ):
            await add(tx, subject, To(person_id=staff.person), due_at=due)
    async with shell.read() as tx:
        actor = await staff.actor()
        listed = [i.subject for i in await inbox(tx, actor)]
        assert listed == ["late", "today", "tomorrow", "none"]
        assert [i.subject for i in await inbox(tx, actor, which="late")] == ["late"]
        today = await inbox(tx, actor, which="today", day_end=end)
        assert [i.subject for i in today] == ["today"]
        found = await counts(tx, actor, end)
        assert (found.late, found.today, found.open) == (1, 1, 4)


async def test_numbers_are_unique_and_without_a_gap(shell):
    async def one(fail=False):
        async with shell.write() as tx:
            number = await next_number(tx, "probe", "order")
            await asyncio.sleep(0)
            if fail:
                raise ZeroDivisionError
            return number

    outcomes = await asyncio.gather(
        *(one(fail=n % 10 == 0) for n in range(50)), return_exceptions=True
    )
    numbers = sorted(o for o in outcomes if isinstance(o, str))
    day = numbers[0][:8]
    assert numbers == [f"{day}{n:04d}" for n in range(1, 46)]
    async with shell.read() as tx:
        assert (await tx.session.execute(select(col(Series.last)))).scalar_one() == 45


async def test_a_series_begins_anew_each_day_in_shanghai(shell):
    async def one(name="order"):
        async with shell.write() as tx:
            return await next_number(tx, "probe", name)

    shell.clock.stand(datetime(2026, 3, 1, 15, 59, tzinfo=UTC))
    assert [await one(), await one(), await one("other")] == [
        "202603010001",
        "202603010002",
        "202603010001",
    ]
    shell.clock.stand(datetime(2026, 3, 1, 16, 0, tzinfo=UTC))
    assert await one() == "202603020001"


async def test_a_timer_fires_once(shell):
    now = shell.database.clock()
    async with shell.write() as tx:
        await set_timer(tx, "probe", "late", "s:1", now + timedelta(seconds=60))
        await set_timer(tx, "probe", "late", "s:2", now + timedelta(seconds=60))
        await set_timer(tx, "probe", "late", "s:2", None)
        await set_timer(tx, "probe", "late", "s:3", now + timedelta(seconds=10))
        await set_timer(tx, "probe", "late", "s:3", now + timedelta(seconds=90))
        assert await due_timers(tx) == []
    shell.clock.move(seconds=61)
    async with shell.read() as tx:
        (timer,) = await due_timers(tx)
    assert timer.subject == "s:1"

    async def take():
        async with shell.write() as tx:
            return await take_timer(tx, timer)

    assert sorted(await asyncio.gather(*(take() for _ in range(8)))) == [False] * 7 + [True]


async def test_a_timer_that_was_moved_meanwhile_does_not_fire(shell):
    async with shell.write() as tx:
        await set_timer(tx, "probe", "late", "s", tx.now)
    async with shell.read() as tx:
        (timer,) = await due_timers(tx)
    async with shell.write() as tx:
        await set_timer(tx, "probe", "late", "s", tx.now + timedelta(days=1))
        assert not await take_timer(tx, timer)


YEAR = 2040
HOLIDAYS = [date(YEAR, 1, 1), date(YEAR, 5, 1), *(date(YEAR, 10, n) for n in range(1, 8))]


async def test_a_year_is_known_once_its_notice_is_entered(shell):
    start = datetime(YEAR, 9, 28, 2, tzinfo=UTC)  # a Friday
    term = Term(working_days=3)
    assert shell.hub.due(start, term) is None
    with pytest.raises(CalendarUnknown):
        shell.hub.is_working_day(date(YEAR, 10, 2))
    async with shell.write() as tx:
        await enter_notice(tx, YEAR, HOLIDAYS, [date(YEAR, 9, 29)])
    assert await shell.services.refresh_calendar()
    assert not await shell.services.refresh_calendar()
    assert not shell.hub.is_working_day(date(YEAR, 10, 2))
    assert shell.hub.is_working_day(date(YEAR, 9, 29))  # a Saturday worked in exchange
    due = shell.hub.due(start, term)
    assert due is not None
    assert due.date() == date(YEAR, 10, 9)  # Saturday 29 September, Monday 8, Tuesday 9
    async with shell.write() as tx:  # corrected
        await enter_notice(tx, YEAR, HOLIDAYS, [])
    assert await shell.services.refresh_calendar()
    assert not shell.hub.is_working_day(date(YEAR, 9, 29))


async def test_a_notice_that_cannot_be_right_is_not_kept(shell):
    async with shell.write() as tx:
        with pytest.raises(NoticeError):
            await enter_notice(tx, YEAR, [], [])
    assert not await shell.services.refresh_calendar()
