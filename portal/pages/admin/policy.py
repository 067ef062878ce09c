"""The administrator's page of policy tests: what is to stay true of who may do what."""

from typing import Any, ClassVar, Literal
from uuid import UUID

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from pydantic import Field

from core.access import policy
from core.access.grants import GrantError
from core.identity.organizations import by_code
from plugin_sdk.forms import Form, field_views, read_form, typed
from plugin_sdk.problems import Invalid, NotFound, field_error
from plugin_sdk.routes import actor_of, needs
from plugin_sdk.views import Option, Phrase
from portal.pages.admin.permissions import permission_options
from portal.pages.admin.reach import is_seen, need_person, seen
from portal.pages.admin.side import side_form
from portal.pages.context import AnyRequest, Portal
from portal.pages.delegations import person_named
from portal.pages.groups import TEMPLATE, Act, Group, Line, groups_view
from portal.pages.session import Nothing


class PolicyForm(Form):
    """What is to stay true of a person."""

    name: str = Field(max_length=100)
    username: str = Field(max_length=63)
    permission: str = Field(max_length=100)
    organization: str | None = Field(default=None, max_length=32)
    allowed: Literal["yes", "no"]

    kinds: ClassVar[Any] = {"permission": "select", "allowed": "select"}


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""

    async def policy_page(
        request: AnyRequest, *, status: int = 200, given: Any = None, errors: Any = ()
    ) -> Response[Any]:
        async with portal.read() as tx:
            found = await policy.run(tx, within=seen(request, tx.now))
        may = portal.may(actor_of(request), "grants.manage")
        options = permission_options(portal)
        known = {option.value: option.label for option in options}

        def line(item: policy.Outcome) -> Line:
            wanted = Phrase(f"page.policy.{'may' if item.wanted else 'may_not'}")
            so = Phrase("page.policy.as_wanted" if item.held else "page.policy.broken")
            forget = Act(f"/admin/access/policy/{item.id}/forget", Phrase("page.policy.forget"))
            return Line(
                id=str(item.id),
                title=item.name,
                badge=so,
                facts=[
                    item.person,
                    wanted,
                    known.get(item.permission, item.permission),
                    *([item.organization] if item.organization else []),
                    *([item.by] if item.by else []),
                ],
                acts=[forget] if may else [],
            )

        fields = field_views(
            PolicyForm,
            "page.policy",
            values=given,
            errors=errors,
            options={
                "permission": options,
                "allowed": [
                    Option("yes", Phrase("page.policy.may")),
                    Option("no", Phrase("page.policy.may_not")),
                ],
            },
            hints=frozenset({"organization"}),
        )
        failed = [item for item in found if not item.held]
        view = groups_view(
            Phrase("page.admin.policy"),
            Phrase("page.policy.intro"),
            [
                Group(
                    Phrase("page.policy.failed", {"n": len(failed)}),
                    Phrase("page.policy.none_failed"),
                    [line(item) for item in failed],
                ),
                Group(
                    Phrase("page.policy.held"),
                    Phrase("page.policy.none_kept"),
                    [line(item) for item in found if item.held],
                ),
            ],
            [side_form("page.policy.add", "/admin/access/policy", fields)] if may else [],
        )
        return await portal.show(request, TEMPLATE, "page.admin.policy", view, status=status)

    @get("/admin/access/policy", opt=needs("grants.read"))
    async def policies(request: AnyRequest) -> Response[Any]:
        """Run the policy tests, and show what each found."""
        return await policy_page(request)

    @post("/admin/access/policy", opt=needs("grants.manage", body=PolicyForm))
    async def keep(request: AnyRequest) -> Response[Any]:
        """Keep a test of what is to stay true."""
        actor = actor_of(request)
        try:
            form = (await read_form(request, PolicyForm, actor)).form
            if form.permission not in {o.value for o in permission_options(portal)}:
                raise Invalid(field_error("permission", "choice"))
            async with portal.change(request, "policy-kept", f"policy:{form.name}") as tx:
                who = await person_named(tx, form.username)
                if who is None or not await is_seen(tx, request, who):
                    raise Invalid(field_error("username", "person-unknown"))
                await need_person(tx, request, who)
                unit = await by_code(tx, form.organization) if form.organization else None
                if form.organization and unit is None:
                    raise Invalid(field_error("organization", "organization-unknown"))
                try:
                    await policy.keep(
                        tx,
                        form.name,
                        who,
                        form.permission,
                        allowed=form.allowed == "yes",
                        organization_id=unit.id if unit else None,
                        by=actor.person_id,
                    )
                except GrantError as error:
                    raise Invalid(field_error("name", error.code)) from None
        except Invalid as wrong:
            if not portal.renderer.wants_page(request.scope):
                raise
            given = await typed(request)
            return await policy_page(request, status=422, errors=wrong.errors, given=given)
        return portal.done(request, "/admin/access/policy", "page.policy.added", status=201)

    @post("/admin/access/policy/{id:uuid}/forget", opt=needs("grants.manage", body=Nothing))
    async def forget(request: AnyRequest, id: FromPath[UUID]) -> Response[Any]:
        """Keep a test no longer."""
        await read_form(request, Nothing, actor_of(request))
        async with portal.change(request, "policy-forgotten", f"policy:{id}") as tx:
            try:
                about = await policy.forget(tx, id)
            except GrantError:
                raise NotFound from None
            await need_person(tx, request, about)
        return portal.done(request, "/admin/access/policy", "page.policy.forgotten")

    return [policies, keep, forget]
