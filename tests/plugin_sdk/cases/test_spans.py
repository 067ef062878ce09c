"""Of which spans a period is put together: each of its days once, and few of them to read."""

from collections import Counter
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from plugin_sdk.cases.spans import Span, parts_of

DAYS = st.dates(date(2024, 1, 1), date(2027, 12, 31))


@given(DAYS, st.integers(0, 200), DAYS)
def test_a_period_is_put_together_of_few_spans(since, days, today):
    until = since + timedelta(days=days)
    parts = parts_of(since, until, today)
    of = Counter[date]()
    for part, n in parts.items():
        for day in range((part.until - part.since).days + 1):
            of[part.since + timedelta(days=day)] += n
    assert +of == Counter(since + timedelta(days=n) for n in range(days + 1))
    assert not -of
    ends = [part for part in parts if part.span != "month" and part.since <= today]
    assert len(ends) <= 14, "seven at each end at most, whatever the period"


def test_the_month_under_way_is_one_span():
    today = date(2026, 11, 26)
    read = {part for part in parts_of(date(2026, 8, 29), today, today) if part.since <= today}
    months = [Span("month", date(2026, month, 1)) for month in (9, 10, 11)]
    assert read == {*months, *(Span("day", date(2026, 8, day)) for day in (29, 30, 31))}
