from uuid import uuid4

import pytest

pytestmark = pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)


async def test_a_station_watches_a_project_and_another_audits_it(cast):
    place = await cast.unit("head")
    station = {"code": "FG01", "name": "富国街道监察联络站", "place_id": place, "head": "窦站长"}
    nowhere = {**station, "place_id": str(uuid4())}
    refused = await cast.post("supervisor", "/stations", 422, **nowhere)
    assert refused["errors"][0]["field"] == "place_id"
    await cast.post("supervisor", "/stations", 201, **station)
    project = {
        "title": "通村路硬化",
        "kind": "fund",
        "station": "FG01",
        "amount": "350000",
        "households": 317,
        "text": "硬化 1.2 公里，10 月完工",
    }
    number = (await cast.post("supervisor", "/projects", 201, **project))["number"]
    act = cast.act
    await act("projects", number, "checkpoint", "head", text="路基压实度合格")
    await act("projects", number, "notice", "head", text="9 月 2 日起在村务栏公示七天")
    await act("projects", number, "problem", "head", text="村民反映路面厚度不足")
    early = await act("projects", number, "audit", "supervisor", 409, text="合格")
    assert "还有 1 个问题" in early["detail"]
    await act("projects", number, "outcome", "head", text="已返工补足厚度")
    await act("projects", number, "outcome", "head", 409, text="没有第二个")
    await act("projects", number, "declare", "supervisor2", reason="参加过招标评审")
    took_part = await act("projects", number, "audit", "supervisor2", 403, text="合格")
    assert took_part["type"].endswith("case.had-a-hand")
    await act("projects", number, "audit", "supervisor", text="资金与工程量相符")
    assert (await cast.see(f"/projects/{number}", "head"))["state"] == "audited"
    cards = {c["label"]["key"]: c["value"] for c in (await cast.see("/figures"))["cards"]}
    counted = [cards[f"supervision.figure.{n}.label"] for n in ("projects", "problems", "settled")]
    assert counted == [1, 1, 1]
