"""Supervision (监督督办): checks filed once and followed through, tasks carried out in time."""

from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

from litestar.handlers import HTTPRouteHandler

from plugin_sdk import hookimpl
from plugin_sdk.extension import ImportReport
from plugin_sdk.hooks import case_hooks, case_tallies
from plugin_sdk.ports import Actor, Hub
from plugins.supervision import imports, routes
from plugins.supervision.demonstration import run as act_out
from plugins.supervision.desk import desks


@hookimpl
def register_routes(hub: Hub) -> Sequence[HTTPRouteHandler]:
    """Return the routes of findings, tasks and shared results."""
    return routes.of(hub)


register_flows, portal_cards, search, health, can_retire = case_hooks(
    desks, needs="finding.hand_over"
)
tallies = case_tallies(desks)


@hookimpl
def import_legacy(hub: Hub, source: Path, of: str) -> AsyncIterator[ImportReport]:
    """Bring in the old system's export of checks and rectifications."""
    return imports.run(desks(hub)[0], source, of)


@hookimpl
def load_demonstration(hub: Hub, cast: Mapping[str, Actor]) -> AsyncIterator[ImportReport]:
    """Act out two months of supervision."""
    return act_out(hub, cast)
