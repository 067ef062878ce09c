"""Carrying out what was asked for, phase by phase: whoever comes next goes on from there.

Each phase can be done again from its beginning, and is written when it is finished, together with
what it changed of the tables. One process works at an app at a time, by a lock that ends with it.
"""

import asyncio
import contextlib
import fcntl
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import func, select

from core.database import Database
from core.governance.archive import archiving, destroying, returning
from core.governance.archive.bundle import ArchiveFault, disk
from core.governance.archive.desk import BrokenOff, Desk
from core.governance.archive.service import ArchiveFacts, Phase
from plugin_sdk.data import lock_key
from plugin_sdk.problems import Conflict, Problem

logger = logging.getLogger(__name__)

TOLD_SECONDS: Final = 1.0
STEPS: Final[Mapping[Phase, Callable[[Desk, ArchiveFacts], Awaitable[None]]]] = {
    "asked": archiving.write,
    "written": archiving.verify,
    "verified": archiving.drop,
    "dropped": archiving.clear,
    "recalled": returning.bring_back,
    "returned": returning.clear,
    "condemned": destroying.destroy,
}


async def run(desk: Desk, app: str) -> ArchiveFacts | None:
    """Go on with an app until nothing is under way; return how it then stands.

    Raises `ArchiveFault` for what stopped it, which is kept too; `Conflict` (`archive-busy`) when
    another process is at it; `BrokenOff`.
    """
    desk.archive.mkdir(mode=0o700, parents=True, exist_ok=True)
    async with alone(desk.database, desk.archive, app):
        while True:
            facts = await desk.facts(app)
            if facts is None or facts.phase not in STEPS:
                return facts
            try:
                async with _telling(desk, facts):
                    await STEPS[facts.phase](desk, facts)
            except BrokenOff:
                raise
            except Exception as error:
                if isinstance(error, Conflict) and error.code == "archive-moved":
                    continue  # it was called off, say: look again
                logger.exception("%s of %s stopped", facts.phase, app)
                fault = _fault(facts, error)
                await desk.note(facts, fault)
                raise fault from error


def _fault(facts: ArchiveFacts, error: Exception) -> ArchiveFault:
    try:
        with disk(facts.folder):
            raise error
    except ArchiveFault as fault:
        return fault
    except Exception:
        said = error.code if isinstance(error, Problem) else type(error).__name__
        return ArchiveFault("failed", said)


@asynccontextmanager
async def _telling(desk: Desk, facts: ArchiveFacts) -> AsyncIterator[None]:
    """Write about once a second how far it is."""

    async def tell() -> None:
        told = -1
        while True:
            await asyncio.sleep(TOLD_SECONDS)
            if desk.progress.done != told:
                told = desk.progress.done
                with contextlib.suppress(Exception):  # the next time will do
                    await desk.tell(facts.id)

    # the last comparison fails when the row it moves is written meanwhile, and a phase that holds
    # SQLite for itself lets nothing be written
    quiet = facts.phase == "verified" or (desk.database.sqlite and facts.phase == "recalled")
    task = None if quiet else asyncio.create_task(tell())
    try:
        yield
    finally:
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def alone(database: Database, folder: Path, app: str) -> AsyncIterator[None]:
    """Hold an app for this process alone. Raises `Conflict` (`archive-busy`)."""
    if database.sqlite:
        descriptor = os.open(folder / f".{app}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise Conflict("archive-busy", app=app) from error
            yield
        finally:
            os.close(descriptor)
        return
    async with database.engine.connect() as connection:
        # without a transaction, which would stay open as long as the work lasts
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        key = lock_key(f"yimen.archive.{app}")
        try:
            if not await connection.scalar(select(func.pg_try_advisory_lock(key))):
                raise Conflict("archive-busy", app=app)
            yield
        finally:  # the lock ends with the connection, which the pool would keep
            with contextlib.suppress(Exception):
                await connection.invalidate()
