"""Months, spans, limits and files by themselves."""

from datetime import date, timedelta

import pytest

from core.usage.measures import DayTotals, Observed, Window
from core.usage.months import Month
from plugin_sdk.documents import Document, Part, Table, pdf, workbook
from plugin_sdk.views import Phrase
from portal.pages.governance.dossier_charts import spans, use
from portal.pages.governance.thresholds import limits


def test_months_count_over_the_turn_of_a_year():
    assert str(Month.named("2026-03").before(13)) == "2025-02"
    assert Month(2024, 2).last == date(2024, 2, 29)
    assert Month(2025, 12).last == date(2025, 12, 31)
    for wrong in ("2026-3", "2026-13", "2026-03-01", "0000-01", "x"):
        with pytest.raises(ValueError):  # noqa: PT011  (that of dates)
            Month.named(wrong)


def test_a_long_period_is_drawn_by_whole_weeks_up_to_its_last_day():
    window = Window(date(2026, 1, 1), date(2026, 4, 1))
    weeks = spans(window)
    assert len(weeks) == 13
    assert weeks[-1].until == window.until
    assert {week.days for week in weeks} == {7}
    assert len(spans(Window(date(2026, 1, 1), date(2026, 1, 31)))) == 31


def test_a_span_with_an_unknown_day_is_unknown_and_one_without_counts_is_zero():
    first = date(2026, 3, 2)
    observed = Observed(
        app="a",
        counted_since=first,
        days=(DayTotals(first, effects=4),),
        unknown_days=frozenset({first + timedelta(days=2)}),
    )
    chart = use(
        observed, Window(first - timedelta(days=1), first + timedelta(days=3)), kind="effects"
    )
    assert [row[1] for row in chart.rows] == [None, 4, 0, None, 0]
    assert {row[2] for row in chart.rows} == {None}
    gap = Phrase("page.dossier.days_unknown", {"n": 2})
    alone = Phrase("page.dossier.effects_alone", {"n": 4})
    assert chart.sentence == Phrase("page.dossier.with_gap", {"sentence": alone, "gap": gap})
    never = use(observed, Window(date(2025, 1, 1), date(2025, 1, 9)), kind="opens")
    assert never.sentence == Phrase("page.dossier.unknown"), "not even zero is known"


def test_limits_are_read_as_they_are_written():
    share = next(limit for limit in limits() if limit.name == "rules.low_use.reach.daily")
    assert share.read("12.5%") == 0.125
    assert share.written(0.125) == "12.5"
    days = next(limit for limit in limits() if limit.name == "rules.unfiled.days")
    assert days.read(" 90 ") == 90
    for wrong in ("", "ninety", "9.5", "-1", "1" * 30):
        with pytest.raises(ValueError):  # noqa: PT011  (that of numbers)
            days.read(wrong)


def test_files_hold_no_formula_and_sheets_have_names_of_their_own():
    table = Table("a/b" * 20, ["=1+1", "n"], [["@x", 3]])
    document = Document(title="<a & b>", about=["=x"], parts=[Part("p", ["<b>"]), table, table])
    from io import BytesIO

    from openpyxl import load_workbook

    book = load_workbook(BytesIO(workbook(document)))
    assert len(set(book.sheetnames)) == 3
    assert [[cell.value for cell in row] for row in book.worksheets[1].rows] == [
        ["'=1+1", "n"],
        ["'@x", 3],
    ]
    assert pdf(document, lang="en", foot="f").startswith(b"%PDF")
