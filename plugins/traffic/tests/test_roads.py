"""Road works and incidents: read by all, corrected in the open, told once to who follows."""

import asyncio
from collections import Counter

import pytest

from plugins.traffic.roads import following, routes
from plugins.traffic.roads.following import Following
from plugins.traffic.roads.models import RoadFollow, RoadNotice
from plugins.traffic.roads.notices import desk_of

EMBEDDED = pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)
WORKS = {
    "name": "G205 国道半幅施工",
    "kind": "works",
    "road": "G205 国道",
    "stretch": "412 公里至 415 公里",
    "hours": "每天 22:00 至次日 6:00",
    "advice": "北向绕行恒业五路，有事打 13812345678",
    "starts_on": "2026-09-01",
    "ends_on": "2026-09-20",
}


@pytest.fixture
async def roads(town):
    town.following = Following(desk_of(town.desk.hub))
    return town


async def told(town, *texts):
    """Do what the job does, twice; return how often a resident reads each text."""
    actor = town.desk.hub.system("job roads")
    await asyncio.gather(town.following.tell(actor), town.following.tell(actor))
    await town.following.tell(actor)
    await town.hub.settle()
    page = await (await town.client("resident")).page("/messages")
    return [page.text.count(text) for text in texts]


async def change(town, id, status=200, **values):
    seen = await town.get(f"/road-notices/{id}", "officer")
    form = {**WORKS, **values, "version": seen["version"]}
    return await town.post(f"/road-notices/{id}/change", "officer", status, **form)


async def test_who_follows_hears_once_of_what_is_new(roads, monkeypatch):
    monkeypatch.setattr(following, "BATCH", 1)  # every follower a unit of work
    for by, status in (("resident", 403), ("brigade", 403)):
        await roads.post("/road-notices", by, status, **WORKS)
    offered = (await roads.get("/roads/follows"))["fields"][0]["options"]
    town = next(one["value"] for one in offered if one["value"].startswith("region:"))
    await roads.post("/roads/follows", "resident", 201, subject="road:G205 国道")
    await roads.post("/roads/follows", "resident", 201, subject=town)
    await roads.post("/roads/follows", "resident2", 201, subject="road:G205 国道")
    await roads.post("/roads/follows", "resident", 422, subject="road:no such road")
    client = await roads.client("resident2")
    again = [client.post("/apps/traffic/roads/follows", json={"subject": town}) for _ in range(5)]
    answers = Counter(one.status_code for one in await asyncio.gather(*again))
    assert answers == {201: 1, 409: 4}
    assert len(await roads.rows(RoadFollow)) == 4
    mine = (await roads.get("/roads/follows"))["items"]
    end = mine[0]["end_href"].removeprefix("/apps/traffic")
    await roads.post(end, "resident2", 404)
    region = town.partition(":")[2]
    made = await roads.post("/road-notices", "officer", 201, **WORKS, region=region)
    assert await told(roads, "路况：G205", "路况有变化") == [1, 0], "the road and the township"
    await change(roads, made["id"], region=region, name="G205 国道半幅夜间施工", reason="标题写全")
    assert await told(roads, "路况有变化") == [0], "another title is no news"
    await change(roads, made["id"], region=region, ends_on="2026-09-25", reason="延期")
    await change(roads, made["id"], region=region, ends_on="2026-09-28", reason="再延期")
    assert await told(roads, "路况有变化") == [1], "two changes before anybody was told are one"
    seen = await roads.get(f"/road-notices/{made['id']}", "officer")
    over = {"version": seen["version"], "ends_on": "2026-09-01", "reason": "提前完工"}
    await roads.post(f"/road-notices/{made['id']}/end", "officer", **over)
    assert await told(roads, "已结束：", "路况有变化") == [1, 1]
    assert (await change(roads, made["id"], 409))["type"].endswith("road-over")
    await roads.post(end, "resident")
    assert len((await roads.get("/roads/follows"))["items"]) == 1
    short = await roads.post("/road-notices", "officer", 201, **WORKS)
    quick = {"version": 1, "ends_on": "2026-09-01", "reason": "发错了"}
    await roads.post(f"/road-notices/{short['id']}/end", "officer", **quick)
    assert await told(roads, "已结束：") == [1], "what was over before anybody heard of it"
    assert {row.news - row.told for row in await roads.rows(RoadNotice)} == {0}


@EMBEDDED
async def test_everybody_reads_what_is_on_now_and_what_stood_before(roads):
    for wrong, field in (
        ({"road": None}, "road"),
        ({"road": "没有这条路"}, "road"),
        ({"advice": ""}, "advice"),
        ({"ends_on": "2026-08-01"}, "ends_on"),
        ({"name": "找 11010519491231002X"}, "name"),
    ):
        answer = await roads.post("/road-notices", "officer", 422, **{**WORKS, **wrong})
        assert [one["field"] for one in answer["errors"]] == [field], wrong
    made = await roads.post("/road-notices", "officer", 201, **WORKS)
    later = {**WORKS, "name": "富国路封闭", "kind": "closed", "road": "富国路"}
    await roads.post("/road-notices", "officer", 201, **{**later, "starts_on": "2026-09-10"})
    shown = await roads.get("/roads", None)
    assert [(one["name"], one["coming"]) for one in shown["items"]] == [
        ("G205 国道半幅施工", False),
        ("富国路封闭", True),
    ]
    assert "13812345678" not in str(shown)
    assert "138****5678" in shown["items"][0]["advice"]
    assert [one["name"] for one in (await roads.get("/roads?road=富国路", None))["items"]] == [
        "富国路封闭"
    ]
    assert shown["publish"] is None
    assert (await roads.get("/roads", "officer"))["publish"]["href"].endswith("/road-notices")
    await change(roads, made["id"], advice="双向可以通行", reason="完成北半幅")
    seen = await roads.get(f"/roads/{made['id']}", None)
    assert [one["said"]["key"] for one in seen["stood"]] == [
        "traffic.road.said.change",
        "traffic.road.said.add",
    ]
    assert "13812345678" not in str(seen)
    assert "严交警" not in str(seen)
    assert "民警" not in str(seen), "what was published, not by whom"
    roads.later(days=40)
    assert (await roads.get("/roads", None))["items"] == []
    assert (await roads.get(f"/roads/{made['id']}", None))["state"]["key"].endswith("over")
    for path, by, status in (
        ("/roads/follows", None, 401),
        ("/road-notices", "resident", 403),
        ("/roads/00000000-0000-7000-8000-000000000000", None, 404),
    ):
        await roads.get(path, by, status)
    figures = await roads.get("/figures", "brigade")
    cards = {card["label"]["key"]: card["value"] for card in figures["cards"] if card["label"]}
    assert cards["traffic.figure.road_notices.label"] == 2


async def test_what_is_called_off_or_over_today_is_gone_and_told(roads):
    await roads.post("/roads/follows", "resident", 201, subject="road:G205 国道")
    last = {"ends_on": "2026-09-01"}
    for dates, end in (
        ({"starts_on": "2026-09-10"}, {"ends_on": "2026-09-09"}),  # it never was
        (last, last),  # as it was to be
    ):
        made = await roads.post("/road-notices", "officer", 201, **{**WORKS, **dates})
        before = await told(roads, "已结束：")
        path, form = f"/road-notices/{made['id']}/end", {"reason": "不办了", **end}
        await roads.post(path, "officer", version=1, **form)
        assert (await roads.get("/roads", None))["items"] == []
        assert await told(roads, "已结束：") == [before[0] + 1]


async def test_whoever_reads_on_reads_every_notice_once(roads, monkeypatch):
    monkeypatch.setattr(routes, "PAGE", 2)
    names = []
    for n, starts_on in enumerate(["2026-09-01", "2026-09-10"] * 3):
        names.append(f"第{n}段施工")
        form = {**WORKS, "name": names[-1], "starts_on": starts_on}
        await roads.post("/road-notices", "officer", 201, **form)
    road, seen = "?road=G205 国道", []
    while road is not None:
        page = await roads.get(f"/roads{road}", None)
        seen += [one["name"] for one in page["items"]]
        road = page["next_href"] and page["next_href"].removeprefix("/apps/traffic/roads")
    assert seen == [names[n] for n in (4, 2, 0, 5, 3, 1)], "what is now, then what will be"
    await roads.get("/roads?cursor=nothing", None, 422)
    shown = await roads.hub.client().page("/apps/traffic/roads")
    assert "cursor=" in shown.text
