"""What one lets other apps know of oneself, and taking it back."""

from typing import Any

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from pydantic import Field

from core import audit
from core.audit import SHELL
from core.identity.provider import authorizing, clients
from plugin_sdk.forms import Form, read_form
from plugin_sdk.problems import NotFound
from plugin_sdk.routes import SIGNED_IN, actor_of, needs
from portal.pages.context import AnyRequest, Portal
from portal.pages.rows import person_of


class TakeBack(Form):
    """The client that is let have nothing more."""

    client: str = Field(max_length=64)


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""
    provider = portal.services.provider

    @get("/me/clients", opt=needs(SIGNED_IN))
    async def page(request: AnyRequest) -> Response[Any]:
        """Show what one lets other apps know."""
        async with portal.read() as tx:
            found = await authorizing.consents(tx, person_of(actor_of(request)))
            known = {client.id: client for client in await clients.every(tx)}
        view = {
            "consents": [
                {
                    "client": one.client_id,
                    "name": known[one.client_id].name,
                    "scopes": [scope for scope in one.scopes if scope != "openid"],
                    "given_at": one.given_at,
                }
                for one in found
                if one.client_id in known
            ]
        }
        return await portal.show(request, "me_clients.html", "oidc.mine.title", view)

    @post("/me/clients/take-back", opt=needs(SIGNED_IN, body=TakeBack))
    async def take_back(request: AnyRequest) -> Response[Any]:
        """Let an app have nothing more: it is signed out, and asks the next time."""
        form = (await read_form(request, TakeBack, actor_of(request))).form
        async with portal.write(request) as tx:
            actor = actor_of(request)
            if not await provider.take_back(tx, person_of(actor), form.client):
                raise NotFound
            subject = f"client:{form.client}"
            await audit.record(tx, actor, SHELL, "client-consent-taken-back", subject)
        return portal.done(request, "/me/clients", "oidc.mine.taken_back")

    return [page, take_back]
