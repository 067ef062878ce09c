"""The working calendar: published holidays, and the notices an administrator entered.

Every autumn the State Council's office publishes the next year's days off and exchanged
working days (国务院办公厅关于部分节假日安排的通知). The `chinesecalendar` package carries those
of the years it knows; a year it does not know yet is entered as a `Notice`. Beyond both
`CalendarUnknown` is raised: Monday to Friday is never assumed.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from functools import cache
from typing import Any, Final

import msgspec

from plugin_sdk.deadlines import CalendarUnknown

_SATURDAY: Final = 5
# 全国年节及纪念日放假办法 (国务院令第795号, 2024) 第二条: those whose date is the same each year.
_FIXED_HOLIDAYS: Final = ((1, 1), (5, 1), (10, 1), (10, 2), (10, 3))


class NoticeError(ValueError):
    """A holiday notice that cannot be right; `code` says why, `params["days"]` which days.

    Codes: `notice-empty`, `notice-other-year`, `notice-both` (a day off and worked),
    `notice-workday-on-weekday`, `notice-holiday-missing` (a statutory holiday of fixed date),
    `notice-twice` (two notices for one year).
    """

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


class Notice(msgspec.Struct, frozen=True):
    """The holidays of one year as its notice names them; it replaces the package's year whole.

    `holidays` are all days off that the notice names, `workdays` the Saturdays and Sundays
    worked in exchange. The holiday of 1 January may begin in December of the year before, so
    December dates of that year may stand here. Raises `NoticeError`.
    """

    year: int
    holidays: frozenset[date]
    workdays: frozenset[date]

    def __post_init__(self) -> None:
        _refuse("notice-empty", self.year, [] if self.holidays else [date(self.year, 1, 1)])
        days = self.holidays | self.workdays
        _refuse("notice-other-year", self.year, (day for day in days if not self._covers(day)))
        _refuse("notice-both", self.year, self.holidays & self.workdays)
        worked = (day for day in self.workdays if day.weekday() < _SATURDAY)
        _refuse("notice-workday-on-weekday", self.year, worked)
        fixed = {date(self.year, month, day) for month, day in _FIXED_HOLIDAYS}
        _refuse("notice-holiday-missing", self.year, fixed - self.holidays)

    def _covers(self, day: date) -> bool:
        return day.year == self.year or (day.year == self.year - 1 and day.month == 12)


class HolidayCalendar:
    """A `plugin_sdk.deadlines.WorkingCalendar`: notices first, then the package's years.

    A day named by a notice is as the notice says (late December by the next year's notice
    first); any other day of a known year is worked from Monday to Friday. Raises `NoticeError`
    (`notice-twice`) when two notices are for one year.
    """

    def __init__(self, notices: Iterable[Notice] = ()) -> None:
        self._notices: dict[int, Notice] = {}
        for notice in notices:
            if notice.year in self._notices:
                raise NoticeError("notice-twice", year=notice.year, days=[])
            self._notices[notice.year] = notice
        self._known: dict[date, bool] = {}  # the deadlines of one list ask some hundred times

    @property
    def known_years(self) -> frozenset[int]:
        """The years whose working days are known."""
        return frozenset(self._notices) | published_years()

    def is_working_day(self, day: date) -> bool:
        """Return whether offices work on `day`; raise `CalendarUnknown` beyond known years."""
        known = self._known.get(day)
        if known is None:
            known = self._known[day] = self._look_up(day)
        return known

    def _look_up(self, day: date) -> bool:
        for year in (day.year + 1, day.year):
            notice = self._notices.get(year)
            if notice is not None and day in notice.holidays:
                return False
            if notice is not None and day in notice.workdays:
                return True
        if day.year in self._notices:
            return day.weekday() < _SATURDAY
        if day.year not in published_years():
            raise CalendarUnknown(day.year)
        import chinese_calendar

        return bool(chinese_calendar.is_workday(day))


def published(year: int) -> Notice:
    """Return what the package knows of a year, to start the entry of a changed notice from.

    Raises `CalendarUnknown` beyond the package's years.
    """
    if year not in published_years():
        raise CalendarUnknown(year)
    import chinese_calendar

    first = date(year, 1, 1)
    days = [first + timedelta(days=n) for n in range((date(year + 1, 1, 1) - first).days)]
    off = {day for day in days if chinese_calendar.get_holiday_detail(day)[1] is not None}
    worked = frozenset(day for day in off if chinese_calendar.is_workday(day))
    return Notice(year, frozenset(off) - worked, worked)


@cache
def published_years() -> frozenset[int]:
    """Return the years that the package knows; none is guessed from today's date."""
    from chinese_calendar.constants import holidays

    years = {day.year for day in holidays}
    return frozenset(range(min(years), max(years) + 1))


def _refuse(code: str, year: int, days: Iterable[date]) -> None:
    wrong = sorted(days)
    if wrong:
        raise NoticeError(code, year=year, days=wrong)
