"""Traffic (交管业务): vehicles and licences, violations, and what an officer decides."""

from collections.abc import Sequence

from litestar.handlers import HTTPRouteHandler

from plugin_sdk import hookimpl
from plugin_sdk.extension import Job
from plugin_sdk.ports import Hub
from plugins.traffic import fines, routes


@hookimpl
def register_routes(hub: Hub) -> Sequence[HTTPRouteHandler]:
    """Return the routes of every part of the app."""
    return routes.of(hub)


@hookimpl
def register_jobs(hub: Hub) -> Sequence[Job]:
    """Return what minds payments."""
    return fines.jobs(hub)
