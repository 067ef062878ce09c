"""What governance staff and the owners of apps see: the portfolio, dossiers, policy, complaints."""

from litestar.handlers import HTTPRouteHandler

from portal.pages.context import Portal
from portal.pages.governance import (
    changes,
    complaints,
    decisions,
    dossiers,
    filing,
    life,
    lists,
    merges,
    policy,
    register,
    reports,
    reviews,
)

MODULES = (
    *(lists, dossiers, life, merges, policy, complaints, reviews, decisions),
    *(register, changes, filing, reports),
)


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the route handlers."""
    return [handler for module in MODULES for handler in module.routes(portal)]
