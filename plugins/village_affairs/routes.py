"""The routes of village affairs: the kits', the public page, subsidies, figures."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from plugin_sdk.cases.routes import period_of
from plugin_sdk.codes import code_routes, entry_route
from plugin_sdk.deadlines import local_day
from plugin_sdk.divisions import villages
from plugin_sdk.duties import duty_routes
from plugin_sdk.duties.calendar import read_period
from plugin_sdk.forms import Submission, field_views
from plugin_sdk.meetings import meeting_routes
from plugin_sdk.ports import Actor, Answer, Organization, Read, Work
from plugin_sdk.problems import FieldError
from plugin_sdk.questions import question_routes
from plugin_sdk.registers import RegisterDesk, register_routes
from plugin_sdk.routes import PUBLIC, actor_of, needs, respond
from plugin_sdk.taking import take
from plugin_sdk.views import FormView, Phrase
from plugins.village_affairs import public, subsidies
from plugins.village_affairs.desk import Desk
from plugins.village_affairs.figures import PERMISSION, figures_view

Ask = Request[Any, Any, Any]
Code = FromPath[str]
Query = Annotated[str, QueryParameter(max_length=20)]


def of(desk: Desk) -> list[HTTPRouteHandler]:
    """Return every route of the app."""

    async def within(actor: Actor) -> Sequence[Organization]:
        return await villages(desk.hub, actor.organization_id)

    return [
        *duty_routes(desk.publications),
        *register_routes(RegisterDesk(desk.catalogue)),
        *register_routes(desk.assets),
        *question_routes(desk.questions),
        *meeting_routes(desk.meetings),
        *code_routes(desk.book, "code.print", within, "/codes"),
        entry_route(desk.book),
        *_public(desk),
        *_subsidies(desk),
        _figures(desk),
    ]


def _public(desk: Desk) -> list[HTTPRouteHandler]:
    hub = desk.hub

    @get("/c/{code:str}", opt=needs(PUBLIC), operation_id="public-page")
    async def show_village(request: Ask, code: Code, period: Query = "") -> Response[Any]:
        """Show what a village publishes, to everybody."""
        month = read_period(period) if period else None
        return await respond(hub, request, Answer(view=await public.page(desk, code, month)))

    return [show_village]


def _subsidies(desk: Desk) -> list[HTTPRouteHandler]:
    hub, prefix = desk.hub, "village-affairs.subsidy"
    here = f"/apps/{hub.app}/subsidies"

    async def form(
        read: Read,
        values: Mapping[str, Any] | None = None,
        errors: tuple[FieldError, ...] = (),
        conflict: Phrase | None = None,
    ) -> FormView:
        hints = frozenset({"identity_number"})
        return FormView(
            title=Phrase(f"{prefix}.record"),
            action=here,
            verb=Phrase(f"{prefix}.save"),
            fields=field_views(
                subsidies.SubsidyForm, prefix, values=values, errors=errors, hints=hints
            ),
            conflict=conflict,
            cancel=f"/apps/{hub.app}/publications",
        )

    @get("/subsidies", opt=needs("subsidy.own"), operation_id="own-subsidies")
    async def own(request: Ask) -> Response[Any]:
        """Show what was paid to whoever asks, and to nobody else."""
        index = await hub.numbers.own(actor_of(request))
        view = subsidies.OwnSubsidiesView(
            title=Phrase(f"{prefix}.own"),
            known=index is not None,
            items=await subsidies.own(hub, index),
        )
        return await respond(hub, request, Answer(view=view))

    @get("/subsidies/new", opt=needs("subsidy.record", start=True), operation_id="subsidy-form")
    async def new(request: Ask) -> Response[Any]:
        """Show the form of a payment."""
        async with hub.read(actor_of(request)) as read:
            view = await form(read)
        return await respond(hub, request, Answer(view=view))

    @post(
        "/subsidies",
        opt=needs("subsidy.record", body=subsidies.SubsidyForm, start=True),
        operation_id="subsidy-record",
    )
    async def record(request: Ask) -> Response[Any]:
        """Record a payment."""

        async def do(work: Work, sent: Submission[Any]) -> Answer:
            await subsidies.record(hub, work, sent.form)
            said = Phrase(f"{prefix}.said")
            return Answer(view=await form(work), location=f"{here}/new", status=201, said=said)

        return await take(hub, request, subsidies.SubsidyForm, form, do)

    return [own, new, record]


def _figures(desk: Desk) -> HTTPRouteHandler:
    @get("/figures", opt=needs(PERMISSION), operation_id="figures")
    async def show_figures(request: Ask, since: Query = "", until: Query = "") -> Response[Any]:
        """Show the figures of a period: the last ninety days unless named."""
        first, last = period_of(since, until, local_day(desk.hub.now()))
        async with desk.hub.read(actor_of(request)) as read:
            view = await figures_view(desk, read, first, last)
        return await respond(desk.hub, request, Answer(view=view))

    return show_figures
