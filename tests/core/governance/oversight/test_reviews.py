"""Reviews of apps from the nomination to the decision: who may, when, and on what evidence."""

import io
from datetime import date, timedelta

import pytest
from PIL import Image
from sqlalchemy import select, update
from sqlmodel import col

from core.access.delegation import delegate
from core.governance.declared import Declared
from core.governance.lifecycle.models import Standing
from core.governance.lifecycle.service import take, taken
from core.governance.models import FindingRow
from core.governance.oversight.models import Review
from core.governance.register import register
from core.messages.models import Notice
from core.work.models import WorkItem
from plugin_sdk.ports import ScopeKind
from plugin_sdk.text import Text
from portal.pages.governance.decisions import code_of

EMBEDDED = pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)


def code(answer):
    return answer["type"].rpartition(":")[2]


def wrong(answer):
    return {error["field"] for error in answer["errors"]}


def labels(facts):
    return {fact["label"]["key"].rpartition(".")[2]: fact["value"] for fact in facts}


def picture():
    out = io.BytesIO()
    Image.new("RGB", (40, 30), "green").save(out, "JPEG")
    return out.getvalue()


async def waiting(desk):
    """Return the permissions for which reviews wait now."""
    async with desk.hub.services.database.transaction() as tx:
        found = await tx.session.execute(
            select(col(WorkItem.permission)).where(
                col(WorkItem.app) == "oversight", col(WorkItem.closed_at).is_(None)
            )
        )
        return list(found.scalars())


async def told(desk, role):
    """Return which notices of reviews one of the cast has got."""
    await desk.hub.settle()
    person = (await desk.hub.actor(role)).person_id
    async with desk.hub.services.database.transaction() as tx:
        found = await tx.session.execute(
            select(col(Notice.key)).where(
                col(Notice.app) == "oversight", col(Notice.person_id) == person
            )
        )
        return sorted(key.rpartition(".")[2] for key in found.scalars())


async def test_a_review_goes_from_the_nomination_to_a_merge_and_is_decided_once_more(desk):
    await desk.open(by="owner", status=403)
    number = (await desk.open(cause="与镇街的平台重复"))["number"]
    stands = await desk.stands()
    assert (stands.stage, stands.review) == ("review", number)
    assert await waiting(desk) == ["oversight.review.reply"]
    assert await told(desk, "owner") == ["nominate"]
    assert code(await desk.open(status=409, cause="再来一次")) == "oversight.open-review"

    seen = await desk.see(number, "owner")
    assert [found["kind"] for found in seen["findings"]] == ["burden"]
    assert {card["value"] for card in seen["cards"]} >= {31.5}, "measures as they were"
    assert (seen["deadline"]["kind"], seen["deadline"]["n"]) == ("days_left", 15)
    assert {act["verb"] for act in seen["actions"]} == {"plan", "object", "consent"}
    await desk.see(number, "unit", 404)  # another unit, which owns other apps
    await desk.act(number, "plan", "unit", 404, text="别家的", planned_on="2026-12-01")
    assert code(await desk.act(number, "retire", "decider", 409, reason="太早")) == "case.illegal"

    late = await desk.act(number, "plan", "owner", 422, text="改", planned_on="2026-08-01")
    assert wrong(late) == {"planned_on"}
    client = await desk.client("owner")
    answer = await client.post(
        f"/apps/oversight/reviews/{number}/object",
        data={"_csrf": client.csrf, "version": "1", "text": "九成诉求按期办结，数据有误"},
        files={"photos": ("会议纪要.jpg", picture(), "image/jpeg")},
    )
    assert answer.status_code == 200, answer.text
    assert code(await desk.act(number, "consent", "owner", 409, text="改口")) == "case.illegal"
    assert await waiting(desk) == ["oversight.review.decide"]
    assert await told(desk, "decider") == ["object"]
    assert await told(desk, "governance") == ["object"], "whoever nominated it hears of it"

    paper = f"/governance/reviews/{number}/decision.pdf"
    assert (await (await desk.client("owner")).get(paper)).status_code == 404, "not decided yet"
    merge = {"reason": "功能相同", "successor": "supervision"}
    await desk.act(number, "merge", "governance", 403, **merge)
    await desk.let("governance", "oversight.decider")
    had = await desk.act(number, "merge", "governance", 403, **merge)
    assert code(had) == "case.had-a-hand", "the nominator does not decide"
    await desk.let("owner", "oversight.decider")
    had = await desk.act(number, "merge", "owner", 403, **merge)
    assert code(had) == "case.had-a-hand", "nor does who replied"
    await desk.let("leader", "oversight.decider")
    own = await desk.act(number, "merge", "leader", 403, **merge)
    assert code(own) == "owner-decides", "nor anybody else of the owner's unit"
    assert not (await desk.see(number, "leader"))["actions"]

    async with desk.hub.services.database.transaction(write=True) as tx:
        going = update(Standing).where(col(Standing.app) == "village-affairs")
        await tx.session.execute(going.values(stage="sunset"))
    for successor in ("hotline", "village-affairs", "nowhere"):
        answer = await desk.act(
            number, "merge", "decider", 422, **{**merge, "successor": successor}
        )
        assert wrong(answer) == {"successor"}, successor
    assert (wrong(await desk.act(number, "merge", "decider", 422, successor="supervision"))) == {
        "reason"
    }
    assert (await desk.stands()).stage == "review", "nothing half done"
    decided = await desk.act(number, "merge", "decider", **merge)
    assert decided["state"] == "merge"
    stands = await desk.stands()
    assert (stands.stage, stands.successor, stands.review) == ("merge", "supervision", number)
    async with desk.hub.services.database.transaction() as tx:
        step, *_ = await taken(tx, "hotline")
    assert (step.verb, step.name, step.unit, step.reason) == (
        *("merge", "苏网信", "区委网信办", "功能相同"),
    )
    seen = await desk.see(number, "owner")
    assert len(seen["attachments"]) == 1
    said = labels(seen["decision"])
    assert said["decided_by"] == "区委网信办 苏网信"
    assert said["reason"] == "功能相同"
    for role, status in (("owner", 200), ("decider", 200), ("unit", 404)):
        assert (await (await desk.client(role)).get(paper)).status_code == status, role
    async with desk.hub.services.database.migration(write=False) as connection:  # which sees all
        found = await connection.execute(select(Review))
        (row,) = found
    seal = f"/decisions/{number}/{code_of(desk.hub.hub.settings.secret, row)}"
    anybody = desk.hub.client()
    checked = (await anybody.get(seal)).json()
    assert (checked["unit"], checked["successor"]["zh"]) == ("区委网信办", "监督督办")
    assert "与系统里现在的决定一致" in (await anybody.page(seal)).text
    for wrong_code in (seal[:-1] + "z", f"/decisions/{number}/0", "/decisions/202601010001/0"):
        assert (await anybody.get(wrong_code)).status_code == 404, wrong_code
    assert await told(desk, "owner") == ["merge", "nominate"]
    assert code(await desk.act(number, "object", "owner", 409, text="晚了")) == "case.illegal"

    await desk.act(number, "reconsider", "decider", reason="对接方案没有通过")
    assert (await desk.stands()).stage == "review"
    assert code(await desk.open(status=409)) == "oversight.open-review"
    await desk.act(number, "retire", "decider", reason="改为关停")
    assert (await anybody.get(seal)).status_code == 404, "the paper of before does not check"
    stands = await desk.stands()
    assert (stands.stage, stands.successor) == ("retire", None)
    async with desk.hub.services.database.transaction(write=True) as tx:
        await take(tx, "hotline", "sunset", await desk.hub.actor("governance"))
    begun = await desk.act(number, "reconsider", "decider", 409, reason="来不及")
    assert code(begun) == "oversight.begun"


async def test_silence_is_recorded_as_silence_and_nobody_decides_on_old_evidence(desk):
    number = (await desk.open())["number"]
    await desk.move(days=17)
    await desk.hub.settle()
    assert await told(desk, "owner") == ["nominate", "remind"]
    await desk.move(days=12)  # offices were closed for the festival of the middle of autumn
    late = await desk.act(number, "consent", "owner", 409, text="同意")
    assert code(late) == "oversight.reply-late", "though the hub has not looked yet"
    await desk.hub.settle()
    seen = await desk.see(number)
    assert seen["state"] == "silent"
    assert labels(seen["reply"])["reply_kind"]["key"] == "oversight.review.reply.none"
    assert code(await desk.act(number, "consent", "owner", 409, text="同意")) == "case.illegal"
    assert (await desk.stands()).stage == "review", "silence decides nothing"

    keep = {"reason": "用得多"}
    assert code(await desk.act(number, "keep", "decider", 409, **keep)) == (
        "oversight.stale-evidence"
    )
    assert code(await desk.act(number, "refresh", "decider", 409)) == "oversight.nothing-newer"
    assert seen["stale"]["key"].endswith("stale_old")
    await desk.look()
    await desk.act(number, "refresh", "decider")
    seen = await desk.see(number)
    assert [one["key"].rpartition("_")[2] for one in seen["changes"]] == ["none"]
    assert seen["stale"] is None

    async with desk.hub.services.database.transaction(write=True) as tx:
        gone = update(FindingRow).where(col(FindingRow.app) == "hotline")
        await tx.session.execute(gone.values(cleared_at=tx.now))
    assert code(await desk.act(number, "keep", "decider", 409, **keep)) == (
        "oversight.stale-evidence"
    )
    await desk.move(hours=1)
    await desk.look()
    await desk.act(number, "refresh", "decider")
    (change,) = (await desk.see(number))["changes"]
    assert change["key"].endswith("change_gone")

    until = desk.day(70).isoformat()
    past = await desk.act(number, "improve", "decider", 422, reason="x", until="2026-09-01")
    assert wrong(past) == {"until"}
    await desk.act(number, "improve", "decider", reason="先改", until=until)
    assert (await desk.stands()).stage == "improve"
    assert code(await desk.open(status=409, cause="等不及")) == "oversight.open-review"
    await desk.move(days=73)
    await desk.hub.settle()
    assert (await desk.see(number))["state"] == "due"
    assert (await desk.stands()).stage == "improve", "the hub itself moves no app"
    await desk.look()
    await desk.act(number, "refresh", "decider")
    await desk.act(number, "keep", "decider", reason="改好了")
    assert (await desk.stands()).stage == "keep"
    assert await waiting(desk) == []
    async with desk.hub.services.database.transaction() as tx:
        steps = [step.verb for step in await taken(tx, "hotline")]
    assert steps == ["keep", "reconsider", "improve", "review"]


@EMBEDDED
async def test_what_cannot_be_reviewed_is_refused_with_what_to_do(desk):
    async with desk.hub.services.database.transaction(write=True) as tx:
        for app, owner in (("lost", "999999"), ("quiet", "371603U05"), ("beyond", "371603U04")):
            declared = Declared(
                app=app,
                names=Text(f"应用{app}", f"App {app}"),
                owner=owner,
                stage="active",
                since=date(2024, 1, 1),
            )
            await register(tx, declared)
    lost = await desk.open("lost", 409, cause="没人管")
    assert (code(lost), "999999" in lost["detail"]) == ("oversight.owner-unknown", True)
    quiet = await desk.open("quiet", 409, cause="没人管")
    assert code(quiet) == "oversight.nobody-replies"
    assert "人力资源和社会保障局" in quiet["detail"]
    assert (wrong(await desk.open("nowhere", 422, cause="x"))) == {"app"}
    assert (wrong(await desk.open("beyond", 422))) == {"cause"}, "nothing was found"
    await desk.let("unit", "oversight.reviewer", ScopeKind.ORGANIZATION)
    assert code(await desk.open("beyond", 403, by="unit", cause="别家的")) == "denied"
    async with desk.hub.services.database.transaction() as tx:
        assert await taken(tx, "beyond") == []

    number = (await desk.open("beyond", cause="和办事大厅重复"))["number"]
    await desk.act(number, "withdraw", "decider", 403, reason="不是我提的")
    await desk.act(number, "withdraw", "governance", reason="提错了")
    stands = await desk.stands("beyond")
    assert (stands.stage, stands.review) == ("active", None)
    number = (await desk.open("beyond", cause="再提一次"))["number"]
    await desk.act(number, "consent", "unit3", text="同意整合")
    await desk.act(number, "retire", "decider", reason="同意关停")
    assert (await desk.stands("beyond")).stage == "retire", "an app beyond the door too"
    closed = await desk.open("beyond", 409, cause="还要提")
    assert code(closed) == "oversight.not-in-use"


@EMBEDDED
async def test_who_stands_in_for_the_owner_does_not_decide_either(desk):
    number = (await desk.open())["number"]
    await desk.act(number, "plan", "owner", text="下月改版", planned_on="2026-10-15")
    cast = await desk.hub.actors()
    owner, decider = cast["owner"], cast["decider"]
    async with desk.hub.services.database.transaction(write=True) as tx:
        await delegate(
            tx,
            owner.post_id,
            decider.person_id,
            by=owner.person_id,
            starts_at=tx.now,
            ends_at=tx.now + timedelta(days=3),
            reason="出差",
        )
    own = await desk.act(number, "keep", "decider", 403, reason="我替他们定")
    assert code(own) == "owner-decides"
    await desk.move(days=4)
    await desk.act(number, "keep", "decider", reason="计划可行")
    assert (await desk.stands()).stage == "keep"


@EMBEDDED
async def test_a_time_to_improve_beyond_the_known_calendar_is_dated_later(desk):
    number = (await desk.open())["number"]
    await desk.act(number, "consent", "owner", text="同意改进")
    await desk.act(number, "improve", "decider", reason="改一年", until="2028-03-01")
    seen = await desk.see(number)
    assert seen["deadline"]["kind"] == "unknown"
    assert seen["notice"]["key"] == "case.notice.due-pending"
    assert labels(seen["decision"])["until"] == "2028-03-01"
    await desk.move(days=600)
    await desk.hub.settle()
    assert (await desk.see(number))["state"] == "improve", "never by guessing"
    far = (desk.day(800)).isoformat()
    await desk.act(number, "reconsider", "decider", reason="提前再看")
    answer = await desk.act(number, "improve", "decider", 409, reason="再改", until=far)
    assert code(answer) == "oversight.stale-evidence"
