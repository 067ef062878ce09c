"""The 12345 hotline (12345 政务服务便民热线): requests filed, dispatched, answered, rated."""

from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

from litestar.handlers import HTTPRouteHandler

from plugin_sdk import hookimpl
from plugin_sdk.extension import EventHandler, ImportReport
from plugin_sdk.hooks import case_hooks, case_tallies
from plugin_sdk.ports import Actor, Hub
from plugins.hotline import imports, routes
from plugins.hotline.checking import demonstration as checking
from plugins.hotline.checking.following import Following
from plugins.hotline.checking.supervising import supervision_desk
from plugins.hotline.demonstration import run as act_out
from plugins.hotline.desk import OrderDesk, desk_of

__all__ = ["OrderDesk"]


@hookimpl
def register_routes(hub: Hub) -> Sequence[HTTPRouteHandler]:
    """Return the routes of orders and what the kit does not do."""
    return routes.of(desk_of(hub))


register_flows, portal_cards, search, health, can_retire = case_hooks(
    lambda hub: [desk_of(hub), supervision_desk(hub)],
    needs="order.dispatch",
    shown=lambda hub: [desk_of(hub)],
)
tallies = case_tallies(lambda hub: [desk_of(hub), supervision_desk(hub)])


@hookimpl
def subscribe_events(hub: Hub) -> Mapping[str, EventHandler]:
    """Return what follows from what happens to orders: whom to call, whom to supervise."""
    following = Following(desk_of(hub))
    return {
        **{f"hotline.order.{name}": following.heard for name in ("replied", "rated", "reopened")},
        "hotline.order.returned": following.returned,
    }


@hookimpl
def import_legacy(hub: Hub, source: Path, of: str) -> AsyncIterator[ImportReport]:
    """Bring in the old system's export of messages and replies."""
    return imports.run(desk_of(hub), source, of)


@hookimpl
def load_demonstration(hub: Hub, cast: Mapping[str, Actor]) -> AsyncIterator[ImportReport]:
    """Act out two months of orders, then how their answers were checked."""
    return _act_out(desk_of(hub), cast)


async def _act_out(desk: OrderDesk, cast: Mapping[str, Actor]) -> AsyncIterator[ImportReport]:
    for part in (act_out(desk, cast), checking.demonstrate(desk, cast)):
        async for report in part:
            yield report
