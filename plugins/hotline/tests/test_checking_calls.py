"""Follow-up calls and ratings: who is called, what the requester alone says, and once."""

import asyncio
import re
from datetime import UTC, date, datetime
from uuid import UUID

from core.access.grants import grant
from plugin_sdk.cases.figures import tally
from plugin_sdk.ports import ScopeKind
from plugins.hotline.checking.following import UNSETTLED, Following
from plugins.hotline.desk import desk_of
from plugins.hotline.tests.conftest import HERE, LIGHTS
from plugins.hotline.tests.test_checking_supervision import code, supervisions

TUESDAY = datetime(2026, 3, 3, 2, tzinfo=UTC)  # 10:00 in Shanghai
PHONE = "13800005678"
CALLER = {"caller_name": "王秀英", "phone": PHONE}


async def waiting(desk):
    answer = await (await desk.client("checker")).get(f"{HERE}/follow-ups")
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def follow_up(desk, number):
    """Return the open follow-up of an order."""
    await desk.hub.settle()
    (found,) = [one for one in await waiting(desk) if one["number"] == number]
    return found


async def call(desk, id, outcome="reached", by="checker", **form):
    client = await desk.client(by)
    seen = (await client.get(f"{HERE}/follow-ups/{id}")).json()
    values = {"outcome": outcome, **seen.get("hidden", {}), **form}
    return await client.post(f"{HERE}/follow-ups/{id}/call", json=values)


async def answered(desk, **form):
    """Let a caller's order be answered by the unit; return its number."""
    number = (await desk.file("operator", "intake", **CALLER, **form))["number"]
    await desk.answer(number)
    return number


async def card(desk, by):
    """Return the card of the follow-up calls on a home page."""
    found = (await (await desk.client(by)).get("/")).json()["cards"]
    return next((one for one in found if one["href"] == f"{HERE}/follow-ups"), None)


def ratings(view):
    """Return the ratings that the page of an order shows, answer by answer."""
    return [
        (fact["value"]["key"].rpartition(".")[2], fact["value"]["params"]["rating"]["key"][-1])
        for fact in view["summary"]
        if fact["label"]["key"] == "hotline.checking.rating.of"
    ]


async def test_a_caller_rates_by_telephone_once_and_no_unit_does_it_for_them(desk):
    desk.hub.clock.stand(TUESDAY)
    number = await answered(desk)
    found = await follow_up(desk, number)
    assert (found["rank"], found["unit"]) == (2, "城市管理局")
    for other in ("unit", "operator", "dispatcher", "leader", "resident"):
        assert (await (await desk.client(other)).get(f"{HERE}/follow-ups")).status_code == 403
        refused = await call(desk, found["id"], rating="5", by=other)
        assert refused.status_code in (403, 422), refused.text
        direct = await desk.try_act(number, "take-rating", other, rating="5")
        assert direct.status_code in (404, 405)  # there is no such route
    wrong = await call(desk, found["id"], "not_reached", rating="5")
    assert [one["code"] for one in wrong.json()["errors"]] == ["hotline.checking.wrong.not_reached"]
    kept = await call(desk, found["id"], rating="5", comment="修得快")
    assert kept.status_code == 200, kept.text
    seen = await desk.see(number)
    assert (seen["state"], seen["timeline"][0]["verb"]) == ("closed", "take-rating")
    assert ratings(seen) == [("phone", "5")]
    assert code(await call(desk, found["id"], rating="1", version=2)) == "hotline.follow-up-over"
    await desk.hub.settle()
    assert await waiting(desk) == []


async def test_two_checkers_keep_one_call(desk):
    number = await answered(desk)
    id = (await follow_up(desk, number))["id"]
    client = await desk.client("checker")
    hidden = (await client.get(f"{HERE}/follow-ups/{id}")).json()["hidden"]
    values = {"outcome": "reached", "rating": "2", **hidden}
    found = await asyncio.gather(
        *(client.post(f"{HERE}/follow-ups/{id}/call", json=values) for _ in range(4))
    )
    assert sorted(answer.status_code for answer in found) == [200, 409, 409, 409]
    assert ratings(await desk.see(number)) == [("phone", "2")]
    again = await follow_up(desk, number)  # dissatisfied: it is asked again, by itself
    assert (again["rank"], again["id"] != id) == (1, True)


async def test_the_rating_of_an_old_answer_stays_with_it_and_each_counts_once(desk):
    desk.hub.clock.stand(TUESDAY)

    async def answer(number):
        await desk.answer(number)
        desk.hub.clock.move(hours=1)  # a rating is of whoever held the order before it

    number = (await desk.file(phone=PHONE))["number"]
    await answer(number)
    await desk.act(number, "rate", "resident", rating="2", comment="只修了一盏")
    assert code(await desk.try_act(number, "rate", "resident", rating="5")) == "case.rated"
    first = await follow_up(desk, number)
    assert first["rank"] == 1
    await desk.act(number, "reopen", "resident", reason="还有四盏不亮")
    await desk.hub.settle()
    assert await waiting(desk) == []  # the answer it was about stands no more
    late = await desk.try_act(number, "rate", "resident", rating="1")
    assert code(late) == "case.illegal"
    stale = await call(desk, first["id"], result="explained", note="已解释", version=1)
    assert code(stale) == "hotline.follow-up-over"
    await answer(number)
    anew = await follow_up(desk, number)
    assert (await call(desk, anew["id"], rating="4")).status_code == 200
    assert ratings(await desk.see(number)) == [("account", "2"), ("phone", "4")]
    assert ratings(await desk.see(number, "resident")) == [("account", "2"), ("phone", "4")]
    for _ in range(2):  # with three more ratings it is a group that may be shown
        other = (await desk.file(phone=PHONE))["number"]
        await answer(other)
        await desk.act(other, "rate", "resident", rating="5")
    await desk.hub.settle()
    assert [one["rank"] for one in await waiting(desk)] == [3, 3]
    charts = await figures(desk)
    assert charts["ratings"]["rows"] == []
    assert charts["ratings"]["sentence"]["params"]["few"] == 1
    third = (await desk.file(phone=PHONE))["number"]
    await answer(third)
    await desk.act(third, "rate", "resident", rating="1")
    ((unit, *counts),) = (await figures(desk))["ratings"]["rows"]
    assert (unit["params"], counts) == ({"unit": "城市管理局", "n": 5}, [2, 1, 0, 1, 1])
    ((_, *own),) = (await figures(desk, "unit"))["ratings"]["rows"]
    assert own == counts
    assert (await figures(desk, "unit2"))["ratings"]["rows"] == []
    await desk.count()
    for role in ("dispatcher", "unit"):  # and the figures of orders say the same
        page = await (await desk.client(role)).get(
            f"{HERE}/figures?since=2026-03-01&until=2026-03-31"
        )
        shown = {chart["title"]["key"]: chart["rows"] for chart in page.json()["charts"]}
        assert shown["case.chart.ratings.title"][0][1:6] == counts, role
        cards = {card["label"]["key"].split(".")[2]: card for card in page.json()["cards"]}
        assert (cards["satisfaction"]["value"], cards["satisfaction"]["n"]) == (60.0, 5)
    hub, march = desk.hub.hub.apps.hubs["hotline"], (date(2026, 3, 1), date(2026, 3, 31))
    async with hub.read(hub.system("test")) as read:  # and so do those read case by case
        found = await tally(desk_of(hub).engine, read, *march, "order.read")
    assert [found.ratings[stars] for stars in (5, 4, 3, 2, 1)] == counts


async def figures(desk, by="checker"):
    answer = await (await desk.client(by)).get(
        f"{HERE}/checking/figures?since=2026-03-01&until=2026-03-31"
    )
    assert answer.status_code == 200, answer.text
    return {chart["title"]["key"].split(".")[3]: chart for chart in answer.json()["charts"]}


async def test_a_dissatisfied_requester_is_asked_again_and_something_comes_of_it(desk):
    desk.hub.clock.stand(TUESDAY)
    number = ""
    for result, state in (
        ("confirmed", "closed"),
        ("explained", "closed"),
        ("reopened", "received"),
    ):
        number = (await desk.file(phone=PHONE))["number"]
        await desk.answer(number)
        await desk.act(number, "rate", "resident", rating="1")
        found = await follow_up(desk, number)
        bare = await call(desk, found["id"])  # what came of it is asked
        assert [one["code"] for one in bare.json()["errors"]] == ["hotline.checking.wrong.result"]
        assert (await call(desk, found["id"], result=result)).status_code == 422  # and the words
        done = await call(desk, found["id"], result=result, note="仍有一盏不亮")
        assert done.status_code == 200, done.text
        assert (await desk.see(number))["state"] == state
        await desk.hub.settle()
        assert await waiting(desk) == []
    said = (await desk.see(number, "resident"))["timeline"][0]
    assert (said["verb"], said["reason"]) == ("reopen", UNSETTLED)  # not the checker's own words
    told = (await (await desk.client("unit")).get("/messages")).json()
    assert str(told).count("checking.notice.confirmed") == 2  # once, in title and text
    await desk.begin(number)
    await desk.act(number, "reply", "unit", text="五盏都亮了")
    await desk.act(number, "rate", "resident", rating="1")
    await desk.hub.settle()
    (found,) = await supervisions(desk)  # found wanting twice
    assert (found["unit"], found["state"]) == ("城市管理局", "asked")


async def test_who_is_not_reached_is_given_up_after_so_many_calls(desk):
    desk.hub.clock.stand(TUESDAY)
    number = await answered(desk)
    id = (await follow_up(desk, number))["id"]
    for n in (1, 2):
        assert (await call(desk, id, "not_reached", note="无人接听")).status_code == 200
        assert code(await call(desk, id, "not_reached")) == "hotline.follow-up-early"
        assert [one["tries"] for one in await waiting(desk)] == [n]
        desk.hub.clock.move(hours=5)
    assert (await call(desk, id, "not_reached")).status_code == 200
    assert await waiting(desk) == []
    refused = await answered(desk)
    id = (await follow_up(desk, refused))["id"]
    assert (await call(desk, id, "refused")).status_code == 200
    page = (await (await desk.client("checker")).get(f"{HERE}/follow-ups/{id}")).json()
    assert (page["fields"], len(page["calls"])) == ([], 1)
    assert (await desk.see(refused))["state"] == "replied"


async def test_the_own_unit_takes_no_rating_down_and_who_had_a_hand_calls_nobody(desk):
    number = (await desk.file("operator", "intake", kind="consult", **CALLER))["number"]
    await desk.act(number, "answer", "operator", text="带身份证")
    found = await follow_up(desk, number)
    page = (await (await desk.client("checker")).get(f"{HERE}/follow-ups/{found['id']}")).json()
    assert "rating" not in {field["name"] for field in page["fields"]}
    assert code(await call(desk, found["id"], rating="5")) == "hotline.own-answer"
    assert (await call(desk, found["id"])).status_code == 200
    async with desk.hub.services.database.transaction(write=True) as tx:
        post = (await desk.hub.actor("operator")).post_id
        await grant(tx, post, "hotline.checker", ScopeKind.ORGANIZATION, granted_by=None)
    other = (await desk.file("operator", "intake", kind="consult", **CALLER))["number"]
    await desk.act(other, "answer", "operator", text="带身份证")
    found = await follow_up(desk, other)
    refused = await call(desk, found["id"], by="operator")
    assert code(refused) == "hotline.own-hand"
    assert (await call(desk, found["id"])).status_code == 200


async def test_the_number_is_seen_by_the_reveal_alone_and_that_is_recorded(desk):
    number = await answered(desk, secret=True)
    found = await follow_up(desk, number)
    checker = await desk.client("checker")
    seen = await checker.get(f"{HERE}/follow-ups/{found['id']}")
    for text in (seen.text, (await checker.page(f"{HERE}/follow-ups/{found['id']}")).text):
        assert PHONE not in text
        assert "王秀英" not in text
        assert not re.search(r"138[\d*]{8}", text), "nor a part of it"
    reveal = seen.json()["reveal_href"]
    shown = await checker.post(reveal, json={"reason": "回访"})
    assert PHONE in shown.text
    administrator = await desk.client("administrator")
    record = (await administrator.get("/admin/audit")).text
    assert "order.reveal" in record
    assert PHONE not in record


async def test_a_call_is_asked_by_the_script_that_was_shown(desk):
    checker = await desk.client("checker")
    for n in range(1, 9):
        added = await checker.post(f"{HERE}/script", json={"code": str(n), "name": f"问题{n}？"})
        assert added.status_code == 201, added.text
    over = await checker.post(f"{HERE}/script", json={"code": "9", "name": "第九问？"})
    assert [one["code"] for one in over.json()["errors"]] == ["hotline.checking.wrong.too_many"]
    assert (await (await desk.client("unit")).get(f"{HERE}/script")).status_code == 403
    id = (await follow_up(desk, await answered(desk)))["id"]
    page = (await checker.get(f"{HERE}/follow-ups/{id}")).json()
    assert [f["label"] for f in page["fields"] if f["name"].startswith("a")][:2] == [
        "问题1？",
        "问题2？",
    ]
    (one,) = [
        item
        for item in (await checker.get(f"{HERE}/script")).json()["items"]
        if item["code"] == "1"
    ]
    change = {"version": 1, "name": "路灯都亮了吗？"}
    changed = await checker.post(f"{HERE}/script/{one['id']}/change", json=change)
    assert changed.status_code == 200, changed.text
    old = {"outcome": "reached", **page["hidden"], "a1": "是"}
    refused = await checker.post(f"{HERE}/follow-ups/{id}/call", json=old)
    assert code(refused) == "hotline.script-changed"
    assert (await call(desk, id, a1="都亮了", a2="满意")).status_code == 200
    (kept,) = (await checker.get(f"{HERE}/follow-ups/{id}")).json()["calls"]
    assert [(a["label"], a["value"]) for a in kept["answers"]] == [
        ("路灯都亮了吗？", "都亮了"),
        ("问题2？", "满意"),
    ]


async def test_events_may_come_twice_late_and_in_any_order(desk):
    number = await answered(desk)
    id = (await desk.see(number))["id"]
    await desk.act(number, "reopen", "dispatcher", reason="答非所问")
    hub = desk.hub.hub.apps.hubs["hotline"]
    following = Following(desk_of(hub))

    async def heard(of):
        async with hub.work(hub.system("late")) as work:
            await following.heard(work, {"id": of})

    await heard(id)  # of the reply, after the reopening
    await desk.hub.settle()
    assert await waiting(desk) == []
    await desk.dispatch(number, category=LIGHTS)
    await desk.act(number, "sign", "unit")
    await desk.act(number, "process", "unit")
    await desk.act(number, "reply", "unit", text="已逐项答复")
    await asyncio.gather(*(heard(id) for _ in range(3)))
    await desk.hub.settle()
    assert [one["number"] for one in await waiting(desk)] == [number]
    await heard(str(UUID(int=1)))


async def test_who_calls_sees_at_home_how_many_are_to_be_called(desk):
    assert await card(desk, "checker") is None
    number = await answered(desk)
    found = await follow_up(desk, number)
    shown = await card(desk, "checker")
    assert (shown["count"], shown["text"]["key"]) == (1, "hotline.checking.card")
    for other in ("unit", "resident"):
        assert await card(desk, other) is None
    assert (await call(desk, found["id"])).status_code == 200
    assert await card(desk, "checker") is None
