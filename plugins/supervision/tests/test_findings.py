import pytest

from plugins.supervision.tests.conftest import SITE

EMBEDDED = pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)


def fields(problem):
    return {error["field"]: error["code"] for error in problem["errors"]}


async def test_a_problem_is_handed_over_put_right_inspected_and_published(cast):
    number = await cast.find()
    act = cast.act
    unit = await cast.unit("unit")
    await act("findings", number, "hand-over", "supervisor", unit=unit, days=10)
    await act("findings", number, "rectify", "unit", text="已加装冲洗台，安排专人值守")
    await act("findings", number, "fail", "supervisor", reason="冲洗台没有通水")
    again = await cast.see(f"/findings/{number}")
    assert again["deadline"]["n"] == 10  # its term begins anew
    await act("findings", number, "rectify", "unit", text="已通水，现场试用三次")
    await act("findings", number, "pass", "supervisor")
    refused = await act("findings", number, "skip-pursuit", "supervisor", 422)
    assert fields(refused) == {"reason": "missing"}
    await act("findings", number, "skip-pursuit", "supervisor", reason="首次发现，已当场整改")
    await act("findings", number, "publish", "supervisor", text="在全区建筑工地例会上通报")
    seen = await cast.see(f"/findings/{number}", "inspector")  # who found it sees how it ended
    assert seen["state"] == "closed"
    assert [entry["verb"] for entry in reversed(seen["timeline"])] == [
        *("file", "hand-over", "rectify", "fail", "rectify"),
        *("pass", "skip-pursuit", "publish"),
    ]
    assert seen["timeline"][1]["reason"] == "首次发现，已当场整改"
    figures = await cast.see("/figures")
    chart = figures["charts"][0]
    assert chart["rows"] == [["建筑垃圾", 1, 1, 1]]


@EMBEDDED
async def test_what_was_in_order_ends_at_once_and_is_shared(cast):
    number = await cast.find(result="clear", text="台账齐全，车辆冲洗到位")
    assert (await cast.see(f"/findings/{number}"))["state"] == "clear"
    filed = await cast.see(f"/findings/{number}/filed", "inspector")
    assert filed["track_href"] is None  # and what the code would open is nothing
    asked = {"number": number, "code": filed["code"]}
    assert not (await cast.hub.client().post("/track", json=asked)).json()["found"]
    found = (await cast.see("/results?q=宏达", "unit2"))["items"]
    assert [(item["subject"], item["checked_on"], item["state"]) for item in found] == [
        (SITE, cast.day(), {"key": "supervision.finding.state.clear", "params": {}})
    ]
    assert "text" not in found[0]
    spare = f"/results/{number}/spare"
    await cast.post("unit2", spare, reason="原定查车辆带泥上路，不再上门")
    twice = await cast.post("unit2", spare, 409, reason="再记一次")
    assert twice["type"].endswith("supervision.spared-already")
    assert "不用再记一次" in twice["detail"]
    own = await cast.post("supervisor", spare, 409, reason="自己的检查")
    assert own["type"].endswith("supervision.own-result")
    await cast.post("unit3", spare, reason="原定查扬尘，结果够用")
    cards = {card["label"]["key"]: card["value"] for card in (await cast.see("/figures"))["cards"]}
    assert cards["supervision.figure.spared.label"] == 2


@EMBEDDED
async def test_what_cannot_be_is_refused_with_what_to_do(cast):
    tomorrow = cast.check(checked_on=cast.day(1))
    assert fields(await cast.post("inspector", "/findings", 422, **tomorrow)) == {
        "checked_on": "in-the-future"
    }
    (topic,) = (await cast.see("/topics"))["items"]
    ending = {"version": 1, "ends_on": cast.day(-1), "reason": "并入扬尘治理"}
    await cast.post("supervisor", f"/topics/{topic['id']}/end", **ending)
    retired = await cast.post("inspector", "/findings", 422, **cast.check())
    assert "已停用" in retired["errors"][0]["detail"]
    assert await cast.kept() == []


@EMBEDDED
async def test_no_problem_is_handed_to_whom_it_is_about_nor_by_who_found_it(cast):
    unit, other = await cast.unit("unit"), await cast.unit("unit2")
    number = await cast.find(subject="城市管理局", subject_unit=unit)
    refused = await cast.act("findings", number, "hand-over", "supervisor", 422, unit=unit)
    assert "被检查的单位" in refused["errors"][0]["detail"]
    named = await cast.find(subject="城市管理局")  # by its name alone
    await cast.act("findings", named, "hand-over", "supervisor", 422, unit=unit)
    await cast.act("findings", number, "hand-over", "supervisor", unit=other)
    own = await cast.find("supervisor")
    refused = await cast.act("findings", own, "hand-over", "supervisor", 403, unit=other)
    assert "由另一个人办" in refused["detail"]
    await cast.act("findings", own, "hand-over", "supervisor2", unit=other)


async def test_home_and_search_show_what_concerns_the_reader_and_nobody_elses(cast):
    async def seen(role, path):
        return str((await (await cast.client(role)).get(path)).json())

    number = await cast.find(text="紫藤架倒塌")
    for role in ("inspector", "supervisor"):
        assert number in await seen(role, "/search?q=紫藤架"), role
    assert "supervision.finding" in await seen("supervisor", "/")
    for role in ("unit", "resident", "clerk"):
        assert number not in await seen(role, "/search?q=紫藤架"), role
        assert number not in await seen(role, "/"), role
