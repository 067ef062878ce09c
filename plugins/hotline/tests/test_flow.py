import asyncio
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plugins.hotline.tests.conftest import HERE, LIGHTS

TUESDAY = datetime(2026, 3, 3, 2, tzinfo=UTC)  # 10:00 in Shanghai, in a year that is known


def code(answer):
    return answer.json()["type"].removeprefix("urn:yimen:problem:")


async def test_an_order_walks_through_every_state(desk):
    number = (await desk.file())["number"]
    assert (await desk.see(number))["state"] == "received"
    assert (await desk.dispatch(number))["state"] == "dispatched"
    assert (await desk.act(number, "sign", "unit"))["state"] == "signed"
    assert (await desk.act(number, "process", "unit"))["state"] == "processing"
    assert (await desk.act(number, "reply", "unit", text="已修好"))["state"] == "replied"
    assert (await desk.act(number, "rate", "resident", rating="5"))["state"] == "closed"
    seen = await desk.see(number)
    assert [step["verb"] for step in seen["timeline"]] == [
        *("rate", "reply", "process", "sign", "dispatch", "file")
    ]
    assert [step["version"] for step in seen["timeline"]] == [6, 5, 4, 3, 2, 1]
    assert seen["timeline"][1]["unit"] == "城市管理局"
    assert seen["deadline"]["kind"] == "done_on_time"


async def test_an_order_is_answered_at_once(desk):
    number = (await desk.file(kind="consult"))["number"]
    acted = await desk.act(number, "answer", "operator", text="带身份证即可")
    assert acted["state"] == "replied"
    assert (await desk.act(number, "close", "dispatcher"))["state"] == "closed"


async def test_a_unit_sees_what_it_holds_or_held_and_no_more(desk):
    number = (await desk.file())["number"]
    unit, other = await desk.client("unit"), await desk.client("unit2")
    hidden = await unit.get(f"{HERE}/orders/{number}")
    absent = await unit.get(f"{HERE}/orders/209901010001")
    assert hidden.status_code == absent.status_code == 404
    assert {**hidden.json(), "request": ""} == {**absent.json(), "request": ""}
    await desk.dispatch(number)
    assert (await unit.get(f"{HERE}/orders/{number}")).status_code == 200
    assert (await other.get(f"{HERE}/orders/{number}")).status_code == 404
    assert (await desk.try_act(number, "sign", "unit2")).status_code == 404
    basis = {"reason": "不归我们管", "legal_basis": "三定方案"}
    await desk.act(number, "return", "unit", **basis)
    assert (await unit.get(f"{HERE}/orders/{number}")).status_code == 200
    await desk.dispatch(number, "unit2")
    answer = await desk.try_act(number, "sign", "unit")
    assert (answer.status_code, code(answer)) == (403, "case.not-holder")


async def test_the_clock_runs_on_through_returns_of_which_each_unit_has_one(desk):
    desk.hub.clock.stand(TUESDAY)
    filed = await desk.file()
    number = filed["number"]
    basis = {"reason": "不归我们管", "legal_basis": "三定方案"}
    await desk.dispatch(number)
    assert (await desk.try_act(number, "return", "unit")).status_code == 422
    desk.hub.clock.move(hours=20)
    returned = await desk.act(number, "return", "unit", **basis)
    assert (returned["state"], returned["due_at"]) == ("received", filed["due_at"])
    await desk.dispatch(number, "unit2")
    again = await desk.act(number, "return", "unit2", **basis)
    assert again["due_at"] == filed["due_at"]
    await desk.dispatch(number, reason="路灯由城管维护")
    twice = await desk.try_act(number, "return", "unit", **basis)
    assert (twice.status_code, code(twice)) == (409, "hotline.returned-before")


async def test_a_return_has_its_window_from_the_hand_over(desk):
    desk.hub.clock.stand(TUESDAY)
    number = (await desk.file())["number"]
    await desk.dispatch(number)
    desk.hub.clock.move(days=2)
    await desk.act(number, "sign", "unit")
    desk.hub.clock.move(days=1)
    late = await desk.try_act(number, "return", "unit", reason="不归", legal_basis="三定方案")
    assert code(late) == "case.window-over"


async def test_a_stale_version_is_told_who_did_what_and_keeps_the_text(desk):
    number = (await desk.file())["number"]
    await desk.begin(number)
    stale = await desk.try_act(number, "reply", "unit", text="我写的长答复", version=1)
    assert (stale.status_code, code(stale)) == (409, "case.stale")
    assert "城市管理局 签收员" in stale.json()["detail"]
    assert "周" not in stale.json()["detail"]
    unit = await desk.client("unit")
    page = await unit.post_form(
        f"{HERE}/orders/{number}/reply", {"version": "1", "text": "我写的长答复"}
    )
    assert page.status_code == 409
    assert "我写的长答复" in page.text
    assert 'value="4"' in page.text


async def test_an_extension_is_asked_for_and_decided_by_another(desk):
    desk.hub.clock.stand(TUESDAY)
    filed = await desk.file()
    number = filed["number"]
    await desk.begin(number)
    asked = await desk.act(number, "extend", "unit", days=5, reason="等配件")
    assert asked["due_at"] == filed["due_at"]
    assert (await desk.see(number))["notice"]["params"] == {"n": 5}
    decided = await desk.act(number, "approve-extension", "dispatcher", decision="approve")
    assert decided["due_at"] > filed["due_at"]
    again = await desk.try_act(number, "extend", "unit", days=5, reason="再等")
    assert code(again) == "case.too-often"
    none = await desk.try_act(number, "approve-extension", "dispatcher", decision="approve")
    assert code(none) == "case.nothing-asked"


async def test_what_is_done_says_whether_it_was_in_time_and_leads_to_the_case(desk):
    desk.hub.clock.stand(TUESDAY)
    number = (await desk.file())["number"]
    late = (await desk.file())["number"]
    await desk.begin(number)
    await desk.act(number, "extend", "unit", days=5, reason="等配件")
    await desk.act(number, "approve-extension", "dispatcher", decision="approve")
    desk.hub.clock.move(days=30)
    await desk.dispatch(late)
    dispatcher = await desk.client("dispatcher")
    done = (await dispatcher.get("/work?which=done")).json()["rows"]
    cases = [f"{HERE}/orders/{n}" for n in (late, number, number)]
    assert [row["href"] for row in done] == cases  # the extension is decided: its page is over
    kinds = [row["deadline"]["kind"] for row in done]
    assert kinds == ["done_late", "done_on_time", "done_on_time"]


async def test_an_extension_that_is_refused_or_late_moves_nothing(desk):
    desk.hub.clock.stand(TUESDAY)
    filed = await desk.file(kind="consult")
    number = filed["number"]
    await desk.begin(number)
    await desk.act(number, "extend", "unit", days=5, reason="等配件")
    decided = await desk.act(number, "approve-extension", "dispatcher", decision="refuse")
    assert decided["due_at"] == filed["due_at"]
    other = (await desk.file(kind="consult"))["number"]
    await desk.begin(other)
    desk.hub.clock.move(days=10)
    late = await desk.try_act(other, "extend", "unit", days=5, reason="等配件")
    assert code(late) == "case.extension-late"


async def test_a_requester_alone_rates_and_once(desk):
    number = (await desk.file())["number"]
    await desk.answer(number)
    assert (await desk.try_act(number, "rate", "resident2", rating="5")).status_code == 404
    assert (await desk.try_act(number, "rate", "dispatcher", rating="5")).status_code == 403
    assert (await desk.try_act(number, "rate", "resident", rating="6")).status_code == 422
    await desk.act(number, "rate", "resident", rating="2", comment="慢了些")
    assert code(await desk.try_act(number, "rate", "resident", rating="5")) == "case.rated"


async def test_reopening_has_its_window_and_a_new_outcome_is_rated_anew(desk):
    desk.hub.clock.stand(TUESDAY)
    number = (await desk.file())["number"]
    await desk.answer(number)
    await desk.act(number, "rate", "resident", rating="1")
    desk.hub.clock.move(days=10)
    reopened = await desk.act(number, "reopen", "resident", reason="又坏了")
    assert reopened["state"] == "received"
    assert reopened["due_at"] > "2026-03-30"
    await desk.answer(number)
    await desk.act(number, "rate", "resident", rating="4")
    desk.hub.clock.move(days=20)
    assert code(await desk.try_act(number, "reopen", "resident", reason="又")) == "case.window-over"


async def test_an_urging_can_be_undone_for_ten_seconds_and_comes_once_a_day(desk):
    desk.hub.clock.stand(TUESDAY)
    number = (await desk.file())["number"]
    await desk.begin(number)
    resident = await desk.client("resident")
    await desk.act(number, "urge", "resident")
    undone = await resident.post(f"{HERE}/orders/{number}/undo-urge", json={})
    assert undone.status_code == 200
    await desk.act(number, "urge", "resident")
    assert code(await desk.try_act(number, "urge", "dispatcher")) == "case.urged-today"
    desk.hub.clock.move(seconds=11)
    late = await resident.post(f"{HERE}/orders/{number}/undo-urge", json={})
    assert code(late) == "case.undo-late"
    desk.hub.clock.move(days=1)
    await desk.act(number, "urge", "dispatcher")


async def test_nobody_acts_on_their_own_filing(desk):
    client = await desk.client("dispatcher")
    answer = await client.post(f"{HERE}/orders", json={"kind": "help", "text": "我家门口的路"})
    if answer.status_code == 403:  # the post has no right to file; then there is no such case
        pytest.skip("staff of this county file as residents")
    number = answer.json()["number"]
    refused = await desk.try_act(
        number, "dispatch", "dispatcher", unit=await desk.unit(), category=LIGHTS
    )
    assert (refused.status_code, code(refused)) == (403, "case.own-filing")


async def test_two_dispatchers_at_once_dispatch_once(desk):
    number = (await desk.file())["number"]
    unit = await desk.unit()
    form = {"unit": unit, "category": LIGHTS, "version": 1}
    await desk.client("dispatcher")
    answers = await asyncio.gather(
        *(desk.try_act(number, "dispatch", "dispatcher", **form) for _ in range(6))
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 5


ACTS = {
    "dispatch": ("dispatcher", {"category": LIGHTS, "reason": "仍归该单位"}),
    "answer": ("operator", {"text": "答复"}),
    "sign": ("unit", {}),
    "process": ("unit", {}),
    "reply": ("unit", {"text": "答复"}),
    "return": ("unit", {"reason": "不归我们", "legal_basis": "三定方案"}),
    "rate": ("resident", {"rating": "4"}),
    "close": ("dispatcher", {}),
    "reopen": ("resident", {"reason": "又坏了"}),
    "supervise": ("dispatcher", {}),
}
LEGAL = {
    ("received", "dispatch"): "dispatched",
    ("received", "answer"): "replied",
    ("received", "supervise"): "received",
    ("dispatched", "sign"): "signed",
    ("dispatched", "return"): "received",
    ("dispatched", "supervise"): "dispatched",
    ("signed", "process"): "processing",
    ("signed", "return"): "received",
    ("signed", "supervise"): "signed",
    ("processing", "reply"): "replied",
    ("processing", "supervise"): "processing",
    ("replied", "rate"): "closed",
    ("replied", "close"): "closed",
    ("replied", "reopen"): "received",
    ("closed", "rate"): "closed",
    ("closed", "reopen"): "received",
}


@given(walks=st.lists(st.lists(st.sampled_from(sorted(ACTS)), max_size=14), min_size=1, max_size=3))
@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_only_the_moves_of_the_flow_are_possible(desk, walks):
    unit = await desk.unit()
    for walk in walks:
        number = (await desk.file())["number"]
        state, version, returned, rated = "received", 1, 0, False
        for verb in walk:
            role, form = ACTS[verb]
            if verb == "dispatch":
                form = {**form, "unit": unit}
            answer = await desk.try_act(number, verb, role, **form)
            target = LEGAL.get((state, verb))
            blocked = (verb == "return" and returned == 2) or (verb == "rate" and rated)
            if target is None or blocked:
                assert answer.status_code in (404, 409), (state, verb, answer.text)
            else:
                assert answer.status_code == 200, (state, verb, answer.text)
                state, version = target, version + 1
                returned += verb == "return"
                rated = verb == "rate" or (rated and verb != "reopen")
            seen = await desk.see(number)
            assert (seen["state"], seen["version"]) == (state, version)
            assert len(seen["timeline"]) == version
