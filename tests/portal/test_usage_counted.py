"""What the door counts of a person's way through an app: opens, starts, effects; no person."""

import re
from datetime import timedelta

from sqlalchemy import func, select
from sqlmodel import col

from core.usage import reach
from core.usage.measures import Window
from core.usage.models import QUALITIES, UsageDay, UsageExit, UsageSession
from plugin_sdk.times import SHANGHAI

PAGE = {"accept": "text/html"}


async def counted(hub_app, kind):
    await hub_app.services.count_usage()
    async with hub_app.services.database.transaction() as tx:
        found = await tx.session.execute(
            select(func.sum(getattr(UsageDay, kind))).where(col(UsageDay.app) == "hotline")
        )
        return int(found.scalar_one() or 0)


async def test_an_open_is_a_page_reached_from_outside_the_app(hub_app, client_as):
    resident = await client_as("resident")
    outside = "http://127.0.0.1/apps"
    inside = "http://127.0.0.1/apps/hotline/orders"
    await resident.get("/apps/hotline/orders", headers={**PAGE, "referer": outside})
    await resident.get("/apps/hotline/orders", headers={**PAGE, "referer": inside})
    await resident.get("/apps/hotline/orders")  # a program opens nothing
    assert await counted(hub_app, "opens") == 1
    assert await counted(hub_app, "answered") == 3
    async with hub_app.services.database.transaction() as tx:
        today = tx.now.astimezone(SHANGHAI).date()
        (total,) = (await reach.totals(tx, ["hotline"], Window(today, today)))["hotline"]
        marks = await tx.session.execute(select(col(UsageSession.fruitful)))
    assert (total.opened, total.completed) == (1, 0)
    assert list(marks.scalars()) == [False], "one session, in which nothing was finished"
    back = await resident.get("/apps/hotline", headers=PAGE)
    assert back.status_code == 308
    assert await exits_of(hub_app) == [], "it leads into the app"


async def exits_of(hub_app):
    await hub_app.services.count_usage()
    async with hub_app.services.database.transaction() as tx:
        found = await tx.session.execute(select(col(UsageExit.host), col(UsageExit.kind)))
        return [tuple(row) for row in found]


async def test_an_app_that_leads_elsewhere_is_seen_by_the_door(hub_app):
    async def elsewhere(scope, receive, send):
        hosts = [b"http://127.0.0.1/apps/hotline/", b"https://old.example/login"]
        location = hosts[scope["path"].endswith("/old")]
        start = {"status": 302, "headers": [(b"location", location)]}
        await send({"type": "http.response.start", **start})
        await send({"type": "http.response.body"})

    hub_app.hub.door.slots["hotline"].instance.asgi = elsewhere
    client = hub_app.client()
    for path in ("new", "old"):
        assert (await client.get(f"/apps/hotline/{path}")).status_code == 302
    assert await exits_of(hub_app) == [("old.example", "redirect")]


async def test_a_start_is_a_form_that_begins_a_procedure(hub_app, client_as):
    resident = await client_as("resident")
    await resident.get("/apps/hotline/orders/new", headers=PAGE)
    assert await counted(hub_app, "starts") == 1


HERE = "/apps/hotline"
ORDER = {"kind": "consult", "text": "图书馆几点开门"}


def key_of(page):
    (key, *_) = re.findall(r'name="_key" value="([^"]+)"', page.text)
    return key


async def answer(hub_app, number):
    """Let the operator answer an order at once, which is its effect."""
    operator = await hub_app.client_as("operator")
    seen = (await operator.get(f"{HERE}/orders/{number}")).json()
    form = {"version": seen["version"], "text": "早九点到晚六点"}
    answered = await operator.post(f"{HERE}/orders/{number}/answer", json=form)
    assert answered.status_code == 200, answered.text


async def test_a_filing_of_a_program_is_a_start_and_so_never_more_is_completed(hub_app, client_as):
    resident = await client_as("resident")
    for n in range(3):
        form = {**ORDER, "text": f"{ORDER['text']} {n}"}
        headers = {"idempotency-key": f"key-of-filing-{n}"}
        filed, again = [
            await resident.post(f"{HERE}/orders", json=form, headers=headers) for _ in range(2)
        ]
        assert filed.json()["number"] == again.json()["number"]
        await answer(hub_app, filed.json()["number"])
    assert await counted(hub_app, "starts") == 3
    assert await counted(hub_app, "completes") == 3
    assert await counted(hub_app, "effects") >= 3


async def test_a_form_that_is_shown_and_sent_is_one_start(hub_app, client_as):
    resident = await client_as("resident")
    form = await resident.page(f"{HERE}/orders/new")
    wrong = await resident.post_form(f"{HERE}/orders", {"kind": "consult", "_key": key_of(form)})
    assert wrong.status_code == 422
    values = {**ORDER, "_key": key_of(wrong)}
    filed, again = [await resident.post_form(f"{HERE}/orders", values) for _ in range(2)]
    assert filed.headers["location"] == again.headers["location"]
    await answer(hub_app, filed.headers["location"].split("/")[-2])
    assert await counted(hub_app, "starts") == 1
    assert await counted(hub_app, "completes") == 1


async def test_a_form_that_is_sent_once_more_with_other_words_begins_another(hub_app, client_as):
    resident = await client_as("resident")
    values = {**ORDER, "_key": key_of(await resident.page(f"{HERE}/orders/new"))}
    first = await resident.post_form(f"{HERE}/orders", values)
    back = await resident.post_form(f"{HERE}/orders", {**values, "text": "还有一件事"})
    assert back.status_code == 409
    other = {**ORDER, "text": "还有一件事", "_key": key_of(back)}
    second = await resident.post_form(f"{HERE}/orders", other)
    for filed in (first, second):
        await answer(hub_app, filed.headers["location"].split("/")[-2])
    assert await counted(hub_app, "starts") == 2
    assert await counted(hub_app, "completes") == 2


async def test_a_demonstration_is_no_use(hub_app, client_as):
    hub, cast = hub_app.hub.apps, await hub_app.actors()
    rows = hub.hooks.call("hotline", "load_demonstration", hub=hub.hubs["hotline"], cast=cast)
    async for row in rows:
        if row.line == 12:
            break
    await rows.aclose()
    for kind in ("starts", "completes", "effects"):
        assert await counted(hub_app, kind) == 0, kind
    governance = await client_as("governance")
    view = (await governance.get("/governance")).json()
    (hotline,) = (row for row in view["rows"] if row["app"] == "hotline")
    assert not hotline["effects"]
    page = await governance.page("/governance")
    assert "导入的历史业务不是使用" in page.text


async def test_what_is_said_of_an_effect_is_counted_with_it_once(hub_app, client_as):
    """On time, after a reminder, to the satisfaction of whom it served; and they are reached."""
    resident, operator = await client_as("resident"), await client_as("operator")
    numbers = []
    for n in range(2):
        filed = await resident.post(f"{HERE}/orders", json={**ORDER, "text": f"问{n}"})
        numbers.append(filed.json()["number"])

    async def act(client, number, verb, **form):
        seen = (await client.get(f"{HERE}/orders/{number}")).json()
        form["version"] = seen["version"]
        done = await client.post(f"{HERE}/orders/{number}/{verb}", json=form)
        assert done.status_code == 200, done.text

    prompt, slow = numbers
    await act(operator, prompt, "answer", text="八点")
    await act(resident, prompt, "rate", rating="3")
    await act(resident, prompt, "reopen", reason="不对")
    await act(operator, prompt, "answer", text="九点")
    await act(resident, prompt, "rate", rating="1")
    await act(resident, slow, "urge")
    hub_app.clock.move(days=40)
    operator, resident = await client_as("operator"), await client_as("resident")
    await act(operator, slow, "answer", text="九点")
    await act(resident, slow, "rate", rating="2")
    counts = {kind: await counted(hub_app, kind) for kind in ("effects", *QUALITIES)}
    assert counts == {
        "effects": 4,  # answered and closed
        "timed": 2,
        "timely": 1,
        "rated": 2,  # the first of each
        "satisfied": 1,
        "reminded": 2,
    }
    async with hub_app.services.database.transaction() as tx:
        lately = Window((tx.now - timedelta(days=60)).date(), tx.now.date())
        totals = await reach.totals(tx, ["hotline"], lately)
    assert max(total.completed for total in totals["hotline"]) == 1, "the resident, however often"
