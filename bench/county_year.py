"""Thirteen months of a county whose truth is known: who needs an app, who is ordered into it, when
it died. Counts follow from what people do; no limit of the policy is known here.

Seeds and parameters that limits were looked at with (`TUNING`) are kept apart from those they
were never looked at with (`HELD_OUT`): scores are quoted of the latter.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Literal, TypeVar

import msgspec
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from bench.county_words import DOMAINS, Words
from core.governance.register import OwnerFacts, RegisterEntry
from core.usage.latency import bucket_of
from core.usage.measures import DayTotals, ExitSeen, Observed, ReachTotal, Window, last_days
from plugin_sdk.manifest_model import Cadence, Exemption, Function, Level, Stage
from plugin_sdk.text import Text

C = TypeVar("C", bound=str)

Days = NDArray[np.int64]
Key = tuple[str, str, str]
"""Kind of finding, app, the other app of a pair."""

RECENT_DAYS = 28
MONTH_CADENCES = ("daily", "weekly", "monthly")


class Parameters(msgspec.Struct, frozen=True, kw_only=True):
    """How a county is: its size, how its apps are mixed, how its people behave."""

    name: str
    apps: int = 500
    organizations: int = 2000
    people: int = 14293
    today: date = date(2026, 11, 26)
    days: int = 396
    mix: dict[str, float] = {}
    noise: float = 0.35  # spread of days around what is usual (log-normal)
    weekend: float = 0.2
    outages: int = 3
    copied: tuple[float, float] = (0.85, 1.0)
    siblings: tuple[float, float] = (0.1, 0.42)
    healthy: tuple[float, float] = (0.25, 0.9)
    niche: tuple[float, float] = (0.13, 0.25)
    low: tuple[float, float] = (0.004, 0.075)
    ordered: tuple[float, float] = (0.86, 1.0)
    register_rate: float = 0.05


MIX = {
    "healthy": 24,
    "niche": 8,
    "busy": 6,
    "board": 5,
    "month_end": 4,
    "patrol": 3,
    "urged": 3,
    "small": 9,
    "small_dead": 2,
    "seasonal": 6,
    "yearly": 5,
    "yearly_low": 2,
    "low": 8,
    "shell": 6,
    "zombie": 6,
    "abandoned": 4,
    "just_died": 2,
    "forced_check": 4,
    "forced_click": 4,
    "forced_burst": 3,
    "new": 4,
    "exempt": 3,
    "linked": 6,
    "linked_dead": 3,
    "arrived": 3,
}
OUTSIDE = 0.12
"""The share of the register that does not stand behind the door."""

TUNING_SEEDS = (11, 12, 13)
TUNING = (Parameters(name="tuning"),)
RETIRED_SEEDS = (701, 702, 703, 704)
"""Held out at first, and then looked at: what they showed led to a change, so they are scored with
no more."""
HELD_OUT_SEEDS = (811, 812, 813, 814)
HELD_OUT = (
    Parameters(name="as tuned"),
    Parameters(
        name="noisy, other mix",
        noise=0.6,
        weekend=0.45,
        outages=6,
        mix={"healthy": 16, "low": 11, "niche": 12, "seasonal": 9, "zombie": 9, "busy": 9},
        healthy=(0.2, 0.8),
        niche=(0.12, 0.3),
        low=(0.01, 0.08),
    ),
    Parameters(
        name="spring, smaller county",
        apps=420,
        people=6200,
        today=date(2026, 5, 12),
        noise=0.45,
        outages=2,
        copied=(0.8, 1.0),
        siblings=(0.05, 0.4),
        low=(0.002, 0.07),
        ordered=(0.82, 0.97),
        register_rate=0.08,
    ),
)


class Behaviour(msgspec.Struct, kw_only=True):
    """What people do with one app, and what happens to it."""

    archetype: str
    entitled: int = 1000
    cadence: Cadence = "monthly"
    level: Level = "native"
    need: float = 0.5  # chance of a person entitled to finish something in a reach period
    acts: float = 2.0  # how much each of them finishes in it
    looks: float = 0.2  # chance of another one to open it all the same
    looked: float = 2.0  # visits without effect of each who opens it in a period
    ordered: float = 0.0  # share of those entitled who are told to open it
    daily: float = 0.0  # chance of one of them to do so on a working day
    burst: float = 1.0  # how much more before the end of a month
    attends: float = 0.0  # share of those visits that check in and do nothing else
    stray: float = 4.0  # visits a month of who looks after it
    season: tuple[float, ...] = (1.0,) * 12
    month_end: float = 1.0  # how much more real work the end of a month brings
    launched: int = -1000  # day of the year in which it went live
    died: int = 10_000
    counted: int = 0  # day since which it stands behind the door
    errors: float = 0.002
    slow_ms: float = 120.0
    fields: float = 2.0  # fields the hub held, for each effect
    typed: float = 0.1
    checks_in: bool = False
    forbidden: tuple[str, ...] = ()
    exemption: Exemption | None = None
    stage: Stage = "active"
    truth: frozenset[str] = frozenset()


class CountyYear(msgspec.Struct, kw_only=True):
    """What is counted of a county, what its register says, and what is true of it."""

    parameters: Parameters
    register: list[RegisterEntry]
    observed: dict[str, Observed]
    truth: set[Key]
    behaviours: dict[str, Behaviour]

    @property
    def today(self) -> date:
        """Return the day on which it is looked at."""
        return self.parameters.today


def county_year(seed: int, parameters: Parameters) -> CountyYear:
    """Return the year of a county; the same of the same seed and parameters."""
    return _Drawing(np.random.default_rng([seed, len(parameters.name)]), parameters).all()


class _Drawing:
    def __init__(self, rng: Generator, parameters: Parameters) -> None:
        self.rng = rng
        self.parameters = parameters
        self.words = Words(rng)
        self.until = parameters.today - timedelta(days=1)
        self.dates = [
            self.until - timedelta(days=back) for back in range(parameters.days - 1, -1, -1)
        ]
        self.unknown = self._outages()
        self.usual = self._usual()
        self.truth: set[Key] = set()

    def between(self, low: float, high: float) -> float:
        return float(self.rng.uniform(low, high))

    def whole(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high + 1))

    def one_of(self, choices: Sequence[C]) -> C:
        chosen: C = str(self.rng.choice(list(choices)))  # type: ignore[assignment]  # one of them
        return chosen

    # --- the county -------------------------------------------------------------------

    def all(self) -> CountyYear:
        mix = {**MIX, **self.parameters.mix}
        names = sorted(mix)
        chances = np.array([mix[name] for name in names], dtype=float)
        drawn = self.rng.choice(len(names), size=self.parameters.apps, p=chances / chances.sum())
        register: list[RegisterEntry] = []
        observed: dict[str, Observed] = {}
        behaviours: dict[str, Behaviour] = {}
        for number in range(self.parameters.apps):
            behaviour = self.behaviour(names[drawn[number]])
            app = f"app-{number:03}"
            outside = behaviour.stage == "active" and self.rng.random() < OUTSIDE
            entry = self.entry(app, behaviour, behind=not outside)
            register.append(entry)
            behaviours[app] = behaviour
            if not outside:
                observed[app] = self.observe(app, behaviour)
                self.truth |= {(kind, app, "") for kind in behaviour.truth}
        register = self._inventories(register)
        register = self._forms(register)
        register = self._caps(register)
        self._exits(register, observed)
        return CountyYear(
            parameters=self.parameters,
            register=register,
            observed=observed,
            truth=self.truth,
            behaviours=behaviours,
        )

    def _outages(self) -> frozenset[date]:
        lost: set[date] = set()
        for _ in range(self.parameters.outages):
            first = self.whole(0, self.parameters.days - 7)
            lost.update(self.dates[first : first + self.whole(1, 4)])
        return frozenset(lost)

    def _usual(self) -> NDArray[np.float64]:
        usual = np.array(
            [1.0 if day.weekday() < 5 else self.parameters.weekend for day in self.dates]
        )
        for at, day in enumerate(self.dates):  # the two long holidays
            if (day.month == 10 and day.day <= 7) or (day.month == 2 and 15 <= day.day <= 22):
                usual[at] *= 0.15
        return usual

    # --- one app ----------------------------------------------------------------------

    def behaviour(self, archetype: str) -> Behaviour:
        p = self.parameters
        low, high = np.log(120), np.log(p.people)
        base = Behaviour(
            archetype=archetype,
            entitled=int(np.exp(self.between(low, high))),
            cadence=self.one_of(("daily", "weekly", "monthly", "quarterly")),
            need=self.between(*p.healthy),
            acts=self.between(1.0, 4.0),
            looks=self.between(0.05, 0.3),
            looked=self.between(0.5, 3.0),
            stray=self.between(0.5, 8.0),
            errors=self.between(0.0005, 0.02),
            slow_ms=self.between(40, 400),
            typed=self.between(0.0, 0.3),
        )
        getattr(self, f"_{archetype}")(base)
        if base.stage == "active" and base.died > p.days and base.level == "native":
            self._trouble(base)
        return base

    def _trouble(self, b: Behaviour) -> None:
        """Some work badly, or ask for what the hub holds; some nearly do."""
        roll = self.rng.random()
        busy = b.need * b.entitled * b.acts > 200 and b.archetype in ("healthy", "busy", "niche")
        if not busy:
            return
        if roll < 0.06:
            b.errors = self.between(0.06, 0.3)
            b.truth |= {"failing"}
        elif roll < 0.12:
            b.slow_ms = self.between(2500, 6000)
            b.truth |= {"failing"}
        elif roll < 0.2:
            b.errors, b.slow_ms = self.between(0.025, 0.042), self.between(500, 950)
        elif roll < 0.28:
            b.fields, b.typed = self.between(3, 8), self.between(0.56, 0.95)
            b.truth |= {"burden"}
        elif roll < 0.36:
            b.fields, b.typed = self.between(3, 8), self.between(0.3, 0.44)

    def _healthy(self, b: Behaviour) -> None:
        pass

    def _niche(self, b: Behaviour) -> None:
        b.need = self.between(*self.parameters.niche)

    def _busy(self, b: Behaviour) -> None:
        """Nearly all use it, since they work with it."""
        b.cadence = "daily"
        b.need, b.acts, b.looks = self.between(0.8, 0.98), self.between(6, 25), 0.9
        b.looked = self.between(2, 8)

    def _board(self, b: Behaviour) -> None:
        """Read by many of their own will, acted on by some."""
        b.need, b.acts = self.between(0.18, 0.35), self.between(1.0, 1.5)
        b.looks, b.looked = self.between(0.3, 0.5), self.between(3, 6)

    def _month_end(self, b: Behaviour) -> None:
        """Reports that are due when the month ends: a burst of work."""
        b.cadence, b.month_end = "monthly", self.between(4, 10)
        b.need, b.acts, b.looked = self.between(0.6, 0.95), self.between(1.5, 4), 0.4

    def _patrol(self, b: Behaviour) -> None:
        """A check-in where the work begins, and then the work."""
        b.checks_in, b.cadence = True, "daily"
        b.need, b.acts = self.between(0.5, 0.9), self.between(8, 20)
        b.ordered, b.daily, b.attends = self.between(0.2, 0.4), self.between(0.05, 0.1), 0.5

    def _urged(self, b: Behaviour) -> None:
        """Some are told to open it, and most of what is done in it is real work."""
        b.need, b.acts, b.looked = self.between(0.3, 0.7), self.between(3, 8), 0.5
        b.ordered, b.daily = self.between(0.2, 0.5), self.between(0.03, 0.1)
        b.burst = self.between(1.0, 3.0)

    def _small(self, b: Behaviour) -> None:
        b.entitled = self.whole(6, 45)
        b.need = self.between(0.0, 0.9)
        b.stray = self.between(6, 12)

    def _small_dead(self, b: Behaviour) -> None:
        """Nobody of a few, and nobody looks after it."""
        b.entitled = self.whole(6, 45)
        b.need, b.looks, b.stray = 0.0, 0.0, 0.0
        b.truth = frozenset({"zombie"})

    def _seasonal(self, b: Behaviour) -> None:
        """Asleep for months, as last year at this time."""
        first, length = self.whole(0, 11), self.whole(3, 6)
        inside = {(first + month) % 12 for month in range(length)}
        b.season = tuple(1.0 if month in inside else 0.0 for month in range(12))
        b.cadence = self.one_of(("weekly", "monthly"))
        b.need = self.between(0.35, 0.9)

    def _yearly(self, b: Behaviour) -> None:
        b.cadence = "yearly"
        peak = self.whole(0, 11)
        b.season = tuple(1.0 if month in (peak, (peak + 1) % 12) else 0.02 for month in range(12))
        b.need, b.acts = self.between(0.3, 0.9), self.between(1.0, 1.4)

    def _yearly_low(self, b: Behaviour) -> None:
        self._yearly(b)
        b.need, b.looks = self.between(0.008, 0.035), self.between(0.0, 0.03)
        b.entitled = max(b.entitled, 800)
        b.truth = frozenset({"low_use"})

    def _low(self, b: Behaviour) -> None:
        b.need = self.between(*self.parameters.low)
        b.looks = self.between(0.0, 0.03)
        b.entitled = max(b.entitled, 500)
        b.truth = frozenset({"low_use"})

    def _shell(self, b: Behaviour) -> None:
        """There is something to look at, and nothing to do."""
        b.entitled = max(b.entitled, 600)
        b.need = self.between(0.0, 0.002)
        b.looks, b.looked = self.between(0.15, 0.5), self.between(1.5, 4)
        b.truth = frozenset({"empty_shell", "low_use"})

    def _zombie(self, b: Behaviour) -> None:
        b.need, b.looks, b.stray = 0.0, 0.0, self.between(0, 20)
        b.truth = frozenset({"zombie", "low_use"})

    def _abandoned(self, b: Behaviour) -> None:
        """Used, and then left by everybody, for longer than the season explains."""
        b.cadence = self.one_of(("daily", "weekly", "monthly"))
        b.entitled = max(b.entitled, 400)
        back = self.whole(215, 330) if b.cadence == "monthly" else self.whole(130, 330)
        b.died = self.parameters.days - back
        b.stray = self.between(0, 10)
        b.truth = frozenset({"zombie", "low_use"})

    def _just_died(self, b: Behaviour) -> None:
        """Left lately: not yet for a whole cadence."""
        b.cadence = self.one_of(("daily", "weekly", "monthly"))
        b.need = self.between(0.5, 0.9)
        b.died = self.parameters.days - self.whole(3, 25)

    def _order(self, b: Behaviour) -> None:
        b.cadence = self.one_of(("daily", "weekly", "monthly"))
        b.entitled = max(b.entitled, 300)
        b.ordered = self.between(*self.parameters.ordered)
        b.daily = self.between(0.25, 0.9)
        b.need, b.acts = self.between(0.0, 0.05), self.between(1.0, 2.0)
        b.truth = frozenset({"forced_use", "low_use"})

    def _forced_check(self, b: Behaviour) -> None:
        self._order(b)
        b.attends = self.between(0.4, 0.95)
        b.checks_in = self.rng.random() < 0.5

    def _forced_click(self, b: Behaviour) -> None:
        self._order(b)

    def _forced_burst(self, b: Behaviour) -> None:
        """People have real work in it, and open it before the ranking besides."""
        self._order(b)
        b.need, b.acts = self.between(0.2, 0.5), self.between(1.0, 2.0)
        b.daily, b.burst = self.between(0.05, 0.15), self.between(4, 9)
        b.truth = frozenset({"forced_use"})

    def _new(self, b: Behaviour) -> None:
        b.launched = self.parameters.days - self.whole(5, 85)
        b.need = self.between(0.0, 0.3)

    def _exempt(self, b: Behaviour) -> None:
        """For emergencies: hardly used, and meant to be; some have let their exemption end."""
        b.need, b.looks, b.stray = self.between(0.0, 0.01), 0.01, self.between(0, 5)
        b.entitled = max(b.entitled, 1500)
        over = self.rng.random() < 0.4
        days = self.whole(-200, -1) if over else self.whole(0, 400)
        b.exemption = Exemption(
            kind="emergency", basis="应急预案", expires=self.parameters.today + timedelta(days)
        )
        if over:
            b.need = self.between(0.004, 0.01)
            b.truth = frozenset({"exemption_expired", "low_use"})

    def _linked(self, b: Behaviour) -> None:
        """Of an app elsewhere only the launches are seen."""
        b.level = "linked"
        b.looks = self.between(0.3, 0.6)

    def _linked_dead(self, b: Behaviour) -> None:
        b.level = "linked"
        b.need, b.looks, b.stray = 0.0, 0.0, self.between(0, 12)
        b.truth = frozenset({"zombie", "low_use"})

    def _arrived(self, b: Behaviour) -> None:
        """An old app that came behind the door lately: what it was before is unknown."""
        b.counted = self.parameters.days - self.whole(10, 70)
        b.need = self.between(0.0, 0.5)

    # --- what is counted --------------------------------------------------------------

    def observe(self, app: str, b: Behaviour) -> Observed:
        n = self.parameters.days
        alive = np.zeros(n)
        alive[max(0, b.launched, b.counted) : min(n, b.died)] = 1.0
        season = np.array([b.season[day.month - 1] for day in self.dates])
        ending = np.array([_days_left(day) < 3 for day in self.dates])
        noise = self.rng.lognormal(0, self.parameters.noise, n)
        work = self.usual * noise * np.where(ending, b.month_end, 1.0) * alive
        reach: list[ReachTotal] = []
        effects = np.zeros(n, dtype=np.int64)
        browsed = np.zeros(n, dtype=np.int64)
        chance = b.daily * np.where(ending, b.burst, 1.0) * self.usual * alive * season
        chance = np.minimum(chance, 0.97)
        for name, first, last, share in self.periods(b.cadence):
            days = slice(first, last + 1)
            lived = (
                float((alive[days] * season[days]).mean())
                if b.cadence != "yearly"
                else float(alive[days].mean())
                * float(season[days].sum())
                / max(1e-9, sum(b.season) * 30.4)
            )
            part = min(1.0, share * lived) if b.cadence != "yearly" else min(1.0, lived)
            finishing = self.rng.binomial(b.entitled, 1 - (1 - b.need) ** part)
            opening = self.rng.binomial(b.entitled - finishing, 1 - (1 - b.looks) ** part)
            told = round(b.ordered * b.entitled)
            came = told * (1 - float(np.prod(1 - chance[days])))
            opened = min(b.entitled, max(finishing + opening, round(came) + finishing // 10))
            acts = finishing + self.rng.poisson(finishing * max(0.0, b.acts - 1))
            effects[days] += self.spread(acts, (work * season)[days])
            looks = self.rng.poisson((finishing + opening) * b.looked)
            browsed[days] += self.spread(looks, (work * season)[days])
            if last >= max(b.launched, b.counted):
                since, until = self.dates[first], self.dates[last]
                since, until = self.whole_period(b.cadence, since, until)
                reach.append(ReachTotal(name, since, until, opened, finishing))
        told = round(b.ordered * b.entitled)
        ordered = self.rng.binomial(told, chance)
        going = np.zeros(n)
        going[max(0, b.launched, b.counted) :] = 1.0
        stray = self.rng.poisson(b.stray / 30 * going)
        fruitful = np.ceil(effects / max(1.0, min(b.acts, 3.0))).astype(np.int64)
        attending = self.rng.binomial(ordered, b.attends)
        sessions = fruitful + browsed + ordered + stray
        return self.totals(app, b, effects, sessions, fruitful, attending, reach)

    def totals(
        self,
        app: str,
        b: Behaviour,
        effects: Days,
        sessions: Days,
        fruitful: Days,
        attending: Days,
        reach: list[ReachTotal],
    ) -> Observed:
        rng = self.rng
        native = b.level == "native"
        opens = sessions + rng.poisson(sessions * 0.1)
        zero = np.zeros_like(sessions)
        starts = effects + rng.binomial(sessions, 0.05)
        answered = sessions * 5 + rng.poisson(effects * 4)
        failed = rng.binomial(answered, b.errors)
        timed = rng.binomial(effects, 0.6)
        rated = rng.binomial(effects, 0.2)
        zeros = (zero,) * 14
        columns: tuple[NDArray[Any], ...] = (opens, *zeros)
        if native:
            timely, satisfied = rng.binomial(timed, 0.9), rng.binomial(rated, 0.85)
            requests = (answered - failed, answered // 50, failed)
            qualities = (timed, timely, rated, satisfied, rng.binomial(effects, 0.1))
            columns = (opens, starts, effects, effects, *requests)
            columns = (*columns, sessions, fruitful, attending, *qualities)
        counted = self.dates[max(0, b.launched, b.counted)]
        days = tuple(
            DayTotals(day, *(int(value) for value in values))
            for day, *values in zip(self.dates, *columns, strict=True)
            if day not in self.unknown and day >= counted and any(values)
        )
        if not native:
            reach = [ReachTotal(r.period, r.since, r.until, r.opened, 0) for r in reach]
        recent = last_days(self.until, RECENT_DAYS)
        lately = sum(totals.effects for totals in days if totals.day in recent)
        fields = int(rng.poisson(lately * b.fields)) if native else 0
        asked = int(rng.binomial(fields, b.typed))
        answers = sum(totals.answered for totals in days if totals.day in recent)
        return Observed(
            app=app,
            counted_since=counted,
            days=days,
            unknown_days=self.unknown,
            reach=tuple(reach),
            latency=self.latency(answers, b.slow_ms),
            asked=asked,
            spared=fields - asked,
            recent=recent,
        )

    def latency(self, answers: int, median: float) -> dict[int, int]:
        """Return the histogram of answers, of which a sample is drawn."""
        if not answers:
            return {}
        sample = min(answers, 2000)
        found: dict[int, int] = {}
        for ms in self.rng.lognormal(np.log(median), 0.6, sample):
            bucket = bucket_of(float(ms) / 1000)
            found[bucket] = found.get(bucket, 0) + 1
        return {bucket: count * answers // sample for bucket, count in found.items()}

    def spread(self, count: int, weights: NDArray[np.float64]) -> Days:
        whole = weights.sum()
        if not count or whole <= 0:
            return np.zeros(len(weights), dtype=np.int64)
        return np.asarray(self.rng.multinomial(count, weights / whole), dtype=np.int64)

    def periods(self, cadence: str) -> list[tuple[str, int, int, float]]:
        """Return the reach periods: name, first and last day, and how much of each is seen."""
        found: dict[str, list[int]] = {}
        for at, day in enumerate(self.dates):
            found.setdefault(period_name(cadence, day), []).append(at)
        whole = {"quarterly": 91, "yearly": 365}.get(cadence, 30)
        return [
            (name, days[0], days[-1], min(1.0, len(days) / whole)) for name, days in found.items()
        ]

    def whole_period(self, cadence: str, since: date, until: date) -> tuple[date, date]:
        """Return the first and the last day of the period that two days lie in."""
        name = period_name(cadence, since)
        while period_name(cadence, since - timedelta(1)) == name:
            since -= timedelta(1)
        while period_name(cadence, until + timedelta(1)) == name:
            until += timedelta(1)
        return since, until

    # --- what the register says -------------------------------------------------------

    def entry(self, app: str, b: Behaviour, *, behind: bool) -> RegisterEntry:
        p, rng = self.parameters, self.rng
        truth = self.truth
        domain = self.one_of(sorted(DOMAINS))
        since = self.dates[0] - timedelta(days=self.whole(30, 900))
        if b.launched > 0:
            since = self.dates[b.launched]
        owner = OwnerFacts(f"U{self.whole(1, 60):02}", "部门", "county", True, "C01")
        if rng.random() < p.register_rate:
            level = self.one_of(("township", "village"))
            owner = OwnerFacts(f"T{self.whole(1, 12):02}", "单位", level, level == "township", "T")
            truth.add(("owner_below_county", app, ""))
        elif rng.random() < 0.3:
            owner = OwnerFacts(f"M{self.whole(1, 40):02}", "市级部门", "city", True, "M00")
        filing: str | None = f"BA-{app}"
        if rng.random() < p.register_rate:
            filing = None
            truth.add(("unfiled", app, ""))
        complaints: str | None = "/feedback" if behind and b.level != "linked" else "12345"
        if complaints == "12345" and rng.random() < p.register_rate * 4:
            complaints = None
            truth.add(("no_complaint_channel", app, ""))
        forbidden: tuple[str, ...] = ()
        if rng.random() < p.register_rate / 3 and "forced_use" not in b.truth:
            forbidden = (self.one_of(("leaderboard", "duration", "likes", "photo-demands")),)
            b.truth |= {"forced_use"}
            truth.add(("forced_use", app, ""))
        own = not behind and rng.random() < 0.5
        if own:
            truth.add(("door_behind_door", app, ""))
        if not behind and b.exemption is not None and "exemption_expired" in b.truth:
            truth.add(("exemption_expired", app, ""))
        return RegisterEntry(
            app=app,
            names=Text(f"{domain}{app[-3:]}", app),
            owner=owner,
            stage=b.stage,
            since=since,
            level=b.level if behind else "proxied",
            behind_door=behind,
            filing_number=filing,
            complaints=complaints,
            functions=functions(self.words.inventory(domain)),
            fields=frozenset(
                str(name) for name in rng.choice(FIELDS, size=self.whole(1, 4), replace=False)
            ),
            forbidden=forbidden,
            checks_in=b.checks_in,
            required_of=frozenset(),
            cadence=b.cadence,
            entitled=b.entitled,
            exemption=b.exemption,
            own_sign_in=own,
            yearly_cost=self.whole(1, 40) * 1_000_000 if rng.random() < 0.5 else None,
            finishes=behind and b.level == "native",
            hosts=frozenset({f"{app}.gov.example"}),
        )

    def _inventories(self, register: list[RegisterEntry]) -> list[RegisterEntry]:
        """Let some apps do what another does, and some a little of it."""
        order = list(self.rng.permutation(len(register)))
        for pairs, share, same in (
            (len(register) // 16, self.parameters.copied, True),
            (len(register) // 12, self.parameters.siblings, False),
        ):
            for _ in range(pairs):
                first, second = register[order.pop()], register[order.pop()]
                domain = first.names.zh[:2]
                names = [function.name.zh for function in first.functions]
                copied = self.words.copied(names, self.between(*share), domain)
                at = register.index(second)
                second = register[at] = msgspec.structs.replace(
                    second, functions=functions(copied), names=Text(f"{domain}{at}", second.app)
                )
                if same:
                    self.truth |= {
                        ("duplicate", first.app, second.app),
                        ("duplicate", second.app, first.app),
                    }
        return register

    def _forms(self, register: list[RegisterEntry]) -> list[RegisterEntry]:
        """Let some apps ask villages for the same form, others for forms that only touch."""
        order = list(self.rng.permutation(len(register)))
        pairs = [(True, 6)] * (len(register) // 40) + [(False, 6)] * (len(register) // 40)
        for same, size in pairs:
            form = [str(name) for name in self.rng.choice(FIELDS, size=size, replace=False)]
            rest = [name for name in FIELDS if name not in form]
            other = form if same else form[:3] + rest[:3]
            # each pair asks a kind of its own, so that only the two are told of one form
            kind = f"team_{len(order)}"
            apps = []
            for fields in (form, other):
                at = int(order.pop())
                register[at] = msgspec.structs.replace(
                    register[at], fields=frozenset(fields), required_of=frozenset({kind})
                )
                apps.append(register[at].app)
            if same:
                one, two = apps
                self.truth |= {("burden", one, two), ("burden", two, one)}
        return register

    def _caps(self, register: list[RegisterEntry]) -> list[RegisterEntry]:
        """Let some city departments require one system of villages, and some several."""
        asking = {"village"}
        for number, entry in enumerate(register):
            if entry.owner.level == "city" and not entry.required_of and self.rng.random() < 0.2:
                register[number] = msgspec.structs.replace(entry, required_of=frozenset(asking))
        required: dict[str, list[str]] = {}
        for entry in register:
            if entry.owner.level == "city" and entry.required_of & asking:
                required.setdefault(entry.owner.code, []).append(entry.app)
        for apps in required.values():
            if len(apps) > 1:
                self.truth |= {("beyond_cap", app, "") for app in apps}
        return register

    def _exits(self, register: list[RegisterEntry], observed: dict[str, Observed]) -> None:
        """Let some apps lead people to another sign-in, some to their own site or by chance."""
        for entry in register:
            seen = observed.get(entry.app)
            if seen is None or (roll := self.rng.random()) > 0.2:
                continue
            host, count = f"sso{self.whole(1, 9)}.example", self.whole(60, 4000)
            if roll < 0.06:
                self.truth.add(("door_behind_door", entry.app, ""))
            elif roll < 0.12:
                host = f"{entry.app}.gov.example"
            else:
                count = self.whole(1, 8)
            kind: Literal["redirect", "link"]
            kind = "redirect" if self.rng.random() < 0.5 else "link"
            observed[entry.app] = msgspec.structs.replace(
                seen,
                exits=(ExitSeen("/", host, kind, count),),
            )


FIELDS = (
    "person.name",
    "person.phone",
    "person.identity-number",
    "person.address",
    "unit.name",
    "unit.code",
    "enterprise.name",
    "enterprise.code",
    "place.region",
    "place.village-code",
    "health",
    "photo",
    "location",
    "financial",
)


def functions(names: Sequence[str]) -> tuple[Function, ...]:
    """Return an inventory as manifests have it."""
    return tuple(
        Function(name=Text(name, name), old=name, route=f"POST /f{number}")
        for number, name in enumerate(names)
    )


def period_name(cadence: str, day: date) -> str:
    """Return the reach period of a day."""
    if cadence == "yearly":
        return f"{day:%Y}"
    if cadence == "quarterly":
        return f"{day:%Y}-Q{(day.month + 2) // 3}"
    return f"{day:%Y-%m}"


def _days_left(day: date) -> int:
    month_end = (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    return (month_end - day).days


__all__ = ["HELD_OUT", "HELD_OUT_SEEDS", "TUNING", "TUNING_SEEDS", "Window", "county_year"]
