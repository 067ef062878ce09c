from collections import Counter

import pytest
from sqlmodel import col

from plugin_sdk.tables import TableError
from plugins.hotline.imports import COLUMNS, VOTES
from plugins.hotline.models import Order, OrderEntry

HEAD = ",".join(COLUMNS)
# A look-alike of our own making: the faults of the real export, and worse ones.
LINES = """1001,UU0001,路灯不亮,2019/4/25 9:32:09,"
\t\t\t\t
\t\t\t\t富国路的路灯连着五盏不亮。
\t\t\t\t",您好，已修好。,2019/5/10 14:56:53
1002,UU0002,公交改线,2019-03-01 08:00:00,改线后绕远。,已恢复原线路。,2019/3/4
1003,UU0003,同日答复,2019/3/4 15:00:00,上午问的。,当天答复。,2019/3/4
1004,UU0004,还没答复,2019/12/1 23:59:59,等了很久。,,
1005,UU0005,时间写坏,2019/13/45 9:00:00,内容,答复,2019/5/1 9:00:00
1006,UU0006,没有时间,,内容,答复,2019/5/1 9:00:00
1007,UU0007,先答后问,2019/5/2 9:00:00,内容,答复,2019/5/1 9:00:00
1008,UU0008,有答复没时间,2019/5/2 9:00:00,内容,答复,
,UU0009,没有编号,2019/5/2 9:00:00,内容,答复,2019/5/3 9:00:00
1010,UU0010,,2019/5/2 9:00:00,,答复,2019/5/3 9:00:00
1011,UU0011,少一列,2019/5/2 9:00:00,内容
1001,UU0001,同号不同文,2019/4/25 9:32:09,别的内容,别的答复,2019/5/10 14:56:53
1012,UU0012,"=1+1",2019/5/2 9:00:00,公式开头的标题,答复,2019/5/3 9:00:00
"""
REASONS = {
    "import.time-impossible",
    "import.time-empty",
    "import.answer-too-early",
    "import.answer-without-time",
    "import.number-empty",
    "import.nothing-asked",
    "import.row-columns",
    "import.number-taken",
}


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "export.csv"
    path.write_text(f"{HEAD}\n{LINES}", encoding="utf-8-sig")
    return path


async def bring_in(desk, source, stop_after=None, of=""):
    apps = desk.hub.hub.apps
    hub = apps.hubs["hotline"]
    rows = apps.hooks.call("hotline", "import_legacy", hub=hub, source=source, of=of)
    reports = []
    async for report in rows:
        reports.append(report)
        if stop_after is not None and len(reports) >= stop_after:
            await rows.aclose()
            break
    return reports


async def everything(desk):
    hub = desk.hub.hub.apps.hubs["hotline"]
    async with hub.read(hub.system("test")) as read:
        orders = await read.session.execute(
            read.rows(
                Order,
                *(
                    col(getattr(Order, name))
                    for name in (
                        *("number", "title", "state", "opened_at", "resolved_at", "due_at"),
                        *("text", "reply", "version", "imported", "category_code", "source_key"),
                    )
                ),
            ).order_by(col(Order.number))
        )
        steps = await read.session.execute(
            read.rows(
                OrderEntry,
                *(
                    col(getattr(OrderEntry, name))
                    for name in ("verb", "at", "on_date", "target", "version")
                ),
            ).order_by(col(OrderEntry.verb), col(OrderEntry.at), col(OrderEntry.on_date))
        )
        return [tuple(row) for row in orders], sorted(map(str, steps))


async def test_rows_come_in_with_their_times_or_are_refused_with_their_reason(desk, source):
    reports = await bring_in(desk, source)
    assert Counter(report.outcome for report in reports) == {"added": 5, "refused": 8}
    assert {report.reason.key for report in reports if report.reason} == REASONS
    assert all(report.total == len(reports) for report in reports)
    lines = [report.line for report in reports]
    assert lines == sorted(lines)
    orders, _ = await everything(desk)
    first = orders[0]
    assert first[:3] == ("L1001", "路灯不亮", "closed")
    assert first[3].isoformat() == "2019-04-25T01:32:09+00:00"
    assert first[6] == "富国路的路灯连着五盏不亮。"
    assert [order[5] for order in orders] == [None] * 5
    assert [order[10] for order in orders] == [None] * 5


async def test_a_date_alone_stays_a_date_alone(desk, source):
    await bring_in(desk, source)
    seen = await desk.see("L1002")
    reply = seen["timeline"][0]
    assert (reply["at"], reply["on"]) == (None, "2019-03-04")
    same_day = await desk.see("L1003")
    assert same_day["deadline"]["kind"] == "none"


async def test_a_second_run_adds_nothing(desk, source):
    await bring_in(desk, source)
    before = await everything(desk)
    reports = await bring_in(desk, source)
    assert Counter(report.outcome for report in reports) == {"present": 5, "refused": 8}
    assert await everything(desk) == before


@pytest.mark.parametrize("row", [1, 2, 4, 9, 12])
async def test_killed_at_any_row_and_run_again_it_equals_an_unbroken_run(
    make_hub, desk, source, row
):
    await bring_in(desk, source, stop_after=row)
    await bring_in(desk, source)
    orders, steps = await everything(desk)
    assert [order[0] for order in orders] == ["L1001", "L1002", "L1003", "L1004", "L1012"]
    assert len(steps) == 9
    assert orders[0][6] == "富国路的路灯连着五盏不亮。"


VOTED = f"""{",".join(VOTES)}
2001,UU0001,公园开放,2019/4/25 9:32:09,公园什么时候开放。,12,0
2002,UU0002,,2019-03-01,没有主题的。,0,3
2003,UU0003,坏票数,2019/3/4,内容,十二,0
2004,UU0004,空票数,2019/3/4,内容,,0
2005,UU0005,负票数,2019/3/4,内容,1,-1
2006,UU0006,小数票,2019/3/4,内容,1.0,0
2007,UU0007,太多票,2019/3/4,内容,9999999999,0
2008,UU0008,没有时间,,内容,1,0
2001,UU0001,公园开放,2019/4/25 9:32:09,公园什么时候开放。,13,0
"""


async def test_messages_with_votes_keep_them_as_facts(desk, tmp_path):
    source = tmp_path / "voted.csv"
    source.write_bytes(VOTED.encode("gb18030"))
    reports = await bring_in(desk, source)
    said = [(report.outcome, report.reason and report.reason.key) for report in reports]
    assert said == [
        ("added", None),
        ("added", None),
        ("refused", "hotline.import.votes-unreadable"),
        ("refused", "hotline.import.votes-empty"),
        *[("refused", "hotline.import.votes-unreadable")] * 3,
        ("refused", "import.time-empty"),
        ("refused", "import.number-taken"),
    ]
    assert reports[2].reason.params == {"column": "点赞数", "text": "十二"}
    before = await everything(desk)
    assert [order[0] for order in before[0]] == ["L2001", "L2002"]
    again = await bring_in(desk, source)
    assert [report.outcome for report in again[:2]] == ["present", "present"]
    assert await everything(desk) == before
    seen = await desk.see("L2001")
    assert seen["state"] == "received"
    votes = [fact["value"] for fact in seen["summary"] if "votes" in fact["label"]["key"]]
    assert [vote["params"] for vote in votes] == [{"n": 12, "against": 0}]
    page = await (await desk.client("dispatcher")).page("/apps/hotline/orders/L2001")
    assert "赞同 12，反对 0" in page.text


async def test_a_file_of_neither_shape_is_refused_with_both_named(desk, tmp_path):
    source = tmp_path / "other.csv"
    source.write_text(f"{','.join(VOTES[:-1])}\n1,u,s,2019/3/4,t,1\n", encoding="utf-8")
    with pytest.raises(TableError) as refused:
        await bring_in(desk, source)
    assert refused.value.code == "table-columns-missing"
    named = refused.value.params["columns"][0]
    assert all("、".join(columns) in named for columns in (COLUMNS, VOTES))
    source.write_text(
        ",".join((*VOTES, *COLUMNS[5:])) + "\n9,u,s,2019/3/4,问,2,1,答,2019/3/5\n", "utf-8"
    )
    assert [report.outcome for report in await bring_in(desk, source)] == ["added"]
    seen = await desk.see("L9")
    assert seen["state"] == "closed"  # a file may have both: the reply, and what was voted
    assert "votes" in str(seen["summary"])


async def test_an_open_one_waits_to_be_dispatched(desk, source):
    await bring_in(desk, source)
    seen = await desk.see("L1004")
    assert (seen["state"], seen["actions"][0]["verb"]) == ("received", "dispatch")
    await desk.dispatch("L1004")


async def test_the_demonstration_is_acted_out_in_every_state_and_once(desk):
    apps = desk.hub.hub.apps
    cast = await desk.hub.actors()
    call = {"hub": apps.hubs["hotline"], "cast": cast}
    first = [r async for r in apps.hooks.call("hotline", "load_demonstration", **call)]
    assert [report.outcome for report in first] == ["added"] * len(first)
    again = [r async for r in apps.hooks.call("hotline", "load_demonstration", **call)]
    assert [report.outcome for report in again] == ["present"] * len(first)
    assert len(first) >= 25
    hub = apps.hubs["hotline"]
    await desk.count()
    page = (await (await desk.client("dispatcher")).get("/apps/hotline/figures/spots")).json()
    ((spot, now, before, more),) = page["tables"][0]["rows"]
    assert (spot["params"]["region"], now, before, more) == ("富源街道", 11, 2, 9)
    async with hub.read(hub.system("test")) as read:
        states = set((await read.session.execute(read.rows(Order, col(Order.state)))).scalars())
    assert states == {
        *(
            "received",
            "following",
            "coordinating",
            "dispatched",
            "signed",
            "processing",
            "replied",
            "closed",
        )
    }
