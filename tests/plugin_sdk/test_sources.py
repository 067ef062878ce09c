from datetime import UTC, datetime, timedelta

from plugin_sdk.sources import Breaker, Known, freshness
from plugin_sdk.views import Phrase
from portal.templating import WORDS
from portal.texts import Catalogue

NOW = datetime(2026, 9, 1, 1, 0, tzinfo=UTC)


def test_a_breaker_opens_rests_and_lets_one_through():
    at = [0.0]
    breaker = Breaker(failures=2, rest_seconds=30, clock=lambda: at[0])
    breaker.failed()
    assert breaker.lets_through()
    breaker.failed()
    assert not breaker.lets_through()
    at[0] = 30.0
    assert [breaker.lets_through() for _ in range(3)] == [True, False, False]
    breaker.failed()
    at[0] = 59.0
    assert not breaker.lets_through()
    at[0] = 60.0
    assert breaker.lets_through()
    breaker.answered()
    assert [breaker.lets_through() for _ in range(3)] == [True] * 3


def test_freshness_has_words_for_every_state():
    words = Catalogue.merge({"": WORDS})
    ages = (timedelta(), timedelta(minutes=5), timedelta(days=2))
    states = [Known(seen_at=NOW - age) for age in ages]
    states += [
        Known(seen_at=seen, fault=fault)
        for fault in ("slow", "away", "wrong", "resting")
        for seen in (None, NOW - timedelta(hours=3))
    ]
    for known in states:
        view = freshness(known, NOW, "交管系统")
        assert isinstance(view.said, Phrase)
        for lang in ("zh", "en"):
            assert "交管系统" in words.text(lang, view.said.key, **view.said.params)
        assert view.tone == ("soon" if known.fault else "state")
        assert view.seen_at == known.seen_at
