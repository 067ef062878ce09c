"""From a violation to its receipt, and back where it turns out not to be owed."""

from datetime import date

import pytest

from plugin_sdk.payments.simulated import How
from plugins.traffic.models import Handling
from plugins.traffic.tests.conftest import PARKED, RED_LIGHT
from plugins.traffic.tests.paying import Till
from portal.testing.browser import sign_in


@pytest.fixture
async def till(town):
    return Till(town.hub, await town.hub.actors())


async def _paid(town, till, number):
    await town.post(f"/violations/{number}/accept")
    opened = await town.post(f"/violations/{number}/pay", status=201)
    await till.provider.pay(till.desk.order(await _row(till, opened["number"])), How.AT_ONCE)
    await till.provider.deliver(till.engine.receive)
    return opened


async def _row(till, number):
    return next(row for row in await till.rows("payment") if row.number == number)


async def test_a_fine_is_paid_late_the_source_hears_of_it_and_gets_it_back(town, till):
    await town.bind()
    await town.get(f"/violations/{RED_LIGHT}/pay", status=404)  # not accepted: nothing is owed
    await town.get("/violations")
    opened = await _paid(town, till, RED_LIGHT)
    assert (await town.get(f"/violations/{RED_LIGHT}"))["state"] == "paid"
    again = await town.post(f"/violations/{RED_LIGHT}/pay", status=409)
    assert again["type"] == "urn:yimen:problem:traffic.is-paid"
    # the source is away first, and hears it then
    town.source.switch(away=True)
    await till.engine.tell(town.source)
    assert (await _row(till, opened["number"])).told is None
    town.source.switch()
    await till.engine.tell(town.source)
    with town.source._open() as database:
        said = database.execute("SELECT paid FROM violation WHERE number = ?", (RED_LIGHT,))
        assert said.fetchone()["paid"] == 1
    # an objection that is upheld gives it back: more than one officer decides on this sum
    filed = await town.object_to(RED_LIGHT)
    assert (await town.get(f"/violations/{RED_LIGHT}"))["state"] == "objected"
    text = "经核对属实，撤销。"
    await town.act(filed["number"], "propose", "officer", text=text)
    await town.act(filed["number"], "confirm", "officer2")
    await till.mind()
    assert (await _row(till, opened["number"])).state == "refunded"
    assert (await town.get(f"/violations/{RED_LIGHT}"))["state"] == "cancelled"
    await till.engine.tell(town.source)
    assert (await _row(till, opened["number"])).told == "refunded"


async def test_what_is_added_for_lateness_is_of_the_day_of_opening(town, till):
    await town.bind()
    await town.get("/violations")
    await town.post(f"/violations/{PARKED}/accept")
    (handling,) = await town.rows(Handling)
    assert handling.due_on == date(2026, 9, 16)
    town.later(days=17)  # two days late: 3% each
    opened = await town.post(f"/violations/{PARKED}/pay", status=201)
    fine = handling.fine
    assert [line["amount"]["fen"] for line in opened["lines"]] == [fine, fine * 6 // 100]
    await town.get("/violations")
    filed = await town.object_to(PARKED)  # refused: it stands as before
    await town.act(filed["number"], "uphold", "officer", text="标志清楚，维持。")
    assert (await town.get(f"/violations/{PARKED}"))["state"] == "accepted"


@pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)
async def test_violation_payment_and_receipt_on_a_phone(served_hub, phone):
    from plugins.traffic import demonstration
    from plugins.traffic.desk import desk_of

    desk = desk_of(served_hub.hub.apps.hubs["traffic"])
    async for _ in demonstration.run(desk, await served_hub.actors()):
        pass
    tab, here = await phone(), f"{served_hub.url}/apps/traffic"
    await sign_in(tab, served_hub.url, "resident")
    await tab.goto(f"{here}/violations/{RED_LIGHT}")
    await tab.click("a.primary")  # accept
    await tab.click("form[action$='/accept'] button")
    await tab.wait_for_url(f"{here}/violations/{RED_LIGHT}")
    await tab.click("a.primary")  # pay
    await tab.click("form[action$='/pay'] button")
    await tab.wait_for_url(f"{here}/payments/*")
    await tab.click("a.primary")  # to the provider
    await tab.click("form[action*='/simulated/'] button")
    await tab.wait_for_selector(".badge.ok")
    await tab.click("a.primary")  # the receipt
    await tab.wait_for_url("**/receipt")
    assert await tab.locator("main .summary-list").count() == 2
    await tab.goto(f"{here}/violations/{RED_LIGHT}")
    assert await tab.locator(".badge.ok").count() == 1
