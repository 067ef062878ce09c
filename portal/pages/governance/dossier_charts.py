"""The charts of a dossier, each with its table: use, steps, errors and durations."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any, Final

from core.usage.latency import quantile
from core.usage.measures import Observed, Window, total
from plugin_sdk.views import ChartView, Phrase

YEAR: Final = timedelta(days=364)
"""The same day of the week, a year ago."""
MOST_DAYS: Final = 62
"""Longer periods are drawn by week."""
WEEK: Final = 7


def spans(window: Window) -> list[Window]:
    """Return the days of a window, or its whole weeks up to the last day where it is long."""
    if window.days <= MOST_DAYS:
        days = (window.since + timedelta(days=n) for n in range(window.days))
        return [Window(day, day) for day in days]
    weeks = window.days // WEEK
    last = (window.until - timedelta(days=WEEK * n) for n in range(weeks))
    return [Window(day - timedelta(days=WEEK - 1), day) for day in reversed(list(last))]


def use(observed: Observed, window: Window, *, kind: str, finishes: bool = True) -> ChartView:
    """Return how much an app was used, this year and last; a span that is not known in full is
    not known. `finishes` says whether the door sees what is finished."""
    rows = [
        [
            span.since.isoformat(),
            *(_counted(observed, each, kind) for each in (span, span.earlier(YEAR.days))),
        ]
        for span in spans(window)
    ]
    return ChartView(
        kind="line",
        title=Phrase(f"page.dossier.use_{kind}"),
        sentence=_compared(observed, window, kind, unseen=not finishes),
        columns=[
            _column(window),
            Phrase("page.dossier.this_year"),
            Phrase("page.dossier.last_year"),
        ],
        rows=rows,
    )


def _compared(observed: Observed, window: Window, kind: str, *, unseen: bool) -> Phrase:
    """Return how much there was in all of a window, beside the same days of last year, and what
    nobody knows."""
    if not observed.known(window):
        return Phrase("page.dossier.unknown")
    before = window.earlier(YEAR.days)
    compared = observed.known(before) > 0
    said = {"n": total(observed.within(window), kind)}
    if compared:
        said["before"] = total(observed.within(before), kind)
    sentence = Phrase(f"page.dossier.{kind}_{'compared' if compared else 'alone'}", said)
    gaps = [
        Phrase(f"page.dossier.{key}", {"n": observed.unknown(span)})
        for key, span in (("days_unknown", window), ("days_unknown_before", before))
        if observed.unknown(span) and observed.known(span)
    ]
    for gap in [*gaps, *([Phrase("page.dossier.unseen")] if unseen else [])]:
        sentence = Phrase("page.dossier.with_gap", {"sentence": sentence, "gap": gap})
    return sentence


def steps(observed: Observed, window: Window) -> ChartView:
    """Return what was started, completed and finished: three bars with their shares."""
    days = observed.within(window)
    started = total(days, "starts")
    counts = {kind: total(days, kind) for kind in ("starts", "completes", "effects")}
    unknown = not observed.known(window)

    def row(kind: str) -> list[Any]:
        words = Phrase(f"page.figures.count.{kind}")
        if kind == "completes" and started >= counts[kind] > 0:
            share = f"{counts[kind] / started:.1%}"
            words = Phrase("page.dossier.share_of_started", {"what": words, "share": share})
        return [words, None if unknown else counts[kind]]

    sentence = "unknown" if unknown else "steps_sentence"
    return ChartView(
        kind="bars",
        title=Phrase("page.dossier.steps"),
        sentence=Phrase(f"page.dossier.{sentence}", {} if unknown else counts),
        columns=[Phrase("page.dossier.step"), Phrase("page.dossier.pieces")],
        rows=[row(kind) for kind in counts],
    )


def durations(
    observed: Observed, by_day: Mapping[date, Mapping[int, int]], window: Window
) -> ChartView:
    """Return how long answers took: under which time 95 of 100 stayed, and half."""
    rows: list[list[Any]] = []
    for span in spans(window):
        counts = _merged(by_day, span)
        known = observed.known(span)
        rows.append(
            [
                span.since.isoformat(),
                *(quantile(counts, at) if known else None for at in (0.95, 0.5)),
            ]
        )
    whole = _merged(by_day, window)
    n = sum(whole.values())
    said = {
        "n": n,
        "p95": round(quantile(whole, 0.95) or 0),
        "p50": round(quantile(whole, 0.5) or 0),
    }
    return ChartView(
        kind="line",
        unit="milliseconds",
        title=Phrase("page.dossier.durations"),
        sentence=Phrase("page.dossier.durations_sentence", said)
        if n
        else Phrase("page.dossier.unknown"),
        columns=[_column(window), Phrase("page.dossier.p95"), Phrase("page.dossier.p50")],
        rows=rows,
    )


def errors(observed: Observed, window: Window) -> ChartView:
    """Return how many requests ended in an error of the app."""
    days = observed.within(window)
    n = total(days, "answered", "refused", "failed")
    failed = total(days, "failed")
    said = {"failed": failed, "n": n, "share": f"{failed / n:.2%}" if n else ""}
    return ChartView(
        kind="line",
        title=Phrase("page.dossier.errors"),
        sentence=Phrase("page.dossier.errors_sentence", said)
        if n
        else Phrase("page.dossier.unknown"),
        columns=[_column(window), Phrase("page.figures.count.failed")],
        rows=[
            [span.since.isoformat(), _counted(observed, span, "failed")] for span in spans(window)
        ],
    )


def _counted(observed: Observed, span: Window, kind: str) -> int | None:
    if observed.unknown(span):
        return None
    return total(observed.within(span), kind)


def _column(window: Window) -> Phrase:
    return Phrase("page.figures.day" if window.days <= MOST_DAYS else "page.dossier.week")


def _merged(by_day: Mapping[date, Mapping[int, int]], span: Window) -> dict[int, int]:
    counts: dict[int, int] = {}
    for day in _days(span):
        for bucket, n in by_day.get(day, {}).items():
            counts[bucket] = counts.get(bucket, 0) + n
    return counts


def _days(span: Window) -> Iterable[date]:
    return (span.since + timedelta(days=n) for n in range(span.days))
