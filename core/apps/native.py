"""A native app: its routes checked as data when it loads, its Litestar built when used."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from litestar import Litestar, Request, Response, get
from litestar.exceptions import MethodNotAllowedException
from litestar.handlers import HTTPRouteHandler
from litestar.response import Redirect
from msgspec.structs import replace

from core.access.bearers import ScopeMissing, admit
from core.access.decisions import decide
from core.access.freshness import Freshness, SecondFactorNeeded
from core.apps.registry import Refusal
from plugin_sdk.cases import CaseEngine
from plugin_sdk.extension import EventHandler, Job
from plugin_sdk.manifest import Manifest, NavigationItem
from plugin_sdk.ports import Actor
from plugin_sdk.problems import Denied, Problem
from plugin_sdk.routes import (
    BODY,
    FRESH,
    PERMISSION,
    PUBLIC,
    SIGNED_IN,
    actor_of,
    needs,
)

OnProblem = Callable[[Request[Any, Any, Any], Exception], Awaitable[Response[Any]]]
OnRefusal = Callable[[Actor, str, str, str], Awaitable[None]]
ASGIApp = Callable[[Any, Any, Any], Awaitable[None]]
Guard = Callable[[ASGIApp], ASGIApp]

FULL = "yimen_permission"
# the mark of a route that staff may use before they have set up the second factor asked of them
BEFORE_FACTORS = {"yimen_before_factors": True}
# the mark of a route of the shell that programs with a token may use though it names no permission
FOR_PROGRAMS = {"yimen_for_programs": True}
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


def check_elements(handlers: Sequence[HTTPRouteHandler], asked: Manifest) -> None:
    """Raise `Refusal` for a form that names a data element its manifest does not ask for."""
    for handler in handlers:
        for element in getattr(handler.opt.get(BODY), "elements", {}).values():
            if element not in asked.data.elements:
                path = min(handler.paths)
                raise Refusal("element", f"the form of {path} names {element}, not asked for")


def check_flows(engines: object) -> list[CaseEngine[Any]]:
    """Return the engines of an app's flows. Raises `Refusal`."""
    found = [] if engines is None else _listed("register_flows", engines)
    if not all(isinstance(engine, CaseEngine) for engine in found):
        raise Refusal("flows", "register_flows must return engines of cases")
    return found


def check_subscriptions(handlers: object, asked: Manifest) -> dict[str, EventHandler]:
    """Return the event handlers of an app, all of events that its manifest consumes.

    Raises `Refusal`.
    """
    if handlers is None:
        return {}
    if not isinstance(handlers, Mapping) or not all(callable(item) for item in handlers.values()):
        raise Refusal("event", "subscribe_events must return a mapping of handlers")
    for event in handlers:
        if event not in asked.events.consumed:
            raise Refusal("event", f"it subscribes to {event}, which it did not ask for")
    return dict(handlers)


def check_jobs(jobs: object, asked: Manifest) -> list[Job]:
    """Return the jobs of an app: those that its manifest names. Raises `Refusal`."""
    found = [] if jobs is None else _listed("register_jobs", jobs)
    named = {job.key for job in asked.jobs}
    for job in found:
        if not isinstance(job, Job):
            raise Refusal("job", f"{job!r} is not a job")
        if job.key not in named:
            raise Refusal("job", f"it runs {job.key}, which it did not ask for, or twice")
        named.remove(job.key)
    if named:
        raise Refusal("job", f"it asks for {min(named)} and runs none of that name")
    return found


def _listed(hook: str, found: object) -> list[Any]:
    if not isinstance(found, Sequence) or isinstance(found, str):
        raise Refusal("hook", f"{hook} must return a sequence")
    return list(found)


def entrance(app: str, manifest: Manifest, now: Callable[[], Any]) -> HTTPRouteHandler:
    """Return the route of an app's own address, for an app that declares none: it leads to
    the first of its sections that the reader may enter. Raises `Denied` there."""

    @get("/", opt=needs(PUBLIC))
    async def enter(request: Request[Any, Any, Any]) -> Redirect:
        """Lead to the first section that the reader may enter."""
        item = enterable(manifest, actor_of(request), now())
        return Redirect(f"/apps/{app}{item.path}", status_code=303)

    return enter


def enterable(manifest: Manifest, actor: Actor, now: datetime) -> NavigationItem:
    """Return the first section of an app that somebody may enter. Raises `Denied`."""
    app = manifest.identity.id
    for item in manifest.navigation:
        if (
            item.permission == PUBLIC
            or (item.permission == SIGNED_IN and actor.signed_in)
            or decide(actor, f"{app}.{item.permission}", now) is not None
        ):
            return item
    wanted = manifest.navigation[0].permission if manifest.navigation else SIGNED_IN
    raise Denied(f"{app}.{wanted}", reason="not-granted" if actor.signed_in else "sign-in")


def permissions(manifest: Manifest) -> frozenset[str]:
    """Return the permissions a manifest asks for."""
    return frozenset(item.key for item in manifest.permissions)


def make_guard(now: Callable[[], Any], on_refusal: OnRefusal, freshness: Freshness) -> Guard:
    """Return the guard of every route: after the match, before the body.

    Who may is asked first, then how recently and how well they proved who they are.

    It is a middleware of the app's Litestar, and not what Litestar calls a guard: for each
    call of one of those it copies the whole handler, at half of what a bare request costs.
    """

    def guard(app: ASGIApp) -> ASGIApp:
        async def check(scope: Any, receive: Any, send: Any) -> None:
            opt = scope["route_handler"].opt
            full = opt.get(FULL)
            if full is None:  # OPTIONS, which Litestar adds to every route by itself
                raise MethodNotAllowedException
            actor: Actor = scope["yimen_actor"]
            scope["yimen_permission"] = full
            if freshness.must_enrol(actor) and not BEFORE_FACTORS.items() <= opt.items():
                raise SecondFactorNeeded
            if actor.bearer is not None and full in (PUBLIC, SIGNED_IN):
                marked = FOR_PROGRAMS.items() <= opt.items()
                actor = admit(actor, opt[APP], full, open_to_programs=marked)
                scope["yimen_actor"] = scope["yimen"].actor = actor
            if full == PUBLIC or (full == SIGNED_IN and actor.signed_in):
                if full == SIGNED_IN and actor.agent and opt[APP] not in actor.agent.scope:
                    raise Problem("behalf-beyond", status=403)  # it is the resident's own
                freshness.check(actor, full, now(), fresh=opt.get(FRESH, False))
                await app(scope, receive, send)
                return
            if full != SIGNED_IN and decide(actor, full, now()) is not None:
                freshness.check(actor, full, now(), fresh=opt.get(FRESH, False))
                # reads and writes within the route are scoped by what allowed it
                scope["yimen_actor"] = replace(actor, permission=full)
                await app(scope, receive, send)
                return
            await on_refusal(actor, opt[APP], full, f"{scope['method']} {scope['path']}")
            if actor.bearer is not None:
                raise ScopeMissing(full)
            raise Denied(full, reason="not-granted" if actor.signed_in else "sign-in")

        return check

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


def build(handlers: Sequence[HTTPRouteHandler], guard: Guard, on_problem: OnProblem) -> Litestar:
    """Return the ASGI application of checked handlers."""
    return Litestar(
        route_handlers=list(handlers),
        middleware=[guard],
        exception_handlers={Exception: lambda request, error: _Later(request, error, on_problem)},
        openapi_config=None,
        logging_config=None,
        include_in_schema=False,
        request_max_body_size=None,  # the front door bounds every body
        debug=False,
    )
