"""Erasing what the record holds of a person, in a way that its seals stay valid.

The part of an entry that names the person is replaced by its tombstone and its salt is
destroyed; what the seal covers, the commitment, stays. Which places were erased is itself
recorded, without the person's id, so that nobody can pass off an edit as an erasure.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import func, or_, select, update
from sqlmodel import col

from core.audit.canonical import TOMBSTONES, Entry, commitment
from core.audit.models import AuditEntry
from core.audit.sealing import COLUMNS, alone
from core.database import Transaction
from core.settings import LEAST_AUDIT_DAYS

ACT: Final = "record-erased"
APP: Final = "yimen"
BATCH: Final = 500
# logs are kept for six months at least: Cybersecurity Law (网络安全法) art. 21. Until then what is
# done with personal data stops, and it stays: Personal Information Protection Law (个人信息
# 保护法) art. 47
KEPT: Final = timedelta(days=LEAST_AUDIT_DAYS)


class Erased(msgspec.Struct, frozen=True):
    """What an erasure did: how many entries, and the places of each part as ranges."""

    entries: int
    places: dict[str, list[list[int]]]


class EraseRefused(Exception):
    """The record must keep, or has not yet sealed, what names the person. `code`: `too-early`
    (`until`: when the last of it has been kept long enough), `not-sealed`."""

    def __init__(self, code: str, until: datetime | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.until = until


async def erase(tx: Transaction, person_id: UUID, username: str, erasure_id: UUID) -> Erased:
    """Replace a person in every entry by tombstones.

    `erasure_id` is the id of the entry, with the act `ACT` and the places in its facts, that
    the caller records in the same transaction. Raises `EraseRefused`.
    """
    await alone(tx)
    subjects = (f"person:{person_id}", f"username:{username}")
    await _refuse_early(tx, person_id, subjects)
    places: dict[str, list[list[int]]] = {}
    entries, after = 0, 0
    while True:
        rows = [Entry(*row) for row in await tx.session.execute(_of(person_id, subjects, after))]
        for entry in rows:
            place = after = entry.sequence or 0
            changed: dict[str, Any] = {}
            salts, notes = dict(entry.salts or {}), dict(entry.erased or {})
            for part in _parts(entry, person_id, subjects):
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


async def _refuse_early(tx: Transaction, person_id: UUID, subjects: tuple[str, ...]) -> None:
    found: Any = await tx.session.execute(
        select(func.max(col(AuditEntry.at)), func.count() - func.count(col(AuditEntry.sequence)))
        .select_from(AuditEntry)
        .where(_names(person_id, subjects))
    )
    last, unsealed = found.one()
    if unsealed:
        raise EraseRefused("not-sealed")
    if last is not None and last + KEPT > tx.now:
        raise EraseRefused("too-early", last + KEPT)


def _names(person_id: UUID, subjects: tuple[str, ...]) -> Any:
    return or_(
        col(AuditEntry.person_id) == person_id,
        col(AuditEntry.behalf_of_id) == person_id,
        col(AuditEntry.subject).in_(subjects),
    )


def _of(person_id: UUID, subjects: tuple[str, ...], after: int) -> Any:
    place = col(AuditEntry.sequence)
    return (
        select(*COLUMNS)
        .where(place > after, _names(person_id, subjects))
        .order_by(place)
        .limit(BATCH)
    )


def _parts(entry: Entry, person_id: UUID, subjects: tuple[str, ...]) -> Iterator[str]:
    if entry.person_id == person_id:
        yield "who"
    if entry.behalf_of_id == person_id:
        yield "behalf"
    if entry.subject in subjects:
        yield "about"


def _add(ranges: list[list[int]], place: int) -> None:
    if ranges and ranges[-1][1] == place - 1:
        ranges[-1][1] = place
    else:
        ranges.append([place, place])
