from datetime import UTC, datetime

import pytest

from plugins.hotline.tests.conftest import HERE, LIGHTS
from plugins.hotline.tests.coordinating import Table, order_of, parts_of

MONDAY = datetime(2026, 3, 2, 2, tzinfo=UTC)  # 10:00 in Shanghai, in a year that is known


@pytest.fixture
async def table(hub_app):
    """Return the cast at work on a Monday morning."""
    hub_app.clock.stand(MONDAY)
    return Table(hub_app)


async def test_a_part_is_objected_to_once_and_ruled_on_by_another(table):
    number = await table.meet()
    await table.decide(number, "unit", "unit2")
    parts = await parts_of(table, number)
    for verb, form in (
        ("return", {"reason": "不归我们", "legal_basis": "三定方案"}),
        ("extend", {"days": 5, "reason": "等配件"}),
    ):
        if verb == "extend":
            await table.act(parts["交通运输局"], "sign", "unit2")
        refused = await table.try_act(parts["交通运输局"], verb, "unit2", **form)
        assert refused.json()["type"].endswith("coordination.bound")
    why = {"reason": "桥下路面归住建局", "legal_basis": "三定方案"}
    assert await table.refused(number, "object", "unit3", **why) == "coordination.no-part"
    await table.do(number, "object", "unit2", **why)
    assert await table.refused(number, "object", "unit2", **why) == "coordination.objected"
    unit, third = await table.unit("unit2"), await table.unit("unit3")
    ruling = {"unit": unit, "ruling": "upheld", "reason": "查明归住建局"}
    assert await table.refused(number, "judge", "dispatcher", **ruling) == "denied"
    assert await table.refused(number, "judge", "leader", **ruling) == "case.had-a-hand"
    assert await table.refused(number, "judge", "owner", **ruling) == "to_unit"
    own = {**ruling, "to_unit": unit}
    assert await table.refused(number, "judge", "owner", **own) == "to_unit"
    await table.do(number, "judge", "owner", **ruling, to_unit=third)
    moved = await table.see(parts["交通运输局"], "unit3")
    assert (moved["state"], moved["unit"]) == ("dispatched", "住房和城乡建设局")
    assert await table.refused(number, "judge", "owner", **ruling) == "unit"
    await table.finish(parts["交通运输局"], "unit3")
    await table.do(number, "object", "unit", reason="不服", legal_basis="三定方案")
    await table.finish(parts["城市管理局"], "unit")
    order = await order_of(table, number)
    waits = await table.try_act(order, "summarize", "dispatcher", text="已办好")
    assert waits.json()["type"].endswith("coordination.objection-open")
    late = {"unit": await table.unit("unit"), "ruling": "upheld", "reason": "对", "to_unit": unit}
    assert await table.refused(number, "judge", "owner", **late) == ("coordination.part-answered")
    dismissed = {"unit": late["unit"], "ruling": "dismissed", "reason": "已经办结"}
    await table.do(number, "judge", "owner", **dismissed)
    await table.act(order, "summarize", "dispatcher", text="已办好")


async def test_an_objection_comes_in_time_or_not_at_all(table):
    number = await table.meet()
    await table.decide(number, "unit", "unit2")
    table.hub.clock.move(days=6)
    why = {"reason": "不归我们", "legal_basis": "三定方案"}
    assert await table.refused(number, "object", "unit", **why) == "case.window-over"


async def test_an_order_that_is_reopened_is_coordinated_anew(table):
    number = await table.meet()
    await table.decide(number, "unit", "unit2")
    order, parts = await order_of(table, number), await parts_of(table, number)
    await table.finish(parts["城市管理局"], "unit")
    await table.finish(parts["交通运输局"], "unit2")
    await table.act(order, "summarize", "dispatcher", text="已办好")
    await table.act(order, "reopen", "resident", reason="又坏了")
    second = await table.meet(order=order)
    await table.decide(second, "unit2", "unit")
    waits = await table.try_act(order, "summarize", "dispatcher", text="已办好")
    assert waits.json()["type"].endswith("coordination.parts-open")  # of the second decision
    again = await parts_of(table, second)
    assert not set(again.values()) & set(parts.values())
    part = again["城市管理局"]
    refused = await table.try_act(part, "coordinate", "dispatcher", question="?", category=LIGHTS)
    assert refused.status_code == 409  # no part of a part
    assert (await table.met(number))["state"] == "done"


async def test_a_paper_is_checked_by_its_code_without_sign_in(table):
    number = await table.meet()
    client = await table.client("unit")
    none = await client.get(f"{HERE}/coordinations/{number}/decision.pdf")
    assert none.status_code == 404
    await table.decide(number, "unit", "unit2")
    href = (await table.met(number))["check_href"]
    visitor = table.hub.client()
    found = (await visitor.get(href)).json()
    assert found["state"] == "good"
    assert "城市管理局" in str(found["facts"])
    assert "路灯" not in str(found)  # neither the matter nor a task
    wrong = await visitor.get(f"{HERE}/coordinations/verify/ABCDEFGHJKMN")
    assert (wrong.status_code, wrong.json()["state"]) == (404, "unknown")
    assert (await visitor.get(f"{HERE}/coordinations/verify")).status_code == 200
    stranger = await table.client("unit3")
    pdf = await stranger.get(f"{HERE}/coordinations/{number}/decision.pdf")
    assert pdf.status_code == 200  # whose expert took part
    operator = await table.client("operator")
    assert (await operator.get(f"{HERE}/coordinations/{number}/decision.pdf")).status_code == 403


async def test_a_part_that_is_reopened_is_answered_again(table):
    number = await table.meet()
    await table.decide(number, "unit", "unit2")
    order, parts = await order_of(table, number), await parts_of(table, number)
    part = parts["城市管理局"]
    await table.finish(part, "unit")
    await table.finish(parts["交通运输局"], "unit2")
    why = {"reason": "不归我们", "legal_basis": "三定方案"}
    assert await table.refused(number, "object", "unit", **why) == "coordination.part-answered"
    await table.act(part, "reopen", "dispatcher", reason="现场看没有修好")
    waits = await table.try_act(order, "summarize", "dispatcher", text="已办好")
    assert waits.json()["type"].endswith("coordination.parts-open")
    await table.do(number, "object", "unit", **why)
    ruling = {"unit": await table.unit("unit"), "reason": "对", "ruling": "upheld"}
    other = await table.unit("unit3")
    assert await table.refused(number, "judge", "owner", **ruling, to_unit=other) == (
        "coordination.part-answered"  # nobody has it in hand
    )
    await table.do(number, "judge", "owner", **{**ruling, "ruling": "dismissed"})
    await table.act(part, "answer", "operator", text="已安排重修并修好")
    await table.act(order, "summarize", "dispatcher", text="已办好")
    assert (await table.met(number))["state"] == "done"


async def waiting(table, role):
    """Return what waits for a role, by address."""
    rows = (await (await table.client(role)).get("/work")).json()["rows"]
    return {row["href"] for row in rows}


async def test_a_wrong_chair_is_no_dead_end(table):
    number = await table.meet(chair="owner")
    await table.share(number, "unit")
    await table.propose(number)
    chair = {"chair": await table.post("officer"), "reason": "调离"}
    assert await table.refused(number, "another-chair", **chair) == "chair"  # may not sign
    same = {**chair, "chair": await table.post("owner")}
    assert await table.refused(number, "another-chair", **same) == "chair"
    own = {**chair, "chair": await table.post("deputy")}
    assert await table.refused(number, "another-chair", **own) == "chair"
    await table.do(number, "send-back", "owner", reason="还有路面")
    await table.share(number, "unit2")
    await table.propose(number)
    assert await table.refused(number, "sign", "leader") == "coordination.not-the-chair"
    await table.do(number, "another-chair", **{**chair, "chair": await table.post("leader")})
    assert await table.refused(number, "sign", "owner") == "coordination.not-the-chair"
    await table.do(number, "sign", "leader")


async def test_a_decision_that_waits_lies_before_the_chair_of_another_unit(table):
    await table.let("unit2", "chair")
    number = await table.coordinate()
    await table.seat(number, "unit")
    await table.convene(number)
    await table.hold(number, "unit")
    await table.share(number, "unit")
    await table.propose(number)
    chair = {"chair": await table.post("unit2"), "reason": "主任出差"}
    await table.do(number, "another-chair", **chair)
    assert f"{HERE}/coordinations/{number}" in await waiting(table, "unit2")
    assert await table.refused(number, "sign", "leader") == "case.not-holder"
    await table.hub.settle()
    assert "another-chair" in (await (await table.client("unit2")).get("/messages")).text
    await table.do(number, "sign", "unit2")


async def test_one_that_waits_for_the_signature_is_called_off_and_the_requester_told(table):
    order = (await table.file())["number"]
    number = await table.coordinate(order)
    await table.seat(number, "unit", "unit2")
    await table.do(number, "invite-requester")
    await table.convene(number)
    await table.hold(number, "unit")
    await table.share(number, "unit")
    await table.propose(number)
    await table.do(number, "call-off", reason="主持人调离")
    assert (await table.see(order))["state"] == "received"
    await table.hub.settle()
    told = (await (await table.client("resident")).get("/messages")).text
    assert "requester-off" in told


async def test_no_unit_that_is_invited_reads_who_called(table):
    text = "我是王秀英，王阿姨家楼下饭店排烟"
    caller = {"caller_name": "王秀英", "phone": "13800005678"}
    order = (await table.file("operator", "intake", text=text, **caller))["number"]
    number = await table.coordinate(order)
    await table.seat(number, "unit")
    said = str(await table.met(number, "unit"))
    assert "王秀英" not in said
    assert "王阿姨" not in said
    assert "诉求人阿姨家楼下饭店排烟" in said
