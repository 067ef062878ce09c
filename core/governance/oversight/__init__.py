"""The oversight app (应用监管): reviews of apps as cases, public accounts and work groups as
registers. It is an app behind the door like any other, on the same kits; since its subject is the
hub itself, it stands in the shell and may use what the room holds.
"""

from collections.abc import AsyncIterator, Mapping, Sequence

from litestar.handlers import HTTPRouteHandler

from core.governance.oversight import demonstration, routes
from core.governance.oversight.desk import desk_of, desks
from plugin_sdk import hookimpl
from plugin_sdk.extension import ImportReport
from plugin_sdk.hooks import case_hooks
from plugin_sdk.ports import Actor, Hub


@hookimpl
def register_routes(hub: Hub) -> Sequence[HTTPRouteHandler]:
    """Return the routes of oversight."""
    return routes.of(hub)


register_flows, portal_cards, search, health, can_retire = case_hooks(desks, needs="review.decide")


@hookimpl
def load_demonstration(hub: Hub, cast: Mapping[str, Actor]) -> AsyncIterator[ImportReport]:
    """Act out a month of reviews of the example apps."""
    return demonstration.run(desk_of(hub), cast)
