"""A follower kept secret once it has its answer: the unit that gave that sees it no more."""

from uuid import UUID

import pytest

from plugins.hotline.counts import CHECKS
from plugins.hotline.tests.conftest import HERE
from plugins.hotline.tests.test_checking_calls import CALLER, call, follow_up
from plugins.hotline.tests.test_checking_quality import APRIL, TUESDAY, draw, judge
from plugins.hotline.tests.test_counts import compare
from plugins.hotline.tests.test_following import follow, verbs

WORD = "紫藤架"  # it stands in the follower alone
WAYS = ("/orders", f"/orders?q={WORD}", "/orders.csv", "/checks")


async def seen_by_unit(desk, number):
    """Return whether the unit that answers finds an order, in any list or by its number."""
    unit = await desk.client("unit")
    answers = [await unit.get(f"{HERE}{way}") for way in WAYS]
    assert all(answer.status_code == 200 for answer in answers)
    listed = any(number in answer.text for answer in answers)
    page = (await unit.get(f"{HERE}/orders/{number}")).status_code
    acted = await desk.try_act(number, "sign", "unit", version=1)
    assert (page, acted.status_code) in ((200, 409), (404, 404))
    assert listed == (page == 200)
    return listed


async def answered(desk, by="resident2", at="orders", **form):
    """Let an order follow another, and be answered with it; return both numbers."""
    original = (await desk.file())["number"]
    number = (await desk.file(by, at, text=f"{WORD}倒了", **form))["number"]
    await follow(desk, number, original)
    await desk.answer(original)
    await desk.hub.settle()
    return original, number


@pytest.mark.parametrize("by", ["resident2", "dispatcher"])
async def test_one_that_is_kept_secret_is_closed_to_the_unit_whose_answer_it_has(desk, by):
    original, number = await answered(desk)
    assert await seen_by_unit(desk, number)
    await desk.act(number, "keep-secret", by)
    assert not await seen_by_unit(desk, number)
    assert (await desk.see(number))["state"] == "replied"
    assert (await (await desk.client("unit")).get(f"{HERE}/orders/{original}")).status_code == 200
    await desk.hub.settle()
    await desk.act(original, "reopen", "resident", reason="又坏了")
    await desk.hub.settle()
    await desk.answer(original)
    await desk.hub.settle()
    assert (await verbs(desk, number))[-2:] == ["original-reopened", "pass-on"]
    assert not await seen_by_unit(desk, number)


async def test_one_that_waits_for_an_answer_again_is_closed_to_the_unit_too(desk):
    original, number = await answered(desk)
    await desk.act(original, "reopen", "resident", reason="又坏了")
    await desk.hub.settle()
    assert await seen_by_unit(desk, number)
    await desk.act(number, "keep-secret", "resident2")
    assert not await seen_by_unit(desk, number)


async def test_a_unit_that_handles_it_goes_on_seeing_it(desk):
    _, number = await answered(desk)
    await desk.act(number, "reopen", "resident2", reason="我家门口的还不亮")
    await desk.dispatch(number)
    await desk.act(number, "keep-secret", "resident2")
    assert await seen_by_unit(desk, number)
    assert (await desk.see(number))["unit"] == "城市管理局"


async def test_calls_and_checks_of_it_are_the_unit_s_no_more(desk):
    desk.hub.clock.stand(TUESDAY)
    _, number = await answered(desk, "operator", "intake", **CALLER)
    await desk.act(number, "close", "dispatcher")
    desk.hub.clock.stand(APRIL)
    found = await follow_up(desk, number)
    assert found["unit"] == "城市管理局"
    (check,) = (await draw(desk, share=100)).json()["checks"]
    assert (await judge(desk, check["id"], evidence="no", correct="true", note="无照片")).is_success
    unit, here = await desk.client("unit"), f"{HERE}/checks/{check['id']}"
    assert WORD in (await unit.get("/work")).text
    await desk.act(number, "keep-secret", "operator")
    await desk.hub.settle()
    assert (await unit.get(here)).status_code == 404
    said = {"version": 2, "text": "已补照片"}
    assert (await unit.post(f"{here}/correct", json=said)).status_code == 404
    assert WORD not in (await unit.get("/work")).text
    assert not await seen_by_unit(desk, number)
    assert (await follow_up(desk, number))["unit"] != "城市管理局"
    kept = await call(desk, found["id"])  # it rates nothing: what the centre holds it does not rate
    assert kept.status_code == 200, kept.text
    checked = (await (await desk.client("checker")).get(here)).json()
    assert (checked["state"], checked["actions"]) == ("failed", [])
    hub = desk.hub.hub.apps.hubs["hotline"]
    judged = await compare(hub, hub.system("a test"))  # and no count says it of the unit
    assert {unit for kind, unit, *_ in judged if kind == CHECKS} == {
        UUID(await desk.unit("checker"))
    }
