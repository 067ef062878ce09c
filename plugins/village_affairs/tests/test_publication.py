"""A month of a village: filed, reviewed by another, late for ever late, corrected in the open."""

from uuid import UUID

import msgspec
import pytest

from plugin_sdk.duties.engine import OwnReturn
from plugin_sdk.duties.forms import ReviewForm
from plugin_sdk.forms import validate
from plugins.village_affairs.tests.conftest import ACCOUNTS, HERE, PLAIN, acting


def state(month, item):
    return next(row for group in month["groups"] for row in group["items"] if row["code"] == item)


async def test_a_month_is_filed_reviewed_and_stands_as_it_was(village):
    month = await village.get("/publications?period=2026-08")
    owed = [row["code"] for group in month["groups"] for row in group["items"] if row["owed"]]
    assert (month["standing"], month["of"]) == ("open", len(owed))
    assert month["deadline"]["due_at"].startswith("2026-09-10")
    # filed by the clerk, reviewed by another person, masked for everybody
    await village.publish("2026-08", "CW01", **ACCOUNTS)
    made = await village.publish("2026-08", "CU04", **PLAIN)
    assert made["state"] == "published"
    assert {"丁*林"} < {fact["value"] for fact in made["facts"] if isinstance(fact["value"], str)}
    for item in owed:
        if item not in ("CW01", "CU04", "HM01"):
            assert (await village.publish("2026-08", item))["state"] == "nil"
    village.stand(2026, 9, 12)
    await village.close_day()
    missing = await village.get("/publications?period=2026-08")
    assert (missing["standing"], missing["done"]) == ("missing", len(owed) - 1)
    assert "公开2026年8月的事项" in (await (await village.client("clerk")).page("/work")).text
    last = await village.publish("2026-08", "HM01", **PLAIN)
    assert last["late"]
    assert (await village.get("/publications?period=2026-08"))["standing"] == "late"
    # a correction leaves what was said before in sight, and nothing becomes late or timely by it
    change = {**PLAIN, "amount": "2500", "reason": "漏计一户"}
    path = f"/publications/filings/{last['id']}/correct"
    named = await village.post(
        path, "clerk", 422, **{**change, "reason": "11010519491231002X 漏计"}
    )
    assert named["errors"][0]["field"] == "reason"
    again = await village.post(path, "clerk", 200, **change)
    await village.review(again["id"])
    code = await village.code()
    page = await village.get(f"/c/{code}?period=2026-08", None)
    items = {item["title"]: item for section in page["sections"] for item in section["items"]}
    item = items["耕地地力保护补贴"]
    assert item["state"]["key"] == "duties.public.published_late"
    old = {
        fact["value"]["fen"]
        for fact in item["older"][0]["facts"]
        if isinstance(fact["value"], dict) and "fen" in fact["value"]
    }
    assert (old, item["older"][0]["reason"]) == ({240000}, "漏计一户")
    assert "丁树林" not in str(page)
    assert items["宅基地审批"]["state"]["key"] == "duties.public.nil"
    versions = (await village.get(f"/publications/filings/{again['id']}"))["versions"]
    assert [version["seq"] for version in versions] == [2, 1]


BAD: tuple[tuple[str, dict[str, str], str], ...] = (
    ("2026-08/CU04", {**PLAIN, "amount": "-1"}, "amount"),
    ("2026-10/CU04", PLAIN, "period"),
    ("2026-08/CW01", {**ACCOUNTS, "closing": "119.51"}, "closing"),
    ("2026-08/CW01", {**ACCOUNTS, "income": ""}, "income"),
    ("2026-08/CU04", {**PLAIN, "evidence": "11010519491231002X 领取"}, "evidence"),
    ("2026-08/CU04", {**PLAIN, "content": "发给 110105194912310021"}, "content"),
    ("2026-08/CU04", {**PLAIN, "content": "发给 110105\u200b19491231  002X"}, "content"),
    ("2026-08/CU04", {**PLAIN, "opening": "1", "closing": "9"}, "opening"),
    ("2026-08/CW01/nil", {}, "period"),
)


async def test_what_may_not_be_published_is_refused(village):
    for path, form, field in BAD:
        refused = await village.post(f"/publications/{path}", "clerk", 422, **form)
        assert refused["errors"][0]["field"] == field
        assert "1101051949" not in str(refused)
    assert (await village.get("/publications?period=2026-08"))["done"] == 0


async def test_what_was_sent_back_is_mended_and_filed_again(village):
    made = await village.post("/publications/2026-08/CU04", "clerk", **PLAIN)
    await village.publish("2026-08", "CW01", **ACCOUNTS)
    path = f"/publications/filings/{made['id']}"
    form = await (await village.client("reviewer")).page(f"{HERE}{path}/review")
    assert "村干部报酬与误工补贴 · 2026年8月" in form.text
    refuse = {"decision": "refuse", "remark": "付款单写错"}
    await village.post(f"{path}/review", "reviewer", 200, **refuse)
    await village.hub.settle()
    clerk = await village.client("clerk")
    assert "“村干部报酬与误工补贴”被审核退回" in (await clerk.page("/messages")).text
    month = await clerk.page(f"{HERE}/publications?period=2026-08")
    assert "修改退回的：村干部报酬与误工补贴" in month.text
    (again,) = (await village.get(path))["actions"]
    known = await village.get(again["href"].removeprefix(HERE))
    assert known["conflict"]["params"] == {"text": "付款单写错"}
    assert {field["name"]: field["value"] for field in known["fields"]} == {
        **PLAIN,
        "amount": "2400.00",
    }
    mended = await village.publish("2026-08", "CU04", **{**PLAIN, "evidence": "付款单 15 号"})
    assert (mended["state"], len(mended["versions"])) == ("published", 2)
    # a correction says why, on its page in words, and still says so after it was sent back
    at = f"/publications/filings/{mended['id']}/correct"
    assert "更正原因" in (await clerk.page(f"{HERE}{at}")).text
    change = {**PLAIN, "amount": "2500", "reason": "漏计一户"}
    correction = await village.post(at, "clerk", 200, **change)
    await village.post(
        f"/publications/filings/{correction['id']}/review", "reviewer", 200, **refuse
    )
    last = await village.post("/publications/2026-08/CU04", "clerk", **{**PLAIN, "amount": "2600"})
    assert (await village.review(last["id"]))["versions"][0]["reason"] == "漏计一户"


async def test_one_month_is_filed_once_and_reviewed_by_another(village):
    made = await village.post("/publications/2026-08/CU04", "clerk", **PLAIN)
    twice = await village.post("/publications/2026-08/CU04", "clerk", 409, **PLAIN)
    assert twice["type"] == "urn:yimen:problem:duties.waiting"
    # who filed it does not review it, whatever they hold
    desk = village.desk
    cast = await village.hub.actors()
    both = msgspec.structs.replace(
        acting(cast["reviewer"], "publication.review"), person_id=cast["clerk"].person_id
    )
    approve = validate(ReviewForm, {"decision": "approve"})
    async with desk.hub.work(both) as work:
        with pytest.raises(OwnReturn):
            await desk.publications.review(work, UUID(made["id"]), approve)
    bare = await village.post(
        f"/publications/filings/{made['id']}/review", "reviewer", 422, decision="refuse"
    )
    assert bare["errors"][0]["field"] == "remark"
    await village.review(made["id"])
    done = await village.post(
        f"/publications/filings/{made['id']}/review", "reviewer", 409, decision="approve"
    )
    assert done["type"] == "urn:yimen:problem:duties.decided"
    twice = await village.post("/publications/2026-08/CU04", "clerk", 409, **PLAIN)
    assert twice["type"] == "urn:yimen:problem:duties.twice"
    # accounts go on where they ended
    await village.publish("2026-08", "CW01", **ACCOUNTS)
    village.stand(2026, 10, 1)
    jumped = await village.post("/publications/2026-09/CW01", "clerk", 422, **ACCOUNTS)
    assert jumped["errors"][0]["field"] == "opening"
    form = await village.get("/publications/2026-09/CW01/new")
    opening = next(field for field in form["fields"] if field["name"] == "opening")
    assert opening["value"] == "119.50"
    # another village sees none of it
    assert await village.get(f"/publications/filings/{made['id']}", "clerk2", 404)
