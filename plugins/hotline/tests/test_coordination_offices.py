"""Who presides over a coordination and who gives the legal opinion is an office of its own: a list
that can be read through, and no handler of orders stands in it for being one."""

import pytest

from core.access import holders
from plugins.hotline.coordination import desk as shown
from plugins.hotline.desk import desk_of
from plugins.hotline.tests.conftest import HERE
from plugins.hotline.tests.coordinating import BASIS, Table

WHEN = {"how": "table", "hour": "09:00", "venue": "二楼会议室"}


@pytest.fixture
async def table(hub_app):
    return Table(hub_app)


async def offered(table, number, verb, name):
    """Return who may be picked in the form of an act, and the field."""
    form = await table.get(f"/coordinations/{number}/{verb}")
    (field,) = [one for one in form["fields"] if one["name"] == name]
    return [option["label"] for option in field["options"] if option["value"]], field


async def test_no_handler_is_offered_or_picked_as_chair_or_as_legal_expert(table):
    number = await table.coordinate()
    await table.seat(number, "unit2")
    chairs, _ = await offered(table, number, "convene", "chair")
    assert chairs == ["韩主管 应用主管", "魏主任 主任", "卫副局 副局长"]
    experts, _ = await offered(table, number, "invite-expert", "expert")
    assert experts == ["楚住建 签收员"]
    when = {**WHEN, "day": table.day(1)}
    handler = await table.post("unit")
    assert await table.refused(number, "convene", **when, chair=handler) == "chair"
    assert await table.refused(number, "invite-expert", expert=handler) == "expert"
    outside = {"unit": await table.unit("unit"), "name": "何律师"}
    assert await table.refused(number, "invite-expert", **outside) == "unit"


async def test_who_holds_the_office_alone_presides_signs_and_opines(table):
    await table.let("officer", "legal_expert")  # who has no other role at the hotline
    number = await table.coordinate()
    await table.seat(number, "unit2", expert="officer")
    await table.do(number, "invite", unit=await table.unit("unit3"), name="楚住建")
    await table.convene(number, "deputy")
    await table.hold(number, "unit2", "unit3")
    opinion = {"text": "路灯由交通局管护", "legal_basis": BASIS}
    assert (await table.met(number, "officer"))["number"] == number
    await table.do(number, "opine", "officer", **opinion)
    signed = await table.decide(number, "unit2", "unit3", by="deputy")
    assert signed["state"] == "decided"
    for role in ("officer", "deputy"):
        seen = await (await table.client(role)).get(f"{HERE}/coordinations")
        assert [one["number"] for one in seen.json()["items"]] == [number]


async def test_a_list_that_would_be_too_long_says_so(table, monkeypatch):
    number = await table.coordinate()
    await table.seat(number, "unit2")
    _, field = await offered(table, number, "convene", "chair")
    assert field["hint"]["key"] == "hotline.coordination.hint.chair"
    monkeypatch.setattr(holders, "OFFICIALS", 1)
    monkeypatch.setattr(shown, "OFFICIALS", 1)
    engine = desk_of(table.hub.hub.apps.hubs["hotline"]).engine.coordinations
    engine._looked_up.clear()
    for verb, name in (("convene", "chair"), ("invite-expert", "expert")):
        listed, field = await offered(table, number, verb, name)
        assert len(listed) == 1
        assert field["hint"]["key"] == f"hotline.coordination.hint.{name}_crowded"
