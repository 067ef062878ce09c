"""Registering oneself, where the hub lets people: phone first, then who one is."""

from typing import Any, ClassVar

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from pydantic import Field

from core import audit
from core.audit import SHELL
from core.identity import register
from core.identity.people import PersonError
from core.identity.phone_codes import REGISTER, CodeTooSoon, send_code, try_code
from core.identity.register import RegisterError
from plugin_sdk.forms import Form, field_views, read_form, typed
from plugin_sdk.identifiers import mask_phone
from plugin_sdk.ports import Actor
from plugin_sdk.problems import Invalid, NotFound, Problem, field_error
from plugin_sdk.routes import PUBLIC, SIGNED_IN, actor_of, needs
from plugin_sdk.views import FormView, Phrase
from portal.pages.context import AnyRequest, Portal
from portal.pages.passwords import LONGEST, accepted, with_rules
from portal.pages.phones import bound_codes, mobile
from portal.pages.ways import SignInView, show_step, ways


class PhoneForm(Form):
    """The phone that a code is sent to."""

    phone: str = Field(max_length=30)

    kinds: ClassVar[Any] = {"phone": "phone"}


class ResidentForm(Form):
    """Who registers, and the code that came by SMS."""

    phone: str = Field(max_length=30)
    code: str = Field(max_length=6)
    name: str = Field(max_length=100)
    number: str = Field(max_length=30)
    username: str = Field(max_length=63)
    password: str = Field(max_length=LONGEST)

    kinds: ClassVar[Any] = {"phone": "hidden", "password": "password"}


class EnterpriseForm(Form):
    """An enterprise whose agent one is."""

    code: str = Field(max_length=30)
    name: str = Field(max_length=200)


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""
    services = portal.services

    def phone_view(**more: Any) -> SignInView:
        return SignInView(
            title=Phrase("register.title"),
            intro=Phrase("register.intro"),
            action="/register",
            verb=Phrase("register.send_code"),
            fields=field_views(PhoneForm, "register", **more),
            ways=ways(portal, "/register"),
        )

    def resident_view(phone: str, *, values: Any = None, errors: Any = ()) -> FormView:
        kept = {k: v for k, v in (values or {}).items() if k not in ("password", "code")}
        return FormView(
            title=Phrase("register.title"),
            intro=Phrase("register.sent", {"phone": mask_phone(phone)}),
            action="/register/resident",
            verb=Phrase("register.register"),
            fields=with_rules(
                field_views(
                    ResidentForm,
                    "register",
                    values={**kept, "phone": phone},
                    errors=errors,
                    hints=frozenset({"number", "username"}),
                ),
                services.passwords.profile,
            ),
            cancel="/register",
        )

    def enterprise_view(**more: Any) -> FormView:
        return FormView(
            title=Phrase("register.enterprise_title"),
            intro=Phrase("register.enterprise_intro"),
            action="/register/enterprise",
            verb=Phrase("register.register"),
            fields=field_views(EnterpriseForm, "register.enterprise", **more),
            cancel="/me",
        )

    def offered() -> None:
        if not services.settings.registration:
            raise NotFound

    @get("/register", opt=needs(PUBLIC))
    async def page(request: AnyRequest) -> Response[Any]:
        """Ask for the phone that is to be proven."""
        offered()
        return await show_step(portal, request, phone_view())

    @post("/register", opt=needs(PUBLIC, body=PhoneForm))
    async def send(request: AnyRequest) -> Response[Any]:
        """Send a code to a phone; the same answer whether anybody has it."""
        offered()
        try:
            form = (await read_form(request, PhoneForm, actor_of(request))).form
            phone = mobile(form.phone)
            await bound_codes(
                portal, request, "register", phone, pause=False
            )  # `send_code` has one
            text = portal.renderer.text(request.scope, Phrase("register.sms", {"code": "{code}"}))
            async with services.database.transaction(write=True) as tx:
                try:
                    await send_code(tx, services.numbers, phone, REGISTER, text)
                except CodeTooSoon:
                    raise Invalid(field_error("phone", "code-too-soon")) from None
        except Invalid as wrong:
            view = phone_view(values=await typed(request), errors=wrong.errors)
            raise Invalid(*wrong.errors, view=view) from None
        services.jobs.wake()
        return await portal.show(request, "form.html", "register.title", resident_view(phone))

    @post("/register/resident", opt=needs(PUBLIC, body=ResidentForm))
    async def resident(request: AnyRequest) -> Response[Any]:
        """Register a resident whose phone was proven."""
        offered()
        given = await typed(request)
        try:
            form = (await read_form(request, ResidentForm, actor_of(request))).form
            phone = mobile(form.phone)
            async with services.database.transaction(write=True) as tx:
                right = await try_code(tx, services.numbers, phone, REGISTER, form.code)
            if not right:
                raise Invalid(field_error("code", "code-wrong"))
            username = form.username.lower()
            password = await accepted(
                portal, form.password, username=username, about=(form.name, phone, form.number)
            )
            async with services.database.transaction(write=True) as tx:
                try:
                    id = await register.register_resident(
                        tx,
                        services.numbers,
                        username=username,
                        name=form.name,
                        password=password,
                        phone=phone,
                        number=form.number,
                    )
                except PersonError as error:
                    field = "name" if error.code == "person-name" else "username"
                    raise Invalid(field_error(field, error.code)) from None
                except RegisterError as error:
                    field = "code" if error.code == "code-used" else "number"
                    raise Invalid(field_error(field, error.code)) from None
                await audit.record(tx, Actor(person_id=id), SHELL, "registered", f"person:{id}")
        except Invalid as wrong:
            view = resident_view(str(given.get("phone", "")), values=given, errors=wrong.errors)
            raise Invalid(*wrong.errors, view=view) from None
        return portal.done(request, "/sign-in", "register.registered", status=201)

    @get("/register/enterprise", opt=needs(SIGNED_IN))
    async def enterprise_page(request: AnyRequest) -> Response[Any]:
        """Ask for the enterprise whose agent one is."""
        offered()
        return await portal.show(
            request, "form.html", "register.enterprise_title", enterprise_view()
        )

    @post("/register/enterprise", opt=needs(SIGNED_IN, body=EnterpriseForm))
    async def enterprise(request: AnyRequest) -> Response[Any]:
        """Register an enterprise with oneself as its agent, by an identity number on record."""
        offered()
        actor = actor_of(request)
        assert actor.person_id is not None  # noqa: S101  (the route is signed_in)
        try:
            form = (await read_form(request, EnterpriseForm, actor)).form
            async with portal.change(request, "enterprise-registered", f"code:{form.code}") as tx:
                if await register.masked_number(tx, services.numbers, actor.person_id) is None:
                    raise Problem("number-needed", status=409)
                try:
                    await register.register_enterprise(tx, actor.person_id, form.code, form.name)
                except RegisterError as error:
                    raise Invalid(field_error("code", error.code)) from None
        except Invalid as wrong:
            view = enterprise_view(values=await typed(request), errors=wrong.errors)
            raise Invalid(*wrong.errors, view=view) from None
        return portal.done(request, "/me", "register.enterprise_registered", status=201)

    return [page, send, resident, enterprise_page, enterprise]
