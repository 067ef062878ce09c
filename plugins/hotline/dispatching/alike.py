"""Orders like another: by text, place and time, among few candidates.

Candidates are the newest of the same division (and those without one), filed within a window: both
stand in one index, so that it takes the same with a million orders. They are compared by the
shingles of their texts.
"""

import math
import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final, Protocol
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, func
from sqlmodel import col

from plugin_sdk.ports import Read
from plugin_sdk.views import Phrase
from plugins.hotline.forms import Kind
from plugins.hotline.models import Order

WINDOW: Final = timedelta(days=30)
CANDIDATES: Final = 300
"""How many of each kind (of the division, without one) are compared."""
COMPARED: Final = 1000
"""How many characters of a text are compared."""
LIKE: Final = 0.35
"""From what score on an order is shown as like another."""
LEAST: Final = 0.2
"""How alike the texts must be, however near the place and the day."""
SHOWN: Final = 5
NEAR_METRES: Final = 300.0
EARTH: Final = 6_371_000.0
_NO_LETTERS: Final = re.compile(r"[\W_]+")
Shingles = frozenset[tuple[str, str]]


class Original(Protocol):
    """What is asked of an order that might be followed."""

    @property
    def kind(self) -> str | None:
        """Return what it is."""

    @property
    def secret(self) -> bool:
        """Return whether its caller is secret."""


def unfit(order: Original) -> str | None:
    """Return why an order may not be followed, None where it may: the answer to a report, or to a
    secret caller, is nobody else's; whoever is accused could ask for it with a copy."""
    if order.kind == Kind.REPORT:
        return "report-original"
    return "secret-original" if order.secret else None


class Other(msgspec.Struct, frozen=True):
    """Another order, as it is shown."""

    number: str
    title: str
    state: str
    category: str | None
    organization_id: UUID
    place: str
    opened_at: datetime


class Like(Other, frozen=True):
    """An order like another: how much, and what about it is alike."""

    may_follow: bool
    score: float
    reasons: tuple[Phrase, ...]


class _Candidate(Other, frozen=True):
    follows_id: UUID | None
    kind: str | None
    secret: bool
    longitude: float | None
    latitude: float | None
    text: str


async def like(read: Read, order: Order, *only: ColumnElement[bool]) -> list[Like]:
    """Return what is like an order, most like first, in the actor's scope; of those alone for
    which `only` holds."""
    found: list[_Candidate] = []
    regions = [None] if order.region_id is None else [order.region_id, None]
    for region in regions:
        found += await _candidates(read, order, region, only)
    mine = shingles(order.text)
    likes = [one for one in (_compare(order, mine, other) for other in found) if one]
    return sorted(likes, key=lambda one: (-one.score, one.opened_at))[:SHOWN]


async def _candidates(
    read: Read, order: Order, region: UUID | None, only: Iterable[ColumnElement[bool]]
) -> list[_Candidate]:
    others = {
        "category": col(Order.category_code),
        "text": func.substr(col(Order.text), 1, COMPARED),
    }
    statement = read.rows(
        Order,
        *(
            others[name] if name in others else col(getattr(Order, name))
            for name in _Candidate.__struct_fields__
        ),
        permission="order.read",
    ).where(
        col(Order.region_id).is_(None) if region is None else col(Order.region_id) == region,
        col(Order.opened_at) > order.opened_at - WINDOW,
        col(Order.opened_at) < order.opened_at + WINDOW,
        col(Order.id) != order.id,
        col(Order.split_from_id).is_(None),
        *only,
    )
    newest = statement.order_by(col(Order.opened_at).desc()).limit(CANDIDATES)
    return await read.fetch(newest, _Candidate)


def _compare(order: Order, mine: Shingles, other: _Candidate) -> Like | None:
    text = resemblance(mine, shingles(other.text))
    if text < LEAST:
        return None
    place = _place(order, other)
    days = abs(order.opened_at - other.opened_at).days
    score = 0.75 * text + 0.25 * place - 0.1 * days / WINDOW.days
    if score < LIKE:
        return None
    reasons = [Phrase("hotline.dispatching.like.text", {"percent": round(100 * text)})]
    if place >= 0.5:
        reasons.append(Phrase("hotline.dispatching.like.place"))
    reasons.append(Phrase("hotline.dispatching.like.days", {"n": days}))
    return Like(
        **{name: getattr(other, name) for name in Other.__struct_fields__},
        may_follow=other.follows_id is None and unfit(other) is None,
        score=round(score, 3),
        reasons=tuple(reasons),
    )


def shingles(text: str) -> Shingles:
    """Return the shingles of a text: pairs of its letters and digits, in order."""
    return frozenset(pairwise(_NO_LETTERS.sub("", text[:COMPARED].lower())))


def resemblance(one: Shingles, other: Shingles) -> float:
    """Return how alike two sets of shingles are, 0 to 1 (Dice): a short text that says the same
    as a part of a long one is like it, where Jaccard's would say little."""
    return 2 * len(one & other) / (len(one) + len(other)) if one and other else 0.0


def _place(order: Order, other: _Candidate) -> float:
    """Return how near two places are, 0 to 1: by position, else by their words."""
    ours, theirs = (order.longitude, order.latitude), (other.longitude, other.latitude)
    if None not in (*ours, *theirs):
        return 1.0 if metres(*ours, *theirs) <= NEAR_METRES else 0.0  # type: ignore[arg-type]  # none is None
    return resemblance(shingles(order.place), shingles(other.place))


def metres(x1: float, y1: float, x2: float, y2: float) -> float:
    """Return the distance of two positions, given as longitude and latitude in degrees."""
    across = math.radians(x2 - x1) * math.cos(math.radians((y1 + y2) / 2))
    return EARTH * math.hypot(across, math.radians(y2 - y1))
