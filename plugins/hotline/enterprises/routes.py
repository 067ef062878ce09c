"""The routes of the enterprise desk."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from plugin_sdk.codes.registry import is_code
from plugin_sdk.deadlines import local_day
from plugin_sdk.ports import Actor, Answer, Read, Work
from plugin_sdk.problems import NotFound
from plugin_sdk.registers import register_routes
from plugin_sdk.routes import PUBLIC, actor_of, needs, respond
from plugin_sdk.taking import Of, Typed, form_routes
from plugin_sdk.views import ActionView, FormView, Phrase, View
from plugins.hotline.desk import OrderDesk
from plugins.hotline.enterprises.cards import LENGTH
from plugins.hotline.enterprises.desk import RecordDesk
from plugins.hotline.enterprises.forms import WORDS, CallForm, CardForm, WithdrawForm
from plugins.hotline.enterprises.models import GuidanceCard
from plugins.hotline.enterprises.registers import CALL, READ, SpecialistDesk
from plugins.hotline.enterprises.views import CardView

Ask = Request[Any, Any, Any]
Id = FromPath[UUID]
All = Annotated[str, QueryParameter(name="all", max_length=5)]
After = Annotated[str, QueryParameter(max_length=20)]


def enterprise_routes(orders: OrderDesk) -> list[HTTPRouteHandler]:
    """Return the routes of specialists, enterprises, plans, calls and cards."""
    desk = RecordDesk(orders)
    return [
        *register_routes(SpecialistDesk(desk.specialists)),
        *register_routes(desk),
        *register_routes(desk.plans),
        *_calling(desk),
        *_handing_out(desk),
        *_checking(desk),
    ]


def _calling(desk: RecordDesk) -> list[HTTPRouteHandler]:
    hub = desk.hub

    @get("/call-plans/{id:uuid}/calls", opt=needs(CALL), operation_id="enterprise-plan-calls")
    async def show_calls(
        request: Ask, id: Id, everyone: All = "", after: After = ""
    ) -> Response[Any]:
        """Show whom a plan calls: the enterprises that one looks after, or all."""
        async with hub.read(actor_of(request)) as read:
            plan = await desk.plans.engine.find(read, id)
            view = await desk.plan_view(read, plan, mine=everyone != "1", after=after)
        return await respond(hub, request, Answer(view=view))

    async def show(read: Read, of: Of, typed: Typed) -> View:
        return await desk.call_view(read, of["id"], typed, of.get("plan"))

    async def keep(work: Work, of: Of, form: CallForm) -> Answer:
        plan = of.get("plan")
        _, number = await desk.calling.keep(work, of["id"], form, plan)
        here = desk.plans.engine.href(plan, "calls") if plan else desk.engine.href(of["id"])
        said = Phrase(f"{WORDS}.said.call")
        if number is not None:
            said = Phrase(f"{WORDS}.said.order", {"number": number})
        row = await desk.engine.find(work, of["id"])
        return Answer(view=await desk.record_view(work, row), location=here, status=201, said=said)

    def routes(at: str, name: str) -> list[HTTPRouteHandler]:
        return form_routes(
            hub,
            CallForm,
            CALL,
            name=name,
            does="Keep what came of a call to an enterprise.",
            at=at,
            show=show,
            do=keep,
            before=desk.orders.prepare,
        )

    return [
        show_calls,
        *routes("/enterprises/{id:uuid}/call", "enterprise-call"),
        *routes("/call-plans/{plan:uuid}/calls/{id:uuid}", "enterprise-plan-call"),
    ]


def _handing_out(desk: RecordDesk) -> list[HTTPRouteHandler]:
    hub = desk.hub

    async def show(read: Read, of: Of, typed: Typed) -> View:
        return await desk.card_form(read, of["id"], typed)

    async def hand_out(work: Work, of: Of, form: CardForm) -> Answer:
        card = await desk.cards.hand_out(work, of["id"], form)
        return Answer(
            view=_view(desk, card),
            location=desk.cards.href(card),
            status=201,
            said=Phrase(f"{WORDS}.said.card"),
        )

    async def show_withdrawal(read: Read, of: Of, typed: Typed) -> View:
        card = await desk.cards.find(read, of["code"])
        return FormView(
            title=Phrase(f"{WORDS}.card.withdraw"),
            action=desk.cards.href(card, "withdraw"),
            verb=Phrase(f"{WORDS}.card.withdraw"),
            fields=typed.fields(WithdrawForm, f"{WORDS}.card"),
            conflict=typed.conflict,
            cancel=desk.cards.href(card),
            about=desk.cards.facts(card, "good"),
        )

    async def withdraw(work: Work, of: Of, form: WithdrawForm) -> Answer:
        card = await desk.cards.withdraw(work, of["code"], form.reason)
        return Answer(
            view=_view(desk, card),
            location=desk.engine.href(card.enterprise_id),
            said=Phrase(f"{WORDS}.said.withdraw"),
        )

    return [
        *form_routes(
            hub,
            CardForm,
            CALL,
            name="enterprise-card",
            does="Hand out a guidance card.",
            at="/enterprises/{id:uuid}/cards",
            show=show,
            do=hand_out,
        ),
        *form_routes(
            hub,
            WithdrawForm,
            CALL,
            name="enterprise-card-withdraw",
            does="Withdraw a guidance card.",
            at="/cards/{code:str}/withdraw",
            show=show_withdrawal,
            do=withdraw,
        ),
    ]


def _checking(desk: RecordDesk) -> list[HTTPRouteHandler]:
    hub = desk.hub

    @get("/cards/{code:str}", opt=needs(PUBLIC), operation_id="enterprise-card-check")
    async def check(request: Ask, code: FromPath[str]) -> Response[Any]:
        """Show whether a card holds, to anybody who has its code."""
        actor = actor_of(request)
        code = code.strip().upper()
        if not is_code(code, LENGTH):
            raise NotFound
        async with hub.read(hub.system("card check")) as read:
            card = await desk.cards.find(read, code)
        return await respond(hub, request, Answer(view=_view(desk, card, actor)))

    @get("/cards/{code:str}/card.pdf", opt=needs(READ), operation_id="enterprise-card-paper")
    async def paper(request: Ask, code: FromPath[str]) -> Response[bytes]:
        """Return a card on paper."""
        async with hub.read(actor_of(request)) as read:
            card = await desk.cards.find(read, code)
            row = await desk.engine.find(read, card.enterprise_id)
            content = await desk.cards.pdf(card, row.name)
        return Response(
            content,
            media_type="application/pdf",
            headers={"content-disposition": f'inline; filename="{card.code}.pdf"'},
        )

    return [check, paper]


def _view(desk: RecordDesk, card: GuidanceCard, actor: Actor | None = None) -> CardView:
    """Return a card as anybody sees it; who may call enterprises may print and withdraw it."""
    hub = desk.hub
    standing = desk.cards.standing(card, local_day(hub.now()))
    staff = actor is not None and bool(actor.permits_for(f"{hub.app}.{CALL}", hub.now()))
    acts = ("card.pdf", "withdraw") if staff and standing != "withdrawn" else ()
    return CardView(
        title=Phrase(f"{WORDS}.card.heading"),
        code=card.code,
        state=standing,
        state_label=Phrase(f"{WORDS}.card.state.{standing}"),
        facts=desk.cards.facts(card, standing),
        actions=[
            ActionView(
                verb=act,
                label=Phrase(f"{WORDS}.card.{'print' if act == 'card.pdf' else act}"),
                href=desk.cards.href(card, act),
                primary=act == "card.pdf",
            )
            for act in acts
        ],
    )
