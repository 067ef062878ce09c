"""Which hours a day has, and when somebody who missed appointments may book none."""

from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin_sdk.appointments import Rules
from plugin_sdk.appointments.forms import HoursForm
from plugin_sdk.appointments.hours import plan
from plugin_sdk.deadlines import CalendarUnknown
from plugin_sdk.forms import validate
from plugin_sdk.problems import Invalid

WEDNESDAY, SATURDAY, HOLIDAY = date(2026, 9, 2), date(2026, 9, 5), date(2026, 10, 1)
MAKE_UP, UNKNOWN = date(2026, 9, 20), date(2027, 3, 3)  # a Sunday that is worked; a Wednesday


class Calendar:
    def is_working_day(self, day):
        if day.year > 2026:
            raise CalendarUnknown(day.year)
        return day == MAKE_UP or (day.weekday() < 5 and day != HOLIDAY)


def hours(days="working", quota=2, service="licence", opens="09:00", closes="11:00", name="x"):
    return SimpleNamespace(
        place="A",
        service=service,
        days=days,
        opens=opens,
        closes=closes,
        minutes=60,
        quota=quota,
        name=name,
        valid_on=lambda day: True,
    )


def found(day: date, *patterns: Any) -> tuple[str, str]:
    made = plan(patterns, "A", "licence", day, Calendar())
    return made.kind, " ".join(f"{slot.clock}x{slot.quota}" for slot in made.slots)


OPEN, SHUT = ("open", "0900x2 1000x2"), ("closed", "")


@pytest.mark.parametrize(
    ("day", "patterns", "said"),
    [
        (WEDNESDAY, [hours()], OPEN),
        (WEDNESDAY, [hours("wed")], OPEN),
        (WEDNESDAY, [hours("tue")], SHUT),
        (HOLIDAY, [hours(), hours("thu")], SHUT),
        (MAKE_UP, [hours()], OPEN),
        (MAKE_UP, [hours("mon")], SHUT),
        (SATURDAY, [hours()], SHUT),
        (SATURDAY, [hours("sat")], OPEN),
        (HOLIDAY, [hours("daily")], OPEN),
        (UNKNOWN, [hours()], ("unknown", "")),
        (UNKNOWN, [hours("daily"), hours(quota=1)], OPEN),
        (WEDNESDAY, [hours(service="test")], SHUT),
        (WEDNESDAY, [hours(), hours("wed", 3)], ("open", "0900x5 1000x5")),
        (WEDNESDAY, [hours(), hours("daily", 0)], SHUT),
        (WEDNESDAY, [hours(), hours("daily", 0, None, "10:30", "12:00")], ("open", "0900x2")),
        (WEDNESDAY, [hours(), hours("daily", 0, "test")], OPEN),
        (UNKNOWN, [hours("daily"), hours("working", 0)], SHUT),  # a door that may be shut is
        (WEDNESDAY, [], SHUT),
    ],
)
def test_a_day_has_the_hours_that_staff_and_calendar_say(day, patterns, said):
    assert found(day, *patterns) == said


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"opens": "9 o'"}, "opens"),
        ({"closes": "08:00"}, "closes"),
        ({"service": ""}, "service"),
        ({"minutes": 150}, "minutes"),
        ({"quota": -1}, "quota"),
    ],
)
def test_hours_that_cannot_be_are_refused(wrong, field):
    given_ = {"name": "x", "place": "A", "service": "licence", "days": "mon", "quota": 2}
    right = {**given_, "opens": "9：00", "closes": "11:00", "minutes": 60}
    assert validate(HoursForm, right).opens == "09:00"
    with pytest.raises(Invalid) as refusal:
        validate(HoursForm, {**right, **wrong})
    assert [error.field for error in refusal.value.errors] == [field]


@given(st.lists(st.integers(0, 200), max_size=8), st.integers(1, 4))
def test_a_bar_needs_so_many_missed_and_ends(days, most):
    rules = Rules(missed=most, missed_days=30, barred_days=10)
    missed = [WEDNESDAY + timedelta(days=n) for n in days]
    for today in (WEDNESDAY + timedelta(days=n) for n in range(0, 230, 7)):
        before = [day for day in missed if day <= today]
        until = rules.barred_until(before, today)
        if until is None:
            continue
        last = until - timedelta(days=10)
        assert today - timedelta(days=10) <= last <= today
        assert sum(timedelta() <= last - day < timedelta(days=30) for day in before) >= most
    assert Rules(missed=0).barred_until(missed, WEDNESDAY) is None


def test_what_led_to_a_bar_is_spent():
    rules = Rules(missed=2, missed_days=90, barred_days=5)
    days = [WEDNESDAY, WEDNESDAY + timedelta(days=1), WEDNESDAY + timedelta(days=20)]
    assert rules.barred_until(days, days[1]) == days[1] + timedelta(days=5)
    assert rules.barred_until(days, days[2]) is None
