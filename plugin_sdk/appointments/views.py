"""What is shown of appointments."""

from datetime import date, datetime
from typing import ClassVar, Literal

import msgspec

from plugin_sdk.views import (
    ActionView,
    FactView,
    FieldView,
    FormView,
    Phrase,
    View,
    Words,
)

HourState = Literal["free", "full", "over", "mine"]


class PlaceItem(msgspec.Struct, kw_only=True):
    """A place of a service: where it is, and when it has places next."""

    name: str
    address: str
    phone: str | None
    next: Phrase
    open: bool
    href: str


class ServiceItem(msgspec.Struct, kw_only=True):
    """A service: what to bring, and where it is offered."""

    label: Words
    bring: Words
    places: list[PlaceItem]


class ChooseView(View, kw_only=True):
    """What one comes for, and where. `barred` says until when one may book nothing, and why."""

    template: ClassVar[str] = "appointment_choose.html"
    title: Words
    services: list[ServiceItem]
    rules: list[Phrase]
    barred: Phrase | None = None


class DayChip(msgspec.Struct, kw_only=True):
    """A day that can be chosen, and in a word whether it has places."""

    day: date
    note: Phrase
    chosen: bool
    href: str


class HourItem(msgspec.Struct, kw_only=True):
    """An hour with the places left; a full one leads to its waiting list, an hour of `mine` to
    what I have there."""

    starts_at: datetime
    ends_at: datetime
    state: HourState
    left: int
    waiting: int
    href: str | None


class DayView(View, kw_only=True):
    """The hours of a day. `none` says why there are none."""

    template: ClassVar[str] = "appointment_day.html"
    title: Words
    place: str
    address: str
    phone: str | None
    bring: Words
    day: date
    days: list[DayChip]
    hours: list[HourItem]
    none: Phrase | None = None
    moving: Phrase | None = None
    """Said when the hour replaces one that is booked."""
    back_href: str


class CheckView(FormView, kw_only=True):
    """What one is about to book, with the rules in words."""

    template: ClassVar[str] = "appointment_check.html"
    facts: list[FactView]
    rules: list[Phrase]


class BookingItem(msgspec.Struct, kw_only=True):
    """An appointment in a list."""

    number: str
    service: Words
    place: str
    starts_at: datetime
    state: str
    state_label: Phrase
    queue: str | None
    href: str


class BookingsView(View, kw_only=True):
    """One's own appointments: those to come first, then the latest."""

    template: ClassVar[str] = "appointment_list.html"
    title: Words
    items: list[BookingItem]
    create: ActionView | None = None
    links: list[ActionView] = msgspec.field(default_factory=list)
    barred: Phrase | None = None


class BookingView(View, kw_only=True):
    """One appointment: when and where, the number that is called, what may be done."""

    template: ClassVar[str] = "appointment.html"
    number: str
    service: Words
    state: str
    state_label: Phrase
    version: int
    starts_at: datetime
    ends_at: datetime
    queue: str | None
    ahead: int | None = None
    """How many wait before one, in the waiting list."""
    notice: Phrase | None = None
    facts: list[FactView]
    actions: list[ActionView] = msgspec.field(default_factory=list)
    list_href: str


class VisitorItem(msgspec.Struct, kw_only=True):
    """Who comes: name and numbers as they are called, and the acts of the counter."""

    number: str
    queue: str | None
    name: str
    service: Words
    state: str
    state_label: Phrase
    href: str
    acts: list[ActionView]


class HourGroup(msgspec.Struct, kw_only=True):
    """Who comes in one hour."""

    starts_at: datetime
    visitors: list[VisitorItem]


class PlaceLink(msgspec.Struct, kw_only=True):
    """A place at which one serves."""

    name: str
    chosen: bool
    href: str


class CounterView(View, kw_only=True):
    """The list of a day at a place, for who serves there."""

    template: ClassVar[str] = "appointment_counter.html"
    title: Words
    place: str
    day: date
    places: list[PlaceLink]
    before_href: str
    after_href: str
    sentence: Phrase
    groups: list[HourGroup]
    check_in: str | None
    fields: list[FieldView]
    links: list[ActionView] = msgspec.field(default_factory=list)
    conflict: Phrase | None = None
