"""The portal's pages: one module a page or two, all as routes with a permission."""

from litestar.handlers import HTTPRouteHandler

from portal import oidc
from portal.pages import (
    about,
    admin,
    again,
    behalf,
    client_consents,
    codes,
    delegations,
    governance,
    home,
    identities,
    known,
    offline,
    own_record,
    own_sessions,
    passwords,
    pins,
    public,
    recovery,
    register,
    search,
    second_factor,
    security,
    session,
    system,
    through,
    tokens,
    transparency,
)
from portal.pages.context import Portal

MODULES = (
    system,
    session,
    second_factor,
    again,
    through,
    security,
    identities,
    codes,
    recovery,
    offline,
    register,
    home,
    known,
    own_record,
    own_sessions,
    client_consents,
    tokens,
    passwords,
    pins,
    delegations,
    behalf,
    search,
    public,
    about,
    transparency,
    governance,
    admin,
    oidc,
)


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the route handlers of all pages."""
    return [handler for module in MODULES for handler in module.routes(portal)]
