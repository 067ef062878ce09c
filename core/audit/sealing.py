"""The sealer: gives each committed entry its place, and its seal chained to the one before.

The order of sealing is its own: neither ids nor times follow the order of commits. Entries
are sealed in batches, each in a transaction; then a checkpoint is signed outside the
database. A kill between the two leaves sealed entries that the next round signs.
"""

import asyncio
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import bindparam, func, select, update
from sqlmodel import col

from core.audit.canonical import GENESIS, Entry, fresh_commitments, new_salts, seal
from core.audit.checkpoints import CHECKPOINT, RESUMED, Book, CheckpointError, Line
from core.audit.models import AuditEntry
from core.database import Database, Transaction
from plugin_sdk.data import lock_key

JOB = "core.seal-record"
EVERY_SECONDS = 60
ROUND_SECONDS = 40
BATCH = 500
LAGS_SECONDS = 600
MOST = 2**63 - 1

COLUMNS: list[Any] = [getattr(AuditEntry, name) for name in Entry.__struct_fields__]


class Head(msgspec.Struct, frozen=True):
    """The last sealed entry: its place, and its seal."""

    size: int = 0
    seal: str = GENESIS


class Waiting(msgspec.Struct, frozen=True):
    """What is not sealed yet: how many entries, and since when the oldest waits."""

    count: int
    oldest: datetime | None

    def lags(self, now: datetime) -> bool:
        """Return whether sealing is late."""
        return self.oldest is not None and (now - self.oldest).total_seconds() > LAGS_SECONDS


class SealRefused(Exception):
    """The record is not the one that was signed: nothing is sealed onto it."""


class Sealer:
    """Seals the record of one hub; several may try, one at a time does."""

    def __init__(self, database: Database, book: Book) -> None:
        self.database = database
        self.book = book

    async def run(self) -> None:
        """Seal what is committed, for a while, and sign how far it is.

        Raises `SealRefused` or `CheckpointError`.
        """
        begun = time.monotonic()
        await self._agree()
        while await self.seal_batch() and time.monotonic() - begun < ROUND_SECONDS:
            pass
        await self.sign()

    async def seal_batch(self, limit: int = BATCH) -> int:
        """Seal a batch in a transaction of its own; return how many entries it held."""
        async with self.database.transaction() as tx:  # most rounds find nothing to write
            if (await tx.session.execute(_unsealed().limit(1))).first() is None:
                return 0
        async with self.database.transaction(write=True) as tx:
            await alone(tx)
            last = await head(tx)
            rows = [Entry(*row) for row in await tx.session.execute(_unsealed().limit(limit))]
            values = list(_sealed(rows, last))
            if values:
                await (await tx.session.connection()).execute(_SEAL, values)
        return len(values)

    async def sign(self) -> Line | None:
        """Sign a checkpoint of what is sealed and not signed; return it."""
        async with self.database.transaction() as tx:
            last = await head(tx)
        signed = await asyncio.to_thread(self.book.last)
        if signed is not None and signed.size >= last.size:
            return None
        await self.database.flush_to_disk()  # or a checkpoint could outlive what it counts
        return await asyncio.to_thread(
            self.book.append, CHECKPOINT, size=last.size, head=last.seal, now=self.database.clock()
        )

    async def resume(self, reason: str) -> Line:
        """Let the record go on from where it stands, though more was signed, and sign why."""
        async with self.database.transaction() as tx:
            last = await head(tx)
        return await asyncio.to_thread(
            self.book.append,
            RESUMED,
            size=last.size,
            head=last.seal,
            now=self.database.clock(),
            reason=reason,
        )

    async def _agree(self) -> None:
        """Compare the database with the last line of the book before anything is added."""
        signed = await asyncio.to_thread(self.book.last)
        async with self.database.transaction() as tx:
            last = await head(tx)
            at_signed = (
                signed
                and (
                    await tx.session.execute(
                        select(col(AuditEntry.seal)).where(col(AuditEntry.sequence) == signed.size)
                    )
                ).scalar_one_or_none()
            )
        if signed is None:
            if last.size and await asyncio.to_thread(self.book.last) is None:
                raise SealRefused(
                    f"{last.size} entries are sealed, but {self.book.path.name} is not there: "
                    "bring back the one that was kept"
                )
            await asyncio.to_thread(
                self.book.append, CHECKPOINT, size=0, head=GENESIS, now=self.database.clock()
            )
        elif last.size < signed.size:
            raise SealRefused(
                f"the database ends at entry {last.size}, signed are {signed.size}: it was cut, or "
                "it is a restored backup (then: yimen audit resume)"
            )
        elif signed.size and at_signed != signed.head:
            raise SealRefused(f"entry {signed.size} is not the one that was signed")


async def alone(tx: Transaction) -> None:
    """Keep other sealers, cuts and erasures out until the transaction ends."""
    if not tx.database.sqlite:  # there BEGIN IMMEDIATE has done it
        await tx.session.execute(select(func.pg_advisory_xact_lock(lock_key("yimen.seal"))))


async def head(tx: Transaction) -> Head:
    """Return the last sealed entry."""
    found = await tx.session.execute(
        select(col(AuditEntry.sequence), col(AuditEntry.seal))
        .where(has_place())
        .order_by(col(AuditEntry.sequence).desc())
        .limit(1)
    )
    for place, sealed in found:
        return Head(place or 0, sealed or "")
    return Head()


def has_place() -> Any:
    """Return the condition for sealed entries. (SQLite would keep a word where a number is due,
    and sort it after all numbers.)"""
    return col(AuditEntry.sequence) <= MOST


async def waiting(tx: Transaction) -> Waiting:
    """Return what is not sealed yet."""
    found = await tx.session.execute(
        select(func.count(), func.min(col(AuditEntry.at))).where(col(AuditEntry.sequence).is_(None))
    )
    return Waiting(*found.one())


def _unsealed() -> Any:
    return (
        select(*COLUMNS)
        .where(col(AuditEntry.sequence).is_(None))
        .order_by(col(AuditEntry.at), col(AuditEntry.id))
    )


def _sealed(rows: list[Entry], last: Head) -> Iterator[dict[str, Any]]:
    for place, entry in enumerate(rows, last.size + 1):
        salts = new_salts()
        last = Head(place, seal(entry, place, last.seal, fresh_commitments(entry, salts)))
        yield {"of": entry.id, "place": place, "hash": last.seal, "salt": salts}


_SEAL = (
    update(AuditEntry.__table__)  # type: ignore[attr-defined]  # SQLModel names no table
    .where(col(AuditEntry.id) == bindparam("of"))
    .values(sequence=bindparam("place"), seal=bindparam("hash"), salts=bindparam("salt"))
)

__all__ = ["CheckpointError", "SealRefused", "Sealer", "Waiting", "alone", "head", "waiting"]
