"""Supervision (监督督办): checks filed once and followed through, tasks carried out in time."""

from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from litestar.handlers import HTTPRouteHandler

from plugin_sdk import hookimpl
from plugin_sdk.cases import CaseEngine
from plugin_sdk.extension import Card, Health, Hit, ImportReport
from plugin_sdk.ports import Actor, Hub
from plugin_sdk.views import Phrase
from plugins.supervision import imports, routes
from plugins.supervision.demonstration import run as act_out
from plugins.supervision.desk import desks


@hookimpl
def register_routes(hub: Hub) -> Sequence[HTTPRouteHandler]:
    """Return the routes of findings, tasks and shared results."""
    return routes.of(hub)


@hookimpl
def register_flows(hub: Hub) -> Sequence[CaseEngine[Any]]:
    """Return the engines, one a flow."""
    return [desk.engine for desk in desks(hub)]


@hookimpl
async def portal_cards(hub: Hub, actor: Actor) -> Sequence[Card]:
    """Return a card for findings and one for tasks: what is late, due today or under way."""
    async with hub.read(actor) as read:
        return [card for desk in desks(hub) if (card := await desk.card(read))]


@hookimpl
async def search(hub: Hub, actor: Actor, query: str, limit: int) -> Sequence[Hit]:
    """Return the findings and tasks in scope that match."""
    async with hub.read(actor) as read:
        return [hit for desk in desks(hub) for hit in await desk.hits(read, query, limit)][:limit]


@hookimpl
async def health(hub: Hub) -> Health:
    """Return whether some unit can take what is filed."""
    if await hub.directory.units("finding.hand_over"):
        return Health(ok=True)
    return Health(ok=False, detail=Phrase("supervision.health.no-receiver"))


@hookimpl
def import_legacy(hub: Hub, source: Path) -> AsyncIterator[ImportReport]:
    """Bring in the old system's export of checks and rectifications."""
    return imports.run(desks(hub)[0], source)


@hookimpl
def load_demonstration(hub: Hub, cast: Mapping[str, Actor]) -> AsyncIterator[ImportReport]:
    """Act out two months of supervision."""
    return act_out(hub, cast)
