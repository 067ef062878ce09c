"""What the pages of publishing and of Open311 show."""

from datetime import datetime
from typing import ClassVar

import msgspec

from plugin_sdk.views import (
    ActionView,
    AttachmentView,
    FactView,
    FilterView,
    FormView,
    Phrase,
    View,
    Words,
)


class QueueItem(msgspec.Struct, frozen=True, kw_only=True):
    """An order whose requester wishes it public."""

    number: str
    title: str
    state: str
    state_label: Phrase
    asked_at: datetime
    href: str


class QueueView(View, kw_only=True):
    """What is to be looked at before everybody reads it, the longest waiting first."""

    template: ClassVar[str] = "hotline_publishing.html"
    title: Words
    items: list[QueueItem]
    filters: list[FilterView]
    links: list[ActionView]


class FindView(msgspec.Struct, frozen=True):
    """Something that may tell of a person, and what kind of thing it is."""

    kind: Phrase
    text: str


class PublishView(FormView, kw_only=True):
    """The copy of one order, with what in its words may tell of a person."""

    template: ClassVar[str] = "hotline_publish.html"
    number: str
    state_label: Phrase
    found: list[FindView]
    photos: list[AttachmentView]


class KeyItem(msgspec.Struct, frozen=True, kw_only=True):
    """The key of an application, by its last characters."""

    name: str
    contact: str
    hint: str
    made_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None
    revoke_href: str | None


class KeysView(FormView, kw_only=True):
    """The keys in scope, and the form that makes one; `secret` is shown this once."""

    template: ClassVar[str] = "hotline_open311_keys.html"
    items: list[KeyItem]
    secret: str | None = None


class FilingItem(msgspec.Struct, frozen=True, kw_only=True):
    """What an application sent, and where it is decided."""

    id: str
    by: str
    filed_at: datetime
    facts: list[FactView]
    accept_href: str
    refuse_href: str


class FilingsView(View, kw_only=True):
    """What applications sent that is no order yet, the longest waiting first."""

    template: ClassVar[str] = "hotline_open311_filings.html"
    title: Words
    items: list[FilingItem]
    conflict: Phrase | None = None
