"""The routes of the operator's desk, of calls, and of the exchange's events."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter
from litestar.response import Redirect

from plugin_sdk.deadlines import local_day
from plugin_sdk.forms import F, Form, Submission, read_form, read_typed
from plugin_sdk.identifiers import normalize_phone
from plugin_sdk.ports import Answer, Hub, Read, Work
from plugin_sdk.problems import AppConflict
from plugin_sdk.routes import PUBLIC, actor_of, needs, respond
from plugin_sdk.taking import Of, Typed, form_routes, keeping, take
from plugin_sdk.views import FormView, Phrase, View
from plugins.hotline.calls.desk import DESK, INTAKE, Desk
from plugins.hotline.calls.forms import (
    CallBackForm,
    DeskForm,
    DialForm,
    FinishForm,
    RingForm,
    SeatForm,
)
from plugins.hotline.calls.listing import ASKED, FILES, calls_file, calls_view
from plugins.hotline.calls.simulated import SimulatedExchange
from plugins.hotline.calls.switchboard import READ, TAKE, Switchboard
from plugins.hotline.models import Order

Ask = Request[Any, Any, Any]
Id = FromPath[UUID]
Asked = Callable[[], Awaitable[None]]
"""What the exchange is asked once a call is kept."""
Text = Annotated[str, QueryParameter(max_length=600)]
Cursor = Annotated[str, QueryParameter(max_length=200)]
Begin = Annotated[UUID | None, QueryParameter()]


class Received(msgspec.Struct):
    """What an event is answered."""

    received: bool = True


def of(board: Switchboard) -> list[HTTPRouteHandler]:
    """Return the handlers of calls, each marked with its permission."""
    desk = Desk(board)
    kinds = [_reading, _taking, _calling, _listening]
    if isinstance(board.exchange, SimulatedExchange):
        kinds.append(_simulating)
    return [route for kind in kinds for route in kind(desk)]


def without() -> list[HTTPRouteHandler]:
    """Return the desk of a hub without an exchange: the intake form."""

    @get("/desk", opt=needs(TAKE), operation_id="desk")
    async def show_intake(request: Ask) -> Redirect:
        """Lead to the intake form: no exchange is connected."""
        return Redirect(INTAKE, status_code=303)

    return [show_intake]


def _reading(desk: Desk) -> list[HTTPRouteHandler]:
    hub = desk.board.hub

    @get("/desk", opt=needs(TAKE), operation_id="desk")
    async def show_desk(request: Ask, filed: Cursor = "") -> Response[Any]:
        """Show the operator's desk: what rings, the call at it, who called."""
        await desk.orders.prepare()
        async with hub.read(actor_of(request)) as read:
            view = await desk.view(read, filed=filed)
        return await respond(hub, request, Answer(view=view))

    @get("/desk/phone", opt=needs(TAKE), operation_id="desk-phone")
    async def show_phone(request: Ask, seen: Text = "-", shown: Cursor = "") -> Response[Any]:
        """Show the telephone alone; nothing (204) while it is as it was `seen`."""
        async with hub.read(actor_of(request)) as read:
            view = await desk.phone(read, shown)
        if view.seen == seen:
            return Response(None, status_code=204)
        return await respond(hub, request, Answer(view=view))

    @get("/calls", opt=needs(READ), operation_id="calls")
    async def list_calls(request: Ask, cursor: Cursor = "") -> Response[Any]:
        """List calls, newest first."""
        async with hub.read(actor_of(request)) as read:
            view = await calls_view(read, _asked(request), cursor)
        return await respond(hub, request, Answer(view=view))

    return [show_desk, show_phone, list_calls, *(_file(hub, kind) for kind in FILES)]


def _file(hub: Hub, kind: str) -> HTTPRouteHandler:
    @get(f"/calls.{kind}", opt=needs(READ), operation_id=f"calls-{kind}")
    async def export_calls(request: Ask) -> Response[bytes]:
        """Send the calls that were chosen as a file, numbers masked."""
        content = await calls_file(hub, actor_of(request), _asked(request), kind)
        name = f"{hub.app}-calls-{local_day(hub.now()):%Y%m%d}.{kind}"
        headers = {
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        }
        return Response(content, media_type=FILES[kind], headers=headers)

    return export_calls


def _asked(request: Ask) -> dict[str, str]:
    given = request.query_params
    return {name: given[name][:40] for name in ASKED if given.get(name)}


def _taking(desk: Desk) -> list[HTTPRouteHandler]:
    board, hub = desk.board, desk.board.hub

    @post("/calls/{id:uuid}/answer", opt=needs(TAKE, body=Form), operation_id="call-answer")
    async def answer(request: Ask, id: Id) -> Response[Any]:
        """Take a ringing call to one's desk."""

        async def do(work: Work, form: Form) -> Asked:
            return partial(board.connect, await board.answer(work, id), await board.seat(work))

        return await _act(desk, request, Form, do)

    @post("/calls/{id:uuid}/finish", opt=needs(TAKE, body=FinishForm), operation_id="call-finish")
    async def finish(request: Ask, id: Id) -> Response[Any]:
        """End a call that became no order, with how it ended."""

        async def do(work: Work, form: FinishForm) -> Asked:
            return partial(board.release, await board.finish(work, id, form))

        return await _act(desk, request, FinishForm, do, part="finish", said="finish")

    @post(
        "/calls/{id:uuid}/order",
        opt=needs("order.intake", body=DeskForm),
        operation_id="call-order",
    )
    async def file(request: Ask, id: Id) -> Response[Any]:
        """Open an order for the caller; with a reply it is answered on the spot."""

        async def do(work: Work, sent: Submission[DeskForm]) -> Answer:
            order = await board.file(work, id, sent.form)
            await work.session.flush()
            done = "answered" if sent.form.reply else "order"
            return Answer(
                view=desk.orders.submitted_view(order),
                location=f"{DESK}?filed={order.number}",
                status=201,
                said=Phrase(f"hotline.call.said.{done}", {"number": order.number}),
            )

        await desk.orders.prepare()
        return await take(hub, request, DeskForm, _again(desk, "order"), do)

    @post("/calls/{id:uuid}/hang-up", opt=needs(TAKE, body=Form), operation_id="call-hang-up")
    async def hang_up(request: Ask, id: Id) -> Response[Any]:
        """Let the exchange end a call of one's own."""

        async def do(work: Work, form: Form) -> Asked:
            return partial(board.release, await board.hang_up(work, id))

        return await _act(desk, request, Form, do, said="hang_up")

    @post("/calls/{id:uuid}/look", opt=needs("order.intake"), operation_id="call-look")
    async def look(request: Ask, id: Id, begin: Begin = None) -> Response[Any]:
        """Show the desk with what was typed so far, the requests that it may repeat and the answers
        near to it (to `q`, where there is one); or the reply begun with one of them."""
        actor = actor_of(request)
        await desk.orders.prepare()
        async with keeping(hub, request, actor, _again(desk, "order")):
            values, _ = await read_typed(request, actor)
            async with hub.read(actor) as read:
                typed = Typed(values=values)
                if begin is not None:
                    typed = await desk.begun(read, typed, begin)
                view = await desk.looked(read, id, typed, str(values.get("q") or ""))
        return await respond(hub, request, Answer(view=view))

    return [answer, finish, file, hang_up, look]


async def _act(
    desk: Desk,
    request: Ask,
    form: type[F],
    do: Callable[[Work, F], Awaitable[Asked]],
    *,
    part: str = "",
    said: str = "",
    status: int = 200,
) -> Response[Any]:
    """Do something with a call, and once that is kept ask of the exchange what `do` returned;
    what is only answered once more is not asked again."""
    asked: list[Asked] = []
    hub, again = desk.board.hub, _again(desk, part)

    async def act(work: Work, sent: Submission[F]) -> Answer:
        asked.append(await do(work, sent.form))
        await work.session.flush()
        return Answer(
            view=await desk.view(work, kept=True),
            location=DESK,
            status=status,
            said=Phrase(f"hotline.call.said.{said}") if said else None,
        )

    await desk.orders.prepare()
    async with keeping(hub, request, actor_of(request), again):
        response = await take(hub, request, form, again, act)
        for ask in asked:
            await ask()
        await _heard(desk.board)
    return response


def _calling(desk: Desk) -> list[HTTPRouteHandler]:
    board, hub = desk.board, desk.board.hub

    async def placed(work: Work, phone: str, order: Order | None = None) -> Asked:
        call = await board.dial(work, phone, order)
        return partial(board.place, call, phone, await board.seat(work) or "")

    @post("/calls/out", opt=needs(TAKE, body=DialForm), operation_id="call-dial")
    async def dial(request: Ask) -> Response[Any]:
        """Call a number: one's own telephone rings first."""

        async def do(work: Work, form: DialForm) -> Asked:
            return await placed(work, normalize_phone(form.number))

        return await _act(desk, request, DialForm, do, part="dial", said="dial", status=201)

    @post(
        "/orders/{number:str}/call", opt=needs(TAKE, body=CallBackForm), operation_id="order-call"
    )
    async def call_back(request: Ask, number: FromPath[str]) -> Response[Any]:
        """Call who asked, by a click: the number is not shown."""

        async def do(work: Work, form: CallBackForm) -> Asked:
            order = await desk.orders.engine.find(work, number)
            if not order.caller_phone:
                raise AppConflict("hotline", "call-no-number")
            return await placed(work, order.caller_phone, order)

        return await _act(desk, request, CallBackForm, do, said="dial", status=201)

    async def show_seat(read: Read, of: Of, typed: Typed) -> View:
        return await desk.view(read, "seat", typed)

    async def sit(work: Work, of: Of, form: SeatForm) -> Answer:
        await board.sit(work, form.extension)
        await work.session.flush()
        said = Phrase("hotline.call.said.sit", {"extension": form.extension})
        return Answer(view=await desk.view(work, kept=True), location=DESK, said=said)

    seats = form_routes(
        hub,
        SeatForm,
        TAKE,
        name="desk-seat",
        does="Say on which telephone one takes calls.",
        at="/seat",
        show=show_seat,
        do=sit,
        before=desk.orders.prepare,
    )
    return [dial, call_back, *seats]


def _listening(desk: Desk) -> list[HTTPRouteHandler]:
    board = desk.board

    @post("/telephony/events", opt=needs(PUBLIC), operation_id="telephony-event", status_code=200)
    async def take_event(request: Ask) -> Received:
        """Take a signed event of the exchange. What is sent again is answered as it was."""
        await board.receive(request.headers, await request.body())
        return Received()

    return [take_event]


def _simulating(desk: Desk) -> list[HTTPRouteHandler]:
    board, hub = desk.board, desk.board.hub
    exchange = board.exchange
    assert isinstance(exchange, SimulatedExchange)  # noqa: S101  (`of` asked)

    async def show(read: Read, typed: Typed) -> View:
        return FormView(
            title=Phrase("hotline.call.simulated.title"),
            intro=Phrase("hotline.call.simulated.what"),
            action="/apps/hotline/telephony/simulated",
            verb=Phrase("hotline.call.simulated.ring"),
            fields=typed.fields(RingForm, "hotline.call", hints=frozenset({"phone", "line"})),
            conflict=typed.conflict,
            cancel=DESK,
        )

    @get("/telephony/simulated", opt=needs(TAKE), operation_id="telephony-simulated")
    async def show_exchange(request: Ask) -> Response[Any]:
        """Show the simulated exchange."""
        async with hub.read(actor_of(request)) as read:
            view = await show(read, Typed())
        return await respond(hub, request, Answer(view=view))

    @post("/telephony/simulated", opt=needs(TAKE, body=RingForm), operation_id="telephony-ring")
    async def ring(request: Ask) -> Response[Any]:
        """Let a call come in at the simulated exchange."""
        actor = actor_of(request)
        async with keeping(hub, request, actor, show):
            sent = await read_form(request, RingForm, actor)
            await exchange.ring(sent.form.phone or "", sent.form.line)
        await _heard(board)
        async with hub.read(actor) as read:
            view = await desk.view(read)
        said = Phrase("hotline.call.said.ring")
        return await respond(hub, request, Answer(view=view, location=DESK, said=said))

    return [show_exchange, ring]


def _again(desk: Desk, part: str) -> Any:
    async def again(read: Read, typed: Typed) -> View:
        return await desk.view(read, part, typed)

    return again


async def _heard(board: Switchboard) -> None:
    """Hear at once what a simulated exchange has to say; a real one sends it."""
    if isinstance(board.exchange, SimulatedExchange):
        await board.exchange.deliver(board.receive)
