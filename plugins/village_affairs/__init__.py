"""Village affairs (一村一码): a month published in time, contracts, questions, open meetings."""

from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

from litestar.handlers import HTTPRouteHandler

from plugin_sdk import hookimpl
from plugin_sdk.extension import ImportReport, Job
from plugin_sdk.hooks import case_hooks
from plugin_sdk.ports import Actor, Hub
from plugins.village_affairs import demonstration, imports, routes
from plugins.village_affairs.desk import desk_of


@hookimpl
def register_routes(hub: Hub) -> Sequence[HTTPRouteHandler]:
    """Return the routes of the kits, the public page, subsidies and figures."""
    return routes.of(desk_of(hub))


register_flows, portal_cards, search, health, can_retire = case_hooks(
    lambda hub: [desk_of(hub).questions],
    needs="publication.review",
    shown=lambda hub: [desk_of(hub).publications, desk_of(hub).questions],
)


@hookimpl
def register_jobs(hub: Hub) -> Sequence[Job]:
    """Return the closing of the day, and the reminders of contracts."""
    desk = desk_of(hub)
    return [Job(key="closing", run=desk.close_day), desk.assets.engine.job("contracts")]


@hookimpl
def import_legacy(hub: Hub, source: Path) -> AsyncIterator[ImportReport]:
    """Bring in what the old system published."""
    return imports.run(desk_of(hub), source)


@hookimpl
def load_demonstration(hub: Hub, cast: Mapping[str, Actor]) -> AsyncIterator[ImportReport]:
    """Act out a month of one village."""
    return demonstration.run(desk_of(hub), cast)
