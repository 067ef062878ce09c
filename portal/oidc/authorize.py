"""The authorization endpoint: from a client's request, through whatever pages it takes, to a
code. Nothing of it is kept on the server until there is a code (ADR 0040)."""

from typing import Any, Final, Literal
from urllib.parse import urlencode

import msgspec
from litestar import Response, get, post
from litestar.datastructures import Cookie
from litestar.handlers import HTTPRouteHandler
from pydantic import Field

from core import audit
from core.access.freshness import SecondFactorNeeded
from core.apps.native import BEFORE_FACTORS
from core.audit import SHELL
from core.identity.provider import authorizing
from core.identity.provider.authorizing import Next
from core.identity.provider.discovery import PATHS
from core.identity.provider.requests import (
    LONGEST,
    MODES,
    Answerable,
    Asked,
    Kept,
    Refused,
    parameters,
    read,
    read_client,
)
from core.identity.provider.scopes import PERSONAL
from plugin_sdk.forms import Form, read_form
from plugin_sdk.ports import Actor
from plugin_sdk.problems import Denied
from plugin_sdk.routes import PUBLIC, SIGNED_IN, actor_of, needs
from portal.frames import LONGEST_PATH, cookie
from portal.oidc.answers import Answers, who
from portal.oidc.asking import RESUME
from portal.oidc.linked import count, let_in
from portal.pages.context import AnyRequest, Portal
from portal.pages.signing_in import YEAR, Entrance
from portal.step_up import AGAIN

AUTHORIZE: Final = PATHS["authorization_endpoint"]
DECIDE: Final = f"{AUTHORIZE}/decide"
ACCOUNT: Final = f"{AUTHORIZE}/account"
CONTINUED: Final = f"{AUTHORIZE}?{RESUME}="


class Decision(Form):
    """Whether a client may have what it asks for."""

    resume: str = Field(max_length=LONGEST_PATH)
    answer: Literal["allow", "deny"]


class Account(Form):
    """Whether to go on as who is signed in, or as somebody else."""

    resume: str = Field(max_length=LONGEST_PATH)
    account: Literal["this", "other"]


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""
    services = portal.services
    provider = services.provider
    answers = Answers(portal)
    entrance = Entrance(portal)

    @get(AUTHORIZE, opt=needs(PUBLIC) | BEFORE_FACTORS)
    async def authorize(request: AnyRequest) -> Response[Any]:
        """Answer a client that sends somebody here to sign in, or ask what is needed for it."""
        if (whole := answers.in_full(request)) is not None:
            return whole
        query = request.scope.get("query_string", b"").decode("latin-1")
        kept = Kept(query)
        if query.startswith(f"{RESUME}="):
            packed = query.removeprefix(f"{RESUME}=")
            found = provider.sealing.unpack(packed, services.database.clock())
            if found is None:
                return await answers.page(request, Refused("invalid_request", "malformed"))
            kept = found
        return await go_on(request, kept)

    @post(AUTHORIZE, opt=needs(PUBLIC) | BEFORE_FACTORS)
    async def authorize_by_form(request: AnyRequest) -> Response[Any]:
        """Take the same request as a form (Core, section 3.1.2.1), which comes from another site
        and so without the cookie: it goes on at an address of ours, and does nothing itself."""
        body = await request.body()
        if request.scope.get("query_string") or len(body) > LONGEST or not body.isascii():
            refused = Refused("invalid_request", "too-long", length=str(len(body)))
            return await answers.page(request, refused)
        return await to_itself(request, Kept(body.decode()))

    async def to_itself(request: AnyRequest, kept: Kept) -> Response[Any]:
        return Response(None, status_code=303, headers={"Location": resumed(kept)})

    def resumed(kept: Kept) -> str:
        return CONTINUED + provider.sealing.pack(kept, services.database.clock())

    async def whom(kept: Kept) -> tuple[Answerable, dict[str, str], list[str]]:
        """Return whom the answer to a request goes to, and how; its parameters, and those that
        come more than once. Raises `Refused`, which is said here."""
        given, twice = parameters(kept.query)
        async with portal.read() as tx:
            to = await read_client(tx, given, twice)
        mode = given.get("response_mode", "query")
        to = msgspec.structs.replace(
            to,
            response_mode=mode if mode in MODES and "response_mode" not in twice else "query",
            state=given.get("state") if "state" not in twice else None,
        )
        return to, given, twice

    async def go_on(request: AnyRequest, kept: Kept) -> Response[Any]:
        try:
            to, given, twice = await whom(kept)
        except Refused as refused:
            return await answers.page(request, refused)
        try:
            asked = read(to, kept.query, given, twice)
            coming = await provider.step(asked, actor_of(request), kept)
            _check_account(asked, actor_of(request))
            let_in(portal, asked.client, actor_of(request))
        except Refused as refused:
            return await answers.refuse(request, to, refused)
        return await show(request, asked, kept, coming)

    def _check_account(asked: Asked, actor: Actor) -> None:
        """Lead somebody who owes a password or a second factor to it first."""
        owes = actor.owes_password or services.freshness.must_enrol(actor)
        if owes and "none" in asked.prompts:
            raise Refused("interaction_required", "account-owes")
        if owes and not actor.owes_password:
            raise SecondFactorNeeded

    async def show(request: AnyRequest, asked: Asked, kept: Kept, coming: Next) -> Response[Any]:
        now = services.database.clock()
        actor = actor_of(request)
        proving = msgspec.structs.replace(kept, since=now)
        if coming is Next.SIGN_IN:
            return choose_language(request, asked, to_page("/sign-in", proving))
        if actor.owes_password:
            return to_page("/me/password", kept)
        if coming is Next.PROVE:
            return to_page(AGAIN, proving)
        packed = provider.sealing.pack(kept, now)
        if coming in (Next.CHOOSE, Next.OTHER):
            view: dict[str, Any] = {
                "may_stay": coming is Next.CHOOSE,  # the client means somebody else
                "name": asked.client.name,
                "person": who(actor),
                "resume": packed,
                "action": ACCOUNT,
            }
            return await portal.show(request, "oidc_account.html", "oidc.account.title", view)
        if coming is Next.CONSENT:
            view = {
                "name": asked.client.name,
                "first_party": asked.client.first_party,
                "person": who(actor),
                "scopes": [one for one in PERSONAL[1:] if one in authorizing.needed(asked)],
                "resume": packed,
                "action": DECIDE,
            }
            return await portal.show(request, "oidc_consent.html", "oidc.consent.title", view)
        return await issue(request, asked)

    def to_page(page: str, kept: Kept) -> Response[Any]:
        return portal.renderer.redirect(f"{page}?{urlencode({'next': resumed(kept)})}")

    def choose_language(
        request: AnyRequest, asked: Asked, response: Response[Any]
    ) -> Response[Any]:
        """Show the pages in the language that the client asks for, unless one was chosen."""
        wanted = [tag.lower() for tag in asked.ui_locales.split()[:5]]
        known = ("en" if tag.startswith("en") else "zh-CN" for tag in wanted if tag[:2] in "zhen")
        language = next(known, None)
        if language and cookie(request.scope, "lang") is None:
            response.set_cookie(
                Cookie("lang", value=language, path="/", max_age=YEAR, samesite="lax")
            )
        return response

    async def issue(request: AnyRequest, asked: Asked, *, agreed: bool = False) -> Response[Any]:
        async with portal.write(request) as tx:
            actor = actor_of(request)
            if actor.real_person_id is None:
                raise Denied(SIGNED_IN, reason="signed-out")
            if agreed:
                await authorizing.agree(tx, actor.real_person_id, asked)
                scopes = sorted(authorizing.needed(asked))
                await audit.record(
                    tx,
                    actor,
                    SHELL,
                    "client-allowed",
                    f"client:{asked.client.id}",
                    facts={"scopes": scopes},
                )
            code = await authorizing.issue(tx, asked, actor)
        facts = {"scope": " ".join(asked.scopes), "redirect": asked.to.redirect_uri}
        await provider.trace.done(asked.client.id, "authorize", **facts)
        count(portal, request, asked.client)
        return await answers.code(request, asked.to, code)

    async def again(request: AnyRequest, packed: str) -> tuple[Kept, Answerable, Asked] | None:
        """Return the request that a form of ours goes on with, checked once more."""
        kept = provider.sealing.unpack(packed, services.database.clock())
        if kept is None:
            return None
        try:
            to, given, twice = await whom(kept)
            return kept, to, read(to, kept.query, given, twice)
        except Refused:
            return None

    @post(DECIDE, opt=needs(PUBLIC, body=Decision) | BEFORE_FACTORS)
    async def decide(request: AnyRequest) -> Response[Any]:
        """Take whether somebody lets a client have what it asks for."""
        actor = actor_of(request)
        form = (await read_form(request, Decision, actor)).form
        found = await again(request, form.resume)
        if found is None:
            return await answers.page(request, Refused("invalid_request", "malformed"))
        kept, to, asked = found
        if not actor.signed_in:
            return await to_itself(request, kept)
        if form.answer == "deny":
            return await answers.refuse(request, to, Refused("access_denied", "denied"))
        try:
            coming = await provider.step(asked, actor, kept)
            _check_account(asked, actor)
        except Refused as refused:
            return await answers.refuse(request, to, refused)
        if actor.owes_password or coming not in (Next.CONSENT, Next.ISSUE):
            return await to_itself(request, kept)
        try:
            let_in(portal, asked.client, actor)
        except Refused as refused:
            return await answers.refuse(request, to, refused)
        return await issue(request, asked, agreed=True)

    @post(ACCOUNT, opt=needs(PUBLIC, body=Account) | BEFORE_FACTORS)
    async def account(request: AnyRequest) -> Response[Any]:
        """Go on as who is signed in, or sign out and in as somebody else."""
        actor = actor_of(request)
        form = (await read_form(request, Account, actor)).form
        kept = provider.sealing.unpack(form.resume, services.database.clock())
        if kept is None:
            return await answers.page(request, Refused("invalid_request", "malformed"))
        chosen = msgspec.structs.replace(kept, chosen=True)
        if form.account == "this" or actor.session_id is None:
            return await to_itself(request, chosen)
        await entrance.end(actor)
        response = to_page("/sign-in", chosen)
        entrance.drop_session(response)
        return response

    return [authorize, authorize_by_form, decide, account]
