"""What programs ask of the provider: its metadata and keys, tokens, what is known of a person.

No cookie is looked at here, and no page of another site reads an answer: programs in a browser
have a server of their own behind them (RFC 9700, section 2.6, and ADR 0040).
"""

from typing import Any, Final

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler

from core.apps.native import BEFORE_FACTORS
from core.identity.provider.discovery import PATHS, WELL_KNOWN, WELL_KNOWN_OAUTH, metadata
from core.identity.provider.keys import CACHE_SECONDS
from core.identity.provider.server import Answered
from core.identity.provider.service import Place
from plugin_sdk.routes import PUBLIC, needs
from portal.pages.context import AnyRequest, Portal

CACHED: Final = {"Cache-Control": f"public, max-age={CACHE_SECONDS}"}
ANYBODY: Final = needs(PUBLIC) | BEFORE_FACTORS


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""
    provider = portal.services.provider
    said = metadata(provider.issuer)

    @get([WELL_KNOWN, WELL_KNOWN_OAUTH], opt=ANYBODY)
    async def describe() -> Response[Any]:
        """Say what the provider is and can (OpenID Connect Discovery)."""
        return Response(said, headers=CACHED)

    @get(PATHS["jwks_uri"], opt=ANYBODY)
    async def keys() -> Response[Any]:
        """Publish the keys that sign (RFC 7517)."""
        return Response({"keys": await provider.keys.published()}, headers=CACHED)

    @post(PATHS["token_endpoint"], opt=ANYBODY)
    async def token(request: AnyRequest) -> Response[Any]:
        """Give tokens for a code, a refresh token, or an application's own credentials."""
        return await answered(request, "token")

    @post(PATHS["introspection_endpoint"], opt=ANYBODY)
    async def introspect(request: AnyRequest) -> Response[Any]:
        """Say what a token is good for (RFC 7662)."""
        return await answered(request, "introspect")

    @post(PATHS["revocation_endpoint"], opt=ANYBODY)
    async def revoke(request: AnyRequest) -> Response[Any]:
        """End a token (RFC 7009)."""
        return await answered(request, "revoke")

    @get(PATHS["userinfo_endpoint"], opt=ANYBODY)
    async def userinfo(request: AnyRequest) -> Response[Any]:
        """Say what the client of an access token may know of its person."""
        return response(await provider.userinfo(_header(request, "authorization"), "", b""))

    @post(PATHS["userinfo_endpoint"], opt=ANYBODY)
    async def userinfo_post(request: AnyRequest) -> Response[Any]:
        """Say the same to a client that sends the token in a form."""
        kind, body = _header(request, "content-type"), await request.body()
        return response(await provider.userinfo(_header(request, "authorization"), kind, body))

    async def answered(request: AnyRequest, place: Place) -> Response[Any]:
        return response(
            await provider.answer(
                place,
                request.scope.get("query_string", b""),
                _header(request, "content-type"),
                await request.body(),
                _header(request, "authorization"),
            )
        )

    def response(answer: Answered) -> Response[Any]:
        body = answer.body
        key = f"oidc.why.{answer.reason}"
        if answer.error and key in portal.renderer.catalogue:
            text = portal.renderer.catalogue.text("en", key)
            body = {**body, "error_description": text}
        return Response(body, status_code=answer.status, headers=answer.headers)

    return [describe, keys, token, introspect, revoke, userinfo, userinfo_post]


def _header(request: AnyRequest, name: str) -> str:
    return request.headers.get(name, "")
