"""Receptions: registered, received, promised, signed off; full days, other days, others."""

import asyncio

import pytest

from plugins.hotline.tests.conftest import HERE

MATTER = "小区二次供水改造停了半年"
SEES = ("leader", "resident")
PHONE = "13800005678"


def kind(answer):
    return answer.json()["type"].rsplit(":", 1)[1]


def codes(answer):
    """Return what is wrong with a form."""
    assert answer.status_code == 422, answer.text
    return [one["code"] for one in answer.json()["errors"]]


class Receptions:
    """Days, visitors and the leader."""

    def __init__(self, desk):
        self.desk = desk

    async def get(self, path, by="dispatcher"):
        return await (await self.desk.client(by)).get(f"{HERE}{path}")

    async def post(self, path, by, **form):
        return await (await self.desk.client(by)).post(f"{HERE}{path}", json=form)

    async def announce(self, after=3, places=1, by="dispatcher", **more):
        values = {
            "name": "物业和供水",
            "leader": "副区长（分管城建）",
            "place": "信访接待中心 2 室",
            "ends_on": str(self.desk.hub.clock.day(after)),
            "opens": "9:00",
            "closes": "11:30",
            "places": places,
        }
        answer = await self.post("/reception-days", by, **{**values, **more})
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def register(self, day, by="resident", status=201, **more):
        values = {"day": day["id"], "text": MATTER, "phone": PHONE, **more}
        answer = await self.post("/reception", by, **values)
        assert answer.status_code == status, answer.text
        return answer

    async def act(self, number, verb, by, **form):
        if "version" not in form:
            seen = await self.get(f"/reception/{number}", "leader")
            form["version"] = seen.json()["version"]
        return await self.post(f"/reception/{number}/{verb}", by, **form)

    async def promised(self):
        """Return a visit at which the leader promised something, and its order."""
        day = await self.announce()
        number = (await self.register(day)).json()["number"]
        self.desk.hub.clock.move(days=3)
        form = {"text": "听取来访人意见，现场答复", "promise": "两周内恢复供水改造"}
        answer = await self.act(number, "receive", "leader", **form)
        assert answer.status_code == 200, answer.text
        (order,) = (await self.get("/orders")).json()["items"]
        return number, order["number"]


@pytest.fixture
def receptions(desk):
    return Receptions(desk)


async def test_the_last_place_goes_to_one_and_comes_back_when_it_is_given_up(desk, receptions):
    day = await receptions.announce(places=1)
    values = {"day": day["id"], "text": MATTER, "phone": PHONE}
    for role in ("resident", "resident2"):
        await desk.client(role)
    sent = await asyncio.gather(
        *(receptions.post("/reception", role, **values) for role in ("resident", "resident2"))
    )
    assert sorted(answer.status_code for answer in sent) == [201, 422]
    (full,) = [answer for answer in sent if answer.status_code == 422]
    assert codes(full) == ["hotline.reception.wrong.day-full"]
    first, second = (
        ("resident", "resident2") if sent[0].status_code == 201 else ("resident2", "resident")
    )
    (taken,) = [answer.json() for answer in sent if answer.status_code == 201]
    assert (await receptions.get(f"/reception/{taken['number']}", second)).status_code == 404
    hers = (await receptions.get(f"/reception/{taken['number']}", first)).json()
    path = f"/reception/{taken['number']}/withdraw"
    assert (await receptions.post(path, second, version=hers["version"])).status_code == 404
    gone = await receptions.post(path, first, version=hers["version"])
    assert gone.status_code == 200, gone.text
    assert (await receptions.post(path, first, version=hers["version"] + 1)).status_code == 409
    await receptions.register(day, second)


async def test_an_order_kept_secret_is_no_longer_named_on_the_visit(desk, receptions):
    number, order = await receptions.promised()
    for secret in (False, True):
        for role in SEES:
            seen = (await receptions.get(f"/reception/{number}", role)).text
            assert (order in seen) == (role == "resident" or not secret), (role, secret)
        if not secret:
            await desk.act(order, "keep-secret", "resident")
    await desk.answer(order)
    await desk.hub.settle()
    told = {role: (await (await desk.client(role)).get("/messages")).text for role in SEES}
    assert "reception.notice.answered" in told["leader"]
    assert order not in told["leader"]
    assert "order.notice.answered-unsigned" in told["resident"], "they rate it once it is signed"
    assert "order.notice.reply" not in told["resident"]


async def test_what_was_promised_is_closed_only_once_the_leader_has_signed(desk, receptions):
    number, order = await receptions.promised()
    seen = await desk.see(order)
    said = {fact["label"]["key"]: fact["value"] for fact in seen["summary"]}
    assert said["hotline.order.field.sponsor"]["params"] == {"post": "12345热线服务中心 主任"}
    assert "两周内恢复供水改造" in seen["title"]
    mine = (await receptions.get("/orders", "resident")).json()["items"]
    assert [item["number"] for item in mine] == [order]  # it is the visitor's own request

    early = await receptions.act(number, "sign-off", "leader")
    assert kind(early) == "hotline.promise-unanswered"
    await desk.answer(order)
    for verb, role, form in (("close", "dispatcher", {}), ("rate", "resident", {"rating": "5"})):
        refused = await desk.try_act(order, verb, role, **form)
        assert refused.status_code == 409, refused.text
        assert kind(refused) == "hotline.sign-off-first"
    desk.hub.clock.move(days=9)  # nor does time close it
    await desk.hub.settle()
    assert (await desk.see(order))["state"] == "replied"
    assert (await receptions.act(number, "sign-off", "dispatcher")).status_code == 403
    signed = await receptions.act(number, "sign-off", "leader")
    assert signed.status_code == 200, signed.text
    assert kind(await receptions.act(number, "sign-off", "leader")) == "case.illegal"
    desk.hub.clock.move(days=2)
    await desk.hub.settle()
    assert (await desk.see(order))["state"] == "closed"


async def test_a_promise_whose_order_is_reopened_is_signed_off_again(desk, receptions):
    number, order = await receptions.promised()
    await desk.answer(order)
    assert (await receptions.act(number, "sign-off", "leader")).status_code == 200
    await desk.act(order, "reopen", "resident", reason="又停水了")
    for _ in range(2):
        await desk.hub.settle()
    await desk.answer(order)
    assert kind(await desk.try_act(order, "close", "dispatcher")) == "hotline.sign-off-first"
    assert (await receptions.act(number, "sign-off", "leader")).status_code == 200
    assert (await desk.act(order, "close", "dispatcher"))["state"] == "closed"


async def test_only_the_leader_who_received_signs_off_until_another_takes_it_over(desk, receptions):
    from core.access.grants import grant
    from plugin_sdk.ports import ScopeKind

    number, order = await receptions.promised()
    await desk.answer(order)
    checker = await desk.hub.actor("checker")
    async with desk.hub.services.database.transaction(write=True) as tx:
        await grant(tx, checker.post_id, "hotline.leader", ScopeKind.ORGANIZATION)
    refused = await receptions.act(number, "sign-off", "checker")
    assert (refused.status_code, kind(refused)) == (403, "hotline.not-sponsor")
    assert (await receptions.act(number, "take-over", "checker")).status_code == 422  # without why
    again = await receptions.act(number, "take-over", "leader", reason="还是我")
    assert kind(again) == "hotline.sponsor-already"
    taken = await receptions.act(number, "take-over", "checker", reason="原领导调离")
    assert taken.status_code == 200, taken.text
    assert (await receptions.act(number, "sign-off", "leader")).status_code == 403
    assert (await receptions.act(number, "sign-off", "checker")).status_code == 200


async def test_nothing_happens_before_the_day_and_nobody_withdraws_after_it(desk, receptions):
    day = await receptions.announce(places=3)
    number = (await receptions.register(day)).json()["number"]
    twice = await receptions.register(day, status=409)
    assert kind(twice) == "hotline.reception-twice"
    form = {"text": "听取意见", "promise": "恢复供水改造"}
    for verb in ("receive", "settle", "absent"):
        role = "dispatcher" if verb == "absent" else "leader"
        given = form if verb == "receive" else {"text": "当场答复"} if verb == "settle" else {}
        early = await receptions.act(number, verb, role, **given)
        assert kind(early) == "hotline.reception-early", verb
    assert (await receptions.act(number, "receive", "dispatcher", **form)).status_code == 403
    assert (await receptions.act(number, "receive", "resident", **form)).status_code == 403
    desk.hub.clock.move(days=4)
    late = await receptions.act(number, "withdraw", "resident")
    assert kind(late) == "hotline.reception-past"
    over = await receptions.register(day, "resident2", status=422)
    assert codes(over) == ["hotline.reception.wrong.day-over"]
    wrong = await receptions.act(number, "receive", "leader", **form, due_on="2020-01-06")
    assert wrong.status_code == 422
    assert (await receptions.get("/orders")).json()["items"] == []  # nothing half-way
    done = await receptions.act(number, "settle", "leader", text="当场答复，来访人满意")
    assert done.status_code == 200, done.text
    seen = (await receptions.get(f"/reception/{number}", "resident")).json()
    assert seen["state"] == "closed"
    assert "当场答复，来访人满意" in str(seen["timeline"])


async def test_a_day_that_changes_or_is_called_off_is_told_and_another_is_found(desk, receptions):
    day, other = await receptions.announce(places=2), await receptions.announce(6, name="教育")
    number = (await receptions.register(day)).json()["number"]
    called = {"day": day["id"], "text": MATTER, "phone": PHONE}
    assert (await receptions.post("/reception-intake", "operator", **called)).status_code == 422
    caller = await receptions.post("/reception-intake", "operator", **called, caller_name="李大爷")
    assert caller.status_code == 201, caller.text
    shown = await receptions.get(f"/reception/{caller.json()['number']}", "leader")
    assert "李大爷" not in shown.text  # masked until it is revealed
    assert PHONE not in shown.text

    values = {
        "name": "物业和供水",
        "leader": "副区长（分管城建）",
        "place": "区政府 101 室",
        "ends_on": str(desk.hub.clock.day(4)),
        "opens": "09:00",
        "closes": "11:30",
    }
    path = f"/reception-days/{day['id']}"
    fewer = await receptions.post(f"{path}/change", "dispatcher", **values, places=1, version=1)
    assert codes(fewer) == ["hotline.reception.wrong.places-taken"]
    assert (
        await receptions.post(f"{path}/change", "operator", **values, places=2, version=1)
    ).status_code == 403
    moved = await receptions.post(f"{path}/change", "dispatcher", **values, places=2, version=1)
    assert moved.status_code == 200, moved.text
    ended = await receptions.post(
        f"{path}/end", "dispatcher", version=2, ends_on=str(desk.hub.clock.day(-1)), reason="会议"
    )
    assert ended.status_code == 200, ended.text
    await desk.hub.settle()
    told = (await (await desk.client("resident")).get("/messages")).text
    assert "区政府 101 室" in told
    assert "called_off" in told
    await receptions.register(day, "resident2", status=422)
    found = await receptions.act(number, "move", "dispatcher", day=other["id"], reason="原定取消")
    assert found.status_code == 200, found.text
    full = await receptions.register(other, "resident2", status=422)
    assert "满额" in full.text
    here = await receptions.act(number, "move", "dispatcher", day=other["id"], reason="再改")
    assert kind(here) == "hotline.reception-same-day"


async def test_one_page_leads_to_each_what_is_theirs(desk, receptions):
    await receptions.announce(places=2)
    heads = {}
    for role in ("resident", "specialist", "leader", "dispatcher", "operator"):
        page = await (await desk.client(role)).page(f"{HERE}/doors")
        assert page.status_code == 200, role
        heads[role] = [
            words
            for words in ("领导接访", "窗口", "营商环境专席")
            if f"<h2>{words}" in page.text or f"<h2>“办不成事”{words}" in page.text
        ]
    assert heads["resident"] == heads["leader"] == ["领导接访", "窗口"]
    assert heads["specialist"] == ["窗口", "营商环境专席"]
    assert heads["dispatcher"] == heads["operator"] == ["领导接访"]


async def test_the_leader_is_asked_to_sign_once_there_is_an_answer(desk, receptions):
    async def waits():
        await desk.hub.settle()
        rows = (await (await desk.client("leader")).get("/work")).json()["rows"]
        return f"{HERE}/reception/{number}" in {row["href"] for row in rows}

    async def may_rate():
        return "rate" in {one["verb"] for one in (await desk.see(order, "resident"))["actions"]}

    number, order = await receptions.promised()
    assert not await waits()
    await desk.answer(order)
    assert await waits()
    assert not await may_rate()
    await desk.act(order, "reopen", "dispatcher", reason="没修好")
    assert not await waits()
    await desk.answer(order)
    assert await waits()
    assert (await receptions.act(number, "sign-off", "leader")).status_code == 200
    assert not await waits()
    assert await may_rate()


async def test_who_registered_by_telephone_hears_of_a_day_called_off_and_gets_another(
    desk, receptions
):
    async def waits():
        rows = (await (await desk.client("dispatcher")).get("/work")).json()["rows"]
        return [row["href"] for row in rows].count(f"{HERE}/reception")

    day, other = await receptions.announce(places=2), await receptions.announce(6, places=2)
    numbers = [(await receptions.register(day)).json()["number"]]
    called = {"day": day["id"], "text": MATTER, "phone": PHONE, "caller_name": "李大爷"}
    taken = await receptions.post("/reception-intake", "operator", **called)
    numbers.append(taken.json()["number"])
    off = {"version": 1, "ends_on": str(desk.hub.clock.day(-1)), "reason": "会议"}
    ended = await receptions.post(f"/reception-days/{day['id']}/end", "dispatcher", **off)
    assert ended.status_code == 200, ended.text
    await desk.hub.settle()
    sent = (await (await desk.client("administrator")).get("/admin/outbox")).json()["messages"]
    assert [one["address"] for one in sent if "取消" in one["text"]] == ["138****5678"]
    for number, left in zip(numbers, (1, 0), strict=True):
        assert await waits() == 1
        found = await receptions.act(number, "move", "dispatcher", day=other["id"], reason="取消")
        assert found.status_code == 200, found.text
        assert await waits() == left
