"""The administrator's pages, a module a page."""

from litestar.handlers import HTTPRouteHandler

from portal.pages.admin import (
    access,
    apps,
    client_trace,
    clients,
    devolution,
    erasure,
    factors,
    grants,
    numbers,
    organizations,
    people,
    people_imports,
    policy,
    posts,
    record,
    record_export,
    requests,
    tokens,
    tree,
    upstream_rules,
    upstreams,
)
from portal.pages.context import Portal

MODULES = (
    people,
    numbers,
    posts,
    people_imports,
    erasure,
    factors,
    tokens,
    organizations,
    tree,
    grants,
    access,
    policy,
    requests,
    devolution,
    apps,
    record,
    record_export,
    upstreams,
    upstream_rules,
    clients,
    client_trace,
)


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes of all of them."""
    return [handler for module in MODULES for handler in module.routes(portal)]
