"""What is shown of meetings."""

from datetime import datetime
from typing import ClassVar

import msgspec

from plugin_sdk.views import ActionView, CaseItem, FactView, Phrase, View, Words


class MeetingItem(msgspec.Struct, kw_only=True):
    """A meeting in a list."""

    number: str
    title: str
    place: str
    starts_at: datetime
    state: str
    state_label: Phrase
    unit: str
    href: str


class MeetingsView(View, kw_only=True):
    """Meetings, the latest first."""

    template: ClassVar[str] = "meeting_list.html"
    title: Words
    items: list[MeetingItem]
    create: ActionView | None = None


class GroupCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many of a group came."""

    label: Words
    came: int
    of: int


class MeetingView(View, kw_only=True):
    """One meeting: its notice, who came, what was asked, its minutes."""

    template: ClassVar[str] = "meeting.html"
    number: str
    title: str
    unit: str
    state: str
    state_label: Phrase
    facts: list[FactView]
    attendance: list[GroupCount]
    questions: list[CaseItem]
    minutes: str | None
    actions: list[ActionView]
    notice: Phrase | None = None
    list_href: str
