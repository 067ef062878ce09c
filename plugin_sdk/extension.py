"""What hooks return: cards, hits, health, jobs, event handlers, import reports."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Literal

import msgspec

from plugin_sdk.ports import Actor, Work
from plugin_sdk.views import CaseItem, Phrase, Words

EventHandler = Callable[[Work, Mapping[str, Any]], Awaitable[None]]
MOST_CARDS: Final = 2
"""How many cards of an app a home page has room for: the first."""


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """A card on a home page: one figure or sentence, and where it leads; `rows` are the
    reader's own newest cases, three at most."""

    title: Words
    text: Words
    href: str
    count: int | None = None
    rows: tuple[CaseItem, ...] = ()


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """One result of a search."""

    kind: Literal["work", "public", "help"]
    title: str
    text: Words
    href: str


class Health(msgspec.Struct, frozen=True):
    """Whether an app can do its work."""

    ok: bool
    detail: Words = ""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What an app does by itself, on one worker, under its system actor. When it does so stands
    in the manifest, under the same key: `every` so many seconds, or each day `at` a time."""

    key: str
    run: Callable[[Actor], Awaitable[None]]


class ImportReport(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of one row of an import. `line` counts from the file's first line."""

    line: int
    outcome: Literal["added", "present", "refused"]
    reason: Phrase | None = None
    total: int | None = None
