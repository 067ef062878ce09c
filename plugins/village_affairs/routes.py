"""The routes of village affairs: the kits', the public page, subsidies, figures."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from plugin_sdk.codes import code_routes, entry_route
from plugin_sdk.divisions import villages
from plugin_sdk.duties import duty_routes
from plugin_sdk.duties.page import public_route
from plugin_sdk.figures import figures_route
from plugin_sdk.meetings import meeting_routes
from plugin_sdk.meetings import public as meetings
from plugin_sdk.ports import Actor, Answer, Organization, Read, Work
from plugin_sdk.questions import question_routes
from plugin_sdk.registers import RegisterDesk, register_routes
from plugin_sdk.registers import public as registers
from plugin_sdk.routes import actor_of, needs, respond
from plugin_sdk.taking import BLANK, Of, Typed, form_routes
from plugin_sdk.views import ActionView, FormView, Phrase
from plugins.village_affairs import subsidies
from plugins.village_affairs.desk import Desk
from plugins.village_affairs.figures import PERMISSION, figures_view
from plugins.village_affairs.subsidies import SubsidyForm

Ask = Request[Any, Any, Any]
APP: Final = "village-affairs"


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
        public_route(
            desk.publications,
            desk.book,
            beside=(
                partial(registers.published, desk.assets),
                partial(meetings.published, desk.meetings),
            ),
            actions=_offered,
        ),
        *_subsidies(desk),
        figures_route(desk.hub, PERMISSION, partial(figures_view, desk)),
    ]


def _offered(href: str) -> list[ActionView]:
    """Return what the public page leads to."""
    places = {"ask": f"{href}/ask", "subsidies": f"/apps/{APP}/subsidies"}
    return [
        ActionView(verb=name, label=Phrase(f"{APP}.public.{name}"), href=at, primary=name == "ask")
        for name, at in places.items()
    ]


def _subsidies(desk: Desk) -> list[HTTPRouteHandler]:
    hub, prefix = desk.hub, "village-affairs.subsidy"
    here = f"/apps/{hub.app}/subsidies"

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

    async def show(read: Read, of: Of, typed: Typed) -> FormView:
        return FormView(
            title=Phrase(f"{prefix}.record"),
            action=here,
            verb=Phrase(f"{prefix}.save"),
            fields=typed.fields(SubsidyForm, prefix, hints=frozenset({"identity_number"})),
            conflict=typed.conflict,
            cancel=f"/apps/{hub.app}/publications",
        )

    async def record(work: Work, of: Of, form: SubsidyForm) -> Answer:
        await subsidies.record(hub, work, form)
        view = await show(work, of, BLANK)
        return Answer(view=view, location=f"{here}/new", status=201, said=Phrase(f"{prefix}.said"))

    recording = form_routes(
        hub,
        SubsidyForm,
        "subsidy.record",
        name="subsidy-record",
        does="Record a payment.",
        new="/subsidies/new",
        at="/subsidies",
        show=show,
        do=record,
        start=True,
    )
    return [own, *recording]
