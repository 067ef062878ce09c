"""Asking for a permission, and deciding on what was asked."""

from collections.abc import Callable
from datetime import date
from typing import Any, ClassVar, Literal
from uuid import UUID

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from pydantic import Field

from core.access import grants, requests, roles
from core.access.granting import GRANTING
from core.access.grants import GrantError
from core.access.holders import who_may
from core.audit import SHELL
from core.database import Transaction
from core.messages.service import send
from core.work.items import close_items, open_item
from plugin_sdk.forms import Form, field_views, read_form, typed
from plugin_sdk.ports import Actor, ScopeKind, To
from plugin_sdk.problems import Conflict, Invalid, NotFound, field_error
from plugin_sdk.routes import SIGNED_IN, actor_of, needs
from plugin_sdk.text import Text
from plugin_sdk.views import Option, Phrase
from portal.pages.admin.permissions import permission_options, permission_title
from portal.pages.admin.reach import need_post, seen
from portal.pages.admin.side import side_form
from portal.pages.context import AnyRequest, Portal
from portal.pages.delegations import end_of
from portal.pages.groups import TEMPLATE, Act, Group, Line, groups_view
from portal.pages.session import Nothing

PAGE = "/admin/access/requests"


class AskForm(Form):
    """Which permission, and what for."""

    permission: str = Field(max_length=100)
    reason: str = Field(max_length=500)

    kinds: ClassVar[Any] = {"permission": "select", "reason": "textarea"}


class DecideForm(Form):
    """A request is granted by a role."""

    request: UUID
    role: str = Field(max_length=100)
    scope: Literal["own", "organization", "subtree", "all"]
    ends_on: date | None = None

    kinds: ClassVar[Any] = {"request": "select", "role": "select", "scope": "select"}


FIELDS = {"grant-over": "ends_on", "request-unknown": "request"}


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""

    def named(permission: str) -> Text | str:
        return permission_title(portal, permission) or permission

    async def form_page(
        request: AnyRequest, *, status: int = 200, given: Any = None, errors: Any = ()
    ) -> Response[Any]:
        fields = field_views(
            AskForm,
            "page.requests",
            values=given,
            errors=errors,
            options={"permission": permission_options(portal)},
        )
        form = side_form("page.requests.ask", "/why/request", fields)
        view = groups_view(
            Phrase("page.requests.ask"), Phrase("page.requests.ask_intro"), [], [form]
        )
        return await portal.show(request, TEMPLATE, "page.requests.ask", view, status=status)

    @get("/why/request", opt=needs(SIGNED_IN))
    async def asking(request: AnyRequest, permission: FromQuery[str] = "") -> Response[Any]:
        """Show the form to ask for a permission."""
        return await form_page(request, given={"permission": permission[:100]})

    @post("/why/request", opt=needs(SIGNED_IN, body=AskForm))
    async def ask(request: AnyRequest) -> Response[Any]:
        """Ask for a permission in one's present post: it waits with those who can grant it."""
        actor = actor_of(request)
        try:
            form = (await read_form(request, AskForm, actor)).form
            if form.permission not in {o.value for o in permission_options(portal)}:
                raise Invalid(field_error("permission", "choice"))
            async with portal.change(
                request, "permission-asked", f"permission:{form.permission}"
            ) as tx:
                try:
                    id = await requests.ask(tx, actor, form.permission, form.reason)
                except GrantError as error:
                    raise Conflict(error.code) from None
                if id is not None:
                    await _reach(tx, actor, id, named(form.permission))
        except Invalid as wrong:
            if not portal.renderer.wants_page(request.scope):
                raise
            return await form_page(
                request, status=422, errors=wrong.errors, given=await typed(request)
            )
        portal.services.jobs.wake()
        return portal.done(request, "/", "requests.asked", status=201)

    async def desk(
        request: AnyRequest, *, status: int = 200, given: Any = None, errors: Any = ()
    ) -> Response[Any]:
        async with portal.read() as tx:
            waiting = await requests.open_requests(tx, within=seen(request, tx.now))
            known_roles = await roles.roles(tx)
        known = {option.value: option.label for option in permission_options(portal)}
        asked = {item.permission for item in waiting}
        lines = [
            Line(
                id=str(item.id),
                title=f"{item.person} · {item.organization} {item.post}",
                facts=[known.get(item.permission, item.permission), item.permission, item.reason],
                acts=[Act(f"{PAGE}/{item.id}/decline", Phrase("page.requests.decline"), True)],
            )
            for item in waiting
        ]
        fields = field_views(
            DecideForm,
            "page.requests",
            values=given,
            errors=errors,
            options={
                "request": [
                    Option(str(item.id), f"{item.person} · {item.permission}") for item in waiting
                ],
                "role": [
                    Option(role.key, Phrase("text", {"text": role.title}), group=role.app)
                    for role in known_roles
                    if asked & set(role.permissions)
                ],
                "scope": [
                    Option(kind, Phrase(f"page.scope.{kind}"))
                    for kind in ScopeKind
                    if kind != "named"
                ],
            },
        )
        view = groups_view(
            Phrase("page.admin.requests"),
            Phrase("page.requests.intro"),
            [Group(Phrase("page.requests.waiting"), Phrase("page.requests.none"), lines)],
            [side_form("page.requests.grant", PAGE, fields)] if waiting else [],
        )
        return await portal.show(request, TEMPLATE, "page.admin.requests", view, status=status)

    @get(PAGE, opt=needs("grants.manage"))
    async def listing(request: AnyRequest) -> Response[Any]:
        """Show who asks for which permission."""
        return await desk(request)

    @post(PAGE, opt=needs("grants.manage", body=DecideForm))
    async def give(request: AnyRequest) -> Response[Any]:
        """Grant what was asked, by a role that carries it; who asked is told."""
        actor = actor_of(request)
        try:
            form = (await read_form(request, DecideForm, actor)).form
            async with portal.change(
                request, "request-granted", f"request:{form.request}", role=form.role
            ) as tx:
                scope = seen(request, tx.now)
                waiting = {i.id: i for i in await requests.open_requests(tx, within=scope)}
                item = waiting.get(form.request)
                carried = {role.key: role.permissions for role in await roles.roles(tx)}
                if item is None:
                    raise Invalid(field_error("request", "request-unknown"))
                if item.permission not in carried.get(form.role, ()):
                    raise Invalid(field_error("role", "role-lacks"))
                try:
                    given = await grants.grant(
                        tx,
                        item.post_id,
                        form.role,
                        ScopeKind(form.scope),
                        granter=actor_of(request),
                        ends_at=end_of(form.ends_on) if form.ends_on else None,
                    )
                    await _settle(tx, actor, form.request, given, named)
                except GrantError as error:
                    field = FIELDS.get(error.code, "role")
                    raise Invalid(field_error(field, error.code)) from None
        except Invalid as wrong:
            if not portal.renderer.wants_page(request.scope):
                raise
            return await desk(request, status=422, errors=wrong.errors, given=await typed(request))
        portal.services.jobs.wake()
        return portal.done(request, PAGE, "requests.granted")

    @post(f"{PAGE}/{{id:uuid}}/decline", opt=needs("grants.manage", body=Nothing))
    async def decline(request: AnyRequest, id: FromPath[UUID]) -> Response[Any]:
        """Decline what was asked; who asked is told."""
        actor = actor_of(request)
        await read_form(request, Nothing, actor)
        async with portal.change(request, "request-declined", f"request:{id}") as tx:
            try:
                item = await _settle(tx, actor, id, None, named)
            except GrantError as error:
                if error.code == "grant-to-oneself":
                    raise Conflict("not-oneself") from None
                raise NotFound from None
            await need_post(tx, request, item.post_id)
        portal.services.jobs.wake()
        return portal.done(request, PAGE, "requests.declined")

    return [asking, ask, listing, give, decline]


async def _reach(tx: Transaction, actor: Actor, id: UUID, permission: Text | str) -> None:
    """Let a request wait with every organization that has somebody who can grant it."""
    title = Phrase("requests.title", {"name": actor.name, "permission": permission})
    for unit in sorted({holder.organization_id for holder in await who_may(tx, GRANTING)}):
        to = To(organization_id=unit, permission=GRANTING)
        await open_item(
            tx, SHELL, f"request:{id}", to, title, PAGE, label=Phrase("requests.label"), due_at=None
        )
        await send(tx, SHELL, to, title, PAGE)


async def _settle(
    tx: Transaction,
    by: Actor,
    id: UUID,
    grant_id: UUID | None,
    named: Callable[[str], Text | str],
) -> requests.RequestFacts:
    item = await requests.settle(tx, id, by=by, grant_id=grant_id)
    await close_items(tx, SHELL, f"request:{id}")
    words = "requests.told_granted" if grant_id else "requests.told_declined"
    message = Phrase(words, {"permission": named(item.permission)})
    await send(
        tx, SHELL, To(person_id=item.person_id), message, "/why?permission=" + item.permission
    )
    return item
