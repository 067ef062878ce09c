"""What is owed goes back, whoever has the money and whatever staff say; what was paid elsewhere is
not paid here."""

import pytest

from plugin_sdk.payments.simulated import How
from plugins.traffic.models import Handling
from plugins.traffic.settling import Settling
from plugins.traffic.tests.conftest import PARKED, RED_LIGHT
from plugins.traffic.tests.paying import Till


@pytest.fixture
async def till(town):
    return Till(town.hub, await town.hub.actors())


def settling(town):
    return Settling(town.desk.hub, town.desk.police, town.desk.fines)


async def opened(town, till, number, *, late=0):
    """Accept a violation and open its payment so many days later; return the payment."""
    await town.get("/violations")
    await town.post(f"/violations/{number}/accept")
    town.later(days=late)
    made = await town.post(f"/violations/{number}/pay", status=201)
    return next(row for row in await till.rows("payment") if row.number == made["number"])


async def decided(town, payment, by, status=200, **form):
    (refund,) = [
        row for row in await Till(town.hub, {}).rows("refund") if row.payment_id == payment.id
    ]
    return await town.post(f"/payments/refunds/{refund.id}", by, status, **form)


async def test_a_fine_that_was_paid_elsewhere_is_closed_and_money_on_its_way_goes_back(town, till):
    await town.bind()
    payment = await opened(town, till, PARKED)
    await settling(town).run()
    assert (await till.row(payment)).state == "open", "nothing was paid elsewhere yet"
    with town.source._open() as source:
        source.execute(
            "UPDATE violation SET handled_on='2026-09-01', paid=1 WHERE number=?", [PARKED]
        )
    on_its_way = till.movement(payment)
    town.later(minutes=3)
    await settling(town).run()
    await settling(town).run()
    assert (await till.row(payment)).state == "expired"
    seen = await town.get(f"/violations/{PARKED}")
    assert (seen["state"], [one["verb"] for one in seen["actions"]]) == ("elsewhere", ["object"])
    refused = await town.post(f"/violations/{PARKED}/pay", status=409)
    assert refused["type"].endswith("is-elsewhere")
    assert (await till.notify(on_its_way)).status_code == 200
    await till.mind()
    assert (await till.row(payment)).state == "refunded"
    (row,) = await town.rows(Handling)
    assert row.state == "elsewhere"
    # what the source hears from here is not taken for paid elsewhere, even when it goes back
    other = await opened(town, till, RED_LIGHT)
    await till.notify(till.movement(other))
    await till.engine.tell(town.source)
    town.later(minutes=3)
    await town.get("/violations")
    paid = await town.get(f"/payments/{other.number}", "officer")
    back = {"version": paid["version"], "reason": "重复处罚"}
    await town.post(f"/payments/{other.number}/refund", "officer", **back)
    await till.mind()
    assert (await town.get(f"/violations/{RED_LIGHT}"))["state"] == "accepted"
    await town.post(f"/violations/{RED_LIGHT}/pay", status=201)


async def test_a_refund_that_is_owed_is_delayed_with_a_reason_and_never_declined(town, till):
    await town.bind()
    payment = await opened(town, till, RED_LIGHT, late=17)
    assert payment.amount > till.engine.terms.refund_alone_fen
    await till.notify(till.movement(payment))
    # staff have proposed to give it back; before anybody decides, it turns out to be owed
    seen = await town.get(f"/payments/{payment.number}", "brigade")
    proposed = {"version": seen["version"], "reason": "当事人申请"}
    await town.post(f"/payments/{payment.number}/refund", "brigade", **proposed)
    undelayed = await decided(town, payment, "officer", 409, decision="delay", reason="等等")
    assert undelayed["type"].endswith("refund-not-owed")
    await town.get("/violations")
    number = (await town.object_to(RED_LIGHT))["number"]
    await town.act(number, "propose", "officer", text="执勤记录属实。")
    await town.act(number, "confirm", "officer2")
    declined = await decided(town, payment, "officer", 409, decision="decline")
    assert "不能不通过" in declined["detail"]
    await decided(town, payment, "officer", 422, decision="delay")
    await decided(town, payment, "officer", decision="delay", reason="收款账户在核对")
    (refund,) = await till.rows("refund")
    assert (refund.state, refund.owed, refund.note) == ("proposed", True, "收款账户在核对")
    shown = await town.get(f"/payments/refunds/{refund.id}", "officer")
    (field, _) = shown["fields"]
    assert [option["value"] for option in field["options"]] == ["approve", "delay"]
    own = await decided(town, payment, "brigade", 409, decision="approve")
    assert own["type"].endswith("second-person")
    await decided(town, payment, "officer", decision="approve")
    await till.mind()
    assert (await till.row(payment)).state == "refunded"


async def test_what_is_owed_goes_back_though_the_officer_does_not_see_the_money(town, till):
    await town.bind()
    payment = await opened(town, till, PARKED)
    await till.notify(till.movement(payment))
    other = await town.hub.hub.apps.hubs["traffic"].directory.by_code("371603U01")
    async with till.engine.hub.work(till.engine.system) as work:  # the money is another unit's
        (await work.get(type(payment), payment.id)).organization_id = other.id
    await town.get(f"/payments/{payment.number}", "officer", 404)
    await town.get("/violations")
    number = (await town.object_to(PARKED))["number"]
    await town.act(number, "cancel", "officer", text="泊位标线属实。")
    assert await till.rows("refund") == []
    for _ in range(2):
        await settling(town).run()
        await till.mind()
    (refund,) = await till.rows("refund")
    assert (refund.state, refund.owed) == ("done", True)
    assert (await till.row(payment)).state == "refunded"


@pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)
async def test_a_fine_that_is_late_says_so_and_a_payment_that_is_over_takes_nothing(town, till):
    await town.bind()
    payment = await opened(town, till, PARKED, late=17)
    listed = {item["number"]: item for item in (await town.get("/violations"))["items"]}
    assert listed[PARKED]["state_label"]["key"] == "traffic.violation.state.late"
    assert (listed[PARKED]["tone"], listed[PARKED]["state"]) == ("late", "accepted")
    assert (await town.get("/mine"))["open"][0]["number"] == PARKED
    assert (await town.get(f"/violations/{PARKED}"))["said"]["key"].endswith("said.late")
    at = till.provider.address(till.desk.order(payment)).removeprefix("/apps/traffic")
    assert (await town.get(at))["conflict"] is None
    town.later(minutes=121)
    assert (await town.get(at))["conflict"]["key"] == "payments.simulated.over"
    refused = await town.post(at, status=409, how=How.AT_ONCE)
    assert refused["type"].endswith("payments.over")
    assert await till.provider.movements(payment.number) == []
