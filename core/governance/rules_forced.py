"""强制使用, a finding against an app and never against who uses it: it looks busy, and people
get nothing done in it.

《政务移动互联网应用程序规范化管理办法》（国办函〔2026〕12号） forbids forced use, and check-in,
points, ranking and on-line duration as assessment; the policy says so with the rule.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from functools import lru_cache

from core.governance.cases import Case, visits
from core.governance.findings import Evidence, Finding, made, percent
from core.usage.measures import DayTotals, Window, total
from core.usage.suppression import rounded
from plugin_sdk.times import last_of_month
from plugin_sdk.views import Phrase


def forced_use(case: Case) -> Iterator[Finding]:
    """Yield 强制使用: enough signs together, or a feature that the rules forbid outright."""
    rule, entry = case.policy.rules.forced_use, case.entry
    if case.over:
        return
    forbidden = [feature for feature in entry.forbidden if feature != CHECK_IN]
    seen = list(_signs(case)) if case.judged and not case.small else []
    if entry.checks_in and not case.exempt:
        seen.append(Evidence(said=Phrase("finding.forced_use.checks_in")))
    if len(seen) < rule.signals:
        seen = []
    seen += [
        Evidence(said=Phrase("finding.forced_use.forbidden", {"feature": feature_words(feature)}))
        for feature in forbidden
    ]
    if seen:
        yield made(entry.app, "forced_use", rule, seen, signals=rule.signals)


CHECK_IN = "check-in"


def feature_words(feature: str) -> Phrase:
    """Return what a forbidden feature is called."""
    return Phrase(f"finding.feature.{feature.replace('-', '_')}")


def _signs(case: Case) -> Iterator[Evidence]:
    """Yield what of its use looks forced."""
    rule = case.policy.rules.forced_use
    days = case.days
    sessions = total(days, "sessions")
    if case.entry.finishes and sessions >= rule.least_sessions:
        for key, part, limit in (
            ("empty_sessions", sessions - total(days, "fruitful"), rule.empty_sessions),
            ("attending_sessions", total(days, "attending"), rule.attending),
        ):
            if part >= limit * sessions:
                yield _sign(case, key, part / sessions, limit, sessions)
    entitled = case.entry.entitled
    if case.entry.finishes and case.people is not None and entitled:
        opened, completed = case.people
        if opened >= rule.near_total and completed <= rule.near_zero:
            yield _sign(
                case,
                "near_total",
                (rounded(int(opened * entitled)) or 0) / entitled,  # who did not is not said
                rule.near_total,
                entitled,
                finished=percent((rounded(int(completed * entitled)) or 0) / entitled),
            )
    burst = _burst(case)
    if burst is not None and burst >= rule.burst:
        yield Evidence(
            said=Phrase(
                "finding.forced_use.burst",
                {"times": f"{burst:.1f}", "limit": f"{rule.burst:.1f}", "days": rule.burst_days},
            ),
            measure="burst",
            value=burst,
            limit=rule.burst,
            since=case.year.since,
            until=case.year.until,
        )


def _sign(case: Case, key: str, value: float, limit: float, n: int, **params: object) -> Evidence:
    said = {"share": percent(value), "limit": percent(limit), "n": n, **params}
    return Evidence(
        said=Phrase(f"finding.forced_use.{key}", said),
        measure=key,
        value=value,
        limit=limit,
        n=n,
        since=case.window.since,
        until=case.window.until,
    )


def _burst(case: Case) -> float | None:
    """Return how many times as many visits without effect a day before a ranking date has as
    another day; None where there are too few. Work that is due then comes with its effects, and
    is not counted."""
    rule = case.policy.rules.forced_use
    by_day = {totals.day: _idle(case, totals) for totals in case.observed.within(case.year)}
    if sum(by_day.values()) < rule.least_sessions:
        return None
    since = max(case.year.since, case.observed.counted_since or case.year.since)
    ranked = _ranked(case.year, rule.ranking_days, rule.burst_days)
    before, otherwise = [0, 0], [0, 0]
    for day in _days(Window(since, case.year.until)):
        if day not in case.observed.unknown_days:
            side = before if day in ranked else otherwise
            side[0] += 1
            side[1] += by_day.get(day, 0)
    if not before[0] or not otherwise[1]:
        return None
    return (before[1] / before[0]) / (otherwise[1] / otherwise[0])


def _idle(case: Case, totals: DayTotals) -> int:
    return max(0, visits([totals]) - (totals.fruitful if case.entry.finishes else 0))


@lru_cache(maxsize=8)
def _ranked(window: Window, ranking_days: tuple[int, ...], within: int) -> frozenset[date]:
    """Return the days of a window that are a ranking date or up to `within` - 1 days before."""
    dates = [
        day
        for day in _days(Window(window.since, window.until + timedelta(days=within)))
        if any(day.day == min(wanted, last_of_month(day).day) for wanted in ranking_days)
    ]
    return frozenset(day - timedelta(days=back) for day in dates for back in range(within))


def _days(window: Window) -> Iterator[date]:
    for ahead in range(window.days):
        yield window.since + timedelta(days=ahead)
