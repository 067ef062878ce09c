"""Reach: how near merged sketches come to the truth, and what it costs to count people."""

import random
import statistics
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import msgspec

from bench.site import spread
from core.database import utc_now
from core.usage import sketches
from core.usage.capture import Usage
from core.usage.periods import period_of
from core.usage.pseudonyms import PeriodKey
from core.usage.reach import EVERYWHERE, people_of
from core.usage.suppression import published
from core.usage.visits import Visits
from plugin_sdk.deadlines import local_day
from plugin_sdk.manifest import Usage as Rules
from plugin_sdk.ports import Actor

WITHIN = 0.02


class Merges(msgspec.Struct, frozen=True):
    """Errors of merged sketches, as shares of the true number, and the largest in bytes."""

    errors: list[float]
    largest: int


def merges(times: int, *, seed: int) -> Merges:
    """Merge the sketches of organizations whose people overlap, so many times."""
    errors, largest = [], 0
    for number in range(times):
        draw = random.Random(seed + number)
        everybody = [draw.getrandbits(63) for _ in range(draw.randint(500, 30_000))]
        parts = []
        for _ in range(draw.randint(2, 40)):
            start = draw.randrange(len(everybody))
            parts.append((start, min(len(everybody), start + draw.randint(1, len(everybody) // 2))))
        true = len({n for start, end in parts for n in range(start, end)})
        merged = sketches.merged(sketches.merged([], everybody[a:b]) for a, b in parts)
        errors.append(sketches.people_in(merged) / true - 1)
        largest = max(largest, len(merged))
    return Merges(errors, largest)


def counting(rounds: int) -> list[float]:
    """Return µs of CPU to count one person who opens an app: session, pseudonym and all."""
    rules = Rules(effects=(), cadence="monthly", entitled="all_residents")
    standing: Any = SimpleNamespace(clock=utc_now)
    sink: Any = None
    visits = Visits(standing, Usage(sink, "bench"), b"of the bench")
    now = utc_now()
    visits.pseudonyms._keys["app"] = PeriodKey(period_of("monthly", local_day(now)), b"k" * 32)
    people = [Actor(person_id=uuid4(), session_id="s", signed_in_at=now) for _ in range(1_000)]

    def open_all() -> None:
        for who in people:
            visits.opened("app", rules, who, "web")

    return timed(open_all, rounds, len(people))


def merging(rounds: int) -> list[float]:
    """Return µs of CPU to merge one person of a batch into a sketch of many."""
    draw = random.Random(4)
    many = sketches.merged([], [draw.getrandbits(63) for _ in range(10_000)])
    return timed(
        lambda: sketches.people_in(sketches.merged([many], [draw.getrandbits(63)])), rounds
    )


def publishing(rounds: int) -> list[float]:
    """Return µs of CPU to publish a period of one app in 2,000 villages of 50 towns."""
    draw = random.Random(4)
    above: dict[str, str | None] = {EVERYWHERE: None, "county": EVERYWHERE}
    above |= {f"town{n}": "county" for n in range(50)}
    above |= {f"village{n}": f"town{n % 50}" for n in range(2_000)}
    people = {
        place: sketches.merged([], [draw.getrandbits(63) for _ in range(draw.randint(1, 40))])
        for place in above
    }
    return timed(lambda: published(people_of(people, above), above), rounds)


def timed(call: Callable[[], Any], rounds: int, each: int = 1) -> list[float]:
    """Return µs of CPU for each of what a call does, round by round, after a warm-up."""
    found = []
    for _ in range(rounds + 1):
        began = time.process_time()
        call()
        found.append((time.process_time() - began) / each * 1e6)
    return found[1:]


def run(site: Any, report: Any, *, quick: bool) -> None:
    """Measure and report."""
    found = merges(50 if quick else 1_000, seed=20_261_126)
    close = sum(abs(error) <= WITHIN for error in found.errors)
    report.table(
        "reach",
        "Merged sketches (aim: 95 % within 2 %)",
        ("merges", "within 2 %", "95 of 100 within", "mean error", "largest, bytes"),
        [
            [
                f"{len(found.errors):,}",
                f"{close / len(found.errors):.1%}",
                f"{sorted(map(abs, found.errors))[int(0.95 * len(found.errors))]:.2%}",
                f"{statistics.fmean(found.errors):+.3%}",
                f"{found.largest:,}",
            ]
        ],
    )
    rounds = 3 if quick else 9
    report.table(
        "reach-costs",
        "What people cost",
        ("", "CPU µs"),
        [
            ["somebody opens an app, on the path of the request", spread(counting(rounds))],
            ["one person into a sketch of 10,000, by the relay", spread(merging(rounds), "{:.0f}")],
            ["a period of 2,051 places published", spread(publishing(rounds), "{:,.0f}")],
        ],
    )
