"""Village affairs (一村一码): a month published in time, contracts, questions, open meetings."""

from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from litestar.handlers import HTTPRouteHandler

from plugin_sdk import hookimpl
from plugin_sdk.cases import CaseEngine
from plugin_sdk.extension import Card, Health, Hit, ImportReport, Job
from plugin_sdk.ports import Actor, Hub
from plugin_sdk.views import Phrase
from plugins.village_affairs import demonstration, imports, routes
from plugins.village_affairs.desk import desk_of


@hookimpl
def register_routes(hub: Hub) -> Sequence[HTTPRouteHandler]:
    """Return the routes of the kits, the public page, subsidies and figures."""
    return routes.of(desk_of(hub))


@hookimpl
def register_flows(hub: Hub) -> Sequence[CaseEngine[Any]]:
    """Return the engine of questions."""
    return [desk_of(hub).questions.engine]


@hookimpl
def register_jobs(hub: Hub) -> Sequence[Job]:
    """Return the closing of the day, and the reminders of contracts."""
    desk = desk_of(hub)
    return [Job(key="closing", run=desk.close_day), desk.assets.engine.job("contracts")]


@hookimpl
async def portal_cards(hub: Hub, actor: Actor) -> Sequence[Card]:
    """Return what this month lacks, and the questions under way."""
    desk = desk_of(hub)
    async with hub.read(actor) as read:
        cards = [await desk.publications.card(read), await desk.questions.card(read)]
    return [card for card in cards if card]


@hookimpl
async def search(hub: Hub, actor: Actor, query: str, limit: int) -> Sequence[Hit]:
    """Return the questions in scope that match."""
    async with hub.read(actor) as read:
        return await desk_of(hub).questions.hits(read, query, limit)


@hookimpl
async def health(hub: Hub) -> Health:
    """Return whether somebody reviews what villages publish."""
    if await hub.directory.units("publication.review"):
        return Health(ok=True)
    return Health(ok=False, detail=Phrase("village-affairs.health.no-reviewer"))


@hookimpl
def import_legacy(hub: Hub, source: Path) -> AsyncIterator[ImportReport]:
    """Bring in what the old system published."""
    return imports.run(desk_of(hub), source)


@hookimpl
def load_demonstration(hub: Hub, cast: Mapping[str, Actor]) -> AsyncIterator[ImportReport]:
    """Act out a month of one village."""
    return demonstration.run(desk_of(hub), cast)
