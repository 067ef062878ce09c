"""Nobody decides what they asked for: not as themselves, nor in another's post, nor through
who acts in theirs; and a request that is filed for a resident is the resident's."""

from datetime import UTC, datetime, timedelta

from core.access.grants import grant
from plugin_sdk.deadlines import local_day
from plugin_sdk.ports import ScopeKind

HERE = "/apps/hotline"


def code(answer):
    assert answer.status_code in (403, 409), answer.text
    return answer.json()["type"].rpartition(":")[2]


def in_days(n):
    return (local_day(datetime.now(UTC)) + timedelta(days=n)).isoformat()


async def hand_over(desk, giver, taker):
    """Let one of the cast delegate their post to another; return the delegation's id."""
    client = await desk.client(giver)
    values = {
        "post": str((await desk.hub.actor(giver)).post_id),
        "username": taker,
        "ends_on": in_days(7),
        "reason": "出差",
    }
    answer = await client.post("/me/delegations", json=values)
    assert answer.status_code == 201, answer.text
    page = (await (await desk.client(taker)).get("/me/delegations")).json()
    return page["groups"][1]["lines"][-1]["id"]


async def sit(desk, who, seat=None):
    """Let one of the cast act in a delegated post, or in their own again."""
    seat = seat or str((await desk.hub.actor(who)).post_id)
    answer = await (await desk.client(who)).post("/post", json={"post": seat})
    assert answer.status_code == 200, answer.text


async def decide(desk, number, who):
    return await desk.try_act(number, "approve-extension", who, decision="approve")


async def test_who_asked_does_not_decide_in_anothers_post(desk):
    number = (await desk.file())["number"]
    await desk.begin(number)
    await desk.act(number, "extend", "unit", days=5, reason="等配件")
    seat = await hand_over(desk, "dispatcher", "unit")
    assert code(await decide(desk, number, "unit")) == "denied"
    await sit(desk, "unit", seat)
    assert code(await decide(desk, number, "unit")) == "case.own-request"
    seen = (await (await desk.client("unit")).get(f"{HERE}/orders/{number}")).json()
    assert "approve-extension" not in {action["verb"] for action in seen["actions"]}
    assert (await decide(desk, number, "dispatcher")).status_code == 200


async def test_nor_who_asked_in_anothers_post_nor_whose_post_it_was(desk):
    number = (await desk.file())["number"]
    await desk.begin(number)
    asking = await hand_over(desk, "unit", "deputy")
    deciding = [await hand_over(desk, "dispatcher", who) for who in ("deputy", "unit", "leader")]
    await sit(desk, "deputy", asking)
    await desk.act(number, "extend", "deputy", days=5, reason="等配件")
    (step, *_) = (await desk.see(number))["timeline"]
    assert step["acting"]["key"] == "case.acting.delegated"
    for who, seat in zip(("deputy", "unit"), deciding, strict=False):
        await sit(desk, who, seat)
        assert code(await decide(desk, number, who)) == "case.own-request"
    await sit(desk, "leader", deciding[2])
    assert (await decide(desk, number, "leader")).status_code == 200


async def act_for_resident(desk, scope, who="grid"):
    """Let a worker act for the resident, as far as the consent goes; return their client."""
    worker = await desk.client(who)
    consent = {
        "username": "resident",
        "scope": scope,
        "given": "in-person",
        "evidence": "在家中口头同意",
        "ends_on": in_days(30),
    }
    assert (await worker.post("/behalf", json=consent)).status_code == 201
    (line,) = (await worker.get("/behalf")).json()["groups"][0]["lines"]
    assert (await worker.post(f"/behalf/{line['id']}/begin", json={})).status_code == 200
    return worker


async def test_a_request_is_filed_for_a_resident_within_the_consent_alone(desk):
    grid = await act_for_resident(desk, "hotline.order.file")
    filed = await grid.post(f"{HERE}/orders", json={"kind": "help", "text": "路灯不亮"})
    assert filed.status_code == 201, filed.text
    number = filed.json()["number"]
    assert code(await grid.get(f"{HERE}/orders")) == "denied"  # reading was not consented to
    assert (await grid.post("/behalf/end", json={})).status_code == 200
    seen = await desk.see(number, "resident")
    (step,) = seen["timeline"]
    assert step["acting"]["key"] == "case.acting.behalf"
    assert step["unit"] == "富国街道"
    assert (await grid.get(f"{HERE}/orders/{number}")).status_code in (403, 404)
    done = (await (await desk.client("resident")).get("/me/consents")).json()["groups"][1]["lines"]
    assert "hotline.order.said.file" in {item["title"]["key"] for item in done}


async def test_who_filed_for_a_resident_does_not_handle_it_in_a_post(desk):
    async with desk.hub.services.database.transaction(write=True) as tx:
        post = (await desk.hub.actor("operator")).post_id
        await grant(tx, post, "yimen.grid_worker", ScopeKind.ORGANIZATION, granted_by=None)
    operator = await act_for_resident(desk, "hotline", "operator")
    filed = await operator.post(f"{HERE}/orders", json={"kind": "help", "text": "路灯不亮"})
    number = filed.json()["number"]
    assert (await operator.post("/behalf/end", json={})).status_code == 200
    seen = await desk.see(number, "operator")
    assert "answer" not in {action["verb"] for action in seen["actions"]}
    answer = {"text": "已转告维修单位"}
    assert code(await desk.try_act(number, "answer", "operator", **answer)) == "case.own-filing"
    called = (await desk.file("operator", "intake", phone="13800005678"))["number"]
    assert (await desk.try_act(called, "answer", "operator", **answer)).status_code == 200


async def test_a_worker_does_not_rate_in_the_residents_name(desk):
    number = (await desk.file())["number"]
    await desk.answer(number)
    grid = await act_for_resident(desk, "hotline")
    seen = await desk.see(number, "grid")
    assert "rate" not in {action["verb"] for action in seen["actions"]}
    rating = {"rating": "5", "version": seen["version"]}
    rated = await grid.post(f"{HERE}/orders/{number}/rate", json=rating)
    assert code(rated) == "case.not-requester"
    await desk.act(number, "rate", "resident", rating="2")


async def test_no_body_says_who_one_is(desk):
    client = await desk.client("resident")
    post = str((await desk.hub.actor("unit")).post_id)
    for field in ("role", "organization_id", "person_id", "post_id", "agent"):
        values = {"kind": "help", "text": "路灯不亮", field: post}
        answer = await client.post(f"{HERE}/orders", json=values)
        assert answer.status_code == 422, field
        assert answer.json()["errors"][0]["field"] == field
