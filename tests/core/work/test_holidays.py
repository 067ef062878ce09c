from datetime import UTC, date, datetime, timedelta

import chinese_calendar
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.work.holidays import HolidayCalendar, Notice, NoticeError, published, published_years
from plugin_sdk.deadlines import CalendarUnknown, Term, WorkingCalendar, due

LAST = max(published_years())
NEXT = LAST + 1
FIXED = frozenset(
    date(NEXT, month, day) for month, day in ((1, 1), (5, 1), *((10, n) for n in (1, 2, 3)))
)


def weekday(year: int, month: int, wanted: int) -> date:
    """The first day of the month that falls on a weekday."""
    first = date(year, month, 1)
    return first + timedelta(days=(wanted - first.weekday()) % 7)


def refusal(*arguments) -> NoticeError:
    with pytest.raises(NoticeError) as refused:
        Notice(*arguments)
    return refused.value


class TestPublishedYears:
    @pytest.mark.parametrize(
        ("day", "worked"),
        [
            (date(2025, 10, 1), False),
            (date(2025, 10, 8), False),
            (date(2025, 10, 11), True),  # a Saturday worked in exchange
            (date(2025, 10, 12), False),
            (date(2025, 10, 13), True),
            (date(2018, 12, 31), False),  # named by the notice for 2019
        ],
    )
    def test_days_are_as_the_notices_said(self, day, worked):
        assert HolidayCalendar().is_working_day(day) is worked

    @settings(deadline=None)
    @given(st.dates(date(min(published_years()), 1, 1), date(LAST, 12, 31)))
    def test_without_notices_every_day_is_as_the_package_says(self, day):
        assert HolidayCalendar().is_working_day(day) == chinese_calendar.is_workday(day)

    @pytest.mark.parametrize("year", sorted(published_years()))
    def test_a_published_year_can_be_entered_again_as_a_notice(self, year):
        calendar = HolidayCalendar([published(year)])
        day = date(year, 1, 1)
        while day.year == year:
            assert calendar.is_working_day(day) == chinese_calendar.is_workday(day), day
            day += timedelta(days=1)

    @pytest.mark.parametrize("year", [min(published_years()) - 1, NEXT])
    def test_beyond_them_nothing_is_guessed(self, year):
        with pytest.raises(CalendarUnknown) as unknown:
            HolidayCalendar().is_working_day(weekday(year, 6, 2))
        assert unknown.value.year == year
        with pytest.raises(CalendarUnknown):
            published(year)

    def test_a_deadline_into_an_unknown_year_stays_unknown(self):
        calendar: WorkingCalendar = HolidayCalendar()
        with pytest.raises(CalendarUnknown):
            due(datetime(LAST, 12, 30, tzinfo=UTC), Term(working_days=15), calendar)


class TestNotices:
    def test_a_notice_makes_its_year_known(self):
        saturday = weekday(NEXT, 9, 5)
        calendar = HolidayCalendar([Notice(NEXT, FIXED, frozenset({saturday}))])
        assert NEXT in calendar.known_years
        assert not calendar.is_working_day(date(NEXT, 5, 1))
        assert calendar.is_working_day(saturday)
        assert not calendar.is_working_day(saturday + timedelta(days=7))
        assert calendar.is_working_day(weekday(NEXT, 6, 2))
        with pytest.raises(CalendarUnknown):
            calendar.is_working_day(weekday(NEXT + 1, 6, 2))

    def test_a_notice_wins_over_the_package(self):
        known = published(2025)
        extra = weekday(2025, 6, 2)
        notice = Notice(2025, known.holidays | {extra}, known.workdays)
        assert HolidayCalendar().is_working_day(extra)
        assert not HolidayCalendar([notice]).is_working_day(extra)

    def test_the_first_holiday_may_begin_in_the_december_before(self):
        friday, sunday = weekday(LAST, 12, 4), weekday(LAST, 12, 6)
        notice = Notice(NEXT, FIXED | {friday}, frozenset({sunday}))
        calendar = HolidayCalendar([published(LAST), notice])
        assert not calendar.is_working_day(friday)
        assert calendar.is_working_day(sunday)

    def test_a_notice_for_the_next_year_alone_leaves_this_year_to_its_own(self):
        calendar = HolidayCalendar(
            [
                Notice(
                    LAST + 2,
                    frozenset(
                        date(LAST + 2, month, day)
                        for month, day in ((1, 1), (5, 1), (10, 1), (10, 2), (10, 3))
                    ),
                    frozenset(),
                )
            ]
        )
        with pytest.raises(CalendarUnknown):
            calendar.is_working_day(weekday(NEXT, 12, 2))

    def test_one_year_has_one_notice(self):
        notice = Notice(NEXT, FIXED, frozenset())
        with pytest.raises(NoticeError) as refused:
            HolidayCalendar([notice, notice])
        assert refused.value.code == "notice-twice"


class TestNoticeIsChecked:
    def test_it_names_holidays(self):
        assert refusal(NEXT, frozenset(), frozenset()).code == "notice-empty"

    def test_its_days_are_of_its_year(self):
        stray = date(NEXT + 1, 1, 1)
        error = refusal(NEXT, FIXED | {stray}, frozenset())
        assert (error.code, error.params["days"]) == ("notice-other-year", [stray])
        november = date(LAST, 11, 30)
        assert refusal(NEXT, FIXED | {november}, frozenset()).code == "notice-other-year"

    def test_no_day_is_both_off_and_worked(self):
        saturday = weekday(NEXT, 9, 5)
        error = refusal(NEXT, FIXED | {saturday}, frozenset({saturday}))
        assert (error.code, error.params["days"]) == ("notice-both", [saturday])

    def test_only_saturdays_and_sundays_are_worked_in_exchange(self):
        wednesday = weekday(NEXT, 9, 2)
        assert refusal(NEXT, FIXED, frozenset({wednesday})).code == "notice-workday-on-weekday"

    def test_statutory_holidays_of_fixed_date_are_not_forgotten(self):
        error = refusal(NEXT, FIXED - {date(NEXT, 10, 2)}, frozenset())
        assert (error.code, error.params["days"]) == (
            "notice-holiday-missing",
            [date(NEXT, 10, 2)],
        )
