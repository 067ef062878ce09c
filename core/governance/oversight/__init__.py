"""The oversight app (应用监管): reviews of apps as cases, public accounts and work groups as
registers. It is an app behind the door like any other, on the same kits; since its subject is the
hub itself, it stands in the shell and may use what the room holds.
"""

from collections.abc import Sequence

from litestar.handlers import HTTPRouteHandler

from core.governance.oversight import routes
from core.governance.oversight.desk import desks
from plugin_sdk import hookimpl
from plugin_sdk.hooks import case_hooks
from plugin_sdk.ports import Hub


@hookimpl
def register_routes(hub: Hub) -> Sequence[HTTPRouteHandler]:
    """Return the routes of oversight."""
    return routes.of(hub)


register_flows, portal_cards, search, health = case_hooks(desks, needs="review.decide")
