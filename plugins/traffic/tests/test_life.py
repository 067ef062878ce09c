"""Vehicles and licences bound after proof, violations accepted or objected to, licences checked."""

import asyncio
from datetime import timedelta

import pytest

from plugins.traffic.demonstration import NUMBERS
from plugins.traffic.models import Handling, Objection, OwnVehicle
from plugins.traffic.tests.conftest import CAR, HERE, PARKED, RED_LIGHT
from portal.demo.cast import CAST

OTHERS, OTHERS_VIOLATION = "鲁M5H207", "3716030000010005"


def field(answer):
    return [(error["field"], error["code"]) for error in answer["errors"]]


async def test_a_vehicle_is_bound_after_proof_and_to_one_person(town):
    mine = {"plate": CAR, "vin_tail": "012345"}
    refused = await town.post("/vehicles", "resident", 409, **mine)
    assert "身份证" in refused["detail"], "nobody has seen the card"
    await town.prove("resident")
    await town.prove("resident2")
    for wrong in (
        {**mine, "plate": "齐M12345"},
        {**mine, "vin_tail": "000000"},
        {"plate": OTHERS, "vin_tail": "234567"},
        {"plate": "鲁M00000", "vin_tail": "234567"},
    ):
        answer = await town.post("/vehicles", "resident", 422, **wrong)
        assert answer["errors"][0]["field"] == "plate", wrong
    town.source.switch(away=True)
    town.later(minutes=10)
    await town.post("/vehicles", "resident", 503, **mine)
    town.source.switch()
    client = await town.client("resident")
    sent = [client.post(f"{HERE}/vehicles", json=mine) for _ in range(5)]
    statuses = sorted(answer.status_code for answer in await asyncio.gather(*sent))
    assert statuses == [201, 409, 409, 409, 409]
    (row,) = await town.rows(OwnVehicle)
    # the vehicle is sold: its new owner is told what to do, an officer frees it
    town.source.put(
        *("vehicle",),
        plate=CAR,
        owner_number="999999198806120023",
        vin="LSVAA49J6F2012345",
        use="private_car",
        model="大众牌小型轿车",
        registered_on="2020-09-10",
    )
    claimed = await town.post("/vehicles", "resident2", 409, **mine)
    assert "解绑" in claimed["detail"]
    await town.post(f"/vehicles/{row.id}/unbind", "resident2", 404)
    town.later(hours=1)
    sold = await town.get("/mine")
    (vehicle,) = sold["vehicles"]
    assert (vehicle["model"], vehicle["inspection"]) == (None, None), "it is another's now"
    assert vehicle["fresh"]["said"]["key"] == "sources.never.wrong"
    released = {"plate": CAR, "reason": "核对行驶证，车辆已过户"}
    await town.post("/release", "resident", 403, **released)
    await town.post("/release", "officer", 200, **released)
    await town.post("/vehicles", "resident2", 201, **mine)
    (row,) = await town.rows(OwnVehicle)
    await town.post(f"/vehicles/{row.id}/unbind", "resident2")
    assert (await town.get("/mine", "resident2"))["vehicles"] == []


async def test_a_violation_is_accepted_once_and_by_its_own_person(town):
    await town.prove("resident")
    await town.post("/vehicles", "resident", 201, plate=CAR, vin_tail="012345")
    await town.get("/violations")
    needs = await town.post(f"/violations/{RED_LIGHT}/accept", "resident", 409)
    assert needs["type"].endswith("licence-needed")
    await town.post("/licence", "resident", 201, file_number="371600123456")
    for path in ("", "/pictures/0", "/accept", "/object"):
        await town.get(f"/violations/{OTHERS_VIOLATION}{path}", "resident", 404)
        await town.get(f"/violations/{RED_LIGHT}{path}", "resident2", 404)
    await town.post(f"/violations/{OTHERS_VIOLATION}/accept", "resident", 404)
    filed = {"violation": OTHERS_VIOLATION, "text": "不是我的"}
    await town.post("/objections", "resident", 404, **filed)
    seen = await town.get(f"/violations/{RED_LIGHT}")
    assert [action["verb"] for action in seen["actions"]] == ["accept", "object"]
    picture = await town.get(f"/violations/{RED_LIGHT}/pictures/2")
    assert picture.headers["content-type"].startswith("image/")
    await town.get(f"/violations/{RED_LIGHT}/pictures/3", "resident", 404)
    client = await town.client("resident")
    at = f"{HERE}/violations/{RED_LIGHT}/accept"
    answers = await asyncio.gather(*(client.post(at, json={}) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409]
    (row,) = await town.rows(Handling)
    assert (row.state, row.fine, row.points, row.due_on.isoformat()) == (
        *("accepted", 20_000, 6),
        "2026-09-16",
    )
    assert (await town.get("/mine"))["open"][0]["number"] == RED_LIGHT, "to be paid comes first"
    # what the source said is too old to act on
    town.source.switch(away=True)
    town.later(hours=30)
    for _ in range(6):  # more often than the door lets an app fail: this is no fault of the app
        await town.post(f"/violations/{PARKED}/accept", "resident", 503)
    await town.get("/mine")


async def test_days_of_a_review_are_not_late(town):
    await town.bind()
    await town.get("/violations")
    await town.post(f"/violations/{PARKED}/accept", "resident")
    (accepted,) = await town.rows(Handling)
    number = (await town.object_to(PARKED))["number"]
    town.later(days=3)
    await town.act(number, "uphold", "officer", text="标线清楚，属于禁停路段。")
    (upheld,) = await town.rows(Handling)
    assert (upheld.state, upheld.due_on - accepted.due_on) == ("accepted", timedelta(days=3))


async def test_what_was_bound_by_a_wrong_number_is_gone_when_staff_put_it_right(town):
    await town.bind()
    assert len((await town.get("/mine"))["vehicles"]) == 1
    await town.prove("resident", number=NUMBERS["resident2"])
    assert (await town.get("/mine"))["vehicles"] == []
    await town.get("/licence", "resident", 404)
    await town.post("/licence/code", "resident", 404)


@pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)
async def test_a_demonstration_says_what_stands_in_papers_that_nobody_holds(town):
    assert {one.username: one.number for one in CAST if one.number} == NUMBERS
    assert (await town.get("/vehicles/new"))["about"] == [], "nobody's card was seen"
    await town.prove("resident")
    papers = [fact["value"] for fact in (await town.get("/vehicles/new"))["about"]]
    assert len(papers) == 4, "one's own, and no other's"
    plate, _, tail = papers[-1].rpartition(" · ")
    await town.post("/vehicles", "resident", 201, plate=plate, vin_tail=tail)
    left = [fact["value"] for fact in (await town.get("/vehicles/new"))["about"]]
    assert left == papers[:-1]


async def test_an_objection_is_reviewed_and_a_large_fine_cancelled_by_two(town):
    await town.bind()
    await town.get("/violations")
    small = await town.object_to(PARKED)
    assert (await town.object_to(PARKED, 409))["type"].endswith("is-objected")
    await town.post(f"/violations/{PARKED}/accept", "resident", 409)
    await town.get(f"/objections/{small['number']}", "resident2", 404)
    listed = await town.get("/objections", "officer")
    assert [item["number"] for item in listed["items"]] == [small["number"]]
    seen = await town.get(f"/objections/{small['number']}", "officer")
    evidence = seen["attachments"][0]["href"].removeprefix(HERE)
    assert (await town.get(evidence, "officer")).headers["content-type"].startswith("image/")
    await town.get(evidence, "resident2", 404)
    reply = {"text": "标线清楚，属于禁停路段。"}
    await town.act(small["number"], "uphold", "officer", **reply)
    again = await town.object_to(PARKED, 409)
    assert again["type"].endswith("is-upheld")
    await town.post(f"/violations/{PARKED}/accept", "resident")
    large = (await town.object_to(RED_LIGHT))["number"]
    await town.act(large, "cancel", "officer", 409, **reply)
    await town.act(large, "propose", "officer", text="视频显示交警在指挥通行。")
    await town.act(large, "confirm", "officer", 403)
    await town.act(large, "send-back", "brigade", reason="补一份指挥记录")
    await town.act(large, "propose", "officer", text="视频和执勤记录都显示交警在指挥通行。")
    await town.act(large, "confirm", "officer2")
    found = {row.violation: row.state for row in await town.rows(Objection)}
    assert found == {PARKED: "upheld", RED_LIGHT: "cancelled"}
    assert {row.number: row.state for row in await town.rows(Handling)} == {
        PARKED: "accepted",
        RED_LIGHT: "cancelled",
    }
    told = await town.get(f"/violations/{RED_LIGHT}")
    assert (told["state"], told["actions"]) == ("cancelled", [])
    figures = await town.get("/figures", "brigade")
    cards = {card["label"]["key"]: card["value"] for card in figures["cards"] if card["label"]}
    assert cards["traffic.figure.cancelled.label"] == 1
    assert cards["traffic.figure.accepted.label"] == 1
    assert cards["traffic.figure.bound.label"] == 1


async def test_an_objection_after_its_time_is_refused_with_the_day(town):
    await town.bind()
    town.later(days=59)
    await town.get("/violations")
    late = await town.object_to(RED_LIGHT, 409)
    assert "10月25日" in late["detail"]
    assert await town.rows(Handling) == []
    seen = await town.get(f"/violations/{RED_LIGHT}")
    assert [action["verb"] for action in seen["actions"]] == ["accept"]


async def test_a_licence_is_checked_by_anybody_for_five_minutes(town):
    await town.get("/licence", "resident", 404)
    await town.bind()
    shown = await town.post("/licence/code", "resident", 201)
    first, again = shown["code"], (await town.post("/licence/code", "resident", 201))["code"]
    told = await town.get(f"/verify/{first}", None)
    assert (told["state"], told["facts"]) == ("expired", []), "a new code ends the old one"
    told = await town.get(f"/verify?code={again[:5].lower()}+{again[5:]}", None)  # as it is shown
    assert told["state"] == "good"
    facts = {fact["label"]["key"].rpartition(".")[2]: fact["value"] for fact in told["facts"]}
    assert (facts["name"], facts["classes"]) == ("周*岚", "C1")
    assert set(facts) == {"name", "classes", "valid_until", "standing"}
    town.source.switch(away=True)
    town.later(minutes=4)
    assert (await town.get(f"/verify/{again}", None))["state"] == "good", "no source is asked"
    await town.post("/licence/code", "resident", 201)  # what was said minutes ago still counts
    town.source.switch(lie="person")
    await town.post("/licence/code", "resident", 503)
    town.source.switch(away=True)
    town.later(hours=25)
    await town.post("/licence/code", "resident", 503)
    town.source.switch()
    again = (await town.post("/licence/code", "resident", 201))["code"]
    town.later(minutes=6)
    expired = await town.get(f"/verify/{again}", None)
    assert (expired["state"], expired["facts"]) == ("expired", [])
    page = await town.hub.client().page(f"{HERE}/verify/{again}")
    assert "核验码已过期" in page.text
    assert "周" not in page.text.partition("<main")[2].partition("</main>")[0]
    assert (await town.get("/verify/ABCDEFGH23", None, 404))["state"] == "unknown"
    town.later(days=2)
    await town.desk.reminders.run(town.desk.hub.system("job reminders"))
    assert (await town.get(f"/verify/{again}", None, 404))["state"] == "unknown"


async def test_people_are_reminded_once(town):
    await town.bind()
    job, actor = town.desk.reminders, town.desk.hub.system("job reminders")
    counted = []
    for days in (0, 0, 1, 10, 0):
        town.later(days=days)
        await job.run(actor)
        await town.hub.settle()
        messages = await (await town.client("resident")).page("/messages")
        counted.append(messages.text.count("，提前"))
    # 11 days before the inspection and 25 before the licence ends; then the last day of the first
    assert counted == [2, 2, 2, 3, 3]
