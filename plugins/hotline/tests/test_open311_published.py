"""What everybody may read: only what its requester made public and a moderator let pass."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlmodel import col

from core.access import wall
from plugins.hotline.models import Order
from plugins.hotline.tests.conftest import HERE, LIGHTS
from plugins.hotline.tests.open311_schemas import check
from plugins.hotline.tests.test_filing import photo

V2 = f"{HERE}/open311/v2"
CALLED = {"caller_name": "王秀英", "phone": "13800005678"}  # made up


async def moderate(desk, number, by="dispatcher", **form):
    """Decide on an order as its page does: on what the moderator saw."""
    client = await desk.client(by)
    shown = await client.get(f"{HERE}/publishing/{number}")
    assert shown.status_code == 200, shown.text
    values = {"decision": "approve", "text": "路灯不亮", **shown.json()["hidden"], **form}
    return await client.post(f"{HERE}/publishing/{number}", json=values)


async def publish(desk, **form):
    """File an order that is wished public, and let it pass; return its number."""
    number = (await desk.file(wishes_public=True, **form))["number"]
    answer = await moderate(desk, number)
    assert answer.status_code == 200, answer.text
    return number


async def listed(desk, **params):
    """Return the ids that a visitor is shown."""
    answer = await desk.hub.client().get(f"{V2}/requests.json", params=params)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    check("requests", answer.json())
    return [one["service_request_id"] for one in answer.json()]


async def public(desk, number):
    """Return an order as a visitor is shown it, and as the published schema has it."""
    answer = await desk.hub.client().get(f"{V2}/requests/{number}.json?extensions=true")
    assert answer.status_code == 200, answer.text
    check("requests", answer.json())
    (one,) = answer.json()
    return one


async def test_only_what_is_wished_public_and_was_looked_at_is_read(desk):
    private = (await desk.file())["number"]
    number = (await desk.file(wishes_public=True, category=LIGHTS, place="文化路 3 号院"))["number"]
    visitor = desk.hub.client()
    assert await listed(desk) == []
    assert (await visitor.get(f"{V2}/requests/{number}.json")).status_code == 404
    answer = await moderate(desk, number, text="文化路路灯不亮", address="文化路")
    assert answer.status_code == 200, answer.text
    assert await listed(desk) == [number]
    one = await public(desk, number)
    assert one["description"] == "文化路路灯不亮"
    assert one["address"] == "文化路"
    assert one["status"] == "open"
    assert one["service_name"] == "城市公共设施"
    assert one["requested_datetime"].endswith("+08:00")
    assert (await visitor.get(f"{V2}/requests/{private}.json")).status_code == 404
    resident = await desk.client("resident")
    told = (await resident.get("/messages")).text
    await desk.hub.settle()
    told = (await resident.get("/messages")).text
    assert number in told


async def test_an_answer_is_public_once_it_was_looked_at_too(desk):
    number = await publish(desk)
    await desk.answer(number)
    one = await public(desk, number)
    assert one["status"] == "closed"
    assert "status_notes" not in one
    dispatcher = await desk.client("dispatcher")
    (waiting,) = (await dispatcher.get(f"{HERE}/publishing")).json()["items"]
    assert (waiting["number"], waiting["state"]) == (number, "again")
    assert (await moderate(desk, number, notes="已修好五盏路灯")).status_code == 200
    one = await public(desk, number)
    assert one["status_notes"] == "已修好五盏路灯"
    assert one["updated_datetime"] >= one["requested_datetime"]
    await desk.act(number, "reopen", "resident", reason="又坏了")
    one = await public(desk, number)
    assert one["status"] == "open"
    assert "status_notes" not in one


@pytest.mark.parametrize(
    ("by", "verb", "secret"),
    [
        ("resident", "withhold", False),
        ("resident", "keep-secret", True),
        ("operator", "keep-secret", True),
    ],
)
async def test_who_asks_for_secrecy_afterwards_is_out_at_once(desk, by, verb, secret):
    if by == "operator":
        number = (await desk.file("operator", "intake", wishes_public=True, **CALLED))["number"]
        assert (await moderate(desk, number)).status_code == 200
    else:
        number = await publish(desk)
    assert await listed(desk) == [number]
    await desk.act(number, verb, by)
    assert await listed(desk) == []
    assert await listed(desk, service_request_id=number) == []
    gone = await desk.hub.client().get(f"{V2}/requests/{number}.xml")
    assert gone.status_code == 404
    assert gone.headers["cache-control"] == "no-store"
    seen = await desk.see(number, "dispatcher")
    step = seen["timeline"][0]
    assert step["label"]["key"] == f"hotline.order.said.{verb}"
    if by == "resident":
        assert step["role"] == step["unit"] == ""
    if secret:
        assert "王" not in str(seen["summary"])
        again = await desk.try_act(number, "publicize", "resident")
        assert again.status_code in (404, 409)
        assert (await moderate_status(desk, number)) == 404
    else:
        await desk.act(number, "publicize", by)
        assert await listed(desk) == []  # it is looked at anew
        assert (await moderate(desk, number)).status_code == 200
        assert await listed(desk) == [number]


async def moderate_status(desk, number):
    return (await (await desk.client("dispatcher")).get(f"{HERE}/publishing/{number}")).status_code


async def test_what_became_a_report_or_secret_by_any_way_is_out_at_once(desk):
    number = await publish(desk)
    for column, value in (("kind", "report"), ("secret", True), ("published_at", None)):
        await assign(desk, number, **{column: value})
        assert await listed(desk) == [], column
        await assign(desk, number, kind="help", secret=False)
        if column != "published_at":
            assert await listed(desk) == [number]


async def assign(desk, number, **values):
    """Change an order behind the house's back, as a later room might."""
    async with desk.hub.services.database.transaction(write=True) as tx:
        await wall.stand(tx, wall.EVERYTHING)
        statement = update(Order).where(col(Order.number) == number)
        changed = await tx.session.execute(
            statement.values(**values)
            .returning(col(Order.id))
            .execution_options(yimen_scoped_tables=frozenset({"hotline_order"}))
        )
        assert changed.scalar_one()


async def test_reports_and_secret_callers_never_wait_to_be_public(desk):
    report = (await desk.file(kind="report", wishes_public=True))["number"]
    secret = (await desk.file(secret=True, wishes_public=True))["number"]
    dispatcher = await desk.client("dispatcher")
    assert (await dispatcher.get(f"{HERE}/publishing")).json()["items"] == []
    for number in (report, secret):
        assert await moderate_status(desk, number) == 404
        seen = await desk.see(number, "resident")
        assert "publicize" not in {action["verb"] for action in seen["actions"]}
        refused = await desk.try_act(number, "publicize", "resident")
        assert refused.status_code == 409
        assert refused.json()["type"].endswith("hotline.never-public")


async def test_no_copy_tells_of_a_person(desk):
    number = (await desk.file("operator", "intake", wishes_public=True, **CALLED))["number"]
    for text, why in (
        ("王秀英家门口的路灯不亮", "publishing.wrong.caller"),
        ("请打 138 0000 5678", "publishing.wrong.caller"),
        ("找住户 13911112222", "publishing.wrong.mobile"),
        ("身份证 11010119900307789X", "publishing.wrong.identity"),
        ("鲁MA1234 堵住了路", "publishing.wrong.looked"),
        ("请打 0543-7312345", "publishing.wrong.looked"),
        ("张先生家门口", "publishing.wrong.looked"),
        ("写信到 zhang@example.com", "publishing.wrong.looked"),
    ):
        answer = await moderate(desk, number, text=text)
        assert answer.status_code == 422, text
        field = "looked" if why.endswith("looked") else "text"
        said = [(error["field"], error["code"]) for error in answer.json()["errors"]]
        assert said == [(field, f"hotline.{why}")], text
    shown = await (await desk.client("dispatcher")).get(f"{HERE}/publishing/{number}")
    assert "王秀英" not in str(shown.json()["fields"])
    assert await listed(desk) == []
    left = await moderate(desk, number, text="物业 0543-7312345 不管路灯", looked=True)
    assert left.status_code == 200
    bare = await moderate_bare(desk, number)
    assert [error["field"] for error in bare.json()["errors"]] == ["reason"]


async def moderate_bare(desk, number):
    return await moderate(desk, number, decision="refuse")


async def test_a_refusal_takes_it_out_and_says_so(desk):
    number = await publish(desk)
    assert (await moderate(desk, number, decision="refuse", reason="涉及邻里")).status_code == 200
    assert await listed(desk) == []
    seen = await desk.see(number, "resident")
    assert "涉及邻里" not in str(seen)
    dispatcher = await desk.client("dispatcher")
    (one,) = (await dispatcher.get(f"{HERE}/publishing?which=refused")).json()["items"]
    assert one["state"] == "refused"


async def test_two_moderators_and_a_change_between_do_not_run_past_each_other(desk):
    number = (await desk.file(wishes_public=True))["number"]
    dispatcher = await desk.client("dispatcher")
    hidden = (await dispatcher.get(f"{HERE}/publishing/{number}")).json()["hidden"]
    form = {"decision": "approve", "text": "路灯不亮", **hidden}
    both = await asyncio.gather(
        *(dispatcher.post(f"{HERE}/publishing/{number}", json=form) for _ in range(2))
    )
    assert sorted(answer.status_code for answer in both) == [200, 409]
    hidden = (await dispatcher.get(f"{HERE}/publishing/{number}")).json()["hidden"]
    await desk.answer(number)
    late = await dispatcher.post(f"{HERE}/publishing/{number}", json={**form, **hidden})
    assert late.json()["type"].endswith("hotline.publication-stale")
    await desk.act(number, "withhold", "resident")
    gone = await dispatcher.post(f"{HERE}/publishing/{number}", json={**form, **hidden})
    assert gone.status_code == 404
    assert await listed(desk) == []


async def test_others_neither_moderate_nor_make_public(desk):
    number = (await desk.file(wishes_public=True))["number"]
    form = {"decision": "approve", "text": "路灯不亮", "version": 1, "seen": 1}
    for role in ("resident", "unit", "operator", "resident2"):
        client = await desk.client(role)
        for path in ("/publishing", f"/publishing/{number}", "/open311/keys", "/open311/filings"):
            assert (await client.get(f"{HERE}{path}")).status_code == 403, (role, path)
        assert (await client.post(f"{HERE}/publishing/{number}", json=form)).status_code == 403
    stranger = await desk.client("resident2")
    for verb in ("publicize", "withhold", "keep-secret"):
        answer = await stranger.post(f"{HERE}/orders/{number}/{verb}", json={"version": 1})
        assert answer.status_code in (403, 404)
    staff = await desk.try_act(number, "publicize", "dispatcher")
    assert staff.status_code == 403
    handler = await desk.try_act(number, "keep-secret", "unit", version=1)
    assert handler.status_code in (403, 404)


async def test_photos_are_public_one_by_one(desk):
    resident = await desk.client("resident")
    form = {"kind": "help", "text": "路灯不亮", "wishes_public": "true"}
    files = [("photos", (f"{n}.jpg", photo(), "image/jpeg")) for n in "ab"]
    sent = await resident.post(f"{HERE}/orders", data={**form, "_csrf": resident.csrf}, files=files)
    assert sent.status_code == 201, sent.text
    number = sent.json()["number"]
    assert (await moderate(desk, number, photo_2=True)).status_code == 200
    visitor = desk.hub.client()
    one = await public(desk, number)
    assert len(one["extended_attributes"]["photos"]) == 1
    seen = await visitor.get(one["media_url"])
    assert seen.status_code == 200
    assert seen.headers["content-type"].startswith("image/")
    assert seen.headers["cache-control"] == "no-store"
    for wrong in (f"{number}/2", f"{number}/0", "209901010001/1"):
        assert (await visitor.get(f"{V2}/media/{wrong}")).status_code == 404
    await desk.act(number, "keep-secret", "resident")
    assert (await visitor.get(one["media_url"])).status_code == 404


async def test_old_and_new_are_found_by_day_and_page(desk):
    numbers = []
    for _ in range(3):
        numbers.append(await publish(desk))
        desk.hub.clock.move(days=40)
    newest = numbers[::-1]
    assert await listed(desk) == newest[:2]  # the third is 120 days old
    now = desk.hub.clock()
    start, end = now - timedelta(days=125), now - timedelta(days=60)
    between = {"start_date": start.isoformat(), "end_date": end.isoformat()}
    assert await listed(desk, **between) == newest[1:]
    assert await listed(desk, start_date=start.isoformat()) == newest  # and 90 days from there
    assert await listed(desk, end_date=end.isoformat()) == newest[1:]
    assert await listed(desk, service_request_id=",".join(numbers)) == newest
    assert await listed(desk, page_size="1") == newest[:1]
    assert await listed(desk, page_size="1", page="2") == newest[1:2]
    await desk.answer(numbers[2])
    assert await listed(desk, status="closed") == [numbers[2]]
    assert await listed(desk, status="open") == [numbers[1]]
    assert await listed(desk, status="open,closed") == newest[:2]
