"""Erasing what the record holds of a person, in a way that its seals stay valid.

The part of an entry that names the person is replaced by its tombstone and its salt is
destroyed; what the seal covers, the commitment, stays. Which places were erased is itself
recorded, without the person's id, so that nobody can pass off an edit as an erasure.
"""

from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import or_, select, update
from sqlmodel import col

from core.audit.canonical import TOMBSTONES, Entry, commitment
from core.audit.models import AuditEntry
from core.audit.sealing import COLUMNS, alone
from core.database import Transaction

ACT: Final = "record-erased"
APP: Final = "yimen"
BATCH: Final = 500


class Erased(msgspec.Struct, frozen=True):
    """What an erasure did: how many entries, and the places of each part as ranges."""

    entries: int
    places: dict[str, list[list[int]]]


async def erase(tx: Transaction, person_id: UUID, erasure_id: UUID) -> Erased:
    """Replace a person in every sealed entry by tombstones.

    `erasure_id` is the id of the entry, with the act `ACT` and the places in its facts, that
    the caller records in the same transaction. Entries that are not sealed are left as they are.
    """
    await alone(tx)
    places: dict[str, list[list[int]]] = {}
    entries, after = 0, 0
    while True:
        rows = [Entry(*row) for row in await tx.session.execute(_of(person_id, after))]
        for entry in rows:
            place = after = entry.sequence or 0
            changed: dict[str, Any] = {}
            salts, notes = dict(entry.salts or {}), dict(entry.erased or {})
            for part in _parts(entry, person_id):
                kept = commitment(entry, part, salts.pop(part))
                notes[part] = {"commitment": kept, "by": str(erasure_id)}
                changed |= TOMBSTONES[part]
                _add(places.setdefault(part, []), place)
            if changed:
                entries += 1
                await tx.session.execute(
                    update(AuditEntry)
                    .where(col(AuditEntry.id) == entry.id)
                    .values(**changed, salts=salts, erased=notes)
                    .execution_options(synchronize_session=False)
                )
        if len(rows) < BATCH:
            return Erased(entries, places)


async def names(tx: Transaction, note: Any, entry: Entry, part: str) -> bool:
    """Return whether an erasure in the record names this part of this entry."""
    try:
        by = UUID(note["by"])
    except (TypeError, KeyError, ValueError, AttributeError):
        return False
    cache = tx.session.info.setdefault("yimen_erasures", {})
    if by not in cache:
        found = await tx.session.execute(
            select(col(AuditEntry.facts)).where(
                col(AuditEntry.id) == by,
                col(AuditEntry.app) == APP,
                col(AuditEntry.act) == ACT,
            )
        )
        cache[by] = found.scalar_one_or_none() or {}
    try:
        ranges = cache[by]["places"].get(part, ())
        return any(low <= (entry.sequence or 0) <= high for low, high in ranges)
    except (TypeError, KeyError, ValueError, AttributeError):
        return False


def subject_of(person_id: UUID) -> str:
    """Return how a person is named as the subject of an entry."""
    return f"person:{person_id}"


def _of(person_id: UUID, after: int) -> Any:
    entry = AuditEntry
    return (
        select(*COLUMNS)
        .where(
            col(entry.sequence) > after,
            or_(
                col(entry.person_id) == person_id,
                col(entry.behalf_of_id) == person_id,
                col(entry.subject) == subject_of(person_id),
            ),
        )
        .order_by(col(entry.sequence))
        .limit(BATCH)
    )


def _parts(entry: Entry, person_id: UUID) -> Iterator[str]:
    if entry.person_id == person_id:
        yield "who"
    if entry.behalf_of_id == person_id:
        yield "behalf"
    if entry.subject == subject_of(person_id):
        yield "about"


def _add(ranges: list[list[int]], place: int) -> None:
    if ranges and ranges[-1][1] == place - 1:
        ranges[-1][1] = place
    else:
        ranges.append([place, place])
