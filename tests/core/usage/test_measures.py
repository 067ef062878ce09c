"""Measures: what each is of, when it is not said and why, and that gaps count on neither side."""

from datetime import date, timedelta

import pytest
from msgspec.structs import replace

from core.usage.measures import (
    DayTotals,
    Observed,
    ReachTotal,
    Window,
    last_days,
    measure,
    reach_of,
)
from portal.assembly import catalogue_of

UNTIL = date(2026, 11, 25)
WINDOW = last_days(UNTIL, 30)
DAY = {
    "opens": 20,
    "starts": 10,
    "completes": 8,
    "effects": 9,
    "answered": 90,
    "refused": 5,
    "failed": 5,
    "sessions": 20,
    "fruitful": 8,
    "attending": 4,
    "timed": 6,
    "timely": 3,
    "rated": 4,
    "satisfied": 3,
    "reminded": 1,
}


def observed(*, days=30, **more):
    totals = tuple(DayTotals(UNTIL - timedelta(days=back), **DAY) for back in range(days))
    reach = (
        ReachTotal("2026-10", date(2026, 10, 1), date(2026, 10, 31), 180, 123),
        ReachTotal("2026-11", date(2026, 11, 1), date(2026, 11, 30), 80, 60),
    )
    facts = {"days": totals, "counted_since": date(2026, 1, 1), "reach": reach}
    return Observed(app="a", **{**facts, "latency": {33: 100}, "asked": 30, "spared": 70, **more})


def taken(of, window=WINDOW, entitled=1000, yearly_cost=365_000):
    found = measure(of, window, entitled=entitled, yearly_cost=yearly_cost)
    return {one.key: one for one in found}


def test_each_measure_has_its_numerator_denominator_and_words():
    found = taken(observed())
    expected = {
        "completion": (240, 300),
        "on_time": (90, 180),
        "empty_sessions": (360, 600),
        "attending_sessions": (120, 600),
        "reminders": (30, 270),
        "burden": (30, 100),
        "errors": (150, 3000),
        "cost": (30_000, 240),
        "reach": (120, 1000),
    }
    for key, (part, whole) in expected.items():
        one = found[key]
        assert (one.numerator, one.denominator, one.n) == (part, whole, whole), key
        assert one.value == pytest.approx(part / whole), key
        assert one.state == "known"
    assert found["p95"].value == 320.0
    catalogue = catalogue_of({})
    for key in found:
        for what in ("name", "what", "numerator", "denominator"):
            assert catalogue.text("zh", f"measure.{key}.{what}")


def test_what_is_unknown_counts_on_neither_side_and_is_said():
    lost = frozenset({UNTIL - timedelta(days=1), UNTIL - timedelta(days=2)})
    found = taken(observed(unknown_days=lost, lost=7, lost_minutes=12))
    assert found["completion"].value == 0.8
    assert found["completion"].n == 280
    missing = found["completion"].missing
    assert (missing.days, missing.minutes, missing.lost) == (2, 12, 7)
    before = taken(observed(counted_since=UNTIL - timedelta(days=9)))
    assert before["errors"].missing.days == 20
    for never in (observed(counted_since=None), observed(days=0, counted_since=None, reach=())):
        assert {one.state for one in taken(never).values()} == {"unknown"}
        assert {one.value for one in taken(never).values()} == {None}


def test_few_are_not_said_and_zero_only_where_the_counts_say_so():
    one = DayTotals(UNTIL, opens=9, sessions=4, fruitful=1, starts=0)
    found = taken(Observed(app="a", counted_since=UNTIL, days=(one,)))
    assert found["empty_sessions"].state == "few"
    assert found["completion"].state == found["on_time"].state == "not_applicable"
    assert found["reach"].state == "unknown"
    few = ReachTotal("2026-11", date(2026, 11, 1), date(2026, 11, 30), 9, 4)
    assert taken(observed(reach=(few,)))["reach"].state == "few"
    nobody = ReachTotal("2026-11", few.since, few.until, 9, 0)
    idle = Observed(app="a", counted_since=few.since, days=(one,), reach=(nobody,))
    assert taken(idle)["reach"].value == 0, "the counts of things say so already"
    assert taken(observed(reach=(nobody,)))["reach"].state == "few", "some had no name"
    unseen = measure(idle, WINDOW, entitled=1000, yearly_cost=None, finishes=False)
    assert unseen[0].state == "unknown", "what is finished is not seen from the door"
    for nobody_or_few in (0, 4):  # many sessions, all of them theirs
        few = ReachTotal("2026-11", date(2026, 11, 1), date(2026, 11, 30), nobody_or_few, 0)
        assert taken(observed(reach=(few,)))["empty_sessions"].state == "few"
    assert taken(observed(), entitled=None)["reach"].state == "unknown"
    assert taken(observed(), yearly_cost=None)["cost"].state == "not_applicable"
    assert all(one.value is None for one in found.values() if one.state != "known")


def period_of(of, window):
    reached = reach_of(of, window)
    return reached and reached.period


def test_reach_is_of_the_last_period_that_was_counted_whole():
    long = last_days(UNTIL, 91)
    assert period_of(observed(), long) == "2026-10"
    assert taken(observed(), long)["reach"].numerator == 120, "down to a multiple of five"
    late = observed(counted_since=date(2026, 10, 20))
    assert period_of(late, long) == "2026-11", "more of its days were counted"
    assert reach_of(observed(), Window(date(2026, 6, 1), date(2026, 6, 30))) is None


def test_no_difference_of_two_windows_tells_what_one_person_said():
    """Ratings are counted by whole months that have five, so that two windows differ by such."""

    def day(month, day, rated, satisfied):
        return DayTotals(date(2026, month, day), rated=rated, satisfied=satisfied)

    days = (day(9, 3, 9, 9), day(9, 30, 1, 0), day(10, 2, 4, 4), day(11, 2, 7, 7), day(11, 3, 2, 1))
    of = observed(days=0)
    of = replace(of, days=days)

    def said(since, until):
        one = taken(of, Window(since, until))["satisfaction"]
        return one.state, one.numerator, one.n

    whole = said(date(2026, 9, 1), date(2026, 11, 30))
    assert whole == ("known", 17, 19), "October has too few"
    assert said(date(2026, 9, 1), date(2026, 10, 31)) == ("known", 9, 10)
    for until in (date(2026, 11, 2), date(2026, 11, 3), date(2026, 11, 29)):
        assert said(date(2026, 9, 1), until) == ("known", 9, 10), "November is not over"
    assert said(date(2026, 10, 1), date(2026, 10, 31)) == ("few", None, None)
    assert said(date(2026, 9, 2), date(2026, 9, 30)) == ("not_applicable", None, None)
