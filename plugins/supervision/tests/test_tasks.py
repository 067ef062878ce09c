import io
from datetime import date, datetime, timedelta

import pytest
from PIL import Image

from plugins.supervision.tests.test_findings import fields

EMBEDDED = pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)


async def given(cast, lead="unit", by="supervisor", days=40):
    form = {
        "title": "城区渣土运输专项整治",
        "text": "十月底前完成三处工地的整治",
        "source": "区委常委会第 12 次会议",
        "unit": await cast.unit(lead),
        "due_on": await working_day(cast, days),
    }
    return (await cast.post(by, "/tasks", 201, **form))["number"]


async def working_day(cast, days):
    """Return the first working day from so many days ahead."""
    hub = cast.hub.hub.apps.hubs["supervision"]
    day = date.fromisoformat(cast.day(days))
    while not hub.calendar.is_working_day(day):
        day += timedelta(days=1)
    return day.isoformat()


def photo():
    out = io.BytesIO()
    Image.new("RGB", (40, 30), "green").save(out, "JPEG")
    return out.getvalue()


def light(task):
    found = [f["value"] for f in task["summary"] if f["label"]["key"].endswith("field.light")]
    return found[0]["key"].rpartition(".")[2] if found else None


async def test_a_lead_gives_parts_collects_replies_and_is_accepted(cast):
    number = await given(cast)
    act = cast.act
    for unit in ("unit2", "unit3"):
        part = {"unit": await cast.unit(unit), "text": "核实本行业三处工地"}
        await act("tasks", number, "assign", "unit", **part, due_on=await working_day(cast, 10))
    early = await act("tasks", number, "report", "unit", 409, text="已全部完成")
    assert "住房和城乡建设局" in early["detail"]
    await act("tasks", number, "reply-part", "unit2", text="沿线货车已错峰")
    twice = await act("tasks", number, "reply-part", "unit2", 403, text="再说一次")
    assert twice["type"].endswith("case.not-assistant")
    await act("tasks", number, "reply-part", "unit3", text="见附图")
    back = {"unit": await cast.unit("unit3"), "reason": "照片不能代替说明"}
    await act("tasks", number, "send-back", "unit", **back)
    await act("tasks", number, "reply-part", "unit3", text="三处工地冲洗设施已验收")
    page = await (await cast.client("unit")).page(f"/apps/supervision/tasks/{number}/report")
    assert "交通运输局：沿线货车已错峰" in page.text  # the one reply begins with theirs
    bare = await act("tasks", number, "report", "unit", 422)
    assert fields(bare) == {"text": "missing"}
    await act("tasks", number, "report", "unit", text="三处工地整治完成，台账已归档")
    await act("tasks", number, "reject", "supervisor", reason="缺台账编号")
    await act("tasks", number, "report", "unit", text="三处工地整治完成，台账 2026-018")
    await act("tasks", number, "accept", "supervisor")
    seen = await cast.see(f"/tasks/{number}", "unit3")
    assert seen["state"] == "accepted"
    assert [part["reply"] for part in seen["parts"]] == ["沿线货车已错峰", "三处工地冲洗设施已验收"]
    assert light(seen) == "green"


@EMBEDDED
async def test_nobody_accepts_what_they_did_themselves(cast):
    number = await given(cast, lead="supervisor2")
    await cast.act("tasks", number, "report", "supervisor2", text="已办结，材料归档")
    refused = await cast.act("tasks", number, "accept", "supervisor2", 403)
    assert refused["type"].endswith("case.had-a-hand")
    await cast.act("tasks", number, "accept", "supervisor")


@EMBEDDED
async def test_a_photo_is_evidence_beside_words_and_never_instead_of_them(cast):
    number = await given(cast)
    unit, path = await cast.client("unit"), f"/apps/supervision/tasks/{number}/report"
    files = {"photos": ("现场.jpg", photo(), "image/jpeg")}
    alone = await unit.post_form(path, {"version": "1", "text": " "}, files=files)
    assert alone.status_code == 422
    assert (await cast.see(f"/tasks/{number}"))["state"] == "doing"
    sent = await unit.post_form(path, {"version": "1", "text": "整治完成，见照片"}, files=files)
    assert sent.status_code == 303, sent.text
    assert len((await cast.see(f"/tasks/{number}"))["attachments"]) == 1


@EMBEDDED
async def test_lights_follow_the_deadline_and_late_parts_are_said(cast):
    clock = cast.hub.clock
    number = await given(cast)
    part = {"unit": await cast.unit("unit2"), "text": "核实", "due_on": "2026-09-08"}
    await cast.act("tasks", number, "assign", "unit", **part)
    assert light(await cast.see(f"/tasks/{number}")) == "green"
    clock.stand(datetime.fromisoformat("2026-09-09T09:00+08:00"))
    await cast.hub.settle()
    cast._clients.clear()
    for role in ("unit", "unit2"):
        said = (await (await cast.client(role)).page("/messages")).text
        assert f"任务 {number} 的协办任务超期" in said
    clock.stand(datetime.fromisoformat("2026-10-30T09:00+08:00"))
    await cast.hub.settle()
    cast._clients.clear()
    late = await cast.see(f"/tasks/{number}")
    assert light(late) == "red"
    assert late["timeline"][0]["verb"] == "supervise"
