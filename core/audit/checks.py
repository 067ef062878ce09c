"""Verification as a job of one's own: begun on a page, followed there, remembered."""

import asyncio
import logging
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import insert, select, update
from sqlmodel import col

from core.audit.checkpoints import CheckpointError
from core.audit.models import AuditCheck
from core.audit.sealing import Sealer, alone
from core.audit.verification import Fault, Verdict, verify
from core.database import Transaction
from core.shared_state import end_tasks
from plugin_sdk.data import new_id

logger = logging.getLogger(__name__)

SILENT: Final = timedelta(minutes=2)
KEPT_FAULTS: Final = 100
TOLD_SECONDS: Final = 1.0


class CheckFacts(msgspec.Struct, frozen=True):
    """A verification: under way, ended, or (silent for long) broken off."""

    id: UUID
    started_at: datetime
    seen_at: datetime
    ended_at: datetime | None
    done: int
    total: int
    sealed: int
    unsealed: int
    faults: list[dict[str, Any]]
    fault_count: int

    def running(self, now: datetime) -> bool:
        """Return whether some worker is still at it."""
        return self.ended_at is None and now - self.seen_at < SILENT


class Checks:
    """Runs verifications in one worker; one at a time in the whole hub."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer
        self._tasks: set[asyncio.Task[None]] = set()

    async def begin(self, tx: Transaction, person_id: UUID | None) -> UUID:
        """Begin one once the transaction is committed; return its id, or that of one that runs."""
        await alone(tx)
        last = await latest(tx)
        if last is not None and last.running(tx.now):
            return last.id
        id = new_id()
        await tx.session.execute(
            insert(AuditCheck).values(
                id=id,
                person_id=person_id,
                started_at=tx.now,
                seen_at=tx.now,
                done=0,
                total=0,
                sealed=0,
                unsealed=0,
                faults=[],
                fault_count=0,
            )
        )

        def start() -> None:
            task = asyncio.create_task(self.run(id), name="verify the record")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        tx.after_commit(start)
        return id

    async def close(self) -> None:
        """Break off what runs here; its row falls silent."""
        await end_tasks(*self._tasks)

    async def run(self, id: UUID) -> None:
        """Verify to the end, telling how far it is about once a second."""
        verdict, count = Verdict(), 0
        faults: list[dict[str, Any]] = []
        loop = asyncio.get_running_loop()
        told = loop.time()

        async def progress(done: int, total: int) -> None:
            nonlocal told
            if loop.time() - told >= TOLD_SECONDS:
                told = loop.time()
                await self._note(id, done=done, total=total)

        try:
            reader = self._sealer.database.transaction
            async for fault in verify(reader, self._sealer.book, verdict, progress=progress):
                count += 1
                if len(faults) < KEPT_FAULTS:
                    faults.append(_kept(fault))
        except CheckpointError as error:
            count += 1
            faults.append(_kept(Fault("no-key", {"why": str(error)})))
        except Exception:
            logger.exception("the record could not be verified")
            count += 1
            faults.append(_kept(Fault("broken-off", {})))
        await self._note(
            id,
            done=verdict.checked,
            total=verdict.checked,
            sealed=verdict.sealed,
            unsealed=verdict.unsealed,
            faults=faults,
            fault_count=count,
            ended_at=self._sealer.database.clock(),
        )

    async def _note(self, id: UUID, **values: Any) -> None:
        async with self._sealer.database.transaction(write=True) as tx:
            await tx.session.execute(
                update(AuditCheck)
                .where(col(AuditCheck.id) == id)
                .values(seen_at=tx.now, **values)
                .execution_options(synchronize_session=False)
            )


async def latest(tx: Transaction, *, ended: bool = False) -> CheckFacts | None:
    """Return the verification that was begun last, with `ended` the last that came to an end."""
    columns: list[Any] = [getattr(AuditCheck, name) for name in CheckFacts.__struct_fields__]
    statement = select(*columns).order_by(col(AuditCheck.started_at).desc()).limit(1)
    if ended:
        statement = statement.where(col(AuditCheck.ended_at).is_not(None))
    row = (await tx.session.execute(statement)).first()
    return CheckFacts(*row) if row else None


def _kept(fault: Fault) -> dict[str, Any]:
    return {
        "what": fault.what,
        "params": fault.params,
        "entry": str(fault.entry) if fault.entry else None,
    }
