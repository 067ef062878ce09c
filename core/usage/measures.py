"""What usage says of an app: pure structs in, measures with their n and their gaps out.

A measure that cannot be said is never zero: it says why (`state`).
"""

from collections.abc import Mapping
from datetime import date
from typing import Literal

import msgspec

State = Literal["known", "unknown", "few", "not_applicable"]
Unit = Literal["share", "people", "count", "milliseconds", "fen"]


class Window(msgspec.Struct, frozen=True):
    """The days looked at, both included."""

    since: date
    until: date


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
    happened (a day that is absent and not `unknown` had nothing), reach by period, durations."""

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
