"""The 12345 hotline (12345 政务服务便民热线): requests filed, dispatched, answered, rated."""

from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from litestar.handlers import HTTPRouteHandler

from plugin_sdk import hookimpl
from plugin_sdk.cases.desk import CaseDesk
from plugin_sdk.extension import ImportReport
from plugin_sdk.hooks import case_hooks, case_tallies
from plugin_sdk.ports import Actor, Hub
from plugins.hotline import imports, routes
from plugins.hotline.coordination import demonstration as coordinations
from plugins.hotline.demonstration import run as act_out
from plugins.hotline.desk import OrderDesk, desk_of

__all__ = ["OrderDesk"]


def _desks(desk: OrderDesk) -> list[CaseDesk[Any]]:
    return [desk, desk.coordinations]


@hookimpl
def register_routes(hub: Hub) -> Sequence[HTTPRouteHandler]:
    """Return the routes of orders and what the kit does not do."""
    return routes.of(desk_of(hub))


register_flows, portal_cards, search, health, can_retire = case_hooks(
    lambda hub: _desks(desk_of(hub)), needs="order.dispatch"
)
tallies = case_tallies(lambda hub: [desk_of(hub)])


@hookimpl
def import_legacy(hub: Hub, source: Path, of: str) -> AsyncIterator[ImportReport]:
    """Bring in the old system's export of messages and replies."""
    return imports.run(desk_of(hub), source, of)


@hookimpl
async def load_demonstration(hub: Hub, cast: Mapping[str, Actor]) -> AsyncIterator[ImportReport]:
    """Act out two months of orders, and two that were coordinated."""
    async for report in act_out(desk_of(hub), cast):
        yield report
    async for report in coordinations.demonstrate(hub, cast):
        yield report
