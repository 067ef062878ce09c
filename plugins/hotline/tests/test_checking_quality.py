"""Checks by sample: drawn once and again by anybody, judged by who had no hand, put right."""

import asyncio
from datetime import UTC, datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.access.grants import grant
from plugin_sdk.ports import ScopeKind
from plugins.hotline.checking import sampling
from plugins.hotline.tests.conftest import HERE
from plugins.hotline.tests.test_checking_supervision import code

TUESDAY = datetime(2026, 3, 3, 2, tzinfo=UTC)  # 10:00 in Shanghai
APRIL = datetime(2026, 4, 2, 2, tzinfo=UTC)
GOOD = dict.fromkeys(("answered", "verified", "polite", "on_time", "evidence"), "yes")


async def closed(desk, units):
    """Let orders be answered by units and closed in March; return their numbers."""
    desk.hub.clock.stand(TUESDAY)
    numbers = []
    for unit in units:
        number = (await desk.file())["number"]
        await desk.dispatch(number, unit)
        await desk.act(number, "sign", unit)
        await desk.act(number, "process", unit)
        await desk.act(number, "reply", unit, text="已办")
        await desk.act(number, "close", "dispatcher")
        numbers.append(number)
    desk.hub.clock.stand(APRIL)
    return numbers


async def draw(desk, by="checker", month="2026-03", **form):
    return await (await desk.client(by)).post(f"{HERE}/samples", json={"month": month, **form})


def wrong(answer):
    """Return what is wrong with a form."""
    assert answer.status_code == 422, answer.text
    return [one["code"] for one in answer.json()["errors"]]


async def judge(desk, id, by="checker", version=1, **form):
    client = await desk.client(by)
    values = {"version": version, **GOOD, **form}
    return await client.post(f"{HERE}/checks/{id}/judge", json=values)


async def test_a_sample_is_drawn_once_shows_its_seed_and_can_be_drawn_again(desk):
    numbers = await closed(desk, ["unit"] * 4 + ["unit2"])
    for other in ("unit", "leader", "dispatcher", "resident"):
        assert (await draw(desk, other, number=3)).status_code == 403
    found = await asyncio.gather(*(draw(desk, number=3) for _ in range(3)))
    assert sorted(answer.status_code for answer in found) == [201, 409, 409]
    (view,) = [answer.json() for answer in found if answer.status_code == 201]
    facts = {fact["label"]["key"].rpartition(".")[2]: fact["value"] for fact in view["facts"]}
    strata = {"unit": numbers[:4], "unit2": numbers[4:]}
    ids = {name: await desk.unit(name) for name in strata}
    by_unit = {ids[name]: found for name, found in strata.items()}
    again = sampling.draw(by_unit, facts["seed"], None, 3)
    drawn = {one["number"] for one in view["checks"]}
    assert drawn == {number for found in again.values() for number in found}
    assert (facts["population"], facts["size"]) == (5, 3)
    assert facts["digest"] == sampling.digest_of(numbers)
    assert {one["unit"]: one["drawn"] for one in view["strata"]} == {
        "城市管理局": 2,
        "交通运输局": 1,
    }
    assert code(await draw(desk, share=50)) == "hotline.drawn-already"
    runs = await draw(desk, month="2026-04", number=1)
    assert wrong(runs) == ["hotline.checking.wrong.month_runs"]
    assert code(await draw(desk, month="2026-02", number=1)) == "hotline.nothing-closed"
    for one in ({}, {"share": 5, "number": 5}):
        refused = await draw(desk, month="2026-02", **one)
        assert wrong(refused) == ["hotline.checking.wrong.share_or_number"]
    for one in ({"share": 0}, {"number": 501}):
        assert (await draw(desk, month="2026-02", **one)).status_code == 422
    for month in ("2026-13", "0000-01", "0001-01", "9999-12", "March!!", "2026/03"):
        refused = await draw(desk, month=month, number=1)
        assert wrong(refused) == ["hotline.checking.wrong.month"], month


async def test_an_answer_is_judged_once_and_put_right_by_its_unit(desk):
    await closed(desk, ["unit", "unit2"])
    view = (await draw(desk, share=100)).json()
    checks = {one["unit"]: one["id"] for one in view["checks"]}
    id = checks["城市管理局"]
    for other, status in (("unit", 403), ("dispatcher", 403)):
        assert (await judge(desk, id, other)).status_code == status
    unit = await desk.client("unit")
    assert (await unit.get(f"{HERE}/checks/{id}")).status_code == 404  # not judged yet
    assert wrong(await judge(desk, id, evidence="no")) == ["hotline.checking.wrong.note"]
    nothing = await judge(desk, id, correct=True)
    assert wrong(nothing) == ["hotline.checking.wrong.nothing_to_correct"]
    asked = await asyncio.gather(
        *(judge(desk, id, evidence="no", note="没有照片", correct=True) for _ in range(3))
    )
    assert sorted(answer.status_code for answer in asked) == [200, 409, 409]
    assert code(await judge(desk, id, version=2)) == "hotline.judged-already"
    assert (await unit.get(f"{HERE}/checks/{id}")).json()["state"] == "asked"
    assert f"{HERE}/checks/{id}/correct" in str((await unit.get("/work")).json())
    other = await desk.client("unit2")
    assert (await other.get(f"{HERE}/checks/{id}")).status_code == 404
    words = {"version": 2, "text": "补拍了照片"}
    assert (await other.post(f"{HERE}/checks/{id}/correct", json=words)).status_code == 404
    stale = await unit.post(f"{HERE}/checks/{id}/correct", json={**words, "version": 1})
    assert code(stale) == "hotline.check-stale"
    assert (await unit.post(f"{HERE}/checks/{id}/correct", json=words)).status_code == 200
    again = await unit.post(f"{HERE}/checks/{id}/correct", json={**words, "version": 3})
    assert code(again) == "hotline.nothing-asked"
    checker = await desk.client("checker")
    assert "补拍了照片" in (await checker.get(f"{HERE}/checks/{id}")).text
    assert "/samples/" in str((await checker.get("/work")).json())
    assert (await judge(desk, checks["交通运输局"])).status_code == 200
    assert "/samples/" not in str((await checker.get("/work")).json())
    assert [one["state"] for one in (await other.get(f"{HERE}/checks")).json()["items"]] == [
        "passed"
    ]


async def test_nobody_checks_what_they_handled_or_answered(desk):
    desk.hub.clock.stand(TUESDAY)
    number = (await desk.file("operator", "intake", phone="13800005678"))["number"]
    await desk.act(number, "answer", "operator", text="带身份证")
    await desk.act(number, "close", "dispatcher")
    async with desk.hub.services.database.transaction(write=True) as tx:
        for role in ("operator", "dispatcher"):
            post = (await desk.hub.actor(role)).post_id
            await grant(tx, post, "hotline.checker", ScopeKind.ORGANIZATION, granted_by=None)
    desk.hub.clock.stand(APRIL)
    (one,) = (await draw(desk, share=1)).json()["checks"]
    for hand in ("operator", "dispatcher"):  # who answered, who closed
        assert code(await judge(desk, one["id"], hand)) == "hotline.own-hand"
        seen = (await (await desk.client(hand)).get(f"{HERE}/checks/{one['id']}")).json()
        assert seen["actions"] == []
    assert (await judge(desk, one["id"])).status_code == 200


async def test_results_are_by_unit_with_n_and_never_of_few(desk):
    await closed(desk, ["unit"] * 6 + ["unit2"] * 2)
    checks = (await draw(desk, share=100)).json()["checks"]
    for n, one in enumerate(checks):
        wrong = {"polite": "no", "note": "口气生硬"} if n == 0 else {}
        assert (await judge(desk, one["id"], **wrong)).status_code == 200
    client = await desk.client("leader")
    view = (await client.get(f"{HERE}/checking/figures?since=2026-04-01&until=2026-04-30")).json()
    charts = {chart["title"]["key"].split(".")[3]: chart for chart in view["charts"]}
    assert charts["checks"]["rows"] == []  # the two of the one would follow from the whole
    assert "calls" not in charts
    assert view["cards"] == []
    assert "褚回访" not in str(view)


SIZES = st.lists(st.integers(1, 40), min_size=1, max_size=8).map(
    lambda found: {f"u{n}": size for n, size in enumerate(found)}
)
QUICKLY = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])


@given(SIZES, st.integers(1, 100), st.integers(1, 200))
@QUICKLY
def test_each_unit_appears_and_no_more_than_there_are(sizes, share, number):
    strata = {name: [f"{name}{n}" for n in range(size)] for name, size in sizes.items()}
    total = 0
    for wanted in ({"share": share, "number": None}, {"share": None, "number": number}):
        drawn = sampling.draw(strata, "seed", **wanted)
        assert drawn == sampling.draw(
            {name: found[::-1] for name, found in strata.items()}, "seed", **wanted
        )
        assert all(1 <= len(drawn[name]) <= size for name, size in sizes.items())
        assert all(set(drawn[name]) <= set(strata[name]) for name in sizes)
        total = sum(map(len, drawn.values()))
    assert total == min(max(number, len(sizes)), sum(sizes.values()))
