"""Two who act at once on what hangs together: both come to their end, the second after the first.

The first is stopped while it holds what it took first; the second begins meanwhile. Held in the
wrong order they would wait for each other, and the database would end one of them.
"""

import asyncio
from uuid import UUID

from plugin_sdk.cases.forms import NoteForm, ReasonForm
from plugins.hotline.checking.supervising import supervision_desk
from plugins.hotline.coordination.forms import CallOffForm
from plugins.hotline.coordination.models import Coordination
from plugins.hotline.desk import desk_of
from plugins.hotline.models import Order
from plugins.hotline.reception.forms import ReceptionDayForm
from plugins.hotline.reception.visits import VisitDesk
from plugins.hotline.tests.coordinating import Table
from plugins.hotline.tests.test_checking_supervision import late, look, said, supervisions
from plugins.hotline.tests.test_reception import Receptions

SECONDS = 0.4


def stopped(owner, name, monkeypatch):
    """Let an act stop before it calls this; return what says that it has come there."""
    real, came = getattr(owner, name), asyncio.Event()

    async def slow(*args, **more):
        came.set()
        await asyncio.sleep(SECONDS)
        return await real(*args, **more)

    monkeypatch.setattr(owner, name, slow)
    return came


async def act(hub, engine, actor, id, verb, form, done=None):
    """Do an act; with `done`, say that it is done and wait before it is committed."""
    await engine.prepare(verb)
    async with hub.work(actor) as work:
        await engine.act(work, id, verb, form)
        if done is not None:
            await work.session.flush()
            done.set()
            await asyncio.sleep(SECONDS)


async def test_who_is_kept_secret_while_the_meeting_is_called_off(hub_app, monkeypatch):
    table, hub = Table(hub_app), hub_app.hub.apps.hubs["hotline"]
    text = "我是王秀英，楼下饭店排烟"
    caller = {"caller_name": "王秀英", "phone": "13800005678", "text": text}
    order = (await table.file("operator", "intake", **caller))["number"]
    number = await table.coordinate(order)
    await table.act(order, "keep-secret", "operator")  # it is not told to the coordination yet
    engine, seen = desk_of(hub).engine.coordinations, await table.met(number)
    came = stopped(engine.deciding.orders, "resume", monkeypatch)
    form = CallOffForm(version=seen["version"], reason="城管局认了")
    dispatcher, id = await hub_app.actor("dispatcher"), UUID(seen["id"])
    whole = {"id": (await table.see(order))["id"]}

    async def hide():
        await came.wait()
        async with hub.work(hub.system("events")) as work:
            await engine.kept_secret(work, whole)

    await asyncio.gather(act(hub, engine, dispatcher, id, "call-off", form), hide())
    async with hub.work(hub.system("test")) as work:
        row = await work.get(Coordination, id)
        assert (row.secret, row.state) == (True, "called_off")
    assert (await table.see(order))["state"] == "received"


async def test_an_order_is_supervised_anew_that_was_until_now(desk):
    order, number = await late(desk)
    hub = desk.hub.hub.apps.hubs["hotline"]
    orders = desk_of(hub).engine
    dispatcher = await desk.hub.actor("dispatcher")
    ending, ended = supervision_desk(hub).engine, asyncio.Event()
    seen, row = (await look(desk, number)).json(), await desk.see(order)

    async def end():
        form = ReasonForm(version=seen["version"], reason="已当面说明")
        await act(hub, ending, dispatcher, UUID(seen["id"]), "withdraw", form, ended)

    async def again():
        await ended.wait()
        form = NoteForm(version=row["version"], reason="还没有办")
        await act(hub, orders, dispatcher, UUID(row["id"]), "supervise", form)

    await asyncio.gather(end(), again())
    found = [(await look(desk, one["number"])).json() for one in await supervisions(desk)]
    assert sorted((one["state"], *said(one, "cause")) for one in found) == [
        ("asked", "manual"),
        ("ended", "late"),
    ]


async def test_a_place_is_given_back_while_the_day_is_moved(desk, monkeypatch):
    receptions = Receptions(desk)
    day = await receptions.announce(places=1)
    visit = (await receptions.register(day)).json()
    hub = desk.hub.hub.apps.hubs["hotline"]
    visits = VisitDesk(desk_of(hub))
    came = stopped(visits.days, "free_place", monkeypatch)
    resident, dispatcher = [await desk.hub.actor(role) for role in ("resident", "dispatcher")]
    seen = (await receptions.get(f"/reception/{visit['number']}", "resident")).json()

    async def move():
        await came.wait()
        async with hub.work(dispatcher) as work:
            row = await visits.days.find(work, UUID(day["id"]))
            names = ReceptionDayForm.model_fields
            values = {name: getattr(row, name) for name in names if hasattr(row, name)}
            form = ReceptionDayForm(**{**values, "place": "区政府 101 室"})
            await visits.days.change(work, row.id, form, row.version, "改地点")

    form = visits.engine.flow.by_verb("withdraw").form(version=seen["version"])
    await asyncio.gather(
        act(hub, visits.engine, resident, UUID(seen["id"]), "withdraw", form), move()
    )
    gone = (await receptions.get(f"/reception/{visit['number']}", "resident")).json()
    assert gone["state"] == "withdrawn"
    moved = await receptions.get(f"/reception-days/{day['id']}", "resident")
    assert "区政府 101 室" in moved.text
    await receptions.register(day, "resident2")


async def test_two_leaders_who_receive_at_once_promise_once(desk):
    receptions = Receptions(desk)
    number = (await receptions.register(await receptions.announce())).json()["number"]
    desk.hub.clock.move(days=3)
    version = (await receptions.get(f"/reception/{number}", "leader")).json()["version"]
    form = {"text": "听取意见", "promise": "两周内恢复供水改造", "version": version}
    for role in ("leader", "owner"):
        await desk.client(role)
    answers = await asyncio.gather(
        *(receptions.act(number, "receive", role, **form) for role in ("leader", "owner"))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert len((await receptions.get("/orders")).json()["items"]) == 1


async def test_what_was_promised_is_reopened_while_the_leader_signs(desk):
    receptions = Receptions(desk)
    number, order = await receptions.promised()
    await desk.answer(order)
    hub = desk.hub.hub.apps.hubs["hotline"]
    visits, seen = VisitDesk(desk_of(hub)).engine, await desk.see(order)
    visit = (await receptions.get(f"/reception/{number}", "leader")).json()
    leader, dispatcher = [await desk.hub.actor(role) for role in ("leader", "dispatcher")]
    held = asyncio.Event()

    async def sign():
        form = NoteForm(version=visit["version"])
        await act(hub, visits, leader, UUID(visit["id"]), "sign-off", form, held)

    async def reopen():
        await held.wait()
        form = ReasonForm(version=seen["version"], reason="没有修好")
        await act(hub, desk_of(hub).engine, dispatcher, UUID(seen["id"]), "reopen", form)
        async with hub.work(hub.system("events")) as work:
            await visits.order_reopened(work, {"id": seen["id"]})

    await asyncio.gather(sign(), reopen())
    async with hub.work(hub.system("test")) as work:
        assert (await work.get(Order, UUID(seen["id"]))).state == "received"
    again = (await receptions.get(f"/reception/{number}", "leader")).json()
    assert again["state"] == "promised", "it is signed anew"
