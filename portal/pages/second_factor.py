"""The second step of signing in, and signing in with a passkey alone."""

from typing import Any, Final, Literal

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery

from core.apps.native import BEFORE_FACTORS
from core.identity import signing_in
from core.identity.factors import factors_of
from core.identity.signing_in import Pending
from plugin_sdk.forms import Form, read_form
from plugin_sdk.ports import Actor
from plugin_sdk.problems import Invalid, Problem
from plugin_sdk.routes import PUBLIC, actor_of, needs
from plugin_sdk.views import Phrase
from portal.frames import safe_path
from portal.pages.context import AnyRequest, Portal
from portal.pages.proving import ProofForm, Proving
from portal.pages.signing_in import SECOND, Entrance
from portal.pages.ways import show_sign_in

ASKED: Final = 300
WINDOW: Final = 600


class PasskeySignIn(ProofForm):
    """What a passkey signed, of somebody who names nobody."""

    public_computer: bool = False


class Asked(Form):
    """For what a passkey is to sign: to sign in, as second factor, or to go on."""

    purpose: Literal["sign-in", "second", "again"]


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""
    services = portal.services
    entrance = Entrance(portal)
    proving = Proving(portal, entrance)

    async def waiting(request: AnyRequest) -> Pending:
        async with portal.read() as tx:
            found = await signing_in.pending(tx, entrance.pending(request))
        if found is None:
            raise Problem("second-factor-over", status=401, location="/sign-in")
        return found

    async def page(
        request: AnyRequest, person: Pending, next: str, *, status: int = 200, errors: Any = ()
    ) -> Response[Any]:
        async with portal.read() as tx:
            factors = await factors_of(tx, person.person_id)
        view = {
            "offered": proving.offered(factors),
            "next": safe_path(next),
            "errors": {error.field: error.message for error in errors},
        }
        return await portal.show(request, "second_factor.html", "second.title", view, status=status)

    @get(SECOND, opt=needs(PUBLIC) | BEFORE_FACTORS)
    async def ask(request: AnyRequest, next: FromQuery[str] = "/") -> Response[Any]:
        """Ask for a second factor of who has proved a first one."""
        return await page(request, await waiting(request), next)

    @post(SECOND, opt=needs(PUBLIC, body=ProofForm) | BEFORE_FACTORS)
    async def prove(request: AnyRequest) -> Response[Any]:
        """Open the session of who proves a second factor."""
        form = (await read_form(request, ProofForm, Actor())).form
        person = await waiting(request)
        try:
            async with services.database.transaction(write=True) as tx:
                counted = await signing_in.count_try(tx, entrance.pending(request))
            if counted is None:
                raise Problem("second-factor-over", status=401, location="/sign-in")
            purpose = f"second:{person.id}"
            async with proving.proved(request, person.person_id, form, purpose) as proved:
                opened = await signing_in.complete(
                    proved.tx,
                    person,
                    proved.proofs,
                    entrance.browser(request),
                    seconds=entrance.seconds,
                )
                if opened is None:
                    raise Problem("second-factor-over", status=401, location="/sign-in")
        except Invalid as wrong:
            if not portal.renderer.wants_page(request.scope):
                raise
            return await page(request, person, form.next, status=422, errors=wrong.errors)
        return await entrance.answer(request, opened, safe_path(form.next))

    @post("/sign-in/passkey", opt=needs(PUBLIC, body=PasskeySignIn) | BEFORE_FACTORS)
    async def sign_in(request: AnyRequest) -> Response[Any]:
        """Sign in with a passkey, which is two factors: the key, and what unlocks it."""
        form = (await read_form(request, PasskeySignIn, Actor())).form
        try:
            async with proving.proved(request, None, form, "sign-in") as proved:
                browser = entrance.browser(request, public_computer=form.public_computer)
                arrived = await signing_in.arrive(
                    proved.tx,
                    proved.person_id,
                    proved.proofs,
                    browser,
                    seconds=entrance.seconds,
                )
        except Invalid as wrong:
            if not portal.renderer.wants_page(request.scope):
                raise
            said = wrong.errors[0].message if wrong.errors else Phrase("problem.invalid-form.title")
            return await show_sign_in(portal, request, safe_path(form.next), passkey_problem=said)
        return await entrance.answer(request, arrived, safe_path(form.next))

    @post("/sign-in/passkey/options", opt=needs(PUBLIC, body=Asked) | BEFORE_FACTORS)
    async def options(request: AnyRequest) -> Response[Any]:
        """Return what a passkey is to sign (WebAuthn's JSON), good for five minutes and once."""
        form = (await read_form(request, Asked, actor_of(request))).form
        if not services.passkeys.possible:
            raise Problem("passkeys-impossible", status=409)
        asked = f"passkey-options:{portal.network(request)}"
        if await services.shared.hit(asked, WINDOW) > ASKED:
            raise Problem("too-many", status=429, headers={"Retry-After": str(WINDOW)})
        purpose: str = form.purpose
        person_id = None
        if purpose == "second":
            person = await waiting(request)
            purpose, person_id = f"second:{person.id}", person.person_id
        elif purpose == "again":
            actor = actor_of(request)
            if actor.session_id is None:
                raise Problem("sign-in-needed", status=401)
            purpose, person_id = f"again:{actor.session_id}", actor.real_person_id
        async with services.database.transaction(write=True) as tx:
            made = await services.passkeys.to_sign(tx, purpose, person_id)
        return Response({"publicKey": made}, status_code=200)

    return [ask, prove, sign_in, options]
