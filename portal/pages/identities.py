"""One's accounts at upstreams: those that are linked to one's own here, and the others."""

from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from core.audit import SHELL
from core.identity.upstream import linking, service
from core.identity.upstream.service import UpstreamError
from core.messages import service as messages
from plugin_sdk.forms import read_form
from plugin_sdk.ports import To
from plugin_sdk.problems import Conflict, NotFound
from plugin_sdk.routes import SIGNED_IN, actor_of, needs
from plugin_sdk.views import FactView, Phrase
from portal.pages.context import AnyRequest, Portal
from portal.pages.rows import person_of
from portal.pages.session import Nothing
from portal.pages.through import OWN


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""
    services = portal.services

    @get(OWN, opt=needs(SIGNED_IN))
    async def page(request: AnyRequest) -> Response[Any]:
        """Show which accounts at upstreams are one's own, and link others."""
        async with portal.read() as tx:
            links = await linking.links_of(tx, person_of(actor_of(request)))
            every = await service.every(tx, open_only=True)
        held = {link.key for link in links}
        view = {
            "links": [
                {
                    "id": str(link.id),
                    "name": link.name,
                    "open": link.open,
                    "facts": [
                        FactView(Phrase("identities.account"), link.shown),
                        FactView(Phrase("identities.since"), link.linked_at),
                        FactView(
                            Phrase("identities.used"), link.used_at or Phrase("security.unused")
                        ),
                    ],
                }
                for link in links
            ],
            "others": [
                {"name": one.name, "href": f"{OWN}/{one.key}/link"}
                for one in every
                if one.key not in held
            ],
        }
        return await portal.show(request, "identities.html", "identities.title", view)

    @post(f"{OWN}/{{id:uuid}}/unlink", opt=needs(SIGNED_IN, body=Nothing, fresh=True))
    async def unlink(request: AnyRequest, id: FromPath[UUID]) -> Response[Any]:
        """Link an account no longer: nobody comes in by it any more."""
        await read_form(request, Nothing, actor_of(request))
        person_id = person_of(actor_of(request))
        async with portal.change(request, "identity-unlinked", f"person:{person_id}") as tx:
            try:
                gone = await linking.unlink(tx, person_id, id)
            except UpstreamError as error:
                raise Conflict(error.code) from None
            if gone is None:
                raise NotFound
            told = Phrase("identities.told.unlinked", {"name": gone.name})
            await messages.send(tx, SHELL, To(person_id=person_id), told, OWN)
        services.jobs.wake()
        return portal.done(request, OWN, "identities.unlinked")

    return [page, unlink]
