"""What becomes of sessions: two marks of each app while one is open, counts when it has ended.

A session stands here under a keyed digest of what stays the same while its secret is renewed.
Nothing waits for the moment of its end: marks are late by seconds, so a job folds those of
sessions that ended a while ago, however they ended, and each row once, by deleting it.
"""

import asyncio
import hmac
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import delete, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from core.database import Database, Transaction
from core.identity.models import SignInSession
from core.identity.sessions import idle_limit
from core.usage.batches import Outcome
from core.usage.cells import DayKey, add_to_days
from core.usage.models import KINDS, UsageSession

FEATURE = "@sessions"  # a name that no route or effect has
LATE = timedelta(minutes=5)
"""How long after its end a session is folded: marks of its last seconds are on their way, and
when it was last used is written every two minutes."""
CHUNK = 500


class Digests:
    """The names under which sessions stand in the tables of usage."""

    def __init__(self, secret: bytes) -> None:
        key = hmac.digest(secret, b"yimen usage: sessions", "sha256")
        self._digest = blake2b(key=key, digest_size=16)

    def of(self, person_id: UUID, signed_in_at: datetime) -> str:
        """Return the name of a person's session: the same however often it is renewed, and in
        whatever post they act."""
        digest = self._digest.copy()
        digest.update(person_id.bytes)
        digest.update(signed_in_at.isoformat().encode())
        return digest.hexdigest()


async def add(tx: Transaction, items: Iterable[Outcome]) -> None:
    """Add marks to open sessions. Day, organization and channel stay those of the first visit;
    marks are only ever added, so that their order is of no account."""
    marks: dict[tuple[str, str], Outcome] = {}
    for item in items:
        key = (item.session, item.app)
        known = marks.get(key)
        marks[key] = item if known is None else _both(known, item)
    if not marks:
        return
    table = UsageSession.__table__  # type: ignore[attr-defined]  # many rows by one statement
    dialect = sqlite if tx.database.sqlite else postgresql
    insert = dialect.insert(table)
    upsert = insert.on_conflict_do_update(
        index_elements=["session", "app"],
        set_={
            name: or_(table.c[name], insert.excluded[name]) for name in ("fruitful", "attending")
        },
    )
    connection = await tx.session.connection()
    await connection.execute(upsert, [msgspec.structs.asdict(marks[key]) for key in sorted(marks)])


async def fold(database: Database, digests: Digests, idle: timedelta | None) -> None:
    """Count the sessions that ended a while ago under the day and place of their first visit,
    and forget them. `idle` is what the rules say of a session that is not used."""
    async with database.transaction() as tx:
        held = await tx.session.execute(select(col(UsageSession.session)).distinct())
        marked = set(held.scalars())
        lasting = await _open(tx, idle) if marked else []
    # as many digests as there are sessions: they keep no request waiting
    over = marked - await asyncio.to_thread(lambda: {digests.of(*one) for one in lasting})
    for chunk in _chunks(sorted(over)):
        async with database.transaction(write=True) as tx:
            gone = await tx.session.execute(
                delete(UsageSession)
                .where(col(UsageSession.session).in_(chunk))
                .returning(
                    col(UsageSession.day),
                    col(UsageSession.app),
                    col(UsageSession.organization),
                    col(UsageSession.channel),
                    col(UsageSession.fruitful),
                    col(UsageSession.attending),
                )
            )
            counts: defaultdict[DayKey, list[int]] = defaultdict(lambda: [0] * len(KINDS))
            for day, app, organization, channel, fruitful, attending in gone:
                cell = counts[day, app, FEATURE, organization, channel]
                cell[KINDS.index("sessions")] += 1
                cell[KINDS.index("fruitful")] += fruitful
                cell[KINDS.index("attending")] += attending and not fruitful
            await add_to_days(tx, counts)


async def _open(tx: Transaction, idle: timedelta | None) -> list[tuple[UUID, datetime]]:
    """Return whose sessions are open, or were until a while ago, and when they began."""
    row = SignInSession
    lately = tx.now - LATE
    found = await tx.session.execute(
        select(
            col(row.person_id), col(row.created_at), col(row.seen_at), col(row.public_computer)
        ).where(
            or_(col(row.ended_at).is_(None), col(row.ended_at) > lately),
            col(row.expires_at) > lately,
        )
    )
    lasting = []
    for person_id, began, seen, public_computer in found:
        limit = idle_limit(idle, public_computer=public_computer)
        if limit is None or seen + limit > lately:
            lasting.append((person_id, began))
    return lasting


def _both(one: Outcome, other: Outcome) -> Outcome:
    return msgspec.structs.replace(
        one,
        fruitful=one.fruitful or other.fruitful,
        attending=one.attending or other.attending,
    )


def _chunks(items: list[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]
