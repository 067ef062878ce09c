"""One app as a rule looks at it: what is known of it, over which days, and whether it may be
judged by its use at all (design §7, fairness).

What is unknown is never zero: a rule of use says nothing of days that were not counted.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from functools import cached_property

from msgspec.structs import replace

from core.governance.policy import Policy
from core.governance.register import RegisterEntry
from core.usage.measures import (
    DayTotals,
    Observed,
    ReachTotal,
    Window,
    last_days,
    total,
)
from plugin_sdk.manifest_model import Exemption, Stage

BLOCK_DAYS = 30
YEAR_DAYS = 365
NEW: frozenset[Stage] = frozenset({"trial", "active"})
JUDGED: frozenset[Stage] = NEW | {"watch", "review", "keep", "improve", "merge", "retire"}
OVER: frozenset[Stage] = frozenset({"sunset", "closed", "archived", "purged"})


class Case:
    """An app before the rules. `today` is not over: windows end with the day before."""

    def __init__(
        self, policy: Policy, entry: RegisterEntry, observed: Observed | None, today: date
    ) -> None:
        self.policy = policy
        self.entry = entry
        self.today = today
        self.observed = _since_live(entry, observed or Observed(app=entry.app, counted_since=None))
        until = today - timedelta(days=1)
        self.window = last_days(until, policy.windows.of(entry.cadence))
        self.year = last_days(until, policy.windows.longest)

    @cached_property
    def exemptions(self) -> tuple[Exemption, ...]:
        """Return the exemptions of the app, in force or over."""
        return self.policy.exemptions_of(self.entry.app, self.entry.exemption)

    @property
    def exempt(self) -> bool:
        """Return whether rules of use leave the app alone today. What ends too far ahead never
        ends, and exempts nobody."""
        longest = self.policy.fairness.exempt_days
        return any(0 <= (one.expires - self.today).days <= longest for one in self.exemptions)

    @property
    def over(self) -> bool:
        """Return whether the app has been decided upon and is closing or closed."""
        return self.entry.stage in OVER

    @property
    def new(self) -> bool:
        """Return whether the app is within its grace."""
        age = (self.today - self.entry.since).days
        return self.entry.stage in NEW and age < self.policy.fairness.grace_days

    @cached_property
    def small(self) -> bool:
        """Return whether so few are entitled that no rate is judged. An app that more people
        open than it says are entitled has more of them."""
        entitled = self.entry.entitled
        least = self.policy.fairness.small_population
        came = max((reached.opened for reached in self.observed.reach), default=0)
        return entitled is not None and max(entitled, came) < least

    @cached_property
    def judged(self) -> bool:
        """Return whether the app may be judged by its use: it is neither exempt nor new, and of a
        whole cadence enough is known."""
        return (
            self.entry.stage in JUDGED
            and not self.exempt
            and not self.new
            and self.knows(self.window)
        )

    def knows(self, window: Window) -> bool:
        """Return whether enough of a window was counted to say something."""
        unknown = self.observed.unknown(window)
        return unknown <= self.policy.fairness.unknown_share * window.days

    @cached_property
    def days(self) -> list[DayTotals]:
        """Return the counts of the days judged."""
        return self.observed.within(self.window)

    def monthly_visits(self, window: Window) -> float:
        """Return how many visits there were in thirty days of a window, unknown days left out."""
        known = self.observed.known(window)
        return visits(self.observed.within(window)) * BLOCK_DAYS / known if known else 0.0

    @cached_property
    def people(self) -> tuple[float, float] | None:
        """Return which shares of those entitled opened it and finished something in a reach
        period of the window: the mean of the periods that were counted whole. None where that
        is unknown or of too few.

        What is needed once a year is not cut by the turn of the year: of the periods that the
        window touches, all are added up, in the app's favour.
        """
        entitled = self.entry.entitled
        if entitled is None or self.small:
            return None
        if self.entry.cadence == "yearly":
            touched = [
                reached
                for reached in self.observed.reach
                if reached.since <= self.window.until and reached.until >= self.window.since
            ]
            return _share(touched, entitled, 1) if touched else None
        whole = self.whole_periods(self.window)
        return _share(whole, entitled, len(whole)) if whole else None

    def whole_periods(self, window: Window) -> list[ReachTotal]:
        """Return the reach of the periods that lie in a window and were counted."""
        return [
            reached
            for reached in self.observed.reach
            if reached.since >= window.since
            and reached.until <= window.until
            and self.knows(Window(reached.since, reached.until))
        ]

    def last_year(self, *kinds: str) -> tuple[float, float] | None:
        """Return how much there was of some kinds of counts (none named: visits) on a known day
        of the last thirty, and of the same days a year before; None where less than half of
        either is known."""
        found = []
        now = last_days(self.window.until, BLOCK_DAYS)
        for window in (now, now.earlier(YEAR_DAYS)):
            known = self.observed.known(window)
            if known * 2 < window.days:
                return None
            days = self.observed.within(window)
            found.append((total(days, *kinds) if kinds else visits(days)) / known)
        return found[0], found[1]


def visits(days: Sequence[DayTotals]) -> int:
    """Return how often an app was opened: launches, or sessions where those are counted."""
    return sum(max(totals.opens, totals.sessions) for totals in days)


def finished(days: Sequence[DayTotals]) -> int:
    """Return how many business objects were finished."""
    return total(days, "effects")


def _share(reached: Sequence[ReachTotal], entitled: int, periods: int) -> tuple[float, float]:
    opened = sum(one.opened for one in reached) / periods / entitled
    completed = sum(one.completed for one in reached) / periods / entitled
    return min(1.0, opened), min(1.0, completed)


def _since_live(entry: RegisterEntry, observed: Observed) -> Observed:
    """Return what was observed with the days before an app went live as unknown, not as empty."""
    since = observed.counted_since
    if since is None or entry.stage not in NEW or entry.since <= since:
        return observed
    return replace(observed, counted_since=entry.since)
