"""What nobody may of an accident: decide their own, join what was closed, report without end; and
what an officer finds of it in the queue."""

import asyncio
from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import select
from sqlmodel import col

from plugin_sdk.problems import AppConflict
from plugins.traffic.accidents.forms import JoinForm, Stop
from plugins.traffic.accidents.models import Accident, AccidentSide
from plugins.traffic.accidents.sides import sides_of
from plugins.traffic.models import OwnVehicle, PastVehicle
from plugins.traffic.tests.conftest import CAR, PARKED, RED_LIGHT
from plugins.traffic.tests.crash import PLATES, plain_rows, report

EMBEDDED = pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)


@EMBEDDED
async def test_an_officer_who_is_a_side_sees_what_a_side_sees(town, crash):
    await crash.both()
    await crash.agree("resident", "none")
    await crash.agree("resident2", "none")
    await crash.act("propose", "officer", outcome="none", text="后车未保持安全距离。")
    officer = (await town.hub.actor("officer2")).person_id
    hub = town.desk.hub
    assert "安全距离" in str(await crash.see("officer2"))
    async with hub.work(hub.system("test")) as work:
        row = (
            await work.session.execute(
                work.rows(Accident).where(col(Accident.number) == crash.number)
            )
        ).scalar_one()
        (await sides_of(work, row.id))["b"].person_id = officer
    seen = await crash.see("officer2")
    assert "安全距离" not in str(seen), "neither in the summary nor in the timeline"
    assert not seen["actions"]
    for verb in ("confirm", "send-back"):
        await town.get(f"/accidents/{crash.number}/{verb}", "officer2", 404)
    await crash.act("send-back", "officer", 403, reason="自己的提议")
    assert "安全距离" in str(await town.get(f"/accidents/{crash.number}/confirm", "officer"))


@EMBEDDED
async def test_no_officer_decides_where_a_vehicle_is_or_was_theirs(town, crash):
    cast, now = await town.hub.actors(), town.hub.clock()
    officer, officer2 = cast["officer"], cast["officer2"]
    hub = town.desk.hub
    await crash.both()
    await crash.act("dispute", "resident2", reason="是对方突然变道。")
    async with hub.work(hub.system("test")) as work:
        place = {"organization_id": officer.organization_id}
        owner = {**place, "person_id": officer.person_id, "owner_index": "x", "bound_at": now}
        await work.add(OwnVehicle(plate=PLATES["resident2"], **owner), placed=True)
        until = {"bound_at": now - timedelta(days=9), "until_at": now + timedelta(hours=1)}
        past = PastVehicle(plate=CAR, person_id=officer2.person_id, **place, **until)
        await work.add(past, placed=True)
    for who in ("officer", "officer2"):
        await crash.act("propose", who, 403, outcome="none", text="后车未保持安全距离。")
        await crash.act("refer", who, 403, text="到三楼。")
        assert not (await crash.see(who))["actions"]
        await town.get(f"/accidents/{crash.number}/propose", who, 404)
    await town.bind()
    await town.get("/violations")
    number = ""
    for violation, verbs in ((PARKED, ("cancel", "uphold")), (RED_LIGHT, ("propose", "uphold"))):
        number = (await town.object_to(violation))["number"]
        for verb in verbs:
            await town.act(number, verb, "officer2", 403, text="经核对属实。")
        await town.act(number, verbs[0], "officer", text="经核对属实。")
    await town.act(number, "confirm", "officer2", 403)
    async with hub.work(hub.system("test")) as work:  # it was another's by then
        row = await work.get(PastVehicle, past.id)
        row.until_at = town.hub.clock() - timedelta(days=60)
    await town.act(number, "confirm", "officer2")


@EMBEDDED
async def test_what_the_hub_does_by_itself_has_no_address(town, crash):
    await crash.both()
    for verb in ("settle", "mark", "hand-over", "lapse", "join"):
        await town.get(f"/accidents/{crash.number}/{verb}", "officer", 404)


@EMBEDDED
async def test_nobody_joins_what_was_closed_or_changed_meanwhile(town, crash):
    desk, cast = town.desk.accidents, await town.hub.actors()
    other = msgspec.structs.replace(cast["resident2"], permission="traffic.accident.agree")
    form = JoinForm(code="ABCDEFGH", stop=Stop.NONE, plate=PLATES["resident2"], insurer="渤海财险")
    for changed in ({"state": "withdrawn"}, {"other_plate": "鲁M00001"}):
        await crash.report()
        await crash.photos()
        joins = form.model_copy(update={"code": await crash.invite()})

        async def join(joins=joins, changed=changed):
            async with desk.hub.work(other) as work:
                id = await desk.invitations.join(work, joins)
                row = await work.get(Accident, id, permission="accident.read")
                for name, value in changed.items():  # as another's unit of work leaves it
                    setattr(row, name, value)
                await work.session.flush()
                await desk.engine.joined(work, id)

        with pytest.raises(AppConflict) as refused:
            await join()
        assert refused.value.code.endswith("accident-not-there")
        await crash.act("withdraw", "resident")
    assert {side.side for side in await plain_rows(town, AccidentSide)} == {"a"}


@EMBEDDED
async def test_what_one_person_may_do_is_bounded_and_an_end_says_what_next(town, crash):
    await crash.report()
    await crash.photos()
    for _ in range(5):
        await crash.invite()
    await crash.invite(status=409)
    town.later(hours=2)
    await crash.invite()
    for _ in range(4):
        await crash.act("withdraw", "resident")
        ended = await crash.see()
        assert ended["actions"][0]["href"].endswith("/accidents/new")
        await crash.report()
    await crash.act("withdraw", "resident")
    assert (await crash.report(409))["type"].endswith("accident-too-often")
    town.later(days=1)
    assert (await crash.see())["actions"][0]["href"] == "/about/traffic", "its hours are over"
    await crash.report()
    known = await town.get(f"/accidents/{crash.number}/amend")
    values = {one["name"]: one["value"] for one in known["fields"] if one["value"] is not None}
    for _ in range(10):
        await crash.act("amend", "resident", **values)
    refused = await crash.act("amend", "resident", 409, **values)
    assert refused["type"].endswith("too-often")


@pytest.mark.parametrize("engine_kind", ["production"], indirect=True)
async def test_what_is_sent_twice_at_once_is_one_accident(town):
    """One process writes by turns on SQLite; where several do, the number is what they wait for."""
    client = await town.client("resident")
    sent = [client.post("/apps/traffic/accidents", json=report(town.hub.clock())) for _ in range(4)]
    statuses = sorted(answer.status_code for answer in await asyncio.gather(*sent))
    assert statuses == [201, 409, 409, 409]


@EMBEDDED
async def test_the_queue_counts_what_waits_for_an_officer_and_says_what_is_late(town, crash):
    async def waits(by="officer"):
        return (await town.get("/queue", by))["queues"][1]

    await crash.both()
    assert (await waits())["items"] == [], "it waits for its sides"
    await crash.act("dispute", "resident2", reason="是对方突然变道。")
    (item,) = (await waits())["items"]
    assert item["deadline"]["due_at"].startswith("2026-09-04")
    assert (await waits())["late"] == 0
    town.later(days=6)
    assert (await waits())["late"] == 1
    officer = (await town.hub.actor("officer")).person_id
    hub = town.desk.hub
    async with hub.work(hub.system("test")) as work:
        (row,) = (
            await work.session.execute(select(AccidentSide).where(col(AccidentSide.side) == "b"))
        ).scalars()
        row.person_id = officer
    assert (await waits())["items"] == [], "one's own is another's to decide"
    assert len((await waits("officer2"))["items"]) == 1
