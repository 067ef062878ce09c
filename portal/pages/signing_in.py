"""What a browser or a program is told when it has signed in, and the cookies it is given."""

from typing import Any, Final
from urllib.parse import urlencode

from litestar import Response
from litestar.datastructures import Cookie

from core import audit
from core.audit import SHELL
from core.identity import sessions
from core.identity.sessions import Renewed
from core.identity.signing_in import PENDING_LIFE, Browser, Opened, Owing
from plugin_sdk.ports import Actor
from plugin_sdk.problems import Problem
from plugin_sdk.routes import actor_of
from portal.frames import cookie
from portal.pages.context import AnyRequest, Portal
from portal.rendering import PROBLEM

YEAR: Final = 365 * 24 * 3600
SECOND: Final = "/sign-in/second"


class Entrance:
    """The cookies of sign-ins, and the answers that set them."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        settings = portal.services.settings
        self._secure = settings.https
        self.seconds = settings.session_seconds
        self._session = "__Host-yimen" if settings.https else "yimen"
        self._device = f"{self._session}-device"
        self._pending = f"{self._session}-pending"
        self._under_way = f"{self._session}-through"

    def browser(self, request: AnyRequest, *, public_computer: bool = False) -> Browser:
        """Return where a request comes from."""
        return Browser(
            actor_of(request).session_id,
            self.device(request),
            request.headers.get("user-agent", ""),
            public_computer,
        )

    def device(self, request: AnyRequest) -> str:
        """Return the secret of the device, which may have signed in before; or nothing."""
        return (cookie(request.scope, self._device) or "")[:200]

    def pending(self, request: AnyRequest) -> str:
        """Return the secret of a sign-in that owes a second factor; or nothing."""
        return (cookie(request.scope, self._pending) or "")[:200]

    def under_way(self, request: AnyRequest) -> str:
        """Return the sign-in through an upstream that is under way here, sealed; or nothing."""
        return (cookie(request.scope, self._under_way) or "")[:4000]

    def keep_under_way(self, response: Response[Any], sealed: str, seconds: int) -> None:
        """Let the browser keep a sign-in through an upstream until it comes back."""
        response.set_cookie(self._cookie(self._under_way, sealed, seconds))

    def drop_under_way(self, response: Response[Any]) -> None:
        """Let the browser forget a sign-in through an upstream."""
        response.set_cookie(self._cookie(self._under_way, "", 0))

    async def answer(
        self, request: AnyRequest, arrived: Opened | Owing, target: str
    ) -> Response[Any]:
        """Return the answer to who has signed in, or still owes a second factor: to a browser
        where it goes on, to a program what it needs. `target` is a safe path."""
        if isinstance(arrived, Owing):
            return self._ask(request, arrived, target)
        renderer = self._portal.renderer
        response: Response[Any]
        if renderer.wants_page(request.scope):
            response = renderer.redirect(target)
        else:
            actor = await self._portal.services.actors.of_token(arrived.token)
            response = Response(
                {
                    "name": actor.name,
                    "post": actor.post_title,
                    "organization": actor.organization_name,
                    "csrf": actor.csrf,
                },
                status_code=200,
            )
        self._keep(response, arrived.token, self.seconds, arrived.public_computer)
        if arrived.device:
            response.set_cookie(self._cookie(self._device, arrived.device, YEAR))
        if self.pending(request):
            response.set_cookie(self._cookie(self._pending, "", 0))
        return response

    def _ask(self, request: AnyRequest, owing: Owing, target: str) -> Response[Any]:
        renderer = self._portal.renderer
        response: Response[Any]
        if renderer.wants_page(request.scope):
            response = renderer.redirect(f"{SECOND}?{urlencode({'next': target})}")
        else:
            described = renderer.describe(
                request.scope, Problem("second-factor-needed", status=401)
            )
            response = Response(
                {**described, "location": SECOND}, status_code=401, media_type=PROBLEM
            )
        life = int(PENDING_LIFE.total_seconds())
        response.set_cookie(self._cookie(self._pending, owing.token, life))
        return response

    async def act_on(self, request: AnyRequest, renewed: Renewed) -> None:
        """Let the rest of a request, and the page it answers, be of the session as it goes on."""
        actor = await self._portal.services.actors.of_token(renewed.token)
        request.scope["yimen_actor"] = actor  # type: ignore[typeddict-unknown-key]

    def keep_renewed(self, response: Response[Any], renewed: Renewed) -> None:
        """Let the answer bring the new secret of a session, which ends when it would have."""
        left = renewed.expires_at - self._portal.services.database.clock()
        self._keep(response, renewed.token, int(left.total_seconds()), renewed.public_computer)

    def _keep(
        self, response: Response[Any], token: str, seconds: int, public_computer: bool
    ) -> None:
        # on a public computer it goes with the browser's window
        age = None if public_computer else max(seconds, 0)
        response.set_cookie(self._cookie(self._session, token, age))

    async def end(self, actor: Actor) -> None:
        """End the session that somebody acts in, if any, and record it."""
        if actor.session_id is None:
            return
        async with self._portal.services.database.transaction(write=True) as tx:
            await sessions.end(tx, actor.session_id)
            await audit.record(tx, actor, SHELL, "signed-out", f"person:{actor.real_person_id}")

    def drop_session(self, response: Response[Any]) -> None:
        """Let the answer take the secret of the session back."""
        response.set_cookie(self._cookie(self._session, "", 0))

    def _cookie(self, name: str, value: str, max_age: int | None) -> Cookie:
        return Cookie(
            key=name,
            value=value,
            max_age=max_age,
            path="/",
            httponly=True,
            secure=self._secure,
            samesite="lax",
        )
