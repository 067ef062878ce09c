"""An app that blocks the event loop, in three ways."""

import re
import time
from collections.abc import Sequence

from litestar import get
from litestar.handlers import HTTPRouteHandler

from plugin_sdk import hookimpl
from plugin_sdk.ports import Hub
from plugin_sdk.routes import PUBLIC, needs


@hookimpl
def register_routes(hub: Hub) -> Sequence[HTTPRouteHandler]:
    """Return routes that do not yield."""

    @get("/", opt=needs(PUBLIC))
    async def works() -> str:
        return "works"

    @get("/sleep", opt=needs(PUBLIC))
    async def sleeps() -> str:
        time.sleep(600)  # noqa: ASYNC251  (that is the fault)
        return "late"

    @get("/spin", opt=needs(PUBLIC))
    async def spins() -> str:
        while True:
            pass

    @get("/hold", opt=needs(PUBLIC))
    async def holds() -> str:
        # it never lets go of the interpreter either
        return str(re.fullmatch(r"(a|a)*b", "a" * 60))

    return [works, sleeps, spins, holds]
