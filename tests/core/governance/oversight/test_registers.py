"""Public accounts and work groups: what is refused, what closes by itself, who is told, and that
of two who open the last group at the same moment one is refused."""

import asyncio
import csv
import io
from datetime import timedelta

import pytest

from core.governance.oversight.accounts import accounts_of
from core.governance.oversight.group_desk import groups_of
from core.identity.organizations import by_code
from plugin_sdk.deadlines import local_day

EMBEDDED = pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)
ACCOUNTS, GROUPS = "/apps/oversight/accounts", "/apps/oversight/groups"
GROUP = {"name": "城管日常", "platform": "wechat", "kind": "permanent", "members": 18}
ACCOUNT = {
    "name": "城管发布",
    "platform": "wechat",
    "code": "chengguan",
    "last_post": "2026-01-05",
    "followers": 3200,
}


def wrong(answer):
    assert answer.status_code == 422, answer.text
    return {error["field"] for error in answer.json()["errors"]}


def table(columns, *rows):
    out = io.StringIO()
    csv.writer(out).writerows([columns, *rows])
    return out.getvalue()


async def opened(client, **more):
    answer = await client.post(GROUPS, json={**GROUP, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()


def hub_of(hub_app):
    return hub_app.hub.apps.hubs["oversight"]


async def notices(hub_app, client):
    await hub_app.settle()
    return (await client.page("/messages")).text


@EMBEDDED
async def test_a_group_is_opened_as_the_rules_have_it(hub_app, client_as):
    unit = await client_as("unit")
    today = local_day(hub_app.hub.services.database.clock())
    temporary = {"kind": "temporary", "purpose": "防汛", "name": "防汛"}
    for more, field in (
        ({"photos_demanded": True}, "photos_demanded"),
        ({"village_heads": True}, "approver"),
        ({"village_heads": True, "approver": "副局长"}, "approved_on"),
        (
            {"village_heads": True, "approver": "副局长", "approved_on": "2036-01-01"},
            "approved_on",
        ),
        ({"kind": "temporary", "purpose": "防汛"}, "ends_on"),
        ({"ends_on": f"{today + timedelta(days=9)}"}, "ends_on"),
        ({**temporary, "ends_on": f"{today + timedelta(days=91)}"}, "ends_on"),
        ({"members": 0}, "members"),
    ):
        assert field in wrong(await unit.post(GROUPS, json={**GROUP, **more})), more
    approved = {"village_heads": True, "approver": "副局长", "approved_on": f"{today}"}
    first = await opened(unit, **approved)
    assert wrong(await unit.post(GROUPS, json=GROUP)) == {"code"}, "the name is taken there"
    for name in ("二", "三"):
        await opened(unit, name=name)
    beyond = await unit.post(GROUPS, json={**GROUP, "name": "四"})
    assert wrong(beyond) == {"kind"}
    assert "已有 3 个长期群，上限 3 个" in beyond.text
    await opened(unit, **temporary, ends_on=f"{today + timedelta(days=90)}")
    await opened(unit, name="四", staff=40), "it states forty people: five groups"

    page = (await unit.page(f"{GROUPS}/new")).text
    assert "计入本单位上限" in page
    ending = {"version": 1, "ends_on": f"{today}", "reason": "合并", "outcome": "merged"}
    at = f"{GROUPS}/{first['id']}"
    assert wrong(await unit.post(f"{at}/end", json=ending)) == {"target"}
    assert wrong(await unit.post(f"{at}/end", json={**ending, "target": first["code"]})) == {
        "target"
    }
    shown = (await unit.get(f"{GROUPS}?q=二")).json()["items"][0]
    form = (await unit.page(f"{at}/end")).text
    assert f'<option value="{shown["code"]}">二（{shown["code"]}）' in form, "chosen, not typed"
    assert f'<option value="{first["code"]}"' not in form
    merged = await unit.post(f"{at}/end", json={**ending, "target": shown["code"]})
    assert merged.status_code == 200, merged.text
    twice = await unit.post(f"{at}/end", json={**ending, "version": 2, "target": shown["code"]})
    assert twice.status_code == 409, "closed once"
    assert (await unit.get(f"{GROUPS}?flag=merged")).json()["items"][0]["code"] == first["code"]
    await opened(unit), "its name is free again, and so is its place"


async def test_of_two_who_open_the_last_group_at_once_one_is_refused(hub_app, client_as):
    unit = await client_as("unit")
    for name in ("一", "二"):
        await opened(unit, name=name)
    answers = await asyncio.gather(
        *(unit.post(GROUPS, json={**GROUP, "name": f"同时{n}"}) for n in range(4))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 422, 422, 422]
    items = (await unit.get(GROUPS)).json()["items"]
    assert len(items) == 3


async def test_what_is_over_closes_and_units_are_told_once(hub_app, client_as):
    unit, staff = await client_as("unit"), await client_as("governance")
    hub, clock = hub_of(hub_app), hub_app.hub.services.database.clock
    today = local_day(clock())
    last = f"{today - timedelta(days=1)}"
    begun = f"{today - timedelta(days=30)}"
    temporary = {"kind": "temporary", "purpose": "防汛", "starts_on": begun}
    over = await opened(unit, name="防汛", ends_on=last, **temporary)
    running = await opened(unit, name="创卫", ends_on=f"{today}", **temporary)
    columns = ("群名称", "平台", "所属单位", "类别", "群成员数")
    rows = [(f"老群{n}", "微信", "371603U01", "长期群", "20") for n in range(5)]
    taken = {"content": table(columns, *rows), "bring_in": True}
    brought = await staff.post(f"{GROUPS}/import", json=taken)
    assert brought.status_code == 200, brought.text
    assert (await unit.post(f"{GROUPS}/import", json=taken)).status_code == 403
    assert (await unit.post(ACCOUNTS, json=ACCOUNT)).status_code == 201

    system = hub.system("registers")
    for _ in range(2):
        await groups_of(hub).groups.close_over(system)
        await groups_of(hub).groups.tell(system)
        await accounts_of(hub).accounts.tell(system)
    said = await notices(hub_app, unit)
    for words in ("临时工作群“防汛”", "本单位有 5 个长期工作群，上限 3 个", "自1月5日起没有更新"):
        assert said.count(words) == 1, (words, said)
    closed = (await unit.get(f"{GROUPS}/{over['id']}")).json()
    assert (closed["state"], closed["version"]) == ("ended", 2)
    assert (await unit.get(f"{GROUPS}/{running['id']}")).json()["version"] == 1
    flagged = (await staff.get(f"{GROUPS}?flag=over&unit=371603U01")).json()["items"]
    assert len(flagged) == 5
    assert "超出" not in (await unit.get(f"{GROUPS}?flag=closed")).text


@EMBEDDED
async def test_accounts_are_told_apart_by_what_is_known_of_them(hub_app, client_as):
    unit, staff = await client_as("unit"), await client_as("governance")
    today = local_day(hub_app.hub.services.database.clock())
    ahead = f"{today + timedelta(days=2)}"
    assert wrong(await unit.post(ACCOUNTS, json={**ACCOUNT, "last_post": ahead})) == {"last_post"}
    made = (await unit.post(ACCOUNTS, json=ACCOUNT)).json()
    same = {**ACCOUNT, "name": "别家"}
    assert wrong(await staff.post(ACCOUNTS, json=same)) == {"code"}, "one account, one unit"
    other = await staff.post(ACCOUNTS, json={**same, "code": "other", "last_post": None})
    assert other.status_code == 201, other.text
    said = {one["code"]: one["note"]["key"] for one in (await staff.get(ACCOUNTS)).json()["items"]}
    assert said == {
        "chengguan": "oversight.account.noted.idle",
        "other": "oversight.account.noted.unknown",
    }
    assert "最近更新未知" in (await staff.page(f"{ACCOUNTS}?flag=unknown")).text
    at = f"{ACCOUNTS}/{made['id']}"
    changed = {**ACCOUNT, "last_post": f"{today - timedelta(days=3)}", "version": 1}
    del changed["code"]
    answer = await unit.post(f"{at}/change", json=changed)
    assert answer.status_code == 200, answer.text
    assert (await staff.get(f"{ACCOUNTS}?flag=idle")).json()["items"] == []
    end = {"version": 2, "ends_on": ahead, "reason": "停更", "outcome": "cancelled"}
    assert wrong(await unit.post(f"{at}/end", json=end)) == {"ends_on"}
    end["ends_on"] = f"{today - timedelta(days=1)}"
    assert (await unit.post(f"{at}/end", json=end)).status_code == 200
    record = (await unit.page(at)).text
    assert "注销" in record
    assert "停更" in record


@EMBEDDED
async def test_a_table_of_accounts_is_tried_then_brought_in_whole(hub_app, client_as):
    staff = await client_as("governance")
    columns = ("账号名称", "平台", "账号", "主办单位", "最近一次更新")
    good = [
        ("县城管", "微信公众号", "cg", "371603U01", "2026-01-05"),
        ("县教育", "douyin", "edu", "371603U03", ""),
    ]
    bad = [
        ("县教育", "抖音", "edu", "371603U03", ""),
        ("无主", "微博", "x", "371603U99", ""),
        ("将来", "微博", "y", "371603U03", "2036-01-01"),
        ("平台", "博客", "z", "371603U03", ""),
    ]
    at = f"{ACCOUNTS}/import"
    tried = await staff.post(at, json={"content": table(columns, *good, *bad)})
    assert tried.status_code == 200, tried.text
    assert [row["outcome"] for row in tried.json()["rows"]] == ["new", "new", *["refused"] * 4]
    whole = {"content": table(columns, *good, *bad), "bring_in": True}
    assert (await staff.post(at, json=whole)).status_code == 422
    assert (await staff.get(ACCOUNTS)).json()["items"] == [], "nothing half-written"
    done = await staff.post(at, json={"content": table(columns, *good), "bring_in": True})
    assert done.status_code == 200, done.text
    sent = (await staff.get(f"{ACCOUNTS}.csv")).text.lstrip("\ufeff")
    rows = list(csv.DictReader(io.StringIO(sent)))
    assert {row["主办单位"] for row in rows} == {
        "城市管理局（371603U01）",
        "教育和体育局（371603U03）",
    }
    kept = [name for name in rows[0] if name != "状态"]
    back = table(kept, *([row[name] for name in kept] for row in rows))
    again = (await staff.post(at, json={"content": back})).json()
    assert again["counts"] == {"refused": 0, "new": 0, "changed": 0, "same": 2}, again
    changed = back.replace("2026-01-05", "2026-01-09")
    assert (await staff.post(at, json={"content": changed})).json()["counts"]["changed"] == 1


@EMBEDDED
async def test_the_unit_is_where_the_people_are_counted(hub_app):
    hub = hub_of(hub_app)
    async with hub_app.hub.services.database.transaction() as tx:
        town = await by_code(tx, "371603001")
        bureau = await by_code(tx, "371603U01")
    assert town
    assert bureau
    async with hub.read(hub.system("test")) as read:
        stands = await groups_of(hub).groups.standings(read, town.id, bureau.id)
    assert stands[town.id].quota == 10
    assert (stands[bureau.id].quota, stands[bureau.id].stated) == (3, False)
    assert stands[bureau.id].people >= 2
