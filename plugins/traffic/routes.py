"""The routes of traffic, part by part."""

from collections.abc import Callable
from typing import Final

from litestar.handlers import HTTPRouteHandler

from plugin_sdk.ports import Hub
from plugins.traffic import appointments

Part = Callable[[Hub], list[HTTPRouteHandler]]

PARTS: Final[tuple[Part, ...]] = (appointments.of,)
"""What each part of the app serves."""


def of(hub: Hub) -> list[HTTPRouteHandler]:
    """Return every route of the app."""
    return [route for part in PARTS for route in part(hub)]
