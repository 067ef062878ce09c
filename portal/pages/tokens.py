"""One's tokens: made for one's own programs, shown once, revoked."""

from datetime import date
from typing import Any, ClassVar, Final
from uuid import UUID

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from pydantic import Field

from core.access.bearers import READ, WRITE
from core.audit import SHELL
from core.identity.tokens import secret
from core.identity.tokens import service as tokens
from core.identity.tokens.service import TokenError, TokenFacts
from core.messages.service import send
from plugin_sdk.forms import Form, field_views, read_form, typed
from plugin_sdk.ports import Actor, To
from plugin_sdk.problems import Invalid, NotFound, Problem, field_error
from plugin_sdk.routes import SIGNED_IN, actor_of, needs
from plugin_sdk.times import SHANGHAI
from plugin_sdk.views import Option, Phrase, Words
from portal.frames import last_day
from portal.pages.admin.permissions import permission_options
from portal.pages.admin.side import side_form
from portal.pages.context import AnyRequest, Portal
from portal.pages.delegations import end_of
from portal.pages.groups import TEMPLATE, Act, Group, Line, groups_view
from portal.pages.rows import app_name, person_of
from portal.pages.session import Nothing

PAGE: Final = "/me/tokens"
MOST_SCOPES: Final = 50


class TokenForm(Form):
    """A token: what it is for, how far it reaches, until when."""

    name: str = Field(max_length=60)
    scope: str = Field(max_length=100)
    more: str | None = Field(default=None, max_length=4000)
    expires_on: date | None = None

    kinds: ClassVar[Any] = {"scope": "select", "more": "textarea"}


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""
    services = portal.services

    async def page(
        request: AnyRequest, *, status: int = 200, given: Any = None, errors: Any = ()
    ) -> Response[Any]:
        actor = actor_of(request)
        async with portal.read() as tx:
            found = await tokens.of_person(tx, person_of(actor))
            now = tx.now
        known = scope_words(portal)
        forms = []
        if may_make(actor):
            fields = field_views(
                TokenForm,
                "page.tokens",
                values=given or {"expires_on": last_day(now + tokens.DEFAULT).isoformat()},
                errors=errors,
                options={"scope": scope_options(portal, actor)},
                hints=frozenset({"name", "scope", "more", "expires_on"}),
            )
            forms.append(side_form("page.tokens.make", PAGE, fields))
        view = groups_view(
            Phrase("page.tokens.title"),
            Phrase("page.tokens.intro", {"seat": seat_words(actor)}),
            [
                Group(
                    Phrase("page.tokens.in_force"),
                    Phrase("page.tokens.none"),
                    [
                        token_line(one, known, f"{PAGE}/{one.id}/revoke")
                        for one in found
                        if one.in_force(now)
                    ],
                ),
                Group(
                    Phrase("page.tokens.over"),
                    Phrase("page.tokens.none_over"),
                    [token_line(one, known) for one in found if not one.in_force(now)],
                ),
            ],
            forms,
            {"/me": Phrase("security.back")},
        )
        return await portal.show(request, TEMPLATE, "page.tokens.title", view, status=status)

    @get(PAGE, opt=needs(SIGNED_IN))
    async def listing(request: AnyRequest) -> Response[Any]:
        """Show one's tokens: never themselves, only their last characters."""
        return await page(request)

    @post(PAGE, opt=needs(SIGNED_IN, body=TokenForm, fresh=True))
    async def make(request: AnyRequest) -> Response[Any]:
        """Make a token that acts in one's present post, and show it this once."""
        actor = actor_of(request)
        if not may_make(actor):
            raise Problem("token-seat", status=403)
        person_id = person_of(actor)
        await portal.count_hit(f"own-tokens:{person_id}")
        try:
            form = (await read_form(request, TokenForm, actor)).form
            scopes = [form.scope, *(form.more or "").split()]
            wrong = _unknown(scopes, actor)
            if wrong or len(scopes) > MOST_SCOPES:
                field = "scope" if wrong == form.scope else "more"
                raise Invalid(field_error(field, "token-scope", scope=wrong[:100]))
            for scope in scopes:  # what asks for a second factor asks for it here
                services.freshness.check(actor, scope, services.database.clock(), fresh=True)
            async with portal.change(
                request, "token-made", f"person:{person_id}", scopes=scopes, name=form.name
            ) as tx:
                ends = end_of(form.expires_on) if form.expires_on else tx.now + tokens.DEFAULT
                try:
                    token = await tokens.make(
                        tx,
                        person_id,
                        actor_of(request).post_id,
                        name=form.name,
                        scopes=scopes,
                        proofs=sorted(actor.proofs),
                        expires_at=ends,
                    )
                except TokenError as error:
                    field = "expires_on" if error.code == "token-days" else "name"
                    raise Invalid(field_error(field, error.code, most=tokens.MOST)) from None
                said = Phrase("page.tokens.told", {"name": form.name})
                await send(tx, SHELL, To(person_id=person_id), said, PAGE)
        except Invalid as error:
            if not portal.renderer.wants_page(request.scope):
                raise
            return await page(request, status=422, errors=error.errors, given=await typed(request))
        services.jobs.wake()
        view = {"token": token, "name": form.name, "until": last_day(ends), "back": PAGE}
        response = await portal.show(
            request, "token_made.html", "page.tokens.made", view, status=201
        )
        response.headers["Cache-Control"] = "no-store"
        return response

    @post(f"{PAGE}/{{id:uuid}}/revoke", opt=needs(SIGNED_IN, body=Nothing))
    async def revoke(request: AnyRequest, id: FromPath[UUID]) -> Response[Any]:
        """Revoke one of one's tokens: refused everywhere once this has answered."""
        actor = actor_of(request)
        await read_form(request, Nothing, actor)
        person_id = person_of(actor)
        async with portal.change(request, "token-revoked", f"person:{person_id}") as tx:
            found = await tokens.find(tx, id)
            if found is None or found.person_id != person_id:
                raise NotFound
            if not await tokens.revoke(tx, id, by=person_id):
                raise Problem("token-over", status=409)
        return portal.done(request, PAGE, "page.tokens.revoked")

    return [listing, make, revoke]


def may_make(actor: Actor) -> bool:
    """Return whether somebody acts for themselves, in a post of their own or in none: another's
    post is lent to them, not to their programs."""
    return actor.agent is None and actor.delegation is None


def seat_words(actor: Actor) -> Words:
    """Return as what a token made now would act."""
    if actor.post_id is None:
        return Phrase("page.tokens.resident")
    return f"{actor.organization_name} · {actor.post_title}"


def scope_words(portal: Portal) -> dict[str, Words]:
    """Return what each scope lets a program do, in words."""
    names: dict[str, Words] = {SHELL: Phrase("name")}
    names |= {app: app_name(portal, app) for app in portal.apps.instances}
    found: dict[str, Words] = {
        f"{app}:{how}": Phrase(f"page.tokens.{how}", {"app": name})
        for app, name in names.items()
        for how in (READ, WRITE)
    }
    return found | {option.value: option.label for option in permission_options(portal)}


def scope_options(portal: Portal, actor: Actor) -> list[Option]:
    """Return the scopes that a person can give a program: of what they hold, whole apps first."""
    words, risky = scope_words(portal), portal.services.freshness.risky
    by_app: dict[str, list[str]] = {SHELL: []}
    for key in sorted(actor.permits):
        by_app.setdefault(key.partition(".")[0], []).append(key)
    found = []
    for app, keys in sorted(by_app.items()):
        for scope in (f"{app}:{READ}", f"{app}:{WRITE}", *keys):
            label = words.get(scope, scope)
            if risky(scope):
                label = Phrase("page.tokens.risky", {"permission": label})
            found.append(Option(scope, label, group=app))
    return found


def _unknown(scopes: list[str], actor: Actor) -> str:
    """Return the first scope that the actor cannot give, '' when they can give all."""
    apps = {key.partition(".")[0] for key in actor.permits} | {SHELL}
    for scope in scopes:
        app, colon, how = scope.partition(":")
        known = app in apps and how in (READ, WRITE) if colon else scope in actor.permits
        if not known:
            return scope
    return ""


def token_line(one: TokenFacts, known: dict[str, Words], revoke: str | None = None) -> Line:
    """Return a token as a line of a page; `revoke` is where to send its end."""
    where: Words = Phrase("page.tokens.resident")
    if one.post:
        where = f"{one.organization} · {one.post}"
    used: Words = Phrase("page.tokens.unused")
    if one.used_at:
        used = Phrase("page.tokens.used", {"day": one.used_at.astimezone(SHANGHAI).date()})
    until = Phrase(
        "page.tokens.revoked_on" if one.revoked_at else "page.tokens.until",
        {
            "day": one.revoked_at.astimezone(SHANGHAI).date()
            if one.revoked_at
            else last_day(one.expires_at)
        },
    )
    return Line(
        id=str(one.id),
        title=Phrase(
            "page.tokens.line", {"name": one.name, "prefix": secret.PREFIX, "hint": one.hint}
        ),
        facts=[where, *(known.get(scope, scope) for scope in one.scopes), until, used],
        acts=[Act(revoke, Phrase("page.tokens.revoke"), danger=True)] if revoke else [],
        over=revoke is None,
    )
