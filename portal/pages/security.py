"""One's own second factors: set up, named, removed; recovery codes. Each act asks for a recent
proof, is recorded, and told to the person, who may not be the one who did it."""

from typing import Any, Final
from uuid import UUID

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from pydantic import Field

from core.apps.native import BEFORE_FACTORS
from core.audit import SHELL
from core.database import Transaction
from core.identity import passkeys as keys
from core.identity import people, recovery_codes, signing_in, totp
from core.identity.factors import Factors, factors_of, settle
from core.identity.sessions import Renewed
from core.identity.signing_in import FactorError, Proof
from core.messages import service as messages
from plugin_sdk.forms import Form, read_form
from plugin_sdk.ports import Actor, To
from plugin_sdk.problems import Conflict, Invalid, NotFound, Problem, field_error
from plugin_sdk.routes import SIGNED_IN, actor_of, needs
from plugin_sdk.views import Phrase
from portal.pages.context import AnyRequest, Portal
from portal.pages.proving import answer_of
from portal.pages.rows import person_of
from portal.pages.session import Nothing
from portal.pages.signing_in import Entrance

PAGE: Final = "/me/security"
OWN: Final = "own-factors"


class CodeForm(Form):
    """The first code of an authenticator app."""

    code: str = Field(min_length=1, max_length=40)


class NameForm(Form):
    """What a person calls a passkey."""

    name: str = Field(min_length=1, max_length=40)


class NewPasskey(NameForm):
    """A passkey that a browser made, as it writes it (WebAuthn's JSON)."""

    passkey: str = Field(min_length=1, max_length=16_000)


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""
    services = portal.services
    entrance = Entrance(portal)

    def mine(body: Any = Nothing) -> dict[str, Any]:
        return needs(SIGNED_IN, body=body, fresh=True) | BEFORE_FACTORS

    async def tell(tx: Transaction, person_id: UUID, what: str, **params: Any) -> None:
        said = Phrase(f"security.told.{what}", params)
        await messages.send(tx, SHELL, To(person_id=person_id), said, PAGE)

    async def show(
        request: AnyRequest, *, status: int = 200, errors: Any = (), name: str = ""
    ) -> Response[Any]:
        actor = actor_of(request)
        async with portal.read() as tx:
            factors = await factors_of(tx, person_of(actor))
        view = {
            "totp": factors.totp,
            "passkeys": factors.passkeys,
            "codes": factors.codes,
            "any": factors.any,
            "possible": services.passkeys.possible,
            "asked": services.freshness.must_enrol(actor),
            "errors": {error.field: error.message for error in errors},
            "name": name,
        }
        return await portal.show(request, "security.html", "security.title", view, status=status)

    async def app_page(
        request: AnyRequest, *, status: int = 200, errors: Any = ()
    ) -> Response[Any]:
        person_id = person_of(actor_of(request))
        async with services.database.transaction(write=True) as tx:
            make = totp.begun if errors else totp.begin  # what was scanned is still good
            key = await make(tx, services.numbers, person_id)
            who = await people.person(tx, person_id)
        if key is None:
            raise Conflict("totp-held")
        view = {
            "address": totp.address(key, who.username if who else "", services.settings.county),
            "key": totp.spelled(key),
            "errors": {error.field: error.message for error in errors},
        }
        response = await portal.show(
            request, "security_totp.html", "security.totp.title", view, status=status
        )
        response.headers["Cache-Control"] = "no-store"
        return response

    async def added(
        tx: Transaction, actor: Actor, proofs: list[Proof]
    ) -> tuple[Renewed, list[str]]:
        """Let the session go on with what it has just proved; return its new secret, and the
        recovery codes where there are none yet."""
        person_id = person_of(actor)
        renewed = await signing_in.prove_again(tx, actor, proofs)
        if renewed is None:
            raise Conflict("form-expired")
        there = await recovery_codes.left(tx, person_id)
        codes = [] if there else await recovery_codes.renew(tx, services.numbers, person_id)
        return renewed, codes

    async def done(
        request: AnyRequest,
        said: str,
        renewed: Renewed | None = None,
        codes: list[str] | None = None,
    ) -> Response[Any]:
        """Answer that it is done; recovery codes are shown this once."""
        response: Response[Any]
        if renewed:
            await entrance.act_on(request, renewed)
        if codes:
            view = {"codes": codes, "said": Phrase(said), "csrf": actor_of(request).csrf}
            response = await portal.show(
                request, "security_codes.html", "security.codes.title", view
            )
            response.headers["Cache-Control"] = "no-store"
        else:
            response = portal.done(request, PAGE, said, csrf=actor_of(request).csrf)
        if renewed:
            entrance.keep_renewed(response, renewed)
        return response

    @get(PAGE, opt=needs(SIGNED_IN) | BEFORE_FACTORS)
    async def page(request: AnyRequest) -> Response[Any]:
        """Show one's factors, and when each was used last."""
        return await show(request)

    @get(f"{PAGE}/totp", opt=mine(None))
    async def ask_app(request: AnyRequest) -> Response[Any]:
        """Show the key of an authenticator app that is being set up."""
        return await app_page(request)

    @post(f"{PAGE}/totp", opt=mine(CodeForm))
    async def confirm_app(request: AnyRequest) -> Response[Any]:
        """Let an authenticator app count, once it has shown a right code."""
        actor = actor_of(request)
        person_id = person_of(actor)
        try:
            form = (await read_form(request, CodeForm, actor)).form
            await portal.count_hit(f"{OWN}:{person_id}")
            async with portal.change(request, "factor-added", f"person:{person_id}") as tx:
                if not await totp.accept(
                    tx, services.numbers, person_id, form.code.replace(" ", ""), confirming=True
                ):
                    raise Invalid(field_error("code", "totp-first"))
                await tell(tx, person_id, "totp_added")
                renewed, codes = await added(tx, actor_of(request), [Proof.OTP])
        except Invalid as wrong:
            if not portal.renderer.wants_page(request.scope):
                raise
            return await app_page(request, status=422, errors=wrong.errors)
        services.jobs.wake()
        return await done(request, "security.totp.added", renewed, codes)

    @post(f"{PAGE}/totp/remove", opt=mine())
    async def remove_app(request: AnyRequest) -> Response[Any]:
        """Remove one's authenticator app."""
        actor = actor_of(request)
        await read_form(request, Nothing, actor)
        person_id = person_of(actor)
        async with portal.change(request, "factor-removed", f"person:{person_id}") as tx:
            _keep_one(portal, actor, await factors_of(tx, person_id))
            if not await totp.remove(tx, person_id):
                raise NotFound
            await settle(tx, person_id)
            await tell(tx, person_id, "totp_removed")
        services.jobs.wake()
        return await done(request, "security.totp.removed")

    @post(f"{PAGE}/codes", opt=mine())
    async def new_codes(request: AnyRequest) -> Response[Any]:
        """Make new recovery codes; those before are void."""
        actor = actor_of(request)
        await read_form(request, Nothing, actor)
        person_id = person_of(actor)
        async with portal.change(request, "recovery-codes-renewed", f"person:{person_id}") as tx:
            if not (await factors_of(tx, person_id)).any:
                raise Conflict("codes-for-nothing")
            codes = await recovery_codes.renew(tx, services.numbers, person_id)
            await tell(tx, person_id, "codes_renewed")
        services.jobs.wake()
        return await done(request, "security.codes.renewed", codes=codes)

    @post(f"{PAGE}/passkeys/options", opt=mine())
    async def passkey_options(request: AnyRequest) -> Response[Any]:
        """Return what a browser needs to make a passkey (WebAuthn's JSON)."""
        actor = actor_of(request)
        await read_form(request, Nothing, actor)
        if not services.passkeys.possible:
            raise Problem("passkeys-impossible", status=409)
        person_id = person_of(actor)
        await portal.count_hit(f"{OWN}:{person_id}")
        async with services.database.transaction(write=True) as tx:
            who = await people.person(tx, person_id)
            assert who is not None  # noqa: S101  (they are signed in)
            try:
                made = await services.passkeys.to_register(tx, person_id, who.username, who.name)
            except FactorError as error:
                raise Conflict(error.code) from None
        return Response({"publicKey": made}, status_code=200)

    @post(f"{PAGE}/passkeys", opt=mine(NewPasskey))
    async def add_passkey(request: AnyRequest) -> Response[Any]:
        """Keep a passkey that the browser has made."""
        actor = actor_of(request)
        person_id = person_of(actor)
        name = ""
        try:
            form = (await read_form(request, NewPasskey, actor)).form
            name = form.name
            answer = answer_of(form.passkey)
            try:
                async with services.database.transaction(write=True) as tx:
                    challenge = await services.passkeys.take_challenge(
                        tx, "register", person_id, answer
                    )
                async with portal.change(request, "factor-added", f"person:{person_id}") as tx:
                    verified = await services.passkeys.register(
                        tx, person_id, challenge, answer, form.name
                    )
                    await tell(tx, person_id, "passkey_added", name=form.name)
                    proofs = [Proof.PASSKEY, *([Proof.TWO] if verified else [])]
                    renewed, codes = await added(tx, actor_of(request), proofs)
            except FactorError as error:
                raise Invalid(field_error("passkey", error.code)) from None
        except Invalid as wrong:
            if not portal.renderer.wants_page(request.scope):
                raise
            return await show(request, status=422, errors=wrong.errors, name=name)
        services.jobs.wake()
        return await done(request, "security.passkeys.added", renewed, codes)

    @post(f"{PAGE}/passkeys/{{id:uuid}}/rename", opt=mine(NameForm))
    async def rename_passkey(request: AnyRequest, id: FromPath[UUID]) -> Response[Any]:
        """Give a passkey of one's own another name."""
        actor = actor_of(request)
        form = (await read_form(request, NameForm, actor)).form
        async with portal.write(request) as tx:
            if not await keys.rename(tx, person_of(actor), id, form.name):
                raise NotFound
        return await done(request, "security.passkeys.renamed")

    @post(f"{PAGE}/passkeys/{{id:uuid}}/remove", opt=mine())
    async def remove_passkey(request: AnyRequest, id: FromPath[UUID]) -> Response[Any]:
        """Remove a passkey of one's own."""
        actor = actor_of(request)
        await read_form(request, Nothing, actor)
        person_id = person_of(actor)
        async with portal.change(request, "factor-removed", f"person:{person_id}") as tx:
            there = await factors_of(tx, person_id)
            _keep_one(portal, actor, there)
            if not await keys.remove(tx, person_id, id):
                raise NotFound
            await settle(tx, person_id)
            name = next(item.name for item in there.passkeys if item.id == id)
            await tell(tx, person_id, "passkey_removed", name=name)
        services.jobs.wake()
        return await done(request, "security.passkeys.removed")

    return [
        page,
        ask_app,
        confirm_app,
        remove_app,
        new_codes,
        passkey_options,
        add_passkey,
        rename_passkey,
        remove_passkey,
    ]


def _keep_one(portal: Portal, actor: Actor, there: Factors) -> None:
    """Refuse to remove the last factor of staff where the hub asks them for one."""
    asked = portal.services.settings.second_factor == "staff" and actor.post_id is not None
    if asked and there.last:
        raise Conflict("last-factor")
