"""An app with a route that names no permission."""

from collections.abc import Sequence

from litestar import get
from litestar.handlers import HTTPRouteHandler

from plugin_sdk import hookimpl
from plugin_sdk.ports import Hub
from plugin_sdk.routes import needs


@hookimpl
def register_routes(hub: Hub) -> Sequence[HTTPRouteHandler]:
    """Return one route that is well marked and one that is not."""

    @get("/", opt=needs("item.read"))
    async def marked() -> str:
        return "marked"

    @get("/open")
    async def open_to_all() -> str:
        return "nobody was asked"

    return [marked, open_to_all]
