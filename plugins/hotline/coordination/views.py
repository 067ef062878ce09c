"""What is shown of coordinations beside what every case shows."""

from datetime import date
from typing import ClassVar

import msgspec

from plugin_sdk.views import CaseDetailView, FactView, View, Words


class SeatView(msgspec.Struct, frozen=True, kw_only=True):
    """Who takes part: whether they come, and what they gave in writing."""

    title: Words
    name: str
    role: Words
    standing: Words
    there: bool
    reason: str
    facts: list[FactView]


class ShareView(msgspec.Struct, frozen=True, kw_only=True):
    """What one unit has to do; its order where the actor may see it."""

    unit: str
    task: str
    due_on: date
    mine: bool
    number: str = ""
    href: str | None = None
    state_label: Words = ""
    answered: bool = False
    reply: str | None = None


class CoordinationView(CaseDetailView, kw_only=True):
    """A coordination: the meeting, who takes part, the decision with each unit's part."""

    template: ClassVar[str] = "hotline_coordination.html"
    order_number: str
    order_href: str | None = None
    what_next: Words
    warnings: list[Words]
    meeting: list[FactView]
    seats: list[SeatView]
    decision: list[FactView]
    shares: list[ShareView]
    paper: list[FactView]
    paper_href: str | None = None
    check_href: str | None = None


class VerifyView(View, kw_only=True):
    """What everybody may know of the code of a paper: whether it is one, and the least that a
    check needs."""

    template: ClassVar[str] = "hotline_verify.html"
    title: Words
    state: str
    state_label: Words
    tone: str
    facts: list[FactView]
    code: str
    action: str
