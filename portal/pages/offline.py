"""Filing without the net: whose what is kept is, the token to send it with, and the worker
that opens the form. ADR 0023 says how."""

from typing import Any

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from plugin_sdk.routes import PUBLIC, SIGNED_IN, actor_of, needs
from portal.frames import keeper_of
from portal.pages.context import AnyRequest, Portal
from portal.templating import STATIC

WORKER = STATIC / "js" / "offline-worker.js"


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""

    @get("/offline-worker.js", opt=needs(PUBLIC))
    async def worker() -> Response[bytes]:
        """Return the worker; it stands at the root so that its scope may be any one form."""
        return Response(
            WORKER.read_bytes(),
            media_type="text/javascript",
            headers={"Cache-Control": "no-cache"},
        )

    @get("/offline/session", opt=needs(SIGNED_IN))
    async def session(request: AnyRequest) -> dict[str, Any]:
        """Say whose session this is and give its token: what is kept was filled in earlier."""
        actor = actor_of(request)
        return {"keeps": keeper_of(actor), "csrf": actor.csrf}

    return [worker, session]
