"""Requests that repeat another: they get its answers, once each, and learn of no other caller."""

import asyncio
from datetime import timedelta

import pytest
from sqlmodel import col

from plugin_sdk.cases.forms import ActForm
from plugin_sdk.cases.rollup import sums
from plugins.hotline.desk import desk_of
from plugins.hotline.dispatching import alike
from plugins.hotline.dispatching.forms import FollowForm
from plugins.hotline.models import Order, OrderFigure
from plugins.hotline.naming import without_caller
from plugins.hotline.tests.conftest import HERE
from plugins.hotline.tests.test_checking_calls import CALLER, call, follow_up
from plugins.hotline.tests.test_checking_supervision import supervisions
from plugins.hotline.tests.test_flow import TUESDAY


async def follow(desk, number, original):
    return await desk.act(number, "follow", "dispatcher", original=original)


async def verbs(desk, number):
    return [step["verb"] for step in (await desk.see(number))["timeline"]][::-1]


def wrong(answer):
    """Return what is wrong with a form, by field, in the hotline's own words."""
    assert answer.status_code == 422, answer.text
    return {one["field"]: one["code"].removeprefix("hotline.") for one in answer.json()["errors"]}


def fact(seen, name):
    found = [f["value"] for f in seen["summary"] if f["label"]["key"].endswith(f".{name}")]
    return found[0] if found else None


async def test_followers_get_the_answer_once_and_rate_it_themselves(desk):
    original = (await desk.file())["number"]
    follower = await desk.file("resident2")
    number = follower["number"]
    put = await follow(desk, number, original)
    assert (put["state"], put["due_at"]) == ("following", follower["due_at"])
    assert fact(await desk.see(number), "follows") == original
    assert fact(await desk.see(original), "followers") == 1
    await desk.answer(original)
    for _ in range(3):
        await desk.hub.settle()
    assert await verbs(desk, number) == ["file", "follow", "pass-on"]
    seen = await desk.see(number, "resident2")
    assert (seen["state"], fact(seen, "reply")) == ("replied", "已修好五盏路灯")
    assert fact(seen, "follows") is None
    assert original not in str(seen)
    await desk.act(original, "rate", "resident", rating="5")
    await desk.act(number, "rate", "resident2", rating="2")
    assert (await desk.see(original))["state"] == "closed"
    told = await (await desk.client("resident2")).get("/messages")
    assert told.text.count('"text":{"key":"hotline.order.notice.pass-on"') == 1


async def test_what_is_said_of_a_passed_on_answer_is_said_of_the_unit_that_gave_it(desk):
    original = (await desk.file())["number"]
    number = (await desk.file("operator", "intake", **CALLER))["number"]
    secret = (await desk.file("resident2", secret=True))["number"]
    for one in (number, secret):
        await follow(desk, one, original)
        assert (await desk.try_act(one, "sign", "unit", version=1)).status_code == 404
    await desk.answer(original)
    found = await follow_up(desk, number)
    assert found["unit"] == "城市管理局"
    assert (await call(desk, found["id"], rating="2")).status_code == 200
    assert (await desk.see(number, "unit"))["state"] == "closed"
    await desk.act(secret, "rate", "resident2", rating="1")
    hidden = await (await desk.client("unit")).get(f"{HERE}/orders/{secret}")
    assert hidden.status_code == 404  # the unit may be whom it is about
    await desk.count()
    hub, today = desk.hub.hub.apps.hubs["hotline"], desk.hub.clock.day()
    centre = str((await desk.hub.actor("dispatcher")).organization_id)
    async with hub.read(hub.system("test")) as read:
        counted = await sums(OrderFigure, read, "unit", today, today, "order.read")
    unit = counted[await desk.unit()].counts
    assert (unit["resolved"], unit["rated_2"], unit["rated_1"]) == (1, 1, 0)
    assert (counted[centre].counts["resolved"], counted[centre].counts["rated_1"]) == (2, 1)
    await desk.act(original, "reopen", "resident", reason="又坏了")
    await desk.hub.settle()
    assert (await desk.see(number))["state"] == "following"


async def test_one_that_comes_after_the_answer_gets_it_at_once(desk):
    original = (await desk.file())["number"]
    await desk.answer(original)
    number = (await desk.file("resident2"))["number"]
    put = await follow(desk, number, original)
    assert put["state"] == "replied"
    assert await verbs(desk, number) == ["file", "follow", "pass-on"]
    step = (await desk.see(number))["timeline"][0]
    assert (step["role"], step["text"]) == ("派单员", "已修好五盏路灯")
    await desk.hub.settle()
    assert len(await verbs(desk, number)) == 3


async def test_a_follower_of_a_follower_is_put_on_the_original(desk):
    a, b, c, d = [(await desk.file())["number"] for _ in range(4)]
    await follow(desk, b, a)
    await follow(desk, c, b)
    assert fact(await desk.see(c), "follows") == a
    for number in (a, b, c):  # neither itself nor what follows it
        refused = await desk.try_act(a, "follow", "dispatcher", original=number)
        assert wrong(refused) == {"original": "dispatching.error.itself"}, number
    await follow(desk, a, d)  # and what followed it goes along
    for number in (a, b, c):
        assert fact(await desk.see(number), "follows") == d
    none = await desk.try_act(d, "follow", "dispatcher", original="209901010001")
    assert wrong(none) == {"original": "dispatching.error.no-original"}
    await desk.answer(d)
    await desk.hub.settle()
    assert [(await desk.see(number))["state"] for number in (a, b, c)] == ["replied"] * 3


async def test_one_is_taken_off_and_goes_its_own_way(desk):
    original, number = [(await desk.file())["number"] for _ in range(2)]
    await follow(desk, number, original)
    bare = await desk.try_act(number, "unfollow", "dispatcher")
    assert bare.status_code == 422
    back = await desk.act(number, "unfollow", "dispatcher", reason="不是同一盏灯")
    assert back["state"] == "received"
    await desk.answer(original)
    await desk.hub.settle()
    assert (await desk.see(number))["state"] == "received"
    for role in ("unit", "resident", "operator", "checker"):
        refused = await desk.try_act(number, "follow", role, original=original)
        assert refused.status_code in (403, 404), role
    for verb in ("pass-on", "original-reopened", "release", "overdue"):
        client = await desk.client("dispatcher")
        answer = await client.post(f"{HERE}/orders/{number}/{verb}", json={"version": 3})
        assert answer.status_code in (404, 405)


async def test_the_original_is_reopened_and_answered_anew(desk):
    desk.hub.clock.stand(TUESDAY)
    original, number = (await desk.file())["number"], (await desk.file("resident2"))["number"]
    await follow(desk, number, original)
    await desk.answer(original)
    await desk.hub.settle()
    await desk.act(number, "rate", "resident2", rating="4")
    desk.hub.clock.move(hours=1)
    await desk.act(original, "reopen", "resident", reason="又坏了")
    for _ in range(2):
        await desk.hub.settle()
    assert await verbs(desk, number) == ["file", "follow", "pass-on", "rate", "original-reopened"]
    desk.hub.clock.move(hours=1)
    await desk.dispatch(original)
    for verb in ("sign", "process"):
        await desk.act(original, verb, "unit")
    await desk.act(original, "reply", "unit", text="换了新线路")
    for _ in range(2):
        await desk.hub.settle()
    seen = await desk.see(number, "resident2")
    assert (await verbs(desk, number))[-2:] == ["original-reopened", "pass-on"]
    assert (seen["state"], fact(seen, "reply")) == ("replied", "换了新线路")
    await desk.act(number, "rate", "resident2", rating="2")  # the new answer, anew
    assert fact(await desk.see(number), "follows") == original
    # who is not content with it reopens their own, which then stands alone
    await desk.act(number, "reopen", "resident2", reason="我家门口的还不亮")
    assert fact(await desk.see(number), "follows") is None


async def test_callers_stay_unknown_to_each_other(desk):
    caller = {"caller_name": "王秀英", "phone": "13800005678"}
    original = (await desk.file("operator", "intake", **caller))["number"]
    other = {"caller_name": "刘建国", "phone": "13800004321", "secret": True}
    number = (await desk.file("operator", "intake", **other))["number"]
    await follow(desk, number, original)
    await desk.begin(original)
    text = "王秀英您好：路灯已修好，王女士13800005678有事再打。"
    await desk.act(original, "reply", "unit", text=text)
    await desk.hub.settle()
    seen = await desk.see(number)
    assert fact(seen, "reply") == "诉求人您好：路灯已修好，诉求人女士***有事再打。"
    for secret in ("王秀英", "王女士", "13800005678"):
        assert secret not in str(seen)


@pytest.mark.parametrize("answered", [False, True])
async def test_what_follows_an_original_that_is_kept_secret_later_is_released(desk, answered):
    """What waits for it at once; what has its answer once that no longer holds."""
    original, number = (await desk.file())["number"], (await desk.file("resident2"))["number"]
    await follow(desk, number, original)
    if answered:
        await desk.act(original, "answer", "operator", text="已修好")
        await desk.hub.settle()
    await desk.act(original, "keep-secret", "resident")
    await desk.hub.settle()
    steps = ["file", "follow", "release"]
    if answered:
        assert (await desk.see(number))["state"] == "replied"  # as it was passed on before
        await desk.act(original, "reopen", "resident", reason="又坏了")
        await desk.hub.settle()
        steps = ["file", "follow", "pass-on", "original-reopened", "release"]
    seen = await desk.see(number)
    assert (seen["state"], fact(seen, "follows")) == ("received", None)
    told = await (await desk.client("dispatcher")).get("/messages")
    assert told.text.count('"text":{"key":"hotline.order.notice.release"') == 1
    await desk.act(original, "answer", "operator", text="已给王秀英换了灯")
    await desk.hub.settle()
    assert await verbs(desk, number) == steps
    assert "换了灯" not in str(await desk.see(number, "resident2"))
    await desk.act(number, "answer", "operator", text="灯已换")  # it is answered by itself


@pytest.mark.parametrize("first", ["keep-secret", "follow"])
async def test_an_original_is_kept_secret_while_another_is_put_on_it(desk, first):
    """Whichever is first, the other waits for it, and nothing of the secret order is passed on."""
    original, number = (await desk.file())["number"], (await desk.file("resident2"))["number"]
    hub = desk.hub.hub.apps.hubs["hotline"]
    engine, dispatcher = desk_of(hub).engine, await desk.hub.actor("dispatcher")
    await desk.client("dispatcher")
    acts = {
        "keep-secret": (original, ActForm(version=1)),
        "follow": (number, FollowForm(version=1, original=original)),
    }
    of, form = acts.pop(first)
    ((second, (other, asked)),) = acts.items()
    async with hub.work(dispatcher) as work:
        await engine.act(work, await engine.id_of(work, of), first, form)
        said = asked.model_dump(mode="json")
        later = asyncio.create_task(desk.try_act(other, second, "dispatcher", **said))
        await asyncio.sleep(0.3)
        assert not later.done()
    answer = await later
    if first == "keep-secret":
        assert answer.status_code == 422
        assert "诉求人要求保密" in answer.text
    else:
        assert answer.status_code == 200, answer.text
    await desk.act(original, "answer", "operator", text="灯已换")
    await desk.hub.settle()
    seen = await desk.see(number)
    assert (seen["state"], fact(seen, "follows"), fact(seen, "reply")) == ("received", None, None)


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ({"kind": "report"}, "dispatching.error.report-original"),
        ({"secret": True}, "dispatching.error.secret-original"),
    ],
)
async def test_nobody_gets_the_answer_to_a_report_or_to_a_secret_caller(desk, what, why):
    caller = {"caller_name": "王秀英", "phone": "13800005678"}
    original = (await desk.file("operator", "intake", **{**caller, **what}))["number"]
    number = (await desk.file("resident2"))["number"]
    dispatcher = await desk.client("dispatcher")
    page = (await dispatcher.get(f"{HERE}/dispatch/{number}")).json()
    offered = {one["number"]: one["may_follow"] for one in page["order"]["alike"]}
    assert offered == {original: False}
    refused = await desk.try_act(number, "follow", "dispatcher", original=original)
    assert wrong(refused) == {"original": why}
    form = {"version": "1", "original": original}  # it was offered before it was kept secret
    page = await dispatcher.post_form(f"{HERE}/dispatch/{number}/follow", form)
    assert page.status_code == 422
    assert "答复不能发给别人" in page.text


async def test_parts_of_a_decision_neither_follow_nor_are_followed(desk):
    part, number = [(await desk.file())["number"] for _ in range(2)]
    hub = desk.hub.hub.apps.hubs["hotline"]
    orders = desk_of(hub)
    async with hub.work(hub.system("test")) as work:
        row = await orders.engine.find(work, part)
        (await work.get(Order, row.id)).split_from_id = row.id
    page = (await (await desk.client("dispatcher")).get(f"{HERE}/dispatch/{number}")).json()
    assert page["order"]["alike"] == []
    refused = await desk.try_act(number, "follow", "dispatcher", original=part)
    assert wrong(refused) == {"original": "dispatching.error.part-original"}
    refused = await desk.try_act(part, "follow", "dispatcher", original=number)
    assert refused.json()["type"].endswith("coordination.bound")


@pytest.mark.parametrize(
    ("phone", "written"),
    [
        *(
            ("+8613800138000", one)
            for one in (
                *("138-0013-8000", "138 0013 8000", "１３８００１３８０００", "+86 138 0013 8000"),
                *("008613800138000", "１３８－００１３－８０００", "1380013 8000"),
            )
        ),
        *(
            ("+865433212345", one)
            for one in ("0543-3212345", "(0543)3212345", "5433212345", "3212345", "321 2345")
        ),
        ("05433212345", "+86 543 3212345"),
    ],
)
def test_the_number_of_the_caller_is_taken_out_however_it_is_written(phone, written):
    said = without_caller(f"①已修好，回复到{written}。工单号20261126", "", phone)
    assert said.replace("(***", "***") == "①已修好，回复到***。工单号20261126"


def test_spaced_names_enterprises_and_other_numbers_are_taken_out_too():
    said = without_caller("王 秀英、欧阳女士", "王秀英", "")
    assert said == "诉求人、欧阳女士"
    assert without_caller("欧阳 女士", "欧阳娜", "") == "诉求人 女士"
    assert without_caller("AnnaSmith 您好", "Anna Smith", "") == "诉求人 您好"
    said = without_caller("滨河纺织 有限公司：找13900001111", "", "", "滨河纺织有限公司")
    assert said == "诉求人：找139****1111"


async def test_two_orders_put_on_each_other_at_once_make_no_circle(desk):
    a, b = [(await desk.file())["number"] for _ in range(2)]
    await desk.client("dispatcher")
    answers = await asyncio.gather(
        desk.try_act(a, "follow", "dispatcher", original=b, version=1),
        desk.try_act(b, "follow", "dispatcher", original=a, version=1),
    )
    codes = sorted(answer.status_code for answer in answers)
    assert codes[0] == 200
    assert codes[1] in (409, 422, 503)
    followed = [fact(await desk.see(number), "follows") for number in (a, b)]
    assert followed.count(None) == 1


async def test_of_a_late_follower_is_told_and_only_the_original_is_supervised(desk):
    desk.hub.clock.stand(TUESDAY)
    original, number, released = [(await desk.file(kind="consult"))["number"] for _ in range(3)]
    await follow(desk, number, original)
    await follow(desk, released, original)
    desk.hub.clock.move(days=10)
    await desk.hub.settle()
    late = (await desk.file(kind="consult"))["number"]
    desk.hub.clock.move(days=10)
    await follow(desk, late, original)  # is late before it follows: of that nobody was told yet
    await desk.hub.settle()
    assert await verbs(desk, number) == ["file", "follow", "overdue"]
    assert await verbs(desk, late) == ["file", "follow", "overdue"]
    (found,) = await supervisions(desk)
    seen = await (await desk.client("dispatcher")).get(f"{HERE}/supervisions/{found['number']}")
    assert fact(seen.json(), "order") == original
    told = await (await desk.client("dispatcher")).get("/messages")
    assert told.text.count('"text":{"key":"hotline.order.notice.overdue"') == 3
    await desk.act(released, "unfollow", "dispatcher", reason="不是同一件")
    await desk.hub.settle()  # its lateness is its own from now on
    assert (await verbs(desk, released))[-2:] == ["unfollow", "supervise"]
    assert len(await supervisions(desk)) == 2


async def test_what_is_like_an_order_is_looked_for_near_it(desk):
    """In place and time: with many others elsewhere and earlier it reads no more rows."""
    hub = desk.hub.hub.apps.hubs["hotline"]
    regions = await hub.directory.regions()
    here, there = [str(one.id) for one in regions if one.level == "township"][:2]
    text = "滨河公园北门的路灯坏了三盏，晚上看不清台阶"
    near = (await desk.file(text=f"{text}。", region=here, place="滨河公园北门"))["number"]
    anywhere = (await desk.file(text=text))["number"]
    await desk.file(text=text, region=there)
    await desk.file(text="老年卡怎么补办", region=here)
    number = (await desk.file("resident2", text=text, region=here, place="滨河公园"))["number"]
    dispatcher = await desk.hub.actor("dispatcher")
    async with hub.read(dispatcher) as read:
        row = (
            await read.session.execute(
                read.rows(Order, permission="order.read").where(col(Order.number) == number)
            )
        ).scalar_one()
        found = await alike.like(read, row)
        assert [one.number for one in found] == [near, anywhere]
        assert [reason.key.rpartition(".")[2] for reason in found[0].reasons] == [
            *("text", "place", "days"),
        ]
        row.opened_at += timedelta(days=31)
        assert await alike.like(read, row) == []


def test_texts_and_places_are_compared():
    one, other = alike.shingles("路灯不亮。"), alike.shingles("路灯 不亮")
    assert alike.resemblance(one, other) == 1.0
    assert alike.resemblance(one, frozenset()) == 0.0
    assert 87 < alike.metres(118.1, 37.7, 118.101, 37.7) < 89
