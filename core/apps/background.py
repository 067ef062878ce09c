"""What apps do by themselves: jobs, timers, events, and dating what waits for a calendar."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from core.apps.hooks import contained
from core.database import Database, Transaction
from core.jobs import Jobs, OutboxItem, send_later
from core.work.timers import DueTimer, due_timers, take_timer
from plugin_sdk.cases import CaseEngine
from plugin_sdk.extension import Job
from plugin_sdk.ports import Hub
from plugin_sdk.schedules import schedule_of

if TYPE_CHECKING:
    from core.apps.slots import Instance

logger = logging.getLogger(__name__)

TIMER_SECONDS = 5.0
REDATE_SECONDS = 30.0
JOB_SECONDS = 50.0  # within the claim of a job, so that two workers never run it at once
WORK_SECONDS = 10.0  # an event, a timer, a dating: each holds a transaction
EVENT = "event"
EVENT_TO = "event-to:"


class _Apps(Protocol):
    hubs: dict[str, Hub]
    instances: dict[str, "Instance"]

    @property
    def running(self) -> Sequence["Instance"]: ...


class Background:
    """The periodic and event-driven work of one worker's apps."""

    def __init__(self, database: Database, jobs: Jobs, apps: _Apps) -> None:
        self._database = database
        self._jobs = jobs
        self._apps = apps
        jobs.handle(EVENT, self._spread)

    def start(self) -> None:
        """Take part in the jobs."""
        self._jobs.every(TIMER_SECONDS, "core.timers", self.fire_timers)
        self._jobs.every(REDATE_SECONDS, "core.redate", self.redate)

    def schedule(self) -> None:
        """Run the jobs of the apps that are enabled, and hand events to these alone: what
        is sent to another waits in the outbox until it is enabled."""
        self._jobs.cancel("app.")
        running = {instance.app.id: instance for instance in self._apps.running}
        for name, instance in self._apps.instances.items():
            if name not in running:
                self._jobs.unhandle(f"{EVENT_TO}{name}")
                continue
            if instance.subscriptions:
                self._jobs.handle(f"{EVENT_TO}{name}", self._receive)
            asked = {job.key: job for job in instance.app.asked.jobs} if instance.app.asked else {}
            for job in instance.jobs:
                when = schedule_of(asked[job.key])
                self._jobs.schedule(when, f"app.{name}.{job.key}", self._runner(name, job))

    def _runner(self, app: str, job: Job) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            if any(instance.app.id == app for instance in self._apps.running):
                hub = self._apps.hubs[app]
                await contained(
                    f"job {job.key}", JOB_SECONDS, job.run(hub.system(f"job {job.key}"))
                )

        return run

    async def fire_timers(self) -> None:
        """Fire the timers that are due, each once, each in a transaction of its own."""
        running = {instance.app.id: instance for instance in self._apps.running}
        async with self._database.transaction() as tx:
            due = await due_timers(tx, apps=list(running))
        for timer in due:
            instance = running.get(timer.app)
            if instance is not None:
                try:
                    await contained("timer", WORK_SECONDS, self._fire(instance, timer))
                except Exception:
                    logger.exception("the timer %s of %s failed", timer.kind, timer.app)

    async def _fire(self, instance: "Instance", timer: DueTimer) -> None:
        hub = self._apps.hubs[timer.app]
        async with hub.work(hub.system(f"timer {timer.kind}")) as work:
            unit: Any = work
            engines = [one for one in instance.engines if one.owns(timer.subject)]
            for engine in engines:
                await engine.hold(work, timer.subject)
            if await take_timer(unit.tx, timer):
                for engine in engines:
                    await engine.on_timer(work, timer.kind, timer.subject)

    async def redate(self) -> None:
        """Date the cases whose year has become known."""
        for instance in self._apps.running:
            hub = self._apps.hubs[instance.app.id]
            for engine in instance.engines:
                try:
                    await contained("redate", WORK_SECONDS, _redate(hub, engine))
                except Exception:
                    logger.exception("cases of %s could not be dated", instance.app.id)

    async def _spread(self, tx: Transaction, item: OutboxItem) -> None:
        for name, instance in self._apps.instances.items():
            if item.payload["event"] in instance.subscriptions:
                await send_later(tx, f"{EVENT_TO}{name}", item.payload, dedupe=f"{item.id}:{name}")

    async def _receive(self, tx: Transaction, item: OutboxItem) -> None:
        app, event = item.kind.removeprefix(EVENT_TO), item.payload["event"]
        handler = self._apps.instances[app].subscriptions.get(event)
        if handler is None:  # it no longer subscribes
            return
        hub: Any = self._apps.hubs[app]
        async with hub.within(tx, hub.system(f"event {event}")) as work:
            await contained(f"event {event}", WORK_SECONDS, handler(work, item.payload["payload"]))


async def _redate(hub: Hub, engine: CaseEngine[Any]) -> None:
    async with hub.work(hub.system("calendar")) as work:
        await engine.redate(work)
