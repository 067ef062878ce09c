"""What is shown of accidents beside what every case shows."""

from datetime import datetime
from typing import ClassVar

import msgspec

from plugin_sdk.views import CaseDetailView, FactView, Phrase, View


class SideView(msgspec.Struct, frozen=True, kw_only=True):
    """One side as the other and the officers see it: never a number that reaches them."""

    side: str
    label: Phrase
    mine: bool
    facts: list[FactView]
    said: Phrase
    agreed: bool


class ShotView(msgspec.Struct, frozen=True, kw_only=True):
    """A view of the accident: the photo of it, what is doubtful of it, where it is taken."""

    label: Phrase
    href: str | None = None
    doubts: list[Phrase] = []
    taken_at: datetime | None = None
    metres: int | None = None
    take_href: str | None = None


class AccidentView(CaseDetailView, kw_only=True):
    """An accident: the next thing to do first, then both sides, the photos, what was said."""

    template: ClassVar[str] = "traffic_accident.html"
    sides: list[SideView]
    shots: list[ShotView]
    lacking: list[Phrase]
    what_next: Phrase
    paper: list[FactView]
    paper_href: str | None = None
    check_href: str | None = None
    inside: bool = False


class InviteView(View, kw_only=True):
    """The invitation of the other side; with a code while one has just been made."""

    template: ClassVar[str] = "traffic_accident_invite.html"
    number: str
    plate: str
    make_href: str
    back_href: str
    minutes: int
    code: str | None = None
    join_href: str | None = None
    expires_at: datetime | None = None
