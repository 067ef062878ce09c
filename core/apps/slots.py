"""A slot: everything behind `/apps/<id>/` — what is granted, how its door stands, what runs."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler

from core.apps.breaker import Breaker
from core.apps.registry import LoadedApp
from plugin_sdk.cases import CaseEngine
from plugin_sdk.manifest import Limits

logger = logging.getLogger(__name__)

State = Literal["enabled", "draining", "disabled", "quarantined"]
Mode = Literal["open", "read_only", "moved", "closed"]
ASGIApp = Callable[[Any, Any, Any], Awaitable[None]]


class Gate(msgspec.Struct, frozen=True, kw_only=True):
    """How an app's door stands, from the row that every worker follows."""

    state: State = "disabled"
    mode: Mode = "open"
    generation: int = 0
    reason: str = ""
    successor: str | None = None
    until: datetime | None = None


class Instance:
    """What runs of an app in this worker: handlers, application, lifespan, requests."""

    def __init__(
        self,
        app: LoadedApp,
        *,
        handlers: Sequence[HTTPRouteHandler] = (),
        build: Callable[[], Litestar] | None = None,
        lifespan: Callable[[], contextlib.AbstractAsyncContextManager[None]] | None = None,
        engines: Sequence[CaseEngine[Any]] = (),
        subscriptions: Mapping[str, Any] | None = None,
    ) -> None:
        self.app = app
        self.limits = app.manifest.limits if app.manifest else Limits()
        self.breaker = Breaker(self.limits.breaker)
        self.handlers = list(handlers)
        self.engines = list(engines)
        self.subscriptions = dict(subscriptions or {})
        self.requests: set[asyncio.Task[Any]] = set()
        self.cut: set[asyncio.Task[Any]] = set()
        self.idle = asyncio.Event()
        self.idle.set()
        self._build = build
        self._lifespan = lifespan
        self._asgi: ASGIApp | None = None
        self._life: asyncio.Task[None] | None = None
        self._stop = asyncio.Event()

    @property
    def asgi(self) -> ASGIApp:
        """Return the application, built on first use."""
        if self._asgi is None:
            if self._build is None:
                raise RuntimeError(f"{self.app.id} has nothing to run")
            self._asgi = self._build()
        return self._asgi

    async def start(self, seconds: float) -> None:
        """Enter the app's lifespan, in a task of its own that also leaves it.

        Raises whatever the lifespan raises, `TimeoutError` when it takes too long.
        """
        if self._lifespan is None or self._life is not None:
            return
        self._stop = asyncio.Event()
        started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        manager = self._lifespan

        async def live() -> None:
            try:
                async with manager():
                    if not started.done():
                        started.set_result(None)
                    await self._stop.wait()
            except BaseException as error:
                if started.done():
                    logger.exception("the lifespan of %s ended badly", self.app.id)
                elif isinstance(error, Exception):
                    started.set_exception(error)
                else:
                    started.set_exception(RuntimeError(f"{type(error).__name__}: {error}"))
                if isinstance(error, asyncio.CancelledError):
                    raise

        self._life = asyncio.create_task(live(), name=f"lifespan-{self.app.id}")
        try:
            async with asyncio.timeout(seconds):
                await asyncio.shield(started)
        except BaseException:
            self._life.cancel()
            self._life = None
            raise

    async def stop(self, seconds: float = 5.0) -> None:
        """Leave the lifespan."""
        if self._life is None:
            return
        self._stop.set()
        done, _ = await asyncio.wait({self._life}, timeout=seconds)
        if not done:
            self._life.cancel()
        self._life = None

    async def drain(self, seconds: float) -> int:
        """Wait until every request that had begun is answered; cut what is left after
        `seconds` (they get 504). Returns how many were cut."""
        try:
            async with asyncio.timeout(seconds):
                await self.idle.wait()
        except TimeoutError:
            left = list(self.requests)
            self.cut.update(left)
            for task in left:
                task.cancel()
            await self.idle.wait()
            return len(left)
        return 0


class Slot(msgspec.Struct, frozen=True):
    """One app behind the door. A new one replaces it whenever its gate changes."""

    instance: Instance
    gate: Gate

    @property
    def app(self) -> LoadedApp:
        """Return the app in the slot."""
        return self.instance.app


Slots = Mapping[str, Slot]
