"""Samples for the gallery and its tests: what the kit of payments shows."""

from typing import Any

from plugin_sdk.payments.models import STATES
from plugin_sdk.payments.views import (
    FindingItem,
    FindingsView,
    PaymentItem,
    PaymentListView,
    PaymentView,
    ReceiptView,
    SumLine,
)
from plugin_sdk.views import ActionView, Money, Phrase, View
from portal.samples import NOW, both, entries, facts, filters


def payments() -> list[PaymentItem]:
    """Return a payment in each state."""
    return [
        PaymentItem(
            number=f"20261126000{n}",
            title="机动车违反禁令标志指示",
            amount=Money(15450),
            state=state,
            state_label=Phrase(f"payments.state.{state}"),
            at=NOW,
            href="/x",
        )
        for n, state in enumerate(STATES)
    ]


def findings() -> list[FindingItem]:
    """Return what does not agree with a provider: to settle, and settled."""
    settle = ActionView(verb="settle", label=Phrase("payments.act.settle"), href="/x")
    return [
        FindingItem(
            id=state,
            day=NOW.date(),
            kind=Phrase(f"payments.finding.{kind}"),
            number="202611260001",
            transaction="S0123456789",
            ours=Money(15450) if state == "open" else None,
            theirs=Money(15350),
            state=state,
            state_label=Phrase(f"payments.findings.{state}"),
            note="按账单补记" if state == "repaired" else None,
            payment_href="/x",
            settle=settle if state == "open" else None,
        )
        for kind, state in (("other-sum", "open"), ("missing-here", "repaired"))
    ]


def pages() -> dict[str, View]:
    """Return the pages of payments, by name."""
    act = ActionView(verb="refund", label=Phrase("payments.act.refund"), href="/x")
    lines = [SumLine(both("罚款", "Fine"), Money(15000)), SumLine(both("加处", "Late"), Money(450))]
    said: dict[str, Any] = {
        "number": "202611260001",
        "title": "机动车违反禁令标志指示",
        "amount": Money(15450),
    }
    views = {
        f"payment_{state}": PaymentView(
            **said,
            lines=lines,
            state=state,
            state_label=Phrase(f"payments.state.{state}"),
            sentence=Phrase(f"payments.sentence.{state}", {"until": NOW}),
            version=2,
            expires_at=NOW,
            entries=entries(),
            pay_href="/x" if state == "open" else None,
            subject_href="/x",
            receipt_href="/x" if state == "paid" else None,
            actions=[act] if state == "paid" else [],
            list_href="/x",
        )
        for state in ("open", "paid")
    }
    return {
        **views,
        "payment_list": PaymentListView(
            title=Phrase("payments.own"),
            items=payments(),
            filters=filters(),
            next_href="/x",
            links=[act],
        ),
        "payment_receipt": ReceiptView(
            **said,
            lines=lines,
            facts=facts(),
            note=Phrase("payments.receipt.refunded"),
            payment_href="/x",
        ),
        "payment_findings": FindingsView(
            title=Phrase("payments.findings.title"),
            items=findings(),
            open=1,
            compared=Phrase("payments.findings.compared", {"days": 3}),
        ),
    }
