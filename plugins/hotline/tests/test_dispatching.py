"""The dispatcher's desk: order of the queue, proposals with reasons, conflicts, ping-pong."""

from uuid import uuid4

from plugins.hotline.dispatching.rules import Matter, Rule, decide
from plugins.hotline.tests.conftest import HERE, LIGHTS
from plugins.hotline.tests.test_flow import TUESDAY, code

BASIS = {"reason": "不归我们管", "legal_basis": "三定方案"}
GREEN = "城乡建设/城市建设和市政管理/园林绿化"


async def at_desk(desk, number="", by="dispatcher", **asked):
    query = "&".join(f"{name}={value}" for name, value in asked.items())
    path = f"{HERE}/dispatch" + (f"/{number}" if number else "") + (f"?{query}" if query else "")
    answer = await (await desk.client(by)).get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def add(desk, by="dispatcher", unit="unit", **values):
    form = {"name": "路灯归城管", "category": LIGHTS, "basis": "三定方案", **values}
    form["unit"] = await desk.unit(unit)
    return await (await desk.client(by)).post(f"{HERE}/rules", json=form)


def labels(proposed):
    return [one["label"] for one in proposed]


async def test_the_queue_has_what_is_due_first_and_proposals_are_only_filled_in(desk):
    desk.hub.clock.stand(TUESDAY)
    first = await desk.file(category=LIGHTS)
    consult = await desk.file(kind="consult", text="老年卡怎么办")
    urgent = await desk.file(
        "operator", "intake", text="井盖没了", phone="13800001234", urgency="urgent"
    )
    assert (await add(desk)).status_code == 201
    seen = await at_desk(desk)
    numbers = [one["number"] for one in seen["items"]]
    assert numbers == [one["number"] for one in (urgent, consult, first)]
    assert (seen["waiting"], seen["order"]["number"]) == (3, urgent["number"])
    order = (await at_desk(desk, first["number"]))["order"]
    (proposed,) = order["categories"]
    assert (proposed["label"], proposed["taken"]) == (LIGHTS, True)  # what the requester chose
    (unit,) = order["units"]
    assert unit["label"] == "城市管理局"
    assert unit["reasons"][0]["params"]["basis"] == "三定方案"
    assert not unit["taken"]
    value = {field["name"]: field["value"] for field in order["fields"]}
    assert (value["category"], value["unit"]) == (LIGHTS, None)
    dispatcher = await desk.client("dispatcher")
    taken = await dispatcher.get(unit["href"])
    value = {field["name"]: field["value"] for field in taken.json()["order"]["fields"]}
    assert value["unit"] == await desk.unit()
    typed = {"version": "1", "category": GREEN, "reason": "先看现场", "_change": "unit"}
    kept = await dispatcher.post_form(unit["href"], typed)  # what is typed stands beside it
    assert kept.status_code == 200
    assert "先看现场" in kept.text
    city = await desk.unit()
    chosen = [value for value in (LIGHTS, GREEN, city) if f'"{value}" selected' in kept.text]
    assert chosen == [GREEN, city]
    assert (await desk.see(first["number"]))["state"] == "received"  # a tap decides nothing


async def test_a_like_order_of_the_past_is_a_reason(desk):
    past = (await desk.file(text="富国路的路灯连着五盏不亮，晚上看不清"))["number"]
    await desk.dispatch(past)
    number = (await desk.file("resident2", text="富国路的路灯连着五盏都不亮，晚上看不清路"))[
        "number"
    ]
    order = (await at_desk(desk, number))["order"]
    assert labels(order["categories"]) == [LIGHTS]
    assert order["categories"][0]["reasons"][0]["params"] == {"number": past}
    assert labels(order["units"]) == ["城市管理局"]
    assert [one["number"] for one in order["alike"]] == [past]
    assert order["model"]["key"] == "hotline.dispatching.model.none"


async def test_two_dispatchers_at_the_desk(desk):
    number = (await desk.file())["number"]
    dispatcher = await desk.client("dispatcher")
    form = {"version": 1, "unit": await desk.unit(), "category": LIGHTS}
    path = f"{HERE}/dispatch/{number}"
    assert (await dispatcher.post(path, json=form)).status_code == 200
    late = await dispatcher.post(path, json={**form, "unit": await desk.unit("unit2")})
    assert (late.status_code, code(late)) == (409, "case.stale")
    assert "12345热线服务中心 派单员" in late.json()["detail"]
    page = await dispatcher.post_form(path, {key: str(value) for key, value in form.items()})
    assert page.status_code == 409
    assert "12345热线服务中心 派单员" in page.text
    assert 'name="unit"' not in page.text  # nothing to dispatch any more, and the queue beside it
    assert 'id="queue"' in page.text
    assert (await desk.see(number))["unit"] == "城市管理局"


async def test_an_order_that_goes_from_hand_to_hand(desk):
    number = (await desk.file())["number"]
    await desk.dispatch(number)
    await desk.act(number, "return", "unit", **BASIS)
    order = (await at_desk(desk, number))["order"]
    assert order["ping_pong"] is None
    await desk.dispatch(number, "unit2")
    await desk.act(number, "return", "unit2", reason="是市政设施", legal_basis="条例")
    order = (await at_desk(desk, number))["order"]
    assert order["ping_pong"]["params"] == {"units": "城市管理局、交通运输局"}
    said = [(one["unit"], one["said"]["params"]["reason"]) for one in order["returns"]]
    assert said == [("城市管理局", "不归我们管"), ("交通运输局", "是市政设施")]
    again = {"unit": await desk.unit(), "category": LIGHTS}
    refused = await desk.try_act(number, "dispatch", "dispatcher", **again)
    assert refused.status_code == 422
    said = [(error["field"], error["code"]) for error in refused.json()["errors"]]
    assert said == [("reason", "hotline.dispatching.error.returned")]
    await desk.act(number, "dispatch", "dispatcher", **again, reason="协调后仍归城管")
    assert "协调后仍归城管" in str(await desk.see(number, "unit"))
    assert "协调后仍归城管" not in str(await desk.see(number, "resident"))
    third = await desk.try_act(number, "return", "unit", **BASIS)
    assert code(third) == "hotline.returned-before"


async def test_the_desk_is_the_dispatchers_alone(desk):
    number = (await desk.file())["number"]
    for role in ("resident", "operator", "unit", "checker"):
        client = await desk.client(role)
        for path in ("dispatch", f"dispatch/{number}"):
            assert (await client.get(f"{HERE}/{path}")).status_code == 403, (role, path)
        assert (await add(desk, by=role)).status_code == 403
    absent = await (await desk.client("dispatcher")).get(f"{HERE}/dispatch/209901010001")
    assert absent.status_code == 404


def rule(name, **matter):
    empty = dict.fromkeys(("category", "region", "kind", "urgency"))
    return Rule(id=None, name=name, unit=uuid4(), **{**empty, **matter})


def test_the_most_specific_rule_holds_and_a_tie_is_a_conflict():
    town, county = uuid4(), uuid4()
    matter = Matter(category=LIGHTS, regions=(town, county), kind="help", urgency="normal")
    every, above = rule("全部"), rule("上级", category="城乡建设")
    other = rule(
        "相近", category="城乡建设/城市建设和市政管理/城市公共"
    )  # a part of a name is none
    leaf, far = rule("末级", category=LIGHTS), rule("县", category=LIGHTS, region=county)
    near = rule("镇", category=LIGHTS, region=town)
    kind = rule("求助", category=LIGHTS, region=town, kind="help")
    rules = [every, above, other]
    for one in (leaf, far, near, kind):
        rules.append(one)
        assert decide(rules, matter).unit == one.unit, one.name
        assert decide(rules[::-1], matter).unit == one.unit, one.name
    tie = decide([*rules, rule("另一条", category=LIGHTS, region=town, kind="help")], matter)
    assert (tie.unit, tie.conflict) == (None, True)
    assert {one.name for one in tie.rules} == {"求助", "另一条"}
    unclassified = Matter(category=None, regions=(), kind="suggest", urgency="normal")
    assert decide(rules, unclassified).unit == every.unit
    assert decide([], matter).rules == ()


async def test_rules_are_entered_changed_ended_and_kept(desk):
    assert (await add(desk)).status_code == 201
    twice = await add(desk)
    assert twice.status_code == 422
    other = await add(desk, unit="unit2", name="路灯归交通")
    assert other.status_code == 201  # a conflict, which is for a person
    number = (await desk.file(category=LIGHTS))["number"]
    order = (await at_desk(desk, number))["order"]
    assert order["rules_conflict"]["params"]["rules"] == "「路灯归城管」、「路灯归交通」"
    id, dispatcher = other.json()["id"], await desk.client("dispatcher")
    ended = {"version": 1, "ends_on": str(desk.hub.clock.day(-1)), "reason": "重了"}
    assert (await dispatcher.post(f"{HERE}/rules/{id}/end", json=ended)).status_code == 200
    stale = await dispatcher.post(f"{HERE}/rules/{id}/end", json=ended)
    assert (stale.status_code, code(stale)) == (409, "registers.stale")
    record = (await (await desk.client("unit")).get(f"{HERE}/rules/{id}")).json()
    assert [one["reason"] for one in record["versions"]] == ["重了", None]
    assert record["versions"][0]["role"] == "派单员"
    assert record["actions"] == []  # a unit reads the rules, and changes none
    order = (await at_desk(desk, number))["order"]
    assert (order["rules_conflict"], labels(order["units"])) == (None, ["城市管理局"])


async def test_a_rule_names_what_there_is(desk):
    centre = str((await desk.hub.actor("dispatcher")).organization_id)
    dispatcher = await desk.client("dispatcher")
    form = {"name": "某", "basis": "某", "category": LIGHTS, "unit": await desk.unit()}
    for field, value in (("unit", centre), ("category", "没有的/分类"), ("region", centre)):
        answer = await dispatcher.post(f"{HERE}/rules", json={**form, field: value})
        assert answer.status_code == 422, field
        assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_rules_go_out_as_a_file_and_come_in_again(desk):
    await add(desk, kind="help")
    dispatcher = await desk.client("dispatcher")
    content = (await dispatcher.get(f"{HERE}/rules.csv")).text
    head, row = content.strip().splitlines()
    assert "城市管理局" in row
    assert "求助" in row
    columns = head.removeprefix("\ufeff").split(",")[:-1]
    cells = row.split(",")[:-1]
    changed = [{"三定方案": "新三定方案"}.get(cell, cell) for cell in cells]
    new = [{"城市管理局": "交通运输局"}.get(cell, cell) for cell in cells]
    file = "\n".join(",".join(one) for one in (columns, changed, new))
    tried = await dispatcher.post(f"{HERE}/rules/import", json={"content": file})
    assert [one["outcome"] for one in tried.json()["rows"]] == ["changed", "new"], tried.text
    brought = {"content": file, "bring_in": True}
    assert (await dispatcher.post(f"{HERE}/rules/import", json=brought)).status_code == 200
    assert len((await dispatcher.get(f"{HERE}/rules")).json()["items"]) == 2
    bad = file.replace("交通运输局", "没有的局")
    refused = await dispatcher.post(f"{HERE}/rules/import", json={"content": bad, "bring_in": True})
    assert refused.status_code == 422


async def test_what_a_rule_would_change(desk):
    await add(desk)
    moved = (await desk.file(category=LIGHTS))["number"]
    await desk.file(category=GREEN)
    dispatcher = await desk.client("dispatcher")
    path = f"{HERE}/rules/what-if"
    assert (await dispatcher.get(path)).json()["said"] is None
    asked = f"{path}?category={LIGHTS}&kind=help&unit={await desk.unit('unit2')}"
    found = (await dispatcher.get(asked)).json()
    assert found["said"]["params"] == {"n": 1, "of": 2}
    (one,) = found["moved"]
    assert (one["number"], one["before"], one["after"]) == (moved, "城市管理局", "交通运输局")
    tie = f"{path}?category={LIGHTS}&unit={await desk.unit('unit2')}"
    (one,) = (await dispatcher.get(tie)).json()["moved"]
    assert one["after"]["key"] == "hotline.dispatching.what_if.conflict"
    wrong = (await dispatcher.get(f"{path}?category={LIGHTS}&unit=x")).json()
    assert [field["name"] for field in wrong["fields"] if field["error"]] == ["unit"]
    assert (await (await desk.client("unit")).get(path)).status_code == 403
