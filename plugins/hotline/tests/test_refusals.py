"""Refusals that no walk meets: each by its code, so that none passes for another. The first test
counts them: what the hotline has words to refuse is named by a test, in full."""

import ast
import tomllib
from pathlib import Path
from uuid import UUID

from sqlmodel import col

from plugins.hotline.checking import quality
from plugins.hotline.coordination import deciding, seats
from plugins.hotline.knowledge.models import KnowledgeVersion
from plugins.hotline.tests.coordinating import BASIS, Table
from plugins.hotline.tests.knowing import BASE, Base
from plugins.hotline.tests.test_checking_calls import answered, call, follow_up
from plugins.hotline.tests.test_checking_quality import closed, draw
from plugins.hotline.tests.test_window import END, Window, kind
from plugins.hotline.tests.test_words import APP

TESTS = Path(__file__).parent
WHY = {"reason": "不归我们", "legal_basis": "三定方案"}


def refusals():
    """Return the keys of every refusal and field error that the hotline has words for."""
    found = set()
    for file in APP.rglob("locale.toml"):
        waiting = list(tomllib.loads(file.read_text("utf-8")).items())
        while waiting:
            key, words = waiting.pop()
            parts = key.split(".")
            if parts[0] == "problem" and "detail" in words:
                found.add(key.removeprefix("problem."))
            elif "zh" in words:
                if parts[-2:-1] in (["wrong"], ["error"]):
                    found.add(key)
            else:
                waiting += [
                    (f"{key}.{name}", more)
                    for name, more in words.items()
                    if isinstance(more, dict)
                ]
    return found


def named():
    """Return what the tests name as a string of its own, but for the tests of words."""
    found = set()
    for file in TESTS.glob("*.py"):
        if not file.stem.endswith("_words"):
            tree = ast.walk(ast.parse(file.read_text("utf-8")))
            texts = (node.value for node in tree if isinstance(node, ast.Constant))
            found |= {text.removeprefix("hotline.") for text in texts if isinstance(text, str)}
    return found


def test_every_refusal_is_named_by_a_test():
    said = refusals()
    assert len(said) > 120  # the reading of the files found them
    assert sorted(said - named()) == []


def refusal(answer):
    """Return the code of a refusal, or what is wrong with each field."""
    assert answer.status_code in (403, 409, 422), answer.text
    said = answer.json()
    found = {one["field"]: one["code"] for one in said.get("errors", ())}
    return found or said["type"].removeprefix("urn:yimen:problem:")


async def test_a_coordination_refuses_who_cannot_take_part_or_decide(hub_app, monkeypatch):
    """`unit2` and the centre take part, the expert is of `unit`, and `unit3` presides."""
    table = Table(hub_app)
    await table.let("dispatcher", "unit_handler")
    for one, role in (("unit", "legal_expert"), ("deputy", "legal_expert"), ("unit2", "chair")):
        await table.let(one, role)
    await table.let("unit3", "chair")
    order = (await table.file())["number"]
    number = await table.coordinate(order)
    units = {role: await table.unit(role) for role in ("unit", "unit2", "unit3", "dispatcher")}
    posts = {role: await table.post(role) for role in ("unit", "unit2", "unit3")}

    async def refused(verb, by="dispatcher", **form):
        return refusal(await table.try_do(number, verb, by, **form))

    early = await table.try_act(order, "summarize", "dispatcher", text="已办好")
    assert refusal(early) == "hotline.coordination.not-decided"
    invited = {"unit": units["unit2"], "name": "陈交通"}
    await table.do(number, "invite", **invited)
    await table.do(number, "invite", unit=units["dispatcher"], name="郑派单")
    assert await refused("invite", **invited) == {"unit": "hotline.coordination.wrong.seated"}
    expert = {"expert": posts["unit"]}
    with monkeypatch.context() as patch:
        patch.setattr(seats, "MOST", 2)
        assert await refused("invite-expert", **expert) == "hotline.coordination.too-many"
    both = {**expert, "unit": units["unit"], "name": "何律师"}
    assert await refused("invite-expert", **both) == {
        "expert": "hotline.coordination.wrong.two-experts"
    }
    await table.convene(number, "unit3")
    chairs = {"unit": "hotline.coordination.wrong.chairs"}
    assert await refused("invite", unit=units["unit3"], name="楚住建") == chairs
    await table.do(number, "invite-expert", **expert)
    opinion = {"text": "归城管局", "legal_basis": BASIS}
    assert await refused("opine", "deputy", **opinion) == "hotline.coordination.not-the-expert"
    same = {"name": invited["name"], "reason": "还是他"}
    assert await refused("send-another", "unit2", **same) == {
        "name": "hotline.coordination.wrong.the-same"
    }
    await table.hold(number, "unit2", "dispatcher")
    for post, why in (
        ("unit2", "hotline.coordination.wrong.takes-part"),
        ("unit3", "hotline.coordination.wrong.chairs-already"),
    ):
        chair = {"chair": posts[post], "reason": "主任出差"}
        assert await refused("another-chair", **chair) == {"chair": why}
    gone = {"unit": units["unit"], "reason": "没来"}
    assert await refused("absent", **gone) == {"unit": "hotline.coordination.wrong.not-there"}
    task = {"text": "修好", "due_on": table.day(2)}
    not_invited = {"unit": "hotline.coordination.wrong.not-invited"}
    assert await refused("share", unit=units["unit"], **task) == not_invited
    decision = {"text": "归交通局", "legal_basis": BASIS}
    assert await refused("propose", **decision) == "hotline.coordination.no-parts"
    await table.share(number, "unit2")
    with monkeypatch.context() as patch:
        patch.setattr(deciding, "MOST", 1)
        many = await refused("share", unit=units["dispatcher"], **task)
        assert many == "hotline.coordination.too-many-parts"
    await table.share(number, "dispatcher")
    assert await refused("propose", **decision, rule_unit=units["unit"]) == {
        "rule_unit": "hotline.coordination.wrong.no-part"
    }
    await table.propose(number)
    await table.do(number, "sign", "unit3")
    await table.do(number, "object", "unit2", **WHY)
    assert await refused("object", "dispatcher", **WHY) == "hotline.coordination.own-unit"
    none = {"unit": units["unit"], "ruling": "dismissed", "reason": "不成立"}
    assert await refused("judge", "owner", **none) == {
        "unit": "hotline.coordination.wrong.nothing-objected"
    }
    upheld = {"unit": units["unit2"], "ruling": "upheld", "to_unit": units["dispatcher"]}
    assert await refused("judge", "owner", reason="归中心", **upheld) == {
        "to_unit": "hotline.coordination.wrong.own-unit"
    }


async def test_a_counter_that_refused_is_not_judged_by_its_own_unit(desk):
    await desk.let("dispatcher", "unit_handler")
    window, centre = Window(desk), await desk.unit("dispatcher")
    number = await window.file(unit_id=centre)
    take = {"unit": centre, "representative": "首席 孙代表"}
    assert (await window.act(number, "take", "specialist", **take)).status_code == 200
    said = {"finding": "wrong", "text": "窗口人员理解有误"}
    assert (await window.act(number, "state", "dispatcher", **said)).status_code == 200
    for verb, more in (
        ("settle", {}),
        ("explain", {"rule": "《城市道路管理条例》第三十一条"}),
        ("systemic", {"proposal": "改办事指南"}),
    ):
        refused = await window.act(number, verb, "specialist", **END, **more)
        assert (refused.status_code, kind(refused)) == (403, "hotline.own-refusal"), verb


async def test_a_follow_up_call_refuses_what_was_not_said_to_it(desk):
    number = await answered(desk)
    id = (await follow_up(desk, number))["id"]
    alone = await call(desk, id, comment="修得快")
    assert refusal(alone) == {"comment": "hotline.checking.wrong.comment_alone"}
    again = await call(desk, id, rating="5", result="explained", note="已解释")
    assert refusal(again) == {"result": "hotline.checking.wrong.no_result"}
    assert (await call(desk, id, "not_reached")).status_code == 200
    stale = await call(desk, id, rating="5", version=1)
    assert refusal(stale) == "hotline.follow-up-stale"


async def test_a_sample_is_no_larger_than_can_be_checked(desk, monkeypatch):
    await closed(desk, ["unit", "unit2"])
    monkeypatch.setattr(quality, "MOST", 1)
    for wanted in ("share", "number"):
        large = await draw(desk, **{wanted: 100})
        assert refusal(large) == {wanted: "hotline.checking.wrong.too_large"}


async def test_an_answer_is_used_by_whom_and_when_it_holds(desk):
    base = Base(desk)
    await base.staff()
    number = (await desk.file())["number"]
    later = (await base.publish(starts_on=base.day(10), text="打 12345。"))["id"]
    other = await (await desk.client("unit2")).get(f"{BASE}/{later}/revise")
    assert refusal(other) == "hotline.knowledge-not-yours"
    hub = desk.hub.hub.apps.hubs["hotline"]
    async with hub.read(hub.system("test")) as read:
        versions = read.rows(KnowledgeVersion, col(KnowledgeVersion.id))
        versions = versions.where(col(KnowledgeVersion.knowledge_id) == UUID(later))
        (used,) = (await read.session.execute(versions)).scalars()
    early = await desk.try_act(number, "answer", "operator", text="打 12345。", used=str(used))
    assert refusal(early) == "hotline.knowledge-early"
    await desk.file("operator", "intake", caller_name="王秀英", phone="13800005678")
    for text, why in (
        ("{期限}前修好", "knowledge.wrong.lacking"),
        ("王秀英来过", "knowledge.wrong.other-caller"),
        ("已致电 13800005678", "knowledge.wrong.other-phone"),
    ):
        open_ = await desk.try_act(number, "answer", "operator", text=text)
        assert refusal(open_) == {"text": f"hotline.{why}"}
    for form, field, why in (
        ({"text": "有事打 13812345678"}, "text", "knowledge.wrong.mobile"),
        ({"text": "按 110101199003070134 登记"}, "text", "knowledge.wrong.identity-number"),
        ({"text": "尊敬的赵女士，已修好。"}, "text", "knowledge.wrong.greeting"),
        ({"text": "您好 {姓名}，已修好。"}, "text", "knowledge.wrong.place"),
        ({"public": True}, "public", "knowledge.wrong.open"),
    ):
        assert refusal(await base.try_write(**form)) == {field: f"hotline.{why}"}
    kept = f"question,text,basis,ends_on\n路灯不亮找谁,别的答案,通知,{base.day(9)}"
    unit = await desk.client("unit")
    tried = await unit.post(f"{BASE}/import", json={"content": kept})
    ((remark,),) = [row["remarks"] for row in tried.json()["rows"]]
    assert remark["key"] == "hotline.knowledge.wrong.asked-already"
    draft = (await base.write(ends_on=base.day(1)))["id"]
    desk.hub.clock.move(days=2)
    past = await base.try_act(draft, "publish", "deputy")
    assert refusal(past) == "hotline.knowledge-past"
