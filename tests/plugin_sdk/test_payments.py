from datetime import UTC, datetime, timedelta

import pytest

from plugin_sdk.payments.findings import Ours, compare
from plugin_sdk.payments.models import STATES, TRANSITIONS
from plugin_sdk.payments.provider import NOTICE, Movement, opened_notice
from plugin_sdk.problems import Problem
from plugin_sdk.webhooks import SKEW, kept_key, key_in, signature

NOW = datetime(2026, 5, 6, 12, tzinfo=UTC)
KEY = b"k" * 32
STAMP, NONCE, SIGNATURE = NOTICE.headers
PAID = Movement(kind="paid", number="1", transaction="T1", amount=15450, at=NOW)


def test_a_signature_is_of_the_time_the_nonce_and_the_very_bytes():
    assert NOTICE.headers == ("payment-timestamp", "payment-nonce", "payment-signature")
    assert signature(b"key", "1", "nonce-00", b"{}") == (
        "ded0c53174187395b7c6cb85e85692b3cc1544b54dd8a9d9adeb8352acdba607"
    )
    headers, body = NOTICE.signed(KEY, PAID, NOW, "nonce-01")
    assert opened_notice(KEY, headers, body, NOW + SKEW) == PAID
    for changed, sent, at in (
        ({STAMP: "0"}, body, NOW),
        ({STAMP: "-1"}, body, NOW),
        ({STAMP: "９"}, body, NOW),
        ({NONCE: "nonce-02"}, body, NOW),
        ({SIGNATURE: ""}, body, NOW),
        ({SIGNATURE: "签"}, body, NOW),
        ({}, body + b" ", NOW),
        ({}, body.replace(b"15450", b"15451"), NOW),
        ({}, b"x" * 5000, NOW),
        ({}, body, NOW + SKEW + timedelta(seconds=1)),
        ({}, body, NOW - SKEW - timedelta(seconds=1)),
    ):
        with pytest.raises(Problem) as refused:
            opened_notice(KEY, {**headers, **changed}, sent, at)
        assert refused.value.code == "payments.unsigned"
    for body in (
        b"{}",
        b"[" * 2000,
        b'{"kind":"paid","number":"1","transaction":"T","amount":1.5,"at":"2026-05-06T12:00:00Z"}',
        b'{"kind":"paid","number":"1","transaction":"T","amount":0,"at":"2026-05-06T12:00:00Z"}',
        b'{"kind":"paid","number":"1","transaction":"","amount":5,"at":"2026-05-06T12:00:00Z"}',
        b'{"kind":"paid","number":"1","transaction":"T","amount":5,"at":"2026-05-06T12:00:00"}',
    ):
        stamp = headers[STAMP]
        signed = {**headers, SIGNATURE: signature(KEY, stamp, headers[NONCE], body)}
        with pytest.raises(Problem) as refused:
            opened_notice(KEY, signed, body, NOW)
        assert refused.value.code == "payments.unreadable"


def test_a_key_is_made_once_for_its_owner_alone_and_a_short_one_is_refused(tmp_path):
    path = tmp_path / "apps" / "traffic" / "key"
    assert kept_key(path) == kept_key(path) == key_in(path)
    assert path.stat().st_mode & 0o077 == 0
    path.write_text("short")
    for named in (path, tmp_path / "nothing"):
        with pytest.raises(ValueError, match="lacks a key"):
            key_in(named)


def test_every_step_leads_to_a_state_and_money_that_came_is_never_refused():
    assert {*TRANSITIONS.values(), *(state for state, _ in TRANSITIONS)} == set(STATES)
    taken = {state for state, step in TRANSITIONS if step == "pay"}
    settled = {"paid", "refunding", "refunded"}  # more money is extra there, and goes back
    assert taken | settled == set(STATES)


def test_a_statement_and_what_we_hold_are_compared_by_transaction():
    back = Movement(kind="refund", number="1", transaction="T1", amount=9, at=NOW, refund="R1")
    failed = Movement(kind="paid", number="2", transaction="T3", amount=9, at=NOW, done=False)
    held = {"T1": Ours("1", "T1", 15450), "R1": Ours("1", "T1", 8), "T2": Ours("2", "T2", 1)}
    assert compare([PAID, back, failed], held) == ([], [back], ["T2"])
    assert compare([PAID], {}) == ([PAID], [], [])
