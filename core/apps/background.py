"""What apps do by themselves: jobs, timers, events, and dating what waits for a calendar."""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from core.apps.hooks import HookFailure, Hooks
from core.database import Database, Transaction
from core.jobs import Jobs, OutboxItem, send_later
from core.work.timers import DueTimer, due_timers, take_timer
from plugin_sdk.extension import Job
from plugin_sdk.ports import Hub

if TYPE_CHECKING:
    from core.apps.slots import Instance

logger = logging.getLogger(__name__)

TIMER_SECONDS = 5.0
REDATE_SECONDS = 30.0
EVENT = "event"
EVENT_TO = "event-to"


class _Apps(Protocol):
    hooks: Hooks
    hubs: dict[str, Hub]

    @property
    def running(self) -> Sequence["Instance"]: ...


class Background:
    """The periodic and event-driven work of one worker's apps."""

    def __init__(self, database: Database, jobs: Jobs, apps: _Apps) -> None:
        self._database = database
        self._jobs = jobs
        self._apps = apps

    def start(self) -> None:
        """Take part in the jobs and the outbox."""
        self._jobs.every(TIMER_SECONDS, "core.timers", self.fire_timers)
        self._jobs.every(REDATE_SECONDS, "core.redate", self.redate)
        self._jobs.handle(EVENT, self._spread)
        self._jobs.handle(EVENT_TO, self._receive)

    def schedule(self) -> None:
        """Run the jobs of the apps that are enabled, and no others."""
        self._jobs.cancel("app.")
        for instance in self._apps.running:
            app = instance.app.id
            hub = self._apps.hubs[app]
            try:
                jobs: Sequence[Job] = self._apps.hooks.call(app, "register_jobs", (), hub=hub)
            except HookFailure as failure:
                logger.error("the jobs of %s are left out: %s", app, failure)
                continue
            for job in jobs:
                self._jobs.every(job.every_seconds, f"app.{app}.{job.key}", _runner(hub, job))

    async def fire_timers(self) -> None:
        """Fire the timers that are due, each once, each in a transaction of its own."""
        async with self._database.transaction() as tx:
            due = await due_timers(tx)
        running = {instance.app.id: instance for instance in self._apps.running}
        for timer in due:
            instance = running.get(timer.app)
            if instance is not None:
                try:
                    await self._fire(instance, timer)
                except Exception:
                    logger.exception("the timer %s of %s failed", timer.kind, timer.app)

    async def _fire(self, instance: "Instance", timer: DueTimer) -> None:
        hub = self._apps.hubs[timer.app]
        async with hub.work(hub.system(f"timer {timer.kind}")) as work:
            unit: Any = work
            if await take_timer(unit.tx, timer):
                for engine in instance.engines:
                    if engine.owns(timer.subject):
                        await engine.on_timer(work, timer.kind, timer.subject)

    async def redate(self) -> None:
        """Date the cases whose year has become known."""
        for instance in self._apps.running:
            hub = self._apps.hubs[instance.app.id]
            for engine in instance.engines:
                try:
                    async with hub.work(hub.system("calendar")) as work:
                        await engine.redate(work)
                except Exception:
                    logger.exception("cases of %s could not be dated", instance.app.id)

    async def _spread(self, tx: Transaction, item: OutboxItem) -> None:
        for instance in self._apps.running:
            if item.payload["event"] in instance.subscriptions:
                await send_later(
                    tx,
                    EVENT_TO,
                    {"app": instance.app.id, **item.payload},
                    dedupe=f"{item.id}:{instance.app.id}",
                )

    async def _receive(self, tx: Transaction, item: OutboxItem) -> None:
        app, event = item.payload["app"], item.payload["event"]
        for instance in self._apps.running:
            if instance.app.id == app and event in instance.subscriptions:
                hub: Any = self._apps.hubs[app]
                async with hub.within(tx, hub.system(f"event {event}")) as work:
                    await instance.subscriptions[event](work, item.payload["payload"])
                return
        raise LookupError(f"{app} is not running: {event} waits")


def _runner(hub: Hub, job: Job) -> Any:
    async def run() -> None:
        await job.run(hub.system(f"job {job.key}"))

    return run
