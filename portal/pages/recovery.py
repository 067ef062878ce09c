"""A forgotten password: user name and phone, the code, another password. Nobody is signed in by
it: the next sign-in asks for everything it asks for otherwise, a second factor too."""

from typing import Any, ClassVar, Final

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from pydantic import Field

from core import audit
from core.apps.native import BEFORE_FACTORS
from core.audit import SHELL
from core.database import Transaction
from core.identity.code_requests import Account, accounts_of, ask_for_code
from core.identity.password_changes import kept_of, set_password
from core.identity.phone_codes import PROOF_LIFE, prove, proven, recover, use_proof
from core.identity.signing_in import has_second_factor
from core.identity.throttle import WINDOW_SECONDS, SignInThrottle
from plugin_sdk.forms import Form, field_views, read_form, typed
from plugin_sdk.ports import Actor
from plugin_sdk.problems import FieldError, Invalid, Problem, field_error
from plugin_sdk.routes import PUBLIC, needs
from plugin_sdk.views import Phrase
from portal.pages.context import AnyRequest, Portal
from portal.pages.passwords import LONGEST, accepted, tell_of_change, with_rules
from portal.pages.phones import bound_codes, mobile
from portal.pages.signing_in import Entrance
from portal.pages.ways import SignInView, show_step, ways

PROOF_SECONDS: Final = int(PROOF_LIFE.total_seconds())
CHOICES: Final = 20  # passwords that one proof lets one try to set


class WhoForm(Form):
    """Whose password is forgotten, and the phone on record."""

    username: str = Field(max_length=63)
    phone: str = Field(max_length=30)

    kinds: ClassVar[Any] = {"phone": "phone"}


class RecoveryCodeForm(Form):
    """The code that came."""

    username: str = Field(max_length=63)
    phone: str = Field(max_length=30)
    code: str = Field(max_length=6)

    kinds: ClassVar[Any] = {"username": "hidden", "phone": "hidden"}


class NewPasswordForm(Form):
    """The password to come, of who proved to have the phone."""

    username: str = Field(max_length=63)
    proof: str = Field(max_length=100)
    password: str = Field(max_length=LONGEST)

    kinds: ClassVar[Any] = {"username": "hidden", "proof": "hidden", "password": "password"}


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""
    services = portal.services
    profile = services.passwords.profile
    throttle = SignInThrottle(services.shared)
    entrance = Entrance(portal)

    def who_view(**more: Any) -> SignInView:
        return SignInView(
            title=Phrase("recover.title"),
            intro=Phrase("recover.intro"),
            action="/recover",
            verb=Phrase("code.send"),
            fields=field_views(WhoForm, "recover", hints=frozenset({"phone"}), **more),
            ways=ways(portal, "/recover"),
        )

    def code_view(values: dict[str, Any], errors: tuple[FieldError, ...] = ()) -> SignInView:
        kept = {name: value for name, value in values.items() if name != "code"}
        fields = field_views(RecoveryCodeForm, "recover", values=kept, errors=errors)
        for field in fields:
            if field.name == "code":
                field.autocomplete = "one-time-code"
        return SignInView(
            title=Phrase("recover.title"),
            intro=Phrase("recover.sent"),
            action="/recover/code",
            verb=Phrase("recover.go_on"),
            fields=fields,
            cancel="/recover",
        )

    async def password_view(
        values: dict[str, Any], errors: tuple[FieldError, ...] = ()
    ) -> SignInView:
        kept = {name: value for name, value in values.items() if name != "password"}
        async with portal.read() as tx:
            who = await proven_account(tx, str(values["proof"]), str(values["username"]))
            beside_factor = who is not None and await has_second_factor(tx, who.id)
        fields = field_views(NewPasswordForm, "recover", values=kept, errors=errors)
        return SignInView(
            title=Phrase("recover.title"),
            intro=Phrase("recover.choose"),
            action="/recover/password",
            verb=Phrase("recover.set"),
            fields=with_rules(fields, profile, beside_factor=beside_factor),
        )

    async def proven_account(tx: Transaction, proof: str, username: str) -> Account | None:
        phone = await proven(tx, proof, recover(username))
        found = await accounts_of(tx, phone, username=username) if phone else []
        return found[0] if found else None

    @get("/recover", opt=needs(PUBLIC) | BEFORE_FACTORS)
    async def page(request: AnyRequest) -> Response[Any]:
        """Ask whose password is forgotten, and for the phone on record."""
        return await show_step(portal, request, who_view())

    @post("/recover", opt=needs(PUBLIC, body=WhoForm) | BEFORE_FACTORS)
    async def send(request: AnyRequest) -> Response[Any]:
        """Send a code to the phone on record; the same answer whether the two belong together."""
        try:
            form = (await read_form(request, WhoForm, Actor())).form
            phone, username = mobile(form.phone), form.username.lower()
            await bound_codes(portal, request, "recover", phone, account=username)
        except Invalid as wrong:
            view = who_view(values=await typed(request), errors=wrong.errors)
            raise Invalid(*wrong.errors, view=view) from None
        text = portal.renderer.text(request.scope, Phrase("recover.sms", {"code": "{code}"}))
        async with services.database.transaction(write=True) as tx:
            await ask_for_code(tx, phone, text, username=username)
        services.jobs.wake()
        return await show_step(portal, request, code_view({"username": username, "phone": phone}))

    @post("/recover/code", opt=needs(PUBLIC, body=RecoveryCodeForm) | BEFORE_FACTORS)
    async def enter(request: AnyRequest) -> Response[Any]:
        """Take the code; in its place goes a proof, with which a password can be chosen."""
        try:
            form = (await read_form(request, RecoveryCodeForm, Actor())).form
            phone, username = mobile(form.phone), form.username.lower()
            tried = await throttle.admit(f"recover:{username}", portal.network(request), None)
            if tried is None:
                wait = {"Retry-After": str(WINDOW_SECONDS)}
                raise Problem("sign-in-too-many", status=429, headers=wait)
            async with services.database.transaction(write=True) as tx:
                proof = await prove(tx, services.numbers, phone, recover(username), form.code)
            if proof is None:
                raise Invalid(field_error("code", "code-wrong"))
        except Invalid as wrong:
            view = code_view(await typed(request), wrong.errors)
            raise Invalid(*wrong.errors, view=view) from None
        await throttle.succeeded(tried)
        return await show_step(
            portal, request, await password_view({"username": username, "proof": proof})
        )

    @post("/recover/password", opt=needs(PUBLIC, body=NewPasswordForm) | BEFORE_FACTORS)
    async def choose(request: AnyRequest) -> Response[Any]:
        """Set the password; every session ends, and the person is told."""
        form = (await read_form(request, NewPasswordForm, Actor())).form
        async with portal.read() as tx:
            who = await proven_account(tx, form.proof, form.username)
            earlier = await kept_of(tx, who.id, profile) if who else []
            beside_factor = who is not None and await has_second_factor(tx, who.id)
        if who is None:
            raise Problem("code-over", status=409)
        if await services.shared.hit(f"recover:choose:{who.id}", PROOF_SECONDS) > CHOICES:
            raise Problem("too-many", status=429, headers={"Retry-After": str(PROOF_SECONDS)})
        try:
            new = await accepted(
                portal,
                form.password,
                username=who.username,
                about=(who.name,),
                beside_factor=beside_factor,
                earlier=earlier,
            )
        except Invalid as wrong:
            view = await password_view(await typed(request), wrong.errors)
            raise Invalid(*wrong.errors, view=view) from None
        async with services.database.transaction(write=True) as tx:
            phone = await use_proof(tx, form.proof, recover(form.username))
            if phone is None:
                raise Problem("code-over", status=409)
            await set_password(tx, who.id, new, profile)
            await audit.record(tx, Actor(), SHELL, "password-recovered", f"person:{who.id}")
            await tell_of_change(portal, tx, request, who.id, phone)
        services.jobs.wake()
        response = portal.done(request, "/sign-in", "recover.done")
        entrance.drop_session(response)
        return response

    return [page, send, enter, choose]
