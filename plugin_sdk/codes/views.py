"""What a public page shows: nothing that a visitor may not read."""

from datetime import date
from typing import ClassVar, Literal

import msgspec

from plugin_sdk.views import ActionView, FactView, FieldView, Phrase, View, Words

Tone = Literal["ok", "soon", "late", "paused", "state"]


class Older(msgspec.Struct, kw_only=True):
    """A version that was published before: until when it stood, and what it said."""

    label: Words
    facts: list[FactView]
    reason: str | None = None


class PublicItem(msgspec.Struct, kw_only=True):
    """One thing that is published, or is not yet."""

    title: Words
    tone: Tone = "state"
    state: Words = ""
    facts: list[FactView] = msgspec.field(default_factory=list)
    older: list[Older] = msgspec.field(default_factory=list)


class PublicSection(msgspec.Struct, kw_only=True):
    """What stands under one heading."""

    label: Words
    items: list[PublicItem]
    empty: Words = ""


class PublicPage(View, kw_only=True):
    """The page that a code opens: whose it is, the month, and its sections."""

    template: ClassVar[str] = "public_page.html"
    title: str
    code: str
    href: str
    place: str = ""
    period: date | None = None
    lead: Words = ""
    notices: list[Phrase] = msgspec.field(default_factory=list)
    sections: list[PublicSection]
    actions: list[ActionView] = msgspec.field(default_factory=list)
    links: list[ActionView] = msgspec.field(default_factory=list)


class CodeEntry(View, kw_only=True):
    """The form that a code is typed into."""

    template: ClassVar[str] = "code_entry.html"
    title: Words = Phrase("codes.entry")
    action: str
    fields: list[FieldView]


class CodeItem(msgspec.Struct, frozen=True, kw_only=True):
    """A code in a list."""

    name: str
    code: str
    href: str


class CodesView(View, kw_only=True):
    """The codes that may be printed here."""

    template: ClassVar[str] = "codes.html"
    title: Words
    items: list[CodeItem]
    sheets: list[ActionView]
