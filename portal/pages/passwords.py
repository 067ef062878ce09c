"""Choosing a password: the rules in words, and the page on which one changes one's own."""

from collections.abc import Iterable
from typing import Any, ClassVar
from uuid import UUID

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery
from pydantic import Field

from core import audit
from core.apps.native import BEFORE_FACTORS
from core.audit import SHELL
from core.database import Transaction
from core.delivery.service import send_sms
from core.identity import password_changes, sessions
from core.identity.password_rules import PasswordRefused, Profile
from core.identity.passwords import NewPassword, verify_password
from core.identity.sessions import Renewed
from core.identity.signing_in import Proof, has_second_factor, prove_again
from core.identity.throttle import WINDOW_SECONDS, SignInThrottle
from core.messages.service import send
from plugin_sdk.forms import Form, field_views, read_form, typed
from plugin_sdk.ports import To
from plugin_sdk.problems import Invalid, Problem, field_error
from plugin_sdk.routes import SIGNED_IN, actor_of, needs
from plugin_sdk.views import FieldView, FormView, Phrase, Rule
from portal.frames import LONGEST_PATH, safe_path
from portal.pages.context import AnyRequest, Portal
from portal.pages.rows import person_of
from portal.pages.signing_in import Entrance

LONGEST = 1024


class ChangeForm(Form):
    """The password one has, and the one to come."""

    old: str = Field(max_length=LONGEST)
    password: str = Field(max_length=LONGEST)
    next: str = Field(default="/me", max_length=LONGEST_PATH)

    kinds: ClassVar[Any] = {"old": "password", "password": "password", "next": "hidden"}


class OwnPasswordView(FormView, kw_only=True):
    """The page with that form; where the present password is forgotten, it leads on."""

    template: ClassVar[str] = "password.html"


def rules_in_words(profile: Profile, *, beside_factor: bool = False) -> list[Rule]:
    """Return what a new password must be, as the page says it."""
    least = profile.length(beside_factor=beside_factor)
    rules = [Rule("length", Phrase("password.rule.length", {"n": least}), least)]
    if profile.kinds > 1:
        words = Phrase("password.rule.kinds", {"n": profile.kinds})
        rules.append(Rule("kinds", words, profile.kinds))
        rules.append(Rule("other", Phrase("password.rule.name")))
    rules.append(Rule("other", Phrase("password.rule.common")))
    if profile.earlier:
        rules.append(Rule("other", Phrase("password.rule.earlier", {"n": profile.earlier})))
    if profile.days:
        rules.append(Rule("other", Phrase("password.rule.days", {"n": profile.days})))
    return rules


def with_rules(
    fields: list[FieldView], profile: Profile, *, beside_factor: bool = False
) -> list[FieldView]:
    """Return the fields of a form, its `password` with the rules beside it."""
    for field in fields:
        if field.name == "password":
            field.rules = rules_in_words(profile, beside_factor=beside_factor)
    return fields


async def accepted(
    portal: Portal,
    password: str,
    *,
    username: str,
    about: Iterable[str | None] = (),
    beside_factor: bool = False,
    earlier: Iterable[str] = (),
) -> NewPassword:
    """Return a password to keep. Raises `Invalid` with the rule it does not meet."""
    try:
        return await portal.services.passwords.accept(
            password,
            username=username,
            about=about,
            beside_factor=beside_factor,
            earlier=list(earlier),
        )
    except PasswordRefused as refused:
        raise Invalid(field_error("password", refused.code, **refused.params)) from None


async def tell_of_change(
    portal: Portal, tx: Transaction, request: AnyRequest, person_id: UUID, phone: str | None
) -> None:
    """Tell a person that their password is another now: they alone know whether it was them."""
    words = Phrase("password.told")
    await send(tx, SHELL, To(person_id=person_id), words, "/me/sessions")
    if phone:
        said = portal.renderer.text(request.scope, words)
        await send_sms(tx, phone, said, shown=said)


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""
    services = portal.services
    profile = services.passwords.profile
    throttle = SignInThrottle(services.shared)
    entrance = Entrance(portal)

    async def change_view(
        request: AnyRequest, *, values: dict[str, Any] | None = None, errors: Any = ()
    ) -> OwnPasswordView:
        person_id = person_of(actor_of(request))
        async with portal.read() as tx:
            known = await password_changes.password_facts(tx, person_id)
            beside_factor = await has_second_factor(tx, person_id)
        given = known is not None and known.must_change
        owed = "given" if given else "expired" if actor_of(request).owes_password else "why"
        fields = field_views(ChangeForm, "password", values=values, errors=errors)
        for field in fields:
            if field.name == "old":
                field.autocomplete = "current-password"
                field.hint = Phrase("password.hint.old")
        return OwnPasswordView(
            title=Phrase("password.title"),
            intro=Phrase(f"password.{owed}", {"n": profile.days or 0}),
            action="/me/password",
            verb=Phrase("password.change"),
            fields=with_rules(fields, profile, beside_factor=beside_factor),
            cancel="/me" if owed == "why" else "",
        )

    @get("/me/password", opt=needs(SIGNED_IN) | BEFORE_FACTORS)
    async def page(request: AnyRequest, next: FromQuery[str] = "/me") -> Response[Any]:
        """Ask for the present password and another."""
        view = await change_view(request, values={"next": safe_path(next)})
        return await portal.show(request, view.template, "password.title", view)

    @post("/me/password", opt=needs(SIGNED_IN, body=ChangeForm) | BEFORE_FACTORS)
    async def change(request: AnyRequest) -> Response[Any]:
        """Change one's password: every other session ends, this one gets another secret."""
        try:
            form = (await read_form(request, ChangeForm, actor_of(request))).form
            renewed = await _change(request, form)
        except Invalid as wrong:
            given = await typed(request)
            kept = {"next": safe_path(str(given.get("next", "/me")))}
            view = await change_view(request, values=kept, errors=wrong.errors)
            raise Invalid(*wrong.errors, view=view) from None
        target = safe_path(form.next)
        if portal.renderer.wants_page(request.scope):
            response = portal.renderer.redirect(target, said=Phrase("password.changed"))
        else:
            body = {"location": target, "csrf": sessions.csrf_token(renewed.token)}
            response = Response(body, status_code=200)
        entrance.keep_renewed(response, renewed)
        return response

    async def _change(request: AnyRequest, form: ChangeForm) -> Renewed:
        person_id = person_of(actor_of(request))
        async with portal.read() as tx:
            known = await password_changes.password_facts(tx, person_id)
            earlier = await password_changes.kept_of(tx, person_id, profile)
            beside_factor = await has_second_factor(tx, person_id)
        wrong = Invalid(field_error("old", "password-present"))
        if known is None:
            raise wrong
        # counted as a device that the person knows: no stranger's guesses keep them from it
        tried = await throttle.admit(known.username, portal.network(request), person_id)
        if tried is None:
            wait = {"Retry-After": str(WINDOW_SECONDS)}
            raise Problem("sign-in-too-many", status=429, headers=wait)
        if not await verify_password(known.hash, form.old):
            raise wrong
        new = await accepted(
            portal,
            form.password,
            username=known.username,
            about=(known.name, known.phone),
            beside_factor=beside_factor,
            earlier=earlier,
        )
        await throttle.succeeded(tried)
        async with portal.write(request) as tx:
            actor = actor_of(request)
            if not await password_changes.set_password(
                tx, person_id, new, profile, was=known.hash, but=actor.session_id
            ):
                raise wrong
            # beside a second factor a password is no fresh proof, as at `again`
            renewed = (
                await sessions.renew(tx, actor.session_id or "")
                if await has_second_factor(tx, person_id)
                else await prove_again(tx, actor, [Proof.PASSWORD])
            )
            if renewed is None:
                raise wrong
            await audit.record(tx, actor, SHELL, "password-changed", f"person:{person_id}")
            await tell_of_change(portal, tx, request, person_id, known.phone)
        services.jobs.wake()
        return renewed

    return [page, change]
