"""Answering with the knowledge base: filled from this order alone, kept, counted, refused where it
names somebody else."""

import pytest

from plugins.hotline.tests.conftest import HERE
from plugins.hotline.tests.knowing import BASE, Base

CALLER = {"caller_name": "王秀英", "phone": "13800005678"}


@pytest.fixture
async def base(desk):
    base = Base(desk)
    await base.staff()
    return base


def code(answer):
    assert answer.status_code == 409, answer.text
    return answer.json()["type"].rpartition(":")[2]


def said(answer):
    """Return what is wrong with the text."""
    assert answer.status_code == 422, answer.text
    return answer.json()["errors"]


async def call(base, **form):
    return (await base.desk.file("operator", "intake", **{**CALLER, **form}))["number"]


async def test_an_order_is_answered_at_once_keeps_its_version_and_is_counted(base):
    kept = await base.publish()
    number = await call(base, text="路灯不亮，连着五盏")
    form = (await (await base.desk.client("operator")).get(f"{HERE}/orders/{number}/answer")).json()
    assert [one["label"] for one in form["offered"]] == ["路灯不亮找谁"]
    begun = await base.begin(number, "answer", "operator")
    due = (await base.desk.see(number))["deadline"]["due_at"]
    year, month, day = due[:10].split("-")
    assert begun["text"] == (
        f"您好，路灯由12345热线服务中心管护，已记下 {number}，"
        f"{int(year)}年{int(month)}月{int(day)}日前修好。"
    )
    await base.desk.act(number, "answer", "operator", **begun)
    seen = await base.desk.see(number)
    facts = {fact["label"]["key"]: fact["value"] for fact in seen["summary"]}
    assert facts["hotline.knowledge.began_with"] == "路灯不亮找谁 · v1"
    assert "began_with" not in str(await base.desk.see(number, "dispatcher")).replace(
        "hotline.knowledge.began_with", "", 1
    )
    shown = await base.see(kept["id"], "operator")
    assert [(day["day"], day["n"]) for day in shown["days"]] == [(base.day(), 1)]
    assert shown["versions"][0]["used"] == 1

    # by a unit too; edited before it is sent; on another day
    base.desk.hub.clock.move(days=1)
    other = await call(base, text="路灯不亮，又坏了")
    await base.desk.begin(other)
    begun = await base.begin(other, "reply", "unit")
    assert "由城市管理局管护" in begun["text"]
    await base.desk.act(other, "reply", "unit", text=f"{begun['text']}谢谢。", used=begun["used"])
    shown = await base.see(kept["id"], "operator")
    assert [day["n"] for day in shown["days"]] == [1, 1]
    assert "person" not in str(shown["days"])
    figures = (await (await base.desk.client("leader")).get(f"{HERE}/figures")).json()
    cards = {card["label"]["key"]: card["value"] for card in figures["cards"]}
    assert cards["hotline.knowledge.figure.label"] == 2


async def test_a_refused_or_repeated_answer_counts_once_or_not(base):
    kept = await base.publish()
    number = await call(base)
    begun = await base.begin(number, "answer", "operator")
    open_ = await base.desk.try_act(
        number, "answer", "operator", text="{期限}前修好", used=begun["used"]
    )
    assert said(open_)
    form = {**begun, "version": 1}
    client = await base.desk.client("operator")
    key = {"idempotency-key": "answer-once-only"}
    for _ in range(2):
        sent = await client.post(f"{HERE}/orders/{number}/answer", json=form, headers=key)
        assert sent.status_code == 200, sent.text
    assert (await base.see(kept["id"]))["versions"][0]["used"] == 1
    assert (await base.see(kept["id"]))["days"][0]["n"] == 1


async def test_what_is_over_is_said_and_not_used_and_the_text_is_kept(base):
    id = (await base.publish(ends_on=base.day(3)))["id"]
    number = await call(base)
    begun = await base.begin(number, "answer", "operator")
    address = (await base.offered(number, "answer", "operator"))[0]
    client = await base.desk.client("operator")

    async def refused(why):
        assert code(await base.desk.try_act(number, "answer", "operator", **begun)) == why
        assert code(await client.get(address)) == why

    draft = await base.act(id, "revise", "unit", **base.values(text="新的口径"))
    used = draft["versions"][0]
    await base.act(id, "publish", "deputy")
    assert used["n"] == 2
    await refused("hotline.knowledge-replaced")
    begun = await base.begin(number, "answer", "operator")
    assert begun["text"] == "新的口径"
    address = (await base.offered(number, "answer", "operator"))[0]
    await base.act(id, "withdraw", "unit", reason="写错了")
    await refused("hotline.knowledge-withdrawn")
    await base.act(id, "revise", "unit", **base.values(ends_on=base.day(3)))
    await base.act(id, "publish", "deputy")
    begun = await base.begin(number, "answer", "operator")
    address = (await base.offered(number, "answer", "operator"))[0]
    base.desk.hub.clock.move(days=4)
    client = await base.desk.client("operator")
    await refused("hotline.knowledge-expired")
    assert await base.offered(number, "answer", "operator") == []
    page = await client.post_form(
        f"{HERE}/orders/{number}/answer", {"version": "1", **begun, "text": "抄写了很久"}
    )
    assert page.status_code == 409
    assert "抄写了很久" in page.text
    assert 'name="used"' not in page.text  # sent again, it is an answer of one's own
    none = "01234567-89ab-7def-8123-456789abcdef"
    for used in (none, "x"):
        answer = await base.desk.try_act(number, "answer", "operator", text="好", used=used)
        assert answer.status_code == 422
    own = await base.write(question="还没发布的")
    rows = (await (await base.desk.client("unit")).get(f"{BASE}/{own['id']}")).json()
    assert rows["state"] == "draft"


NAMED = (
    "尊敬的王秀英，您反映的路灯已修好。",
    "经核实，王秀英反映的路灯已修好。",
    "已致电 13800005678 说明情况。",
    "已致电 １３８-００００-５６７８ 说明情况。",
)


async def test_an_answer_that_names_another_caller_is_refused(base):
    other = {"caller_name": "赵文", "phone": "13900001111"}
    mine = await call(base, **other)
    await base.desk.act(mine, "answer", "operator", text=f"赵文您好：{NAMED[0]}")
    operator = await base.desk.client("operator")
    for text in NAMED:
        hers, mine = await call(base), await call(base, **other)
        errors = said(await base.desk.try_act(mine, "answer", "operator", text=text))
        assert [error["field"] for error in errors] == ["text"]
        path = f"{HERE}/orders/{mine}/answer"
        page = await operator.post_form(path, {"version": "1", "text": text})
        assert page.status_code == 422
        assert text in page.text
        assert "另一件诉求" in page.text
        await base.desk.act(hers, "answer", "operator", text=text)


async def test_short_names_and_titles_count_where_somebody_is_addressed(base):
    await call(base, caller_name="高峰", phone="13900002222")
    await call(base, caller_name="李女士", phone="13900003333")
    await call(base, caller_name="古丽·买买提", phone="13900006666")
    await call(base, caller_name="John Smith", phone="13900007777")
    mine = await call(base, caller_name="赵文", phone="13900001111")
    for text in (
        "高峰：您好。",
        "尊敬的高峰",
        "高峰先生来过。",
        "李女士，您好",
        "尊敬的李女士：已办",
    ):
        assert (await base.desk.try_act(mine, "answer", "operator", text=text)).status_code == 422
    text = "早高峰期间限行，高峰过后恢复；邻居李女士的车已移走。"
    await base.desk.act(mine, "answer", "operator", text=text)


async def test_a_refusal_tells_of_nobody_whom_one_may_not_see(base):
    """No way to ask by a trial whether somebody called: of secret orders, of other units', of
    long ago."""
    await call(base, caller_name="孙守密", phone="13900004444", secret=True)
    elsewhere = await call(base, caller_name="钱外单", phone="13900005555")
    await base.desk.dispatch(elsewhere, "unit2")
    mine = await call(base, caller_name="赵文", phone="13900001111")
    await base.desk.begin(mine)
    await base.desk.act(mine, "reply", "unit", text="孙守密、钱外单都来过，打过 13900004444。")
    mine = await call(base, caller_name="赵文", phone="13900001111")
    kept = await base.try_write(text="孙守密办理过。")
    assert kept.status_code == 201
    shown = await base.desk.try_act(mine, "answer", "operator", text="钱外单来过。")
    assert shown.status_code == 422  # the centre took that call itself
    base.desk.hub.clock.move(days=91)
    await base.desk.act(mine, "answer", "operator", text="钱外单来过。")


async def test_a_template_with_a_callers_name_in_it_is_not_kept(base):
    mine = await call(base)
    await base.desk.begin(mine)
    refused = await base.try_write(text="按王秀英一事的口径办理。")
    assert said(refused)[0]["field"] == "text"
    assert "王秀英" in str(said(refused)[0])
    assert (await base.try_write(by="dispatcher", text="按王秀英一事办理。")).status_code == 422
    assert (await base.try_write(by="unit2", text="按王秀英一事办理。")).status_code == 201


async def test_answers_for_one_place_are_not_offered_elsewhere(base):
    regions = (await (await base.desk.client("unit")).get(f"{BASE}/new")).json()["fields"]
    towns = next(field["options"] for field in regions if field["name"] == "region")
    here, there = towns[1]["value"], towns[2]["value"]
    await base.publish(region=here)
    for region, n in ((here, 1), (there, 0), (None, 0)):
        order = await call(base, region=region)
        assert len(await base.offered(order, "answer", "operator")) == n
    number = await call(base)
    outsider = await base.desk.client("unit2")
    assert (await outsider.get(f"{HERE}/orders/{number}/reply/knowledge")).status_code == 404
    resident = await base.desk.client("resident")
    own = (await base.desk.file())["number"]
    assert (await resident.get(f"{HERE}/orders/{own}/answer/knowledge")).status_code == 403
