"""The register of lines: merged, then closed, and what came by each."""

from datetime import timedelta
from uuid import UUID, uuid4

from sqlmodel import col

from core.governance.lifecycle.service import enter, take
from plugin_sdk.cases.counting import mark
from plugin_sdk.deadlines import local_day
from plugins.hotline.desk import desk_of
from plugins.hotline.lines.register import line_engine
from plugins.hotline.lines.routes import LinePages, LineView
from plugins.hotline.models import Order
from plugins.hotline.tests.conftest import HERE
from plugins.hotline.tests.switching import Exchange

LINES = f"{HERE}/lines"


def wrong(answer):
    assert answer.status_code == 422, answer.text
    codes = [one["code"].removeprefix("hotline.") for one in answer.json()["errors"]]
    return list(zip([one["field"] for one in answer.json()["errors"]], codes, strict=True))


async def test_a_line_is_merged_then_its_number_closed_and_calls_are_counted(desk):
    exchange, dispatcher = Exchange(desk.hub), await desk.client("dispatcher")
    today = local_day(desk.hub.clock())
    line = {"code": "12319", "name": "城建热线", "owner": await desk.unit(), "app": "city-line"}
    for field, value, why in (
        ("code", "城建", "line.wrong.number"),
        ("app", "City line", "line.wrong.app"),
        ("owner", "nobody", "choice"),
    ):
        assert wrong(await dispatcher.post(LINES, json={**line, field: value})) == [(field, why)]
    soon = {**line, "takes_over_on": str(today), "ends_on": str(today - timedelta(days=1))}
    assert wrong(await dispatcher.post(LINES, json=soon)) == [
        ("ends_on", "line.wrong.before_merge")
    ]
    made = (await dispatcher.post(LINES, json=line)).json()
    assert made["stage"]["key"] == "hotline.line.stage.open"
    assert (made["about_href"], made["unknown_app"]) == (None, "city-line")
    assert (made["life"], made["number"]) == (None, [])
    assert wrong(await dispatcher.post(LINES, json=line)) == [("code", "code-taken")]
    here = f"{LINES}/{made['id']}"
    end = {"version": 1, "ends_on": str(today), "reason": "并入 12345"}
    assert wrong(await dispatcher.post(f"{here}/end", json=end)) == [
        ("ends_on", "line.wrong.before_merge")
    ]
    merged = {**line, "takes_over_on": str(today), "version": 1}
    merged.pop("code")
    answer = await dispatcher.post(f"{here}/change", json=merged)
    assert answer.json()["stage"]["key"] == "hotline.line.stage.merged", answer.text
    assert (await dispatcher.post(f"{here}/change", json=merged)).status_code == 409  # stale
    assert (await dispatcher.post(f"{here}/end", json={**end, "version": 2})).status_code == 200
    await exchange.ring("c1", line="12319")
    desk.hub.clock.move(days=1)
    dispatcher = await desk.client("dispatcher")
    exchange.began = desk.hub.clock()
    await exchange.ring("c2", line="12319")  # it is taken all the same, and seen
    await exchange.ring("c3", line="95598")  # no line of ours: it came by 12345
    shown = (await dispatcher.get(here)).json()
    assert shown["stage"]["key"] == "hotline.line.stage.closed"
    assert shown["notice"]["params"] == {"n": 1}
    assert sum(row[1] for row in shown["chart"]["rows"]) == 2
    assert len(shown["chart"]["rows"]) == 12
    steps = [(one["verb"], one["on"], one["tone"]) for one in shown["number"]]
    closed = str(today + timedelta(days=1))
    assert steps == [
        ("number_closed", closed, "done"),
        ("forwarded", str(today), "done"),
        ("announced", str(today), "done"),
        ("merged", str(today), "done"),
    ]
    figures = (await dispatcher.get(f"{LINES}/figures")).json()
    assert [card["value"] for card in figures["cards"]] == [0, 0, 1, 3, 0]
    own = [row for row in figures["charts"][1]["rows"] if row[0] != "城建热线"]
    assert [row[1:] for row in own] == [[1, 0]]
    long = await dispatcher.get(f"{LINES}/figures?since=2020-01-01&until=2026-01-01")
    assert (long.status_code, long.json()["type"].rpartition(":")[2]) == (
        409,
        "hotline.line-months",
    )
    hub = exchange.board.hub
    await exchange.send(exchange.event("ringing", "c4", line="12319", direction="out"))
    assert (await dispatcher.get(here)).json()["notice"]["params"] == {"n": 1}  # who is called back
    number = (await desk.file("operator", "intake", phone="13800005678"))["number"]
    for whole, orders in ((None, 1), (uuid4(), 0)):  # a part of a decision is no order of the line
        async with hub.work(hub.system("test")) as work:
            found = await work.session.execute(
                work.rows(Order, col(Order.id)).where(col(Order.number) == number)
            )
            row = await work.get(Order, found.scalar_one())
            row.line, row.split_from_id = "12319", whole
            await mark(work, row)
        await desk.count()
        shown = (await dispatcher.get(here)).json()
        assert sum(each[2] for each in shown["chart"]["rows"]) == orders


async def test_the_page_of_a_line_says_where_its_old_app_stands(desk):
    hub, today = desk.hub, local_day(desk.hub.clock())
    dispatcher, staff = await desk.client("dispatcher"), await hub.actor("governance")
    line = {"code": "12319", "name": "城建热线", "owner": await desk.unit(), "app": "old-line"}
    line |= {"takes_over_on": str(today), "ends_on": str(today + timedelta(days=30))}
    here = f"{LINES}/{(await dispatcher.post(LINES, json=line)).json()['id']}"

    async def shown():
        return (await dispatcher.get(here)).json()

    async def step(*verbs, **values):
        async with hub.services.database.transaction(write=True) as tx:
            for verb in verbs:
                await take(tx, "old-line", verb, staff, **values)

    found = await shown()
    assert found["unknown_app"] == "old-line"  # nothing of that name is on the register
    assert found["chart"]["sentence"]["key"] == "hotline.line.figures.by_month_none"
    assert [one["tone"] for one in found["number"]] == ["step", "step", "done", "done"]
    async with hub.services.database.transaction(write=True) as tx:
        await enter(tx, "old-line", "active", today - timedelta(days=400))
    await step("review")
    found = await shown()  # what is not decided yet is nobody else's to read
    assert (found["life"]["stage"], found["about_href"]) == ("active", "/about/old-line")
    closes = today + timedelta(days=20)
    await step("retire")
    await step("sunset", closes_on=closes, successor="hotline")
    life = (await shown())["life"]
    assert (life["stage"], life["closes_on"]) == ("sunset", str(closes))
    assert [(one["verb"], one["on"], one["tone"]) for one in life["steps"]] == [
        ("closes", str(closes), "step"),
        ("sunset", str(today), "done"),
    ]
    await step("close", "archive", "restore")  # what was undone is no step of it
    life = (await shown())["life"]
    assert [one["verb"] for one in life["steps"]] == ["closed", "sunset"]
    page = (await dispatcher.page(here)).text
    assert 'href="/about/old-line"' in page
    assert "数据归档" not in page
    await step("reopen", "call_off")
    life = (await shown())["life"]
    assert (life["stage"], life["closes_on"], life["steps"]) == ("retire", None, [])


async def test_a_unit_of_work_on_a_line_opens_no_connection_beside_its_own(desk, monkeypatch):
    shell, today = desk.hub.services.database, desk.hub.clock.day()
    dispatcher, actor = await desk.client("dispatcher"), await desk.hub.actor("dispatcher")
    line = {"code": "12319", "name": "城建热线", "owner": await desk.unit(), "app": "old-line"}
    id = (await dispatcher.post(LINES, json=line)).json()["id"]
    async with shell.transaction(write=True) as tx:
        await enter(tx, "old-line", "active", today)
    hub = desk.hub.hub.apps.hubs["hotline"]
    pages = LinePages(line_engine(hub), desk_of(hub))
    await pages.units()  # as the page did that came before
    async with hub.work(actor) as work:
        row = await pages.engine.find(work, UUID(id))
        with monkeypatch.context() as patch:
            patch.setattr(shell, "transaction", None)
            view = await pages.record_view(work, row)
    assert isinstance(view, LineView)
    assert view.life is not None
    assert view.life.stage == "active"


async def test_only_a_dispatcher_keeps_lines(desk):
    line = {"code": "12319", "name": "城建热线", "owner": await desk.unit()}
    for role in ("operator", "leader"):
        client = await desk.client(role)
        assert (await client.get(LINES)).status_code == 200
        assert (await client.post(LINES, json=line)).status_code == 403
    for role in ("unit", "resident"):
        assert (await (await desk.client(role)).get(LINES)).status_code == 403
    listed = await (await desk.client("dispatcher")).page(f"{HERE}/dispatch")
    assert f'href="{LINES}"' in listed.text
    assert (
        f'href="{LINES}"' not in (await (await desk.client("operator")).page(f"{HERE}/orders")).text
    )
