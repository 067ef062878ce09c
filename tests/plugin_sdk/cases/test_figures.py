from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin_sdk.cases import figures
from plugin_sdk.cases.figures import Tally, percentile
from plugin_sdk.figures import bounds, period_of
from plugin_sdk.problems import Problem
from plugin_sdk.views import Phrase
from tests.plugin_sdk.cases.samples import FLOW, FakeHub, Weekdays

SINCE, UNTIL = date(2026, 3, 1), date(2026, 3, 31)
START, END = bounds(SINCE, UNTIL)
NOW = datetime(2026, 3, 20, 4, tzinfo=UTC)


def count(*facts):
    found = Tally()
    for fact in facts:
        made: dict[str, Any] = {
            "responded_at": None,
            "resolved_at": None,
            "due_at": None,
            "paused_at": None,
        }
        made |= {"opened_at": at(2), "rating": None, "rated_at": None, **fact}
        figures._count(found, figures._Facts(**made), START, END, NOW, Weekdays())
    return found


def at(day, hour=2):
    return datetime(2026, 3, day, hour, tzinfo=UTC)


def test_days_are_those_of_shanghai():
    assert datetime(2026, 2, 28, 16, tzinfo=UTC) == START
    assert datetime(2026, 3, 31, 16, tzinfo=UTC) == END


def test_on_time_is_closed_on_time_by_due_in_the_period():
    found = count(
        {"due_at": at(9), "resolved_at": at(5)},  # on time
        {"due_at": at(9), "resolved_at": at(10)},  # late
        {"due_at": at(9)},  # open and overdue: in the denominator
        {"due_at": at(9), "paused_at": at(8)},  # waits for its requester: in neither
        {"due_at": at(25)},  # not due yet: in neither
        {"due_at": at(25), "resolved_at": at(5)},  # not due yet: in neither
        {"resolved_at": at(5)},  # without a deadline: in neither
        {"due_at": datetime(2026, 2, 27, tzinfo=UTC)},  # of another period
    )
    assert (found.on_time, found.due) == (1, 3)


def test_times_are_counted_in_calendar_and_in_working_days():
    found = count(
        {"opened_at": at(2), "responded_at": at(3), "resolved_at": at(9)},
        {"opened_at": datetime(2025, 12, 30, 2, tzinfo=UTC), "resolved_at": at(4)},
    )
    assert found.opened == 1
    assert found.response.calendar == [1.0]
    assert found.resolution.calendar == [7.0, 64.0]
    assert found.resolution.working == [5]
    assert found.resolution.unknown == 1
    assert found.months == {"2026-03": [1, 2]}


def test_few_ratings_are_not_shown():
    view = figures.view(engine(), count({"rating": 5, "rated_at": at(5)}), SINCE, UNTIL)
    card = next(c for c in view.cards if "satisfaction.label" in str(c.label))
    assert (card.value, card.suppressed, card.n, card.numerator) == (None, True, 1, None)
    ratings = view.charts[1]
    assert ratings.rows[0][1:] == [None] * 6


def test_satisfaction_says_its_n():
    rated = [{"rating": r, "rated_at": at(5), "resolved_at": at(4)} for r in (5, 4, 3, 2, 1, 5)]
    view = figures.view(engine(), count(*rated, {"resolved_at": at(4)}), SINCE, UNTIL)
    card = next(c for c in view.cards if "satisfaction.label" in str(c.label))
    assert (card.value, card.n) == (66.7, 6)
    assert view.charts[1].rows[0][1:] == [2, 1, 1, 1, 1, 1]
    assert view.charts[0].rows[1] == [Phrase("case.chart.up_to_days", {"n": 3}), 7]


def test_nothing_is_unknown_not_zero():
    view = figures.view(engine(), Tally(), SINCE, UNTIL)
    values = {str(msgspec.to_builtins(card.label)["key"]): card.value for card in view.cards}
    assert values["case.figure.opened.label"] == 0
    assert values["case.figure.on_time.label"] is None
    assert values["case.figure.resolution_median.label"] is None


def engine():
    return SimpleNamespace(hub=FakeHub(), flow=FLOW)


@given(st.lists(st.integers(0, 1000), min_size=1), st.sampled_from([0.5, 0.9, 0.95, 1.0]))
def test_a_percentile_is_one_of_the_values_and_covers_its_share(values, share):
    found = percentile(values, share)
    assert found in values
    assert sum(v <= found for v in values) >= share * len(values) - 1e-9
    assert sum(v < found for v in values) < share * len(values) + 1e-9


def test_working_days_of_a_long_span():
    found = count({"opened_at": at(2), "resolved_at": at(2) + timedelta(hours=1)})
    assert found.resolution.working == [0]


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "2026-02-30", "x"])
def test_days_at_the_ends_of_the_calendar_are_no_period(day):
    with pytest.raises(Problem, match="bad-period"):
        period_of(day, day, SINCE)
    assert period_of("2026-03-01", "2026-03-31", SINCE) == (SINCE, UNTIL)
