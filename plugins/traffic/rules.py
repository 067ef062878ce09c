"""The arithmetic of traffic: points, scoring periods, inspections, late fees. Days are those of
Shanghai; money is in fen."""

from collections.abc import Iterable
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

import msgspec

from plugin_sdk.times import last_of_month

FULL_POINTS: Final = 12
"""How many points use up a licence in one period (公安部令第163号 第二条)."""
POINTS: Final = frozenset({0, 1, 3, 6, 9, 12})
"""What one violation can count (公安部令第163号: 12、9、6、3、1 分); 0 for what counts none."""
PERIOD_MONTHS: Final = 12
LATE_PERCENT: Final = 3
PAY_DAYS: Final = 15
"""Within how many days of the decision a fine is paid (行政处罚法 第六十七条)."""


class Period(msgspec.Struct, frozen=True):
    """A scoring period (记分周期): its first and its last day."""

    first: date
    last: date


class Scored(msgspec.Struct, frozen=True):
    """A violation that counts: when it was dealt with, its points, and whether its fine is paid."""

    on: date
    points: int
    paid: bool


class Use(StrEnum):
    """What a vehicle is for, as far as inspections differ."""

    PRIVATE_CAR = "private_car"  # 非营运小微型载客汽车, nine seats at most, no van
    MOTORCYCLE = "motorcycle"
    COACH = "coach"  # 营运载客汽车
    LORRY = "lorry"  # 载货汽车, 大中型非营运载客汽车
    OTHER = "other"


class Inspection(StrEnum):
    """What is due: a test at a station, or the mark alone, which is had online."""

    TEST = "test"
    MARK = "mark"


def add_months(day: date, months: int) -> date:
    """Return the same day so many months later; the last of the month where there is none such
    (民法典 第二百零二条)."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    first = date(year, month + 1, 1)
    return first.replace(day=min(day.day, last_of_month(first).day))


def scoring_period(first_issued: date, day: date) -> Period:
    """Return the period in which a day lies: twelve months, counted on from the day the licence
    was first issued (公安部令第163号 第三条). Raises `ValueError` for a day before that."""
    if day < first_issued:
        raise ValueError("no period begins before the licence was first issued")
    years = day.year - first_issued.year
    if add_months(first_issued, years * PERIOD_MONTHS) > day:
        years -= 1
    following = add_months(first_issued, (years + 1) * PERIOD_MONTHS)
    return Period(add_months(first_issued, years * PERIOD_MONTHS), following - timedelta(days=1))


def points_used(first_issued: date, scored: Iterable[Scored], day: date) -> int:
    """Return how many points stand on a licence on a day.

    At the end of a period what was counted is cleared where it was under 12 and paid for; points
    whose fine is not paid are carried into the next (公安部令第163号, 记分执行). 12 or more stay
    until the study and the test, which the source knows of.
    """
    known = sorted((one for one in scored if one.on <= day), key=lambda one: one.on)
    standing: list[Scored] = []
    period: Period | None = None
    for one in known:
        now = scoring_period(first_issued, one.on)
        if period is not None and now != period:
            standing = _carried(standing)
        period = now
        standing.append(one)
    if period is not None and scoring_period(first_issued, day) != period:
        standing = _carried(standing)
    return sum(one.points for one in standing)


def _carried(standing: list[Scored]) -> list[Scored]:
    if sum(one.points for one in standing) >= FULL_POINTS:
        return standing
    return [one for one in standing if not one.paid]


def points_left(used: int) -> int:
    """Return how many points are left before the licence is used up."""
    return max(0, FULL_POINTS - used)


def inspection_kind(use: Use, registered: date, due: date) -> Inspection:
    """Return what is due on a day for a vehicle registered on another.

    Private cars and motorcycles have their test in the sixth and the tenth year and every year
    after; between, the mark alone every two years (公安部等四部门《关于深化机动车检验制度改革
    优化车辆检测工作的意见》, in force since 2022-10-01). Every other vehicle is tested each time
    (道路交通安全法实施条例 第十六条).
    """
    if use not in (Use.PRIVATE_CAR, Use.MOTORCYCLE):
        return Inspection.TEST
    years = _whole_years(registered, due)
    return Inspection.TEST if years in (6, 10) or years > 10 else Inspection.MARK


def next_inspection(use: Use, registered: date, after: date) -> date:
    """Return the first inspection later than a day: the end of the month of registration, which
    is what the mark says.

    Private cars and motorcycles: every two years up to the tenth, then yearly (2022). Coaches:
    yearly for five years, then half-yearly; lorries: yearly for ten, then half-yearly; others
    yearly (实施条例 第十六条).
    """
    months = 0
    while True:
        months += _interval(use, months)
        due = last_of_month(add_months(registered, months))
        if due > after:
            return due


def _interval(use: Use, months: int) -> int:
    if use in (Use.PRIVATE_CAR, Use.MOTORCYCLE):
        return 24 if months < 120 else 12
    half_yearly_from = {Use.COACH: 60, Use.LORRY: 120}.get(use)
    return 6 if half_yearly_from is not None and months >= half_yearly_from else 12


def late_fee(fine: int, due_on: date, paid_on: date) -> int:
    """Return what is added to a fine that is paid after its last day: 3% of it for each day,
    never more than the fine itself (行政处罚法 第七十二条)."""
    days = max(0, (paid_on - due_on).days)
    return min(fine, fine * LATE_PERCENT * days // 100)


def pay_by(decided: date) -> date:
    """Return the last day on which a fine is paid without more."""
    return decided + timedelta(days=PAY_DAYS)


def _whole_years(first: date, day: date) -> int:
    return day.year - first.year - (day.month < first.month)
