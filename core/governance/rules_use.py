"""Findings from use: 使用率低, 空壳, 僵尸, and 故障多."""

from collections.abc import Iterator

from core.governance.cases import BLOCK_DAYS, Case, finished, visits
from core.governance.findings import Evidence, Finding, made, percent
from core.usage.latency import quantile
from core.usage.measures import Window, last_days, total
from core.usage.suppression import rounded
from plugin_sdk.views import Phrase

VISITS = ("opens", "sessions")


def low_use(case: Case) -> Iterator[Finding]:
    """Yield 使用率低: too few of those entitled finish anything. Where the hub does not see what
    is finished, those who open it stand for them: they are never fewer."""
    rule, entry = case.policy.rules.low_use, case.entry
    if not case.judged or case.people is None or entry.entitled is None:
        return
    limit = rule.reach.of(entry.cadence)
    opened, completed = case.people
    share = completed if entry.finishes else opened
    if share >= limit or _between_seasons(case, limit):
        return
    said = "completed" if entry.finishes else "opened"
    people = rounded(int(share * entry.entitled))
    if not share and not total(
        case.days, *(("completes", "effects") if entry.finishes else VISITS)
    ):
        said = f"{said}_none"  # counts of things say so already
    elif people is None:  # how few they are is not said
        said, share = f"{said}_few", 0.0
    else:
        share = people / entry.entitled
    yield made(
        case.entry.app,
        "low_use",
        rule,
        [
            _figure(
                case,
                f"finding.low_use.{said}",
                "reach",
                share,
                limit,
                n=entry.entitled,
                share=percent(share),
                limit_share=percent(limit),
            )
        ],
        limit=percent(limit),
    )


def _between_seasons(case: Case, limit: float) -> bool:
    """Return whether an app was used as expected in another season of the year, and less use is
    all there was at this time last year too (or nobody knows what there was)."""
    if case.entry.cadence == "yearly" or case.entry.entitled is None:
        return False
    people = case.entry.entitled
    best = max(
        (
            (reached.completed if case.entry.finishes else reached.opened) / people
            for reached in case.whole_periods(case.year)
        ),
        default=0.0,
    )
    if best < limit:
        return False
    both = case.last_year("completes", "effects") if case.entry.finishes else case.last_year()
    return both is None or both[1] < FELL * max(both[0], 1 / BLOCK_DAYS)


FELL = 3
"""To so small a part of last year's use (a third) an app has fallen, rather than varied."""


def empty_shell(case: Case) -> Iterator[Finding]:
    """Yield 空壳: people open it, and hardly anything is finished in it, in the window as in all
    of the year that is known."""
    rule = case.policy.rules.empty_shell
    if not case.judged or case.small or not case.entry.finishes:
        return
    monthly = case.monthly_visits(case.window)
    if monthly < rule.visits:
        return
    shares = [
        finished(days) / max(1, visits(days))
        for days in (case.days, case.observed.within(case.year))
    ]
    if max(shares) >= rule.effects:
        return
    n = visits(case.days)
    yield made(
        case.entry.app,
        "empty_shell",
        rule,
        [
            _figure(
                case,
                "finding.empty_shell.visits",
                "visits",
                monthly,
                rule.visits,
                n=n,
                visits=round(monthly),
            ),
            _figure(
                case,
                "finding.empty_shell.effects",
                "effects",
                shares[0],
                rule.effects,
                n=n,
                share=percent(shares[0]),
                limit_share=percent(rule.effects),
            ),
        ],
        limit=percent(rule.effects),
    )


def zombie(case: Case) -> Iterator[Finding]:
    """Yield 僵尸: nothing is finished, and no more visits than of who looks after the app; of a
    small population, none at all. Not between seasons: see `_awake`."""
    rule = case.policy.rules.zombie
    if not case.judged or finished(case.days):
        return
    limit = 0.0 if case.small else rule.visits
    monthly = case.monthly_visits(case.window)
    if monthly > limit or _sleeps(case, rule.visits):
        return
    yield made(
        case.entry.app,
        "zombie",
        rule,
        [
            _figure(
                case,
                "finding.zombie.visits",
                "visits",
                monthly,
                limit,
                n=visits(case.days),
                visits=round(monthly),
                limit_visits=round(limit),
                days=case.observed.known(case.window),
            )
        ],
        limit=round(limit),
    )


def _sleeps(case: Case, limit: float) -> bool:
    """Return whether an app was awake in another season of the year, and slept at this time
    last year too (or nobody knows)."""
    awake = limit * 2 if not case.small else 1
    season = Window(case.year.since, case.year.until)
    blocks = (
        last_days(season.until, BLOCK_DAYS).earlier(back)
        for back in range(0, season.days - BLOCK_DAYS + 1, BLOCK_DAYS)
    )
    if not any(case.knows(block) and case.monthly_visits(block) > awake for block in blocks):
        return False
    both = case.last_year()
    return both is None or both[1] * BLOCK_DAYS <= awake


def failing(case: Case) -> Iterator[Finding]:
    """Yield 故障多: too many answers of the last weeks are errors of the app, or come slowly."""
    rule = case.policy.rules.failing
    window = last_days(case.window.until, rule.days)
    if case.over or not case.observed.known(window):
        return
    days = case.observed.within(window)
    answers = total(days, "answered", "refused", "failed")
    evidence: list[Evidence] = []
    if answers >= rule.least_answers:
        share = total(days, "failed") / answers
        if share >= rule.errors:
            evidence.append(
                Evidence(
                    said=Phrase(
                        "finding.failing.errors",
                        {"share": percent(share), "limit": percent(rule.errors), "n": answers},
                    ),
                    measure="errors",
                    value=share,
                    limit=rule.errors,
                    n=answers,
                    since=window.since,
                    until=window.until,
                )
            )
    timed = sum(case.observed.latency.values())
    p95 = quantile(case.observed.latency, 0.95)
    if timed >= rule.least_answers and p95 is not None and p95 * SURELY >= rule.p95_ms:
        evidence.append(
            Evidence(
                said=Phrase(
                    "finding.failing.p95", {"ms": round(p95), "limit": rule.p95_ms, "n": timed}
                ),
                measure="p95",
                value=p95,
                limit=rule.p95_ms,
                n=timed,
                since=window.since,
                until=window.until,
            )
        )
    if evidence:
        yield made(
            case.entry.app,
            "failing",
            rule,
            evidence,
            errors=percent(rule.errors),
            ms=rule.p95_ms,
        )


SURELY = 0.8
"""A quantile of the histogram is at most a quarter above the true one: this much is certain."""


def _figure(
    case: Case,
    key: str,
    measure: str,
    value: float,
    limit: float,
    *,
    n: int,
    **params: object,
) -> Evidence:
    return Evidence(
        said=Phrase(key, {"n": n, **params}),
        measure=measure,
        value=value,
        limit=limit,
        n=n,
        since=case.window.since,
        until=case.window.until,
    )
