"""The archive in a hub that runs: what was asked for is carried out beside its other work."""

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

from sqlalchemy import select
from sqlmodel import col

from core.apps.models import AppRuntime
from core.apps.registry import LoadedApp
from core.apps.supervisor import Apps
from core.database import Database
from core.governance.archive import bundle, describing, phases
from core.governance.archive.bundle import ArchiveFault
from core.governance.archive.desk import BrokenOff, Desk, Progress
from core.governance.archive.service import (
    BEFORE_DROPPED,
    ArchiveFacts,
    given_up,
    latest,
    waiting,
)
from core.hub.alone import unserved
from core.jobs import Jobs
from core.settings import Settings
from plugin_sdk.manifest import Limits
from plugin_sdk.problems import Conflict

logger = logging.getLogger(__name__)

JOB: Final = "core.governance-archive"
LOOK_SECONDS: Final = 5.0
IDLE_SECONDS: Final = 60.0
AGAIN: Final = timedelta(minutes=10)  # after a fault that may have gone by itself: a full disk


class Archives:
    """Archives of one hub. `months` says how long a bundle is kept; it raises when nobody knows.

    The work is done in a thread with a loop and connections of its own: compressing and hashing
    would keep whoever is served here waiting.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        apps: Apps,
        months: Callable[[], int],
    ) -> None:
        self._settings = settings
        self._database = database
        self._apps = apps
        self._months = months
        self._stop = threading.Event()
        self._inside = False
        self._task: asyncio.Task[None] | None = None

    def schedule(self, jobs: Jobs) -> None:
        """Let this worker take its part: whatever was asked for, or was broken off, goes on."""
        jobs.every(LOOK_SECONDS, JOB, self.look)

    async def introduce(self) -> None:
        """Keep what the tables of each app are."""
        async with self._database.transaction(write=True) as tx:
            await describing.note_tables(tx, self._loaded())

    async def close(self) -> None:
        """Break off what runs here; it goes on when a hub runs again."""
        self._stop.set()
        if self._task is not None:
            if not self._inside:  # a thread is not cancelled: it ends at the next thousand rows
                self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def look(self) -> None:
        """Begin what waits, if nothing runs here: in a task of its own, since it may take hours."""
        if self._task is not None and not self._task.done():
            return
        async with self._database.transaction() as tx:
            found = await waiting(tx)
            left = await given_up(tx)
            now = tx.now
        await self._tidy(left)
        due = [app for app, stopped, at in found if not stopped or now - at >= AGAIN]
        if due:
            self._task = asyncio.create_task(self._all(due), name="archive")

    async def _tidy(self, left: Sequence[tuple[str, str]]) -> None:
        """Remove what was written of archives that were called off: a copy that nobody knows of
        would outlive the app."""
        folder = self._settings.home / "archive"
        for app, name in left:
            if not any(folder.glob(f"{name}*")):
                continue
            try:
                async with phases.alone(self._database, folder, app):
                    await asyncio.to_thread(bundle.remove, folder / name)
            except Conflict:
                logger.info("another process works at the archive of %s", app)

    async def _all(self, apps: Sequence[str]) -> None:
        for app in apps:
            try:
                await self.run(app)
            except ArchiveFault as fault:
                logger.error("the archive of %s stopped: %s", app, fault)
            except Conflict:
                logger.info("another process works at the archive of %s", app)
            except BrokenOff:
                return
            except Exception:
                logger.exception("the archive of %s stopped", app)

    async def run(self, app: str, progress: Progress | None = None) -> ArchiveFacts | None:
        """Carry out what was asked for; return how the archive then stands.

        Raises `ArchiveFault`, `Conflict` (`archive-busy`), `BrokenOff` (`phases.run`).
        """
        await self._until_idle(app)
        told = progress or Progress(stop=self._stop)
        self._inside = True
        try:
            return await asyncio.to_thread(asyncio.run, self._run(app, told))
        finally:
            self._inside = False

    async def _run(self, app: str, progress: Progress) -> ArchiveFacts | None:
        database = Database(self._settings.database_url, clock=self._database.clock)
        try:
            desk = Desk(database, self._settings.home, self._loaded(), self._months, progress)
            return await phases.run(desk, app)
        finally:
            await database.close()

    def _loaded(self) -> list[LoadedApp]:
        return [instance.app for instance in self._apps.instances.values()]

    async def _until_idle(self, app: str) -> None:
        """Wait until no worker runs the app. Raises `ArchiveFault`."""
        async with self._database.transaction() as tx:
            facts = await latest(tx, app)
            found = await tx.session.execute(
                select(col(AppRuntime.generation), col(AppRuntime.changed_at)).where(
                    col(AppRuntime.app) == app
                )
            )
            row = found.first()
            now = tx.now
        if facts is None or facts.phase not in BEFORE_DROPPED or row is None:
            return
        generation, changed_at = row
        known = await self._apps.acknowledged(generation, drained=True)
        if not known.live:  # nobody is heard here: as long as it takes one that runs beside
            if not await unserved(self._database):
                await asyncio.sleep(self._lag(app, now - changed_at))
            return
        known = await self._apps.until_acknowledged(generation, IDLE_SECONDS, drained=True)
        if known.live and known.ready < known.live:
            fault = ArchiveFault("busy", f"{known.ready}/{known.live}")
            await Desk(self._database, self._settings.home, (), self._months).note(facts, fault)
            raise fault

    def _lag(self, app: str, since: timedelta) -> float:
        manifest = self._apps.manifest(app)
        limits = manifest.limits if manifest else Limits()
        longest = 2 * self._settings.poll_seconds + limits.drain_seconds
        return max(0.0, longest - since.total_seconds())
