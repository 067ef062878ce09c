"""Coordinations and who asked: they have no hand in the parts, and what they keep secret is."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlmodel import col

from core.audit.models import AuditEntry
from plugins.hotline.checking.following import Following
from plugins.hotline.coordination.flow import coordination_flow
from plugins.hotline.coordination.models import Coordination
from plugins.hotline.desk import desk_of
from plugins.hotline.models import Order
from plugins.hotline.tests.conftest import HERE
from plugins.hotline.tests.coordinating import Table, order_of, parts_of

MONDAY = datetime(2026, 3, 2, 2, tzinfo=UTC)  # 10:00 in Shanghai, in a year that is known


@pytest.fixture
async def table(hub_app):
    """Return the cast at work on a Monday morning."""
    hub_app.clock.stand(MONDAY)
    return Table(hub_app)


async def id_of(table, number):
    return UUID((await table.see(number))["id"])


async def test_who_asked_has_no_hand_in_the_part_of_their_unit(table):
    number = await table.meet()
    steps = (await table.met(number, "unit"))["timeline"]
    assert "convene" in {step["verb"] for step in steps}
    own, hub = await table.hub.actor("unit"), table.hub.hub.apps.hubs["hotline"]
    async with hub.work(hub.system("test")) as work:  # it was they who asked, as a resident
        order = await work.get(Order, await id_of(table, await order_of(table, number)))
        coordination = await work.get(Coordination, UUID((await table.met(number))["id"]))
        order.person_id = coordination.asker_person_id = own.person_id
    await table.decide(number, "unit", "unit2")
    part = (await parts_of(table, number))["城市管理局"]
    await table.act(part, "supervise", "dispatcher")
    steps = (await table.see(part, "dispatcher"))["timeline"]
    assert "supervise" in {step["verb"] for step in steps}
    refused = await table.try_act(part, "sign", "unit")
    assert refused.json()["type"].endswith("case.own-filing")
    steps = (await table.met(number, "unit"))["timeline"]
    assert "convene" not in {step["verb"] for step in steps}
    steps = (await table.see(part, "unit"))["timeline"]
    assert "supervise" not in {step["verb"] for step in steps}
    following, id = Following(desk_of(hub)), await id_of(table, part)
    for role, apart in (("unit", False), ("checker", True)):
        async with hub.read(await table.hub.actor(role)) as read:
            reason = "the part in the test"
            found = read.beyond_scope(Order, reason=reason).where(col(Order.id) == id)
            row = (await read.session.execute(found)).scalar_one()
            assert await following.apart(read, row) is apart


async def test_to_look_at_a_part_is_no_reveal(table):
    number = await table.meet()
    await table.decide(number, "unit", "unit2")
    part = (await parts_of(table, number))["城市管理局"]

    async def past_scope():
        async with table.hub.services.database.transaction() as tx:
            found = select(func.count()).where(col(AuditEntry.act) == "read-beyond-scope")
            return (await tx.session.execute(found)).scalar_one()

    before = await past_scope()
    client = await table.client("unit")
    for path in (f"orders/{part}", "orders", f"coordinations/{number}"):
        assert (await client.page(f"{HERE}/{path}")).status_code == 200
    assert await past_scope() == before


async def test_who_is_kept_secret_later_is_secret_in_what_runs_already(table):
    text = "我是王秀英，楼下饭店排烟"
    caller = {"caller_name": "王秀英", "phone": "13800005678"}
    order = (await table.file("operator", "intake", text=text, **caller))["number"]
    number = await table.coordinate(order)
    await table.seat(number, "unit", "unit2")
    await table.do(number, "invite-requester")
    assert "王秀英" not in str(await table.met(number, "unit")), "nor before it was secret"
    await table.convene(number)
    await table.hold(number, "unit", "unit2")
    await table.decide(number, "unit", "unit2")
    await table.act(order, "keep-secret", "operator")
    await table.hub.settle()
    seen = await table.met(number, "unit")
    part = await table.see((await parts_of(table, number))["城市管理局"], "unit")
    assert "王秀英" not in str(seen) + str(part)
    assert "排烟" in str(part)
    assert "seat.requester" not in str(seen["seats"])


async def test_nobody_invites_who_is_secret_by_now(table):
    order = (await table.file("operator", "intake", phone="13800005678"))["number"]
    number = await table.coordinate(order)
    await table.act(order, "keep-secret", "operator")  # nothing else has heard of it yet
    assert await table.refused(number, "invite-requester") == "coordination.secret"


async def test_who_gave_the_parts_or_set_the_meeting_does_not_sign(table):
    by = coordination_flow(table.hub.hub.apps.hubs["hotline"]).by_verb("sign").another_than
    assert {"share", "convene", "another-chair", "propose"} <= set(by)
