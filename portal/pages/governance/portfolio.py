"""The portfolio of governance staff and the list of an owner: one list, one way to filter it."""

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from typing import ClassVar, Final
from urllib.parse import urlencode

import msgspec

from core.database import Transaction
from core.governance import evaluation
from core.governance.findings import KINDS, Finding, FindingKind
from core.governance.measured import share
from core.governance.register import RegisterEntry
from core.usage.measures import Measure
from core.usage.months import Counts, Month, effects_by_month, first_counted
from plugin_sdk.deadlines import local_day
from plugin_sdk.problems import Problem
from plugin_sdk.text import Text
from plugin_sdk.views import CaseItem, ChartView, FilterView, Option, Phrase, View, Words
from portal.formats import month as month_words
from portal.pages.context import AnyRequest, Portal
from portal.pages.governance.sight import sight

PAGE: Final = 50
SPARK: Final = 13
"""Months in a small line: a year, and the same month a year ago."""
YEAR: Final = 12
LONGEST: Final = 100


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of a list, as its address carries it."""

    month: str = ""
    finding: str = ""
    owner: str = ""
    stage: str = ""
    q: str = ""

    def parameters(self) -> dict[str, str]:
        """Return the parameters of the address."""
        values = {name: getattr(self, name) for name in self.__struct_fields__}
        return {name: value for name, value in values.items() if value}


class FindingLabel(msgspec.Struct, frozen=True):
    """What was found of an app, in one word; and what would make it go away."""

    kind: FindingKind
    label: Phrase
    change: Phrase


class AppRow(msgspec.Struct, frozen=True, kw_only=True):
    """An app in the list. `effects` are those of the month asked for, `spark` those of the
    thirteen months up to it; None is unknown."""

    app: str
    name: Text
    href: str
    owner: str
    state: str
    state_label: Phrase
    findings: tuple[FindingLabel, ...]
    reach: Measure | None
    effects: int | None
    spark: tuple[int | None, ...]


class PortfolioView(View, kw_only=True):
    """The apps that the reader sees, those with findings first; to owners `notices` are the reviews
    that they have to answer."""

    template: ClassVar[str] = "portfolio.html"
    title: Phrase
    months: tuple[str, ...]
    sentences: tuple[Phrase, ...]
    evaluated: Phrase
    rows: tuple[AppRow, ...]
    total: int
    chart: ChartView | None
    filters: list[FilterView]
    query: str
    action: str
    next_href: str | None
    exports: dict[str, str]
    notices: list[CaseItem] | None = None


class Chosen(msgspec.Struct, frozen=True):
    """The apps that were asked for, in the order of the list; of all that are seen, which kinds of
    findings hold and what was finished, in the month asked for; `now` is not over."""

    apps: tuple[RegisterEntry, ...]
    seen: tuple[RegisterEntry, ...]
    held: Mapping[str, list[FindingKind]]
    effects: Counts
    month: Month
    now: Month


async def choose(portal: Portal, request: AnyRequest, tx: Transaction, asked: Asked) -> Chosen:
    """Return the apps that the reader sees and asks for. Raises `Problem` (422) for a filter
    that cannot be."""
    eyes = await sight(tx, request)
    seen = tuple(
        e for e in (await portal.governance.register(tx)).values() if eyes.sees(e.owner.code)
    )
    names = {entry.app for entry in seen}
    now = Month.of(local_day(tx.now))
    month, effects = now, Counts()
    for month in (wanted,) if (wanted := _month(asked.month)) else (now.before(1), now):
        effects = await effects_by_month(tx, [month, month.before(YEAR)])
        effects = {app: counts for app, counts in effects.items() if app in names}
        if _any(effects, month):
            break
    held: dict[str, list[FindingKind]] = {}
    for app, kind in await evaluation.kinds(tx):
        if app in names:
            held.setdefault(app, []).append(kind)
    for value, choices in (
        (asked.finding, {"any", *KINDS}),
        (asked.owner, {entry.owner.code for entry in seen}),
        (asked.stage, {entry.stage for entry in seen}),
    ):
        if value and value not in choices:
            raise Problem("unknown-choice", status=422)
    words = asked.q.strip()[:LONGEST].lower()
    chosen = [
        entry
        for entry in seen
        if (not asked.owner or entry.owner.code == asked.owner)
        and (not asked.stage or entry.stage == asked.stage)
        and (not asked.finding or _has(held.get(entry.app, []), asked.finding))
        and (not words or words in f"{entry.app} {entry.names.zh} {entry.names.en}".lower())
    ]
    chosen.sort(key=lambda entry: (-len(held.get(entry.app, ())), entry.app))
    return Chosen(tuple(chosen), seen, held, effects, month, now)


async def rows_of(
    tx: Transaction, chosen: Chosen, apps: Sequence[RegisterEntry], base: str
) -> tuple[AppRow, ...]:
    """Return apps as rows, with what is read of these alone: reach, and thirteen months."""
    names = [entry.app for entry in apps]
    months = months_of(chosen.month)
    looked = {one.app: one for one in await evaluation.measured(tx, names)}
    effects = await effects_by_month(tx, months, names)
    first = await first_counted(tx, [app for app in names if app not in looked])
    first |= {app: one.known_since for app, one in looked.items()}
    held: dict[str, list[Finding]] = {app: [] for app in names}
    for item in await evaluation.findings(tx, *names) if names else ():
        held[item.finding.app].append(item.finding)

    def counted(app: str, month: Month) -> int | None:
        since = first.get(app)
        if since is None or month.last < since:
            return None
        return effects.get(app, {}).get(month, 0)

    return tuple(
        AppRow(
            app=entry.app,
            name=entry.names,
            href=f"{base}/apps/{entry.app}",
            owner=entry.owner.name,
            state=entry.stage,
            state_label=Phrase(f"stage.{entry.stage}"),
            findings=tuple(
                FindingLabel(finding.kind, label_of(finding.kind), finding.change)
                for finding in held[entry.app]
            ),
            reach=looked[entry.app].named("reach") if entry.app in looked else None,
            effects=counted(entry.app, chosen.month),
            spark=tuple(counted(entry.app, month) for month in months),
        )
        for entry in apps
    )


async def portfolio(
    portal: Portal, request: AnyRequest, tx: Transaction, asked: Asked, cursor: str, base: str
) -> PortfolioView:
    """Return one page of the list. Raises `Problem` (422) for a filter or cursor that cannot
    be."""
    chosen = await choose(portal, request, tx, asked)
    start = _after(chosen.apps, cursor)
    page = chosen.apps[start : start + PAGE]
    rows = await rows_of(tx, chosen, page, base)
    more = start + PAGE < len(chosen.apps)
    parameters = asked.parameters()
    following = urlencode({**parameters, "cursor": page[-1].app}) if more else ""
    last = await evaluation.last(tx)
    return PortfolioView(
        title=Phrase("page.governance.portfolio" if base == "/governance" else "page.owner.apps"),
        months=tuple(str(month) for month in months_of(chosen.month)),
        sentences=_sentences(
            chosen,
            counted={app for app, counts in chosen.effects.items() if chosen.month in counts}
            | {row.app for row in rows if row.effects is not None},
            evaluated=last is not None,
        ),
        evaluated=Phrase("page.governance.evaluated", {"at": last.at})
        if last
        else Phrase("page.governance.never_evaluated"),
        rows=rows,
        total=len(chosen.apps),
        chart=_scatter(rows, chosen.month),
        filters=_filters(chosen, asked, local_month=Month.of(local_day(tx.now))),
        query=asked.q.strip()[:LONGEST],
        action=base,
        next_href=f"{base}?{following}" if more else None,
        exports={
            kind: f"{base}.{kind}" + (f"?{urlencode(parameters)}" if parameters else "")
            for kind in ("xlsx", "csv")
        },
    )


def months_of(month: Month) -> tuple[Month, ...]:
    """Return the thirteen months up to one."""
    return tuple(month.before(n) for n in reversed(range(SPARK)))


def named(month: Month) -> Text:
    """Return a month in words."""
    return Text(zh=month_words(month.first, "zh-CN"), en=month_words(month.first, "en"))


def label_of(kind: str) -> Phrase:
    """Return what a finding is called."""
    return Phrase(f"finding.{kind}.name")


def _month(text: str) -> Month | None:
    try:
        month = Month.named(text) if text else None
        if month is not None:
            month.before(SPARK + YEAR)
            month.before(-1)
        return month
    except ValueError:
        raise Problem("bad-month", status=422) from None


def _any(effects: Counts, month: Month) -> bool:
    return any(month in counts for counts in effects.values())


def _has(held: Sequence[FindingKind], kind: str) -> bool:
    return bool(held) if kind == "any" else kind in held


def _after(apps: Sequence[RegisterEntry], cursor: str) -> int:
    if not cursor:
        return 0
    for at, entry in enumerate(apps):
        if entry.app == cursor:
            return at + 1
    raise Problem("bad-cursor", status=422)


def _sentences(chosen: Chosen, *, counted: Set[str], evaluated: bool) -> tuple[Phrase, ...]:
    """Return the month in a sentence (`counted` are the apps of which something of it is known, if
    only that nothing was finished), then what was found."""
    month, before = chosen.month, chosen.month.before(YEAR)

    def sum_of(which: Month) -> int:
        return sum(counts.get(which, 0) for counts in chosen.effects.values())

    n = {"n": len(chosen.seen), "counted": len(counted)}
    all_or_some = "all" if len(counted) == len(chosen.seen) else "some"
    said = {
        "month": named(month)
        if month < chosen.now
        else Phrase("page.governance.month_running", {"month": named(month)}),
        "n": len(chosen.seen),
        "apps": Phrase(f"page.governance.{all_or_some}_counted", n),
        "effects": sum_of(month),
    }
    if not counted:
        first = Phrase("page.governance.month_unknown", said)
    elif not _any(chosen.effects, before):
        first = Phrase("page.governance.month", said)
    else:
        first = Phrase("page.governance.month_compared", {**said, "before": sum_of(before)})
    kinds = Counter(kind for held in chosen.held.values() for kind in held)
    if not kinds:
        return first, *([Phrase("page.governance.none_found")] if evaluated else [])
    kind, most = min(kinds.items(), key=lambda item: (-item[1], item[0]))
    return first, Phrase(
        "page.governance.found" if len(kinds) > 1 else "page.governance.found_alike",
        {
            "n": len(chosen.held),
            "findings": kinds.total(),
            "kind": label_of(kind),
            "most": most,
        },
    )


def _scatter(rows: Sequence[AppRow], month: Month) -> ChartView | None:
    """Return reach against effects, of the apps on the page; None where no app has both."""
    points = [[row.name, share(row.reach), row.effects, len(row.findings)] for row in rows]
    drawn = sum(1 for point in points if None not in point)
    if not drawn:
        return None
    return ChartView(
        kind="scatter",
        title=Phrase("page.governance.scatter"),
        sentence=Phrase(
            "page.governance.scatter_sentence",
            {"month": named(month), "drawn": drawn, "n": len(points)},
        ),
        columns=[
            Phrase("page.figures.app"),
            Phrase("page.governance.reach_percent"),
            Phrase("page.figures.count.effects"),
            Phrase("page.governance.finding_count"),
        ],
        rows=points,
    )


def _filters(chosen: Chosen, asked: Asked, *, local_month: Month) -> list[FilterView]:
    kinds = {kind for held in chosen.held.values() for kind in held}
    owners = {entry.owner.code: entry.owner.name for entry in chosen.seen}
    states = dict.fromkeys(entry.stage for entry in chosen.seen)
    months = dict.fromkeys([*(local_month.before(n) for n in range(SPARK)), chosen.month])

    def filter(name: str, key: str, options: list[tuple[str, Words]]) -> FilterView:
        return FilterView(
            name=name,
            label=Phrase(key),
            options=[Option(value, label) for value, label in options],
            value=getattr(asked, name),
        )

    shown: list[tuple[str, Words]] = [("any", Phrase("page.governance.any_finding"))]
    shown += [(kind, label_of(kind)) for kind in KINDS if kind in kinds or kind == asked.finding]
    return [
        filter("finding", "page.governance.finding", shown),
        filter("owner", "page.governance.owner", sorted(owners.items())),
        filter(
            "stage", "page.governance.state", [(s, Phrase(f"stage.{s}")) for s in sorted(states)]
        ),
        filter(
            "month",
            "page.governance.month_label",
            [
                ("", Phrase("page.governance.newest_month")),
                *((str(m), Phrase("text", {"text": named(m)})) for m in months),
            ],
        ),
    ]
