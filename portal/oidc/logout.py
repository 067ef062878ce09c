"""Signing out because a client asks for it (OpenID Connect RP-Initiated Logout 1.0)."""

import json
import re
from typing import Any, Final

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from pydantic import Field

from core.apps.native import BEFORE_FACTORS
from core.identity.provider.clients import find
from core.identity.provider.discovery import PATHS
from core.identity.provider.ending import Leaving
from core.identity.provider.requests import Kept, Refused, parameters
from core.identity.upstream.flow import with_query
from plugin_sdk.forms import Form, read_form
from plugin_sdk.routes import PUBLIC, actor_of, needs
from portal.frames import LONGEST_PATH
from portal.oidc.answers import Answers, who
from portal.pages.context import AnyRequest, Portal
from portal.pages.signing_in import Entrance

LOGOUT: Final = PATHS["end_session_endpoint"]
CONFIRM: Final = f"{LOGOUT}/confirm"
MOST_BYTES: Final = 10_000
ENCODED: Final = re.compile(rb"[!-~]*")  # a form, encoded; what may stand in an address


class Leave(Form):
    """That one wants to sign out; where one goes on afterwards, sealed."""

    resume: str = Field(max_length=LONGEST_PATH)


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""
    services = portal.services
    provider = services.provider
    answers = Answers(portal)
    entrance = Entrance(portal)

    @get(LOGOUT, opt=needs(PUBLIC) | BEFORE_FACTORS)
    async def leave(request: AnyRequest) -> Response[Any]:
        """Sign out who a client names by an ID token of theirs; ask them where that is not
        certain."""
        if (whole := answers.in_full(request)) is not None:
            return whole
        query = request.scope.get("query_string", b"").decode("latin-1")
        actor = actor_of(request)
        try:
            given, twice = parameters(query, longest=MOST_BYTES)
            if twice:
                raise Refused("invalid_request", "twice", parameter=twice[0])
        except Refused as refused:
            return await answers.page(request, refused, "logout")
        async with portal.read() as tx:
            leaving = await provider.sign_outs.read(tx, given, actor.session_id)
        if leaving.reason:
            await provider.trace.refused(
                leaving.client.id if leaving.client else None,
                "logout",
                "invalid_request",
                leaving.reason,
                {"target": given.get("post_logout_redirect_uri", "")},
            )
        if actor.session_id is None or leaving.certain:
            return await signed_out(request, leaving)
        view = {
            "name": leaving.client.name if leaving.client else None,
            "person": who(actor),
            "resume": packed(leaving),
            "action": CONFIRM,
        }
        return await portal.show(request, "oidc_logout.html", "oidc.logout.title", view)

    @post(LOGOUT, opt=needs(PUBLIC) | BEFORE_FACTORS)
    async def leave_by_form(request: AnyRequest) -> Response[Any]:
        """Take the same as a form from another site: it goes on at our own address."""
        body = await request.body()
        if len(body) > MOST_BYTES or not ENCODED.fullmatch(body):
            reason = "too-long" if len(body) > MOST_BYTES else "malformed"
            return await answers.page(request, Refused("invalid_request", reason), "logout")
        return Response(None, status_code=303, headers={"Location": f"{LOGOUT}?{body.decode()}"})

    @post(CONFIRM, opt=needs(PUBLIC, body=Leave) | BEFORE_FACTORS)
    async def confirm(request: AnyRequest) -> Response[Any]:
        """Sign out who has confirmed it."""
        form = (await read_form(request, Leave, actor_of(request))).form
        kept = provider.leaving.unpack(form.resume, services.database.clock())
        client_id, target, state = json.loads(kept.query) if kept else (None, None, None)
        async with portal.read() as tx:
            client = await find(tx, client_id) if client_id else None
        if client is None or target not in client.post_logout_uris:
            target = state = None
        return await signed_out(request, Leaving(client, target, state))

    def packed(leaving: Leaving) -> str:
        id = leaving.client.id if leaving.client else None
        said = json.dumps([id, leaving.target, leaving.state])
        return provider.leaving.pack(Kept(said), services.database.clock())

    async def signed_out(request: AnyRequest, leaving: Leaving) -> Response[Any]:
        actor = actor_of(request)
        await entrance.end(actor)
        client = leaving.client
        if client is not None and not leaving.reason:
            await provider.trace.done(client.id, "logout", target=leaving.target or "")
        if client is not None and leaving.target is not None:
            params = {"state": leaving.state} if leaving.state is not None else {}
            address = with_query(leaving.target, params) if params else leaving.target
            response = await answers.lead(request, address, client.name)
        else:
            response = portal.renderer.redirect(f"{LOGOUT}/done")
        if actor.session_id is not None:
            entrance.drop_session(response)
        return response

    @get(f"{LOGOUT}/done", opt=needs(PUBLIC) | BEFORE_FACTORS)
    async def done(request: AnyRequest) -> Response[Any]:
        """Say that one is signed out."""
        view: dict[str, Any] = {"signed_in": actor_of(request).signed_in}
        return await portal.show(request, "oidc_signed_out.html", "oidc.logout.done", view)

    return [leave, leave_by_form, confirm, done]
