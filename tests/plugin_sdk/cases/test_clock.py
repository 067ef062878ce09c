from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from plugin_sdk.cases import clock
from plugin_sdk.cases.flow import Clock
from plugin_sdk.deadlines import Term
from plugin_sdk.problems import Invalid
from plugin_sdk.views import DeadlineView
from tests.plugin_sdk.cases.samples import FLOW, FakeHub, Question

MONDAY = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)  # 10:00 in Shanghai
CLOSING = timedelta(hours=7, minutes=30)


def question(hub=None, term=Term(working_days=5), moment=MONDAY):  # noqa: B008
    facts: dict[str, Any] = {"state": "asked", "stage_entered_at": moment, "opened_at": moment}
    row = Question(**facts)
    clock.start(hub or FakeHub(), row, moment, term)
    return row


def at(day):
    return datetime(2026, 3, day, 9, 30, tzinfo=UTC)


def test_a_term_is_dated_and_restarted_without_its_extensions():
    hub, row = FakeHub(), question()
    assert (row.due_at, row.due_pending) == (at(9), False)
    clock.add_time(hub, row, 2)
    assert row.due_at == at(11)
    clock.restart(hub, row, MONDAY + timedelta(days=7))
    assert row.due_at == at(16)


def test_no_term_is_no_deadline():
    row = question(term=None)
    assert (row.due_at, row.due_pending, row.due_term) == (None, False, None)
    assert clock.date_it(FakeHub(), row) is False


def test_an_unknown_calendar_leaves_the_deadline_open_until_it_is_known():
    row = question(FakeHub(2025))
    assert (row.due_at, row.due_pending) == (None, True)
    clock.add_time(FakeHub(2025), row, 1)
    assert row.due_pending
    assert clock.date_it(FakeHub(), row) is True
    assert row.due_at == at(10)


def test_an_extension_into_an_unknown_year_is_dated_later():
    row = question()
    clock.add_time(FakeHub(2025), row, 1)
    assert (row.due_at, row.due_pending) == (None, True)
    clock.date_it(FakeHub(), row)
    assert row.due_at == at(10)


def test_a_pause_moves_the_deadline_by_the_working_time_in_it():
    hub, row = FakeHub(), question()
    clock.turn(hub, row, Clock.PAUSED, MONDAY + timedelta(days=1))
    clock.turn(hub, row, Clock.PAUSED, MONDAY + timedelta(days=2))  # paused already
    clock.turn(hub, row, Clock.RUNS, MONDAY + timedelta(days=3))
    assert row.paused_at is None
    assert row.due_at == at(11)


def test_running_states_change_nothing():
    hub, row = FakeHub(), question()
    clock.turn(hub, row, Clock.RUNS, MONDAY + timedelta(days=3))
    assert row.due_at == at(9)
    assert clock.runs(FLOW, row)


@pytest.mark.parametrize(
    ("day", "code"),
    [
        (date(2027, 1, 4), "beyond-calendar"),
        (date(2026, 3, 7), "not-a-working-day"),
        (date(2026, 2, 27), "in-the-past"),
        (date(2026, 3, 10), "later-than-term"),
    ],
)
def test_a_deadline_that_is_asked_for_can_be_refused(day, code):
    row = question()
    with pytest.raises(Invalid) as refused:
        clock.ask_for(FakeHub(), row, day, MONDAY)
    assert refused.value.errors[0].message.key == f"problem.field.{code}"
    assert row.due_at == at(9)


def test_a_deadline_that_is_asked_for_is_the_end_of_its_day():
    row = question()
    clock.ask_for(FakeHub(), row, date(2026, 3, 5), MONDAY)
    assert row.due_at == at(5)


def test_a_reminder_comes_when_offices_open():
    found = clock.reminder(FakeHub().calendar, at(9), 1)
    assert found == datetime(2026, 3, 6, 0, 30, tzinfo=UTC)
    assert clock.reminder(FakeHub(2025).calendar, at(9), 1) is None


@pytest.mark.parametrize(
    ("facts", "kind"),
    [
        ({"due_at": None}, "none"),
        ({"due_at": None, "pending": True}, "unknown"),
        ({"due_at": at(9), "done_at": at(6)}, "done_on_time"),
        ({"due_at": at(9), "done_at": at(10)}, "done_late"),
        ({"due_at": at(9), "paused_at": at(3)}, "paused"),
        ({"due_at": at(9)}, "days_left"),
    ],
)
def test_a_deadline_is_shown(facts, kind):
    view = clock.deadline_view(
        FakeHub().calendar,
        MONDAY,
        **{"due_at": None, "pending": False, "paused_at": None, "done_at": None, **facts},
        skipped=True,
    )
    assert isinstance(view, DeadlineView)
    assert view.kind == kind
    assert view.skipped == ([date(2026, 3, 7), date(2026, 3, 8)] if kind == "days_left" else [])
