"""Decisions begin with a unit's own words, are edited, and what was sent is kept; one page says
what waits."""

import pytest

from plugins.traffic import queue
from plugins.traffic.drafting import filled
from plugins.traffic.models import ObjectionEntry
from plugins.traffic.tests.conftest import PARKED, RED_LIGHT
from plugins.traffic.tests.crash import Crash
from plugins.traffic.tests.reporting import Reporters
from plugins.traffic.tests.walking import BLOCK

GHOST = "00000000-0000-0000-0000-000000000000@1"


async def test_a_decision_begins_with_a_block_and_what_was_sent_is_kept(town):
    await town.bind()
    await town.get("/violations")
    number = (await town.object_to(PARKED))["number"]
    await town.post("/templates", "officer", 403, **BLOCK)  # they use them, the leader keeps them
    wrong = {**BLOCK, "text": "{车牌号}的记录维持。"}
    refused = await town.post("/templates", "brigade", 422, **wrong)
    assert refused["errors"][0]["field"] == "text"
    assert "车牌号" in str(refused["errors"][0])
    block = await town.post("/templates", "brigade", 201, **BLOCK)
    other = await town.post(
        "/templates", "brigade", 201, **{**BLOCK, "decision": "objection-cancel", "name": "属实"}
    )
    form = await town.get(f"/objections/{number}/uphold", "officer")
    (offered,) = form["blocks"]
    assert (offered["label"], form["hidden"]) == ("标线清楚", {"version": "1"})
    at = offered["href"].removeprefix("/apps/traffic")
    begun = await town.get(at, "officer")
    text = next(field["value"] for field in begun["fields"] if field["name"] == "text")
    assert (
        text
        == "鲁M·8D136 于2026年8月16日 09:12在金海五路农贸市场门前的记录，照片中标线清楚，维持。"
    )
    assert begun["hidden"]["template"] == f"{block['id']}@1"
    page = await (await town.client("officer")).page(f"/apps/traffic{at}")
    assert "照片中标线清楚" in page.text
    assert 'name="template"' in page.text
    # one of another decision, or of another's case, begins nothing; residents see none at all
    await town.get(f"/objections/{number}/uphold/with/{other['id']}", "officer", 404)
    await town.get(at, "resident", 403)
    # the block is changed meanwhile, and ended: what was begun with it is sent as it was edited
    changed = {**BLOCK, "version": 1, "text": "维持。", "reason": "改得短一些"}
    await town.post(f"/templates/{block['id']}/change", "brigade", **changed)
    assert (await town.get(at, "officer"))["hidden"]["template"] == f"{block['id']}@2"
    ended = {"version": 2, "ends_on": "2026-08-31", "reason": "不再使用"}
    await town.post(f"/templates/{block['id']}/end", "brigade", **ended)
    await town.get(at, "officer", 404)
    sent = text + "如不服可以申请行政复议。"
    await town.act(number, "uphold", "officer", text=sent, template=f"{block['id']}@1")
    last = (await town.rows(ObjectionEntry))[-1]
    assert (last.text, last.data) == (sent, {"template": f"{block['id']}@1"})
    seen = await town.get(f"/objections/{number}")
    assert sent in str(seen["summary"])
    assert len((await town.get(f"/templates/{block['id']}", "officer"))["versions"]) == 3


@pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)
async def test_one_page_says_what_waits_and_what_is_late(town):
    await town.get("/queue", "resident", 403)
    assert [q["items"] for q in (await town.get("/queue", "officer"))["queues"]] == [[]] * len(
        (await town.get("/queue", "officer"))["queues"]
    )
    await town.bind()
    await town.get("/violations")
    first = (await town.object_to(PARKED))["number"]
    town.later(days=10)
    await town.get("/violations")
    second = (await town.object_to(RED_LIGHT))["number"]
    for none in (
        GHOST,  # nobody begins with a block that is none
        "-" * 36 + "@1",
    ):
        await town.act(second, "propose", "officer", 422, text="经核对属实。", template=none)
    await town.act(second, "propose", "officer", text="经核对属实。")
    queue = (await town.get("/queue", "officer"))["queues"][0]
    assert [item["number"] for item in queue["items"]] == [first, second], "due first"
    assert (queue["said"]["key"], queue["late"]) == ("traffic.queue.late", 1)
    page = await (await town.client("officer")).page("/apps/traffic/queue")
    assert "2 件待办，其中 1 件超期" in page.text
    await town.act(second, "confirm", "officer", 403)
    await town.act(second, "confirm", "officer2")
    assert len((await town.get("/queue", "officer"))["queues"][0]["items"]) == 1


@pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)
async def test_accidents_and_reports_begin_with_blocks_too(town):
    crash, reporters = Crash(town), Reporters(town)
    await crash.both()
    await crash.act("dispute", "resident2", reason="是对方突然变道。")
    report = await reporters.report("resident")
    at = {verb: f"/accidents/{crash.number}/{verb}" for verb in ("propose", "refer")}
    at["reject"] = f"/reports/{report}/reject"
    for decision, field, text, begins in (
        ("accident-refer", "text", "{编号}到三楼处理。", f"{crash.number}到三楼"),
        (
            "accident-propose",
            "text",
            "{甲方车牌}和{乙方车牌}在{事故地点}相碰。",
            "鲁M·8D136和鲁M·5H207在黄河",
        ),
        ("report-reject", "reason", "{车牌}的照片看不清。", "鲁M·"),
    ):
        block = {"name": decision, "decision": decision, "text": text}
        wrong = {**block, "text": "{罚款}"}
        await town.post("/templates", "brigade", 422, **wrong)
        await town.post("/templates", "brigade", 201, **block)
        here = at[decision.rpartition("-")[2]]
        (offered,) = (await town.get(here, "officer"))["blocks"]
        begun = await town.get(offered["href"].removeprefix("/apps/traffic"), "officer")
        said = next(one["value"] for one in begun["fields"] if one["name"] == field)
        assert said.startswith(begins), said
        form = {**begun["hidden"], field: said}
        if decision == "accident-propose":
            form["outcome"] = "none"
        elif decision == "accident-refer":
            continue
        await town.post(here, "officer", 422, **{**form, "template": GHOST})
        await town.post(here, "officer", **form)


@pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)
async def test_who_reviews_nothing_is_told_so(town, monkeypatch):
    async def never(read, desk):
        return False

    monkeypatch.setattr(queue, "_reads", never)
    page = await (await town.client("officer")).page("/apps/traffic/queue")
    assert "没有要审核的业务" in page.text


def test_what_is_not_known_stays_open():
    assert filled("{车牌}：{ 今天 }{别的}", {"车牌": "鲁M", "今天": "5日"}) == "鲁M：5日{别的}"
