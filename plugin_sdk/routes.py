"""Routes name their permission. A route without one does not load.

An app declares ordinary Litestar handlers and marks each: `@get("/orders",
opt=needs("order.read"))`. Keys are the app's own (`order.read`); the hub prefixes the app.
"""

from typing import Any, Final

from litestar import Request, Response

from plugin_sdk.ports import Actor, Answer, Hub

PUBLIC: Final = "public"
SIGNED_IN: Final = "signed_in"

PERMISSION: Final = "permission"
BODY: Final = "body"
FRESH: Final = "fresh"
EFFECTLESS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def needs(
    permission: str, *, body: Any = None, start: bool = False, fresh: bool = False
) -> dict[str, Any]:
    """Return the mark of a route: the permission it needs, `PUBLIC` or `SIGNED_IN`.

    `body` is the form the route reads, for the published OpenAPI; `start` marks the routes
    of a form that begins a procedure, the one that shows it and the one that takes it (usage
    counts a start where it is shown, an effect when done). With `fresh` it needs a recent proof
    of who one is, as every permission of high risk does by itself.
    """
    if not permission:
        raise ValueError("a route names a permission, PUBLIC or SIGNED_IN")
    return {PERMISSION: permission, BODY: body, "start": start, FRESH: fresh}


def actor_of(request: Request[Any, Any, Any]) -> Actor:
    """Return who makes the request: the door set it before the handler was called."""
    actor: Actor = request.scope["yimen_actor"]  # type: ignore[typeddict-item]
    return actor


async def respond(hub: Hub, request: Request[Any, Any, Any], answer: Answer) -> Response[Any]:
    """Return an answer as a page for people, as JSON for programs."""
    response: Response[Any] = await hub.pages.answer(request, actor_of(request), answer)
    return response
