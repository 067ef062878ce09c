"""What is shown of a register."""

from datetime import date, datetime
from typing import ClassVar, Literal

import msgspec

from plugin_sdk.views import ActionView, FactView, FilterView, Phrase, View, Words

State = Literal["future", "in_force", "ending", "ended"]


class RecordItem(msgspec.Struct, kw_only=True):
    """A record in a list."""

    id: str
    code: str
    name: str
    state: State
    state_label: Phrase
    starts_on: date
    ends_on: date | None
    unit: str
    href: str
    note: Words | None = None


class RegisterView(View, kw_only=True):
    """A page of a register: what changed last comes first. `links` are other pages of the app
    that go with it."""

    template: ClassVar[str] = "register_list.html"
    title: Words
    items: list[RecordItem]
    filters: list[FilterView] = msgspec.field(default_factory=list)
    query: str = ""
    next_href: str | None = None
    create: ActionView | None = None
    links: list[ActionView] = msgspec.field(default_factory=list)
    export_href: str | None = None
    import_href: str | None = None


class VersionView(msgspec.Struct, kw_only=True):
    """A record as it stood: who changed it when and why; `facts` are what it said then."""

    version: int
    label: Words
    at: datetime
    role: str
    unit: str
    reason: str | None
    facts: list[FactView]


class RecordView(View, kw_only=True):
    """One record: whether it is valid, what it says, and what it said before."""

    template: ClassVar[str] = "register_record.html"
    id: str
    code: str
    name: str
    register: Words
    state: State
    state_label: Phrase
    version: int
    unit: str
    facts: list[FactView]
    versions: list[VersionView]
    actions: list[ActionView] = msgspec.field(default_factory=list)
    list_href: str = ""
