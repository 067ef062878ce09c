"""An app that takes longer than it may, wherever it is called."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Stream

from plugin_sdk import hookimpl
from plugin_sdk.extension import Card
from plugin_sdk.ports import Actor, Hub
from plugin_sdk.routes import PUBLIC, needs

LIFE = {"slow": False}
"""What a test sets."""


@hookimpl
def register_routes(hub: Hub) -> Sequence[HTTPRouteHandler]:
    """Return routes that answer late, hold the database, or do not let themselves be ended."""

    @get("/", opt=needs(PUBLIC))
    async def works() -> str:
        return "works"

    @get("/wait/{milliseconds:int}", opt=needs(PUBLIC))
    async def wait(milliseconds: FromPath[int]) -> str:
        await asyncio.sleep(milliseconds / 1000)
        return "late"

    @get("/deaf", opt=needs(PUBLIC))
    async def deaf() -> str:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return "I was told to stop"
        return "late"

    @post("/hold", opt=needs(PUBLIC))
    async def hold() -> str:
        async with hub.work(hub.system("hold")):
            await asyncio.sleep(60)
        return "late"

    @get("/stream", opt=needs(PUBLIC))
    async def stream() -> Stream:
        return Stream(_drops())

    return [works, wait, deaf, hold, stream]


async def _drops() -> AsyncIterator[bytes]:
    yield b"first"
    await asyncio.sleep(60)
    yield b"last"


@hookimpl
@asynccontextmanager
async def plugin_lifespan(hub: Hub) -> AsyncIterator[None]:
    """Enter, late if a test wants it."""
    if LIFE["slow"]:
        await asyncio.sleep(60)
    yield


@hookimpl
async def portal_cards(hub: Hub, actor: Actor) -> Sequence[Card]:
    """Return a card much too late."""
    await asyncio.sleep(60)
    return []
