from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin_sdk.times import SHANGHAI, LegacyTime, TimeError, parse_legacy_time

moments = st.integers(min_value=0, max_value=107 * 365 * 86_400).map(
    lambda seconds: datetime(1992, 1, 1, tzinfo=SHANGHAI) + timedelta(seconds=seconds)
)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2019/4/25 9:32:09", datetime(2019, 4, 25, 1, 32, 9, tzinfo=UTC)),
        ("2017/12/27 16:12:59", datetime(2017, 12, 27, 8, 12, 59, tzinfo=UTC)),
        ("2019-04-08 08:37:20", datetime(2019, 4, 8, 0, 37, 20, tzinfo=UTC)),
        ("2019/04/08 00:00:00", datetime(2019, 4, 7, 16, 0, 0, tzinfo=UTC)),
        ("2020/2/29 7:05", datetime(2020, 2, 28, 23, 5, tzinfo=UTC)),
        (" 2019/4/25  9:32:09\t", datetime(2019, 4, 25, 1, 32, 9, tzinfo=UTC)),
    ],
)
def test_a_spelling_met_in_exports_is_read_as_shanghai_time(text, at):
    assert parse_legacy_time(text) == LegacyTime(at, has_time=True)


@pytest.mark.parametrize("text", ["2018/4/24", "2018-04-24"])
def test_a_date_alone_says_that_its_time_is_unknown(text):
    read = parse_legacy_time(text)
    assert not read.has_time
    assert read.at.astimezone(SHANGHAI).date() == date(2018, 4, 24)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "time-empty"),
        (" \t\n", "time-empty"),
        ("2019/2/31", "time-impossible"),
        ("2019/2/29 8:00:00", "time-impossible"),
        ("2019/13/1", "time-impossible"),
        ("2019/4/25 25:00:00", "time-impossible"),
        ("2019/4/25 24:00:00", "time-impossible"),
        ("2019/4/25 9:60:00", "time-impossible"),
        ("2019/4/25 9:59:60", "time-impossible"),
        ("0000/1/1 0:00:00", "time-out-of-range"),
        ("1900/1/0 0:00:00", "time-out-of-range"),
        ("9999-12-31 23:59:59", "time-out-of-range"),
        ("43580.39733", "time-unreadable"),
        ("25/4/2019", "time-unreadable"),
        ("19/4/25", "time-unreadable"),
        ("2019/4-25", "time-unreadable"),
        ("2019.4.25", "time-unreadable"),
        ("2019年4月25日", "time-unreadable"),
        ("2019/4/25T09:32:09", "time-unreadable"),
        ("2019/4/25 9:32:09 PM", "time-unreadable"),
        ("2019/4/25 9:32:09Z", "time-unreadable"),
        ("２０１９/4/25", "time-unreadable"),
        ("-", "time-unreadable"),
    ],
)
def test_anything_else_is_refused_with_its_reason(text, code):
    with pytest.raises(TimeError) as refused:
        parse_legacy_time(text)
    assert refused.value.code == code


def test_what_was_read_comes_back_shortened():
    with pytest.raises(TimeError) as refused:
        parse_legacy_time("x" * 500)
    assert refused.value.params == {"text": "x" * 40}


@settings(deadline=None)
@given(moments)
def test_every_moment_survives_both_separators(moment):
    slashed = f"{moment.year}/{moment.month}/{moment.day} {moment.hour}:{moment:%M:%S}"  # unpadded
    assert parse_legacy_time(slashed).at == moment
    assert parse_legacy_time(f"{moment:%Y-%m-%d %H:%M:%S}").at == moment


@settings(deadline=None)
@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(text):
    with suppress(TimeError):
        assert parse_legacy_time(text).at.tzinfo is UTC


def test_shanghai_is_eight_hours_ahead_all_year():
    for month in range(1, 13):
        assert datetime(2026, month, 1, tzinfo=SHANGHAI).utcoffset() == timedelta(hours=8)
