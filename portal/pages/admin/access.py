"""The administrator's pages of access: what a person may do, what changed, roles of one's own."""

from typing import Any, ClassVar
from uuid import UUID

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from pydantic import Field

from core.access import delegation, history, roles
from core.access.decisions import actors_of, role_titles
from core.access.granting import GRANTING, posts_within
from core.access.grants import GrantError
from core.identity import people
from plugin_sdk.forms import Form, field_views, read_form, typed
from plugin_sdk.problems import Conflict, Denied, Invalid, NotFound, field_error
from plugin_sdk.routes import actor_of, needs
from plugin_sdk.text import Text
from plugin_sdk.times import SHANGHAI
from plugin_sdk.views import Phrase, Words
from portal.frames import last_day
from portal.pages.admin.permissions import permission_options
from portal.pages.admin.reach import need_post, need_sight, seen
from portal.pages.admin.side import side_form
from portal.pages.context import AnyRequest, Portal
from portal.pages.groups import TEMPLATE, Act, Group, Line, groups_view
from portal.pages.session import Nothing


class RoleForm(Form):
    """A role of one's own. Permissions are full keys with spaces between them."""

    name: str = Field(max_length=40)
    zh: str = Field(max_length=50)
    en: str = Field(max_length=50)
    permissions: str = Field(max_length=4000)
    excludes: str | None = Field(default=None, max_length=500)

    kinds: ClassVar[Any] = {"permissions": "textarea"}


ROLE_FIELDS = {"role-key": "name", "role-unknown": "excludes"}


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""

    @get("/admin/access/people/{id:uuid}", opt=needs("access.explain"))
    async def person_may(request: AnyRequest, id: FromPath[UUID]) -> Response[Any]:
        """Say all that a person may do now, in each seat they can take, and by which grant."""
        async with portal.read() as tx:
            who = await people.person(tx, id)
            if who is None:
                raise NotFound
            await need_sight(tx, request, id)
            actors = [] if who.disabled else await actors_of(tx, id, who.name)
            titles = await role_titles(tx)
        known = {option.value: option.label for option in permission_options(portal)}
        groups = [
            Group(
                _seat(actor),
                Phrase("page.access.nothing"),
                [
                    Line(
                        title=known.get(permission, permission),
                        facts=[
                            permission,
                            _role(titles, permit.role),
                            Phrase(f"page.scope.{permit.scope}"),
                            Phrase("page.why.until", {"date": last_day(permit.ends)})
                            if permit.ends
                            else Phrase("page.why.no_end"),
                        ],
                    )
                    for permission in sorted(actor.permits)
                    for permit in actor.permits_for(permission, tx.now)
                ],
            )
            for actor in actors
        ]
        view = groups_view(
            Phrase("page.access.person_may", {"name": who.name}),
            Phrase("page.access.person_intro"),
            groups,
            [],
        )
        return await portal.show(request, TEMPLATE, "page.access.explained", view)

    @get("/admin/access", opt=needs("grants.read"))
    async def changed(request: AnyRequest) -> Response[Any]:
        """Say what changed of who may do what, and which posts are delegated now."""
        async with portal.read() as tx:
            scope = seen(request, tx.now)
            found = await history.changes(tx, within=scope)
            handed = await delegation.delegations(tx, within=scope)
            posts = [item.post_id for item in handed]
            mine = await posts_within(tx, actor_of(request), GRANTING, posts)
            titles = await role_titles(tx)
        may = portal.may(actor_of(request), "grants.manage")

        def named(keys: str) -> list[Words]:
            return [_role(titles, key) for key in keys.split()]

        every: list[Words] = [Phrase("page.delegations.every_role")]
        now = [
            Line(
                id=str(item.id),
                title=f"{item.organization} {item.post}: {item.giver} → {item.person}",
                facts=[
                    *(named(" ".join(item.roles)) or every),
                    Phrase("page.why.until", {"date": last_day(item.ends_at)}),
                    item.reason,
                ],
                acts=[
                    Act(
                        f"/admin/delegations/{item.id}/end",
                        Phrase("page.delegations.end"),
                        danger=True,
                    )
                ]
                if item.post_id in mine
                else [],
            )
            for item in handed
        ]
        lines = [
            Line(
                title=Phrase(f"page.access.change.{item.what}", {"name": item.person}),
                facts=[
                    Phrase("page.behalf.at", {"at": item.at.astimezone(SHANGHAI)}),
                    f"{item.organization} {item.post}",
                    *(named(item.role) or every),
                    *([Phrase("page.access.to", {"name": item.to})] if item.to else []),
                    *([Phrase("page.access.by", {"name": item.by})] if item.by else []),
                ],
            )
            for item in found
        ]
        view = groups_view(
            Phrase("page.admin.access"),
            Phrase("page.access.changes_intro"),
            [
                Group(Phrase("page.access.handed"), Phrase("page.access.none_handed"), now),
                Group(Phrase("page.access.changes"), Phrase("page.access.no_changes"), lines),
            ],
            [],
            {
                f"/admin/access/{name}": Phrase(f"page.admin.{name}")
                for name in ("roles", "policy", "devolution", *(["requests"] if may else []))
            },
        )
        return await portal.show(request, TEMPLATE, "page.admin.access", view)

    @post("/admin/delegations/{id:uuid}/end", opt=needs("grants.manage", body=Nothing))
    async def end_delegation(request: AnyRequest, id: FromPath[UUID]) -> Response[Any]:
        """End anybody's delegation: refused everywhere once this has answered."""
        actor = actor_of(request)
        await read_form(request, Nothing, actor)
        if actor.person_id is None:
            raise NotFound
        async with portal.change(request, "delegation-ended", f"delegation:{id}") as tx:
            try:
                post_id = await delegation.revoke(tx, id, by=actor.person_id, anyones=True)
            except GrantError:
                raise NotFound from None
            await need_post(tx, request, post_id)
        return portal.done(request, "/admin/access", "page.delegations.ended")

    # --- roles of one's own --------------------------------------------------------------

    async def role_page(
        request: AnyRequest, *, status: int = 200, given: Any = None, errors: Any = ()
    ) -> Response[Any]:
        async with portal.read() as tx:
            found = await roles.roles(tx)
        may = portal.may(actor_of(request), "grants.manage", everywhere=True)
        known = {option.value: option.label for option in permission_options(portal)}

        def line(item: roles.RoleFacts) -> Line:
            own = may and item.app == roles.OWN
            dropping = Act(
                f"/admin/access/roles/{item.key.partition('.')[2]}/drop",
                Phrase("page.roles.drop"),
                danger=True,
            )
            return Line(
                id=item.key,
                title=Phrase("text", {"text": item.title}),
                badge=item.key,
                facts=[known.get(key, key) for key in item.permissions],
                acts=[dropping] if own else [],
            )

        fields = field_views(
            RoleForm,
            "page.roles",
            values=given,
            errors=errors,
            hints=frozenset({"name", "permissions", "excludes"}),
        )
        view = groups_view(
            Phrase("page.admin.roles"),
            Phrase("page.roles.intro"),
            [
                Group(
                    Phrase("page.roles.own"),
                    Phrase("page.roles.none"),
                    [line(item) for item in found if item.app == roles.OWN],
                ),
                Group(
                    Phrase("page.roles.of_apps"),
                    Phrase("page.roles.none"),
                    [line(item) for item in found if item.app != roles.OWN],
                ),
            ],
            [side_form("page.roles.add", "/admin/access/roles", fields)] if may else [],
        )
        return await portal.show(request, TEMPLATE, "page.admin.roles", view, status=status)

    @get("/admin/access/roles", opt=needs("grants.read"))
    async def role_list(request: AnyRequest) -> Response[Any]:
        """List the roles with what they carry."""
        return await role_page(request)

    @post("/admin/access/roles", opt=needs("grants.manage", body=RoleForm))
    async def compose(request: AnyRequest) -> Response[Any]:
        """Make a role of one's own, or change what it carries."""
        actor = actor_of(request)
        try:
            form = (await read_form(request, RoleForm, actor)).form
            async with portal.change(
                request, "role-composed", f"role:own.{form.name}", permissions=form.permissions
            ) as tx:
                try:
                    await roles.compose(
                        tx,
                        actor_of(request),
                        form.name,
                        Text(form.zh, form.en),
                        form.permissions.split(),
                        excludes=(form.excludes or "").split(),
                    )
                except GrantError as error:
                    field = ROLE_FIELDS.get(error.code, "permissions")
                    raise Invalid(field_error(field, error.code)) from None
        except Invalid as wrong:
            if not portal.renderer.wants_page(request.scope):
                raise
            given = await typed(request)
            return await role_page(request, status=422, errors=wrong.errors, given=given)
        return portal.done(request, "/admin/access/roles", "page.roles.added", status=201)

    @post("/admin/access/roles/{name:str}/drop", opt=needs("grants.manage", body=Nothing))
    async def drop(request: AnyRequest, name: FromPath[str]) -> Response[Any]:
        """Take away a role of one's own that nobody holds."""
        await read_form(request, Nothing, actor_of(request))
        async with portal.change(request, "role-dropped", f"role:own.{name[:40]}") as tx:
            try:
                await roles.drop(tx, actor_of(request), f"{roles.OWN}.{name}")
            except GrantError as error:
                if error.code == "role-held":
                    raise Conflict("role-held") from None
                if error.code == "grant-beyond":
                    raise Denied(GRANTING, reason="out-of-scope") from None
                raise NotFound from None
        return portal.done(request, "/admin/access/roles", "page.roles.dropped")

    return [person_may, changed, end_delegation, role_list, compose, drop]


def _role(titles: dict[str, tuple[str, str]], key: str) -> Words:
    return Phrase("text", {"text": Text(*titles[key])}) if key in titles else key


def _seat(actor: Any) -> Words:
    if actor.post_id is None:
        return Phrase("page.access.as_resident")
    if actor.delegation is None:
        return f"{actor.organization_name} · {actor.post_title}"
    return Phrase(
        "frame.acting_in",
        {
            "name": actor.delegation.name,
            "unit": actor.organization_name,
            "post": actor.post_title,
            "until": last_day(actor.delegation.until),
        },
    )
