"""Signing in by a code on one's phone: the phone, the code, and which account where it has
several."""

from typing import Any, ClassVar

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery
from pydantic import Field

from core.apps.native import BEFORE_FACTORS
from core.database import Transaction
from core.identity import signing_in
from core.identity.code_requests import Account, accounts_of, ask_for_code
from core.identity.phone_codes import SIGN_IN, prove, use_proof
from core.identity.signing_in import Opened, Owing, Proof
from core.identity.throttle import WINDOW_SECONDS, SignInThrottle
from plugin_sdk.forms import Form, field_views, read_form, typed
from plugin_sdk.identifiers import mask_name, mask_phone
from plugin_sdk.ports import Actor
from plugin_sdk.problems import FieldError, Invalid, Problem, field_error
from plugin_sdk.routes import PUBLIC, actor_of, needs
from plugin_sdk.views import Option, Phrase
from portal.frames import LONGEST_PATH, safe_path
from portal.pages.context import AnyRequest, Portal
from portal.pages.phones import bound_codes, mobile
from portal.pages.signing_in import Entrance
from portal.pages.ways import SignInView, show_step, ways


class PhoneForm(Form):
    """The phone that a code is sent to."""

    phone: str = Field(max_length=30)
    next: str = Field(default="/", max_length=LONGEST_PATH)

    kinds: ClassVar[Any] = {"phone": "phone", "next": "hidden"}


class CodeForm(Form):
    """The code that came."""

    phone: str = Field(max_length=30)
    code: str = Field(max_length=6)
    public_computer: bool = False
    next: str = Field(default="/", max_length=LONGEST_PATH)

    kinds: ClassVar[Any] = {"phone": "hidden", "next": "hidden"}


class AccountForm(Form):
    """Which of the accounts of a phone that was proven."""

    proof: str = Field(max_length=100)
    account: str = Field(max_length=63)
    public_computer: bool = False
    next: str = Field(default="/", max_length=LONGEST_PATH)

    kinds: ClassVar[Any] = {
        "proof": "hidden",
        "account": "radio",
        "public_computer": "hidden",
        "next": "hidden",
    }


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""
    services = portal.services
    throttle = SignInThrottle(services.shared)
    entrance = Entrance(portal)

    def phone_view(values: dict[str, Any], errors: tuple[FieldError, ...] = ()) -> SignInView:
        return SignInView(
            title=Phrase("code.title"),
            intro=Phrase("code.intro"),
            action="/sign-in/code",
            verb=Phrase("code.send"),
            fields=field_views(PhoneForm, "code", values=safe(values), errors=errors),
            ways=ways(portal, "/sign-in/code", safe(values)["next"]),
        )

    def code_view(values: dict[str, Any], errors: tuple[FieldError, ...] = ()) -> SignInView:
        kept = {name: value for name, value in safe(values).items() if name != "code"}
        fields = field_views(
            CodeForm, "code", values=kept, errors=errors, hints=frozenset({"public_computer"})
        )
        for field in fields:
            if field.name == "code":
                field.autocomplete = "one-time-code"
        return SignInView(
            title=Phrase("code.title"),
            intro=Phrase("code.sent", {"phone": _masked(str(values.get("phone", "")))}),
            action="/sign-in/code/enter",
            verb=Phrase("sign_in.title"),
            fields=fields,
            cancel="/sign-in/code",
        )

    def account_view(form: CodeForm, proof: str, accounts: list[Account]) -> SignInView:
        options = [
            Option(one.username, f"{one.username} · {mask_name(one.name)}") for one in accounts
        ]
        public = "true" if form.public_computer else ""
        values = {"proof": proof, "public_computer": public, "next": safe_path(form.next)}
        return SignInView(
            title=Phrase("code.which"),
            intro=Phrase("code.which_intro"),
            action="/sign-in/code/account",
            verb=Phrase("sign_in.title"),
            fields=field_views(AccountForm, "code", values=values, options={"account": options}),
        )

    @get("/sign-in/code", opt=needs(PUBLIC) | BEFORE_FACTORS)
    async def page(
        request: AnyRequest, next: FromQuery[str] = "/", again: FromQuery[bool] = False
    ) -> Response[Any]:
        """Ask for the phone; with `again` also of one who is signed in and has no other proof."""
        if actor_of(request).signed_in and not again:
            return portal.renderer.redirect(safe_path(next))
        return await show_step(portal, request, phone_view({"next": next}))

    @post("/sign-in/code", opt=needs(PUBLIC, body=PhoneForm) | BEFORE_FACTORS)
    async def send(request: AnyRequest) -> Response[Any]:
        """Send a code to a phone; the same answer whether anybody has it."""
        try:
            form = (await read_form(request, PhoneForm, Actor())).form
            phone = mobile(form.phone)
            await bound_codes(portal, request, "sign-in-code", phone)
        except Invalid as wrong:
            view = phone_view(await typed(request), wrong.errors)
            raise Invalid(*wrong.errors, view=view) from None
        text = portal.renderer.text(request.scope, Phrase("code.sms", {"code": "{code}"}))
        async with services.database.transaction(write=True) as tx:
            await ask_for_code(tx, phone, text)
        services.jobs.wake()
        return await show_step(portal, request, code_view({"phone": phone, "next": form.next}))

    @post("/sign-in/code/enter", opt=needs(PUBLIC, body=CodeForm) | BEFORE_FACTORS)
    async def enter(request: AnyRequest) -> Response[Any]:
        """Take the code: it opens the session of its account, or asks which of several."""
        try:
            form = (await read_form(request, CodeForm, Actor())).form
            phone = mobile(form.phone)
            tried = await throttle.admit(phone, portal.network(request), None)
            if tried is None:
                wait = {"Retry-After": str(WINDOW_SECONDS)}
                raise Problem("sign-in-too-many", status=429, headers=wait)
            arrived: Opened | Owing | None = None
            async with services.database.transaction(write=True) as tx:
                proof = await prove(tx, services.numbers, phone, SIGN_IN, form.code)
                accounts = await accounts_of(tx, phone) if proof else []
                if proof and len(accounts) == 1:
                    await use_proof(tx, proof, SIGN_IN)
                    arrived = await let_in(tx, request, accounts[0], form.public_computer)
            if proof is None or not accounts:
                raise Invalid(field_error("code", "code-wrong"))
        except Invalid as wrong:
            view = code_view(await typed(request), wrong.errors)
            raise Invalid(*wrong.errors, view=view) from None
        await throttle.succeeded(tried)
        if arrived is None:
            return await show_step(portal, request, account_view(form, proof, accounts))
        return await entrance.answer(request, arrived, safe_path(form.next))

    @post("/sign-in/code/account", opt=needs(PUBLIC, body=AccountForm) | BEFORE_FACTORS)
    async def choose(request: AnyRequest) -> Response[Any]:
        """Sign in to one of the accounts of the phone that was proven."""
        form = (await read_form(request, AccountForm, Actor())).form
        arrived: Opened | Owing | None = None
        async with services.database.transaction(write=True) as tx:
            phone = await use_proof(tx, form.proof, SIGN_IN)
            found = await accounts_of(tx, phone, username=form.account) if phone else []
            if found:
                arrived = await let_in(tx, request, found[0], form.public_computer)
        if arrived is None:
            raise Problem("code-over", status=409)
        return await entrance.answer(request, arrived, safe_path(form.next))

    async def let_in(
        tx: Transaction, request: AnyRequest, account: Account, public_computer: bool
    ) -> Opened | Owing:
        browser = entrance.browser(request, public_computer=public_computer)
        return await signing_in.arrive(
            tx, account.id, [Proof.SMS], browser, seconds=entrance.seconds
        )

    return [page, send, enter, choose]


def safe(values: dict[str, Any]) -> dict[str, Any]:
    """Return what was typed, where to go afterwards made safe."""
    return {**values, "next": safe_path(str(values.get("next", "/")))}


def _masked(phone: str) -> str:
    try:
        return mask_phone(mobile(phone))
    except Invalid:
        return ""
