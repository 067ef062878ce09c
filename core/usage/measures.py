"""What usage says of an app: pure structs in, measures with their n and their gaps out.

A measure that cannot be said is never zero: it says why (`state`).
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import Literal

import msgspec

from core.usage.latency import quantile
from core.usage.periods import period_of
from core.usage.suppression import FEWEST, rounded

YEAR_DAYS = 365

State = Literal["known", "unknown", "few", "not_applicable"]
Unit = Literal["share", "people", "count", "milliseconds", "fen"]


class Window(msgspec.Struct, frozen=True):
    """The days looked at, both included."""

    since: date
    until: date

    @property
    def days(self) -> int:
        """Return how many days it has."""
        return max(0, (self.until - self.since).days + 1)

    def __contains__(self, day: date) -> bool:
        return self.since <= day <= self.until

    def earlier(self, days: int) -> "Window":
        """Return as many days, so many days before."""
        return Window(self.since - timedelta(days=days), self.until - timedelta(days=days))


def last_days(until: date, days: int) -> Window:
    """Return the last `days` up to and with `until`."""
    return Window(until - timedelta(days=days - 1), until)


class Missing(msgspec.Struct, frozen=True):
    """What is unknown in a window: days before anything was counted or wholly without counts,
    minutes lost on others, counts known to be lost."""

    days: int = 0
    minutes: int = 0
    lost: int = 0


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """One figure of an app. `value` is None unless `state` is `known`: `few` hides a group under
    five, `unknown` was not measured, `not_applicable` has no such thing."""

    key: str
    state: State
    unit: Unit
    value: float | None = None
    numerator: int | None = None
    denominator: int | None = None
    n: int | None = None
    window: Window
    missing: Missing = Missing()


class DayTotals(msgspec.Struct, frozen=True, array_like=True):
    """All counts of an app on one day, in the order of `core.usage.models.KINDS`."""

    day: date
    opens: int = 0
    starts: int = 0
    completes: int = 0
    effects: int = 0
    answered: int = 0
    refused: int = 0
    failed: int = 0
    sessions: int = 0
    fruitful: int = 0
    attending: int = 0
    timed: int = 0
    timely: int = 0
    rated: int = 0
    satisfied: int = 0
    reminded: int = 0


class ReachTotal(msgspec.Struct, frozen=True):
    """How many people there were in one reach period of an app: about, and of all of them."""

    period: str
    since: date
    until: date
    opened: int
    completed: int


class ExitSeen(msgspec.Struct, frozen=True):
    """Where answers of an app led to: another host, by which feature, how often."""

    feature: str
    host: str
    kind: Literal["redirect", "link"]
    count: int


class Observed(msgspec.Struct, frozen=True, kw_only=True):
    """Everything counted of one app that measures and findings look at: days in which something
    happened (a day that is absent and not `unknown` had nothing), reach by period, durations.

    `recent` are the days that durations, fields asked and exits are of, where they are fewer."""

    app: str
    counted_since: date | None
    days: tuple[DayTotals, ...] = ()
    unknown_days: frozenset[date] = frozenset()
    lost: int = 0
    lost_minutes: int = 0
    reach: tuple[ReachTotal, ...] = ()
    latency: Mapping[int, int] = {}
    asked: int = 0
    spared: int = 0
    exits: tuple[ExitSeen, ...] = ()
    recent: Window | None = None

    def unknown(self, window: Window) -> int:
        """Return how many days of a window were not counted: before the first, or lost."""
        since = self.counted_since
        if since is None:
            return window.days
        before = min(window.days, max(0, (since - window.since).days))
        return before + sum(1 for day in self.unknown_days if day in window and day >= since)

    def known(self, window: Window) -> int:
        """Return how many days of a window were counted."""
        return window.days - self.unknown(window)

    def within(self, window: Window) -> list[DayTotals]:
        """Return the counts of the days of a window that are known."""
        return [
            totals
            for totals in self.days
            if totals.day in window and totals.day not in self.unknown_days
        ]


def whole_months(window: Window) -> Iterator[Window]:
    """Yield the months that lie in a window from their first day to their last."""
    day = window.since
    while day <= window.until:
        month = period_of("monthly", day)
        if month.since in window and month.until in window:
            yield Window(month.since, month.until)
        day = month.until + timedelta(days=1)


def total(days: Iterable[DayTotals], *kinds: str) -> int:
    """Return the sum of counts of some kinds."""
    return sum(getattr(totals, kind) for totals in days for kind in kinds)


def reach_of(observed: Observed, window: Window) -> ReachTotal | None:
    """Return the reach that speaks for a window: of the last period that is over and was
    counted from its first day, else of the one of which most days were counted."""
    found = [
        reached
        for reached in observed.reach
        if reached.since <= window.until and reached.until >= window.since
    ]

    def counted(reached: ReachTotal) -> int:
        return observed.known(Window(reached.since, min(reached.until, window.until)))

    whole = [
        reached
        for reached in found
        if reached.until <= window.until
        and counted(reached) == Window(reached.since, reached.until).days
    ]
    if whole:
        return max(whole, key=lambda reached: reached.since)
    return max(found, key=lambda reached: (counted(reached), reached.since), default=None)


def measure(
    observed: Observed,
    window: Window,
    *,
    entitled: int | None,
    yearly_cost: int | None,
    finishes: bool = True,
) -> tuple[Measure, ...]:
    """Return every measure of an app in a window. The words `measure.<key>.what`, `.numerator`
    and `.denominator` define each; days that are not known count on neither side. Where it is not
    seen what is finished in the app (not `finishes`), its reach is unknown."""
    return _Measuring(observed, window).all(entitled if finishes else None, yearly_cost)


def missing_of(observed: Observed, window: Window) -> Missing:
    """Return what is unknown of a window."""
    return Missing(observed.unknown(window), observed.lost_minutes, observed.lost)


class _Measuring:
    def __init__(self, observed: Observed, window: Window) -> None:
        self.observed = observed
        self.window = window
        self.days = observed.within(window)

    def all(self, entitled: int | None, yearly_cost: int | None) -> tuple[Measure, ...]:
        days, observed = self.days, self.observed
        sessions = total(days, "sessions")
        answers = total(days, "answered", "refused", "failed")
        starts, asked = total(days, "starts"), observed.asked
        return (
            self._reach(entitled),
            # what was begun before the window and finished in it is no more than all
            self._share("completion", min(total(days, "completes"), starts), starts),
            self._share("on_time", total(days, "timely"), total(days, "timed")),
            self._satisfaction(),
            self._of_people("empty_sessions", sessions - total(days, "fruitful"), sessions),
            self._of_people("attending_sessions", total(days, "attending"), sessions),
            self._share("reminders", total(days, "reminded"), total(days, "effects")),
            self._share("burden", asked, asked + observed.spared, self._recent()),
            self._share("errors", total(days, "failed"), answers),
            self._p95(),
            self._cost(yearly_cost),
        )

    def _satisfaction(self) -> Measure:
        """Return the satisfaction of the whole months of the window that have five ratings each:
        of two windows, the difference is then one of such months, and never what one person
        said."""
        months = [self.observed.within(month) for month in whole_months(self.window)]
        spoken = [days for days in months if total(days, "rated") >= FEWEST]
        if not spoken:
            some = any(total(days, "rated") for days in months)
            return self._said("satisfaction", "share", FEWEST - 1 if some else 0)
        days = [day for month in spoken for day in month]
        return self._share("satisfaction", total(days, "satisfied"), total(days, "rated"))

    def _of_people(self, key: str, part: int, whole: int) -> Measure:
        """Return a share of sessions, unless so few people came that it is said of them."""
        said = self._share(key, part, whole)
        if said.state == "known" and self._few_came():
            return self._said(key, "share", FEWEST - 1)
        return said

    def _few_came(self) -> bool:
        """Return whether no period of the window is known to have had five people."""
        came = [
            reached.opened
            for reached in self.observed.reach
            if reached.since <= self.window.until and reached.until >= self.window.since
        ]
        return bool(came) and max(came) < FEWEST

    def _recent(self) -> Window:
        recent = self.observed.recent
        if recent is None or recent.since < self.window.since:
            return self.window
        return recent

    def _share(self, key: str, part: int, whole: int, window: Window | None = None) -> Measure:
        said = self._said(key, "share", whole, window)
        if said.state != "known":
            return said
        return msgspec.structs.replace(
            said, value=part / whole, numerator=part, denominator=whole, n=whole
        )

    def _said(self, key: str, unit: Unit, n: int, window: Window | None = None) -> Measure:
        """Return a measure without its value, and whether it can have one."""
        if window is None:
            window = self.window
        state: State = "known"
        if not self.observed.known(window):
            state = "unknown"
        elif n == 0:
            state = "not_applicable"
        elif n < FEWEST:
            state = "few"
        return Measure(
            key=key,
            state=state,
            unit=unit,
            window=window,
            missing=missing_of(self.observed, window),
        )

    def _reach(self, entitled: int | None) -> Measure:
        reached = reach_of(self.observed, self.window)
        if reached is None or entitled is None:
            return msgspec.structs.replace(self._said("reach", "share", 0), state="unknown")
        until = min(reached.until, self.window.until)
        said = self._said("reach", "share", entitled, Window(reached.since, until))
        people = 0 if self._nobody(reached) else rounded(reached.completed)
        if said.state == "known" and people is None:
            said = msgspec.structs.replace(said, state="few")
        if said.state != "known" or people is None:
            return said
        return msgspec.structs.replace(
            said, value=people / entitled, numerator=people, denominator=entitled, n=entitled
        )

    def _nobody(self, reached: ReachTotal) -> bool:
        """Return whether nobody finished anything in a reach period: the counts of things say so
        already, so that this zero hides no small group."""
        days = self.observed.within(Window(reached.since, reached.until))
        return not reached.completed and not total(days, "completes", "effects")

    def _p95(self) -> Measure:
        n = sum(self.observed.latency.values())
        said = self._said("p95", "milliseconds", n, self._recent())
        if said.state != "known":
            return said
        return msgspec.structs.replace(said, value=quantile(self.observed.latency, 0.95), n=n)

    def _cost(self, yearly: int | None) -> Measure:
        completed = total(self.days, "completes") if yearly is not None else 0
        said = self._said("cost", "fen", completed)
        if yearly is None or said.state != "known":
            return said
        spent = round(yearly * self.observed.known(self.window) / YEAR_DAYS)
        return msgspec.structs.replace(
            said, value=spent / completed, numerator=spent, denominator=completed, n=completed
        )
