"""The administrator's page of organizations and of the working calendar."""

from datetime import date
from typing import Any, ClassVar

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from pydantic import Field

from core.identity import organizations
from core.work.calendar import enter_notice
from core.work.holidays import NoticeError
from plugin_sdk.forms import Form, field_views, read_form, typed
from plugin_sdk.problems import Invalid, field_error
from plugin_sdk.routes import actor_of, needs
from portal.pages.admin.reach import need_everything, need_units
from portal.pages.admin.side import side_form
from portal.pages.context import AnyRequest, Portal


class UnitForm(Form):
    """A new unit of the county."""

    code: str = Field(max_length=32, pattern="^[0-9A-Za-z]+$")
    name: str = Field(max_length=200)
    parent: str = Field(max_length=32)


class HolidayForm(Form):
    """The holiday notice of a year: dates, separated by spaces."""

    year: int = Field(ge=2000, le=2100)
    holidays: str = Field(max_length=2000)
    workdays: str | None = Field(default=None, max_length=1000)

    kinds: ClassVar[Any] = {"holidays": "textarea", "workdays": "textarea"}


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""

    async def page(
        request: AnyRequest, form: Any = None, notice: Any = None, status: int = 200
    ) -> Response[Any]:
        async with portal.read() as tx:
            tree = await organizations.tree(tx)
        actor = actor_of(request)
        forms = []
        if portal.may(actor, "people.manage"):
            forms.append(
                side_form(
                    "page.admin.unit.add",
                    "/admin/organizations",
                    form or field_views(UnitForm, "page.admin.unit"),
                )
            )
        if portal.may(actor, "calendar.manage", everywhere=True):
            forms.append(
                side_form(
                    "page.admin.holiday.enter",
                    "/admin/calendar",
                    notice
                    or field_views(
                        HolidayForm, "page.admin.holiday", hints=frozenset({"holidays"})
                    ),
                )
            )
        year = portal.services.database.clock().year + 1
        view = {
            "organizations": tree,
            "may_change": portal.may(actor, "organizations.manage"),
            "forms": forms,
            "calendar_unknown": None if year in portal.services.calendar.known_years else year,
        }
        return await portal.show(
            request, "admin_organizations.html", "page.admin.organizations", view, status=status
        )

    @get("/admin/organizations", opt=needs("organizations.read"))
    async def listing(request: AnyRequest) -> Response[Any]:
        """Show the organizations down to towns and units, and the calendar."""
        return await page(request)

    @post("/admin/organizations", opt=needs("people.manage", body=UnitForm))
    async def add(request: AnyRequest) -> Response[Any]:
        """Add a unit below an organization."""
        try:
            form = (await read_form(request, UnitForm, actor_of(request))).form
            async with portal.change(request, "organization-added", f"code:{form.code}") as tx:
                parent = await organizations.by_code(tx, form.parent)
                if parent is None:
                    raise Invalid(field_error("parent", "choice"))
                await need_units(tx, request, parent.id)
                if await organizations.closed(tx, parent.id):
                    raise Invalid(field_error("parent", "organization-closed"))
                if await organizations.by_code(tx, form.code) is not None:
                    raise Invalid(field_error("code", "taken"))
                await organizations.add_unit(tx, form.code, form.name, "unit", form.parent)
        except Invalid as wrong:
            if not portal.renderer.wants_page(request.scope):
                raise
            given = await typed(request)
            fields = field_views(UnitForm, "page.admin.unit", values=given, errors=wrong.errors)
            return await page(request, form=fields, status=422)
        return portal.done(request, "/admin/organizations", "page.admin.unit.added", status=201)

    @post("/admin/calendar", opt=needs("calendar.manage", body=HolidayForm))
    async def holidays(request: AnyRequest) -> Response[Any]:
        """Enter the holiday notice of a year; what waited for it is dated soon."""
        try:
            form = (await read_form(request, HolidayForm, actor_of(request))).form
            days = _dates("holidays", form.holidays)
            worked = _dates("workdays", form.workdays or "")
            async with portal.change(request, "holidays-entered", f"year:{form.year}") as tx:
                need_everything(tx, request)
                try:
                    await enter_notice(tx, form.year, days, worked)
                except NoticeError:
                    raise Invalid(field_error("holidays", "date")) from None
        except Invalid as wrong:
            if not portal.renderer.wants_page(request.scope):
                raise
            given = await typed(request)
            fields = field_views(
                HolidayForm, "page.admin.holiday", values=given, errors=wrong.errors
            )
            return await page(request, notice=fields, status=422)
        await portal.services.refresh_calendar()
        return portal.done(request, "/admin/organizations", "page.admin.holiday.entered")

    return [listing, add, holidays]


def _dates(field: str, text: str) -> list[date]:
    try:
        return [date.fromisoformat(word) for word in text.replace(",", " ").split()]
    except ValueError:
        raise Invalid(field_error(field, "date")) from None
