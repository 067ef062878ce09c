"""The administrator's page of devolution: which centre may accept which item."""

from datetime import date
from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from pydantic import Field

from core.access import devolution
from core.identity.organizations import by_code
from plugin_sdk.forms import Form, field_views, read_form, typed
from plugin_sdk.problems import Conflict, Invalid, Problem, field_error
from plugin_sdk.routes import actor_of, needs
from plugin_sdk.times import SHANGHAI
from plugin_sdk.views import Phrase
from portal.pages.admin.reach import need_units
from portal.pages.admin.side import side_form
from portal.pages.context import AnyRequest, Portal
from portal.pages.groups import TEMPLATE, Act, Group, Line, groups_view
from portal.pages.session import Nothing

PAGE = "/admin/access/devolution"
FIELDS = {
    "organization-unknown": "organization",
    "devolution-day": "ends_on",
    "devolution-twice": "item",
    "devolution-item": "item",
    "devolution-name": "name",
    "devolution-basis": "basis",
}


class DevolutionForm(Form):
    """One line of the register."""

    item: str = Field(max_length=64)
    name: str = Field(max_length=200)
    organization: str = Field(max_length=32)
    starts_on: date
    ends_on: date | None = None
    basis: str = Field(max_length=300)


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""

    def today() -> date:
        return portal.services.database.clock().astimezone(SHANGHAI).date()

    async def page(
        request: AnyRequest, *, status: int = 200, given: Any = None, errors: Any = ()
    ) -> Response[Any]:
        async with portal.read() as tx:
            found = await devolution.register(tx)
        may = portal.may(actor_of(request), "grants.manage")

        def line(item: devolution.DevolutionFacts) -> Line:
            over = item.ends_on is not None and item.ends_on < today()
            act = Act(f"{PAGE}/{item.id}/withdraw", Phrase("page.devolution.withdraw"), danger=True)
            until = (
                Phrase("page.why.until", {"date": item.ends_on})
                if item.ends_on
                else Phrase("page.why.no_end")
            )
            return Line(
                id=str(item.id),
                title=f"{item.name} · {item.organization}",
                badge=Phrase("page.behalf.over") if over else None,
                facts=[
                    item.item,
                    Phrase("page.me.since", {"date": item.starts_on}),
                    until,
                    item.basis,
                ],
                acts=[act] if may and item.ends_on is None and item.starts_on <= today() else [],
                over=over,
            )

        fields = field_views(
            DevolutionForm,
            "page.devolution",
            values=given,
            errors=errors,
            hints=frozenset({"item", "organization"}),
        )
        view = groups_view(
            Phrase("page.admin.devolution"),
            Phrase("page.devolution.intro"),
            [
                Group(
                    Phrase("page.devolution.register"),
                    Phrase("page.devolution.none"),
                    [line(item) for item in found],
                )
            ],
            [side_form("page.devolution.add", PAGE, fields)] if may else [],
        )
        return await portal.show(request, TEMPLATE, "page.admin.devolution", view, status=status)

    @get(PAGE, opt=needs("grants.read"))
    async def listing(request: AnyRequest) -> Response[Any]:
        """Show the register with its history."""
        return await page(request)

    @get(f"{PAGE}/may", opt=needs("grants.read"))
    async def may_accept(
        item: FromQuery[str], organization: FromQuery[str], day: FromQuery[str] = ""
    ) -> Response[Any]:
        """Say whether a centre may accept an item on a day (today), and by which document."""
        try:
            asked = date.fromisoformat(day) if day else today()
        except ValueError:
            raise Problem("unknown-choice", status=422) from None
        async with portal.read() as tx:
            unit = await by_code(tx, organization[:32])
            found = await devolution.may_accept(tx, unit.id, item[:64], asked) if unit else None
        return Response({"may": found is not None, "day": asked, "by": found})

    @post(PAGE, opt=needs("grants.manage", body=DevolutionForm))
    async def add(request: AnyRequest) -> Response[Any]:
        """Let a centre accept an item from a day on."""
        actor = actor_of(request)
        try:
            form = (await read_form(request, DevolutionForm, actor)).form
            async with portal.change(
                request, "devolved", f"item:{form.item}", organization=form.organization
            ) as tx:
                entry = devolution.Entry(**form.model_dump())
                try:
                    await devolution.devolve(tx, [entry], by=actor.real_person_id)
                except devolution.DevolutionError as error:
                    raise Invalid(field_error(FIELDS[error.code], error.code)) from None
                unit = await by_code(tx, form.organization)
                await need_units(tx, request, *([unit.id] if unit else []))
        except Invalid as wrong:
            if not portal.renderer.wants_page(request.scope):
                raise
            return await page(request, status=422, errors=wrong.errors, given=await typed(request))
        return portal.done(request, PAGE, "page.devolution.added", status=201)

    @post(f"{PAGE}/{{id:uuid}}/withdraw", opt=needs("grants.manage", body=Nothing))
    async def withdraw(request: AnyRequest, id: FromPath[UUID]) -> Response[Any]:
        """Let a centre accept an item no longer than today; the line stays in the register."""
        await read_form(request, Nothing, actor_of(request))
        async with portal.change(request, "devolution-ended", f"devolution:{id}") as tx:
            try:
                unit = await devolution.withdraw(tx, id, today())
            except devolution.DevolutionError:
                raise Conflict("devolution-unknown") from None
            await need_units(tx, request, unit)
        return portal.done(request, PAGE, "page.devolution.withdrawn")

    return [listing, may_accept, add, withdraw]
