"""The administrator's pages of the providers above: which there are, and whether they answer."""

from functools import partial
from typing import Any, ClassVar, Literal

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from msgspec import structs
from pydantic import Field

from core.database import Transaction
from core.identity.upstream import service
from core.identity.upstream.discovery import ProviderError
from core.identity.upstream.service import ClientSettings, UpstreamError, UpstreamFacts
from core.outside import OutsideError
from plugin_sdk.forms import Form, field_views, read_form
from plugin_sdk.problems import Conflict, FieldError, Invalid, NotFound, field_error
from plugin_sdk.routes import actor_of, needs
from plugin_sdk.text import Text
from plugin_sdk.views import FactView, Option, Phrase
from portal.pages.admin.clients import AUTHENTICATION
from portal.pages.admin.form_page import FormPage
from portal.pages.admin.reach import need_everything
from portal.pages.context import AnyRequest, Portal
from portal.pages.session import Nothing

PERMISSION = "upstreams.manage"
PAGE = "/admin/upstreams"
WORDS = "page.upstreams"


class SettingsForm(Form):
    """As which client the hub stands at a provider."""

    name_zh: str = Field(max_length=40)
    name_en: str = Field(max_length=60)
    client_id: str = Field(max_length=200)
    authentication: Literal["client_secret_basic", "client_secret_post", "none"] = (
        "client_secret_basic"
    )
    secret: str = Field(default="", max_length=500)
    scopes: str = Field(default="openid profile", max_length=300)
    strong_acr: str = Field(default="", max_length=500)

    kinds: ClassVar[Any] = {"authentication": "select", "secret": "password"}

    def settings(self) -> ClientSettings:
        """Return what the form says. Raises `Invalid`."""
        scopes = tuple(dict.fromkeys(self.scopes.split()))
        if "openid" not in scopes:
            raise Invalid(field_error("scopes", "upstream-openid"))
        if not self.client_id.isascii() or not self.client_id.isprintable():
            raise Invalid(field_error("client_id", "upstream-client"))
        return ClientSettings(
            name=Text(self.name_zh, self.name_en),
            client_id=self.client_id,
            authentication=self.authentication,
            secret=self.secret,
            scopes=scopes,
            strong_acr=tuple(dict.fromkeys(self.strong_acr.split())),
        )


class NewForm(SettingsForm):
    """A provider that is added: under which name in addresses, and who issues its tokens."""

    key: str = Field(max_length=31)
    issuer: str = Field(max_length=500)


class EditForm(SettingsForm):
    """A provider that is changed; an empty secret leaves the one there is."""

    version: int = Field(ge=1, le=2**31)

    kinds: ClassVar[Any] = {**SettingsForm.kinds, "version": "hidden"}


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""
    services = portal.services
    numbers = services.numbers

    def fields(
        form: type[SettingsForm], _: AnyRequest, values: dict[str, Any] | None, errors: Any
    ) -> list[Any]:
        views = field_views(
            form,
            WORDS,
            values=values,
            errors=errors,
            options={
                "authentication": [
                    Option(method, Phrase(f"{AUTHENTICATION}.{method}"))
                    for method in service.METHODS
                ]
            },
            hints=frozenset(("key", "issuer", "secret", "scopes", "strong_acr")),
        )
        if form is EditForm:
            kept = Phrase(f"{WORDS}.hint.secret_kept")
            views = [structs.replace(v, hint=kept) if v.name == "secret" else v for v in views]
        order = {name: at for at, name in enumerate(("name_zh", "name_en", "key", "issuer"))}
        return sorted(views, key=lambda view: order.get(view.name, len(order)))

    adding = FormPage(portal, WORDS, "add", partial(fields, NewForm), _error)
    editing = FormPage(portal, WORDS, "edit", partial(fields, EditForm), _error)

    @get(PAGE, opt=needs(PERMISSION))
    async def page(request: AnyRequest) -> Response[Any]:
        """List the providers above."""
        async with portal.read() as tx:
            every = await service.every(tx)
            linked = await service.linked_counts(tx)
        view = {
            "upstreams": [
                {
                    "key": one.key,
                    "name": one.name,
                    "issuer": one.issuer,
                    "disabled": one.disabled,
                    "linked": linked.get(one.id, 0),
                    "provides": one.provides,
                    "gives_posts": one.gives_posts,
                }
                for one in every
            ]
        }
        return await portal.show(request, "admin_upstreams.html", f"{WORDS}.title", view)

    @get(f"{PAGE}/new", opt=needs(PERMISSION))
    async def ask(request: AnyRequest) -> Response[Any]:
        """Ask for a provider."""
        return await adding.show(request, f"{PAGE}/new", PAGE)

    @post(f"{PAGE}/new", opt=needs(PERMISSION, body=NewForm))
    async def add(request: AnyRequest) -> Response[Any]:
        """Add a provider."""
        try:
            form = (await read_form(request, NewForm, actor_of(request))).form
            settings = form.settings()
            subject = f"upstream:{form.key}"
            async with portal.change(request, "upstream-added", subject, issuer=form.issuer) as tx:
                need_everything(tx, request)
                await service.add(tx, numbers, form.key, form.issuer, settings)
        except (Invalid, UpstreamError) as wrong:
            return await adding.again(request, wrong, f"{PAGE}/new", PAGE)
        return portal.done(request, f"{PAGE}/{form.key}", f"{WORDS}.added", status=201)

    @get(f"{PAGE}/{{key:str}}", opt=needs(PERMISSION))
    async def one(request: AnyRequest, key: FromPath[str]) -> Response[Any]:
        """Show a provider, and what to register there."""
        async with portal.read() as tx:
            upstream = await the(tx, key)
        return await show(request, upstream)

    async def show(
        request: AnyRequest, upstream: UpstreamFacts, tried: dict[str, Any] | None = None
    ) -> Response[Any]:
        secret = "set" if upstream.has_secret else "none"
        facts = [
            FactView(Phrase(f"{WORDS}.field.issuer"), upstream.issuer),
            FactView(Phrase(f"{WORDS}.field.client_id"), upstream.client_id),
            FactView(
                Phrase(f"{WORDS}.field.authentication"),
                Phrase(f"{AUTHENTICATION}.{upstream.authentication}"),
            ),
            FactView(Phrase(f"{WORDS}.field.secret"), Phrase(f"{WORDS}.secret_{secret}")),
            FactView(Phrase(f"{WORDS}.field.scopes"), " ".join(upstream.scopes)),
            FactView(
                Phrase(f"{WORDS}.field.strong_acr"),
                " ".join(upstream.strong_acr) or Phrase(f"{WORDS}.strong_none"),
            ),
        ]
        public = services.settings.public_url
        view = {
            "key": upstream.key,
            "name": upstream.name,
            "disabled": upstream.disabled,
            "facts": facts,
            "redirect_uri": service.redirect_uri(upstream.key, public),
            "after": f"{public}/",
            "tried": tried,
            "does": [
                Phrase(f"{WORDS}.{'provides' if upstream.provides else 'provides_not'}"),
                Phrase(f"{WORDS}.{'gives_posts' if upstream.gives_posts else 'gives_posts_not'}"),
            ],
        }
        title = portal.renderer.text(request.scope, upstream.name)  # type: ignore[arg-type]  # Text too
        return await portal.show(request, "admin_upstream.html", title, view)

    @post(f"{PAGE}/{{key:str}}/test", opt=needs(PERMISSION, body=Nothing))
    async def test(request: AnyRequest, key: FromPath[str]) -> Response[Any]:
        """Ask a provider what it says of itself, and for its keys; say what came."""
        await read_form(request, Nothing, actor_of(request))
        await portal.count_hit(f"upstream-test:{actor_of(request).real_person_id}")
        async with portal.read() as tx:
            upstream = await the(tx, key)
        return await show(request, upstream, await look(portal, upstream))

    @get(f"{PAGE}/{{key:str}}/edit", opt=needs(PERMISSION))
    async def edit(request: AnyRequest, key: FromPath[str]) -> Response[Any]:
        """Show the settings of a provider."""
        async with portal.read() as tx:
            upstream = await the(tx, key)
        values = {
            "name_zh": upstream.name.zh,
            "name_en": upstream.name.en,
            "client_id": upstream.client_id,
            "authentication": upstream.authentication,
            "scopes": " ".join(upstream.scopes),
            "strong_acr": " ".join(upstream.strong_acr),
            "version": upstream.version,
        }
        here = f"{PAGE}/{key}"
        return await editing.show(request, f"{here}/edit", here, values=values)

    @post(f"{PAGE}/{{key:str}}/edit", opt=needs(PERMISSION, body=EditForm))
    async def keep(request: AnyRequest, key: FromPath[str]) -> Response[Any]:
        """Change the settings of a provider."""
        here = f"{PAGE}/{key}"
        try:
            form = (await read_form(request, EditForm, actor_of(request))).form
            settings = form.settings()
            facts = {"secret": bool(form.secret)}
            async with portal.change(request, "upstream-changed", f"upstream:{key}", **facts) as tx:
                need_everything(tx, request)
                upstream = await the(tx, key)
                await service.change(tx, numbers, upstream, settings, form.version)
        except (Invalid, UpstreamError) as wrong:
            if isinstance(wrong, UpstreamError) and not wrong.field:
                raise Conflict("upstream-stale") from None
            return await editing.again(request, wrong, f"{here}/edit", here)
        return portal.done(request, here, f"{WORDS}.changed")

    @post(f"{PAGE}/{{key:str}}/disable", opt=needs(PERMISSION, body=Nothing))
    async def disable(request: AnyRequest, key: FromPath[str]) -> Response[Any]:
        """Let nobody in through a provider any more."""
        await read_form(request, Nothing, actor_of(request))
        async with portal.change(request, "upstream-disabled", f"upstream:{key}") as tx:
            need_everything(tx, request)
            if not await service.switch(tx, await the(tx, key), on=False):
                raise Conflict("upstream-stale")
        return portal.done(request, f"{PAGE}/{key}", f"{WORDS}.disabled_now")

    @post(f"{PAGE}/{{key:str}}/enable", opt=needs(PERMISSION, body=Nothing))
    async def enable(request: AnyRequest, key: FromPath[str]) -> Response[Any]:
        """Let people in through a provider again."""
        await read_form(request, Nothing, actor_of(request))
        async with portal.change(request, "upstream-enabled", f"upstream:{key}") as tx:
            need_everything(tx, request)
            if not await service.switch(tx, await the(tx, key), on=True):
                raise Conflict("upstream-stale")
        return portal.done(request, f"{PAGE}/{key}", f"{WORDS}.enabled_now")

    return [page, ask, add, one, test, edit, keep, disable, enable]


async def the(tx: Transaction, key: str) -> UpstreamFacts:
    """Return an upstream, shut or open. Raises `NotFound`."""
    found = await service.by_key(tx, key)
    if found is None:
        raise NotFound
    return found


async def look(portal: Portal, upstream: UpstreamFacts) -> dict[str, Any]:
    """Return what a provider says of itself now, or why it is not to be used."""
    providers = portal.services.upstreams.flow.providers
    try:
        found = await providers.provider(upstream.issuer, anew=True)
        keys = await providers.keys(found, anew=True)
    except (OutsideError, ProviderError) as error:
        return {"problem": Phrase(f"upstream.error.{error.code}"), "code": error.code}
    yes, no = Phrase(f"{WORDS}.yes"), Phrase(f"{WORDS}.no")
    return {
        "problem": None,
        "facts": [
            FactView(Phrase(f"{WORDS}.found.keys"), len(keys.keys)),
            FactView(Phrase(f"{WORDS}.found.authorize"), found.authorization_endpoint),
            FactView(Phrase(f"{WORDS}.found.names_itself"), yes if found.names_itself else no),
            FactView(Phrase(f"{WORDS}.found.sign_out"), yes if found.end_session_endpoint else no),
        ],
    }


def _error(wrong: UpstreamError) -> FieldError:
    return field_error(wrong.field, wrong.code)
