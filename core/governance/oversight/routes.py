"""The routes of oversight: the kits', part by part."""

from litestar.handlers import HTTPRouteHandler

from plugin_sdk.ports import Hub


def of(hub: Hub) -> list[HTTPRouteHandler]:
    """Return every route of the app."""
    parts: list[list[HTTPRouteHandler]] = []
    return [route for part in parts for route in part]
