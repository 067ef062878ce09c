"""Proving once more who one is, and going on where one was."""

from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery
from pydantic import Field

from core.apps.native import BEFORE_FACTORS
from core.identity import sessions, signing_in
from core.identity.passwords import verify_password
from core.identity.signing_in import Proof, has_second_factor
from core.identity.throttle import WINDOW_SECONDS
from plugin_sdk.forms import read_form
from plugin_sdk.ports import Actor
from plugin_sdk.problems import Denied, Invalid, Problem, field_error
from plugin_sdk.routes import PUBLIC, SIGNED_IN, actor_of, needs
from portal.frames import LONGEST_PATH, safe_path
from portal.pages.context import AnyRequest, Portal
from portal.pages.proving import ProofForm, Proving
from portal.pages.signing_in import Entrance
from portal.step_up import AGAIN, MOST_KEPT, again_view, unpack

PASSWORDS = 10


class AgainForm(ProofForm):
    """A factor, or the password of somebody who has none; and the form to go on with."""

    password: str = Field(default="", max_length=1024)
    kept: str = Field(default="", max_length=MOST_KEPT)
    action: str = Field(default="", max_length=LONGEST_PATH)


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""
    services = portal.services
    entrance = Entrance(portal)
    proving = Proving(portal, entrance)

    def signed_in(request: AnyRequest) -> tuple[Actor, UUID]:
        actor = actor_of(request)  # who acts for another proves who they are themselves
        if actor.session_id is None or actor.real_person_id is None:
            raise Denied(SIGNED_IN, reason="sign-in")
        return actor, actor.real_person_id

    @get(AGAIN, opt=needs(PUBLIC) | BEFORE_FACTORS)
    async def ask(request: AnyRequest, next: FromQuery[str] = "/") -> Response[Any]:
        """Ask for a proof of who is signed in."""
        actor, _ = signed_in(request)
        view = await again_view(services, actor, safe_path(next))
        return await portal.show(request, "again.html", "again.title", view)

    @post(AGAIN, opt=needs(PUBLIC, body=AgainForm) | BEFORE_FACTORS)
    async def prove(request: AnyRequest) -> Response[Any]:
        """Take a proof; the session goes on under a new secret."""
        actor, person_id = signed_in(request)
        form = (await read_form(request, AgainForm, actor)).form
        target = safe_path(form.next)
        try:
            if form.password and not form.code and not form.passkey:
                await by_password(request, person_id, form.password)
                async with services.database.transaction(write=True) as tx:
                    renewed = await signing_in.prove_again(tx, actor, [Proof.PASSWORD])
            else:
                purpose = f"again:{actor.session_id}"
                async with proving.proved(request, person_id, form, purpose) as proved:
                    renewed = await signing_in.prove_again(proved.tx, actor, proved.proofs)
        except Invalid as wrong:
            if not portal.renderer.wants_page(request.scope):
                raise
            view = await again_view(
                services,
                actor,
                target,
                kept=unpack(form.kept),
                action=safe_path(form.action),
            )
            view["errors"] = {error.field: error.message for error in wrong.errors}
            return await portal.show(request, "again.html", "again.title", view, status=422)
        if renewed is None:
            raise Denied(SIGNED_IN, reason="signed-out")
        return await go_on(request, renewed, form, target)

    async def by_password(request: AnyRequest, person_id: UUID, password: str) -> None:
        """Check the password of somebody who has no stronger factor."""
        tries = f"again:{actor_of(request).session_id}"
        if await services.shared.hit(tries, WINDOW_SECONDS) > PASSWORDS:
            raise Problem(
                "sign-in-too-many", status=429, headers={"Retry-After": str(WINDOW_SECONDS)}
            )
        async with portal.read() as tx:
            stronger = await has_second_factor(tx, person_id)
            kept = await sessions.password_of(tx, person_id)
        if stronger:
            raise Invalid(field_error("code", "second-stronger"))
        if not await verify_password(kept, password):
            await proving.note_refusal(person_id, "password")
            raise Invalid(field_error("password", "password-wrong"))

    async def go_on(
        request: AnyRequest, renewed: sessions.Renewed, form: AgainForm, target: str
    ) -> Response[Any]:
        await entrance.act_on(request, renewed)
        response: Response[Any]
        if not portal.renderer.wants_page(request.scope):
            response = Response(
                {"csrf": actor_of(request).csrf, "location": target}, status_code=200
            )
        elif fields := unpack(form.kept):
            view = {"action": safe_path(form.action), "fields": fields, "back": target}
            response = await portal.show(request, "again_done.html", "again.done_title", view)
        else:
            response = portal.renderer.redirect(target)
        entrance.keep_renewed(response, renewed)
        return response

    return [ask, prove]
