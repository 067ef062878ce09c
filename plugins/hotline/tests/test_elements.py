"""少填了几项: what the hub holds is filled in, marked and counted; what was typed stands."""

from datetime import timedelta

from core.hub.elements import KEEP
from core.usage.figures import burden
from plugin_sdk.deadlines import local_day
from plugins.hotline.tests.conftest import HERE

NEW = f"{HERE}/orders/new"
OTHER = "13900000099"


async def fields(client, at=NEW):
    """Return the fields of a form, by name."""
    answer = await client.get(at)
    assert answer.status_code == 200, answer.text
    return {field["name"]: field for field in answer.json()["fields"]}


async def counted(desk):
    async with desk.hub.services.database.transaction() as tx:
        today = local_day(tx.now)
        return [(one.app, one.spared, one.asked) for one in await burden(tx, today, today)]


async def typed(client):
    return [one["element"] for one in (await client.get("/me/known")).json()["typed"]]


async def test_what_the_hub_holds_is_filled_in_marked_and_counted(desk):
    resident = await desk.client("resident")
    form = await fields(resident)
    phone = form["phone"]["value"]
    assert phone.startswith("1")
    assert len(phone) == 11
    assert form["phone"]["held"]["source"]["key"] == "element.from.account"
    assert form["phone"]["held"]["href"] == "/me/known#person.phone"
    assert form["region"]["held"] is None
    page = (await resident.page(NEW)).text
    assert "少填了 1 项" in page
    assert 'href="/me/known#person.phone"' in page
    assert await counted(desk) == []  # nothing was sent yet
    spelled = f"{phone[:3]} {phone[3:7]} {phone[7:]}"
    await desk.file(phone=spelled)  # the same number, however it is written
    assert await counted(desk) == [("hotline", 1, 0)]
    await desk.file()  # left empty: neither spared nor asked again
    assert await counted(desk) == [("hotline", 1, 0)]
    assert await typed(resident) == []


async def test_what_was_typed_is_there_the_next_time_and_is_its_persons_alone(desk):
    resident, other = await desk.client("resident"), await desk.client("resident2")
    before = await fields(other)
    region = (await fields(resident))["region"]["options"][1]["value"]
    key = {"idempotency-key": "one-filing-sent-twice"}
    values = {"kind": "help", "text": "路灯不亮", "phone": OTHER, "region": region}
    for _ in range(2):
        sent = await resident.post(f"{HERE}/orders", json=values, headers=key)
        assert sent.status_code == 201
    assert await counted(desk) == [("hotline", 0, 1)]  # once; no division was held before
    form = await fields(resident)
    assert form["phone"]["value"] == OTHER
    assert form["phone"]["held"]["source"]["key"] == "element.from.app"
    assert form["region"]["value"] == region
    page = (await resident.page(f"{HERE}/snap")).text  # another form of the same elements
    assert "少填了 2 项" in page
    assert OTHER in page
    assert await fields(other) == before
    known = (await resident.page("/me/known")).text
    assert "139****0099" in known
    assert OTHER not in known
    assert OTHER in (await resident.get("/me/record.json")).text
    await desk.file(phone=OTHER)
    assert await counted(desk) == [("hotline", 1, 1)]


async def test_a_draft_and_what_was_emptied_stand_before_what_is_held(desk):
    resident = await desk.client("resident")
    kept = {"_key": "a-form-under-way", "text": "路灯不亮", "phone": "", "kind": "help"}
    await resident.post_form(f"{HERE}/orders/draft", kept)
    form = await fields(resident, f"{NEW}?draft=a-form-under-way")
    assert form["phone"]["value"] == ""
    assert form["phone"]["held"] is None
    wrong = await resident.post_form(f"{HERE}/orders", {**kept, "text": "", "phone": OTHER})
    assert wrong.status_code == 422
    assert OTHER in wrong.text
    assert "少填了" not in wrong.text


async def test_one_may_forget_it_and_it_is_asked_for_again_in_time(desk):
    resident = await desk.client("resident")
    account = (await fields(resident))["phone"]["value"]
    await desk.file(phone=OTHER)
    gone = await resident.post("/me/known/forget", json={"element": "person.phone"})
    assert gone.status_code == 200
    assert (await fields(resident))["phone"]["value"] == account
    again = await resident.post("/me/known/forget", json={"element": "person.phone"})
    assert again.status_code == 404
    await desk.file(phone=OTHER)
    await desk.file(phone=account)  # as the account says: nothing else is kept
    assert await typed(resident) == []
    await desk.file(phone=OTHER)
    desk.hub.clock.move(days=(KEEP + timedelta(days=1)).days)
    assert (await fields(await desk.client("resident")))["phone"]["value"] == account
    await desk.hub.services._tidy_drafts()
    desk.hub.clock.move(days=-KEEP.days)
    assert (await fields(await desk.client("resident")))["phone"]["value"] == account


async def test_nothing_of_an_operator_is_filled_in_for_a_caller(desk):
    form = await fields(await desk.client("operator"), f"{HERE}/intake")
    assert not [name for name, field in form.items() if field["held"]]
    assert form["phone"]["value"] is None
