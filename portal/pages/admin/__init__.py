"""The administrator's pages, a module a page."""

from litestar.handlers import HTTPRouteHandler

from portal.pages.admin import (
    apps,
    erasure,
    grants,
    organizations,
    people,
    people_imports,
    record,
    record_export,
)
from portal.pages.context import Portal


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes of all of them."""
    modules = (people, people_imports, erasure, organizations, grants, apps, record, record_export)
    return [handler for module in modules for handler in module.routes(portal)]
