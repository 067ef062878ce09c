"""Two years of invented use behind `register.toml`, so that findings have their evidence.

Every run makes the same history, counted back from the day on which it is loaded. It is written
into the tables of usage as batches would have left it, once.
"""

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import insert, select
from sqlmodel import col

from core.database import Transaction
from core.usage.latency import bucket_of
from core.usage.models import (
    KINDS,
    UsageCell,
    UsageDay,
    UsageElement,
    UsageExit,
    UsageGap,
    UsageLatency,
    UsageReach,
)
from core.usage.periods import period_of
from core.usage.reach import COMPLETED, EVERYWHERE, OPENED
from core.usage.sketches import merged, people_in
from plugin_sdk.times import SHANGHAI

DAYS = 760
ROWS_AT_ONCE = 500
OUTAGE = 97  # so many days ago the machine stood still for a day: nobody knows what happened


class Habit(msgspec.Struct, frozen=True, kw_only=True):
    """What a usual working day of an app looks like. Shares are of the count before: starts of
    opens, completions of starts, failures of answers, fruitful and attending of sessions."""

    app: str
    opens: float
    starts: float = 0.5
    completes: float = 0.8
    failing: float = 0.003
    seconds: float = 0.12
    sessions: float = 0.9
    fruitful: float = 0.5
    attending: float = 0.0
    season: float = 0.2
    weekend: float = 0.4
    rush: float = 1.0
    openers: int = 0
    completers: int = 0
    asked: float = 0.0
    spared: float = 0.0
    exits: float = 0.0
    place: str = ""


HABITS = (
    Habit(app="demo-bill-payment", opens=9, starts=0.5, completes=0.7, openers=420, completers=160),
    Habit(
        app="demo-smart-community",
        opens=160,
        starts=0.0,
        fruitful=0.0,
        openers=5200,
    ),
    Habit(app="demo-farming-advice", opens=0.4, starts=0),
    Habit(app="demo-public-voice", opens=70, openers=9000, completers=6400),
    Habit(
        app="demo-staff-attendance",
        opens=2300,
        starts=0.01,
        completes=0.5,
        fruitful=0.004,
        attending=0.93,
        weekend=0.7,
        season=0.0,
        rush=3.0,
        openers=1380,
        completers=40,
    ),
    Habit(
        app="demo-report-forms",
        opens=120,
        starts=0.8,
        openers=860,
        completers=810,
        asked=260,
        spared=15,
        weekend=0.1,
    ),
    Habit(app="demo-farm-funds", opens=60, openers=24000, completers=21000, exits=0.9),
    Habit(app="demo-move-car", opens=90, openers=19000, completers=17000, fruitful=0.8),
    Habit(app="demo-town-services", opens=25, openers=7000, completers=6100, fruitful=0.8),
    Habit(app="demo-flood-watch", opens=14, openers=420, completers=400, season=0.9),
    Habit(
        app="demo-rented-homes",
        opens=40,
        openers=2600,
        completers=1500,
        failing=0.18,
        seconds=4.5,
    ),
    Habit(app="demo-school-meals", opens=220, openers=21000, completers=14000, fruitful=0.7),
    Habit(app="demo-village-ledger", opens=42, openers=440, completers=430, fruitful=0.8),
    Habit(app="demo-village-photos", opens=38, openers=430, completers=420, fruitful=0.75),
)


async def write(
    tx: Transaction, today: date, cadences: Mapping[str, str], places: Sequence[UUID]
) -> bool:
    """Write the history of all apps up to yesterday; return whether there was none yet. Whoever
    used them lives in one of the `places`."""
    known = await tx.session.execute(
        select(col(UsageDay.app)).where(col(UsageDay.app) == HABITS[0].app).limit(1)
    )
    if known.first() is not None:
        return False
    for habit in HABITS:
        lived = list(_days(habit, today))
        await _insert(tx, UsageDay, [_total(habit, day, counts) for day, counts in lived])
        await _insert(tx, UsageCell, [_cell(habit, day, counts) for day, counts in lived])
        await _insert(
            tx, UsageLatency, [row for day, counts in lived for row in _slow(habit, day, counts)]
        )
        await _insert(tx, UsageReach, list(_reached(habit, cadences[habit.app], places, today)))
        if habit.asked:
            await _insert(tx, UsageElement, [_asked(habit, day) for day, _ in lived])
        if habit.exits:
            await _insert(tx, UsageExit, [_led_out(habit, day, counts) for day, counts in lived])
    midnight = datetime.combine(today - timedelta(days=OUTAGE), time(0), tzinfo=SHANGHAI)
    tx.session.add(
        UsageGap(
            worker="demonstration", since=midnight, until=midnight + timedelta(days=1), cause="down"
        )
    )
    await tx.session.flush()
    return True


def _days(habit: Habit, today: date) -> Iterator[tuple[date, dict[str, int]]]:
    """Return what happened on each day; nothing on that of the outage, nor where nothing did."""
    dice = random.Random(habit.app)
    for back in range(DAYS, 0, -1):
        day = today - timedelta(days=back)
        mean = habit.opens * (
            1 + habit.season * math.sin(2 * math.pi * day.timetuple().tm_yday / 365)
        )
        if day.weekday() >= 5:
            mean *= habit.weekend
        if (day + timedelta(days=3)).month != day.month:  # the ranking is drawn up at month's end
            mean *= habit.rush

        def some(expected: float) -> int:
            return max(0, round(dice.gauss(expected, math.sqrt(max(expected, 0)))))

        opens = some(mean)
        starts = min(opens, some(opens * habit.starts))
        completes = min(starts, some(starts * habit.completes))
        answered = some(opens * 4)
        failed = some(answered * habit.failing)
        sessions = min(opens, some(opens * habit.sessions))
        attending = min(sessions, some(sessions * habit.attending))
        fruitful = min(sessions - attending, some(sessions * habit.fruitful))
        timely = some(completes * 0.93)
        rated = min(completes, some(completes * 0.3))
        counts = dict.fromkeys(KINDS, 0) | {
            "opens": opens,
            "starts": starts,
            "completes": completes,
            "effects": completes,
            "answered": answered,
            "failed": failed,
            "sessions": sessions,
            "fruitful": fruitful,
            "attending": attending,
            "timed": completes,
            "timely": min(completes, timely),
            "rated": rated,
            "satisfied": min(rated, some(rated * 0.9)),
        }
        if back != OUTAGE and any(counts.values()):
            yield day, counts


def _reached(
    habit: Habit, cadence: str, places: Sequence[UUID], today: date
) -> Iterator[dict[str, Any]]:
    """Return the sketches of each reach period, of the whole app and of its places."""
    dice = random.Random(f"{habit.app} reach")
    day = today - timedelta(days=DAYS)
    while day < today:
        period = period_of(cadence, day)
        lived = min(period.until, today - timedelta(days=1)) - max(period.since, day)
        part = (lived.days + 1) / ((period.until - period.since).days + 1)
        for kind, whole in ((OPENED, habit.openers), (COMPLETED, habit.completers)):
            people = [dice.getrandbits(63) for _ in range(round(whole * part))]
            key = {"app": habit.app, "period": period.key, "kind": kind}
            everybody = merged([], people)
            if people:
                count = people_in(everybody)
                yield {**key, "organization": EVERYWHERE, "sketch": everybody, "people": count}
            for n, place in enumerate(places):
                there = people[n :: len(places)]
                if there:
                    sketch = merged([], there)
                    yield {**key, "organization": str(place), "sketch": sketch, "people": None}
        day = period.until + timedelta(days=1)


def _total(habit: Habit, day: date, counts: dict[str, int]) -> dict[str, Any]:
    return {"app": habit.app, "day": day, **counts}


def _cell(habit: Habit, day: date, counts: dict[str, int]) -> dict[str, Any]:
    key = {"feature": "GET /", "organization": habit.place, "channel": "web"}
    return {"app": habit.app, "day": day, **key, **counts}


def _slow(habit: Habit, day: date, counts: dict[str, int]) -> Iterator[dict[str, Any]]:
    answers = sum(counts[kind] for kind in ("answered", "refused", "failed"))
    slow = habit.seconds * random.Random(f"{habit.app} {day}").lognormvariate(0, 0.25)
    for share, factor in ((0.6, 0.7), (0.3, 1.2), (0.1, 2.5)):
        if count := round(answers * share):
            yield {
                "app": habit.app,
                "day": day,
                "feature": "GET /",
                "bucket": bucket_of(slow * factor),
                "count": count,
            }


def _asked(habit: Habit, day: date) -> dict[str, Any]:
    typed = {"asked": round(habit.asked), "spared": round(habit.spared)}
    return {"app": habit.app, "day": day, "element": "person.phone", **typed}


def _led_out(habit: Habit, day: date, counts: dict[str, int]) -> dict[str, Any]:
    key = {"feature": "GET /", "host": "farm-funds.example", "kind": "redirect"}
    return {"app": habit.app, "day": day, **key, "count": round(counts["opens"] * habit.exits)}


async def _insert(tx: Transaction, model: Any, rows: Sequence[dict[str, Any]]) -> None:
    for start in range(0, len(rows), ROWS_AT_ONCE):
        await tx.session.execute(insert(model), rows[start : start + ROWS_AT_ONCE])
