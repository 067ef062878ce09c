from datetime import UTC, date, datetime

import pytest

from core.work.calendar import enter_notice
from core.work.holidays import _FIXED_HOLIDAYS
from plugins.hotline.tests.conftest import HERE, LIGHTS

TUESDAY = datetime(2026, 3, 3, 2, tzinfo=UTC)  # 10:00 in Shanghai
UNKNOWN = datetime(2031, 3, 4, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "urgency", "day"),
    [("consult", "normal", 10), ("help", "normal", 24), ("complain", "urgent", 4)],
)
async def test_terms_follow_kind_and_urgency(desk, kind, urgency, day):
    desk.hub.clock.stand(TUESDAY)
    filed = await desk.file("operator", "intake", kind=kind, urgency=urgency, phone="13800005678")
    assert filed["due_at"] == f"2026-03-{day:02}T09:30:00Z"


async def test_a_late_order_is_supervised_by_itself_and_once(desk):
    desk.hub.clock.stand(TUESDAY)
    number = (await desk.file(kind="consult"))["number"]
    await desk.begin(number)
    desk.hub.clock.stand(datetime(2026, 3, 10, 10, tzinfo=UTC))
    await desk.hub.settle()
    await desk.hub.settle()
    seen = await desk.see(number)
    steps = [step["verb"] for step in seen["timeline"]]
    assert steps.count("supervise") == 1
    assert seen["timeline"][0]["unit"] == ""
    assert seen["state"] == "processing"
    client = await desk.client("dispatcher")
    late = await client.get(f"{HERE}/orders?late=1")
    assert [item["number"] for item in late.json()["items"]] == [number]


async def test_what_is_not_signed_in_time_is_said(desk):
    desk.hub.clock.stand(TUESDAY)
    number = (await desk.file())["number"]
    await desk.dispatch(number)
    desk.hub.clock.move(days=2)
    await desk.hub.settle()
    assert (await desk.see(number))["timeline"][0]["verb"] == "stage_late"


async def test_an_answered_order_closes_by_itself(desk):
    desk.hub.clock.stand(TUESDAY)
    number = (await desk.file())["number"]
    await desk.answer(number)
    desk.hub.clock.move(days=8)
    await desk.hub.settle()
    assert (await desk.see(number))["state"] == "closed"
    await desk.act(number, "rate", "resident", rating="4")


async def test_a_deadline_in_an_unknown_year_is_dated_once_the_notice_is_entered(desk):
    desk.hub.clock.stand(UNKNOWN)
    filed = await desk.file()
    assert (filed["due_at"], filed["due_unknown"]) == (None, True)
    assert (await desk.see(filed["number"]))["deadline"]["kind"] == "unknown"
    async with desk.hub.services.database.transaction(write=True) as tx:
        fixed = [date(2031, month, day) for month, day in _FIXED_HOLIDAYS]
        await enter_notice(tx, 2031, [*fixed, date(2031, 3, 6)], [])
    await desk.hub.services.refresh_calendar()
    await desk.hub.hub.apps.background.redate()
    seen = await desk.see(filed["number"])
    assert seen["deadline"]["due_at"] == "2031-03-26T09:30:00Z"
    assert seen["timeline"][0]["verb"] == "redated"


async def test_a_deadline_that_is_asked_for_must_be_known_and_sooner(desk):
    desk.hub.clock.stand(TUESDAY)
    number = (await desk.file())["number"]
    unit = await desk.unit()
    for day, code in (
        ("2031-01-06", "beyond-calendar"),
        ("2026-03-08", "not-a-working-day"),
        ("2026-03-02", "in-the-past"),
        ("2026-04-30", "later-than-term"),
        ("soon", "date"),
    ):
        refused = await desk.try_act(
            number, "dispatch", "dispatcher", unit=unit, category=LIGHTS, due_on=day
        )
        assert refused.status_code == 422, refused.text
        assert refused.json()["errors"][0]["code"] == code
    assert (await desk.see(number))["state"] == "received"
    acted = await desk.dispatch(number, due_on="2026-03-06")
    assert acted["due_at"] == "2026-03-06T09:30:00Z"


async def test_figures_count_what_was_due(desk):
    desk.hub.clock.stand(TUESDAY)
    good = (await desk.file(kind="consult"))["number"]
    await desk.file(kind="consult")
    await desk.answer(good)
    desk.hub.clock.stand(datetime(2026, 3, 12, 2, tzinfo=UTC))
    await desk.count()
    client = await desk.client("dispatcher")
    figures = (await client.get(f"{HERE}/figures?since=2026-03-01&until=2026-03-31")).json()
    cards = {card["label"]["key"].split(".")[2]: card for card in figures["cards"]}
    assert (cards["on_time"]["value"], cards["on_time"]["n"]) == (50.0, 2)
    assert (cards["opened"]["value"], cards["resolved"]["value"]) == (2, 1)
    page = await client.page(f"{HERE}/figures?since=2026-03-01&until=2026-03-31")
    assert page.status_code == 200


async def test_a_late_step_and_a_late_order_are_two_words(desk):
    desk.hub.clock.stand(TUESDAY)
    number = (await desk.file())["number"]
    await desk.dispatch(number)
    unit = await desk.client("unit")

    async def home():
        view = (await unit.get("/")).json()
        (card,) = view["cards"]
        return view["counts"]["late"]["n"], card["text"]["key"]

    assert await home() == (0, "case.card.open")
    desk.hub.clock.stand(datetime(2026, 3, 5, 10, tzinfo=UTC))  # to be signed within a day
    unit = await desk.client("unit")
    assert await home() == (1, "case.card.open"), "the step is late, the order is not"
    desk.hub.clock.stand(datetime(2026, 3, 25, 10, tzinfo=UTC))
    unit = await desk.client("unit")
    assert await home() == (1, "case.card.late")
    for language, step, whole, hint in (
        ("zh-CN", "待办超期", "1 件办件超期", "这里按每一步的期限算"),
        ("en", "Tasks overdue", "1 case overdue", "Counted here by the deadline of each step"),
    ):
        unit.cookies.set("lang", language)
        page = (await unit.page("/")).text
        assert step in page
        assert whole in page
        assert hint in page
