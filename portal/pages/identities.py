"""One's accounts at upstreams: those that are linked to one's own here, and the others."""

from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from core.audit import SHELL
from core.identity.upstream import linking, service
from core.identity.upstream.flow import Account, Refused
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
from portal.pages.signing_in import Entrance
from portal.pages.through import OWN, open_upstream, said_name, same_session, why_of


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""
    services = portal.services
    entrance = Entrance(portal)

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

    def found(request: AnyRequest, key: str) -> Account:
        """Return the account that is asked about in this browser. Raises `Refused`."""
        now = services.database.clock()
        account = services.upstreams.flow.kept(entrance.under_way(request), key, now)
        same_session(actor_of(request), account.session_id)
        return account

    def stopped(key: str, refused: Refused) -> Response[Any]:
        response = portal.renderer.redirect(
            f"/sign-in/with/{key}/stopped?why={why_of(refused.code)}"
        )
        entrance.drop_under_way(response)
        return response

    @get(f"{OWN}/{{key:str}}/confirm", opt=needs(SIGNED_IN))
    async def ask(request: AnyRequest, key: FromPath[str]) -> Response[Any]:
        """Ask whether an account there is one's own, before it signs anybody in here."""
        upstream = await open_upstream(portal, key)
        try:
            account = found(request, key)
        except Refused as refused:
            return stopped(key, refused)
        view = {
            "name": upstream.name,
            "facts": [
                FactView(Phrase("identities.account"), linking.shown(account.subject)),
                *([FactView(Phrase("identities.called"), account.name)] if account.name else []),
            ],
            "action": f"{OWN}/{key}/confirm",
        }
        return await portal.show(request, "identity_confirm.html", "identities.confirm_title", view)

    @post(f"{OWN}/{{key:str}}/confirm", opt=needs(SIGNED_IN, body=Nothing))
    async def confirm(request: AnyRequest, key: FromPath[str]) -> Response[Any]:
        """Link the account that one was asked about."""
        await read_form(request, Nothing, actor_of(request))
        person_id = person_of(actor_of(request))
        upstream = await open_upstream(portal, key)
        try:
            account = found(request, key)
            async with portal.change(
                request, "identity-linked", f"person:{person_id}", upstream=key
            ) as tx:
                await linking.link(tx, services.numbers, upstream, account.subject, person_id)
                told = Phrase("identities.told.linked", {"name": upstream.name})
                await messages.send(tx, SHELL, To(person_id=person_id), told, OWN)
        except (Refused, UpstreamError) as error:
            return stopped(key, Refused(error.code))
        services.jobs.wake()
        response = portal.renderer.redirect(
            OWN, said=Phrase("identities.linked", {"name": said_name(portal, request, upstream)})
        )
        entrance.drop_under_way(response)
        return response

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

    return [page, ask, confirm, unlink]
