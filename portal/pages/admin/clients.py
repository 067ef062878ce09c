"""The administrator's pages of clients: the apps that sign people in by this hub."""

from functools import partial
from typing import Any, ClassVar, Final, Literal
from uuid import UUID

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from pydantic import Field

from core.access.bearers import why_not_lend
from core.database import Transaction
from core.identity.provider import clients
from core.identity.provider.clients import CODE, CREDENTIALS, REFRESH, ClientError, Wanted
from core.identity.provider.models import Client
from plugin_sdk.forms import Form, field_views, read_form
from plugin_sdk.problems import Conflict, FieldError, Invalid, NotFound, field_error
from plugin_sdk.routes import actor_of, needs
from plugin_sdk.text import Text
from plugin_sdk.views import FactView, Option, Phrase
from portal.pages.admin.client_settings import OTHER, STACKS, Addresses, to_copy
from portal.pages.admin.form_page import FormPage
from portal.pages.admin.reach import need_everything
from portal.pages.context import AnyRequest, Portal
from portal.pages.session import Nothing

PERMISSION: Final = "clients.manage"
PAGE: Final = "/admin/clients"
WORDS: Final = "page.clients"
AUTHENTICATION: Final = f"{WORDS}.authentication"  # words for how clients prove themselves
NEW: Final = "new"  # where one is registered, and so the id of none
HINTS: Final = frozenset(
    ("id", "app", "address", "scopes", "redirect_uris", "post_logout_uris")
) | {"backchannel_logout_uri", "sector"}


class NewForm(Form):
    """A client in a minute: what it is called, which app it is of, how it signs in and where it
    is reached. The rest follows, and is changed later."""

    name_zh: str = Field(max_length=40)
    name_en: str = Field(max_length=60)
    id: str = Field(max_length=63)
    app: str = Field(default="", max_length=63)
    stack: Literal["spring", "django", "apache", "php", "other"] = "spring"
    address: str = Field(max_length=400)

    kinds: ClassVar[Any] = {"app": "select", "stack": "select"}

    def wanted(self) -> Wanted:
        """Return the client that the form says."""
        at = Addresses(self.address)
        if self.stack != OTHER:
            at = STACKS[self.stack].addresses(self.address)
        return Wanted(
            name=Text(self.name_zh, self.name_en),
            app=self.app or None,
            scopes=("openid", "profile", *(("legacy",) if self.app else ())),
            redirect_uris=(at.redirect,),
            post_logout_uris=(at.left,) if at.left else (),
            backchannel_logout_uri=at.signed_out,
        )


class EditForm(Form):
    """All that is said of a client; addresses stand one a line."""

    name_zh: str = Field(max_length=40)
    name_en: str = Field(max_length=60)
    app: str = Field(default="", max_length=63)
    redirect_uris: str = Field(default="", max_length=10_000)
    post_logout_uris: str = Field(default="", max_length=10_000)
    backchannel_logout_uri: str = Field(default="", max_length=500)
    scopes: str = Field(max_length=2000)
    authentication: clients.Authentication = "client_secret_basic"
    algorithm: clients.Algorithm = "RS256"
    subjects: clients.Subjects = "public"
    sector: str = Field(default="", max_length=253)
    refresh: bool = False
    credentials: bool = False
    first_party: bool = False
    version: int = Field(ge=1, le=2**31)

    kinds: ClassVar[Any] = {
        "app": "select",
        "redirect_uris": "textarea",
        "post_logout_uris": "textarea",
        "authentication": "select",
        "algorithm": "select",
        "subjects": "select",
        "version": "hidden",
    }

    def wanted(self) -> Wanted:
        """Return the client that the form says."""
        redirects = tuple(self.redirect_uris.split())
        chosen = ((CODE, redirects), (REFRESH, self.refresh), (CREDENTIALS, self.credentials))
        return Wanted(
            name=Text(self.name_zh, self.name_en),
            app=self.app or None,
            authentication=self.authentication,
            grants=tuple(grant for grant, on in chosen if on),
            scopes=tuple(dict.fromkeys(self.scopes.split())),
            redirect_uris=redirects,
            post_logout_uris=tuple(self.post_logout_uris.split()),
            backchannel_logout_uri=self.backchannel_logout_uri or None,
            first_party=self.first_party,
            subjects=self.subjects,
            sector=self.sector or None,
            algorithm=self.algorithm,
        )


class DropForm(Form):
    """The secret that is taken no longer."""

    secret: UUID


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""
    issuer = portal.services.provider.issuer

    def options(request: AnyRequest) -> dict[str, list[Option]]:
        english = portal.renderer.language(request.scope) == "en"
        apps = [Option("", Phrase(f"{WORDS}.app_none"))]
        for name in sorted(portal.apps.instances):
            manifest = portal.apps.manifest(name)
            if manifest is not None:
                names = manifest.identity.names
                apps.append(Option(name, f"{names.en if english else names.zh} ({name})"))

        def words(field: str, *values: str) -> list[Option]:
            return [Option(value, Phrase(f"{WORDS}.{field}.{value}")) for value in values]

        return {
            "app": apps,
            "stack": [
                *(Option(key, stack.name) for key, stack in STACKS.items()),
                *words("stack", OTHER),
            ],
            "authentication": words(
                "authentication", "client_secret_basic", "client_secret_post", "none"
            ),
            "algorithm": [Option(value, value) for value in ("RS256", "ES256")],
            "subjects": words("subjects", "public", "pairwise"),
        }

    def fields(
        form: type[Form], request: AnyRequest, values: dict[str, Any] | None, errors: Any
    ) -> list[Any]:
        return field_views(
            form, WORDS, values=values, errors=errors, options=options(request), hints=HINTS
        )

    adding = FormPage(portal, WORDS, "add", partial(fields, NewForm), _error_of_new)
    editing = FormPage(portal, WORDS, "edit", partial(fields, EditForm), _error)

    @get(PAGE, opt=needs(PERMISSION))
    async def page(request: AnyRequest) -> Response[Any]:
        """List the clients."""
        async with portal.read() as tx:
            need_everything(tx, request)
            every = await clients.every(tx)
        view = {
            "clients": [
                {
                    "id": one.id,
                    "name": one.name,
                    "app": one.app or "",
                    "disabled": one.disabled_at is not None,
                    "used_at": one.used_at,
                    "href": f"{PAGE}/{one.id}",
                }
                for one in every
            ]
        }
        return await portal.show(request, "admin_clients.html", f"{WORDS}.title", view)

    @get(f"{PAGE}/{NEW}", opt=needs(PERMISSION))
    async def ask(request: AnyRequest) -> Response[Any]:
        """Ask for a client."""
        return await adding.show(request, f"{PAGE}/{NEW}", PAGE)

    @post(f"{PAGE}/{NEW}", opt=needs(PERMISSION, body=NewForm))
    async def add(request: AnyRequest) -> Response[Any]:
        """Register a client; show its secret this once, with the settings to copy."""
        try:
            form = (await read_form(request, NewForm, actor_of(request))).form
            if form.id == NEW:
                raise Invalid(field_error("id", "client-id"))
            subject = f"client:{form.id}"
            async with portal.change(request, "client-registered", subject, app=form.app) as tx:
                need_everything(tx, request)
                _check_app(portal, form.app)
                by = actor_of(request).real_person_id
                lending = _lending(request, tx)
                made = await clients.register(tx, form.id, form.wanted(), by, lending=lending)
                client = await the(tx, form.id)
        except (Invalid, ClientError) as wrong:
            return await adding.again(request, wrong, f"{PAGE}/{NEW}", PAGE)
        return await show(request, client, secret=made.secret, status=201)

    @get(f"{PAGE}/{{id:str}}", opt=needs(PERMISSION))
    async def one(request: AnyRequest, id: FromPath[str]) -> Response[Any]:
        """Show a client, its secrets by their ends, and the settings to copy."""
        async with portal.read() as tx:
            need_everything(tx, request)
            client = await the(tx, id)
        return await show(request, client)

    async def show(
        request: AnyRequest, client: Client, *, secret: str | None = None, status: int = 200
    ) -> Response[Any]:
        async with portal.read() as tx:
            kept = await clients.secrets_of(tx, client.id)
        here = f"{PAGE}/{client.id}"
        yes, no = Phrase(f"{WORDS}.yes"), Phrase(f"{WORDS}.no")
        said: list[tuple[str, Any]] = [
            ("app", client.app or Phrase(f"{WORDS}.app_none")),
            ("redirect_uris", "\n".join(client.redirect_uris)),
            ("post_logout_uris", "\n".join(client.post_logout_uris)),
            ("backchannel_logout_uri", client.backchannel_logout_uri),
            ("scopes", " ".join(client.scopes)),
            ("authentication", Phrase(f"{AUTHENTICATION}.{client.authentication}")),
            ("subjects", Phrase(f"{WORDS}.subjects.{client.subjects}")),
            ("refresh", yes if REFRESH in client.grants else no),
            ("first_party", yes if client.first_party else no),
        ]
        settings = {"secret": secret} if secret else {}
        view = {
            "id": client.id,
            "name": client.name,
            "issuer": issuer,
            "disabled": client.disabled_at is not None,
            "facts": [FactView(Phrase(f"{WORDS}.field.{key}"), value) for key, value in said],
            "secret": secret,
            "confidential": client.authentication != "none",
            "secrets": kept,
            "stacks": to_copy(client, issuer, **settings),
            "href": here,
        }
        title = portal.renderer.text(request.scope, client.name)  # type: ignore[arg-type]  # Text too
        response = await portal.show(request, "admin_client.html", title, view, status=status)
        if secret:
            response.headers["Cache-Control"] = "no-store"
        return response

    @get(f"{PAGE}/{{id:str}}/edit", opt=needs(PERMISSION))
    async def edit(request: AnyRequest, id: FromPath[str]) -> Response[Any]:
        """Show all that is said of a client."""
        async with portal.read() as tx:
            need_everything(tx, request)
            client = await the(tx, id)
        values = {
            **{name: getattr(client, name) for name in EditForm.model_fields if name in SAME},
            "app": client.app or "",
            "sector": client.sector or "",
            "backchannel_logout_uri": client.backchannel_logout_uri or "",
            "redirect_uris": "\n".join(client.redirect_uris),
            "post_logout_uris": "\n".join(client.post_logout_uris),
            "scopes": " ".join(client.scopes),
            "refresh": REFRESH in client.grants,
            "credentials": CREDENTIALS in client.grants,
        }
        here = f"{PAGE}/{id}"
        return await editing.show(request, f"{here}/edit", here, values=values)

    @post(f"{PAGE}/{{id:str}}/edit", opt=needs(PERMISSION, body=EditForm))
    async def keep(request: AnyRequest, id: FromPath[str]) -> Response[Any]:
        """Change a client; what it may no longer have is refused at its next request."""
        here = f"{PAGE}/{id}"
        try:
            form = (await read_form(request, EditForm, actor_of(request))).form
            async with portal.change(request, "client-changed", f"client:{id}") as tx:
                need_everything(tx, request)
                client = await the(tx, id)
                if form.app != (client.app or ""):
                    _check_app(portal, form.app)
                lending = _lending(request, tx)
                await clients.change(tx, id, form.wanted(), form.version, lending=lending)
        except (Invalid, ClientError) as wrong:
            if isinstance(wrong, ClientError) and wrong.code == "changed-meanwhile":
                raise Conflict("client-stale") from None
            return await editing.again(request, wrong, f"{here}/edit", here)
        return portal.done(request, here, f"{WORDS}.changed")

    @post(f"{PAGE}/{{id:str}}/secret", opt=needs(PERMISSION, body=Nothing))
    async def rotate(request: AnyRequest, id: FromPath[str]) -> Response[Any]:
        """Make a new secret, shown this once; the one before is taken for a week more."""
        await read_form(request, Nothing, actor_of(request))
        try:
            async with portal.change(request, "client-secret-made", f"client:{id}") as tx:
                need_everything(tx, request)
                client = await the(tx, id)
                secret = await clients.rotate_secret(tx, id)
        except ClientError:
            raise Conflict("client-public") from None
        return await show(request, client, secret=secret, status=201)

    @post(f"{PAGE}/{{id:str}}/secret/drop", opt=needs(PERMISSION, body=DropForm))
    async def drop(request: AnyRequest, id: FromPath[str]) -> Response[Any]:
        """Take a secret no longer, from now on."""
        form = (await read_form(request, DropForm, actor_of(request))).form
        async with portal.change(request, "client-secret-dropped", f"client:{id}") as tx:
            need_everything(tx, request)
            if not await clients.drop_secret(tx, id, form.secret):
                raise NotFound
        return portal.done(request, f"{PAGE}/{id}", f"{WORDS}.dropped")

    @post(f"{PAGE}/{{id:str}}/disable", opt=needs(PERMISSION, body=Nothing))
    async def disable(request: AnyRequest, id: FromPath[str]) -> Response[Any]:
        """Let a client in no longer: its tokens end at once."""
        await read_form(request, Nothing, actor_of(request))
        async with portal.change(request, "client-disabled", f"client:{id}") as tx:
            need_everything(tx, request)
            await the(tx, id)
            await clients.set_disabled(tx, id, disabled=True)
        return portal.done(request, f"{PAGE}/{id}", f"{WORDS}.disabled_now")

    @post(f"{PAGE}/{{id:str}}/enable", opt=needs(PERMISSION, body=Nothing))
    async def enable(request: AnyRequest, id: FromPath[str]) -> Response[Any]:
        """Let a client in again."""
        await read_form(request, Nothing, actor_of(request))
        async with portal.change(request, "client-enabled", f"client:{id}") as tx:
            need_everything(tx, request)
            await the(tx, id)
            await clients.set_disabled(tx, id, disabled=False)
        return portal.done(request, f"{PAGE}/{id}", f"{WORDS}.enabled_now")

    return [page, ask, add, one, edit, keep, rotate, drop, disable, enable]


SAME: Final = frozenset(
    ("name_zh", "name_en", "authentication", "algorithm", "subjects", "first_party", "version")
)


async def the(tx: Transaction, id: str) -> Client:
    """Return a client, disabled or not. Raises `NotFound`."""
    found = await clients.find(tx, id)
    if found is None:
        raise NotFound
    return found


def _lending(request: AnyRequest, tx: Transaction) -> clients.Lending:
    """Return which scopes of applications whoever asks may let a client have."""
    actor = actor_of(request)
    return lambda scope: why_not_lend(actor, scope, tx.now)


def _check_app(portal: Portal, app: str) -> None:
    if app and portal.apps.manifest(app) is None:
        raise Invalid(field_error("app", "choice"))


def _error(wrong: ClientError) -> FieldError:
    field = wrong.field or "name_zh"
    return field_error("name_zh" if field == "name" else field, f"client-{wrong.code}")


def _error_of_new(wrong: ClientError) -> FieldError:
    """Return the error at its field; that of an address at the one they are derived from."""
    if wrong.field.endswith(("_uris", "_uri")):
        return field_error("address", f"client-{wrong.code}")
    return _error(wrong)
