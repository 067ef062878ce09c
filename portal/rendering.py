"""Pages and problems: a browser gets the page, a program the same as JSON.

`Renderer` is the portal's half of `plugin_sdk.ports.Pages`.
"""

import json
import logging
import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import jinja2
import msgspec
from litestar import Request, Response
from litestar.datastructures import Cookie
from litestar.exceptions import HTTPException
from litestar.response import Redirect

from core.hub import Replayed, Services
from core.identity.people import posts
from core.messages.service import unread
from plugin_sdk.identifiers import mask_name
from plugin_sdk.manifest import Manifest
from plugin_sdk.ports import Actor, Answer
from plugin_sdk.problems import Problem
from plugin_sdk.views import Phrase, View, Words
from portal.front import Exchange
from portal.templating import (
    Banner,
    Flash,
    Link,
    Page,
    PageApp,
    PagePerson,
    PostChoice,
    render,
)
from portal.texts import Catalogue

logger = logging.getLogger(__name__)

SAID = "said"
MODES = {"standard", "elder"}
SIZES = {"standard", "large", "huge"}
PROBLEM = "application/problem+json"
_STATUS_CODES = {
    400: "bad-request",
    401: "denied",
    403: "denied",
    404: "not-found",
    405: "method-not-allowed",
    413: "body-too-large",
    415: "unknown-content-type",
    429: "too-many",
}
MAY = {
    "admin": ("yimen.people.read", "yimen.apps.operate", "yimen.grants.read"),
    "governance": ("yimen.usage.read",),
    "owner": ("yimen.feedback.answer",),
}
SLOTS = {"": "home", "work": "work", "apps": "apps", "messages": "messages", "me": "me"}


class Renderer:
    """Shows views and problems in the reader's language and mode."""

    def __init__(
        self,
        services: Services,
        environment: jinja2.Environment,
        catalogue: Catalogue,
        manifest: Callable[[str], Manifest | None],
    ) -> None:
        self._services = services
        self.environment = environment
        self.catalogue = catalogue
        self._manifest = manifest
        self._secure = services.settings.https

    # --- what the reader chose ---------------------------------------------------------

    @staticmethod
    def wants_page(scope: Any) -> bool:
        """Return whether a page is wanted rather than JSON."""
        exchange: Exchange = scope["yimen"]
        return exchange.script or b"text/html" in exchange.accept

    def language(self, scope: Any) -> str:
        """Return the reader's language: chosen on the device, kept with the person, zh-CN."""
        chosen = cookie(scope, "lang")
        if chosen in ("zh-CN", "en"):
            return chosen
        language: str = scope["yimen_actor"].language
        return language

    def text(self, scope: Any, words: Words) -> str:
        """Return words in the reader's language."""
        return self.catalogue.shown(self.language(scope), words)

    def say(self, words: Words, language: str) -> str:
        """See `plugin_sdk.ports.Pages`."""
        return self.catalogue.shown(language, words)

    async def page(
        self,
        scope: Any,
        title: Words,
        *,
        app: str | None = None,
        breadcrumb: tuple[Link, ...] = (),
        banners: tuple[Banner, ...] = (),
    ) -> Page:
        """Return the frame of a page: who is here, where, in which language and mode."""
        actor: Actor = scope["yimen_actor"]
        now = self._services.database.clock()
        language = self.language(scope)
        path = _own_path(scope)
        mode = cookie(scope, "mode")
        size = cookie(scope, "size")
        elder = mode == "elder" if mode in MODES else actor.elder
        person, waiting = None, 0
        if actor.person_id is not None:
            async with self._services.database.transaction() as tx:
                held = await posts(tx, [actor.person_id])
                waiting = await unread(tx, actor.person_id)
            person = PagePerson(
                name_masked=mask_name(actor.name),
                unit=actor.organization_name,
                post=actor.post_title,
                post_id=str(actor.post_id or ""),
                posts=tuple(
                    PostChoice(
                        str(post.id),
                        f"{post.organization} · {post.title}",
                        post.id == actor.post_id,
                    )
                    for post in held
                ),
            )
        frame = self._app_frame(app, actor, language, path, now) if app else None
        slot: Any = SLOTS.get(path.strip("/").partition("/")[0])
        return Page(
            title=self.catalogue.shown(language, title),
            lang="en" if language == "en" else "zh-CN",
            mode="elder" if elder else "standard",
            text_size=size if size in SIZES else ("large" if elder else "standard"),  # type: ignore[arg-type]
            county=self._services.settings.county,
            person=person,
            current=slot,
            app=frame,
            breadcrumb=breadcrumb,
            banners=banners,
            csrf=actor.csrf,
            form_key=lambda: secrets.token_urlsafe(16),
            path=path,
            address=_own_path(scope, with_query=True),
            may=frozenset(
                name
                for name, keys in MAY.items()
                if any(actor.permits_for(key, now) for key in keys)
            ),
            unread=waiting,
            flash=self._flash(scope, language),
            printed_at=now,
            fragment=scope["yimen"].script,
        )

    def _app_frame(
        self, app: str, actor: Actor, language: str, path: str, now: datetime
    ) -> PageApp | None:
        manifest = self._manifest(app)
        if manifest is None:
            return None
        names = manifest.identity.names
        sections = tuple(
            Link(
                item.title.en if language == "en" else item.title.zh,
                f"/apps/{app}{item.path}",
                path == f"/apps/{app}{item.path}",
            )
            for item in manifest.navigation
            if item.permission == "public"
            or (item.permission == "signed_in" and actor.signed_in)
            or actor.permits_for(f"{app}.{item.permission}", now)
        )[:6]
        return PageApp(app, names.en if language == "en" else names.zh, sections)

    def _flash(self, scope: Any, language: str) -> Flash | None:
        try:
            said = json.loads(unquote(cookie(scope, SAID) or "{}"))
            if not said:
                return None
            params = {str(k): str(v)[:200] for k, v in said.get("params", {}).items()}
            undo = said.get("undo")
            return Flash(
                self.catalogue.text(language, str(said["key"]), **params),
                undo if isinstance(undo, str) and safe_path(undo) == undo else None,
            )
        except (ValueError, KeyError, AttributeError):
            return None

    # --- answers -----------------------------------------------------------------------

    async def show(
        self,
        request: Request[Any, Any, Any],
        template: str,
        title: Words,
        view: Any,
        *,
        app: str | None = None,
        status: int = 200,
        breadcrumb: tuple[Link, ...] = (),
        banners: tuple[Banner, ...] = (),
        **more: Any,
    ) -> Response[str]:
        """Return a page of a template with its view."""
        scope: Any = request.scope
        page = await self.page(scope, title, app=app, breadcrumb=breadcrumb, banners=banners)
        response = Response(
            render(self.environment, template, page, view=view, **more),
            status_code=status,
            media_type="text/html; charset=utf-8",
            headers={"Vary": "HX-Request, Accept, Cookie"},
        )
        if page.flash is not None:
            response.delete_cookie(SAID)
        if page.fragment and status >= 400:  # the address stays that of the form
            response.headers["HX-Push-Url"] = "false"
        return response

    async def answer(
        self, request: Request[Any, Any, Any], actor: Actor, answer: Answer
    ) -> Response[Any]:
        """See `plugin_sdk.ports.Pages`."""
        scope: Any = request.scope
        if answer.view is not None and (not answer.location or not self.wants_page(scope)):
            if self.wants_page(scope):
                return await self._view(request, answer.view, answer.status)
            headers = {"Location": answer.location} if answer.location else None
            return Response(
                msgspec.to_builtins(answer.view), status_code=answer.status, headers=headers
            )
        if not self.wants_page(scope):
            body = {"location": answer.location}
            return Response(
                body, status_code=answer.status, headers={"Location": answer.location or "/"}
            )
        return self.redirect(answer.location or "/", said=answer.said, undo=answer.undo)

    def redirect(
        self, location: str, *, said: Phrase | None = None, undo: str | None = None
    ) -> Response[Any]:
        """Return a redirect after a POST; what was done is said on the next page."""
        response: Response[Any] = Redirect(location, status_code=303)
        if said is not None:
            kept = {"key": said.key, "params": msgspec.to_builtins(said.params), "undo": undo}
            response.set_cookie(
                Cookie(
                    key=SAID,
                    value=quote(json.dumps(kept, ensure_ascii=True, default=str), safe="")[:2000],
                    max_age=60,
                    httponly=True,
                    secure=self._secure,
                    samesite="lax",
                )
            )
        return response

    async def _view(
        self, request: Request[Any, Any, Any], view: View, status: int = 200
    ) -> Response[Any]:
        title: Any = getattr(view, "title", None) or getattr(view, "number", None) or Phrase("name")
        scope: Any = request.scope
        root = scope.get("root_path", "")
        app = root.rpartition("/")[2] if root.startswith("/apps/") else None
        crumbs: tuple[Link, ...] = ()
        if app:
            home = Link(self.text(scope, Phrase("nav.home")), "/")
            manifest = self._manifest(app)
            names = manifest.identity.names if manifest else None
            label = (names.en if self.language(scope) == "en" else names.zh) if names else app
            crumbs = (home, Link(label, f"/apps/{app}/"))
        return await self.show(
            request, view.template, title, view, app=app, status=status, breadcrumb=crumbs
        )

    # --- problems ----------------------------------------------------------------------

    async def on_problem(self, request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
        """Answer an exception of a handler: a problem, a replay, or our own fault (500)."""
        exchange: Exchange = request.scope["yimen"]  # type: ignore[typeddict-item]
        if isinstance(error, Replayed):
            return self._replay(request, error.answer)
        if isinstance(error, Problem):
            return await self.problem(request, error)
        if isinstance(error, HTTPException):
            status = error.status_code
            headers = dict(error.headers or {})
            code = _STATUS_CODES.get(status, "bad-request" if status < 500 else "internal")
            if status < 500:
                return await self.problem(request, Problem(code, status=status, headers=headers))
        if isinstance(error, UnicodeDecodeError | RecursionError):
            return await self.problem(request, Problem("bad-request", status=400))
        logger.error("request %s failed", exchange.id, exc_info=error)
        return await self.problem(request, Problem("internal", status=500))

    def _replay(self, request: Request[Any, Any, Any], stored: dict[str, Any]) -> Response[Any]:
        location, body = stored.get("location"), stored.get("body")
        status = int(stored.get("status", 200))
        headers = {"Idempotency-Replayed": "true"}
        if self.wants_page(request.scope) and location:
            return Redirect(location, status_code=303, headers=headers)
        if body is None and location:
            body = {"location": location}
        if location:
            headers["Location"] = location
        return Response(body, status_code=status if body is not None else 204, headers=headers)

    def describe(self, scope: Any, problem: Problem) -> dict[str, Any]:
        """Return a problem as RFC 9457 has it, in the reader's language."""
        language = self.language(scope)
        params = {**problem.params, "id": scope["yimen"].id}
        if language == "en" and "name_en" in params:
            params["name"] = params["name_en"]
        elif "name_zh" in params:
            params["name"] = params["name_zh"]
        described: dict[str, Any] = {
            "type": f"urn:yimen:problem:{problem.code}",
            "title": self.catalogue.text(language, f"problem.{problem.code}.title", **params),
            "status": problem.status,
            "detail": self.catalogue.text(language, f"problem.{problem.code}.detail", **params),
            "request": scope["yimen"].id,
        }
        for name in ("permission", "reason", "until", "successor", "app"):
            if problem.params.get(name):
                described[name] = problem.params[name]
        if problem.errors:
            described["errors"] = [
                {
                    "field": error.field,
                    "code": error.message.key.removeprefix("problem.field."),
                    "detail": self.catalogue.shown(language, error.message),
                }
                for error in problem.errors
            ]
        return described

    async def problem(self, request: Request[Any, Any, Any], problem: Problem) -> Response[Any]:
        """Answer a problem; a visitor who lacks a right is led to sign in and back."""
        scope: Any = request.scope
        actor: Actor = scope["yimen_actor"]
        if problem.code == "denied" and not actor.signed_in:
            if self.wants_page(scope) and scope["method"] in ("GET", "HEAD"):
                back = quote(_own_path(scope, with_query=True), safe="")
                return Redirect(f"/sign-in?next={back}", status_code=303)
            problem.status = 401
        described = self.describe(scope, problem)
        headers = {**problem.headers, "Cache-Control": "no-store"}
        if not self.wants_page(scope):
            return Response(
                described, status_code=problem.status, media_type=PROBLEM, headers=headers
            )
        if problem.view is not None:
            return await self._view(request, problem.view, problem.status)
        root = scope.get("root_path", "")
        app = root.rpartition("/")[2] if root.startswith("/apps/") else None
        view = {
            "code": problem.code,
            "status": problem.status,
            "title": described["title"],
            "detail": described["detail"],
            "reference": described["request"] if problem.status >= 500 else "",
            "again": _own_path(scope, with_query=True) if _may_retry(scope, problem) else None,
            "why": f"/why?permission={quote(str(problem.params['permission']))}"
            if problem.code == "denied"
            else None,
        }
        response = await self.show(
            request, "problem.html", described["title"], view, app=app, status=problem.status
        )
        response.headers.update(headers)
        return response

    async def refuse(self, scope: Any, receive: Any, send: Any, problem: Problem) -> None:
        """Answer a problem at the door, where no handler was reached."""
        request: Request[Any, Any, Any] = Request(scope, receive, send)
        try:
            response = await self.problem(request, problem)
        except Exception:
            scope["yimen"].failed("the page of a problem could not be shown")
            response = Response(
                {
                    "type": f"urn:yimen:problem:{problem.code}",
                    "status": problem.status,
                    "request": scope["yimen"].id,
                },
                status_code=problem.status,
                media_type=PROBLEM,
            )
        await send_response(scope, receive, send, response)

    async def moved(self, scope: Any, receive: Any, send: Any, location: str) -> None:
        """Answer that a thing is found elsewhere, for good (308)."""
        await send_response(scope, receive, send, Redirect(location, status_code=308))


async def send_response(scope: Any, receive: Any, send: Any, response: Response[Any]) -> None:
    """Send a Litestar response outside of a Litestar application."""
    request: Request[Any, Any, Any] = Request(scope, receive, send)
    answer = response.to_asgi_response(None, request, is_head_response=scope["method"] == "HEAD")
    await answer(scope, receive, send)


def cookie(scope: Any, name: str) -> str | None:
    """Return a cookie of the request."""
    start = f"{name}=".encode()
    cookies: bytes = scope["yimen"].cookies
    for part in cookies.split(b"; "):
        if part.startswith(start):
            return part[len(start) :].decode("latin-1")
    return None


def _own_path(scope: Any, *, with_query: bool = False) -> str:
    # an app's Litestar takes its own prefix off the path
    path: str = scope["path"]
    root = scope.get("root_path", "")
    if root and not path.startswith(root):
        path = root + path
    query = scope.get("query_string", b"").decode("latin-1")
    return f"{path}?{query}" if with_query and query else path


def _may_retry(scope: Any, problem: Problem) -> bool:
    return problem.status in (429, 500, 503, 504) and scope["method"] in ("GET", "HEAD")


def safe_path(text: str | None) -> str:
    """Return an address within this hub, `/` for anything else (`//evil` and its like)."""
    if not text or len(text) > 1000 or not text.startswith("/"):
        return "/"
    plain = unquote(text)
    if any(ord(character) < 33 or character == "\\" for character in plain):
        return "/"
    parts = urlsplit(text)
    if text.startswith("//") or plain.startswith("//") or parts.scheme or parts.netloc:
        return "/"
    return text
