"""Checked handlers as an ASGI application that is built piece by piece, when it is used.

Building a route takes half a millisecond, and this house has hundreds of them. So routes are
divided by the first segment of their paths; each section is a Litestar of its own, built when
somebody first comes there or when the worker has nothing else to do.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from litestar.handlers import HTTPRouteHandler

ASGIApp = Callable[[Any, Any, Any], Awaitable[None]]
Build = Callable[[Sequence[HTTPRouteHandler]], ASGIApp]

ALL = ""
PAUSE_SECONDS = 0.01  # for the requests that wait meanwhile


def nothing(handlers: Sequence[HTTPRouteHandler]) -> ASGIApp:
    """Build nothing: an app that was refused has nothing to run. Raises `RuntimeError`."""
    raise RuntimeError("it has nothing to run")


class Sections:
    """The sections of an app or of the portal; `build` makes the application of one.

    Where a first segment is a parameter, any path may be its own: then all is one section.
    """

    def __init__(
        self,
        handlers: Sequence[HTTPRouteHandler],
        build: Build,
        on_fault: Callable[[str], None] = lambda reason: None,
    ) -> None:
        self._build = build
        self._on_fault = on_fault
        self._handlers: dict[str, list[HTTPRouteHandler]] = defaultdict(list)
        for handler in handlers:
            for segment in {_first(path) for path in handler.paths}:
                self._handlers[segment].append(handler)
        if any(segment.startswith("{") for segment in self._handlers):
            self._handlers = {ALL: list(handlers)}
        self._built: dict[str, ASGIApp] = {}

    def __call__(self, scope: Any, receive: Any, send: Any) -> Awaitable[None]:
        """Answer a request. Raises what building its section raises, once `on_fault` has been
        told."""
        segment = _first(scope["path"].removeprefix(scope.get("root_path", "")))
        built = self._built.get(segment) or self._section(segment)
        return built(scope, receive, send)

    async def warm(self) -> None:
        """Build what nobody has come to yet, piece by piece, so that nobody waits for it."""
        for segment in list(self._handlers):
            await asyncio.sleep(PAUSE_SECONDS)
            with contextlib.suppress(Exception):  # whoever comes there is told
                self._section(segment)

    def _section(self, segment: str) -> ASGIApp:
        if segment not in self._handlers:  # what is nowhere is not found anywhere
            segment = ALL
        if segment not in self._built:
            try:
                self._built[segment] = self._build(self._handlers.get(segment, ()))
            except Exception as error:
                self._on_fault(f"build: {type(error).__name__}: {error}")
                raise
        return self._built[segment]


def _first(path: str) -> str:
    return path.lstrip("/").partition("/")[0]
