"""Traffic (交管业务): vehicles and licences, violations, and what an officer decides."""

from collections.abc import Sequence

from litestar.handlers import HTTPRouteHandler

from plugin_sdk import hookimpl
from plugin_sdk.ports import Hub
from plugins.traffic import routes


@hookimpl
def register_routes(hub: Hub) -> Sequence[HTTPRouteHandler]:
    """Return the routes of every part of the app."""
    return routes.of(hub)
