"""A linked app (porting level 1): an old app elsewhere that signs its people in by this hub.

Its slot leads there. Who may is asked first, here and when they sign in (ADR 0044).
"""

from collections.abc import Callable
from typing import Any, Final

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from core.apps.native import enterable
from plugin_sdk.manifest import Manifest
from plugin_sdk.routes import PUBLIC, actor_of, needs

LAUNCH: Final = "yimen_launch"  # the mark of a route that opens an app elsewhere


def launch(manifest: Manifest, now: Callable[[], Any]) -> HTTPRouteHandler:
    """Return the route of a linked app's own address: it leads to the old app. A page that asks
    by script gets the address to go to, for no script may follow to another site."""
    there = manifest.porting.upstream or ""

    @get("/", opt=needs(PUBLIC) | {LAUNCH: True})
    async def lead(request: Request[Any, Any, Any]) -> Response[None]:
        """Lead to the old app, whoever may use it."""
        enterable(manifest, actor_of(request), now())
        scripted = "hx-request" in request.headers
        name = "HX-Redirect" if scripted else "Location"
        return Response(None, status_code=200 if scripted else 303, headers={name: there})

    return lead
