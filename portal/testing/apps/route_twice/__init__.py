"""An app that declares one route twice, under two names of its parameter."""

from collections.abc import Sequence

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from plugin_sdk import hookimpl
from plugin_sdk.ports import Hub
from plugin_sdk.routes import PUBLIC, needs


@hookimpl
def register_routes(hub: Hub) -> Sequence[HTTPRouteHandler]:
    """Return two handlers for one address: public the one, permitted the other."""

    @get("/items/{number:str}", opt=needs("item.read"))
    async def checked(number: FromPath[str]) -> str:
        return number

    @get("/items/{name:str}", opt=needs(PUBLIC))
    async def unchecked(name: FromPath[str]) -> str:
        return name

    return [checked, unchecked]
