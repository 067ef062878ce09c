"""Reach on the tree of organizations: of the last period that is over, published numbers alone."""

from uuid import UUID

import msgspec

from core.database import Transaction
from core.governance.register import RegisterEntry
from core.identity.organizations import listed
from core.usage.measures import Window
from core.usage.periods import Period, overlapping, period_of
from core.usage.reach import PlaceReach, by_organization
from plugin_sdk.ports import Organization
from plugin_sdk.views import Phrase


class PlaceRow(msgspec.Struct, frozen=True, kw_only=True):
    """A place in the order of the tree; None is hidden (few people, or what would tell of few)."""

    name: str
    depth: int
    opened: int | None
    completed: int | None


class ReachTree(msgspec.Struct, frozen=True, kw_only=True):
    """How many people of each place opened the app and finished something, in one period. Villages
    are in the file alone."""

    sentence: Phrase
    rows: tuple[PlaceRow, ...]
    villages: tuple[PlaceRow, ...]
    most: int


async def reach_tree(tx: Transaction, entry: RegisterEntry, window: Window) -> ReachTree | None:
    """Return the places of the last period within a window of which something may be said, None
    where there is none."""
    periods = [
        period
        for period in overlapping(window.since, window.until)
        if period == period_of(entry.cadence, period.since)
    ]
    for period in sorted(periods, key=lambda one: one.since, reverse=True):
        shown = await by_organization(tx, entry.app, period.key)
        if shown:
            places = {place.organization: place for place in shown}
            return _tree(period, places, await listed(tx, list(places)))
    return None


def _tree(
    period: Period, places: dict[UUID, PlaceReach], organizations: list[Organization]
) -> ReachTree:
    above = {one.id: one.parent_id for one in organizations}
    rows: list[PlaceRow] = []
    villages: list[PlaceRow] = []
    waiting: list[tuple[Organization, int]] = [
        (one, 0) for one in reversed(organizations) if one.parent_id not in above
    ]
    below: dict[UUID | None, list[Organization]] = {}
    for one in organizations:
        below.setdefault(one.parent_id, []).append(one)
    while waiting:
        one, depth = waiting.pop()
        place = places[one.id]
        row = PlaceRow(name=one.name, depth=depth, opened=place.opened, completed=place.completed)
        (villages if one.level == "village" else rows).append(row)
        waiting += [(child, depth + 1) for child in reversed(below.get(one.id, []))]
    said = {"since": period.since, "until": period.until, "n": len(rows) + len(villages)}
    return ReachTree(
        sentence=Phrase("page.dossier.reach_sentence", said),
        rows=tuple(rows),
        villages=tuple(villages),
        most=max((row.opened or row.completed or 0 for row in rows), default=0),
    )
