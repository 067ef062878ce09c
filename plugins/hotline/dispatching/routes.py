"""The routes of dispatching: the desk, what is done there, the rules and what they would change."""

from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from plugin_sdk.cases.forms import ActForm
from plugin_sdk.forms import CHANGE_FIELD, Submission, asked_for, read_typed, validate
from plugin_sdk.ports import Answer, Read, Work
from plugin_sdk.problems import Invalid
from plugin_sdk.registers import register_routes
from plugin_sdk.routes import actor_of, needs, respond
from plugin_sdk.taking import BLANK, ShowAgain, Typed, keeping, take
from plugin_sdk.views import View
from plugins.hotline.desk import OrderDesk
from plugins.hotline.dispatching.desk import DISPATCH, Coordinate, DispatchDesk
from plugins.hotline.dispatching.forms import FollowForm, WhatIfForm
from plugins.hotline.dispatching.rules import EDIT, RuleDesk
from plugins.hotline.dispatching.whatif import what_if_view
from plugins.hotline.forms import DispatchForm

Ask = Request[Any, Any, Any]
Number = FromPath[str]
Chosen = Annotated[str, QueryParameter(max_length=100)]


def of(orders: OrderDesk, coordinate: Coordinate | None = None) -> list[HTTPRouteHandler]:
    """Return the routes; `coordinate` says where an order is taken to coordination."""
    desk = DispatchDesk(orders, coordinate)
    return [*_desk(desk), *_what_if(desk.rules), *register_routes(desk.rules)]


def _desk(desk: DispatchDesk) -> list[HTTPRouteHandler]:
    hub, engine = desk.hub, desk.engine

    async def shown(
        request: Ask, number: str | None, typed: Typed = BLANK, filled: str = ""
    ) -> Response[Any]:
        async with hub.read(actor_of(request)) as read:
            view = await desk.view(read, number, typed, filled)
        return await respond(hub, request, Answer(view=view))

    @get("/dispatch", opt=needs(DISPATCH), operation_id="order-queue")
    async def show_queue(request: Ask) -> Response[Any]:
        """Show what waits to be dispatched, and the first of it."""
        return await shown(request, None)

    @get("/dispatch/{number:str}", opt=needs(DISPATCH), operation_id="order-at-hand")
    async def show_order(
        request: Ask, number: Number, category: Chosen = "", unit: Chosen = ""
    ) -> Response[Any]:
        """Show an order with what is proposed; what was taken of it is filled in."""
        taken = {"category": category, "unit": unit}
        typed = Typed(values={name: value for name, value in taken.items() if value})
        return await shown(request, number, typed)

    def again(number: str) -> ShowAgain:
        async def show(read: Read, typed: Typed) -> View:
            return await desk.view(read, number, typed)

        return show

    async def done(request: Ask, number: str, verb: str, form: type[ActForm]) -> Response[Any]:
        async def act(work: Work, sent: Submission[Any]) -> Answer:
            row = await engine.act(work, await engine.id_of(work, number), verb, sent.form)
            return Answer(
                view=desk.orders.acted_view(row),
                location=desk.here,
                said=engine.words(f"said.{verb}"),
            )

        await engine.prepare(verb)
        return await take(hub, request, form, again(number), act)

    @post(
        "/dispatch/{number:str}",
        opt=needs(DISPATCH, body=DispatchForm),
        operation_id="order-dispatch-at-desk",
    )
    async def dispatch(
        request: Ask, number: Number, category: Chosen = "", unit: Chosen = ""
    ) -> Response[Any]:
        """Dispatch an order, and go on to the next; or show it again with a proposal filled in
        beside what was typed."""
        proposed = {"category": category, "unit": unit}
        filled = await asked_for(request, CHANGE_FIELD)
        if filled not in proposed:
            return await done(request, number, "dispatch", DispatchForm)
        actor = actor_of(request)
        async with keeping(hub, request, actor, again(number)):
            values, _ = await read_typed(request, actor)
        typed = Typed(values={**values, filled: proposed[filled]})
        return await shown(request, number, typed, filled)

    @post(
        "/dispatch/{number:str}/follow",
        opt=needs(DISPATCH, body=FollowForm),
        operation_id="order-follow-at-desk",
    )
    async def follow(request: Ask, number: Number) -> Response[Any]:
        """Put an order on the one that it repeats, and go on to the next."""
        return await done(request, number, "follow", FollowForm)

    return [show_queue, show_order, dispatch, follow]


def _what_if(rules: RuleDesk) -> list[HTTPRouteHandler]:
    hub = rules.hub

    @get("/rules/what-if", opt=needs(EDIT), operation_id="responsibility-what-if")
    async def show_what_if(
        request: Ask,
        category: Chosen = "",
        region: Chosen = "",
        kind: Chosen = "",
        urgency: Chosen = "",
        unit: Chosen = "",
    ) -> Response[Any]:
        """Say which orders of the last days would go elsewhere if a rule stood."""
        values = {"category": category, "region": region, "kind": kind, "urgency": urgency}
        values |= {"unit": unit}
        form, typed = None, BLANK
        if any(values.values()):
            try:
                form = validate(WhatIfForm, values)
            except Invalid as wrong:
                typed = Typed(values=values, errors=wrong.errors)
        async with hub.read(actor_of(request)) as read:
            view = await what_if_view(rules, read, form, typed)
        return await respond(hub, request, Answer(view=view))

    return [show_what_if]
