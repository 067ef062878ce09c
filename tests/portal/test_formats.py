"""How things are written (portal.md, section 5)."""

from datetime import UTC, date, datetime, timedelta

import pytest

from plugin_sdk.deadlines import Remaining
from plugin_sdk.views import DeadlineView
from portal import formats as f

TODAY = date(2026, 3, 1)
EVENING = datetime(2026, 3, 5, 9, 30, tzinfo=UTC)


def test_moments_are_shown_in_shanghai():
    late = datetime(2026, 3, 4, 17, 0, tzinfo=UTC)
    assert f.day(late, "zh-CN", today=TODAY) == "3月5日"
    assert f.clock(late) == "01:00"


@pytest.mark.parametrize(
    ("lang", "today", "expected"),
    [
        ("zh-CN", TODAY, "3月5日 17:30"),
        ("zh-CN", date(2027, 1, 1), "2026年3月5日 17:30"),
        ("en", TODAY, "5 March, 17:30"),
        ("en", date(2027, 1, 1), "5 March 2026, 17:30"),
    ],
)
def test_moment(lang, today, expected):
    assert f.moment(EVENING, lang, today=today) == expected


def test_days():
    assert f.due_day(date(2026, 3, 12), "zh-CN", today=TODAY) == "3月12日（周四）"
    assert f.due_day(date(2026, 3, 12), "en", today=TODAY) == "Thursday 12 March"
    assert f.table_day(EVENING) == "2026-03-05"
    assert f.table_moment(EVENING) == "2026-03-05 17:30"
    assert f.iso(EVENING) == "2026-03-05T17:30+08:00"


@pytest.mark.parametrize(
    ("first", "last", "zh", "en"),
    [
        (date(2026, 3, 2), date(2026, 3, 6), "3月2日至3月6日", "2 March to 6 March"),
        (date(2025, 3, 2), date(2025, 3, 6), "2025年3月2日至3月6日", "2 March to 6 March 2025"),
        (
            date(2025, 12, 30),
            date(2026, 1, 2),
            "2025年12月30日至2026年1月2日",
            "30 December 2025 to 2 January 2026",
        ),
    ],
)
def test_range(first, last, zh, en):
    assert f.day_range(first, last, "zh-CN", today=TODAY) == zh
    assert f.day_range(first, last, "en", today=TODAY) == en


@pytest.mark.parametrize(
    ("ago", "zh", "en"),
    [
        (timedelta(seconds=20), "刚刚", "just now"),
        (timedelta(minutes=1), "1 分钟前", "1 minute ago"),
        (timedelta(minutes=3), "3 分钟前", "3 minutes ago"),
        (timedelta(hours=5), "5 小时前", "5 hours ago"),
    ],
)
def test_relative_under_a_day(ago, zh, en):
    assert f.relative(EVENING - ago, EVENING, "zh-CN") == zh
    assert f.relative(EVENING - ago, EVENING, "en") == en


def test_relative_is_a_date_after_a_day():
    assert f.relative(EVENING - timedelta(days=1), EVENING, "zh-CN") == "3月4日 17:30"


@pytest.mark.parametrize(
    ("left", "zh", "en"),
    [
        (Remaining("days_left", 3), "剩 3 个工作日", "3 working days left"),
        (Remaining("days_left", 1), "剩 1 个工作日", "1 working day left"),
        (Remaining("today"), "今天到期", "due today"),
        (Remaining("hours_left", 3), "剩 3 小时（工作时间）", "3 working hours left"),
        (
            Remaining("overdue_under_day"),
            "超期不足 1 个工作日",
            "overdue by less than 1 working day",
        ),
        (Remaining("overdue_days", 2), "超期 2 个工作日", "overdue by 2 working days"),
        (
            Remaining("unknown"),
            "期限待定：节假日未录入",
            "deadline to be set: holidays not entered",
        ),
    ],
)
def test_what_is_left(left, zh, en):
    assert f.left(left, "zh-CN") == zh
    assert f.left(left, "en") == en


def test_every_kind_of_deadline_has_words_shape_and_tone():
    for kind in DeadlineView.__annotations__["kind"].__args__:
        view = DeadlineView(kind=kind, n=1)
        assert f.left(view, "zh-CN")
        assert f.left(view, "en")
        assert f.tone(view) in {"plain", "soon", "late", "paused", "ok"}
        assert bool(f.shape(view)) == (kind != "none")


@pytest.mark.parametrize(
    ("value", "zh", "en"),
    [
        (0, "0", "0"),
        (9_999, "9,999", "9,999"),
        (85_760, "8.58 万", "85,760"),
        (100_000, "10 万", "100,000"),
        (123_456_789, "1.23 亿", "123,456,789"),
        (2.5, "2.5", "2.5"),
    ],
)
def test_numbers_of_cards(value, zh, en):
    assert f.card_number(value, "zh-CN") == zh
    assert f.card_number(value, "en") == en


def test_percentages_carry_their_n():
    assert f.percent(95.9, 1204, "zh-CN") == "95.9%（n = 1,204）"
    assert f.percent(95.9, 1204, "en") == "95.9% (n = 1,204)"
    assert f.percent(88, 12, "zh-CN") == "88.0%（n = 12；样本少）"
    assert f.percent(100, 4, "zh-CN") == "人数过少不显示（<5）"
    assert f.percent(None, None, "zh-CN") == "未知"


def test_money():
    assert f.money(123_450) == "¥1,234.50"
    assert f.money(-5) == "-¥0.05"
    assert f.money(None) == "未知"
    assert f.money_prose(35_000_000, "zh-CN") == "35 万元"
    assert f.money_prose(35_000_000, "en") == "¥350,000"
    assert f.money_prose(123_450, "zh-CN") == "1,234.5 元"


def test_case_numbers_stand_in_fours():
    assert f.case_number("202611240001") == "2026 1124 0001"
    assert f.case_number("7F3K21") == "7F3K 21"


def test_no_value_is_never_a_blank():
    assert f.value_or_words(None, "en") == "not known"
    assert f.value_or_words(0, "en") == "0"
    assert f.value_or_words("岳麓区", "en") == "岳麓区"
    assert f.quantity(None, "percent", "zh-CN") == "未知"
    assert f.quantity(2.5, "working_days", "zh-CN") == "2.5 个工作日"
    assert f.quantity(1, "hours", "en") == "1 hour"
    assert f.not_applicable("zh-CN") == "不适用"
