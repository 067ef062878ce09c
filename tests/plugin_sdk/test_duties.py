from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock

import pytest

from plugin_sdk.codes import Sheet, sheet_pdf
from plugin_sdk.deadlines import CalendarUnknown
from plugin_sdk.duties.calendar import Rest, add_months, due_at, read_period
from plugin_sdk.duties.engine import DutyEngine
from plugin_sdk.duties.models import DutyPeriod, standing_of
from plugin_sdk.problems import NotFound
from plugin_sdk.times import SHANGHAI


class Weekdays:
    def is_working_day(self, day):
        if day.year > 2026:
            raise CalendarUnknown(day.year)
        return day.weekday() < 5


@pytest.mark.parametrize(
    ("rest", "day"), [(Rest.NEXT, 12), (Rest.BEFORE, 9), (Rest.SAME, 10)]
)  # 10 October 2026 is a Saturday
def test_a_day_of_rest_moves_the_last_day_as_the_county_says(rest, day):
    due = due_at(Weekdays(), date(2026, 9, 1), day=10, months_later=1, rest=rest)
    assert due == datetime(2026, 10, day, 17, 30, tzinfo=SHANGHAI)


def test_a_last_day_in_a_year_that_is_not_known_is_none():
    late = {"day": 10, "months_later": 1}
    assert due_at(Weekdays(), date(2026, 12, 1), rest=Rest.NEXT, **late) is None
    assert due_at(Weekdays(), date(2026, 12, 1), rest=Rest.SAME, **late) is not None


def test_months_are_counted_over_the_years():
    assert add_months(date(2026, 1, 1), -1) == date(2025, 12, 1)
    assert add_months(date(2026, 11, 1), 14) == date(2028, 1, 1)
    for wrong in ("2026-13", "2026-1", "1999-01", "x"):
        with pytest.raises(NotFound):
            read_period(wrong)


DUE = datetime(2026, 9, 10, 17, 30, tzinfo=SHANGHAI)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("facts", "standing"),
    [
        ({"completed_at": DUE - HOUR, "done": 3}, "on_time"),
        ({"completed_at": DUE - HOUR, "done": 3, "nil": 3}, "nil"),
        ({"completed_at": DUE + HOUR, "done": 3}, "late"),
        ({"completed_at": DUE + HOUR, "done": 3, "late_at": DUE}, "late"),
        ({"late_at": DUE}, "missing"),
        ({}, "missing"),
        ({"due_at": None}, "open"),
        ({"released_at": DUE - HOUR}, "released"),
        ({"owed": 0}, "none"),
    ],
)
def test_a_period_stands_as_its_days_say(facts, standing):
    row = DutyPeriod.model_construct(**{"due_at": DUE, "owed": 3, **facts})
    assert standing_of(row, DUE + 2 * HOUR) == standing


@pytest.mark.parametrize(
    ("due", "urged", "said"),
    [
        (None, None, {"on_time": None, "reminded": False}),
        (DUE, None, {"on_time": True, "reminded": False}),
        (DUE - HOUR, DUE, {"on_time": False, "reminded": True}),
    ],
)
async def test_what_is_published_counts_as_on_time_by_its_last_day(due, urged, said):
    counted: list[Any] = []
    made: Any = SimpleNamespace(id=1, item="CW01", nil=False, late=False, seq=1)
    row: Any = SimpleNamespace(due_at=due, urged_at=urged, expected=[], owed=0, version=1)
    engine: Any = SimpleNamespace(
        duty=SimpleNamespace(event=None, effect="return.published"),
        subject=str,
        _published=AsyncMock(return_value=None),
    )
    work: Any = SimpleNamespace(
        now=DUE, effect=lambda name, _, **more: counted.append((name, more))
    )
    await DutyEngine.publish(engine, work, row, made)
    assert counted == [("return.published", said)]


def test_a_sheet_has_a_page_for_so_many_cards_and_is_the_same_each_time():
    cards = [
        Sheet(
            name=f"丁家村{n}",
            place="富国街道",
            said="扫码看公开",
            address=f"https://x/c/{n}",
            code="",
        )
        for n in range(9)
    ]
    sheets = {up: sheet_pdf(cards, up=up, title="一村一码") for up in (1, 4, 8)}
    pages = {up: sheet.count(b"/Type /Page\n") for up, sheet in sheets.items()}
    assert pages == {1: 9, 4: 3, 8: 2}
    assert sheets[8] == sheet_pdf(cards, up=8, title="一村一码")
