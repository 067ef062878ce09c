import asyncio
from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import update
from sqlmodel import col

from core.identity.models import Person
from plugins.hotline.coordination.models import Coordination
from plugins.hotline.tests.conftest import HERE, LIGHTS
from plugins.hotline.tests.coordinating import BASIS, Table, order_of, parts_of

MONDAY = datetime(2026, 3, 2, 2, tzinfo=UTC)  # 10:00 in Shanghai, in a year that is known


@pytest.fixture
async def table(hub_app):
    """Return the cast at work on a Monday morning."""
    hub_app.clock.stand(MONDAY)
    return Table(hub_app)


async def test_a_coordination_from_the_asking_to_the_one_answer(table):
    order = (await table.file())["number"]
    due = (await table.see(order))["deadline"]["due_at"]
    number = await table.meet(order=order)
    assert (await table.see(order))["state"] == "coordinating"
    await table.do(number, "note", "unit", text="灯杆倾斜，路面塌陷")
    await table.do(number, "opine", "unit3", text="灯杆由城管局管护", legal_basis=BASIS)
    await table.share(number, "unit", "扶正灯杆", 3)
    await table.share(number, "unit2", "补好路面", 5)
    await table.propose(number, rule_unit=await table.unit("unit"))
    key = {"idempotency-key": "sign-once-0001"}
    form = {"version": (await table.met(number))["version"]}
    leader = await table.client("leader")
    path = f"{HERE}/coordinations/{number}/sign"
    first = await leader.post(path, json=form, headers=key)
    again = await leader.post(path, json=form, headers=key)
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json() == first.json()
    assert (await leader.post(path, json=form)).status_code == 409  # without the key it is stale

    met = await table.met(number)
    assert met["state"] == "decided"
    assert {fact["label"]["key"].rpartition(".")[2] for fact in met["decision"]} == {
        *("decision", "legal_basis", "rule_unit")
    }
    parts = await parts_of(table, number)
    assert len(set(parts.values())) == 2
    for role, other, name, day in (
        ("unit", "unit2", "城市管理局", 3),
        ("unit2", "unit", "交通运输局", 5),
    ):
        mine = await table.see(parts[name], role)
        assert (mine["state"], mine["unit"]) == ("dispatched", name)
        assert mine["deadline"]["due_at"] < due
        assert mine["deadline"]["due_at"][:10] == met["shares"][0 if day == 3 else 1]["due_on"]
        client = await table.client(other)
        assert (await client.get(f"{HERE}/orders/{parts[name]}")).status_code == 404
        assert (await client.get(f"{HERE}/orders/{order}")).status_code == 404
        seen = await table.met(number, role)  # the whole decision, and the way to their own part
        assert [bool(one["href"]) for one in seen["shares"]] == [role == "unit", role == "unit2"]
    assert (await table.see(order))["deadline"]["due_at"] == due

    unready = await table.try_act(order, "summarize", "dispatcher", text="已办好")
    assert unready.json()["type"].endswith("coordination.parts-open")
    await table.finish(parts["城市管理局"], "unit", "灯杆已扶正")
    assert (await table.try_act(order, "summarize", "dispatcher", text="已")).status_code == 409
    await table.finish(parts["交通运输局"], "unit2", "路面已补好")
    await table.hub.settle()
    waiting = (await (await table.client("dispatcher")).get("/work")).json()["rows"]
    assert f"{HERE}/orders/{order}/summarize" in {row["href"] for row in waiting}
    asked = await table.get(f"/orders/{order}/summarize")
    (text,) = [field["value"] for field in asked["fields"] if field["name"] == "text"]
    assert text == "城市管理局：灯杆已扶正\n交通运输局：路面已补好"
    assert (await table.act(order, "summarize", "dispatcher", text=text))["state"] == "replied"
    assert (await table.met(number))["state"] == "done"
    for _ in range(2):  # an event may come twice
        await table.hub.settle()
    (rule,) = (await table.get("/rules"))["items"]
    assert rule["name"] == f"{LIGHTS.rpartition('/')[2]} {number}", "the rule for the next time"
    own = await table.see(order, "resident")
    assert "路面已补好" in str(own["summary"])
    assert own["parts"] == []
    items = (await (await table.client("resident")).get(f"{HERE}/orders")).json()["items"]
    assert [item["number"] for item in items] == [order]  # the parts are the units' own
    assert (await table.act(order, "rate", "resident", rating="5"))["state"] == "closed"


async def test_two_dispatchers_at_once_open_one(table):
    order = (await table.file())["number"]
    form = {"question": "谁都不管", "category": LIGHTS, "version": 1}
    await table.client("dispatcher")
    answers = await asyncio.gather(
        *(table.try_act(order, "coordinate", "dispatcher", **form) for _ in range(5))
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 4
    assert len((await table.get("/coordinations"))["items"]) == 1
    for verb, values in (
        ("dispatch", {"unit": await table.unit(), "category": LIGHTS}),
        ("coordinate", {"question": "再来一次"}),
        ("answer", {"text": "答复"}),
    ):  # while it is coordinated it goes nowhere else
        by = "operator" if verb == "answer" else "dispatcher"
        assert (await table.try_act(order, verb, by, **values)).status_code == 409


async def test_two_signatures_at_once_open_each_part_once(table):
    number = await table.meet()
    await table.share(number, "unit")
    await table.share(number, "unit2")
    version = (await table.propose(number))["version"]
    await table.client("leader")
    answers = await asyncio.gather(
        *(table.try_do(number, "sign", "leader", version=version) for _ in range(4))
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 3
    found = (await table.get("/orders"))["items"]
    assert len(found) == 3  # the order, and a part for each unit


async def test_a_unit_that_leaves_is_bound_by_opinion_and_reason_alone(table):
    number = await table.meet()
    await table.do(number, "leave", "unit2", reason="路面不归交通局管")
    seen = await table.met(number)
    assert {one["title"]: one["standing"]["key"].rpartition(".")[2] for one in seen["seats"]} == {
        "城市管理局": "confirmed",
        "交通运输局": "left",
        "住房和城乡建设局": "invited",
    }
    await table.share(number, "unit")
    await table.share(number, "unit2")
    await table.propose(number)
    warned = (await table.met(number))["warnings"]
    assert [one["key"].rpartition(".")[2] for one in warned] == ["unheard_without_opinion"]
    sign = {"reason": "道路由交通局养护"}
    assert await table.refused(number, "sign", "leader", **sign) == "coordination.no-opinion"
    assert len((await table.get("/orders"))["items"]) == 1  # nothing of it was written
    opinion = {"text": "公路由交通局养护", "legal_basis": "《公路法》第八条"}
    await table.do(number, "opine", "unit3", **opinion)
    unheard = await table.try_do(number, "sign", "leader")
    assert unheard.json()["errors"][0]["code"] == "hotline.coordination.wrong.unheard"
    await table.do(number, "sign", "leader", **sign)
    met = await table.met(number, "unit2")  # it sees why, and its part
    assert sign["reason"] in str(met["decision"])
    assert [one["mine"] for one in met["shares"]] == [False, True]


async def test_units_answer_side_by_side(table):
    number = await table.coordinate()
    await table.seat(number, "unit", "unit2")
    await table.convene(number)
    seen = (await table.met(number))["version"]
    await table.client("unit2")
    answers = await asyncio.gather(
        *(table.try_do(number, "confirm", by, version=seen) for by in ("unit", "unit2", "unit"))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 200, 409]


async def test_who_did_not_come_is_recorded_and_may_come_late(table):
    number = await table.meet("unit")
    standing = {one["title"]: one["standing"]["key"] for one in (await table.met(number))["seats"]}
    assert standing["交通运输局"].endswith(".absent")
    assert await table.refused(number, "leave", "unit2", reason="走") == ("coordination.not-there")
    await table.do(number, "confirm", "unit2")
    unit = await table.unit("unit2")
    await table.do(number, "absent", unit=unit, reason="没说一声就走了")
    assert await table.refused(number, "absent", unit=unit, reason="又走了") == "unit"


async def test_whose_unit_takes_part_does_not_preside(table):
    for role in ("unit", "unit2", "unit3"):
        await table.let(role, "chair", "legal_expert")
    number = await table.coordinate()
    await table.seat(number, "unit", expert="unit3")
    when = {"how": "table", "day": table.day(1), "hour": "09:00", "venue": "二楼会议室"}
    for role in ("unit", "unit3"):
        refused = await table.refused(number, "convene", **when, chair=await table.post(role))
        assert refused == "chair"
    nobody = "00000000-0000-4000-8000-000000000000"
    assert await table.refused(number, "convene", **when, chair=nobody) == "chair"
    await table.convene(number, "unit2")
    unit, post = await table.unit("unit2"), await table.post("unit2")
    assert await table.refused(number, "invite", unit=unit, name="陈交通") == "unit"
    assert await table.refused(number, "invite-expert", expert=post) == "expert"
    form = await table.get(f"/coordinations/{number}/convene")
    (chair,) = [field for field in form["fields"] if field["name"] == "chair"]
    assert chair["value"] == post, "it says who presides already"
    assert {option["group"] for option in chair["options"]} == {
        *("12345热线服务中心", "交通运输局")
    }
    await table.hold(number, "unit")
    await table.share(number, "unit")
    await table.propose(number)
    assert await table.refused(number, "sign", "leader") == "case.not-holder"
    assert await table.refused(number, "send-back", "unit", reason="不同意") == "case.not-holder"
    await table.do(number, "sign", "unit2")


async def test_the_chair_signs_in_person(table):
    number = await table.meet(chair="owner")
    await table.share(number, "unit2")
    await table.propose(number)
    assert await table.refused(number, "sign", "leader") == "coordination.not-the-chair"
    assert "sign" not in {one["verb"] for one in (await table.met(number, "leader"))["actions"]}
    await table.do(number, "send-back", "owner", reason="日期太紧")
    assert (await table.met(number))["state"] == "held"
    await table.propose(number)
    await _rename(table, "leader", "韩主管")  # a namesake in the chair's unit
    assert await table.refused(number, "sign", "leader") == "coordination.not-the-chair"
    await table.do(number, "sign", "owner")


async def test_a_chair_known_by_name_alone_is_picked_anew(table):
    number = await table.meet()
    await table.share(number, "unit")
    await table.propose(number)
    hub = table.hub.hub.apps.hubs["hotline"]
    async with hub.work(hub.system("test")) as work:  # as before chairs were picked by post
        row = await work.get(Coordination, UUID((await table.met(number))["id"]))
        row.chair_person_id = None
    assert await table.refused(number, "sign", "leader") == "coordination.needs-chair"
    assert "needs_chair" in str((await table.met(number))["warnings"])
    chair = {"chair": await table.post("leader"), "reason": "从名册中选定"}
    await table.do(number, "another-chair", **chair)
    await table.do(number, "sign", "leader")


async def test_an_expert_gives_the_opinion_in_person_and_one_from_outside_by_the_unit(table):
    number = await table.meet()
    await _rename(table, "deputy", "楚住建")
    opinion = {"text": "归城管", "legal_basis": BASIS}
    seats = {one["title"]: one for one in (await table.met(number))["seats"]}
    assert seats["住房和城乡建设局"]["name"] == "楚住建"
    await _rename(table, "unit3", "楚改名")
    await table.do(number, "opine", "unit3", **opinion)
    second = await table.coordinate()
    await table.seat(second, "unit")
    lawyer = {"unit": await table.unit("unit3"), "name": "某律师事务所何律师"}
    both = {**lawyer, "expert": await table.post("unit2")}
    assert await table.refused(second, "invite-expert", **both) == "expert"
    assert await table.refused(second, "invite-expert") == "expert"
    assert await table.refused(second, "invite-expert", name=lawyer["name"]) == "unit"
    seated = {**lawyer, "unit": await table.unit("unit")}
    assert await table.refused(second, "invite-expert", **seated) == "unit"
    await table.do(second, "invite-expert", **lawyer)
    await table.convene(second)
    assert await table.refused(second, "opine", "unit", **opinion) == "denied"
    await table.do(second, "opine", "unit3", **opinion)
    (seat,) = [one for one in (await table.met(second))["seats"] if "何律师" in one["name"]]
    assert seat["role"]["key"].endswith(".outside")


async def _rename(table, role, name):
    """Let one of the cast be called otherwise."""
    person = (await table.hub.actor(role)).person_id
    async with table.hub.services.database.transaction(write=True) as tx:
        await tx.session.execute(update(Person).where(col(Person.id) == person).values(name=name))


async def test_parts_lie_within_the_term_and_dates_that_have_passed_go_back(table):
    number = await table.meet()
    unit = await table.unit("unit")
    late = {"unit": unit, "text": "修", "due_on": table.day(20)}
    assert await table.refused(number, "share", **late) == "due_on"
    sunday = {**late, "due_on": "2026-03-08"}
    assert await table.refused(number, "share", **sunday) == "due_on"
    outside = {"unit": await table.unit("unit3"), "text": "修", "due_on": table.day(2)}
    assert await table.refused(number, "share", **outside) == "unit"  # it gives the opinion
    await table.share(number, "unit", n=1)
    await table.share(number, "unit2", n=2)
    await table.propose(number)
    table.hub.clock.move(days=2)
    assert await table.refused(number, "sign", "leader") == "coordination.dates-over"
    assert len((await table.get("/orders"))["items"]) == 1
    await table.do(number, "send-back", "leader", reason="日期过了")
    table.hub.clock.move(days=40)  # the order itself is late by now: a few days more, no less late
    await table.do(number, "share", unit=unit, text="修", due_on=table.day(2))
    assert (
        await table.refused(number, "share", unit=unit, text="修", due_on=table.day(6)) == "due_on"
    )


async def test_a_secret_caller_is_known_to_nobody_who_takes_part(table):
    text = "我是王秀英，电话13800005678，楼下饭店排烟"
    caller = {"caller_name": "王秀英", "phone": "13800005678", "secret": True}
    order = (await table.file("operator", "intake", text=text, **caller))["number"]
    number = await table.coordinate(order)
    await table.seat(number, "unit", "unit2")
    assert await table.refused(number, "invite-requester") == "coordination.secret"
    await table.convene(number)
    await table.hold(number, "unit", "unit2")
    await table.decide(number, "unit", "unit2")
    parts = await parts_of(table, number)
    part = await table.see(parts["城市管理局"], "unit")
    paper = await table.get(f"/coordinations/{number}/decision.pdf", "unit")
    assert paper.content.startswith(b"%PDF")
    for said in (await table.met(number, "unit"), part, await table.get("/coordinations", "unit")):
        assert "王秀英" not in str(said)
        assert "13800005678" not in str(said)
    assert "排烟" in str(part)
    revealed = await (await table.client("unit")).post(
        f"{HERE}/orders/{parts['城市管理局']}/reveal", json={"reason": "要联系"}
    )
    assert revealed.status_code == 403


async def test_the_requester_is_told_and_others_see_nothing(table):
    order = (await table.file("operator", "intake", phone="13800005678"))["number"]
    number = await table.coordinate(order)
    assert (
        await table.refused(
            number,
            "convene",
            how="table",
            day=table.day(1),
            hour="09:00",
            venue="二楼会议室",
            chair=await table.post("leader"),
        )
        == "coordination.nobody-invited"
    )
    await table.seat(number, "unit", "unit2")
    await table.do(number, "invite-requester")
    assert await table.refused(number, "invite-requester") == "coordination.invited"
    unit = await table.unit("unit")
    assert await table.refused(number, "invite", unit=unit, name="又一个") == "unit"
    assert (
        await table.refused(
            number,
            "convene",
            how="table",
            day="2026-02-27",
            hour="09:00",
            venue="二楼会议室",
            chair=await table.post("leader"),
        )
        == "day"
    )
    await table.convene(number)
    for role in ("unit3", "resident", "operator"):
        client = await table.client(role)
        assert (await client.get(f"{HERE}/coordinations/{number}")).status_code in (403, 404), role
    assert (await table.get("/coordinations", "unit3"))["items"] == []
    assert await table.refused(number, "confirm", "unit3") == "not-found"
    assert await table.refused(number, "hold") == "coordination.too-early"
    await table.do(number, "decline", "unit", reason="那天有会")
    await table.do(number, "send-another", "unit", name="卫副局", reason="冯城管出差")
    assert await table.refused(number, "confirm", "unit") == "coordination.answered"
    for verb, by in (("invite", "unit"), ("share", "unit"), ("sign", "unit"), ("opine", "unit")):
        assert await table.refused(number, verb, by) in ("denied", "case.illegal", "text"), verb
    opinion = {"text": "归城管", "legal_basis": BASIS}
    assert await table.refused(number, "opine", "unit", **opinion) == "denied"
    seen = (await table.met(number))["version"]
    await table.convene(number, venue="三楼会议室")  # moved: everybody confirms anew
    assert await table.refused(number, "confirm", "unit", version=seen) == "case.stale"
    seats = (await table.met(number))["seats"]
    assert {one["standing"]["key"].rpartition(".")[2] for one in seats} == {"invited"}
    table.hub.clock.move(hours=2)
    assert await table.refused(number, "hold") == "coordination.nobody-came"


async def test_one_that_is_called_off_leaves_the_order_to_be_dispatched(table):
    number = await table.meet()
    order = await order_of(table, number)
    await table.share(number, "unit")
    seen = await table.met(number, "unit")  # a draft is the centre's and the chair's
    assert seen["shares"] == []
    assert "修好路灯" not in str(seen)
    assert await table.refused(number, "call-off", "unit", reason="不开了") == "denied"
    await table.do(number, "call-off", reason="城管局认了")
    assert (await table.see(order))["state"] == "received"
    assert (
        await table.refused(
            number, "share", unit=await table.unit("unit"), text="修", due_on=table.day(1)
        )
        == "case.illegal"
    )
    await table.dispatch(order)
    basis = {"reason": "不归我们", "legal_basis": "三定方案"}
    await table.act(order, "return", "unit", **basis)
    second = await table.coordinate(order)
    assert second != number
    assert "returned" in str((await table.met(second))["summary"])
