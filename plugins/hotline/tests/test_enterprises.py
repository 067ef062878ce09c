"""The enterprise desk: the register and its files, calls by plan, orders, cards, who may what."""

import asyncio

import pytest

from plugins.hotline.tests.conftest import HERE

CODES = ("91371603MA3C0XYW1U", "91371603MA3C0ABC03")


def fields(problem):
    return {error["field"]: error["code"] for error in problem.json()["errors"]}


def refusal(answer):
    return answer.status_code, answer.json()["type"].rpartition(":")[2]


class EnterpriseDesk:
    """Specialists at work."""

    def __init__(self, desk):
        self.desk = desk

    async def get(self, path, by="specialist"):
        return await (await self.desk.client(by)).get(f"{HERE}{path}")

    async def post(self, path, by="specialist", **form):
        return await (await self.desk.client(by)).post(f"{HERE}{path}", json=form)

    async def enter(self):
        """Enter the specialist and return their code."""
        answer = await self.post("/specialists", name="卫专员", phone="0543-3180001")
        assert answer.status_code == 201, answer.text
        return answer.json()["code"]

    def form(self, specialist, code=CODES[0], **more):
        values = {
            "code": code,
            "name": "滨河纺织有限公司",
            "scale": "small",
            "contact": "马经理",
            "contact_phone": "13800005678",
            "specialist": specialist,
        }
        return {**values, **more}

    async def add(self, specialist, **more):
        answer = await self.post("/enterprises", **self.form(specialist, **more))
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def plan(self, **more):
        values = {
            "name": "年底走访",
            "ends_on": str(self.desk.hub.clock.day(20)),
            "script": "问用工",
        }
        answer = await self.post("/call-plans", **{**values, **more})
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]


@pytest.fixture
def enterprises(desk):
    return EnterpriseDesk(desk)


async def test_a_call_by_plan_becomes_an_order_of_the_enterprise_and_is_not_made_twice(
    desk, enterprises
):
    code = await enterprises.enter()
    one = await enterprises.add(code)
    plan = await enterprises.plan()
    listed = (await enterprises.get(f"/call-plans/{plan}/calls")).json()
    assert [(item["name"], item["reached"]) for item in listed["items"]] == [(one["name"], False)]
    path = f"/call-plans/{plan}/calls/{one['id']}"
    assert (await enterprises.post(path, outcome="no_answer")).status_code == 201
    need = {"outcome": "reached", "kind": "help", "need": "厂区路口晚上看不见，想装路灯"}
    sent = await asyncio.gather(*(enterprises.post(path, **need) for _ in range(2)))
    assert sorted(answer.status_code for answer in sent) == [201, 409]
    (late,) = [answer for answer in sent if answer.status_code == 409]
    assert late.json()["type"].rsplit(":", 1)[1] in (
        "hotline.called-already",
        "written-meanwhile",
    )
    listed = (await enterprises.get(f"/call-plans/{plan}/calls")).json()
    assert (listed["asked"], listed["reached"]) == (1, 1)
    assert listed["items"][0]["call_href"] is None

    seen = (await enterprises.get(f"/enterprises/{one['id']}")).json()
    assert [call["outcome"] for call in seen["calls"]] == ["reached", "no_answer"]
    (order,) = seen["orders"]
    assert order["title"].startswith("厂区路口")
    await desk.answer(order["number"])
    seen = (await enterprises.get(f"/enterprises/{one['id']}")).json()
    assert (seen["orders"][0]["state"], seen["orders"][0]["reply"]) == ("replied", "已修好五盏路灯")
    shown = await desk.see(order["number"], "unit")  # the unit knows whose matter it is
    said = {fact["label"]["key"]: fact["value"] for fact in shown["summary"]}
    assert said["hotline.order.field.enterprise"]["params"]["code"] == CODES[0]


async def test_an_order_kept_secret_is_no_longer_named_on_the_enterprise(desk, enterprises):
    one = await enterprises.add(await enterprises.enter())
    call = {"outcome": "reached", "kind": "help", "need": "想装路灯"}
    kept = await enterprises.post(f"/enterprises/{one['id']}/call", **call)
    number = kept.json()["orders"][0]["number"]
    assert kept.json()["calls"][0]["order_number"] == number
    await desk.act(number, "keep-secret", "operator")
    assert number not in (await enterprises.get(f"/enterprises/{one['id']}")).text


async def test_what_an_enterprise_asks_has_a_deadline_of_its_own(desk, enterprises):
    from datetime import UTC, datetime

    desk.hub.clock.stand(datetime(2026, 3, 3, 2, tzinfo=UTC))
    one = await enterprises.add(await enterprises.enter())
    call = {"outcome": "reached", "kind": "help", "need": "想装路灯"}
    kept = await enterprises.post(f"/enterprises/{one['id']}/call", **call)
    (order,) = kept.json()["orders"]
    seen = await desk.see(order["number"])
    assert seen["deadline"]["due_at"] == "2026-03-10T09:30:00Z"  # five working days, not fifteen


async def test_a_wrong_code_a_taken_one_and_a_dissolved_enterprise_are_refused(desk, enterprises):
    code = await enterprises.enter()
    wrong = await enterprises.post("/enterprises", **enterprises.form(code, "91371603MA3C0XYW1T"))
    assert fields(wrong) == {"code": "hotline.enterprise.wrong.credit-code-checksum"}
    short = await enterprises.post("/enterprises", **enterprises.form(code, "9137"))
    assert fields(short) == {"code": "hotline.enterprise.wrong.credit-code-length"}
    other = await enterprises.post("/enterprises", **enterprises.form(code, "91371603MA3C0XYWIO"))
    assert fields(other) == {"code": "hotline.enterprise.wrong.credit-code-format"}
    one = await enterprises.add(code)
    again = await enterprises.post("/enterprises", **enterprises.form(code, CODES[0].lower()))
    assert fields(again) == {"code": "code-taken"}
    same = await enterprises.post("/enterprises", **enterprises.form(code, CODES[1], deputy=code))
    assert fields(same) == {"deputy": "hotline.enterprise.wrong.deputy-same"}
    known = await enterprises.post("/specialists", name="又一次", phone="13800005678")
    assert refusal(known) == (409, "hotline.specialist-known")

    change = {**enterprises.form(code), "version": 1, "name": "滨河新纺织有限公司"}
    del change["code"]
    path = f"/enterprises/{one['id']}"
    first = await enterprises.post(f"{path}/change", **change)
    assert first.status_code == 200, first.text
    stale = await enterprises.post(f"{path}/change", **{**change, "name": "另一个名字"})
    assert stale.status_code == 409  # two at once: the second sees what the first did

    plan = await enterprises.plan()
    day = str(desk.hub.clock.day(-1))
    ended = await enterprises.post(f"{path}/end", version=2, ends_on=day, reason="已注销")
    assert ended.status_code == 200, ended.text
    card = {"title": "x", "steps": "x", "place": "x", "documents": "x"}
    card["valid_until"] = str(desk.hub.clock.day(5))
    for at, form in (
        (f"{path}/call", {"outcome": "reached"}),
        (f"/call-plans/{plan}/calls/{one['id']}", {"outcome": "reached"}),
        (f"{path}/cards", card),
    ):
        refused = await enterprises.post(at, **form)
        assert refusal(refused) == (409, "hotline.enterprise-over"), at
    assert (await enterprises.get(f"/call-plans/{plan}/calls?all=1")).json()["items"] == []


async def test_a_file_is_told_row_by_row_and_twice_leaves_one(desk, enterprises):
    await enterprises.enter()
    head = "统一社会信用代码,企业名称,规模,联系人,联系电话,企业专员"
    good = f"{CODES[0]},滨河纺织有限公司,小型,马经理,13800005678,卫专员"
    bad = "91371603MA3C0XYW1T,写错的公司,小型,马经理,13800005678,卫专员"
    nobody = f"{CODES[1]},没人管的公司,小型,马经理,13800005678,李专员"
    tried = await enterprises.post(
        "/enterprises/import", content="\n".join([head, good, bad, nobody])
    )
    assert [row["outcome"] for row in tried.json()["rows"]] == ["new", "refused", "refused"]
    brought = {"content": f"{head}\n{good}", "bring_in": True}
    for outcome in ("new", "same"):
        answer = await enterprises.post("/enterprises/import", **brought)
        assert answer.status_code == 200, answer.text
        assert [row["outcome"] for row in answer.json()["rows"]] == [outcome]
    listed = (await enterprises.get("/enterprises")).json()["items"]
    assert [item["code"] for item in listed] == [CODES[0]]
    assert (await enterprises.get("/enterprises?mine=1")).json()["items"] == listed


async def test_a_plan_asks_whom_it_says_while_it_runs(desk, enterprises):
    code = await enterprises.enter()
    small, large = (
        await enterprises.add(code),
        await enterprises.add(code, code=CODES[1], scale="large"),
    )
    plan = await enterprises.plan(scale="large")
    listed = (await enterprises.get(f"/call-plans/{plan}/calls")).json()["items"]
    assert [item["code"] for item in listed] == [CODES[1]]
    other = await enterprises.post(f"/call-plans/{plan}/calls/{small['id']}", outcome="reached")
    assert other.json()["type"].endswith("not-in-plan")
    unheard = {"outcome": "no_answer", "kind": "help", "need": "想装路灯"}
    path = f"/call-plans/{plan}/calls/{large['id']}"
    said = await enterprises.post(path, **unheard)
    assert fields(said) == {"need": "hotline.enterprise.wrong.need-unheard"}
    assert "kind" in fields(await enterprises.post(path, outcome="reached", need="想装路灯"))
    desk.hub.clock.move(days=21)
    over = await enterprises.post(path, outcome="reached")
    assert over.json()["type"].endswith("plan-over")
    assert (await enterprises.get(f"/call-plans/{plan}/calls")).json()["over"] is True


async def test_a_card_is_checked_by_anybody_and_says_when_it_no_longer_holds(desk, enterprises):
    one = await enterprises.add(await enterprises.enter())
    form = {
        "title": "消防验收备案",
        "steps": "先网上预约\n再现场核验",
        "place": "政务大厅 12 号窗口",
        "documents": "营业执照",
        "valid_until": str(desk.hub.clock.day(30)),
    }
    for day, code in ((-1, "in-the-past"), (400, "hotline.enterprise.wrong.card-long")):
        wrong = {**form, "valid_until": str(desk.hub.clock.day(day))}
        refused = await enterprises.post(f"/enterprises/{one['id']}/cards", **wrong)
        assert fields(refused) == {"valid_until": code}
    card = (await enterprises.post(f"/enterprises/{one['id']}/cards", **form)).json()
    visitor = desk.hub.client()
    path = f"{HERE}/cards/{card['code']}"
    seen = await visitor.page(path)
    assert seen.status_code == 200
    for words in ("有效", "政务大厅 12 号窗口", "卫专员", "0543"):
        assert words in seen.text, words
    assert "滨河纺织" not in seen.text  # whose card it is, is nobody's business
    assert "13800005678" not in seen.text
    assert (await visitor.get(f"{path}/card.pdf")).status_code == 401
    for unknown in ("ABCD", "A" * 12):
        assert (await visitor.get(f"{HERE}/cards/{unknown}")).status_code == 404
    paper = await enterprises.get(f"/cards/{card['code']}/card.pdf")
    assert paper.content.startswith(b"%PDF")
    assert (await enterprises.post(f"/cards/{card['code']}/withdraw")).status_code == 422
    gone = await enterprises.post(f"/cards/{card['code']}/withdraw", reason="材料改了")
    assert gone.json()["state"] == "withdrawn"
    again = await enterprises.post(f"/cards/{card['code']}/withdraw", reason="x")
    assert refusal(again) == (409, "hotline.card-withdrawn")
    seen = await visitor.get(path)
    assert seen.json()["state"] == "withdrawn"
    assert "政务大厅" not in seen.text


async def test_another_specialist_and_every_other_role_are_refused(desk, enterprises):
    from core.access.grants import grant
    from plugin_sdk.ports import ScopeKind

    one = await enterprises.add(await enterprises.enter())
    path = f"/enterprises/{one['id']}"
    for role in ("resident", "operator", "dispatcher", "unit", "leader"):
        for at in ("/enterprises", path, "/enterprises.csv", "/call-plans", "/specialists"):
            assert (await enterprises.get(at, role)).status_code == 403, (role, at)
        answer = await enterprises.post(f"{path}/call", role, outcome="reached")
        assert answer.status_code == 403, role
    checker = await desk.hub.actor("checker")
    async with desk.hub.services.database.transaction(write=True) as tx:
        await grant(tx, checker.post_id, "hotline.specialist", ScopeKind.ORGANIZATION)
    seen = await enterprises.get(path, "checker")
    assert seen.status_code == 200
    assert "call" not in [action["verb"] for action in seen.json()["actions"]]
    entered = []
    for _ in range(2):  # as nobody of the desk, then as another specialist there
        refused = await enterprises.post(f"{path}/call", "checker", outcome="reached")
        assert refusal(refused) == (403, "hotline.enterprise-of-another")
        form = {"name": "褚专员", "phone": "13800001111"}
        entered.append((await enterprises.post("/specialists", "checker", **form)).status_code)
    assert entered == [201, 409]
    code = (await enterprises.get("/specialists", "checker")).json()["items"][0]["code"]
    change = {**enterprises.form(code), "version": 1}
    del change["code"]
    taken = await enterprises.post(f"{path}/change", "checker", **change)
    assert taken.status_code == 200, taken.text
    assert (await enterprises.post(f"{path}/call", "checker", outcome="reached")).status_code == 201


async def test_an_enterprise_that_reports_is_named_nowhere(desk, enterprises):
    one = await enterprises.add(await enterprises.enter())
    path = f"/enterprises/{one['id']}"
    call = {"outcome": "reached", "kind": "report", "need": "有人收钱插队验收"}
    kept = await enterprises.post(f"{path}/call", **call)
    assert kept.status_code == 201, kept.text
    (order,) = (await enterprises.get("/orders", "dispatcher")).json()["items"]
    seen = await enterprises.get(path)
    assert order["number"] not in seen.text
    assert seen.json()["orders"] == []
    await desk.dispatch(order["number"])
    for role in ("dispatcher", "unit", "specialist"):
        shown = str(await desk.see(order["number"], role))
        for secret in ("滨河纺织", CODES[0], "马经理", "13800005678"):
            assert secret not in shown, (role, secret)
