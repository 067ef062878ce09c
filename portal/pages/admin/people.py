"""The administrator's pages of people and their posts."""

from typing import Any, ClassVar, Final
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from pydantic import Field

from core.access import grants
from core.access.decisions import role_titles
from core.identity import organizations, people, register
from core.identity.password_changes import give_password as give_password_to
from core.identity.password_changes import may_get_password
from core.identity.signing_in import has_second_factor
from plugin_sdk.forms import Form, field_views, read_form, typed
from plugin_sdk.identifiers import mask_phone
from plugin_sdk.problems import Conflict, Invalid, NotFound, Problem, field_error
from plugin_sdk.routes import actor_of, needs
from plugin_sdk.views import Phrase
from portal.pages.admin.reach import (
    need_everything,
    need_person,
    need_post,
    need_sight,
    need_units,
    seen,
)
from portal.pages.admin.side import side_form
from portal.pages.context import AnyRequest, Portal
from portal.pages.passwords import LONGEST, accepted, with_rules
from portal.pages.session import Nothing


class Wrong(msgspec.Struct, frozen=True):
    """A form of a person's page that was not taken: which, why, and what was typed."""

    form: str = ""
    errors: dict[str, Phrase] = {}
    typed: dict[str, Any] = {}


PAGE: Final = 50


class PersonForm(Form):
    """A new person with a first post."""

    username: str = Field(max_length=63)
    name: str = Field(max_length=100)
    password: str = Field(max_length=LONGEST)
    organization: str | None = Field(default=None, max_length=32)
    title: str | None = Field(default=None, max_length=100)

    kinds: ClassVar[Any] = {"password": "password"}


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""

    @get("/admin", opt=needs("people.read"))
    async def admin() -> Response[Any]:
        """Lead to the first of the administrator's pages."""
        return portal.renderer.redirect("/admin/people")

    async def people_page(
        request: AnyRequest, query: str, *, after: str = "", status: int = 200, form: Any = None
    ) -> Response[Any]:
        async with portal.read() as tx:
            listed = await people.find(
                tx, query, after=after, limit=PAGE + 1, within=seen(request, tx.now)
            )
            found = listed[:PAGE]
            held = await people.posts(tx, [item.id for item in found])
        may = portal.may(actor_of(request), "people.manage")
        view = {
            "query": query,
            "people": [
                {
                    "id": str(item.id),
                    "name": item.name,
                    "username": item.username,
                    "posts": [
                        f"{post.organization} {post.title}"
                        for post in held
                        if post.person_id == item.id
                    ],
                    "active": not item.disabled,
                    "href": f"/admin/people/{item.id}" if may else None,
                }
                for item in found
            ],
            "forms": [
                side_form(
                    "page.admin.person.add",
                    "/admin/people",
                    with_rules(
                        form or field_views(PersonForm, "page.admin.person"),
                        portal.services.passwords.profile,
                    ),
                )
            ]
            if may
            else [],
            "next_href": f"/admin/people?{urlencode({'q': query, 'after': found[-1].username})}"
            if len(listed) > PAGE
            else None,
            "import_href": "/admin/people/import" if may else None,
        }
        return await portal.show(
            request, "admin_people.html", "page.admin.people", view, status=status
        )

    @get("/admin/people", opt=needs("people.read"))
    async def listing(
        request: AnyRequest, q: FromQuery[str] = "", after: FromQuery[str] = ""
    ) -> Response[Any]:
        """Find people by name, user name or unit."""
        return await people_page(request, q.strip()[:100], after=after[:63].replace("\0", ""))

    @post("/admin/people", opt=needs("people.manage", body=PersonForm))
    async def add(request: AnyRequest) -> Response[Any]:
        """Add a person, with a first post where one is named."""
        actor = actor_of(request)
        try:
            form = (await read_form(request, PersonForm, actor)).form
            password = await accepted(
                portal, form.password, username=form.username, about=(form.name,)
            )
            async with portal.change(request, "person-added", f"username:{form.username}") as tx:
                try:
                    person_id = await people.add_person(
                        tx, form.username, form.name, password, must_change=True
                    )
                except people.PersonError as error:
                    raise Invalid(field_error("username", error.code)) from None
                if not form.organization:
                    need_everything(tx, request)
                else:
                    unit = await organizations.by_code(tx, form.organization)
                    if unit is None:
                        raise Invalid(field_error("organization", "choice"))
                    await need_units(tx, request, unit.id)
                    try:
                        await people.add_post(tx, person_id, unit.id, form.title or "-")
                    except people.PersonError as error:
                        raise Invalid(field_error("organization", error.code)) from None
        except Invalid as wrong:
            if not portal.renderer.wants_page(request.scope):
                raise
            given = {k: v for k, v in (await typed(request)).items() if k != "password"}
            fields = field_views(PersonForm, "page.admin.person", values=given, errors=wrong.errors)
            return await people_page(request, "", status=422, form=fields)
        return portal.done(request, "/admin/people", "page.admin.person.added", status=201)

    @get("/admin/people/{id:uuid}", opt=needs("people.manage"))
    async def one(request: AnyRequest, id: FromPath[UUID]) -> Response[Any]:
        """Show a person with posts, grants and what may be done."""
        return await person_page(portal, request, id)

    def act(path: str, name: str, said: str, need: Any, do: Any) -> HTTPRouteHandler:
        @post(path, opt=needs("people.manage", body=Nothing), name=f"admin-{name}")
        async def handler(request: AnyRequest, id: FromPath[UUID]) -> Response[Any]:
            actor = actor_of(request)
            await read_form(request, Nothing, actor)
            async with portal.change(request, name, f"{said}:{id}") as tx:
                held = await people.posts(tx, [*actor.hands])
                if id in {*actor.hands, *(post.id for post in held)}:  # nobody could undo it
                    raise Conflict("not-oneself")
                await need(tx, request, id)
                try:
                    await do(tx, id)
                except people.PersonError as error:
                    raise Problem(error.code, status=409) from None
            return portal.done(request, "/admin/people", f"page.admin.person.{name}")

        return handler

    @post("/admin/people/{id:uuid}/password", opt=needs("people.manage", body=Nothing))
    async def give_password(request: AnyRequest, id: FromPath[UUID]) -> Response[Any]:
        """Give a person who came without a password their first one; it is shown this once."""
        await read_form(request, Nothing, actor_of(request))
        password, kept = await portal.services.passwords.invent()
        async with portal.change(request, "password-given", f"person:{id}") as tx:
            await need_person(tx, request, id)
            try:
                await give_password_to(tx, id, kept)
            except people.PersonError as error:
                raise Problem(error.code, status=409) from None
        response = await person_page(portal, request, id, password=password)
        response.headers["Cache-Control"] = "no-store"
        return response

    async def disable(tx: Any, id: UUID) -> None:
        await people.disable(tx, id)

    acts = [
        act("/admin/people/{id:uuid}/disable", "disabled", "person", need_person, disable),
        act("/admin/people/{id:uuid}/enable", "enabled", "person", need_person, people.enable),
        act("/admin/posts/{id:uuid}/end", "post-ended", "post", need_post, people.end_post),
    ]
    return [admin, listing, add, one, give_password, *acts]


async def person_page(
    portal: Portal,
    request: AnyRequest,
    id: UUID,
    *,
    number: str | None = None,
    password: str | None = None,
    wrong: Wrong | None = None,
) -> Response[Any]:
    """Return the page of a person; their identity number masked, unless it is handed in. A
    `password` just given is shown; with `wrong` it holds a form that was not taken."""
    actor = actor_of(request)
    async with portal.read() as tx:
        who = await people.person(tx, id)
        if who is None:
            raise NotFound
        await need_sight(tx, request, id)
        held = await people.posts(tx, [id], ended=True)
        given = await grants.grants(tx, person_id=id)
        masked = await register.masked_number(tx, portal.services.numbers, id)
        legacy = await register.legacy_ids(tx, id)
        agent = await register.enterprises_of(tx, id)
        titles = await role_titles(tx)
        waits = await may_get_password(tx, id)
        has_factor = await has_second_factor(tx, id)
    english = portal.renderer.language(request.scope) == "en"
    view = {
        "person": msgspec.structs.replace(who, phone=mask_phone(who.phone) if who.phone else None),
        "posts": held,
        "grants": given,
        "roles": {
            item.role: titles[item.role][1 if english else 0] if item.role in titles else item.role
            for item in given
        },
        "number": number or masked,
        "unmasked": number is not None,
        "may_unmask": portal.may(actor, "people.unmask"),
        "may_grant": portal.may(actor, "grants.manage"),
        "may_erase": portal.may(actor, "people.erase"),
        "may_remove_factors": portal.may(actor, "people.factors") and has_factor,
        "may_explain": portal.may(actor, "access.explain"),
        "may_give_password": waits,
        "password": password,
        "wrong": wrong or Wrong(),
        "legacy": [{"system": system, "id": legacy_id} for system, legacy_id in legacy],
        "enterprises": agent,
    }
    status = 422 if wrong else 200
    return await portal.show(request, "admin_person.html", "page.admin.people", view, status=status)
