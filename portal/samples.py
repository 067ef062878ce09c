"""Samples for the gallery and its tests: every component's data in every state."""

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace as Sample
from typing import Any, Final

from plugin_sdk.text import Text
from plugin_sdk.views import (
    CaseItem,
    ChartView,
    DeadlineView,
    EntryView,
    FactView,
    FieldView,
    FigureCard,
    FilterView,
    HeldView,
    Option,
    PartView,
    Phrase,
)
from portal.templating import Banner

NOW: Final = datetime(2026, 3, 5, 9, 30, tzinfo=UTC)


def both(zh: str, en: str) -> Any:
    """Return sample words in both languages; real ones stand in catalogues."""
    return Text(zh=zh, en=en)


TITLE: Final = both("社区门口的路灯不亮已经一周", "The street light at the gate has been out")


def deadlines() -> list[DeadlineView]:
    """Return a deadline of each kind."""
    due = NOW + timedelta(days=4)
    return [
        DeadlineView(kind="days_left", n=4, due_at=due, skipped=[date(2026, 3, 7)]),
        DeadlineView(kind="hours_left", n=3, due_at=due),
        DeadlineView(kind="today", due_at=NOW),
        DeadlineView(kind="overdue_under_day", due_at=NOW),
        DeadlineView(kind="overdue_days", n=2, due_at=NOW - timedelta(days=3)),
        DeadlineView(kind="paused", due_at=due),
        DeadlineView(kind="unknown"),
        DeadlineView(kind="done_on_time", due_at=NOW),
        DeadlineView(kind="done_late", due_at=NOW),
    ]


def work_rows() -> list[Sample]:
    """Return rows of the inbox in each state."""
    return [
        Sample(
            id=str(n),
            title=TITLE,
            href=f"/apps/hotline/orders/20261124000{n}",
            state_label=both("待签收", "To sign"),
            deadline=deadline,
            unit="城市管理局",
            opened_at=NOW,
            number=f"20261124000{n}",
            unread=n == 4,
            kind=both("市政设施", "Public works"),
            note=both("已催办", "Urged") if n == 4 else None,
            acts=[Sample(action="/x", label=both("签收", "Sign"))] if n == 2 else [],
        )
        for n, deadline in enumerate(deadlines())
        if n in (0, 2, 4, 7)
    ]


def parts() -> list[PartView]:
    """Return the parts of assisting units: replied, sent back, late."""
    due = deadlines()
    return [
        PartView(
            unit="交通运输局",
            asked="核实沿线货车通行时段和数量",
            deadline=due[7],
            reply="已核实：每日 5 时至 7 时通行约 40 车次，已安排错峰。",
            replied_at=NOW,
        ),
        PartView(
            unit="住房和城乡建设局",
            asked="检查三处工地的车辆冲洗设施",
            deadline=due[0],
            reply="见附图",
            sent_back=True,
        ),
        PartView(unit="城市管理局", asked="清运路面渣土", deadline=due[4]),
    ]


def case_items() -> list[CaseItem]:
    """Return rows of a list of cases."""
    return [
        CaseItem(
            id=row.id,
            number=row.number,
            title="社区门口的路灯不亮已经一周，夜里老人出门不方便",
            state="dispatched",
            state_label=row.state_label,
            deadline=row.deadline,
            unit=row.unit,
            opened_at=NOW,
            href=row.href,
        )
        for row in work_rows()
    ]


def entries() -> list[EntryView]:
    """Return a timeline with a step of each tone."""
    said = "路灯线路老化，已报修，预计周五恢复。"
    return [
        EntryView(
            verb="sign",
            label=both("签收", "Signed"),
            at=NOW,
            role="签收员",
            unit="城市管理局",
            version=4,
        ),
        EntryView(
            verb="pause",
            label=both("暂停计时", "Clock paused"),
            at=NOW,
            unit="城市管理局",
            reason="等补充材料",
            tone="paused",
            version=3,
        ),
        EntryView(
            verb="return",
            label=both("退回", "Returned"),
            at=NOW,
            unit="望城坡街道",
            reason="不属于本单位职责",
            tone="returned",
            version=2,
        ),
        EntryView(
            verb="reply",
            label=both("答复", "Answered"),
            at=None,
            on=date(2017, 12, 27),
            unit="城市管理局",
            text=said,
            tone="done",
        ),
        EntryView(verb="file", label=both("提交", "Filed"), at=None),
    ]


ACCOUNT: Final = Phrase("element.from.account")


def fields(*, wrong: bool) -> list[FieldView]:
    """Return a field of each kind, with or without what is wrong."""
    missing = both("填写事发地点", "Enter where it happened")
    kinds = [
        Option(value, both(zh, en))
        for value, zh, en in [
            ("lamp", "路灯", "Street light"),
            ("road", "道路", "Road"),
            ("noise", "噪声", "Noise"),
        ]
    ]
    towns = [Option("1", "望城坡街道", "岳麓区"), Option("2", "莲花镇", "岳麓区")]
    error: Any = missing if wrong else None
    mark = "b" if wrong else "a"
    return [
        FieldView(
            name=f"place_{mark}",
            kind="text",
            label=both("事发地点", "Where"),
            hint=both("写到门牌或路口", "To the door or the crossing"),
            required=True,
            error=error,
            max_length=100,
        ),
        FieldView(
            name=f"text_{mark}",
            kind="textarea",
            label=both("事情经过", "What happened"),
            required=True,
            value="路灯不亮\n已经一周",
            max_length=2000,
        ),
        FieldView(
            name=f"kind_{mark}",
            kind="radio",
            label=both("类别", "Kind"),
            required=True,
            options=kinds,
            value="road",
            error=error,
        ),
        FieldView(name=f"town_{mark}", kind="select", label=both("街道", "Town"), options=towns),
        FieldView(name=f"day_{mark}", kind="date", label=both("哪一天", "Day")),
        FieldView(name=f"count_{mark}", kind="number", label=both("几盏", "How many")),
        FieldView(
            name=f"phone_{mark}",
            kind="phone",
            label=both("手机号", "Phone"),
            autocomplete="tel",
            value="13800138000",
            held=HeldView(source=ACCOUNT, since=NOW, href="#phone"),
        ),
        FieldView(
            name=f"number_{mark}",
            kind="text",
            label=both("身份号码", "Identity number"),
            max_length=20,
            held=HeldView(source=ACCOUNT, shown="1****************X", href="#number"),
        ),
        FieldView(
            name=f"photo_{mark}",
            kind="photo",
            label=both("照片", "Photos"),
            hint=both("最多 5 张", "Five at most"),
            error=error,
        ),
        FieldView(name=f"open_{mark}", kind="checkbox", label=both("可以公开", "May be public")),
    ]


def figures() -> list[FigureCard]:
    """Return a figure known, from few, unknown and suppressed."""
    label = both("按时办结率", "On time")
    what = both("按期给出结果的件数 ÷ 到期件数", "Answered by the deadline ÷ due")
    return [
        FigureCard(label=both("提交", "Filed"), value=85_760),
        FigureCard(label=label, value=95.9, unit="percent", n=1204, what=what),
        FigureCard(label=label, value=88.0, unit="percent", n=12, what=what),
        FigureCard(label=label, value=None, unit="percent", what=what),
        FigureCard(label=label, value=None, unit="percent", n=3, suppressed=True),
    ]


def charts() -> list[ChartView]:
    """Return a chart of each kind; a None in it is a gap."""
    months = [f"2025-{m:02d}" for m in range(3, 13)] + ["2026-01", "2026-02", "2026-03"]
    used: list[int | None] = [310, 290, 340, None, None, 420, 460, 400, 380, 410, 395, 220, 405]
    before: list[int | None] = [280, 300, 310, 330, 320, 390, 410, 380, 350, 360, 340, 200, 390]
    cases, this, last = (
        both("件数", "Cases"),
        both("今年", "This year"),
        both("去年", "Last year"),
    )
    ratings = [
        ("非常满意", 640),
        ("满意", 310),
        ("基本满意", 120),
        ("不满意", 60),
        ("非常不满意", 20),
    ]
    return [
        chart(
            "line",
            both("每月办件", "Cases by month"),
            [cases, this, last],
            [list(row) for row in zip(months, used, before, strict=True)],
        ),
        chart(
            "bars",
            both("从开始到办成", "From start to effect"),
            [cases, cases],
            [["开始", 1204], ["办完", 1010], ["办成", 866]],
        ),
        chart(
            "stacked",
            both("满意度", "Satisfaction"),
            [cases, cases],
            [list(row) for row in ratings],
        ),
        chart(
            "histogram",
            both("办理用时", "Time to answer"),
            [cases, cases],
            [["1 天", 120], ["2 天", 260], ["3 天", 310], ["5 天", 140], ["10 天", 30]],
        ),
    ]


def chart(kind: Any, title: Any, columns: list[Any], rows: list[list[Any]]) -> ChartView:
    """Return a chart with a sentence."""
    sentence: Any = both("1,204 件中，一半在 3 天内有结果", "Of 1,204, half took 3 days or less")
    return ChartView(kind=kind, title=title, sentence=sentence, columns=columns, rows=rows)


def tiles() -> list[Sample]:
    """Return an app in each state."""
    states = ["normal", "new", "read_only", "sunset", "paused", "external"]
    return [
        Sample(
            name=name,
            summary="提诉求、派单、办理、答复、评价",
            href="/apps/x",
            state=state,
            until=date(2026, 6, 30) if state == "sunset" else None,
            mine=3 if n == 0 else 0,
        )
        for n, (name, state) in enumerate(
            zip(
                ["12345热线", "村务公开", "交通违法", "旧信访系统", "巡查", "不动产"],
                states,
                strict=True,
            )
        )
    ]


def filters(value: str = "") -> list[FilterView]:
    """Return the filters of a list, with what is chosen."""
    states = [
        Option("sign", both("待签收", "To sign")),
        Option("done", both("办结", "Closed")),
    ]
    yes = [Option("1", both("是", "Yes"))]
    return [
        FilterView(name="state", label=both("状态", "State"), options=states, value=value),
        FilterView(name="late", label=both("只看超期", "Overdue only"), options=yes, value=""),
    ]


def banner_samples() -> list[Banner]:
    """Return a banner of each kind."""
    kinds: list[Any] = [
        "on_behalf",
        "quarantined",
        "maintenance",
        "read_only",
        "sunset",
        "offline",
        "notice",
    ]
    return [
        Banner(
            kind=kind,
            title="正在为 李*兰 代办，至 3月31日"
            if kind == "on_behalf"
            else "本应用 6月30日 停用，",
            text="现在只能查看。",
            href="/x",
            link="结束" if kind == "on_behalf" else "去“随手办”办理",
        )
        for kind in kinds
    ]


def facts() -> list[FactView]:
    """Return rows of a summary list, one not filled in."""
    return [
        FactView(both("事发地点", "Where"), "望城坡街道 3 号门口"),
        FactView(both("提交时间", "Filed"), NOW),
        FactView(both("照片", "Photos"), None),
    ]


def uploads() -> list[Sample]:
    """Return a file in each state of an upload."""
    why = both(
        "这张图打不开。换一张照片，或改用文字说明", "This picture cannot be opened. Choose another"
    )
    states = ["waiting", "sending", "checking", "done", "refused"]
    return [
        Sample(
            name=f"IMG_{n}.jpg", state=state, percent=43, why=why, remove="/x" if n > 2 else None
        )
        for n, state in enumerate(states)
    ]


def drafts() -> list[Any]:
    """Return a draft that lacks something, and one that is whole."""
    lacks = both("还差：类型、照片", "Still needed: kind, photos")
    whole = both("都填了，核对后提交", "Filled in; check it and send it")
    return [
        Sample(key=str(n), title="社区门口的路灯不亮", href="/x", lacking=lacking, saved_at=NOW)
        for n, lacking in enumerate((lacks, whole))
    ]
