"""What is shown of payments."""

from datetime import date, datetime
from typing import ClassVar

import msgspec

from plugin_sdk.views import (
    ActionView,
    EntryView,
    FactView,
    FilterView,
    Money,
    Phrase,
    View,
    Words,
)


class SumLine(msgspec.Struct, frozen=True):
    """A part of a sum."""

    label: Words
    amount: Money


class PaymentItem(msgspec.Struct, kw_only=True):
    """A payment in a list."""

    number: str
    title: str
    amount: Money
    state: str
    state_label: Phrase
    at: datetime
    href: str


class PaymentListView(View, kw_only=True):
    """A page of payments: what moved last comes first."""

    template: ClassVar[str] = "payment_list.html"
    title: Words
    items: list[PaymentItem]
    filters: list[FilterView]
    next_href: str | None = None
    links: list[ActionView] = msgspec.field(default_factory=list)


class PaymentView(View, kw_only=True):
    """One payment: what is owed and until when, what came in, what goes back."""

    template: ClassVar[str] = "payment.html"
    number: str
    title: str
    amount: Money
    lines: list[SumLine]
    state: str
    state_label: Phrase
    sentence: Phrase
    version: int
    expires_at: datetime
    entries: list[EntryView]
    pay_href: str | None = None
    subject_href: str | None = None
    receipt_href: str | None = None
    actions: list[ActionView] = msgspec.field(default_factory=list)
    list_href: str = ""


class ReceiptView(View, kw_only=True):
    """What was paid, as the payer keeps it: the page prints as it stands."""

    template: ClassVar[str] = "payment_receipt.html"
    number: str
    title: str
    amount: Money
    lines: list[SumLine]
    facts: list[FactView]
    note: Phrase | None
    payment_href: str


class FindingItem(msgspec.Struct, kw_only=True):
    """Something that does not agree with the provider's statement."""

    id: str
    day: date
    kind: Phrase
    number: str
    transaction: str
    ours: Money | None
    theirs: Money | None
    state: str
    state_label: Phrase
    note: str | None
    payment_href: str | None
    settle: ActionView | None


class FindingsView(View, kw_only=True):
    """What does not agree with the provider, open ones first."""

    template: ClassVar[str] = "payment_findings.html"
    title: Words
    items: list[FindingItem]
    open: int
    compared: Phrase
