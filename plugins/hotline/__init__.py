"""The 12345 hotline (12345 政务服务便民热线): requests filed, dispatched, answered, rated."""

from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

from litestar.handlers import HTTPRouteHandler

from plugin_sdk import hookimpl
from plugin_sdk.extension import ImportReport, Job
from plugin_sdk.hooks import case_hooks, case_tallies
from plugin_sdk.ports import Actor, Hub
from plugins.hotline import imports, routes
from plugins.hotline.demonstration import run as act_out
from plugins.hotline.desk import OrderDesk, desk_of
from plugins.hotline.dispatching.categorizing import Categorizer

__all__ = ["OrderDesk"]


@hookimpl
def register_routes(hub: Hub) -> Sequence[HTTPRouteHandler]:
    """Return the routes of orders and what the kit does not do."""
    return routes.of(desk_of(hub))


register_flows, portal_cards, search, health, can_retire = case_hooks(
    lambda hub: [desk_of(hub)], needs="order.dispatch"
)
tallies = case_tallies(lambda hub: [desk_of(hub)])


@hookimpl
def register_jobs(hub: Hub) -> Sequence[Job]:
    """Return what the hotline does by itself: it learns categories anew each day."""
    return [Categorizer(hub).job()]


@hookimpl
def import_legacy(hub: Hub, source: Path, of: str) -> AsyncIterator[ImportReport]:
    """Bring in the old system's export of messages and replies."""
    return imports.run(desk_of(hub), source, of)


@hookimpl
def load_demonstration(hub: Hub, cast: Mapping[str, Actor]) -> AsyncIterator[ImportReport]:
    """Act out two months of orders."""
    return act_out(desk_of(hub), cast)
