"""What is shown of a periodic duty."""

from datetime import date, datetime
from typing import ClassVar, Literal

import msgspec

from plugin_sdk.duties.models import Standing
from plugin_sdk.views import (
    ActionView,
    DeadlineView,
    FactView,
    FilterView,
    Phrase,
    View,
    Words,
)

ItemState = Literal["lacking", "submitted", "published", "nil", "refused"]


class DutyItem(msgspec.Struct, frozen=True, kw_only=True):
    """An item of the catalogue: what is filed, under which heading, whether every period owes
    it, and whether there may be nothing."""

    code: str
    name: str
    group: Phrase
    owed: bool = True
    may_be_nil: bool = True
    mark: str = ""


class ItemRow(msgspec.Struct, kw_only=True):
    """An item of a month: how far it is, and what may be done next."""

    code: str
    name: str
    state: ItemState
    state_label: Phrase
    owed: bool
    late: bool = False
    href: str | None = None
    file_href: str | None = None
    nil_href: str | None = None
    review_href: str | None = None


class ItemGroup(msgspec.Struct, kw_only=True):
    """The items under one heading."""

    label: Words
    items: list[ItemRow]


class MonthView(View, kw_only=True):
    """A month of an organization: what is lacking first."""

    template: ClassVar[str] = "duty_month.html"
    title: Words
    unit: str
    period: date
    standing: Standing
    standing_label: Phrase
    deadline: DeadlineView
    done: int
    of: int
    groups: list[ItemGroup]
    before_href: str
    after_href: str | None = None
    urge_href: str | None = None
    urged_at: datetime | None = None
    links: list[ActionView] = msgspec.field(default_factory=list)


class FilingVersion(msgspec.Struct, kw_only=True):
    """One version of a filing: who filed it, who decided, what it said."""

    seq: int
    state_label: Phrase
    at: datetime
    role: str
    unit: str
    reviewer: str = ""
    reviewed_at: datetime | None = None
    reason: str | None = None
    remark: str | None = None
    facts: list[FactView] = msgspec.field(default_factory=list)


class FilingView(View, kw_only=True):
    """An item that was filed: as it stands, and every version before."""

    template: ClassVar[str] = "duty_filing.html"
    id: str
    title: str
    unit: str
    period: date
    state: ItemState | Literal["replaced"]
    state_label: Phrase
    late: bool
    facts: list[FactView]
    versions: list[FilingVersion]
    actions: list[ActionView] = msgspec.field(default_factory=list)
    month_href: str = ""


class TableCell(msgspec.Struct, kw_only=True):
    """How an organization stands in a month."""

    standing: Standing
    href: str | None = None


class TableRow(msgspec.Struct, kw_only=True):
    """An organization in the table."""

    name: str
    cells: list[TableCell]
    timely: int
    due: int


class DutyTableView(View, kw_only=True):
    """Who is late: organizations and months, those that lack something now first."""

    template: ClassVar[str] = "duty_table.html"
    title: Words
    sentence: Words
    periods: list[date]
    rows: list[TableRow]
    filters: list[FilterView] = msgspec.field(default_factory=list)
    export_href: str | None = None
    links: list[ActionView] = msgspec.field(default_factory=list)
