"""A request with a key is one request: replayed, refused with another body, made once."""

import asyncio

import msgspec
import pytest
from sqlalchemy import func, insert, select
from sqlmodel import col

from core import audit
from core.hub import Replayed
from core.hub.models import RequestRecord
from core.jobs import OutboxRow
from core.usage.models import UsageEffect
from core.work.models import WorkItem
from plugin_sdk.cursors import Position, write_cursor
from plugin_sdk.ports import Answer, RequestKey, To
from plugin_sdk.problems import Conflict, Denied
from plugin_sdk.views import Phrase
from tests.core.probe import Record

KEY = RequestKey("someone:key-of-this", "POST /x", "digest")


async def make(shell, actor, key=KEY, fail=False):
    async with shell.hub.work(actor, key) as work:
        await work.session.execute(insert(Record).values(what="a"))
        work.audit("made", "record:1", by="x")
        work.notify(To(person_id=actor.person_id), Phrase("k"), "/x")
        work.emit("made", n=1)
        work.effect("done", "record:1")
        await work.todo.open(
            "record:1", To(person_id=actor.person_id), "t", "/x", label=Phrase("l")
        )
        await asyncio.sleep(0)
        if fail:
            raise ZeroDivisionError
        return work.answer(Answer(location="/made/1", status=201))


async def count(shell, table):
    async with shell.read() as tx:
        return (await tx.session.execute(select(func.count()).select_from(table))).scalar_one()


@pytest.fixture
async def actor(shell):
    return await (await shell.staff("staff", "U1", "probe.writer")).actor("probe.write")


async def test_the_same_request_replays_what_was_answered(shell, actor):
    await make(shell, actor)
    with pytest.raises(Replayed) as replayed:
        await make(shell, actor)
    assert replayed.value.answer == {"status": 201, "location": "/made/1", "body": None}
    for table in (Record, WorkItem, UsageEffect):
        assert await count(shell, table) == 1
    assert await count(shell, OutboxRow) == 2


async def test_another_body_under_the_key_is_refused(shell, actor):
    await make(shell, actor)
    with pytest.raises(Conflict, match="idempotency-key-reused"):
        await make(shell, actor, msgspec.structs.replace(KEY, digest="other"))
    other_route = msgspec.structs.replace(KEY, route="POST /y")
    await make(shell, actor, other_route)
    assert await count(shell, Record) == 2


async def test_sixty_four_in_parallel_make_one(shell, actor):
    outcomes = await asyncio.gather(
        *(make(shell, actor) for _ in range(64)), return_exceptions=True
    )
    made = [o for o in outcomes if not isinstance(o, BaseException)]
    replays = [o for o in outcomes if isinstance(o, Replayed)]
    assert (len(made), len(replays)) == (1, 63)
    assert {str(o.answer) for o in replays} == {str(replays[0].answer)}
    assert replays[0].answer["location"] == "/made/1"
    assert await count(shell, Record) == 1


async def test_a_first_attempt_that_fails_leaves_the_key_and_nothing_else(shell, actor):
    with pytest.raises(ZeroDivisionError):
        await make(shell, actor, fail=True)
    for table in (Record, WorkItem, UsageEffect, OutboxRow, RequestRecord):
        assert await count(shell, table) == 0
    async with shell.read() as tx:
        assert await audit.search(tx, app="probe") == []
    await make(shell, actor)
    assert await count(shell, Record) == 1


async def test_of_many_in_parallel_one_succeeds_though_the_first_ones_fail(shell, actor):
    tries = iter([True] * 3 + [False] * 20)
    outcomes = await asyncio.gather(
        *(make(shell, actor, fail=next(tries)) for _ in range(12)), return_exceptions=True
    )
    assert sum(isinstance(o, ZeroDivisionError) for o in outcomes) <= 3
    assert sum(not isinstance(o, BaseException) for o in outcomes) == 1
    assert await count(shell, Record) == 1


async def test_without_a_key_each_is_its_own(shell, actor):
    for _ in range(2):
        await make(shell, actor, None)
    assert await count(shell, Record) == 2
    assert await count(shell, RequestRecord) == 0
    assert await count(shell, UsageEffect) == 1  # the same subject counts once


async def test_keys_are_forgotten_after_three_weeks(shell, actor):
    await make(shell, actor)
    shell.clock.move(days=22)
    await shell.services._tidy_requests()
    await make(shell, actor)
    assert await count(shell, Record) == 2


async def test_what_is_recorded_names_person_post_and_grant(shell, actor):
    await make(shell, actor)
    async with shell.read() as tx:
        (entry,) = await audit.search(tx, app="probe", subject="record:1")
    assert (entry.act, entry.person_id, entry.organization_id) == (
        "made",
        actor.person_id,
        actor.organization_id,
    )
    assert entry.permission == "probe.write"
    assert entry.granted_by == actor.permits["probe.write"][0].grant
    assert entry.facts == {"by": "x"}


async def test_the_record_masks_what_identifies_people(shell, actor):
    async with shell.hub.work(actor) as work:
        work.audit("made", "x", phone="电话13812345678", deep=[{"id": "11010519491231002X"}])
    async with shell.read() as tx:
        (entry,) = await audit.search(tx, app="probe")
    assert "13812345678" not in str(entry.facts)
    assert "11010519491231002X" not in str(entry.facts)


async def test_the_hub_stands_where_it_is_told(shell):
    from datetime import UTC, datetime

    then = datetime(2020, 1, 2, tzinfo=UTC)
    hub = shell.hub.at(then)
    async with hub.work(hub.system("import")) as work:
        assert work.now == then == hub.now()
        work.audit("came", "x")
    async with hub.read(hub.system("import")) as read:
        assert read.now == then
    async with shell.read() as tx:
        (entry,) = await audit.search(tx, app="probe")
        assert (entry.at, entry.system) == (then, "probe: import")
        assert await audit.search(tx, cursor=write_cursor(Position(then, entry.id))) == []


async def test_a_permission_that_is_not_held_is_denied_with_its_name(shell, actor):
    async with shell.hub.work(actor) as work:
        permit = await work.require("write")
        assert permit.role == "probe.writer"
        with pytest.raises(Denied) as denied:
            await work.require("nothing")
        assert denied.value.params["permission"] == "probe.nothing"
        assert not await work.holds("nothing")
    async with shell.hub.work(shell.hub.system("x")) as work:
        assert (await work.require("anything")).grant == "system"
    assert col(RequestRecord.at) is not None
