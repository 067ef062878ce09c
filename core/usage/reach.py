"""Reach: how many people an app has opened its door to, and for how many it finished something.

A person is a keyed digest within one period of one app, and then one of many in a sketch. While
the period runs only the number of the whole app is known; when it is over, and what was late
has come, the sketches of organizations become the numbers that may be published of them and are
deleted. So there is one table of a period, ever (ADR 0028).
"""

import asyncio
import logging
import secrets
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import bindparam, delete, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from core.database import Database, Transaction
from core.identity.models import OrganizationRow
from core.usage import gaps
from core.usage.batches import Reached
from core.usage.measures import ReachTotal, Window
from core.usage.models import UsageReach, UsageReachKey
from core.usage.periods import Period, named, overlapping
from core.usage.sketches import merged, people_in
from core.usage.suppression import published
from plugin_sdk.times import SHANGHAI

logger = logging.getLogger(__name__)

OPENED, COMPLETED = "opened", "completed"
EVERYWHERE = "*"
"""The whole app, whatever the organization."""
KEY_BYTES = 32
LATE = timedelta(days=3)
"""How long after a period batches of it are still taken."""
KEPT = timedelta(days=1)
"""How long after a period its key is kept, for who came in its last second."""
CHUNK = 500
MANY = 20
"""More sketches than these are merged in a thread."""

Key = tuple[str, str, str, str]  # app, period, kind, organization


class PlaceReach(msgspec.Struct, frozen=True):
    """How many people of a place, with all below it, an app reached: rounded down to five; None
    for fewer, and for what would give away fewer."""

    organization: UUID
    opened: int | None
    completed: int | None


async def key_of(tx: Transaction, app: str, period: Period) -> bytes:
    """Return the key of an app's pseudonyms in a period: drawn by who first needs it."""
    row = UsageReachKey
    dialect = sqlite if tx.database.sqlite else postgresql
    await tx.session.execute(
        dialect.insert(row)
        .values(app=app, period=period.key, key=secrets.token_bytes(KEY_BYTES), ends=period.until)
        .on_conflict_do_nothing()
    )
    found = await tx.session.execute(
        select(col(row.key)).where(col(row.app) == app, col(row.period) == period.key)
    )
    return found.scalar_one()


async def add(tx: Transaction, items: Iterable[Reached]) -> None:
    """Add the people of batches to their sketches; who is there already adds nothing. What comes
    when its period is settled is let go, since that has been published."""
    people: defaultdict[Key, set[int]] = defaultdict(set)
    for item in items:
        if not _settled(tx, named(item.period)):
            for place in (item.organization, EVERYWHERE):
                people[item.app, item.period, item.kind, place].update(item.pseudonyms)
    if not people:
        return
    keys = sorted(people)
    known = await _hold(tx, keys)

    def merge() -> list[dict[str, Any]]:
        changed = []
        for key in keys:
            sketch = merged([known[key]], people[key])
            if sketch != known[key]:
                count = people_in(sketch) if key[-1] == EVERYWHERE else None
                names = ("of_app", "of_period", "of_kind", "of_place", "seen", "count")
                changed.append(dict(zip(names, (*key, sketch, count), strict=True)))
        return changed

    changed = await asyncio.to_thread(merge) if len(keys) > MANY else merge()
    if not changed:
        return
    table = UsageReach.__table__  # type: ignore[attr-defined]  # many rows by one statement
    connection = await tx.session.connection()
    await connection.execute(
        update(table)
        .where(
            table.c.app == bindparam("of_app"),
            table.c.period == bindparam("of_period"),
            table.c.kind == bindparam("of_kind"),
            table.c.organization == bindparam("of_place"),
        )
        .values(sketch=bindparam("seen"), people=bindparam("count")),
        changed,
    )


async def _hold(tx: Transaction, keys: Sequence[Key]) -> dict[Key, bytes]:
    """Return the sketches of keys, locked in one order for all; empty where there was none."""
    row = UsageReach
    table = row.__table__  # type: ignore[attr-defined]  # many rows by one statement
    names = ("app", "period", "kind", "organization")
    dialect = sqlite if tx.database.sqlite else postgresql
    connection = await tx.session.connection()
    await connection.execute(
        dialect.insert(table).on_conflict_do_nothing(),
        [{**dict(zip(names, key, strict=True)), "sketch": b"", "people": None} for key in keys],
    )
    columns = (col(row.app), col(row.period), col(row.kind), col(row.organization))
    found: dict[Key, bytes] = {}
    for start in range(0, len(keys), CHUNK):
        rows = await tx.session.execute(
            select(*columns, col(row.sketch))
            .where(tuple_(*columns).in_(keys[start : start + CHUNK]))
            .order_by(*columns)
            .with_for_update()
        )
        found.update({(app, period, kind, place): raw for app, period, kind, place, raw in rows})
    return found


async def totals(
    tx: Transaction, apps: Iterable[str], window: Window
) -> dict[str, tuple[ReachTotal, ...]]:
    """Return how many people apps reached, in each period that shares a day with the window and
    in which there was anybody, oldest first. About, and not yet fit to be published
    (`core.usage.suppression.rounded`)."""
    row = UsageReach
    periods = {period.key: period for period in overlapping(window.since, window.until)}
    counts: defaultdict[str, defaultdict[str, dict[str, int]]] = defaultdict(
        lambda: defaultdict(dict)
    )
    wanted = sorted(apps)
    for start in range(0, len(wanted), CHUNK):
        found = await tx.session.execute(
            # each column of the key is named, so that no place but the whole app is looked at
            select(col(row.app), col(row.period), col(row.kind), col(row.people)).where(
                col(row.app).in_(wanted[start : start + CHUNK]),
                col(row.period).in_(periods),
                col(row.kind).in_((OPENED, COMPLETED)),
                col(row.organization) == EVERYWHERE,
                col(row.people).is_not(None),
            )
        )
        for app, period, kind, people in found:
            counts[app][period][kind] = int(people or 0)
    return {
        app: tuple(
            ReachTotal(
                period=key,
                since=periods[key].since,
                until=periods[key].until,
                opened=of.get(OPENED, 0),
                completed=of.get(COMPLETED, 0),
            )
            for key, of in sorted(by.items(), key=lambda item: periods[item[0]].since)
        )
        for app, by in counts.items()
    }


async def by_organization(tx: Transaction, app: str, period: str) -> list[PlaceReach]:
    """Return the places of whose people something may be published, in no order; a place that
    is not in the list is hidden. Nothing while the period runs, and in the days after it in
    which late counts are taken (`LATE`)."""
    row = UsageReach
    found = await tx.session.execute(
        select(col(row.organization), col(row.kind), col(row.people)).where(
            col(row.app) == app,
            col(row.period) == period,
            col(row.organization) != EVERYWHERE,
            col(row.people).is_not(None),
        )
    )
    shown: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for place, kind, people in found:
        shown[place][kind] = int(people or 0)
    return [
        PlaceReach(UUID(place), of.get(OPENED), of.get(COMPLETED)) for place, of in shown.items()
    ]


async def settle(database: Database) -> None:
    """Publish what may be of periods that are over, delete their sketches of organizations, and
    destroy the keys of those that have ended; nothing while the clock is in doubt."""
    row = UsageReach
    async with database.transaction(write=True) as tx:
        if await gaps.in_doubt(tx):
            logger.warning("reach is not settled: the clock has leapt, or no hub ran for days")
            return
        over = col(UsageReachKey.ends) < _day(tx) - KEPT
        await tx.session.execute(delete(UsageReachKey).where(over))
    async with database.transaction() as tx:
        waiting = await tx.session.execute(
            select(col(row.app), col(row.period), col(row.kind))
            .where(col(row.people).is_(None))
            .distinct()
        )
        due = [(app, period, kind) for app, period, kind in waiting if _settled(tx, named(period))]
        above = await _above(tx) if due else {}
    for app, period, kind in sorted(due):
        await _settle(database, above, app, period, kind)


async def _settle(
    database: Database, above: dict[str, str | None], app: str, period: str, kind: str
) -> None:
    row = UsageReach
    of = (col(row.app) == app, col(row.period) == period, col(row.kind) == kind)
    async with database.transaction() as tx:
        found = await tx.session.execute(select(col(row.organization), col(row.sketch)).where(*of))
        sketches = {place: sketch for place, sketch in found if sketch}
    people = await asyncio.to_thread(people_of, sketches, above)
    table = published(people, above)
    dialect = sqlite if database.sqlite else postgresql
    async with database.transaction(write=True) as tx:
        await tx.session.execute(
            delete(row).where(*of, col(row.people).is_(None), col(row.organization) != EVERYWHERE)
        )
        key = {"app": app, "period": period, "kind": kind, "sketch": b""}
        rows = [
            {**key, "organization": place, "people": count}
            for place, count in sorted(table.items())
            if place != EVERYWHERE
        ]
        if rows:
            connection = await tx.session.connection()
            table_ = row.__table__  # type: ignore[attr-defined]  # many rows by one statement
            await connection.execute(dialect.insert(table_).on_conflict_do_nothing(), rows)


async def _above(tx: Transaction) -> dict[str, str | None]:
    """Return the place over each: an organization's, or the whole app over those at the top."""
    row = OrganizationRow
    found = await tx.session.execute(select(col(row.id), col(row.parent_id)))
    above: dict[str, str | None] = {
        str(id): str(parent) if parent else EVERYWHERE for id, parent in found
    }
    above[EVERYWHERE] = None
    return above


def people_of(sketches: dict[str, bytes], above: dict[str, str | None]) -> dict[str, int]:
    """Return how many people each place has with all below it: once, whoever was in several."""
    below: defaultdict[str, list[bytes]] = defaultdict(list)
    for place, sketch in sketches.items():
        at: str | None = place
        while at is not None and at in above:
            if at != EVERYWHERE or place == EVERYWHERE:
                below[at].append(sketch)
            at = above[at]
    return {place: people_in(merged(inside)) for place, inside in below.items()}


def _settled(tx: Transaction, period: Period) -> bool:
    return period.until + LATE < _day(tx)


def _day(tx: Transaction) -> date:
    return tx.now.astimezone(SHANGHAI).date()
