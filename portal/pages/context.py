"""What every page is given, and the few things pages share."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from litestar import Request, Response
from litestar.handlers import HTTPRouteHandler

from core import audit
from core.access import granting
from core.access.decisions import decide, still_allowed
from core.apps.supervisor import Apps
from core.audit import SHELL
from core.database import Transaction
from core.governance.service import Governance
from core.hub import Services
from plugin_sdk.ports import Actor
from plugin_sdk.problems import Problem
from plugin_sdk.routes import actor_of
from plugin_sdk.views import Phrase
from portal.origins import own_origins
from portal.rendering import Renderer
from portal.templating import Assets

MOST_AN_HOUR = 60
AnyRequest = Request[Any, Any, Any]


class Portal:
    """The services of the hub as the portal's pages use them."""

    def __init__(
        self,
        services: Services,
        apps: Apps,
        governance: Governance,
        renderer: Renderer,
        assets: Assets,
    ) -> None:
        self.services = services
        self.apps = apps
        self.governance = governance
        self.renderer = renderer
        self.assets = assets
        self.handlers: Sequence[HTTPRouteHandler] = ()
        self.front: Any = None
        self.ready = False
        self.origins = own_origins(services.settings.public_url)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Transaction]:
        """Return a transaction for reading."""
        async with self.services.database.transaction() as tx:
            yield tx

    @asynccontextmanager
    async def write(self, request: AnyRequest) -> AsyncIterator[Transaction]:
        """Return a transaction for writing, within which the request is still allowed: what
        `actor_of` returns from here on is who acts, and what they hold, now. Raises `Denied`."""
        async with self.services.database.transaction(write=True) as tx:
            request.scope["yimen_actor"] = await still_allowed(  # type: ignore[typeddict-unknown-key]
                tx, actor_of(request)
            )
            yield tx

    @asynccontextmanager
    async def change(
        self, request: AnyRequest, act: str, subject: str, **facts: Any
    ) -> AsyncIterator[Transaction]:
        """Return a transaction for one act of the shell (`write`), recorded within it."""
        permission = str(request.scope.get("yimen_permission", ""))
        async with self.write(request) as tx:
            actor = actor_of(request)
            yield tx
            permit = decide(actor, permission, tx.now)
            await audit.record(
                tx,
                actor,
                SHELL,
                act,
                subject,
                permission=permission,
                granted_by=permit.grant if permit else None,
                request_id=request.scope["yimen"].id,  # type: ignore[typeddict-item]
                facts=facts,
            )

    async def count_hit(self, what: str) -> None:
        """Count an act that tells others, by whom it is. Raises `Problem` (`too-many`)."""
        if await self.services.shared.hit(what, 3600) > MOST_AN_HOUR:
            raise Problem("too-many", status=429, headers={"Retry-After": "3600"})

    def network(self, request: AnyRequest) -> str:
        """Return what a request is counted under: the client's IPv4 address or IPv6 network."""
        return self.renderer.network(request)

    def may(self, actor: Actor, permission: str, *, everywhere: bool = False) -> bool:
        """Return whether an actor holds a permission of the shell (for the whole of it)."""
        key, now = f"{SHELL}.{permission}", self.services.database.clock()
        if everywhere:
            return granting.everywhere(actor, key, now)
        return bool(actor.permits_for(key, now))

    async def show(
        self, request: AnyRequest, template: str, title: str, view: Any, **more: Any
    ) -> Response[Any]:
        """Return a page for a browser, its view as JSON for a program.

        `title` is a key of the catalogue, or a name as it stands.
        """
        if not self.renderer.wants_page(request.scope):
            return Response(view, status_code=more.get("status", 200))
        words = Phrase(title) if title in self.renderer.catalogue else title
        return await self.renderer.show(request, template, words, view, **more)

    def done(
        self, request: AnyRequest, location: str, said: str, *, status: int = 200, **params: Any
    ) -> Response[Any]:
        """Return the end of an act: where to go and what to say."""
        if not self.renderer.wants_page(request.scope):
            return Response({"location": location, **params}, status_code=status)
        return self.renderer.redirect(location, said=Phrase(said, params))
