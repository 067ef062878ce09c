"""The administrator's page of grants: who may do what."""

from datetime import date, timedelta
from typing import Any, ClassVar, Literal
from uuid import UUID

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from pydantic import Field

from core.access import decisions, grants
from core.access.granting import GRANTING, posts_within, reaches_post
from core.access.holders import Holder, who_may
from core.identity import people
from plugin_sdk.forms import Form, field_views, read_form, typed
from plugin_sdk.identifiers import mask_name
from plugin_sdk.ports import ScopeKind
from plugin_sdk.problems import Conflict, Invalid, NotFound, field_error
from plugin_sdk.routes import actor_of, needs
from plugin_sdk.text import Text
from plugin_sdk.views import Option, Phrase
from portal.frames import last_day
from portal.pages.admin.permissions import permission_options
from portal.pages.admin.reach import is_seen, seen
from portal.pages.admin.side import side_form
from portal.pages.context import AnyRequest, Portal
from portal.pages.delegations import end_of, first_of
from portal.pages.session import Nothing


class GrantForm(Form):
    """A role for a post."""

    username: str = Field(max_length=63)
    role: str = Field(max_length=100)
    scope: Literal["own", "organization", "subtree", "all"]
    starts_on: date | None = None
    ends_on: date | None = None

    kinds: ClassVar[Any] = {"role": "select", "scope": "select"}


FIELDS = {"grant-to-oneself": "username", "grant-over": "ends_on"}
SOON = timedelta(days=30)


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""

    async def page(
        request: AnyRequest,
        permission: str,
        *,
        status: int = 200,
        errors: Any = (),
        given: Any = None,
    ) -> Response[Any]:
        actor = actor_of(request)
        english = portal.renderer.language(request.scope) == "en"
        async with portal.read() as tx:
            scope = seen(request, tx.now)
            holders = await who_may(tx, permission, within=scope) if permission else []
            in_force = await grants.grants(tx, within=scope)
            ending = await grants.grants(tx, ending_before=tx.now + SOON, within=scope)
            soon = {item.id for item in ending}
            mine = await posts_within(tx, actor, GRANTING, [item.post_id for item in in_force])
            titles = await decisions.role_titles(tx)

        def role(key: str) -> str:
            return titles[key][1 if english else 0] if key in titles else key

        def scope_name(kind: str) -> str:
            return portal.renderer.text(request.scope, Phrase(f"page.scope.{kind}"))

        def post_of(holder: Holder) -> str:
            if holder.delegated_by is None:
                return holder.post
            words = Phrase(
                "page.admin.by_delegation",
                {"post": holder.post, "name": mask_name(holder.delegated_by)},
            )
            return portal.renderer.text(request.scope, words)

        may = portal.may(actor, "grants.manage")
        roles = [
            Option(key, Phrase("text", {"text": Text(zh, en)}), group=key.partition(".")[0])
            for key, (zh, en) in titles.items()
        ]
        scopes = [
            Option(kind, Phrase(f"page.scope.{kind}")) for kind in ScopeKind if kind != "named"
        ]
        fields = field_views(
            GrantForm,
            "page.admin.grant",
            values=given,
            errors=errors,
            options={"role": roles, "scope": scopes},
        )
        view = {
            "permission": permission,
            "permissions": permission_options(portal),
            "asked": bool(permission),
            "holders": [
                {
                    "name": mask_name(item.name),
                    "organization": item.organization,
                    "post": post_of(item),
                    "role": role(item.role),
                    "scope": scope_name(item.scope),
                    "ends_at": item.ends_at,
                    "last_day": last_day(item.ends_at) if item.ends_at else None,
                }
                for item in holders
            ],
            "grants": [
                {
                    "id": str(item.id),
                    "person": mask_name(item.person),
                    "organization": item.organization,
                    "post": item.post,
                    "role": role(item.role),
                    "scope": scope_name(item.scope),
                    "starts_at": item.starts_at,
                    "ends_at": item.ends_at,
                    "last_day": last_day(item.ends_at) if item.ends_at else None,
                    "soon": item.id in soon,
                    "withdraw": f"/admin/grants/{item.id}/withdraw"
                    if item.post_id in mine
                    else None,
                }
                for item in sorted(in_force, key=lambda item: item.id not in soon)
            ],
            "expiring": len(soon),
            "forms": [side_form("page.admin.grant.add", "/admin/grants", fields)] if may else [],
        }
        return await portal.show(
            request, "admin_grants.html", "page.admin.grants", view, status=status
        )

    @get("/admin/grants", opt=needs("grants.read"))
    async def listing(request: AnyRequest, permission: FromQuery[str] = "") -> Response[Any]:
        """Say who may do a thing, and list the grants in force."""
        return await page(request, permission.strip()[:100])

    @post("/admin/grants", opt=needs("grants.manage", body=GrantForm))
    async def give(request: AnyRequest) -> Response[Any]:
        """Give a role to a person's first post."""
        actor = actor_of(request)
        try:
            form = (await read_form(request, GrantForm, actor)).form
            async with portal.change(
                request, "granted", f"username:{form.username}", role=form.role, scope=form.scope
            ) as tx:
                found = await people.by_username(tx, form.username.strip().lower())
                held = []
                if found and await is_seen(tx, request, found.id):
                    held = await people.posts(tx, [found.id])
                if not held:
                    raise Invalid(field_error("username", "post-unknown"))
                try:
                    await grants.grant(
                        tx,
                        held[0].id,
                        form.role,
                        ScopeKind(form.scope),
                        granter=actor_of(request),
                        starts_at=first_of(form.starts_on) if form.starts_on else None,
                        ends_at=end_of(form.ends_on) if form.ends_on else None,
                    )
                except grants.GrantError as error:
                    field = FIELDS.get(error.code, "role")
                    raise Invalid(field_error(field, error.code)) from None
        except Invalid as wrong:
            if not portal.renderer.wants_page(request.scope):
                raise
            given = await typed(request)
            return await page(request, "", status=422, errors=wrong.errors, given=given)
        return portal.done(request, "/admin/grants", "page.admin.grant.added", status=201)

    @post("/admin/grants/{id:uuid}/withdraw", opt=needs("grants.manage", body=Nothing))
    async def take(request: AnyRequest, id: FromPath[UUID]) -> Response[Any]:
        """Take a grant back: refused everywhere once this has answered."""
        actor = actor_of(request)
        await read_form(request, Nothing, actor)
        async with portal.change(request, "grant-withdrawn", f"grant:{id}") as tx:
            post_id = await grants.post_of(tx, id)
            if post_id is None:
                raise NotFound
            if await people.holder(tx, post_id) in actor.hands:  # nobody might be left to undo it
                raise Conflict("not-oneself")
            if not await reaches_post(tx, actor_of(request), post_id):
                raise NotFound
            try:
                await grants.withdraw(tx, id)
            except grants.GrantError:
                raise NotFound from None
        return portal.done(request, "/admin/grants", "page.admin.grant.withdrawn")

    return [listing, give, take]
