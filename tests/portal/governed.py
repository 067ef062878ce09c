"""Three apps as the register was last found (one well used, one hardly, one unknown), and samples
of the pages about them."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from core.governance.findings import Evidence, Finding
from core.governance.lifecycle.obstacles import Obstacle
from core.governance.measured import card
from core.governance.models import Evaluation, FindingRow, Measured
from core.governance.policy import FILE, load
from core.governance.service import JOB
from core.identity.organizations import by_code
from core.jobs import PeriodicJob
from core.usage.measures import Measure, Missing, Window
from core.usage.models import UsageDay, UsageLatency, UsageReach
from plugin_sdk.deadlines import local_day
from plugin_sdk.text import Text
from plugin_sdk.views import (
    ChartView,
    EntryView,
    FactView,
    FieldView,
    FilterView,
    Option,
    Phrase,
)
from portal.pages.governance.decisions import CheckedView
from portal.pages.governance.dossier import DossierView, EvidenceView, FindingView
from portal.pages.governance.life_views import ArchiveView, LifeView, NextStep, StepView
from portal.pages.governance.places import PlaceRow, ReachTree
from portal.pages.governance.policy import ChangedLimit, Nominated, TrialView, view_of
from portal.pages.governance.portfolio import AppRow, FindingLabel, PortfolioView
from portal.pages.governance.thresholds import fields, tried
from portal.testing.browser import until

MANIFESTS = Path(__file__).parents[2] / "manifests"
DAYS = 800
COUNTY, TOWN = "371603", "371603001"
FEW = "人数过少不显示"


def measures(since, until):
    """Measures in each of their states."""
    window = Window(since, until)

    def known(key, value, part, whole):
        return Measure(
            key=key,
            state="known",
            unit="share",
            value=value,
            numerator=part,
            denominator=whole,
            n=whole,
            window=window,
            missing=Missing(days=3, minutes=20, lost=15),
        )

    return [
        known("reach", 0.315, 117_180, 372_000),
        known("completion", 0.832, 1_040, 1_250),
        Measure(key="satisfaction", state="few", unit="share", window=window),
        Measure(key="cost", state="not_applicable", unit="fen", window=window),
        Measure(
            key="p95", state="known", unit="milliseconds", value=875.0, n=42_000, window=window
        ),
        Measure(key="on_time", state="unknown", unit="share", window=window),
    ]


def finding(app, kind, **more):
    return Finding(
        kind=kind,
        app=app,
        rule=f"rules.{kind}",
        basis="《政务移动互联网应用程序规范化管理办法》（国办函〔2026〕12号）",
        evidence=(
            Evidence(
                said=Phrase("text", {"text": "最近 90 天打开 12 次"}),
                measure="reach",
                value=0.04,
                limit=0.1,
                n=372_000,
                **more,
            ),
        ),
        change=Phrase("text", {"text": "一个统计期内办完事的人达到 10%"}),
    )


async def stop_looking(hub):
    """Let nobody look at the register by themselves from now on. What a worker claimed before is
    waited for; after this nobody claims it."""
    row, database = PeriodicJob, hub.services.database
    later = database.clock() + timedelta(days=30)
    dialect = sqlite if database.sqlite else postgresql
    async with database.transaction(write=True) as tx:
        await tx.session.execute(
            dialect.insert(row)
            .values(name=JOB, next_at=later)
            .on_conflict_do_update(index_elements=["name"], set_={"next_at": later})
        )
    running = select(col(row.name)).where(col(row.name) == JOB, col(row.claimed_until).is_not(None))

    async def over():
        async with database.transaction() as tx:
            return (await tx.session.execute(running)).first() is None

    await until(over)


async def reach_places(tx, period):
    """Write what is published of reach: the county, and a town of which few got anything done."""
    for code, kind, people in (
        (COUNTY, "opened", 120),
        (COUNTY, "completed", 80),
        (TOWN, "opened", 45),
    ):
        place = await by_code(tx, code)
        assert place is not None
        tx.session.add(
            UsageReach(
                app="hotline",
                period=period,
                kind=kind,
                organization=str(place.id),
                sketch=b"",
                people=people,
            )
        )


async def govern(hub):
    """Write two years of use, measures and findings; return the day they were looked at."""
    await stop_looking(hub)
    async with hub.services.database.transaction(write=True) as tx:
        # what the nightly look has left, and what was counted until now
        for model in (Evaluation, FindingRow, Measured, UsageDay, UsageLatency):
            await tx.session.execute(delete(model))
        today = local_day(tx.now)
        since = today - timedelta(days=395)
        for n in range(DAYS):
            day = today - timedelta(days=n)
            busy = 5 if day.weekday() > 4 else 40 + n % 7
            tx.session.add(
                UsageDay(
                    app="hotline",
                    day=day,
                    opens=busy * 3,
                    starts=busy + 4,
                    completes=busy,
                    effects=busy,
                    answered=busy * 12,
                    failed=n % 3,
                )
            )
            if n < 60:
                for bucket, count in ((20, busy * 10), (36, busy), (44, 2)):
                    tx.session.add(
                        UsageLatency(
                            day=day, app="hotline", feature="GET /", bucket=bucket, count=count
                        )
                    )
        for n in range(0, 90, 30):
            tx.session.add(UsageDay(app="supervision", day=today - timedelta(days=n), opens=2))
        found = [
            finding("supervision", "zombie", since=since, until=today),
            finding("supervision", "unfiled"),
            finding("hotline", "burden", since=since, until=today),
        ]
        for one in found:
            tx.session.add(
                FindingRow(
                    app=one.app,
                    kind=one.kind,
                    found_at=tx.now - timedelta(days=20),
                    seen_at=tx.now,
                    finding=msgspec.to_builtins(one),
                )
            )
        tx.session.add(
            FindingRow(
                app="hotline",
                kind="failing",
                found_at=tx.now - timedelta(days=60),
                seen_at=tx.now,
                cleared_at=tx.now - timedelta(days=30),
                finding=msgspec.to_builtins(finding("hotline", "failing")),
            )
        )
        few = [Measure(key="reach", state="few", unit="share", window=Window(since, today))]
        for app, said in (("hotline", measures(since, today)), ("supervision", few)):
            tx.session.add(
                Measured(
                    app=app,
                    at=tx.now,
                    since=since,
                    until=today,
                    known_since=today - timedelta(days=DAYS),
                    measures=[msgspec.to_builtins(m) for m in said],
                )
            )
        await reach_places(tx, str(since.year))
        tx.session.add(Evaluation(at=tx.now, policy="2026-11", apps=3, findings=3))
    return today


def app_row(app, name, **more):
    facts = {
        "href": "/x",
        "owner": "城市管理局",
        "state": "active",
        "state_label": Phrase("stage.active"),
        "findings": (),
        "reach": None,
        "effects": None,
        "spark": (None,) * 13,
    }
    return AppRow(app=app, name=Text(zh=name, en=name), **{**facts, **more})


def portfolio_view():
    """A portfolio with a row in each state."""
    label = FindingLabel(
        "zombie",
        Phrase("finding.zombie.name"),
        Phrase("finding.zombie.change", {"limit": 30}),
    )
    known, few, _ = measures(date(2026, 1, 1), date(2026, 3, 31))[:3]
    rows = (
        app_row("a", "网格巡查", findings=(label, label), reach=known, effects=0, spark=(0,) * 13),
        app_row("b", "12345热线", reach=few, effects=85_760, spark=tuple(range(13))),
        app_row("c", "旧系统"),
    )
    return PortfolioView(
        title=Phrase("page.governance.portfolio"),
        months=(*(f"2026-{n:02}" for n in range(1, 13)), "2027-01"),
        sentences=(
            Phrase(
                "page.governance.month_compared",
                {
                    "month": "1",
                    "n": 3,
                    "apps": Phrase("page.governance.all_counted", {"n": 3}),
                    "effects": 1,
                    "before": 2,
                },
            ),
            Phrase("page.governance.none_found"),
        ),
        evaluated=Phrase("page.governance.never_evaluated"),
        rows=rows,
        total=3,
        chart=ChartView(
            kind="scatter",
            title=Phrase("page.governance.scatter"),
            sentence=Phrase("page.governance.scatter_sentence", {"month": "1", "n": 3, "drawn": 2}),
            columns=[
                Phrase("page.figures.app"),
                Phrase("page.governance.reach_percent"),
                Phrase("page.figures.count.effects"),
                Phrase("page.governance.finding_count"),
            ],
            rows=[
                ["网格巡查", 31.5, 0, 2],
                ["12345热线", 2.5, 85_760, 0],
                ["旧系统", None, None, 0],
            ],
        ),
        filters=[
            FilterView(
                name="finding",
                label=Phrase("page.governance.finding"),
                options=[Option("zombie", Phrase("finding.zombie.name")), Option("any", "x")],
                value="zombie",
            )
        ],
        query="",
        action="/governance",
        next_href="/x",
        exports={"xlsx": "/x", "csv": "/x"},
    )


def dossier_view():
    """A dossier with a card in each state, and reach on the tree."""
    since, until = date(2026, 1, 1), date(2026, 1, 31)
    days = [f"2026-01-{n:02}" for n in range(1, 32)]
    use = ChartView(
        kind="line",
        title=Phrase("page.dossier.use_effects"),
        sentence=Phrase("page.dossier.effects_alone", {"n": 1}),
        columns=[Phrase("page.figures.day"), "a", "b"],
        rows=[[day, None if 3 < n < 7 else n, None] for n, day in enumerate(days)],
    )
    places = [("沾化区", 0, 120, 80), ("富国街道", 1, 45, None), ("下洼镇", 1, 35, 20)]
    said = Phrase("page.governance.window", {"since": since, "until": until})
    return DossierView(
        app="a",
        name=Text(zh="网格巡查", en="Patrols"),
        owner="城市管理局",
        state="active",
        state_label=Phrase("stage.active"),
        since=since,
        until=until,
        missing=Phrase("page.governance.nothing_missing"),
        evaluated=Phrase("page.governance.never_evaluated"),
        findings=(
            FindingView(
                kind="duplicate",
                label=Phrase("finding.duplicate.name"),
                rule="rules.duplicate",
                basis="《办法》",
                since=datetime(2026, 1, 5, tzinfo=UTC),
                evidence=(EvidenceView(said=said, value=0.5, limit=0.4, n=20, window=said),),
                change=Phrase("page.governance.none_found"),
                about=Text(zh="随手拍", en="Snap"),
                about_href="/x",
            ),
        ),
        next=Phrase("page.dossier.next_found"),
        cards=[card(measure) for measure in measures(since, until)],
        charts=[use],
        reach=ReachTree(
            sentence=Phrase(
                "page.dossier.reach_sentence", {"since": since, "until": until, "n": 3}
            ),
            rows=tuple(
                PlaceRow(name=name, depth=depth, opened=opened, completed=completed)
                for name, depth, opened, completed in places
            ),
            villages=(),
            most=120,
        ),
        facts=[FactView(Phrase("page.dossier.fact.owner"), "城市管理局")],
        exports={"pdf": "/x", "xlsx": "/x"},
        back="/governance",
        about_href="/x",
    )


def policy_view():
    """The policy of the house, with limits that were tried and one that is wrong."""
    policy = load((MANIFESTS / FILE).read_text("utf-8"))
    view = view_of(policy, Counter(zombie=2), None)
    other = tried(policy, {"rules.zombie.visits": "20", "rules.unfiled.days": "x"})
    view.form = fields(policy, {"rules.unfiled.days": "x"}, other.errors)
    view.open = True
    (changed,) = other.changed
    limit, now, then = changed
    nominated = Nominated(
        name=Text(zh="网格巡查", en="Patrols"),
        href="/x",
        label=Phrase("finding.zombie.name"),
        evidence=(Phrase("page.governance.none_found"),),
    )
    view.trial = TrialView(
        sentence=Phrase("policy.trial.sentence", {"added": 1, "gone": 0, "n": 4}),
        changed=(ChangedLimit(label=limit.label, now=limit.shown(now), then=limit.shown(then)),),
        added=(nominated,),
        gone=(),
        same=4,
    )
    return view


def checked_view():
    """A decision that checks."""
    return CheckedView(
        number="202603050001",
        holds=True,
        name=Text(zh="网格巡查", en="Patrols"),
        verdict=Phrase("stage.merge"),
        successor=Text(zh="随手拍", en="Snap"),
        unit="区委网信办",
        day=date(2026, 3, 5),
    )


def life_view():
    """The life of an app that is being archived, with every sort of thing in the way."""
    way = (
        Obstacle(key="day", said=Phrase("life.obstacle.archiving"), href="/x"),
        Obstacle(
            key="leads",
            said=Phrase("life.obstacle.leads", {"name": Text(zh="随手拍", en="Snap")}),
            href="/x",
            waivable=True,
        ),
    )
    return LifeView(
        title="“网格巡查”的去留",
        app="a",
        name=Text(zh="网格巡查", en="Patrols"),
        owner="城市管理局",
        state="closed",
        state_label=Phrase("stage.closed"),
        facts=[FactView(Phrase("life.fact.since"), date(2026, 3, 5))],
        steps=[
            EntryView(
                verb="close",
                label=Phrase("life.step.close"),
                at=datetime(2026, 3, 5, 9, tzinfo=UTC),
                unit="政务数据局",
                role="沈*",
                reason="到期",
                text="办理时已知悉：",
                tone="done",
            )
        ],
        reversal=Phrase("life.reversal.none", {"step": Phrase("life.step.close")}),
        next=[
            NextStep(
                verb=verb,
                label=Phrase(f"life.step.{verb}"),
                does=Phrase(f"life.does.{verb}"),
                obstacles=way,
                href=href,
                why="/why",
            )
            for verb, href in (("reopen", "/x"), ("archive", None))
        ],
        waits=None,
        decides=True,
        archive=ArchiveView(
            label=Phrase("archive.phase.asked"),
            done=3,
            total=8,
            running=True,
            fault=Phrase("life.obstacle.archiving"),
            facts=(FactView(Phrase("life.fact.sha256"), "0f" * 32),),
            sha256="0f" * 32,
            approvals=("政务数据局 沈*",),
            give_up=True,
        ),
        here="/governance/apps/a/life",
        back="/governance/apps/a",
        about_href="/about/a",
    )


def step_view():
    """A step with something to take note of, and a field that is wrong."""
    view = life_view()
    return StepView(
        title="网格巡查：关停",
        verb="purge",
        app="a",
        name=view.name,
        label=Phrase("life.step.close"),
        does=Phrase("life.does.close"),
        facts=view.facts,
        blocked=(),
        noticed=view.next[0].obstacles[1:],
        fields=[
            FieldView(
                name="reason",
                kind="textarea",
                label=Phrase("life.field.reason"),
                required=True,
                error=Phrase("problem.field.missing"),
            )
        ],
        hidden={"version": "3"},
        action="/x",
        back="/x",
        danger=True,
    )
