"""An app with a route that names a permission its manifest does not ask for."""

from collections.abc import Sequence

from litestar import get
from litestar.handlers import HTTPRouteHandler

from plugin_sdk import hookimpl
from plugin_sdk.ports import Hub
from plugin_sdk.routes import needs


@hookimpl
def register_routes(hub: Hub) -> Sequence[HTTPRouteHandler]:
    """Return a route under a permission that nobody can grant."""

    @get("/", opt=needs("item.invent"))
    async def invented() -> str:
        return "invented"

    return [invented]
