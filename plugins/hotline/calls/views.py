"""What is shown of calls: numbers masked, and nobody who took one."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import ClassVar
from uuid import UUID

import msgspec

from plugin_sdk.identifiers import mask_phone
from plugin_sdk.views import (
    ActionView,
    CaseItem,
    DeadlineView,
    FieldView,
    FilterView,
    Phrase,
    View,
    Words,
)
from plugins.hotline.beside import BesideView
from plugins.hotline.calls.models import Call


class CallItem(msgspec.Struct, frozen=True, kw_only=True):
    """A call in a list; `seconds` is how long it was spoken."""

    id: str
    direction: Phrase
    phone: Words
    line: Words
    outcome: Phrase | None
    tone: str
    started_at: datetime
    seconds: int | None
    note: str = ""
    order: str = ""
    order_href: str = ""


class RingingView(msgspec.Struct, frozen=True, kw_only=True):
    """A call that waits for somebody to take it."""

    id: str
    phone: Words
    line: Words
    started_at: datetime
    answer_href: str


class PhoneView(View, kw_only=True):
    """The telephone on the desk: what rings, and how the call at the desk stands. `seen` tells
    whether anything has changed, `shown` is the call that the page around it is of."""

    template: ClassVar[str] = "hotline_phone.html"
    ringing: list[RingingView]
    current: str
    state: Phrase | None
    seen: str
    shown: str
    href: str
    said: Phrase | None


class FiledView(msgspec.Struct, frozen=True, kw_only=True):
    """What the caller is told of the order that was just filed."""

    number: str
    code: str
    deadline: DeadlineView
    href: str
    hang_up_href: str | None


class PartForm(msgspec.Struct, frozen=True, kw_only=True):
    """One form of the desk; `hidden` goes with it."""

    action: str
    fields: list[FieldView]
    hidden: dict[str, str] = {}


class DeskView(View, kw_only=True):
    """The operator's desk: the telephone, the call at it, who called, what is taken down."""

    template: ClassVar[str] = "hotline_desk.html"
    phone: PhoneView
    seat: str | None
    seat_form: PartForm
    dial_form: PartForm
    call: CallItem | None = None
    intake: PartForm | None = None
    finish: PartForm | None = None
    orders: list[CaseItem] = msgspec.field(default_factory=list)
    calls: list[CallItem] = msgspec.field(default_factory=list)
    filed: FiledView | None = None
    beside: BesideView | None = None
    begun: str = ""
    """The answer of the knowledge base with which the caller is answered."""
    links: list[ActionView] = msgspec.field(default_factory=list)
    conflict: Phrase | None = None

    @property
    def wrong(self) -> list[FieldView]:
        """Return the fields that something is wrong with."""
        parts = (self.intake, self.finish, self.seat_form, self.dial_form)
        return [field for part in parts if part for field in part.fields if field.error]


class CallsView(View, kw_only=True):
    """A page of calls, newest first."""

    template: ClassVar[str] = "hotline_calls.html"
    items: list[CallItem]
    filters: list[FilterView]
    next_href: str | None = None
    links: list[ActionView] = msgspec.field(default_factory=list)


def phone_words(phone: str) -> Words:
    """Return a number as it is shown."""
    return mask_phone(phone) if phone else Phrase("hotline.call.hidden")


def line_words(line: str | None, names: Mapping[str, str]) -> Words:
    """Return the line of a call: the county's own number where it is none of the old ones."""
    if line is None:
        return Phrase("hotline.line.own")
    return f"{names[line]} {line}" if line in names else line


def call_item(call: Call, names: Mapping[str, str], numbers: Mapping[UUID, str]) -> CallItem:
    """Return a call as lists show it; `numbers` are those of the orders that may be shown. Of
    another's order, or one whose caller is secret (also since), it does not say who called."""
    spoken = None
    if call.answered_at is not None and call.ended_at is not None:
        spoken = max(int((call.ended_at - call.answered_at).total_seconds()), 0)
    number = numbers.get(call.order_id, "") if call.order_id else ""
    tones = {"abandoned": "late", "unrecorded": "soon", "order": "ok", "answered": "ok"}
    return CallItem(
        id=str(call.id),
        direction=Phrase(f"hotline.call.direction.{call.direction}"),
        phone=phone_words(call.phone if number or not call.order_id else ""),
        line=line_words(call.line, names) if call.direction == "in" or call.line else "",
        outcome=Phrase(f"hotline.call.outcome.{call.outcome}") if call.outcome else None,
        tone=tones.get(call.outcome or "", "state"),
        started_at=call.started_at,
        seconds=spoken,
        note=call.note,
        order=number,
        order_href=f"/apps/hotline/orders/{number}" if number else "",
    )


def seen_of(ringing: Sequence[Call], current: Call | None) -> str:
    """Return what tells one state of the telephone from another."""
    state = f"{current.id}:{bool(current.answered_at)}:{bool(current.ended_at)}" if current else ""
    return ".".join([state, *(str(call.id) for call in ringing)])
