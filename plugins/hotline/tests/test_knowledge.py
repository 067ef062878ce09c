"""The knowledge base: written by one, published by another, held for a time, found by words."""

import asyncio

import pytest

from plugins.hotline.knowledge.keeping import Keeping
from plugins.hotline.tests.conftest import HERE
from plugins.hotline.tests.knowing import BASE, Base


@pytest.fixture
async def base(desk):
    base = Base(desk)
    await base.staff()
    return base


def code(answer):
    assert answer.status_code in (403, 409, 422), answer.text
    return answer.json()["type"].rpartition(":")[2]


def wrong(answer):
    """Return what is wrong with a form, by field."""
    assert answer.status_code == 422, answer.text
    return {one["field"]: one["message"] for one in answer.json()["errors"]}


async def test_an_answer_lives_from_draft_to_its_last_day(base):
    kept = await base.write()
    id = kept["id"]
    assert (kept["state"], kept["n"]) == ("draft", 1)
    assert await base.found(by="operator") == []  # another unit's draft is nobody's business
    other = await base.desk.client("unit2")
    assert (await other.get(f"{BASE}/{id}")).status_code == 404
    assert code(await base.try_act(id, "publish", "unit")) == "hotline.knowledge-own-draft"
    assert (await base.try_act(id, "publish", "unit2")).status_code == 404
    published = await base.act(id, "publish", "deputy")
    assert (published["state"], published["versions"][0]["published_role"]) == (
        "in_force",
        "副局长",
    )
    assert await base.found(by="operator") == ["路灯不亮找谁"]
    assert code(await base.try_act(id, "publish", "deputy")) == "hotline.knowledge-no-draft"
    seen = await base.see(id, "operator")
    assert (seen["version"], seen["actions"]) == (None, [])
    for verb in ("revise", "withdraw"):
        form = base.values(reason="顺手") if verb == "revise" else {"reason": "顺手"}
        assert (await base.try_act(id, verb, "unit2", **form)).status_code == 404
        assert (await base.try_act(id, verb, "operator", **form)).status_code == 403

    # the next version: the first goes on until the second takes over, and stays to be read
    later = base.day(10)
    form = base.values(text="改由市政中心管护。", starts_on=later, reason="职责调整")
    revised = await base.act(id, "revise", "deputy", **form)
    assert [v["state"] for v in revised["versions"]] == ["draft", "in_force"]
    assert revised["text"].startswith("您好，路灯由")
    await base.act(id, "publish", "unit")
    assert [v["state"] for v in (await base.see(id))["versions"]] == ["future", "ending"]
    base.desk.hub.clock.move(days=10)
    seen = await base.see(id, "operator")
    assert (seen["n"], seen["text"]) == (2, "改由市政中心管护。")
    assert [v["state"] for v in seen["versions"]] == ["in_force", "replaced"]
    assert seen["versions"][1]["text"].startswith("您好，路灯由")
    assert {v["unit"] for v in seen["versions"]} == {"城市管理局"}

    base.desk.hub.clock.move(days=356)
    seen = await base.see(id, "operator")
    assert (seen["state"], seen["said"]["key"]) == ("expired", "hotline.knowledge.said.expired")
    assert seen["said"]["params"]["date"] == seen["versions"][0]["facts"][2]["value"]
    assert await base.found(state="in_force") == []
    assert await base.found(state="expired") == ["路灯不亮找谁"]


async def test_two_at_once_publish_one_and_a_stale_form_loses_nothing(base):
    id = (await base.write())["id"]
    both = await asyncio.gather(
        base.try_act(id, "publish", "deputy", version=1),
        base.try_act(id, "revise", "unit", version=1, **base.values(text="别的内容")),
    )
    assert sorted(answer.status_code for answer in both) == [200, 409]
    refused = next(answer for answer in both if answer.status_code == 409)
    assert code(refused) == "registers.stale"
    seen = await base.see(id)
    assert len(seen["versions"]) == 1
    stale = await (await base.desk.client("unit")).post_form(
        f"{BASE}/{id}/revise", {"version": "1", **base.values(text="写了很久")}
    )
    assert stale.status_code == 409
    assert "写了很久" in stale.text


async def test_a_draft_that_another_changed_is_published_by_who_wrote_it_first(base):
    id = (await base.write())["id"]
    await base.act(id, "revise", "deputy", **base.values(text="改了一处"))
    assert code(await base.try_act(id, "publish", "deputy")) == "hotline.knowledge-own-draft"
    await base.act(id, "publish", "unit")
    withdrawn = await base.act(id, "withdraw", "unit", reason="职责已划走")
    assert withdrawn["state"] == "withdrawn"
    assert withdrawn["versions"][0]["withdrawn_reason"] == "职责已划走"
    again = await base.try_act(id, "withdraw", "unit", reason="再撤")
    assert code(again) == "hotline.knowledge-withdrawn-already"
    assert await base.found(state="withdrawn", by="operator") == ["路灯不亮找谁"]
    assert await base.found("路灯", by="operator") == []
    await base.act(id, "revise", "unit", **base.values(text="职责划回"))  # it may come back
    assert (await base.act(id, "publish", "deputy"))["n"] == 2


async def test_who_only_publishes_sees_the_draft_and_may_do_no_more(base):
    id = (await base.write("dispatcher"))["id"]
    leader = await base.desk.client("leader")
    assert "路灯不亮找谁" in (await leader.page("/work")).text
    seen = await base.see(id, "leader")
    assert [act["verb"] for act in seen["actions"]] == ["publish"]
    page = await leader.page(f"{BASE}/{id}/publish")
    assert "您好，路灯由{单位}管护" in page.text
    assert (await leader.get(f"{BASE}/{id}/withdraw")).status_code == 403
    sent = await leader.post_form(f"{BASE}/{id}/publish", {"version": str(seen["version"])})
    assert sent.status_code == 303, sent.text
    assert (await base.see(id, "leader"))["state"] == "in_force"
    assert (await base.desk.hub.client().get(f"{BASE}/{id}")).status_code == 401


REFUSED = (
    ({"text": "有事打 138-1234-5678"}, "text", "手机号"),
    ({"basis": "电话记录 １３８１２３４５６７８"}, "basis", "手机号"),
    ({"text": "按 110101199003070134 登记"}, "text", "身份证号码"),
    ({"text": "尊敬的王女士，已修好。"}, "text", "“王”"),
    ({"text": "王秀英您好，已修好。"}, "text", "“王秀英”"),
    ({"text": "您好 {王秀英}，已修好。"}, "text", "“王秀英”这个空位"),
    ({"text": "您好 {姓名}，已修好。"}, "text", "“姓名”这个空位"),
    ({"public": "true"}, "public", "空位“单位”"),
    ({"ends_on": "2020-01-01"}, "ends_on", "已经过去"),
    ({"ends_on": "2090-01-01"}, "ends_on", "不能晚于"),
    ({"starts_on": "2089-01-01"}, "ends_on", "开始日期"),
    ({"category": "没有/这个/分类"}, "category", "选项"),
    ({"region": "01234567-89ab-7def-8123-456789abcdef"}, "region", "选项"),
    ({"region": "别处"}, "region", "选项"),
    ({"text": "灯" * 8001}, "text", "最多"),
    ({"basis": ""}, "basis", "填写"),
)


async def test_what_may_not_be_kept_is_refused_with_its_reason(base):
    client = await base.desk.client("unit")
    for form, field, said in REFUSED:
        answer = await client.post_form(BASE, base.values(**form))
        assert answer.status_code == 422, form
        _, mark, error = answer.text.partition(f'id="f-{field}-error"')
        assert mark, form
        assert said in error.partition("</p>")[0], form
    assert await base.found(by="unit", state="draft") == []


async def test_roles_and_offices_are_no_names(base):
    for n, greeting in enumerate(("尊敬的市民朋友，", "您好，", "申请人您好：", "各位家长您好，")):
        await base.write(question=f"问{n}", text=f"{greeting}打 0543-3212345 或 12345 咨询。")


async def test_words_find_alike_on_both_engines(base):
    await base.publish()
    await base.publish(question="垃圾多久清运一次", text="每天清运。", keywords="垃圾桶 ＡＢ-12")
    await base.publish(question="50%_折扣有没有", text="没有。", keywords="")
    for said, found in {
        "路灯": ["路灯不亮找谁"],
        "我们小区门口路灯不亮了": ["路灯不亮找谁"],
        "灯坏了": ["路灯不亮找谁"],
        "ab": ["垃圾多久清运一次"],
        "ＡＢ": ["垃圾多久清运一次"],
        "垃圾桶满了没人清运": ["垃圾多久清运一次"],
        "公积金提取": [],
        "%": [],
        "_": [],
        "50": ["50%_折扣有没有"],
        "路" * 100: [],
    }.items():
        assert await base.found(said) == found, said
    assert len(await base.found()) == 3
    assert await base.found(category="城乡建设") == await base.found()
    assert await base.found(mine="1", by="unit2") == []
    client = await base.desk.client("operator")
    assert (await client.get(BASE, params={"state": "nonsense"})).status_code == 400
    assert (await client.get(BASE, params={"q": "长" * 101})).status_code == 400
    assert (await client.get(BASE, params={"cursor": "junk"})).status_code == 422


async def test_a_long_list_goes_on_and_a_search_says_that_it_was_cut(base, monkeypatch):
    monkeypatch.setattr("plugins.hotline.knowledge.lists.PAGE", 2)
    monkeypatch.setattr("plugins.hotline.knowledge.lists.NEAREST", 2)
    for n in range(3):
        await base.publish(question=f"路灯第{n}问", public=True, text="打 12345。")
    client, seen, path = await base.desk.client("operator"), [], BASE
    while path:
        page = (await client.get(path)).json()
        seen += [item["question"] for item in page["items"]]
        path = page["next_href"]
    assert seen == ["路灯第2问", "路灯第1问", "路灯第0问"]
    assert (await client.get(BASE, params={"q": "路灯"})).json()["cut_at"] == 2
    visitor = base.desk.hub.client()
    page = (await visitor.get(BASE)).json()
    assert len(page["items"]) == 2
    assert len((await visitor.get(page["next_href"])).json()["items"]) == 1


async def test_everybody_reads_what_is_public_and_in_force_and_nothing_else(base):
    await base.publish(question="公开的", text="打 12345。", public=True)
    await base.publish(question="内部的", text="内部口径。")
    await base.write(question="公开的草稿", text="还没看过。", public=True)
    for by in ("resident", None):
        client = await base.desk.client(by) if by else base.desk.hub.client()
        page = (await client.get(BASE)).json()
        assert [item["question"] for item in page["items"]] == ["公开的"]
        assert set(page["items"][0]) == {
            *("question", "text", "basis", "unit", "region", "since", "last_day")
        }
        asked = {"q": "内部", "state": "draft"}
        assert (await client.get(BASE, params=asked)).json()["items"] == []
        id = (await base.desk.client("unit")).get(BASE)
        id = (await id).json()["items"][0]["href"]
        assert (await client.get(id)).status_code in (401, 403)
        assert (await client.post(BASE, json=base.values())).status_code in (401, 403)
    base.desk.hub.clock.move(days=366)
    assert (await base.desk.hub.client().get(BASE)).json()["items"] == []


async def test_owners_hear_before_the_last_day_each_time_once(base):
    await base.publish(ends_on=base.day(40))
    await base.publish(question="不急的", ends_on=base.day(300))
    hub = base.desk.hub.hub.apps.hubs["hotline"]
    keeping = Keeping(hub)

    async def heard():
        actor = hub.system("job knowledge")
        await asyncio.gather(keeping.remind(actor), keeping.remind(actor))
        await base.desk.hub.settle()
        counts = []
        for by in ("unit", "unit2"):
            page = await (await base.desk.client(by)).page("/messages")
            counts.append(page.text.count("“路灯不亮找谁”用到"))
        return counts

    assert await heard() == [0, 0]
    base.desk.hub.clock.move(days=15)
    assert await heard() == [1, 0]
    assert "路灯不亮找谁" in (await (await base.desk.client("unit")).page("/work")).text
    assert await heard() == [1, 0]
    base.desk.hub.clock.move(days=20)
    assert await heard() == [2, 0]
    item = (await (await base.desk.client("unit")).get(BASE, params={"state": "ending"})).json()
    id = item["items"][0]["href"].rpartition("/")[2]
    await base.act(id, "revise", "unit", **base.values())
    await base.act(id, "publish", "deputy")
    base.desk.hub.clock.move(days=4)
    assert await heard() == [2, 0]  # the new version is far from its end
    assert "路灯不亮找谁" not in (await (await base.desk.client("unit")).page("/work")).text


async def test_an_old_knowledge_base_comes_in_as_drafts_whole_or_not_at_all(base):
    head = "question,text,basis,ends_on,keywords,public"
    good = f"垃圾清运,每天清运。,《管理办法》第三条,{base.day(100)},,否"
    bad = f"找王师傅,打 13812345678,通知,{base.day(100)},,是"
    client = await base.desk.client("unit")

    async def send(*lines, bring_in=False):
        content = "\n".join((head, *lines))
        values = {"content": content, **({"bring_in": True} if bring_in else {})}
        return await client.post(f"{BASE}/import", json=values)

    tried = await send(good, bad)
    assert [row["outcome"] for row in tried.json()["rows"]] == ["new", "refused"]
    assert tried.json()["rows"][1]["remarks"][0]["params"]["fault"]["key"].endswith("mobile")
    assert (await send(good, bad, bring_in=True)).status_code == 422
    assert await base.found(by="unit", state="draft") == []
    assert (await send(good, bring_in=True)).status_code == 200
    assert await base.found(by="unit", state="draft") == ["垃圾清运"]
    assert [row["outcome"] for row in (await send(good)).json()["rows"]] == ["same"]
    other = good.replace("每天", "隔天")
    assert [row["outcome"] for row in (await send(other)).json()["rows"]] == ["refused"]
    assert (await send(*[good] * 501)).status_code == 422
    assert (await client.get(f"{BASE}/import/template.csv")).status_code == 200
    assert (await (await base.desk.client("operator")).get(f"{BASE}/import")).status_code == 403
    page = await client.page(f"{HERE}/orders")
    assert f'href="{BASE}"' in page.text
