"""Pages and problems: a browser gets the page, a program the same as JSON.

`Renderer` is the portal's half of `plugin_sdk.ports.Pages`.
"""

import json
import logging
from collections.abc import Awaitable, Callable
from email import message_from_bytes
from email.policy import HTTP
from typing import Any
from urllib.parse import parse_qsl, quote

import jinja2
import msgspec
from litestar import Request, Response
from litestar.datastructures import Cookie
from litestar.enums import RequestEncodingType
from litestar.exceptions import HTTPException
from litestar.response import Redirect

from core.access.freshness import SecondFactorNeeded, StepUpNeeded
from core.apps.slots import Gate
from core.database import DatabaseAway
from core.hub import Replayed, Services
from plugin_sdk.forms import CSRF_FIELD, MAX_FIELDS, read_pairs
from plugin_sdk.manifest import Manifest
from plugin_sdk.ports import Actor, Answer
from plugin_sdk.problems import Problem
from plugin_sdk.views import Phrase, View, Words
from portal import scim
from portal.frames import SAID, Frames, own_path, safe_path
from portal.front import Exchange
from portal.origins import own_origins, page_of
from portal.step_up import AGAIN, again_view
from portal.templating import (
    Banner,
    Link,
    render,
)
from portal.texts import Catalogue

logger = logging.getLogger(__name__)

PROBLEM = "application/problem+json"
UNAVAILABLE = 503
LEAVING = frozenset({"app-read-only", "app-closed", "app-disabled"})
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


ClosedPage = Callable[[Request[Any, Any, Any], str], Awaitable[Response[Any]]]
"""What a closed app leaves: its page, with the status of one that is gone."""


class Renderer(Frames):
    """Shows views and problems in the reader's language and mode."""

    def __init__(
        self,
        services: Services,
        environment: jinja2.Environment,
        catalogue: Catalogue,
        manifest: Callable[[str], Manifest | None],
        gate: Callable[[str], Gate | None],
    ) -> None:
        super().__init__(services, catalogue, manifest, gate)
        self.closed: ClosedPage | None = None
        self.environment = environment
        self._secure = services.settings.https
        self._origins = own_origins(services.settings.public_url)

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
            media_type="text/html",
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
        scope: Any = request.scope
        title: Any = getattr(view, "title", None)
        number = getattr(view, "number", None)
        if title and number:  # two cases may be called alike; their pages are not
            title = f"{self.text(scope, title)} {number}"
        title = title or number or Phrase("name")
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
        if reason := str(params.get("reason") or "").strip():  # as people typed it: a sentence
            ended = reason[-1] in "。.！!？?"
            params["reason"] = reason + ("" if ended else "." if language == "en" else "。")
        detail = self.catalogue.text(language, f"{problem.words}.detail", **params)
        described: dict[str, Any] = {
            "type": f"urn:yimen:problem:{problem.code}",
            "title": self.catalogue.text(language, f"{problem.words}.title", **params),
            "status": problem.status,
            "detail": " ".join(detail.split()),
            "request": scope["yimen"].id,
        }
        for name in (*("permission", "reason", "until", "sunset", "successor", "app", "location"),):
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
        spoken = scope["path"].startswith(scim.PREFIX)  # there errors have a form of their own
        if problem.code == "denied" and not actor.signed_in:
            if self._leads_on(scope) and not spoken:
                back = quote(own_path(scope, with_query=True), safe="")
                return _led(scope, f"/sign-in?next={back}", problem)
            challenge = {"WWW-Authenticate": 'Bearer realm="yimen"'}  # RFC 6750, section 3
            problem = Problem(
                "sign-in-needed", status=401, headers={**problem.headers, **challenge}
            )
        if spoken:
            from portal.scim.speaking import refusal

            return refusal(self.describe(scope, problem), problem)
        if isinstance(problem, StepUpNeeded) and self.wants_page(scope):
            return await self._ask_again(request, actor, problem)
        if isinstance(problem, SecondFactorNeeded) and self._leads_on(scope):
            return _led(scope, str(problem.params["location"]), problem)
        if problem.code == "password-owed" and self.wants_page(scope):
            back = own_path(scope, with_query=True) if scope["method"] in ("GET", "HEAD") else "/"
            return _led(scope, f"/me/password?next={quote(back, safe='')}", problem)
        if problem.status == UNAVAILABLE:  # what it needs is away; that is no fault of the app
            scope["yimen"].blameless = True
        if isinstance(problem, DatabaseAway):
            number, cause = scope["yimen"].id, type(problem.__cause__).__name__
            logger.error("request %s: the database is away: %s", number, cause)
        described = self.describe(scope, problem)
        headers = {**problem.headers, "Cache-Control": "no-store"}
        if not self.wants_page(scope):
            return Response(
                described, status_code=problem.status, media_type=PROBLEM, headers=headers
            )
        if problem.code == "app-closed" and self.closed is not None:
            response = await self.closed(request, str(problem.params["app"]))
            response.headers.update(headers)
            return response
        if problem.view is not None:
            return await self._view(request, problem.view, problem.status)
        root = scope.get("root_path", "")
        app = root.rpartition("/")[2] if root.startswith("/apps/") else None
        view = {
            "code": problem.code,
            "status": problem.status,
            "title": described["title"],
            "detail": described["detail"],
            "errors": [item["detail"] for item in described.get("errors", ())],
            "back": self._form_of(request) if problem.errors else None,
            "reference": described["request"] if problem.status in (500, 504) else "",
            "again": own_path(scope, with_query=True) if _may_retry(scope, problem) else None,
            "resend": await _sent(request) if isinstance(problem, DatabaseAway) else [],
            "why": f"/why?permission={quote(str(problem.params['permission']))}"
            if problem.code == "denied"
            else None,
            "about": problem.params.get("location") if problem.code in LEAVING else None,
        }
        response = await self.show(
            request, "problem.html", described["title"], view, app=app, status=problem.status
        )
        response.headers.update(headers)
        return response

    def _leads_on(self, scope: Any) -> bool:
        return self.wants_page(scope) and scope["method"] in ("GET", "HEAD")

    async def _ask_again(
        self, request: Request[Any, Any, Any], actor: Actor, problem: Problem
    ) -> Response[Any]:
        """Ask who reads or sends something risky to prove who they are, and keep what they sent;
        what cannot be kept is sent again from its own page."""
        scope: Any = request.scope
        address = own_path(scope, with_query=True)
        if self._leads_on(scope):
            return _led(scope, f"{AGAIN}?next={quote(address, safe='')}", problem)
        back = self._form_of(request) or "/"
        files = request.content_type[0] == RequestEncodingType.MULTI_PART
        kept = [] if files else await _sent(request)
        if dict(kept).get(CSRF_FIELD) != actor.csrf:  # nobody else's form is sent in their name
            kept = []
        view = await again_view(self._services, actor, back, kept=kept, action=address)
        return await self.show(request, "again.html", Phrase("again.title"), view, status=403)

    def _form_of(self, request: Request[Any, Any, Any]) -> str | None:
        """Return the page on which the form of a request stands, as far as it is known."""
        came = page_of(request.headers.get("referer", ""), self._origins)
        return safe_path(came) if came else None

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


def _led(scope: Any, location: str, problem: Problem) -> Redirect:
    """Return the way to what lacks: nothing was answered, and it is counted as refused."""
    scope["yimen"].refused = problem.status
    return Redirect(location, status_code=303)


async def send_response(scope: Any, receive: Any, send: Any, response: Response[Any]) -> None:
    """Send a Litestar response outside of a Litestar application."""
    request: Request[Any, Any, Any] = Request(scope, receive, send)
    answer = response.to_asgi_response(None, request, is_head_response=scope["method"] == "HEAD")
    await answer(scope, receive, send)


async def _sent(request: Request[Any, Any, Any]) -> list[tuple[str, str]]:
    """Return the fields of the form that a page sent, its key among them, to be sent again; a
    password is written into no page."""
    if request.method != "POST" or request.content_type[0] == RequestEncodingType.JSON:
        return []
    try:
        scope: Any = request.scope
        if "route_handler" in scope:
            pairs = await read_pairs(request)  # no files: they were closed behind the handler
            values = {name: value for name, value in pairs if isinstance(value, str)}
        else:  # no handler was reached: who asks is not known while the database is away
            values = await _unread(request)
    except (Problem, ValueError):  # what cannot be read cannot be kept
        return []
    return [] if any("password" in name for name in values) else list(values.items())


async def _unread(request: Request[Any, Any, Any]) -> dict[str, str]:
    """Return the texts of a form whose body nobody has read yet, without its files."""
    body, more = b"", True
    while more:
        message: Any = await request.receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    if request.content_type[0] != RequestEncodingType.MULTI_PART:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS))
    head = f"content-type: {request.headers['content-type']}\r\n\r\n".encode()
    found: dict[str, str] = {}
    for part in message_from_bytes(head + body, policy=HTTP).iter_parts():
        payload = part.get_payload(decode=True)
        if part.get_filename() is None and isinstance(payload, bytes):
            found[str(part.get_param("name", header="content-disposition"))] = payload.decode()
    return found


def _may_retry(scope: Any, problem: Problem) -> bool:
    return problem.status in (429, 500, 503, 504) and scope["method"] in ("GET", "HEAD")
