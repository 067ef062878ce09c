"""The 12345 hotline (12345 政务服务便民热线): requests filed, dispatched, answered, rated."""

from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from litestar.handlers import HTTPRouteHandler

from plugin_sdk import hookimpl
from plugin_sdk.cases import CaseEngine
from plugin_sdk.extension import Card, Health, Hit, ImportReport
from plugin_sdk.ports import Actor, Hub
from plugin_sdk.views import Phrase
from plugins.hotline import imports, routes
from plugins.hotline.demonstration import run as act_out
from plugins.hotline.desk import OrderDesk, desk_of

__all__ = ["OrderDesk"]


@hookimpl
def register_routes(hub: Hub) -> Sequence[HTTPRouteHandler]:
    """Return the routes of orders and what the kit does not do."""
    return routes.of(desk_of(hub))


@hookimpl
def register_flows(hub: Hub) -> Sequence[CaseEngine[Any]]:
    """Return the engine of orders."""
    return [desk_of(hub).engine]


@hookimpl
async def portal_cards(hub: Hub, actor: Actor) -> Sequence[Card]:
    """Return one card: what is late, due today or under way."""
    async with hub.read(actor) as read:
        card = await desk_of(hub).card(read)
    return [card] if card else []


@hookimpl
async def search(hub: Hub, actor: Actor, query: str, limit: int) -> Sequence[Hit]:
    """Return the orders in scope that match."""
    async with hub.read(actor) as read:
        return await desk_of(hub).hits(read, query, limit)


@hookimpl
async def health(hub: Hub) -> Health:
    """Return whether some unit can dispatch what is filed."""
    if await hub.directory.units("order.dispatch"):
        return Health(ok=True)
    return Health(ok=False, detail=Phrase("hotline.health.no-dispatcher"))


@hookimpl
def import_legacy(hub: Hub, source: Path) -> AsyncIterator[ImportReport]:
    """Bring in the old system's export of messages and replies."""
    return imports.run(desk_of(hub), source)


@hookimpl
def load_demonstration(hub: Hub, cast: Mapping[str, Actor]) -> AsyncIterator[ImportReport]:
    """Act out two months of orders."""
    return act_out(desk_of(hub), cast)
