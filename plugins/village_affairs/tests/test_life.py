"""Questions, open meetings, contracts and subsidies, from the code on the wall to the figures."""

from core.identity import tree
from core.identity.organizations import by_code
from core.identity.register import set_number
from plugins.village_affairs.models import Meeting, Subsidy
from plugins.village_affairs.tests.conftest import HERE

NUMBER = "11010519491231002X"
OWED = "village-affairs.publication.title"
NOTICE = {
    "title": "阳光报告会",
    "day": "2026-09-08",
    "time": "9:30",
    "place": "村委会议室",
    "agenda": "上月收支",
}
CAME = {"party": 18, "committee": 5, "supervision": 3, "representatives": 26, "villagers": 40}
NUMBER = "11010519491231002X"
OWED = "village-affairs.publication.title"


async def test_a_question_is_answered_in_time_or_escalated(village):
    code = await village.code()
    assert (await village.get(f"/c/{code.lower()}/ask", "resident"))["fields"][0]["value"] == code
    unknown = await village.post("/questions", "resident", 422, code="QQQQQQQQ", text="路灯")
    assert unknown["errors"][0]["field"] == "code"
    asked = await village.post("/questions", "resident", code=code, text="路灯什么时候修")
    again = await village.post("/questions", "resident", code=code, text="水费怎么算")
    form = (await village.get("/questions/new", "resident"))["fields"][0]
    assert (form["value"], form["held"]["source"]["key"]) == (code, "element.from.app")
    path = f"/questions/{asked['number']}"
    seen = await village.get(path, "clerk")
    assert "周晓岚" not in str(seen)
    assert seen["deadline"]["due_at"].startswith("2026-09-08")
    answered = await village.post(f"{path}/answer", "clerk", 200, version=1, text="本周五装好")
    await village.post(f"{path}/rate", "resident", 200, version=answered["version"], rating="5")
    # the other one is not answered: the town is told, and sees it as supervised
    village.stand(2026, 9, 9)
    await village.hub.settle()
    late = await village.get(f"/questions/{again['number']}", "town")
    assert late["timeline"][0]["verb"] == "supervise"
    messages = await (await village.client("town")).get("/messages")
    assert again["number"] in messages.text
    await village.get(f"/questions/{again['number']}", "clerk2", 404)


async def test_a_meeting_is_called_held_and_answers_by_the_promised_day(village):
    soon = await village.post("/meetings", "clerk", 422, **{**NOTICE, "day": "2026-09-03"})
    assert soon["errors"][0]["field"] == "day"
    for field in ("title", "place", "agenda"):
        named = await village.post("/meetings", "clerk", 422, **{**NOTICE, field: NUMBER})
        assert named["errors"][0]["field"] == field
    called = await village.post("/meetings", "clerk", **NOTICE)
    path = f"/meetings/{called['number']}"
    await village.hub.settle()
    told = (await (await village.client("clerk")).page("/messages")).text
    assert ("9:30" in told, "2026-09-08T" in told) == (True, False)
    counts = {f"came_{group}": came for group, came in CAME.items()}
    counts |= {f"of_{group}": came + 2 for group, came in CAME.items()}
    assert [act["verb"] for act in called["actions"]] == ["cancel"]  # it has not begun
    early = await village.post(f"{path}/hold", "clerk", 409, **counts)
    assert early["type"] == "urn:yimen:problem:meetings.not-begun"
    village.stand(2026, 9, 8, 14)
    more = await village.post(f"{path}/hold", "clerk", 422, **{**counts, "came_party": 21})
    assert more["errors"][0]["field"] == "came_party"
    held = await village.post(f"{path}/hold", "clerk", 200, **counts)
    assert held["attendance"][0] | {"label": ""} == {"label": "", "came": 18, "of": 20}
    both = {"text": "续租价格", "reply": "公开竞价", "promised_on": "2026-09-15"}
    refused = await village.post(f"{path}/ask", "clerk", 422, **both)
    assert refused["errors"][0]["field"] == "reply"
    weekend = await village.post(f"{path}/ask", "clerk", 422, text="路灯", promised_on="2026-09-13")
    assert weekend["errors"][0]["field"] == "promised_on"
    await village.post(f"{path}/ask", "clerk", 200, asker="丁树林", text="续租", reply="公开竞价")
    asked = await village.post(f"{path}/ask", "clerk", 200, text="路灯", promised_on="2026-09-22")
    states = {item["title"]: item["deadline"]["due_at"][:10] for item in asked["questions"]}
    assert states["路灯"] == "2026-09-22"  # later than what is asked on line is answered by
    assert len(states) == 2
    named = await village.post(f"{path}/publish", "clerk", 422, minutes=f"{NUMBER} 发言")
    assert named["errors"][0]["field"] == "minutes"
    await village.post(f"{path}/publish", "clerk", 200, minutes="通报收支，联系 13812345678")
    twice = await village.post(f"{path}/publish", "clerk", 409, minutes="再来")
    assert twice["type"] == "urn:yimen:problem:meetings.moved-on"
    code = await village.code()
    page = str(await village.get(f"/c/{code}", None))
    assert "138****5678" in page
    assert "13812345678" not in page
    figures = await village.get("/figures?since=2026-09-01&until=2026-09-30", "town")
    cards = {
        card["label"]["key"].rpartition(".figures.")[2]: card["value"] for card in figures["cards"]
    }
    assert (cards["meetings.label"], cards["solved.label"]) == (1, 1)
    assert [row.state for row in await village.rows(Meeting)] == ["published"]


async def test_a_contract_is_minded_until_it_ends(village):
    lease = {
        "kind": "contract",
        "name": "北洼机动地承包合同",
        "amount": "65000",
        "counterparty": "丁树林",
        "ends_on": "2026-10-20",
    }
    open_end = await village.post("/assets", "clerk", 422, **{**lease, "ends_on": ""})
    assert open_end["errors"][0]["field"] == "ends_on"
    made = await village.post("/assets", "clerk", **lease)
    assert made["state"] == "ending"  # within ninety days
    for _ in range(2):
        await village.close_day()
    await village.hub.settle()
    work = (await (await village.client("clerk")).get("/work")).text
    assert work.count("北洼机动地承包合同") == 1
    path = f"/assets/{made['id']}"
    longer = {**lease, "ends_on": "2029-10-20"}
    changed = await village.post(f"{path}/change", "clerk", 200, version=1, reason="续租", **longer)
    assert (changed["state"], [v["version"] for v in changed["versions"]]) == ("in_force", [2, 1])
    stale = await village.post(f"{path}/change", "clerk", 409, version=1, **longer)
    assert stale["type"] == "urn:yimen:problem:registers.stale"
    assert "北洼" not in (await (await village.client("clerk")).get("/work")).text
    page = str(await village.get(f"/c/{await village.code()}", None))
    assert "丁*林" in page
    assert "丁树林" not in page
    ancient = await village.post("/assets", "clerk", **{**lease, "starts_on": "0001-01-01"})
    over = {"version": 1, "ends_on": "2026-08-31", "reason": "错登"}
    await village.post(f"/assets/{ancient['id']}/end", "clerk", 200, **over)
    # the catalogue is the county's: others read it, and cannot change it
    items = await village.get("/catalogue?q=CW10", "clerk")
    item = items["items"][0]["id"]
    await village.get(f"/catalogue/{item}/end", "clerk", 403)
    code = await village.post(
        "/catalogue", "affairs", 422, code="CW10", name="x", heading="sanzi", every="1"
    )
    assert code["errors"][0]["field"] == "code"
    retired = {"version": 1, "ends_on": "2026-08-31", "reason": "不再公开"}
    await village.post(f"/catalogue/{item}/end", "affairs", 200, **retired)
    await village.post("/publications/2026-09/CW10/nil", "clerk", 404)


async def test_a_subsidy_is_found_by_its_recipient_alone(village):
    paid = {
        "programme": "耕地地力保护补贴",
        "recipient": "周晓岚",
        "identity_number": NUMBER,
        "amount": "632.50",
        "paid_on": "2026-08-20",
    }
    for wrong, field in (
        ({"identity_number": "110105194912310021"}, "identity_number"),
        ({"paid_on": "2026-09-20"}, "paid_on"),
    ):
        refused = await village.post("/subsidies", "clerk", 422, **{**paid, **wrong})
        assert refused["errors"][0]["field"] == field
    await village.post("/subsidies", "clerk", **paid)
    assert not (await village.get("/subsidies", "resident"))["known"]
    told = await (await village.client("resident")).page(f"{HERE}/subsidies")
    assert "请管理员登记" in told.text
    cast, services = await village.hub.actors(), village.hub.services
    async with services.database.transaction(write=True) as tx:
        await set_number(tx, services.numbers, cast["resident"].person_id, NUMBER)
    assert not (await village.get("/subsidies", "resident"))["known"], "anybody may say a number"
    async with services.database.transaction(write=True) as tx:
        await set_number(tx, services.numbers, cast["resident"].person_id, NUMBER, seen=True)
    mine = await village.get("/subsidies", "resident")
    assert [(item["programme"], item["amount"]) for item in mine["items"]] == [
        ("耕地地力保护补贴", {"fen": 63250})
    ]
    assert (await village.get("/subsidies", "resident2"))["items"] == []
    (row,) = await village.rows(Subsidy)
    assert NUMBER not in str(row.model_dump())
    assert row.recipient_name == "周*岚"
    # another app would keep another index of the same number
    hubs = village.hub.hub.apps.hubs
    assert hubs["hotline"].numbers.index(NUMBER) != hubs["village-affairs"].numbers.index(NUMBER)


async def test_a_visitor_who_cannot_scan_types_the_code(village):
    code, visitor = await village.code(), village.hub.client()
    assert f'href="{HERE}/c"' in (await visitor.page("/")).text
    wrong = await visitor.page(f"{HERE}/c?code=QQQQQQQQ")
    assert (wrong.status_code, 'id="f-code-error"' in wrong.text) == (422, True)
    found = await visitor.page(f"{HERE}/c?code={code.lower()}")
    assert found.headers["location"] == f"{HERE}/c/{code}"


async def test_the_code_of_a_merged_village_opens_its_heir(village):
    code = await village.code()
    await village.publish("2026-08", "CU03")
    services = village.hub.services
    async with services.database.transaction(write=True) as tx:
        gone, heir = [await by_code(tx, f"37160300120{n}") for n in (2, 4)]
        assert gone is not None
        assert heir is not None
        await tree.close(tx, gone.id, heir.id, reason="合并")
    page = await village.get(f"/c/{code}?period=2026-08", None)
    assert page["notices"][0]["key"] == "codes.merged"
    assert page["title"].startswith("刘虎")
    items = {item["title"]: item for section in page["sections"] for item in section["items"]}
    assert items["宅基地审批"]["state"]["key"] == "duties.public.nil"
    await village.get("/c/NOSUCHCODE", None, 404)
    sheet = await (await village.client("town")).get(f"{HERE}/codes.pdf?up=4")
    assert sheet.content.startswith(b"%PDF-")
    assert sheet.headers["content-type"] == "application/pdf"


async def test_home_and_search_show_what_concerns_the_reader_and_nobody_elses(village):
    async def cards(role):
        shown = (await (await village.client(role)).get("/")).json()["cards"]
        return {card["title"]["key"] for card in shown if "village-affairs" in card["href"]}

    async def found(role, words):
        return (await (await village.client(role)).get(f"/search?q={words}")).text

    assert (await cards("clerk"), await cards("resident")) == ({OWED}, set())
    code = await village.code()
    asked = await village.post("/questions", "resident", code=code, text="紫藤架何时扶起")
    assert await cards("clerk") == {OWED, "village-affairs.question.list"}
    assert await cards("resident") == {"village-affairs.question.own"}
    for role in ("resident", "clerk", "town"):
        assert asked["number"] in await found(role, "紫藤架"), role
    for role in ("resident2", "clerk2", "unit"):
        assert asked["number"] not in await found(role, "紫藤架"), role
        assert "village-affairs.question.list" not in await cards(role), role
