"""The OpenID Provider over HTTP: what browsers are led to, and what programs ask (ADR 0040)."""

from litestar.handlers import HTTPRouteHandler

from portal.oidc import authorize, logout, programs
from portal.pages.context import Portal

MODULES = (programs, authorize, logout)


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the route handlers."""
    return [handler for module in MODULES for handler in module.routes(portal)]
