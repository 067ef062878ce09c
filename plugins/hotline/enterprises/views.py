"""What the pages of the enterprise desk show."""

from datetime import date, datetime
from typing import ClassVar

import msgspec

from plugin_sdk.registers.views import RecordView
from plugin_sdk.views import ActionView, FactView, View, Words


class AskedItem(msgspec.Struct, frozen=True, kw_only=True):
    """What an enterprise asked, how it stands, and what it got."""

    number: str
    title: str
    kind: Words
    state: str
    state_label: Words
    opened_at: datetime
    reply: str
    href: str


class CallItem(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a call, who called and when."""

    outcome: str
    outcome_label: Words
    at: datetime
    role: str
    note: str
    order_number: str | None
    order_href: str | None


class CardItem(msgspec.Struct, frozen=True, kw_only=True):
    """A card that was handed out."""

    code: str
    title: str
    valid_until: date
    state: str
    state_label: Words
    href: str


class EnterpriseView(RecordView, kw_only=True):
    """An enterprise: its record, then what it asked and got, the calls, its cards."""

    template: ClassVar[str] = "hotline_enterprise.html"
    orders: list[AskedItem] = msgspec.field(default_factory=list)
    calls: list[CallItem] = msgspec.field(default_factory=list)
    cards: list[CardItem] = msgspec.field(default_factory=list)


class PlanItem(msgspec.Struct, frozen=True, kw_only=True):
    """An enterprise that a plan asks, and what came of it so far."""

    code: str
    name: str
    contact: str
    phone: str
    reached: bool
    said: Words
    href: str
    call_href: str | None


class PlanView(View, kw_only=True):
    """The calls of a plan: what to ask, how far it is, whom to call."""

    template: ClassVar[str] = "hotline_enterprise_calls.html"
    title: str
    over: bool
    until: date | None
    script: str
    asked: int
    reached: int
    items: list[PlanItem]
    mine: bool
    other_href: str
    next_href: str | None
    plan_href: str


class CardView(View, kw_only=True):
    """A card as anybody may check it: whether it holds, and then what it says."""

    template: ClassVar[str] = "hotline_card.html"
    title: Words
    code: str
    state: str
    state_label: Words
    facts: list[FactView]
    actions: list[ActionView] = msgspec.field(default_factory=list)
