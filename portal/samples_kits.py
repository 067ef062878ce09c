"""Samples for the gallery and its tests: what the kits beside the cases show."""

from datetime import date

from plugin_sdk.codes.views import (
    CodeEntry,
    CodeItem,
    CodesView,
    Older,
    PublicItem,
    PublicPage,
    PublicSection,
    Tone,
)
from plugin_sdk.duties.models import Standing
from plugin_sdk.duties.views import (
    DutyTableView,
    FilingVersion,
    FilingView,
    ItemGroup,
    ItemRow,
    ItemState,
    MonthView,
    TableCell,
    TableRow,
)
from plugin_sdk.meetings.views import GroupCount, MeetingItem, MeetingsView, MeetingView
from plugin_sdk.registers.files import OUTCOMES, ImportView, RowView, counted, row_view
from plugin_sdk.registers.views import RecordItem, RecordView, RegisterView, State, VersionView
from plugin_sdk.views import ActionView, FactView, FieldView, Money, Phrase, View
from portal import samples_appointments, samples_payments
from portal.samples import NOW, both, case_items, deadlines, facts, filters
from portal.samples import fields as form_fields


def records() -> list[RecordItem]:
    """Return a record of a register in each state."""
    states: tuple[State, ...] = ("in_force", "ending", "future", "ended")
    return [
        RecordItem(
            id=str(n),
            code=f"HT-{n}",
            name="村东机动地承包合同",
            state=state,
            state_label=Phrase(f"registers.state.{state}"),
            starts_on=date(2025, 1, 1),
            ends_on=None if state == "in_force" else date(2026, 3, 31),
            unit="富国街道",
            href="/x",
            note=both("承包合同", "Lease") if n else None,
        )
        for n, state in enumerate(states)
    ]


def import_rows() -> list[RowView]:
    """Return a row of a file with each outcome."""
    why = Phrase("problem.field.row-twice", {"line": 2})
    return [
        row_view(n, "村东机动地承包合同", outcome, *([why] if outcome == "refused" else []))
        for n, outcome in enumerate(OUTCOMES, 2)
    ]


def versions() -> list[VersionView]:
    """Return a record as it stands, and as it was entered."""
    return [
        VersionView(
            version=version,
            label=Phrase(f"registers.said.{verb}"),
            at=NOW,
            role="报账员",
            unit="富国街道",
            reason="合同续签" if verb == "change" else None,
            facts=[FactView(both("金额", "Amount"), Money(123450))],
        )
        for version, verb in ((2, "change"), (1, "add"))
    ]


def duty_groups() -> list[ItemGroup]:
    """Return a month's items, one in each state."""
    states: tuple[ItemState, ...] = ("lacking", "submitted", "published", "nil", "refused")
    return [
        ItemGroup(
            label=both("三资管理", "Funds, assets and resources"),
            items=[
                ItemRow(
                    code=f"CW{n}",
                    name="村级财务收支",
                    state=state,
                    state_label=Phrase(f"duties.state.{state}"),
                    owed=n != 1,
                    late=n == 2,
                    href="/x",
                    file_href="/x" if state == "lacking" else None,
                    nil_href="/x" if state == "lacking" else None,
                )
                for n, state in enumerate(states)
            ],
        )
    ]


def filing_versions() -> list[FilingVersion]:
    """Return what was published, and what it corrected."""
    return [
        FilingVersion(
            seq=seq,
            state_label=Phrase(f"duties.state.{state}"),
            at=NOW,
            role="报账员",
            unit="丁家村",
            reviewer="村务监督委员会主任",
            reviewed_at=NOW,
            reason="漏计一户" if seq == 2 else None,
            facts=[FactView(both("金额", "Amount"), Money(240000))],
        )
        for seq, state in ((2, "published"), (1, "replaced"))
    ]


def public_items() -> list[PublicItem]:
    """Return what a public page shows, in each tone."""
    tones: tuple[Tone, ...] = ("ok", "soon", "late", "state", "paused")
    return [
        PublicItem(
            title=both("耕地地力保护补贴", "Farmland subsidy"),
            tone=tone,
            state=both("已公开", "Published"),
            facts=[FactView(both("金额", "Amount"), Money(240000))] if tone == "ok" else [],
            older=[Older(label=both("旧版本", "Former version"), facts=facts())]
            if tone == "ok"
            else [],
        )
        for tone in tones
    ]


def meetings() -> list[MeetingItem]:
    """Return a meeting in each state."""
    return [
        MeetingItem(
            number=str(n),
            title="阳光报告会",
            place="村委会议室",
            starts_at=NOW,
            state=state,
            state_label=Phrase(f"meetings.state.{state}"),
            unit="丁家村",
            href="/x",
        )
        for n, state in enumerate(("called", "held", "published", "cancelled"))
    ]


def _duty_pages() -> dict[str, View]:
    act = ActionView(verb="review", label=both("审核", "Review"), href="/x", primary=True)
    standings: tuple[Standing, ...] = ("on_time", "late", "nil", "missing", "open", "none")
    return {
        "duty_month": MonthView(
            title=both("村务公开", "Publication"),
            unit="丁家村",
            period=date(2026, 2, 1),
            standing="missing",
            standing_label=Phrase("duties.standing.missing"),
            deadline=deadlines()[4],
            done=2,
            of=5,
            groups=duty_groups(),
            before_href="/x",
            urge_href="/x",
            urged_at=NOW,
            links=[act],
        ),
        "duty_filing": FilingView(
            id="1",
            title="耕地地力保护补贴",
            unit="丁家村",
            period=date(2026, 2, 1),
            state="published",
            state_label=Phrase("duties.state.published"),
            late=True,
            facts=facts(),
            versions=filing_versions(),
            actions=[act],
            month_href="/x",
        ),
        "duty_table": DutyTableView(
            title=both("谁迟了", "Who is late"),
            sentence=Phrase("duties.some_lacking", {"n": 1, "of": 2}),
            periods=[date(2026, n + 1, 1) for n in range(6)],
            rows=[
                TableRow(
                    name=name,
                    cells=[TableCell(standing=s, href="/x") for s in standings],
                    timely=2,
                    due=4,
                )
                for name in ("丁家村民委员会", "刘虎村民委员会")
            ],
            filters=filters(),
            export_href="/x",
            links=[act],
        ),
    }


def _open_pages() -> dict[str, View]:
    act = ActionView(verb="ask", label=both("提问", "Ask a question"), href="/x", primary=True)
    return {
        "public_page": PublicPage(
            title="丁家村民委员会",
            code="7F3K22AB",
            href="/apps/village-affairs/c/7F3K22AB",
            place="富国街道",
            period=date(2026, 2, 1),
            lead=both("应于3月10日前公开", "due by 10 March"),
            notices=[Phrase("codes.merged", {"name": "富国村", "into": "丁家村"})],
            sections=[
                PublicSection(label=both("惠民政策", "Benefits"), items=public_items()),
                PublicSection(label=both("合同", "Contracts"), items=[]),
            ],
            actions=[act],
            links=[act],
        ),
        "code_entry": CodeEntry(
            action="/x",
            fields=[
                FieldView(
                    name="code",
                    kind="text",
                    label=Phrase("codes.field.code"),
                    hint=Phrase("codes.hint.code"),
                    value="QQQQQQQQ",
                    error=Phrase("problem.field.code-unknown"),
                )
            ],
        ),
        "codes": CodesView(
            title=Phrase("codes.title"),
            items=[CodeItem(name="丁家村民委员会", code="7F3K22AB", href="/x")],
            sheets=[act],
        ),
        "meeting_list": MeetingsView(
            title=both("阳光报告会", "Open meetings"), items=meetings(), create=act
        ),
        "meeting": MeetingView(
            number="1",
            title="阳光报告会",
            unit="丁家村",
            state="held",
            state_label=Phrase("meetings.state.held"),
            facts=facts(),
            attendance=[GroupCount(label=both("党员", "Party members"), came=18, of=23)],
            questions=case_items(),
            minutes="通报上月收支。",
            actions=[act],
            list_href="/x",
        ),
    }


def pages() -> dict[str, View]:
    """Return the pages of the kits, by name."""
    act = ActionView(verb="change", label=both("更改", "Change"), href="/x", primary=True)
    return {
        "register_list": RegisterView(
            title=both("合同台账", "Contracts"),
            items=records(),
            filters=filters(),
            next_href="/x",
            create=act,
            export_href="/x",
        ),
        "register_import": ImportView(
            title=both("合同台账", "Contracts"),
            action="/x",
            template_href="/x",
            list_href="/x",
            columns=form_fields(wrong=False),
            rows=import_rows(),
            counts=counted(import_rows()),
            content="x",
        ),
        "register_record": RecordView(
            id="1",
            code="HT-1",
            name="村东机动地承包合同",
            register=both("合同台账", "Contracts"),
            state="ending",
            state_label=Phrase("registers.state.ending"),
            version=2,
            unit="富国街道",
            facts=[*facts(), FactView(both("金额", "Amount"), Money(123450))],
            versions=versions(),
            actions=[act],
            list_href="/x",
        ),
        **_duty_pages(),
        **_open_pages(),
        **samples_payments.pages(),
        **samples_appointments.pages(),
    }
