"""Cutting what is over from the front of the record, so that what is left still verifies."""

import asyncio
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from core.audit.checkpoints import CUT
from core.audit.models import AuditCut, AuditEntry
from core.audit.sealing import Sealer, alone
from core.audit.service import record
from core.database import Transaction
from plugin_sdk.ports import Actor

JOB: Final = "core.cut-record"
EVERY_SECONDS: Final = 24 * 3600
ACT: Final = "record-cut"
BATCH: Final = 1000


async def cut(sealer: Sealer, keep: timedelta) -> int:
    """Delete the sealed entries at the front that are older than `keep`; return how many.

    The cut is recorded, and signed before anything is deleted: one that was interrupted is
    ended by the next. The last signed entry always stays.
    """
    first = await _begin(sealer, keep)
    gone = 0
    while first > 1:
        async with sealer.database.transaction(write=True) as tx:
            await alone(tx)
            over = select(col(AuditEntry.id)).where(col(AuditEntry.sequence) < first).limit(BATCH)
            deleted = await tx.session.execute(
                delete(AuditEntry)
                .where(col(AuditEntry.id).in_(over))
                .returning(col(AuditEntry.id))
                .execution_options(synchronize_session=False)
            )
            count = len(deleted.all())
        gone += count
        if count < BATCH:
            break
    return gone


async def _begin(sealer: Sealer, keep: timedelta) -> int:
    """Set and sign where the record begins from now on; return it."""
    async with sealer.database.transaction(write=True) as tx:
        await alone(tx)
        signed = await asyncio.to_thread(sealer.book.last)
        if signed is None:
            return 1
        first = min(await _first_kept(tx, tx.now - keep, signed.size), signed.size)
        if first > signed.first:
            await record(
                tx,
                Actor(name="retention", system=True),
                "yimen",
                ACT,
                f"record:{signed.first}-{first - 1}",
                facts={"kept_days": keep.days},
            )
            before = await tx.session.execute(
                select(col(AuditEntry.seal)).where(col(AuditEntry.sequence) == first - 1)
            )
            await _allow(tx, first)
            await asyncio.to_thread(
                sealer.book.append,
                CUT,
                size=signed.size,
                head=signed.head,
                now=tx.now,
                cut=(first, before.scalar_one() or ""),
            )
            return first
        if signed.first > 1:
            await _allow(tx, signed.first)
        return signed.first


async def _first_kept(tx: Transaction, since: datetime, otherwise: int) -> int:
    """Return the first place of an entry that is not over; those before it all are."""
    found = await tx.session.execute(
        select(func.min(col(AuditEntry.sequence))).where(
            col(AuditEntry.at) >= since, col(AuditEntry.sequence) >= 1
        )
    )
    return found.scalar_one() or otherwise


async def _allow(tx: Transaction, first: int) -> None:
    """Let the guard of the table pass the deletion of what stands before."""
    dialect = sqlite if tx.database.sqlite else postgresql
    await tx.session.execute(
        dialect.insert(AuditCut).values(first=first, at=tx.now).on_conflict_do_nothing()
    )
