"""An app's dossier: what was found of it and on what evidence, its figures, what the register
holds. Governance staff and its owner see the same."""

from datetime import date, datetime, timedelta
from typing import Any, ClassVar, Final

import msgspec

from core.database import Transaction
from core.governance import evaluation
from core.governance.evaluation import Held
from core.governance.findings import Evidence
from core.governance.measured import card, missing
from core.governance.register import RegisterEntry
from core.usage.durations import durations_by_day
from core.usage.measures import Observed, Window, measure, missing_of
from core.usage.observing import observe
from plugin_sdk.deadlines import local_day
from plugin_sdk.problems import NotFound, Problem
from plugin_sdk.text import Text
from plugin_sdk.views import ActionView, ChartView, FactView, FigureCard, Phrase, View
from portal.pages.context import AnyRequest, Portal
from portal.pages.governance import dossier_charts as charts
from portal.pages.governance.places import ReachTree, reach_tree
from portal.pages.governance.portfolio import label_of
from portal.pages.governance.register_facts import facts_of
from portal.pages.governance.reviews import link_to_review
from portal.pages.governance.sight import sight

LONGEST: Final = 400
"""Days that may be asked for: thirteen months."""
USUAL: Final = 91
FILES: Final = ("pdf", "xlsx")
CARDS: Final = frozenset({"reach", "empty_sessions", "attending_sessions", "burden"})
"""Evidence that a card shows."""
CHARTS: Final = {
    "visits": "use_opens",
    "burst": "use_opens",
    "effects": "steps",
    "errors": "errors",
    "p95": "durations",
}
"""Evidence that a chart shows, and which."""


class EvidenceView(msgspec.Struct, frozen=True, kw_only=True):
    """What a finding rests on, in words; `value`, `limit` and `n` are the figures in them, `href`
    leads to the part of the page that shows them, which `shows` names."""

    said: Phrase
    value: float | None
    limit: float | None
    n: int | None
    window: Phrase | None
    href: str = ""
    shows: Phrase | None = None


class FindingView(msgspec.Struct, frozen=True, kw_only=True):
    """A finding with its rule, evidence and what would change it. `about` is the other app of a
    pair; it is linked where the reader sees it."""

    kind: str
    label: Phrase
    rule: str
    basis: str
    since: datetime
    evidence: tuple[EvidenceView, ...]
    change: Phrase
    about: Text | None = None
    about_href: str | None = None


class DossierView(View, kw_only=True):
    """Everything that is known of an app, of the days asked for; `uncounted` says that of these
    days nothing is, and since when the app is counted."""

    template: ClassVar[str] = "dossier.html"
    app: str
    name: Text
    owner: str
    state: str
    state_label: Phrase
    since: date
    until: date
    missing: Phrase
    evaluated: Phrase
    findings: tuple[FindingView, ...]
    next: Phrase
    uncounted: Phrase | None = None
    cards: list[FigureCard]
    charts: list[ChartView]
    reach: ReachTree | None
    facts: list[FactView]
    exports: dict[str, str]
    back: str
    about_href: str | None
    review: ActionView | None = None


async def dossier(
    portal: Portal,
    request: AnyRequest,
    tx: Transaction,
    app: str,
    period: tuple[str, str],
    base: str,
) -> DossierView:
    """Return the dossier of an app. Raises `NotFound` for one that the reader does not see, and
    `Problem` (422) for days that are none."""
    register = await portal.governance.register(tx)
    eyes = await sight(tx, request)
    entry = register.get(app)
    if entry is None or not eyes.sees(entry.owner.code):
        raise NotFound
    seen = {name: other for name, other in register.items() if eyes.sees(other.owner.code)}
    looked = next(iter(await evaluation.measured(tx, [app])), None)
    today = local_day(tx.now)
    usual = Window(looked.since, looked.until) if looked else _last(today, USUAL)
    window = _window(*period, usual=usual, today=today)
    observed = await _observed(tx, entry, window, looked.known_since if looked else None)
    by_day = await durations_by_day(tx, app, window.since, window.until)
    held = await evaluation.findings(tx, app)
    last = await evaluation.last(tx)
    measures = measure(
        observed,
        window,
        entitled=entry.entitled,
        yearly_cost=entry.yearly_cost,
        finishes=entry.finishes,
    )
    reach = looked.named("reach") if looked and window == usual else None
    if reach is not None:  # an app alone does not tell whether nobody was there or nobody counted
        measures = (reach, *measures[1:])
    address = f"{base}/apps/{app}"
    query = f"?since={window.since}&until={window.until}"
    return DossierView(
        app=app,
        name=entry.names,
        owner=entry.owner.name,
        state=entry.stage,
        state_label=Phrase(f"stage.{entry.stage}"),
        since=window.since,
        until=window.until,
        missing=missing(missing_of(observed, window)),
        evaluated=Phrase("page.governance.evaluated", {"at": last.at})
        if last
        else Phrase("page.governance.never_evaluated"),
        findings=tuple(_finding(item, register, seen, base) for item in held),
        next=Phrase(
            "page.dossier.next_found"
            if held
            else "page.dossier.next_none"
            if last
            else "page.dossier.next_wait"
        ),
        uncounted=_uncounted(observed, window, today),
        cards=[card(item) for item in measures],
        charts=[
            *([charts.use(observed, window, kind="effects")] if entry.finishes else []),
            charts.use(observed, window, kind="opens", finishes=entry.finishes),
            charts.steps(observed, window),
            charts.durations(observed, by_day, window),
            charts.errors(observed, window),
        ],
        reach=await reach_tree(tx, entry, window),
        facts=facts_of(entry),
        exports={kind: f"{address}/dossier.{kind}{query}" for kind in FILES},
        back=base,
        about_href=f"/about/{app}" if app in portal.apps.instances else None,
        review=await link_to_review(request, tx, entry),
    )


async def _observed(
    tx: Transaction, entry: RegisterEntry, window: Window, known_since: date | None
) -> Observed:
    """Return what was counted in a window, and in the same days a year before."""
    reaching = Window(window.since - charts.YEAR, window.until)
    (observed,) = await observe(tx, {entry.app: entry.cadence}, reaching, recent=window)
    return evaluation.counted_from(observed, known_since if entry.behind_door else None)


def _uncounted(observed: Observed, window: Window, today: date) -> Phrase | None:
    """Return that nothing of a window was counted; None where something was."""
    if observed.known(window):
        return None
    since = observed.counted_since
    if since is None or since > today:
        return Phrase("page.dossier.never_counted")
    return Phrase("page.dossier.counted_since", {"day": since})


def _last(today: date, days: int) -> Window:
    return Window(today - timedelta(days=days - 1), today)


def _window(since: str, until: str, *, usual: Window, today: date) -> Window:
    """Return the days asked for. Raises `Problem` (422)."""
    if not since and not until:
        return usual
    try:
        last = date.fromisoformat(until) if until else today
        first = date.fromisoformat(since) if since else last - timedelta(days=USUAL - 1)
        window = Window(first, min(last, today))
        if not 0 < window.days <= LONGEST:
            raise ValueError
        window.earlier(charts.YEAR.days)
    except (ValueError, OverflowError):
        raise Problem("bad-period", status=422, longest=LONGEST) from None
    return window


def _finding(
    item: Held, register: dict[str, RegisterEntry], seen: dict[str, RegisterEntry], base: str
) -> FindingView:
    finding = item.finding
    other = register.get(finding.about)
    return FindingView(
        kind=finding.kind,
        label=label_of(finding.kind),
        rule=finding.rule,
        basis=finding.basis,
        since=item.found_at,
        evidence=tuple(_evidence(one) for one in finding.evidence),
        change=finding.change,
        about=other.names if other else None,
        about_href=f"{base}/apps/{finding.about}" if finding.about in seen else None,
    )


def _evidence(one: Evidence) -> EvidenceView:
    window: dict[str, Any] = {"since": one.since, "until": one.until}
    href, shows = _place(one.measure)
    return EvidenceView(
        said=one.said,
        value=one.value,
        limit=one.limit,
        n=one.n,
        window=Phrase("page.governance.window", window) if one.since and one.until else None,
        href=href,
        shows=shows,
    )


def _place(measure: str | None) -> tuple[str, Phrase]:
    """Return where a dossier shows what a piece of evidence speaks of, and what that is called."""
    if measure in CARDS:
        return f"#measure-{measure}", Phrase(f"measure.{measure}.name")
    chart = CHARTS.get(measure or "")
    if chart:
        return f"#chart-{chart}", Phrase(f"page.dossier.{chart}")
    if measure == "near_total":
        return "#reach", Phrase("page.dossier.reach")
    return "#register", Phrase("page.dossier.register")
