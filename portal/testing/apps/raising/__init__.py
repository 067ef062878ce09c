"""An app that loads well, and fails wherever it is called."""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from litestar import get
from litestar.handlers import HTTPRouteHandler

from plugin_sdk import hookimpl
from plugin_sdk.extension import Card, EventHandler, Health, Hit, Job
from plugin_sdk.ports import Actor, Hub, Work
from plugin_sdk.problems import Denied
from plugin_sdk.routes import PUBLIC, needs

LIFE = {"fails": False}
"""What a test sets."""


class Fault(Exception):
    """What this app raises."""


@hookimpl
def register_routes(hub: Hub) -> Sequence[HTTPRouteHandler]:
    """Return a route for each way to fail, and one that works."""

    @get("/", opt=needs(PUBLIC))
    async def works() -> str:
        return "works"

    @get("/raise", opt=needs(PUBLIC))
    async def raises() -> str:
        raise Fault("raised in a handler")

    @get("/exit", opt=needs(PUBLIC))
    async def exits() -> str:
        sys.exit(3)

    @get("/cancel", opt=needs(PUBLIC))
    async def cancels() -> str:
        raise asyncio.CancelledError

    @get("/group", opt=needs(PUBLIC))
    async def groups() -> str:
        raise BaseExceptionGroup("all at once", [SystemExit(3), Fault("and this")])

    @get("/denied", opt=needs(PUBLIC))
    async def denied() -> str:
        raise Denied("raising.item.read")

    return [works, raises, exits, cancels, groups, denied]


@hookimpl
def register_jobs(hub: Hub) -> Sequence[Job]:
    """Return a job that leaves the process."""

    async def fall(actor: Actor) -> None:
        sys.exit(4)

    return [Job(key="fall", run=fall)]


@hookimpl
def subscribe_events(hub: Hub) -> Mapping[str, EventHandler]:
    """Return a handler that fails for each event."""

    async def made(work: Work, event: Mapping[str, Any]) -> None:
        raise Fault("raised for an event")

    return {"good.item.made": made}


@hookimpl
@asynccontextmanager
async def plugin_lifespan(hub: Hub) -> AsyncIterator[None]:
    """Enter, unless a test wants it to fail."""
    if LIFE["fails"]:
        raise Fault("raised in the lifespan")
    yield
    raise Fault("raised when it was left")


@hookimpl
async def portal_cards(hub: Hub, actor: Actor) -> Sequence[Card]:
    """Fail instead of showing a card."""
    raise Fault("raised in a card")


@hookimpl
async def search(hub: Hub, actor: Actor, query: str, limit: int) -> Sequence[Hit]:
    """Return what is no hit."""
    return ["not a hit"]  # type: ignore[list-item]  # that is the fault


@hookimpl
async def health(hub: Hub) -> Health:
    """Leave the process when asked for its health."""
    sys.exit(5)
