"""What the pages of vehicles, licences and violations show."""

from datetime import date, datetime
from typing import ClassVar, Literal

import msgspec

from plugin_sdk.sources import FreshView
from plugin_sdk.views import ActionView, FactView, Money, View, Words

Tone = Literal["ok", "soon", "late", "paused", "state"]


class DateView(msgspec.Struct, frozen=True, kw_only=True):
    """A day that matters, and how near it is, in words."""

    label: Words
    on: date
    left: Words
    tone: Tone


class ViolationItem(msgspec.Struct, frozen=True, kw_only=True):
    """A violation in a list. `plate` is as it stands on the vehicle."""

    number: str
    plate: str
    what: str
    place: str
    at: datetime
    points: int
    fine: Money
    state: str
    state_label: Words
    tone: Tone
    href: str
    due_on: date | None = None


class VehicleItem(msgspec.Struct, frozen=True, kw_only=True):
    """A bound vehicle; without `model` the source has not said anything of it yet."""

    id: str
    plate: str
    model: str | None
    inspection: DateView | None
    violations: int
    fresh: FreshView
    href: str
    unbind_href: str


class LicenceItem(msgspec.Struct, frozen=True, kw_only=True):
    """The bound licence; `points_left` None: unknown since its period began."""

    id: str
    file_number: str
    name: str | None
    classes: str | None
    points_left: int | None
    period: Words | None
    validity: DateView | None
    fresh: FreshView
    href: str
    unbind_href: str


class MineView(View, kw_only=True):
    """Everything that somebody has bound, what is not dealt with first."""

    template: ClassVar[str] = "traffic_mine.html"
    title: Words
    open: list[ViolationItem]
    next_date: DateView | None
    vehicles: list[VehicleItem]
    licence: LicenceItem | None
    actions: list[ActionView]


class ViolationsView(View, kw_only=True):
    """The violations of all one's vehicles and licence, or of one."""

    template: ClassVar[str] = "traffic_violations.html"
    title: Words
    items: list[ViolationItem]
    of: list[ActionView]
    fresh: FreshView | None
    bound: bool


class ViolationView(View, kw_only=True):
    """One violation with its evidence, and what may be done about it."""

    template: ClassVar[str] = "traffic_violation.html"
    title: str
    number: str
    state: str
    state_label: Words
    tone: Tone
    facts: list[FactView]
    pictures: list[str]
    actions: list[ActionView]
    fresh: FreshView | None
    said: Words
    list_href: str


class LicenceView(View, kw_only=True):
    """The electronic licence; with a code while one has just been made."""

    template: ClassVar[str] = "traffic_licence.html"
    title: Words
    facts: list[FactView]
    fresh: FreshView | None
    make_href: str
    code: str | None = None
    check_href: str | None = None
    expires_at: datetime | None = None
    minutes: int


class VerifyView(View, kw_only=True):
    """What everybody may know of a code, a licence's or that of a `paper`: whether it is good, and
    then the least that a check needs."""

    template: ClassVar[str] = "traffic_verify.html"
    title: Words
    state: Literal["asked", "good", "expired", "withdrawn", "unknown"]
    state_label: Words
    tone: Tone
    facts: list[FactView]
    code: str = ""
    expires_at: datetime | None = None
    fresh: FreshView | None = None
    paper: bool = False
    action: str
