"""Signing in through an upstream: out to it and back, for one of three purposes.

Whatever goes wrong out there ends on a page of ours that says so in our words: nothing an
upstream writes is shown to anybody, and the ways in of the hub itself stand beside.
"""

import logging
from typing import Any, Final, Literal
from urllib.parse import urlencode

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from core import audit
from core.apps.native import BEFORE_FACTORS
from core.audit import SHELL
from core.identity import signing_in
from core.identity.signing_in import Opened, Owing, Proof, Through
from core.identity.throttle import PER_NETWORK, WINDOW_SECONDS
from core.identity.upstream import linking, service
from core.identity.upstream.flow import (
    LIFE_SECONDS,
    Purpose,
    Refused,
    Said,
    UnderWay,
    one_of_each,
)
from core.identity.upstream.service import UpstreamFacts
from plugin_sdk.forms import read_form
from plugin_sdk.ports import Actor
from plugin_sdk.problems import NotFound
from plugin_sdk.routes import PUBLIC, SIGNED_IN, actor_of, needs
from plugin_sdk.views import Phrase
from portal.frames import safe_path
from portal.origins import led_here
from portal.pages.context import AnyRequest, Portal
from portal.pages.session import Nothing
from portal.pages.signing_in import Entrance
from portal.pages.ways import ways
from portal.sending import send_on

logger = logging.getLogger(__name__)

OWN: Final = "/me/identities"
REFUSALS_A_MINUTE: Final = 60

Why = Literal[
    "away",
    "denied",
    "doubtful",
    "over",
    "many",
    "unknown",
    "not-made",
    "disabled",
    "taken",
    "held",
    "other",
]
"""What somebody is told of a way that led nowhere; the record says more."""
_WHY: Final[dict[str, Why]] = {
    **dict.fromkeys(("state", "state-old", "answer-malformed", "used"), "over"),
    **dict.fromkeys(
        (
            *("answer-access_denied", "answer-login_required", "answer-interaction_required"),
            "proved-earlier",
        ),
        "denied",
    ),
    **dict.fromkeys(
        (
            *(
                "slow",
                "unreachable",
                "busy",
                "unknown-host",
                "moved",
                "plain",
                "private",
                "address",
            ),
            *("certificate", "discovery-status", "keys-status", "answer-temporarily_unavailable"),
            *("token-refused", "token-invalid_client", "token-unauthorized_client", "malformed"),
        ),
        "away",
    ),
    "too-many": "many",
    "unknown": "unknown",
    "not-made": "not-made",
    "disabled": "disabled",
    "identity-taken": "taken",
    "identity-held": "held",
    "other-person": "other",
}


async def open_upstream(portal: Portal, key: str) -> UpstreamFacts:
    """Return an upstream that is open. Raises `NotFound`."""
    async with portal.read() as tx:
        found = await service.by_key(tx, key)
    if found is None or found.disabled:
        raise NotFound
    return found


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""
    services = portal.services
    upstreams = services.upstreams
    entrance = Entrance(portal)

    def stopped(key: str, why: str, next: str) -> Response[Any]:
        told = why_of(why)
        asked = urlencode({"why": told, **({"next": next} if next != "/" else {})})
        return portal.renderer.redirect(f"/sign-in/with/{key}/stopped?{asked}")

    async def note(upstream: UpstreamFacts, actor: Actor, why: str) -> None:
        """Record that somebody came through an upstream and was not let in; sixty a minute."""
        logger.info("upstream %s: not let in (%s)", upstream.key, why)
        if await services.shared.hit(f"upstream-refused:{upstream.key}", 60) > REFUSALS_A_MINUTE:
            return
        async with services.database.transaction(write=True) as tx:
            await audit.record(
                tx,
                actor,
                SHELL,
                "upstream-refused",
                f"upstream:{upstream.key}",
                outcome="refused",
                facts={"reason": why},
            )

    async def lead(
        request: AnyRequest, key: str, purpose: Purpose, next: str, back: str
    ) -> Response[Any]:
        """Lead a browser to an upstream; only from a page of ours, since any page may hold a
        link that would sign its reader in, or link what is not theirs."""
        if not led_here(request.headers, portal.origins):
            return portal.renderer.redirect(back)
        upstream = await open_upstream(portal, key)
        try:
            address, sealed = await upstreams.flow.begin(
                upstreams.relying(upstream),
                purpose,
                services.database.clock(),
                next=next,
                session_id=actor_of(request).session_id,
                language=portal.renderer.language(request.scope),
            )
        except Refused as refused:
            await note(upstream, actor_of(request), refused.code)
            return stopped(key, refused.code, next)
        response = portal.renderer.redirect(address)
        if purpose == "link" and portal.renderer.wants_page(request.scope):
            response = await send_on(portal, request, address, upstream.name, "through.sent")
        entrance.keep_under_way(response, sealed, LIFE_SECONDS)
        return response

    @get("/sign-in/with/{key:str}", opt=needs(PUBLIC) | BEFORE_FACTORS)
    async def begin(
        request: AnyRequest, key: FromPath[str], next: FromQuery[str] = "/"
    ) -> Response[Any]:
        """Sign in through an upstream."""
        target = safe_path(next)
        if actor_of(request).signed_in:
            return portal.renderer.redirect(target)
        return await lead(
            request, key, "sign-in", target, f"/sign-in?{urlencode({'next': target})}"
        )

    @get(f"{OWN}/{{key:str}}/link", opt=needs(SIGNED_IN))
    async def page(request: AnyRequest, key: FromPath[str]) -> Response[Any]:
        """Lead to the page of one's accounts: no address links anything by being opened."""
        return portal.renderer.redirect(OWN)

    @post(f"{OWN}/{{key:str}}/link", opt=needs(SIGNED_IN, body=Nothing, fresh=True))
    async def link(request: AnyRequest, key: FromPath[str]) -> Response[Any]:
        """Go to an upstream to link one's account there to one's own here."""
        await read_form(request, Nothing, actor_of(request))
        return await lead(request, key, "link", OWN, OWN)

    @get("/sign-in/again/with/{key:str}", opt=needs(SIGNED_IN) | BEFORE_FACTORS)
    async def again(
        request: AnyRequest, key: FromPath[str], next: FromQuery[str] = "/"
    ) -> Response[Any]:
        """Prove once more, at an upstream, who one is."""
        target = safe_path(next)
        asks = f"/sign-in/again?{urlencode({'next': target})}"
        return await lead(request, key, "again", target, asks)

    @get("/sign-in/with/{key:str}/back", opt=needs(PUBLIC) | BEFORE_FACTORS)
    async def back(request: AnyRequest, key: FromPath[str]) -> Response[Any]:
        """Take who comes back from an upstream."""
        upstream = await open_upstream(portal, key)
        actor = actor_of(request)
        now = services.database.clock()
        next, ours, kept = "/", False, ""
        try:
            given = one_of_each(list(request.query_params.multi_items()))
            under_way = upstreams.flow.under_way(
                entrance.under_way(request), key, given.get("state", ""), now
            )
            next, ours = under_way.next, True
            tries = await once(request, under_way)
            said = await upstreams.flow.finish(
                upstreams.relying(upstream),
                under_way,
                given,
                now,
                more=under_way.purpose == "sign-in" and bool(upstream.rules),
            )
            match under_way.purpose:
                case "sign-in":
                    response = await sign_in(request, upstream, under_way, said)
                case "link":
                    response = await link_to(request, upstream, under_way, said)
                    kept = upstreams.flow.keep(under_way, said)
                case _:
                    response = await prove(request, upstream, under_way, said)
            await services.shared.take_back(tries)
        except Refused as refused:
            if ours:  # whoever opens this address without having begun here writes no record
                await note(upstream, actor, refused.code)
            response = stopped(key, refused.code, next)
        if ours and kept:
            entrance.keep_under_way(response, kept, LIFE_SECONDS)
        elif ours:  # what another page leads here ends no sign-in that is under way
            entrance.drop_under_way(response)
        return response

    async def once(request: AnyRequest, under_way: UnderWay) -> str:
        """Count who comes back: each sign-in once, and so many of a network; return under what,
        so that one that is let in is given back."""
        if await services.shared.hit(f"upstream-state:{under_way.state}", LIFE_SECONDS) > 1:
            raise Refused("used")
        tries = f"upstream-tries:{portal.network(request)}"
        if await services.shared.hit(tries, WINDOW_SECONDS) > PER_NETWORK:
            raise Refused("too-many")
        return tries

    def proofs(upstream: UpstreamFacts, said: Said) -> list[Proof]:
        strong = said.acr is not None and said.acr in upstream.strong_acr
        return [Proof.UPSTREAM, *([Proof.UPSTREAM_TWO] if strong else [])]

    async def sign_in(
        request: AnyRequest, upstream: UpstreamFacts, under_way: UnderWay, said: Said
    ) -> Response[Any]:
        arrived: Opened | Owing | None = None
        async with services.database.transaction(write=True) as tx:
            arrival = await upstreams.arrive(tx, upstream, said)
            if arrival.person_id is not None:
                arrived = await signing_in.arrive(
                    tx,
                    arrival.person_id,
                    proofs(upstream, said),
                    entrance.browser(request),
                    seconds=entrance.seconds,
                    through=Through(upstream.key, said.proved_at),
                )
        if arrived is None:
            raise Refused(arrival.why)
        return await entrance.answer(request, arrived, under_way.next)

    async def link_to(
        request: AnyRequest, upstream: UpstreamFacts, under_way: UnderWay, said: Said
    ) -> Response[Any]:
        actor = actor_of(request)
        same_session(actor, under_way.session_id)
        async with portal.read() as tx:
            linked = await linking.find(tx, services.numbers, upstream, said.subject)
        if linked is not None:
            mine = linked.person_id == actor.person_id
            raise Refused("identity-held" if mine else "identity-taken")
        return portal.renderer.redirect(f"{OWN}/{upstream.key}/confirm")

    async def prove(
        request: AnyRequest, upstream: UpstreamFacts, under_way: UnderWay, said: Said
    ) -> Response[Any]:
        actor = actor_of(request)
        same_session(actor, under_way.session_id)
        async with services.database.transaction(write=True) as tx:
            linked = await linking.find(tx, services.numbers, upstream, said.subject)
            if linked is None or linked.person_id != actor.real_person_id:
                raise Refused("other-person")
            proved = proofs(upstream, said)
            if len(proved) == 1 and await signing_in.has_second_factor(tx, linked.person_id):
                raise Refused("proved-earlier")  # they have a stronger one, and it is asked for
            renewed = await signing_in.prove_again(tx, actor, proved)
        if renewed is None:
            raise Refused("state")
        response = portal.renderer.redirect(under_way.next)
        entrance.keep_renewed(response, renewed)
        return response

    @get("/sign-in/with/{key:str}/stopped", opt=needs(PUBLIC) | BEFORE_FACTORS)
    async def explain(
        request: AnyRequest,
        key: FromPath[str],
        why: FromQuery[str] = "over",
        next: FromQuery[str] = "/",
    ) -> Response[Any]:
        """Say why a way through an upstream led nowhere, and what to do."""
        upstream = await open_upstream(portal, key)
        told = why if why in _WHY.values() else "doubtful"
        target = safe_path(next)
        signed_in = actor_of(request).signed_in
        link_after = f"/sign-in?{urlencode({'next': OWN})}"
        view = {
            "name": upstream.name,
            "why": told,
            "signed_in": signed_in,
            "again": None
            if told in ("taken", "held", "disabled", "not-made")
            else _retry(key, target, signed_in=signed_in),
            "link": link_after if told in ("unknown", "not-made") else None,
            "register": told in ("unknown", "not-made") and services.settings.registration,
            "ways": [] if signed_in else ways(portal, "", target),
        }
        called = Phrase("through.stopped_title", {"name": upstream.name})
        title = portal.renderer.text(request.scope, called)
        return await portal.show(request, "through_stopped.html", title, view, status=200)

    @get("/sign-in/with/{key:str}/left", opt=needs(PUBLIC) | BEFORE_FACTORS)
    async def left(request: AnyRequest, key: FromPath[str]) -> Response[Any]:
        """Say to who has signed out here that they are still signed in at an upstream."""
        upstream = await open_upstream(portal, key)
        home = f"{services.settings.public_url}/"
        if await upstreams.flow.leaving(upstreams.relying(upstream), home) is None:
            return portal.renderer.redirect("/")
        view = {"name": upstream.name, "out": f"/sign-in/with/{key}/out"}
        return await portal.show(request, "through_left.html", "through.left_title", view)

    @get("/sign-in/with/{key:str}/out", opt=needs(PUBLIC) | BEFORE_FACTORS)
    async def out(request: AnyRequest, key: FromPath[str]) -> Response[Any]:
        """Sign out at an upstream too."""
        upstream = await open_upstream(portal, key)
        home = f"{services.settings.public_url}/"
        address = None
        if led_here(request.headers, portal.origins):
            address = await upstreams.flow.leaving(upstreams.relying(upstream), home)
        return portal.renderer.redirect(address or "/")

    return [begin, page, link, again, back, explain, left, out]


def _retry(key: str, next: str, *, signed_in: bool) -> str:
    if signed_in:
        return OWN
    return f"/sign-in/with/{key}?{urlencode({'next': next})}"


def same_session(actor: Actor, session_id: str | None) -> None:
    """Raise `Refused` unless somebody acts for themselves in the session that began it."""
    if actor.session_id is None or actor.session_id != session_id or actor.agent is not None:
        raise Refused("state")


def why_of(code: str) -> Why:
    """Return what somebody is told of a reason."""
    return _WHY.get(code, "doubtful")


def said_name(portal: Portal, request: AnyRequest, upstream: UpstreamFacts) -> str:
    """Return what an upstream is called, in the reader's language."""
    english = portal.renderer.language(request.scope) == "en"
    return upstream.name.en if english else upstream.name.zh
