"""What the pages of checking show."""

from datetime import date, datetime
from typing import ClassVar

import msgspec

from plugin_sdk.views import ActionView, FactView, FormView, Phrase, View, Words


class FollowUpItem(msgspec.Struct, kw_only=True):
    """Somebody to be called."""

    id: str
    number: str
    title: str
    unit: str
    rank: int
    rank_label: Phrase
    tries: int
    opened_at: datetime
    not_before: datetime | None
    href: str


class FollowUpsView(View, kw_only=True):
    """Who is to be called, the dissatisfied first."""

    template: ClassVar[str] = "hotline_follow_ups.html"
    title: Words
    counts: list[FactView]
    items: list[FollowUpItem]
    links: list[ActionView]


class CallItem(msgspec.Struct, kw_only=True):
    """A call of a follow-up."""

    at: datetime
    role: str
    outcome: Phrase
    answers: list[FactView]
    note: str


class FollowUpView(FormView, kw_only=True):
    """A follow-up: what was asked and answered, the calls so far, and the form of the next."""

    template: ClassVar[str] = "hotline_follow_up.html"
    number: str
    case_title: str
    state_label: Phrase
    notices: list[Phrase]
    reveal_href: str
    order_href: str
    calls: list[CallItem]


class StratumItem(msgspec.Struct, kw_only=True):
    """How many of how many answers of a unit were drawn."""

    unit: str
    n: int
    drawn: int


class SampleItem(msgspec.Struct, kw_only=True):
    """A sample in the list."""

    month: str
    size: int
    population: int
    drawn_at: datetime
    href: str


class SamplesView(View, kw_only=True):
    """The samples, newest first."""

    template: ClassVar[str] = "hotline_samples.html"
    title: Words
    items: list[SampleItem]
    create: ActionView | None


class CheckItem(msgspec.Struct, kw_only=True):
    """A check in a list."""

    id: str
    number: str
    title: str
    unit: str
    state: str
    state_label: Phrase
    tone: str
    due_at: datetime | None
    href: str


class SampleView(View, kw_only=True):
    """A sample: how it was drawn, from what, and its checks."""

    template: ClassVar[str] = "hotline_sample.html"
    title: Words
    first_day: date
    facts: list[FactView]
    strata: list[StratumItem]
    checks: list[CheckItem]
    back: str


class ChecksView(View, kw_only=True):
    """What checks found, what a correction is asked for first."""

    template: ClassVar[str] = "hotline_checks.html"
    title: Words
    items: list[CheckItem]


class CheckView(View, kw_only=True):
    """One check: what was answered, what was found, what is to be done."""

    template: ClassVar[str] = "hotline_check.html"
    id: str
    number: str
    title: str
    state: str
    state_label: Phrase
    tone: str
    version: int
    facts: list[FactView]
    asked: list[FactView]
    actions: list[ActionView]
    order_href: str
    back: str
