"""The front door: the outermost ASGI application. Every request passes it in one order:
bounds and headers, who it is, where it goes.
"""

import asyncio
import contextlib
import itertools
import logging
import secrets
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from core.access.actors import VISITOR, Actors
from core.apps.door import PREFIX, PROBE
from core.settings import Settings
from plugin_sdk.ports import Actor
from plugin_sdk.problems import Problem
from plugin_sdk.routes import EFFECTLESS
from portal.bearers import Bearers, presented
from portal.origins import own_origins

logger = logging.getLogger(__name__)

ASGIApp = Callable[[Any, Any, Any], Awaitable[None]]

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'; manifest-src 'self'"
)
SECURITY = [
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (b"permissions-policy", b"camera=(self), geolocation=(self), microphone=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
]
BEFORE_PASSWORD = frozenset(
    (
        *("/me/password", "/recover", "/recover/code", "/recover/password", "/sign-out"),
        *("/language", "/mode", "/text-size", "/healthz", "/readyz"),
        *("/oidc/authorize", "/oidc/logout", "/oidc/logout/confirm", "/oidc/logout/done"),
    )
)
FROM_OTHERS = frozenset(
    (
        *("/oidc/authorize", "/oidc/logout"),
        *("/oidc/token", "/oidc/userinfo", "/oidc/introspect", "/oidc/revoke"),
    )
)
"""Where other sites may post: it leads on to an address of ours, or no cookie is looked at."""
NO_STORE = (b"cache-control", b"no-store")
HSTS = (b"strict-transport-security", b"max-age=31536000")
UNREAD_BODIES = 4
UNREAD_SECONDS = 5.0


class Exchange:
    """What is known of one request: set at the front door, read by the door and pages."""

    __slots__ = (
        "accept",
        "actor",
        "blameless",
        "channel",
        "cookies",
        "forms_to",
        "id",
        "location",
        "referer",
        "refused",
        "script",
        "started",
        "status",
    )

    def __init__(self, id: str = "") -> None:
        self.id = id
        self.actor: Actor = VISITOR
        self.status = 0
        self.started = False
        self.channel = "api"
        self.accept = b""
        self.cookies = b""
        self.referer = b""
        self.location = b""  # where a redirect leads
        self.script = False
        self.refused = 0  # the status of a refusal that is answered by leading elsewhere
        self.forms_to = ""  # another origin that the page's forms may go to
        self.blameless = False  # it failed for want of the database, not by the app

    def failed(self, what: str) -> None:
        """Write a failure to the log under the request's number."""
        logger.error("request %s: %s", self.id, what, exc_info=sys.exception())


class BodyTooLarge(Problem):
    """The body is over the bound (413)."""

    status = 413


class Front:
    """Headers, bounds, origin, actor; then the door or the portal."""

    def __init__(
        self,
        settings: Settings,
        actors: Actors,
        bearers: Bearers,
        *,
        door: ASGIApp,
        portal: ASGIApp,
        refuse: Callable[[Any, Any, Any, Problem], Awaitable[None]],
    ) -> None:
        self._actors = actors
        self._bearers = bearers
        self._door = door
        self._portal = portal
        self._refuse = refuse
        self._max_body = settings.max_body
        self._origins = frozenset(o.encode() for o in own_origins(settings.public_url))
        self.cookie = "__Host-yimen" if settings.https else "yimen"
        self._cookie_start = f"{self.cookie}=".encode()
        self._headers = [*SECURITY, *([HSTS] if settings.https else [])]
        # the number of a request: this worker's own prefix, and a count
        self._worker = secrets.token_hex(4)
        self._requests = itertools.count(1)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one HTTP request."""
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1000})
            return
        exchange = Exchange(f"{self._worker}{next(self._requests) & 0xFFFFFFFF:08x}")
        scope["yimen"] = exchange
        scope["yimen_actor"] = VISITOR
        origin = site = length = expect = authorization = b""
        for name, value in scope["headers"]:
            if name == b"cookie":  # HTTP/2 may bring one in parts
                exchange.cookies += b"; " + value if exchange.cookies else value
            elif name == b"accept":
                exchange.accept = value
            elif name == b"authorization":
                authorization = value
            elif name == b"origin":
                origin = value
            elif name == b"content-length":
                length = value
            elif name == b"expect":
                expect = value
            elif name == b"sec-fetch-site":
                site = value
            elif name == b"hx-request":
                exchange.script = True
            elif name == b"referer":
                exchange.referer = value
            elif name == b"user-agent" and b"MicroMessenger" in value:
                exchange.channel = "wechat"
        if exchange.channel == "api" and (b"text/html" in exchange.accept or exchange.script):
            exchange.channel = "web"
        if "yimen_probe" in scope:
            exchange.channel = PROBE
        request_id = (b"x-request-id", exchange.id.encode())
        headers = self._headers
        bodiless = scope["method"] == "HEAD"
        if bodiless:  # answered as the GET it stands for, without the body
            scope["method"] = "GET"

        async def answer(message: Any) -> None:
            if message["type"] == "http.response.start":
                exchange.status = message["status"]
                exchange.started = True
                own = list(message.get("headers", ()))
                if 300 <= exchange.status < 400:
                    exchange.location = dict(own).get(b"location", b"")
                if not any(name == b"cache-control" for name, _ in own):
                    own.append(NO_STORE)
                secure = self._for_forms(exchange.forms_to) if exchange.forms_to else headers
                message["headers"] = [*own, *secure, request_id]
            elif bodiless:
                message["body"] = b""
            await send(message)

        try:
            if scope["method"] not in EFFECTLESS:
                if scope["path"] not in FROM_OTHERS:
                    self._check(origin, site)
                if length and (not length.isdigit() or int(length[:20]) > self._max_body):
                    if not expect:  # who asks first has sent nothing, and is not asked for it
                        await self._let_go(receive)
                    raise self._too_large()
                receive = self._bounded(receive)
            query = scope.get("query_string", b"")
            if "\x00" in scope["path"] or b"\x00" in query or b"%00" in query:
                raise Problem("not-found", status=404)
            if bearer := presented(authorization, scope["path"]) if authorization else None:
                changes = scope["method"] not in EFFECTLESS
                found = await self._bearers.actor_of(bearer, scope, changes=changes)
                exchange.actor = scope["yimen_actor"] = found
            elif token := self._token(exchange.cookies):
                exchange.actor = scope["yimen_actor"] = await self._actors.of_token(token)
            if exchange.actor.owes_password and not self._leads_on(scope["path"]):
                raise Problem("password-owed", status=403)
            if scope["path"].startswith(PREFIX):
                await self._door(scope, receive, answer)
            else:
                await self._portal(scope, receive, answer)
        except Problem as problem:
            await self._refuse(scope, receive, answer, problem)
        except Exception:
            exchange.failed("it was not answered")
            if not exchange.started:
                await self._refuse(scope, receive, answer, Problem("internal", status=500))

    def _for_forms(self, origin: str) -> list[tuple[bytes, bytes]]:
        """Return the headers of a page whose form goes to another origin."""
        policy = POLICY.replace("form-action 'self'", f"form-action 'self' {origin}")
        return [(SECURITY[0][0], policy.encode()), *self._headers[1:]]

    @staticmethod
    def _leads_on(path: str) -> bool:
        """Return whether somebody who owes a password of their own may come here."""
        return path in BEFORE_PASSWORD or path.startswith("/assets/")

    def _token(self, cookies: bytes) -> str:
        start = self._cookie_start
        for part in cookies.split(b";"):
            part = part.strip()
            if part.startswith(start):
                return part[len(start) :][:200].decode("latin-1")
        return ""

    def _check(self, origin: bytes, site: bytes) -> None:
        """Refuse what another site sent."""
        if origin and origin not in self._origins:
            raise Problem("other-origin", status=403)
        if site in (b"cross-site", b"same-site") and not origin:
            raise Problem("other-origin", status=403)

    def _bounded(self, receive: Any) -> Any:
        seen = 0

        async def bounded() -> Any:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._max_body:
                await self._let_go(receive)
                raise self._too_large()
            return message

        return bounded

    def _too_large(self) -> BodyTooLarge:
        return BodyTooLarge("body-too-large", limit=self._max_body // 1_048_576)

    async def _let_go(self, receive: Any) -> None:
        """Read on for a while and keep nothing: a client hears no answer while it sends, and a
        connection that is closed with something unread loses the answer too."""
        left = UNREAD_BODIES * self._max_body
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(UNREAD_SECONDS):
                while left > 0:
                    message = await receive()
                    if not message.get("more_body"):
                        return
                    left -= len(message.get("body", b"")) or 1
