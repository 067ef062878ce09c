"""What an archive, a restore and a destruction are carried out with."""

import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlmodel import col

from core.apps.models import AppRuntime
from core.apps.registry import LoadedApp
from core.database import Database, Transaction
from core.governance.archive.bundle import ArchiveFault
from core.governance.archive.models import Archive
from core.governance.archive.service import ArchiveFacts, Phase, latest, move
from plugin_sdk.ports import Actor

logger = logging.getLogger(__name__)

CONSOLE = "console"
LONGEST = 300


class BrokenOff(Exception):
    """The process that was at it ends; what was asked for goes on later."""


class Progress:
    """How far a phase is. `told(phase, done, total)` hears it as it happens; `stop` breaks off at
    the next thousand rows."""

    def __init__(
        self,
        told: Callable[[str, int, int], None] = lambda phase, done, total: None,
        stop: threading.Event | None = None,
    ) -> None:
        self.phase = ""
        self.done = 0
        self.total = 0
        self._told = told
        self._stop = stop or threading.Event()

    def begin(self, phase: str, total: int) -> None:
        """Begin a phase of so many rows and files."""
        self.phase, self.done, self.total = phase, 0, total
        self.add(0)

    def add(self, number: int) -> None:
        """Take note of so many more. Raises `BrokenOff`."""
        if self._stop.is_set():
            raise BrokenOff
        self.done += number
        self._told(self.phase, self.done, self.total)


class Desk:
    """One hub's database, its folder, and its apps as far as they are installed. `months` says how
    long a bundle is kept at least; it raises when nobody knows."""

    def __init__(
        self,
        database: Database,
        home: Path,
        apps: Sequence[LoadedApp],
        months: Callable[[], int],
        progress: Progress | None = None,
    ) -> None:
        self.database = database
        self.home = home
        self.apps = {app.id: app for app in apps}
        self.months = months
        self.progress = progress or Progress()

    @property
    def archive(self) -> Path:
        """Return where bundles are kept."""
        return self.home / "archive"

    async def facts(self, app: str) -> ArchiveFacts | None:
        """Return how an app's archive stands now."""
        async with self.database.transaction() as tx:
            return await latest(tx, app)

    async def finish(self, facts: ArchiveFacts, phase: Phase, **values: Any) -> None:
        """Write that a phase is finished which changed nothing else."""
        async with self.database.transaction(write=True) as tx:
            await move(tx, facts, phase, **values)

    async def begin_again(self, facts: ArchiveFacts, fault: ArchiveFault) -> None:
        """Let the bundle be written anew, and keep why."""
        await self.finish(facts, "asked", fault=_kept(fault))

    async def note(self, facts: ArchiveFacts, fault: ArchiveFault) -> None:
        """Keep why a phase stopped; where not even that can be written, the log has it."""
        try:
            async with self.database.transaction(write=True) as tx:
                await tx.session.execute(
                    update(Archive)
                    .where(col(Archive.id) == facts.id, col(Archive.phase) == facts.phase)
                    .values(fault=_kept(fault), moved_at=tx.now)
                )
        except Exception:
            logger.exception("why the archive of %s stopped was not kept: %s", facts.app, fault)

    async def tell(self, id: UUID) -> None:
        """Write how far it is, for pages to show."""
        done, total = self.progress.done, self.progress.total
        async with self.database.transaction(write=True) as tx:
            await tx.session.execute(
                update(Archive).where(col(Archive.id) == id).values(done=done, total=total)
            )


def _kept(fault: ArchiveFault) -> str:
    return f"{fault.code}|{fault.detail[:LONGEST]}"


async def shut(tx: Transaction, app: str) -> None:
    """Raise `ArchiveFault` for an app that was let run again."""
    found = await tx.session.execute(
        select(col(AppRuntime.state)).where(col(AppRuntime.app) == app)
    )
    state = found.scalar_one_or_none()
    if state not in (None, "disabled"):
        raise ArchiveFault("running", str(state))


def whoever(person_id: UUID | None, name: str) -> Actor:
    """Return who asked, as the record names them when it is carried out."""
    if person_id is None:
        return Actor(system=True, name=name or CONSOLE)
    return Actor(person_id=person_id, name=name)
