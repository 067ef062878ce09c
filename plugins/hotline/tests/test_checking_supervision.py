"""Supervision: opened by rule or by a person, once; explained in writing, raised, ended."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

from core.access.grants import grant
from plugin_sdk.ports import ScopeKind
from plugins.hotline.checking.following import Following
from plugins.hotline.desk import desk_of
from plugins.hotline.tests.conftest import HERE

TUESDAY = datetime(2026, 3, 3, 2, tzinfo=UTC)  # 10:00 in Shanghai
BASIS = {"reason": "不归我们管", "legal_basis": "三定方案"}


def code(answer):
    return answer.json()["type"].rpartition(":")[2]


def said(view, field):
    return [
        fact["value"]["key"].rpartition(".")[2]
        if isinstance(fact["value"], dict)
        else fact["value"]
        for fact in view["summary"]
        if fact["label"]["key"].endswith(f"field.{field}")
    ]


async def supervisions(desk, by="dispatcher"):
    answer = await (await desk.client(by)).get(f"{HERE}/supervisions")
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def look(desk, number, by="dispatcher"):
    return await (await desk.client(by)).get(f"{HERE}/supervisions/{number}")


async def do(desk, number, verb, by, **form):
    if "version" not in form:
        form["version"] = (await look(desk, number)).json()["version"]
    return await (await desk.client(by)).post(f"{HERE}/supervisions/{number}/{verb}", json=form)


async def late(desk):
    """Let an order pass its deadline; return its number and that of its supervision."""
    desk.hub.clock.stand(TUESDAY)
    number = (await desk.file())["number"]
    await desk.begin(number)
    desk.hub.clock.stand(datetime(2026, 3, 25, 10, tzinfo=UTC))
    await desk.hub.settle()
    (found,) = await supervisions(desk)
    return number, found["number"]


async def test_a_late_order_is_explained_by_its_unit_and_ended_by_another(desk):
    order, number = await late(desk)
    await desk.hub.settle()
    assert len(await supervisions(desk)) == 1
    seen = (await look(desk, number)).json()
    assert (said(seen, "cause"), said(seen, "grade")) == (["late"], ["1"])
    assert (said(seen, "order"), seen["unit"]) == ([order], "城市管理局")
    assert seen["deadline"]["due_at"] == "2026-03-30T09:30:00Z"  # three working days
    inbox = (await (await desk.client("unit")).get("/work")).json()
    assert f"{HERE}/supervisions/{number}" in str(inbox)
    for who, n in (("unit", 1), ("dispatcher", 1), ("resident", 0)):
        shown = [fact["value"] for fact in (await desk.see(order, who))["summary"]]
        assert str(shown).count("supervision.on_order") == n
    for other, status in (("unit2", 404), ("resident", 403), ("operator", 403)):
        assert (await look(desk, number, other)).status_code == status
    assert (await do(desk, number, "explain", "unit2", text="代写")).status_code == 404
    assert code(await do(desk, number, "end", "dispatcher")) == "case.illegal"
    explained = await do(desk, number, "explain", "unit", text="备件缺货，已到货，3 日内装好")
    assert explained.status_code == 200, explained.text
    assert (await do(desk, number, "end", "unit")).status_code == 403
    refused = await do(desk, number, "refuse", "dispatcher", reason="写明责任人和日期")
    assert refused.json()["state"] == "asked"
    await do(desk, number, "explain", "unit", text="责任人张三，3 月 28 日前装好")
    ended = await do(desk, number, "end", "leader")
    assert ended.json()["state"] == "ended", ended.text
    assert said((await look(desk, number)).json(), "explanation") == [
        "责任人张三，3 月 28 日前装好"
    ]


async def test_what_is_not_explained_goes_up_by_itself_to_the_head_and_the_leader(desk):
    async with desk.hub.services.database.transaction(write=True) as tx:
        post = (await desk.hub.actor("deputy")).post_id
        await grant(tx, post, "hotline.unit_head", ScopeKind.ORGANIZATION, granted_by=None)
    _, number = await late(desk)

    async def told(by):
        await desk.hub.settle()
        found = (await (await desk.client(by)).get("/messages")).json()
        return str(found).count("supervision.letter") // 2  # in title and text

    assert (await told("deputy"), await told("leader")) == (0, 0)
    desk.hub.clock.stand(datetime(2026, 3, 30, 10, tzinfo=UTC))
    assert (await told("deputy"), await told("leader")) == (1, 0)
    seen = (await look(desk, number)).json()
    assert said(seen, "grade") == ["2"]
    assert seen["deadline"]["due_at"] == "2026-04-01T09:30:00Z"
    desk.hub.clock.stand(datetime(2026, 4, 1, 10, tzinfo=UTC))
    assert (await told("deputy"), await told("leader")) == (2, 1)
    desk.hub.clock.stand(datetime(2026, 4, 20, 10, tzinfo=UTC))
    assert (await told("deputy"), await told("leader")) == (2, 1)  # there is no fourth
    seen = (await look(desk, number)).json()
    assert (said(seen, "grade"), seen["state"]) == (["3"], "asked")
    assert code(await do(desk, number, "escalate", "dispatcher")) == "hotline.top-grade"
    head = await do(desk, number, "explain", "deputy", text="已专题研究")
    assert head.status_code == 200, head.text


async def test_a_person_supervises_and_what_is_open_stays_one(desk):
    number = (await desk.file())["number"]
    await desk.begin(number)
    await desk.act(number, "supervise", "dispatcher", reason="三天内说明进展")
    await desk.act(number, "supervise", "dispatcher", reason="再说一遍")
    (found,) = await supervisions(desk)
    seen = (await look(desk, found["number"])).json()
    assert (said(seen, "cause"), said(seen, "why")) == (["manual"], ["三天内说明进展"])
    withdrawn = await do(desk, found["number"], "withdraw", "dispatcher", reason="误开")
    assert withdrawn.json()["state"] == "ended"
    await desk.act(number, "supervise", "dispatcher")
    assert sorted(one["state"] for one in await supervisions(desk)) == ["asked", "ended"]


async def test_a_cause_of_the_next_unit_opens_a_supervision_of_that_unit(desk):
    number = (await desk.file())["number"]
    await desk.dispatch(number)
    await desk.act(number, "supervise", "dispatcher", reason="尽快签收")
    await desk.act(number, "return", "unit", **BASIS)
    await desk.dispatch(number, "unit2")
    for _ in range(2):
        await desk.act(number, "supervise", "dispatcher", reason="三天内说明进展")
    found = {one["unit"]: one for one in await supervisions(desk)}
    assert sorted(found) == ["交通运输局", "城市管理局"]
    assert {one["state"] for one in found.values()} == {"asked"}
    assert len(await supervisions(desk)) == 2


async def test_nobody_ends_what_they_explained_themselves(desk):
    desk.hub.clock.stand(TUESDAY)
    number = (await desk.file())["number"]  # never dispatched: the centre itself is late
    desk.hub.clock.stand(datetime(2026, 3, 25, 10, tzinfo=UTC))
    await desk.hub.settle()
    (found,) = await supervisions(desk)
    await do(desk, found["number"], "explain", "dispatcher", text="漏派，已派")
    assert code(await do(desk, found["number"], "end", "dispatcher")) == "case.had-a-hand"
    assert (await do(desk, found["number"], "end", "leader")).status_code == 200
    assert (await desk.see(number))["state"] == "received"


async def test_the_centre_does_not_withdraw_the_supervision_of_itself(desk):
    desk.hub.clock.stand(TUESDAY)
    await desk.file()
    desk.hub.clock.stand(datetime(2026, 3, 25, 10, tzinfo=UTC))
    await desk.hub.settle()
    (found,) = await supervisions(desk)
    number = found["number"]
    why = {"reason": "误开"}
    assert code(await do(desk, number, "withdraw", "dispatcher", **why)) == (
        "hotline.own-supervision"
    )
    assert (await do(desk, number, "withdraw", "leader", **why)).status_code == 200


async def test_an_order_returned_twice_is_supervised_once_however_often_it_is_heard(desk):
    desk.hub.clock.stand(TUESDAY)
    filed = await desk.file()
    number = filed["number"]
    await desk.dispatch(number)
    await desk.act(number, "return", "unit", **BASIS)
    await desk.hub.settle()
    assert await supervisions(desk) == []
    await desk.dispatch(number, "unit2")
    await desk.act(number, "return", "unit2", **BASIS)
    await desk.hub.settle()
    (found,) = await supervisions(desk)
    assert (found["state"], found["unit"]) == ("asked", "交通运输局")
    assert said((await look(desk, found["number"])).json(), "cause") == ["returned"]
    hub = desk.hub.hub.apps.hubs["hotline"]
    following, unit = Following(desk_of(hub)), await desk.unit("unit2")
    id = (await desk.see(number))["id"]

    async def again():
        async with hub.work(hub.system("twice")) as work:
            await following.returned(work, {"id": id, "unit": unit, "n": 2})

    await asyncio.gather(*(again() for _ in range(4)))
    await do(desk, found["number"], "withdraw", "dispatcher", reason="已查明")
    await again()
    assert len(await supervisions(desk)) == 1
    async with hub.work(hub.system("gone")) as work:  # of an order that is not there
        await following.returned(work, {"id": str(UUID(int=1)), "unit": unit, "n": 2})
