"""The administrator's page of tokens: whose programs act here, and where applications do."""

from typing import Any, ClassVar
from uuid import UUID

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from pydantic import Field

from core.access.bearers import permission_of, why_not_lend
from core.identity import organizations
from core.identity.provider import reach
from core.identity.tokens import service as tokens
from plugin_sdk.forms import Form, field_views, read_form, typed
from plugin_sdk.identifiers import mask_name
from plugin_sdk.problems import Denied, Invalid, NotFound, Problem, field_error
from plugin_sdk.routes import actor_of, needs
from plugin_sdk.views import Option, Phrase
from portal.pages.admin.reach import need_everything, need_person, seen
from portal.pages.admin.side import side_form
from portal.pages.context import AnyRequest, Portal
from portal.pages.groups import TEMPLATE, Act, Group, Line, groups_view
from portal.pages.session import Nothing
from portal.pages.tokens import scope_words, token_line

PAGE = "/admin/tokens"


class ReachForm(Form):
    """An organization in which an application may act."""

    client: str = Field(max_length=100)
    organization: str = Field(max_length=32)

    kinds: ClassVar[Any] = {"client": "select"}


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""

    async def page(
        request: AnyRequest, *, status: int = 200, given: Any = None, errors: Any = ()
    ) -> Response[Any]:
        actor = actor_of(request)
        async with portal.read() as tx:
            scope = seen(request, tx.now)
            found = await tokens.in_force(tx, within=scope)
            clients = await reach.applications(tx) if scope is None else []
            units = {client.id: await reach.reach_of(tx, client.id) for client in clients}
        known = scope_words(portal)
        english = portal.renderer.language(request.scope) == "en"
        titles = {client.id: client.name_en if english else client.name_zh for client in clients}
        may = portal.may(actor, "people.factors")
        lines = []
        for one in found:
            line = token_line(one, known, f"{PAGE}/{one.id}/revoke" if may else None)
            lines.append(
                Line(
                    id=line.id,
                    title=line.title,
                    facts=[mask_name(one.person), *line.facts],
                    acts=line.acts,
                )
            )
        groups = [Group(Phrase("page.tokens.people"), Phrase("page.tokens.nobody"), lines)]
        forms = []
        if scope is None:
            groups.append(
                Group(
                    Phrase("page.tokens.applications"),
                    Phrase("page.tokens.no_applications"),
                    [
                        Line(
                            id=f"{client.id}:{unit.code}",
                            title=f"{titles[client.id]} ({client.id})",
                            facts=[
                                Phrase("page.tokens.acts_in", {"unit": unit.name}),
                                *client.scopes,
                            ],
                            acts=[
                                Act(
                                    f"{PAGE}/reach/end",
                                    Phrase("page.tokens.reach_end"),
                                    danger=True,
                                    hidden={"client": client.id, "organization": unit.code},
                                )
                            ]
                            if may
                            else [],
                        )
                        for client in clients
                        for unit in units[client.id]
                    ],
                )
            )
            if may and clients:
                options = [Option(client.id, titles[client.id]) for client in clients]
                fields = field_views(
                    ReachForm,
                    "page.tokens",
                    values=given,
                    errors=errors,
                    options={"client": options},
                    hints=frozenset({"organization"}),
                )
                forms.append(side_form("page.tokens.reach_give", f"{PAGE}/reach", fields))
        view = groups_view(
            Phrase("page.admin.tokens"), Phrase("page.tokens.admin_intro"), groups, forms
        )
        return await portal.show(request, TEMPLATE, "page.admin.tokens", view, status=status)

    @get(PAGE, opt=needs("people.read"))
    async def listing(request: AnyRequest) -> Response[Any]:
        """Show whose programs may act now, and in which organizations applications do."""
        return await page(request)

    @post(f"{PAGE}/{{id:uuid}}/revoke", opt=needs("people.factors", body=Nothing))
    async def revoke(request: AnyRequest, id: FromPath[UUID]) -> Response[Any]:
        """Revoke somebody's token: refused everywhere once this has answered."""
        actor = actor_of(request)
        await read_form(request, Nothing, actor)
        async with portal.read() as tx:
            found = await tokens.find(tx, id)
        if found is None:
            raise NotFound
        async with portal.change(
            request, "token-revoked", f"person:{found.person_id}", name=found.name
        ) as tx:
            await need_person(tx, request, found.person_id)
            if not await tokens.revoke(tx, id, by=actor.real_person_id):
                raise Problem("token-over", status=409)
        return portal.done(request, PAGE, "page.tokens.revoked")

    @post(f"{PAGE}/reach", opt=needs("people.factors", body=ReachForm))
    async def give(request: AnyRequest) -> Response[Any]:
        """Let an application act in an organization and all below it."""
        try:
            form = (await read_form(request, ReachForm, actor_of(request))).form
            async with portal.read() as tx:
                known = {client.id: client.scopes for client in await reach.applications(tx)}
            lent = sorted(known.get(form.client, ()))
            facts = {"organization": form.organization, "scopes": lent}
            async with portal.change(
                request, "reach-given", f"client:{form.client}", **facts
            ) as tx:
                unit = await _checked(tx, request, form)
                for scope in lent:  # nobody passes on by a program what they do not hold
                    if why_not_lend(actor_of(request), scope, tx.now):
                        raise Denied(permission_of(scope), reason="out-of-scope")
                by = actor_of(request).real_person_id
                if not await reach.give(tx, form.client, unit, by=by):
                    raise Invalid(field_error("organization", "reach-twice"))
        except Invalid as wrong:
            if not portal.renderer.wants_page(request.scope):
                raise
            return await page(request, status=422, errors=wrong.errors, given=await typed(request))
        return portal.done(request, PAGE, "page.tokens.reach_given", status=201)

    @post(f"{PAGE}/reach/end", opt=needs("people.factors", body=ReachForm))
    async def take(request: AnyRequest) -> Response[Any]:
        """Let an application act there no more, from its next request on."""
        form = (await read_form(request, ReachForm, actor_of(request))).form
        async with portal.change(
            request, "reach-ended", f"client:{form.client}", organization=form.organization
        ) as tx:
            if not await reach.take(tx, form.client, await _checked(tx, request, form)):
                raise NotFound
        return portal.done(request, PAGE, "page.tokens.reach_ended")

    return [listing, revoke, give, take]


async def _checked(tx: Any, request: AnyRequest, form: ReachForm) -> UUID:
    """Return the organization of a form. Raises `Denied` and `Invalid`."""
    need_everything(tx, request)
    if form.client not in {client.id for client in await reach.applications(tx)}:
        raise Invalid(field_error("client", "choice"))
    unit = await organizations.by_code(tx, form.organization)
    if unit is None:
        raise Invalid(field_error("organization", "organization-unknown"))
    return unit.id
