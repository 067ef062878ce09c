"""How a browser is sent back to a client, and what it is shown where nobody is to be sent back."""

from typing import Any, Final

from litestar import Response

from core.identity.provider.requests import Answerable, Refused
from core.identity.provider.trace import Step
from core.identity.upstream.flow import with_query
from plugin_sdk.identifiers import mask_name
from plugin_sdk.ports import Actor
from plugin_sdk.text import Text
from plugin_sdk.views import Phrase
from portal.frames import own_path
from portal.origins import origin_of
from portal.pages.context import AnyRequest, Portal
from portal.sending import TEMPLATE, send_on, sent_view

WORDS: Final = "oidc.sent"


def why(portal: Portal, reason: str) -> Phrase:
    """Return the words that say what is wrong and what to change."""
    key = f"oidc.why.{reason}"
    return Phrase(key if key in portal.renderer.catalogue else "oidc.why.other")


class Answers:
    """Answers of the authorization endpoint and of signing out."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self._issuer = portal.services.provider.issuer

    def in_full(self, request: AnyRequest) -> Response[Any] | None:
        """Return what lets a browser open this address itself, where a script of a page asks for
        it: what comes next may lead to another site."""
        if not request.scope["yimen"].script:  # type: ignore[typeddict-item]
            return None
        here = own_path(request.scope, with_query=True)
        return Response(None, status_code=200, headers={"HX-Redirect": here})

    async def code(self, request: AnyRequest, to: Answerable, code: str) -> Response[Any]:
        """Send the browser to the client with a code."""
        return await self._send(request, to, {"code": code})

    async def refuse(self, request: AnyRequest, to: Answerable, refused: Refused) -> Response[Any]:
        """Send the browser to the client with what was wrong; it is traced."""
        provider = self._portal.services.provider
        await provider.trace.refused(
            to.client.id, "authorize", refused.error, refused.reason, refused.facts
        )
        words = self._portal.renderer.catalogue.shown("en", why(self._portal, refused.reason))
        return await self._send(request, to, {"error": refused.error, "error_description": words})

    async def page(
        self, request: AnyRequest, refused: Refused, step: Step = "authorize"
    ) -> Response[Any]:
        """Say here what is wrong: nobody is sent to an address that may be anybody's."""
        provider = self._portal.services.provider
        await provider.trace.refused(
            refused.client, step, refused.error, refused.reason, refused.facts
        )
        view = {"why": why(self._portal, refused.reason), "error": refused.error}
        return await self._portal.show(
            request, "oidc_refused.html", "oidc.refused.title", view, status=400
        )

    async def _send(
        self, request: AnyRequest, to: Answerable, params: dict[str, str]
    ) -> Response[Any]:
        params = {**params, "iss": self._issuer}  # RFC 9207
        if to.state is not None:
            params["state"] = to.state
        if to.response_mode == "form_post":
            return await self._form(request, to, params)
        return await self.lead(request, with_query(to.redirect_uri, params), to.client.name)

    async def lead(self, request: AnyRequest, address: str, name: Text) -> Response[Any]:
        """Lead the browser to a client's address, by 303, so that no form is sent on (RFC 9700,
        section 4.12); after a form of ours through a page."""
        came = origin_of(request.headers.get("referer", ""))
        if came not in self._portal.origins or not self._portal.renderer.wants_page(request.scope):
            return Response(None, status_code=303, headers={"Location": address})
        return await send_on(self._portal, request, address, name, WORDS)

    async def _form(
        self, request: AnyRequest, to: Answerable, params: dict[str, str]
    ) -> Response[Any]:
        """Let the browser send the answer as a form (OAuth 2.0 Form Post Response Mode)."""
        view = sent_view(to.redirect_uri, to.client.name, WORDS, params)
        exchange = request.scope["yimen"]  # type: ignore[typeddict-item]
        exchange.forms_to = origin_of(to.redirect_uri)
        return await self._portal.renderer.show(request, TEMPLATE, Phrase(f"{WORDS}.title"), view)


def who(actor: Actor) -> str:
    """Return the masked name of who signs in: the person themselves, for whomever they act."""
    return mask_name(actor.agent.name if actor.agent else actor.name)
