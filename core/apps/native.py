"""A native app: its routes checked as data when it loads, its Litestar built when used."""

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from litestar import Litestar, Request, Response
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler

from core.access.decisions import decide
from core.apps.registry import Refusal
from plugin_sdk.manifest import Manifest
from plugin_sdk.ports import Actor
from plugin_sdk.problems import Denied
from plugin_sdk.routes import PERMISSION, PUBLIC, SIGNED_IN

OnProblem = Callable[[Request[Any, Any, Any], Exception], Awaitable[Response[Any]]]
OnRefusal = Callable[[Actor, str, str, str], Awaitable[None]]

FULL = "yimen_permission"
APP = "yimen_app"
_PATH = re.compile(r"(/[A-Za-z0-9._~{}:-]*)+")


def check_routes(app: str, handlers: object, known: frozenset[str]) -> list[HTTPRouteHandler]:
    """Return the handlers once every route is well formed and names a known permission.

    Raises `Refusal` that names the first route that does not.
    """
    if not isinstance(handlers, Sequence):
        raise Refusal("routes", "register_routes must return a sequence of route handlers")
    taken: set[tuple[str, str]] = set()
    for handler in handlers:
        if not isinstance(handler, HTTPRouteHandler):
            raise Refusal("routes", f"{handler!r} is not a Litestar route handler")
        permission = handler.opt.get(PERMISSION)
        for path in sorted(handler.paths):
            for method in sorted(handler.http_methods):
                route = f"{method} {path}"
                if not permission or not isinstance(permission, str):
                    raise Refusal("route-permission", f"{route} names no permission")
                if permission not in (PUBLIC, SIGNED_IN) and permission not in known:
                    raise Refusal("route-permission", f"{route} names {permission}, not asked for")
                if not _PATH.fullmatch(path):
                    raise Refusal("routes", f"{route} is not a path")
                shape = re.sub(r"\{[^}]*\}", "{}", path)
                if (str(method), shape) in taken:
                    raise Refusal("route-taken", f"{route} is declared twice")
                taken.add((str(method), shape))
        handler.opt[APP] = app
        handler.opt[FULL] = (
            permission if permission in (PUBLIC, SIGNED_IN) else f"{app}.{permission}"
        )
    return list(handlers)


def permissions(manifest: Manifest) -> frozenset[str]:
    """Return the permissions a manifest asks for."""
    return frozenset(item.key for item in manifest.permissions)


def make_guard(now: Callable[[], Any], on_refusal: OnRefusal) -> Any:
    """Return the guard of every route: after the match, before the body.

    It is asynchronous, since a synchronous one would cost a thread.
    """

    async def guard(
        connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler
    ) -> None:
        scope: Any = connection.scope
        actor: Actor = scope["yimen_actor"]
        full = handler.opt[FULL]
        scope["yimen_permission"] = full
        if full == PUBLIC:
            return
        if full == SIGNED_IN:
            if actor.signed_in:
                return
        elif decide(actor, full, now()) is not None:
            return
        await on_refusal(actor, handler.opt[APP], full, f"{scope['method']} {scope['path']}")
        raise Denied(full, reason="not-granted" if actor.signed_in else "sign-in")

    return guard


class _Later(Response[None]):
    """An answer to an exception that takes a while: Litestar asks for it synchronously."""

    def __init__(
        self, request: Request[Any, Any, Any], error: Exception, on_problem: OnProblem
    ) -> None:
        super().__init__(None)
        self._what = (request, error, on_problem)

    def to_asgi_response(self, app: Any, request: Any, **options: Any) -> Any:
        """Return an ASGI application that makes the answer and sends it."""
        first, error, on_problem = self._what

        async def send_answer(scope: Any, receive: Any, send: Any) -> None:
            response = await on_problem(first, error)
            answer = response.to_asgi_response(None, request, **options)
            await answer(scope, receive, send)

        return send_answer


def build(handlers: Sequence[HTTPRouteHandler], guard: Any, on_problem: OnProblem) -> Litestar:
    """Return the ASGI application of checked handlers."""
    return Litestar(
        route_handlers=list(handlers),
        guards=[guard],
        exception_handlers={Exception: lambda request, error: _Later(request, error, on_problem)},
        openapi_config=None,
        logging_config=None,
        include_in_schema=False,
        request_max_body_size=None,  # the front door bounds every body
        debug=False,
    )
