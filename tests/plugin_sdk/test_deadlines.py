from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin_sdk.deadlines import (
    CalendarUnknown,
    DeadlineError,
    OfficeHours,
    Remaining,
    Term,
    due,
    extend,
    remaining,
    shift_for_pause,
    skipped_days,
    working_days_between,
    working_time,
)
from plugin_sdk.times import SHANGHAI

HOURS = OfficeHours()


class Months:
    """2025 to 2027, with the first week of October off and Saturday the 11th worked instead."""

    off = frozenset(date(2025, 10, day) for day in range(1, 9))
    worked = frozenset({date(2025, 9, 28), date(2025, 10, 11)})

    def is_working_day(self, day: date) -> bool:
        if not 2025 <= day.year <= 2027:
            raise CalendarUnknown(day.year)
        return day in self.worked or (day.weekday() < 5 and day not in self.off)


CALENDAR = Months()


def at(month: int, day: int, hour: int = 10, minute: int = 0, year: int = 2025) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=SHANGHAI).astimezone(UTC)


starts = st.timedeltas(timedelta(0), timedelta(days=540)).map(
    lambda later: datetime(2025, 1, 2, tzinfo=UTC) + later
)
lengths = st.integers(min_value=1, max_value=60)
terms = st.one_of(
    lengths.map(lambda n: Term(working_days=n)),
    lengths.map(lambda n: Term(calendar_days=n)),
    lengths.map(lambda n: Term(working_hours=n)),
)


class TestDue:
    def test_the_day_of_the_event_is_not_counted(self):
        assert due(at(9, 22, 0, 1), Term(working_days=1), CALENDAR) == at(9, 23, 17, 30)
        assert due(at(9, 22, 23, 59), Term(working_days=1), CALENDAR) == at(9, 23, 17, 30)

    def test_the_day_is_shanghais_not_utcs(self):
        late = datetime(2025, 9, 22, 16, 30, tzinfo=UTC)  # half past midnight on the 23rd
        assert due(late, Term(working_days=1), CALENDAR) == at(9, 24, 17, 30)

    def test_holidays_are_skipped_and_exchanged_saturdays_counted(self):
        assert due(at(9, 30), Term(working_days=1), CALENDAR) == at(10, 9, 17, 30)
        assert due(at(9, 30), Term(working_days=3), CALENDAR) == at(10, 11, 17, 30)

    def test_a_term_that_starts_on_a_day_of_rest_counts_from_the_next_working_day(self):
        assert due(at(9, 20), Term(working_days=1), CALENDAR) == at(9, 22, 17, 30)

    def test_calendar_days_count_every_day_and_end_on_a_working_day(self):
        assert due(at(9, 22), Term(calendar_days=3), CALENDAR) == at(9, 25, 17, 30)
        assert due(at(9, 22), Term(calendar_days=10), CALENDAR) == at(10, 9, 17, 30)

    @pytest.mark.parametrize(
        ("start", "n", "end"),
        [
            (at(9, 22, 10), 2, at(9, 22, 12)),
            (at(9, 22, 6), 2, at(9, 22, 10, 30)),
            (at(9, 22, 16, 30), 1, at(9, 22, 17, 30)),
            (at(9, 22, 16, 30), 2, at(9, 23, 9, 30)),
            (at(9, 22, 20), 1, at(9, 23, 9, 30)),
            (at(9, 30, 17), 1, at(10, 9, 9)),
            (at(10, 4), 1, at(10, 9, 9, 30)),
            (at(9, 22, 8, 30), 18, at(9, 23, 17, 30)),
        ],
    )
    def test_working_hours_run_at_once_inside_office_hours(self, start, n, end):
        assert due(start, Term(working_hours=n), CALENDAR) == end

    def test_other_office_hours_end_the_day_elsewhere(self):
        summer = OfficeHours(time(8), time(18))
        assert due(at(9, 22), Term(working_days=1), CALENDAR, summer) == at(9, 23, 18)

    def test_an_unknown_year_is_never_guessed(self):
        with pytest.raises(CalendarUnknown) as unknown:
            due(at(12, 30, year=2027), Term(working_days=5), CALENDAR)
        assert (unknown.value.code, unknown.value.year) == ("calendar-unknown", 2028)
        with pytest.raises(CalendarUnknown):
            due(at(12, 31, 17, year=2027), Term(working_hours=9), CALENDAR)
        with pytest.raises(CalendarUnknown):
            due(at(12, 30, year=2027), Term(calendar_days=2), CALENDAR)

    def test_a_time_without_zone_is_refused(self):
        with pytest.raises(DeadlineError) as refused:
            due(at(9, 22).replace(tzinfo=None), Term(working_days=1), CALENDAR)
        assert refused.value.code == "time-naive"

    @settings(deadline=None)
    @given(starts, terms)
    def test_a_deadline_lies_on_a_working_day_within_office_hours_after_its_start(
        self, start, term
    ):
        end = due(start, term, CALENDAR)
        local = end.astimezone(SHANGHAI)
        assert end > start
        assert end.tzinfo is UTC
        assert CALENDAR.is_working_day(local.date())
        assert HOURS.start < local.time() <= HOURS.end

    @settings(deadline=None)
    @given(starts, lengths, st.sampled_from(["working_days", "calendar_days", "working_hours"]))
    def test_a_longer_term_never_ends_earlier(self, start, n, unit):
        shorter, longer = (due(start, Term(**{unit: m}), CALENDAR) for m in (n, n + 1))
        assert shorter <= longer
        assert unit == "calendar_days" or shorter < longer

    @settings(deadline=None)
    @given(starts, st.timedeltas(timedelta(0), timedelta(days=40)), terms)
    def test_a_later_start_never_ends_earlier(self, start, later, term):
        assert due(start, term, CALENDAR) <= due(start + later, term, CALENDAR)

    @settings(deadline=None)
    @given(starts, lengths)
    def test_counting_the_days_gives_the_term_back(self, start, n):
        end = due(start, Term(working_days=n), CALENDAR)
        assert working_days_between(start, end, CALENDAR) == n
        assert working_days_between(end, start, CALENDAR) == -n

    @settings(deadline=None)
    @given(starts, lengths)
    def test_counting_the_hours_gives_the_term_back(self, start, n):
        end = due(start, Term(working_hours=n), CALENDAR)
        assert working_time(start, end, CALENDAR) == timedelta(hours=n)


class TestTerm:
    @pytest.mark.parametrize("units", [{}, {"working_days": 1, "calendar_days": 1}])
    def test_a_term_has_exactly_one_unit(self, units):
        with pytest.raises(DeadlineError) as refused:
            Term(**units)
        assert refused.value.code == "term-unit"

    @pytest.mark.parametrize("n", [0, -1, 3661])
    def test_a_term_is_of_one_day_to_ten_years(self, n):
        with pytest.raises(DeadlineError) as refused:
            Term(calendar_days=n)
        assert refused.value.code == "term-length"

    def test_office_hours_end_after_they_start(self):
        with pytest.raises(DeadlineError) as refused:
            OfficeHours(time(9), time(9))
        assert refused.value.code == "office-hours"


class TestRemaining:
    due_at = at(9, 26, 17, 30)  # a Friday; Sunday the 28th is worked

    @pytest.mark.parametrize(
        ("now", "left"),
        [
            (at(9, 22, 9), Remaining("days_left", 4)),
            (at(9, 25, 17, 45), Remaining("days_left", 1)),
            (at(9, 26, 0, 0), Remaining("today")),
            (at(9, 26, 17, 30), Remaining("today")),
            (at(9, 26, 17, 31), Remaining("overdue_under_day")),
            (at(9, 27, 12), Remaining("overdue_under_day")),
            (at(9, 28, 17, 29), Remaining("overdue_under_day")),
            (at(9, 28, 17, 30), Remaining("overdue_days", 1)),
            (at(9, 29, 20), Remaining("overdue_days", 2)),
            (at(10, 5), Remaining("overdue_days", 3)),
        ],
    )
    def test_a_deadline_at_the_end_of_a_day_reads_in_days(self, now, left):
        assert remaining(now, self.due_at, CALENDAR) == left

    @pytest.mark.parametrize(
        ("now", "left"),
        [
            (at(9, 22, 11), Remaining("days_left", 1)),
            (at(9, 22, 11, 1), Remaining("hours_left", 9)),
            (at(9, 22, 17), Remaining("hours_left", 3)),
            (at(9, 22, 22), Remaining("hours_left", 3)),
            (at(9, 23, 8, 30), Remaining("hours_left", 3)),
            (at(9, 23, 10, 59), Remaining("hours_left", 1)),
            (at(9, 23, 11, 1), Remaining("overdue_under_day")),
            (at(9, 24, 11), Remaining("overdue_days", 1)),
        ],
    )
    def test_a_deadline_inside_a_day_reads_in_working_hours_at_last(self, now, left):
        assert remaining(now, at(9, 23, 11), CALENDAR) == left

    def test_without_deadline_or_calendar_it_is_unknown(self):
        assert remaining(at(9, 22), None, CALENDAR) == Remaining("unknown")
        beyond = at(1, 10, year=2028)
        assert remaining(at(12, 20, year=2027), beyond, CALENDAR) == Remaining("unknown")
        assert remaining(beyond, at(12, 20, year=2027), CALENDAR) == Remaining("unknown")

    @settings(deadline=None)
    @given(starts, terms, st.timedeltas(timedelta(0), timedelta(days=120)))
    def test_it_is_overdue_exactly_after_the_deadline(self, start, term, later):
        end = due(start, term, CALENDAR)
        now = start + later
        left = remaining(now, end, CALENDAR)
        assert left.kind.startswith("overdue") == (now > end)
        assert left.n is None or left.n >= 1

    @settings(deadline=None)
    @given(starts, lengths)
    def test_a_term_of_n_days_has_n_days_left_when_it_starts(self, start, n):
        end = due(start, Term(working_days=n), CALENDAR)
        assert remaining(start, end, CALENDAR) == Remaining("days_left", n)


class TestExtendAndPause:
    def test_an_extension_counts_from_the_old_deadline(self):
        assert extend(at(9, 26, 17, 30), Term(working_days=2), CALENDAR) == at(9, 29, 17, 30)

    def test_a_deadline_moves_by_the_working_time_of_the_pause(self):
        moved = shift_for_pause(at(9, 30, 17, 30), at(9, 22, 10), at(9, 23, 12), CALENDAR)
        assert moved == at(10, 10, 10, 30)  # eleven hours, over the holiday

    def test_a_pause_over_days_of_rest_changes_nothing(self):
        assert shift_for_pause(at(10, 9), at(10, 2), at(10, 8, 23), CALENDAR) == at(10, 9)

    def test_a_late_case_stays_as_late_as_it_was(self):
        due_at, paused, resumed = at(9, 22, 17, 30), at(9, 24, 17, 30), at(9, 26, 17, 30)
        moved = shift_for_pause(due_at, paused, resumed, CALENDAR)
        assert remaining(resumed, moved, CALENDAR) == remaining(paused, due_at, CALENDAR)

    def test_a_pause_cannot_end_before_it_began(self):
        with pytest.raises(DeadlineError) as refused:
            shift_for_pause(at(9, 30), at(9, 23), at(9, 22), CALENDAR)
        assert refused.value.code == "pause-reversed"

    @settings(deadline=None)
    @given(starts, terms)
    def test_a_pause_of_zero_changes_nothing(self, start, term):
        end = due(start, term, CALENDAR)
        assert shift_for_pause(end, start, start, CALENDAR) == end

    @settings(deadline=None)
    @given(
        starts,
        terms,
        st.timedeltas(timedelta(0), timedelta(days=9)),
        st.timedeltas(timedelta(0), timedelta(days=60)),
    )
    def test_a_pause_leaves_exactly_the_working_time_there_was(self, start, term, wait, length):
        end = due(start, term, CALENDAR)
        paused = start + wait
        resumed = paused + length
        moved = shift_for_pause(end, paused, resumed, CALENDAR)
        assert moved >= end
        assert working_time(end, moved, CALENDAR) == working_time(paused, resumed, CALENDAR)
        if paused <= end:
            assert working_time(resumed, moved, CALENDAR) == working_time(paused, end, CALENDAR)


class TestSkippedDays:
    def test_the_days_of_rest_on_the_way_are_named(self):
        end = due(at(9, 29), Term(working_days=2), CALENDAR)
        assert skipped_days(at(9, 29), end, CALENDAR) == [date(2025, 10, d) for d in range(1, 9)]

    def test_a_term_in_calendar_days_skips_only_at_its_end(self):
        term = Term(calendar_days=10)
        end = due(at(9, 26), term, CALENDAR)
        assert skipped_days(at(9, 26), end, CALENDAR, term) == [
            date(2025, 10, 6),
            date(2025, 10, 7),
            date(2025, 10, 8),
        ]

    @settings(deadline=None)
    @given(starts, lengths)
    def test_skipped_and_counted_days_make_up_the_whole(self, start, n):
        end = due(start, Term(working_days=n), CALENDAR)
        whole = end.astimezone(SHANGHAI).date() - start.astimezone(SHANGHAI).date()
        assert len(skipped_days(start, end, CALENDAR)) + n == whole.days
