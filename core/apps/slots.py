"""A slot: everything behind `/apps/<id>/` — what is granted, how its door stands, what runs."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec
from litestar.handlers import HTTPRouteHandler

from core.apps.breaker import Breaker
from core.apps.farewell import Headers, Links
from core.apps.registry import LoadedApp
from core.apps.sections import ASGIApp, Build, Sections, nothing
from core.usage.visits import RULES
from plugin_sdk.cases import CaseEngine
from plugin_sdk.extension import Job
from plugin_sdk.manifest import Limits

logger = logging.getLogger(__name__)

State = Literal["enabled", "draining", "disabled", "quarantined"]
Mode = Literal["open", "read_only", "moved", "closed"]

CUT_SECONDS = 5.0
CLOCK_SECONDS = 0.001  # what a timer may come too early by


class Gate(msgspec.Struct, frozen=True, kw_only=True):
    """How an app's door stands, from the row that every worker follows
    (`core.apps.models.AppRuntime`)."""

    state: State = "disabled"
    mode: Mode = "open"
    generation: int = 0
    reason: str = ""
    successor: str | None = None
    until: datetime | None = None
    deprecated_at: datetime | None = None
    sunset_at: datetime | None = None
    links: Links = ()

    @property
    def serves(self) -> bool:
        """Return whether the app runs, for whoever comes to it and by itself."""
        return self.state == "enabled" and self.mode != "closed"


class Instance:
    """What runs of an app in this worker: handlers, application, lifespan, requests."""

    def __init__(
        self,
        app: LoadedApp,
        *,
        handlers: Sequence[HTTPRouteHandler] = (),
        build: Build = nothing,
        lifespan: Callable[[], contextlib.AbstractAsyncContextManager[None]] | None = None,
        engines: Sequence[CaseEngine[Any]] = (),
        subscriptions: Mapping[str, Any] | None = None,
        jobs: Sequence[Job] = (),
    ) -> None:
        self.app = app
        self.limits = app.manifest.limits if app.manifest else Limits()
        self.rules = app.manifest.usage if app.manifest else RULES
        self.breaker = Breaker(self.limits.breaker)
        self.handlers = list(handlers)
        self.engines = list(engines)
        self.subscriptions = dict(subscriptions or {})
        self.jobs = list(jobs)
        self.on_fault: Callable[[str], None] = lambda reason: None
        self.sections = Sections(self.handlers, build, self._fault)
        self.asgi: ASGIApp = self.sections
        self.requests: dict[asyncio.Task[Any], float] = {}
        self.cut: set[asyncio.Task[Any]] = set()
        self.late: set[asyncio.Task[Any]] = set()
        self.idle = asyncio.Event()
        self.idle.set()
        self._lifespan = lifespan
        self._life: asyncio.Task[None] | None = None
        self._stop = asyncio.Event()
        self._alarm: asyncio.TimerHandle | None = None

    def _fault(self, reason: str) -> None:
        self.on_fault(reason)

    @property
    def started(self) -> bool:
        """Return whether the app may serve: its lifespan is entered, or it has none."""
        return self._lifespan is None or (self._life is not None and not self._stop.is_set())

    async def start(self, seconds: float) -> None:
        """Enter the app's lifespan, in a task of its own that also leaves it.

        Raises whatever the lifespan raises, `TimeoutError` when it takes too long.
        """
        if self._lifespan is None or self.started:
            return
        if self._life is not None:  # it is still leaving
            await self.stop()
        self._stop = asyncio.Event()
        entered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        life = self._life = asyncio.create_task(
            self._live(self._lifespan, self._stop, entered), name=f"lifespan-{self.app.id}"
        )
        try:
            async with asyncio.timeout(seconds):
                await asyncio.wait({life, entered}, return_when=asyncio.FIRST_COMPLETED)
                if not entered.done():  # it ended, and not by entering
                    await life
        except BaseException:
            await self._abandon(life)
            raise

    async def _live(
        self,
        lifespan: Callable[[], contextlib.AbstractAsyncContextManager[None]],
        stop: asyncio.Event,
        entered: asyncio.Future[None],
    ) -> None:
        try:
            async with lifespan():
                entered.set_result(None)
                await stop.wait()
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            self._ended(stop, entered, RuntimeError("it was cancelled by itself"))
        except KeyboardInterrupt:
            raise
        except Exception as error:
            self._ended(stop, entered, error)
        except BaseException as error:
            self._ended(stop, entered, RuntimeError(f"{type(error).__name__}: {error}"))

    def _ended(self, stop: asyncio.Event, entered: asyncio.Future[None], error: Exception) -> None:
        if not entered.done():
            raise error
        logger.error("the lifespan of %s ended badly", self.app.id, exc_info=error)
        if not stop.is_set():
            self._life = None
            self.on_fault(f"lifespan: {type(error).__name__}: {error}")

    async def _abandon(self, life: asyncio.Task[None]) -> None:
        """End a lifespan that did not enter or does not leave; one that resists is left."""
        if self._life is life:
            self._life = None
        life.cancel()
        _, left = await asyncio.wait({life}, timeout=1.0)
        if left:
            logger.error("the lifespan of %s does not let itself be ended", self.app.id)
        elif not life.cancelled():
            life.exception()  # it was told where it was awaited

    async def stop(self, seconds: float = 5.0) -> None:
        """Leave the lifespan."""
        life = self._life
        if life is None:
            return
        self._stop.set()
        await asyncio.wait({life}, timeout=seconds)
        if life.done():
            self._life = None
        else:
            await self._abandon(life)

    def begin(self, task: asyncio.Task[Any]) -> None:
        """Let a request begin; it is cancelled, and `late`, when its time is over.

        All requests of an app have the same time, so the oldest is over first: one timer for
        it serves them all, where one for each would cost every request several µs.
        """
        loop = asyncio.get_running_loop()
        self.requests[task] = end = loop.time() + self.limits.timeout_seconds
        self.idle.clear()
        if self._alarm is None:
            self._alarm = loop.call_at(end, self._cancel_late, loop)

    def end(self, task: asyncio.Task[Any]) -> None:
        """Take note that a request has ended; what was cancelled here is so no longer."""
        for cancelled in (self.cut, self.late):
            if task in cancelled:
                cancelled.discard(task)
                task.uncancel()
        self.requests.pop(task, None)
        if not self.requests:
            self.idle.set()

    def _cancel_late(self, loop: asyncio.AbstractEventLoop) -> None:
        self._alarm = None
        now = loop.time()
        for task, end in self.requests.items():
            if end - now > CLOCK_SECONDS:
                self._alarm = loop.call_at(end, self._cancel_late, loop)
                return
            if task not in self.late:
                self.late.add(task)
                task.cancel()

    async def drain(self, seconds: float) -> int:
        """Wait until every request that had begun is answered; cut what is left after
        `seconds` (they get 504). Returns how many were cut."""
        if await self._idle_within(seconds):
            return 0
        left = list(self.requests)
        self.cut.update(left)
        for task in left:
            task.cancel()
        if not await self._idle_within(CUT_SECONDS):
            logger.error("%s holds on to %d requests", self.app.id, len(self.requests))
        return len(left)

    async def _idle_within(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.idle.wait()
        return self.idle.is_set()


class Slot(msgspec.Struct, frozen=True):
    """One app behind the door. A new one replaces it whenever its gate changes. `headers` go with
    every answer of an app that is on its way out."""

    instance: Instance
    gate: Gate
    headers: Headers = ()

    @property
    def app(self) -> LoadedApp:
        """Return the app in the slot."""
        return self.instance.app


Slots = Mapping[str, Slot]
