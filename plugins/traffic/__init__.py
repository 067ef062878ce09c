"""Traffic (交管业务): vehicles and licences, violations, and what an officer decides."""

from collections.abc import AsyncIterator, Mapping, Sequence

from litestar.handlers import HTTPRouteHandler

from plugin_sdk import hookimpl
from plugin_sdk.extension import Card, ImportReport, Job
from plugin_sdk.ports import Actor, Hub
from plugins.traffic import appointments, routes


@hookimpl
def register_routes(hub: Hub) -> Sequence[HTTPRouteHandler]:
    """Return the routes of every part of the app."""
    return routes.of(hub)


@hookimpl
def register_jobs(hub: Hub) -> Sequence[Job]:
    """Return what tends the appointments."""
    return [appointments.job(hub)]


@hookimpl
async def portal_cards(hub: Hub, actor: Actor) -> Sequence[Card]:
    """Return one's next appointment, or who comes to the counter today."""
    async with hub.read(actor) as read:
        card = await appointments.card(hub, read)
    return [card] if card else []


@hookimpl
def load_demonstration(hub: Hub, cast: Mapping[str, Actor]) -> AsyncIterator[ImportReport]:
    """Enter places and hours, and let residents book."""
    return appointments.demonstrate(hub, cast)
