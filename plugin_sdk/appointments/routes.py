"""The routes of appointments for those who book; the counter's are in `counter_routes`."""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from plugin_sdk.appointments.counter_routes import counter_routes
from plugin_sdk.appointments.desk import AppointmentDesk
from plugin_sdk.appointments.engine import AppointmentEngine
from plugin_sdk.appointments.figures import figures_view
from plugin_sdk.appointments.forms import NothingForm
from plugin_sdk.appointments.offering import Offering
from plugin_sdk.appointments.schedule import Offer
from plugin_sdk.figures import figures_route
from plugin_sdk.forms import Submission
from plugin_sdk.ports import Answer, Read, Work
from plugin_sdk.problems import NotFound
from plugin_sdk.routes import actor_of, needs, respond
from plugin_sdk.taking import Typed, take
from plugin_sdk.views import Phrase, View

Ask = Request[Any, Any, Any]
Text = FromPath[str]
Day = Annotated[str, QueryParameter(max_length=10)]


def appointment_routes(engine: AppointmentEngine[Any]) -> list[HTTPRouteHandler]:
    """Return the handlers of appointments, each marked with its permission."""
    return [
        *_offered(engine),
        *_booking(engine),
        *_own(engine),
        *_moving(engine),
        *counter_routes(engine),
        figures_route(
            engine.hub,
            engine.declared.figures,
            lambda read, since, until: figures_view(engine, read, since, until),
            name=f"{engine.declared.name}-figures",
            at=f"{engine.declared.path}/figures",
        ),
    ]


def day_of(text: str) -> date:
    """Return the day that an address names. Raises `NotFound`."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise NotFound from None


def _offered(engine: AppointmentEngine[Any]) -> list[HTTPRouteHandler]:
    hub, at, offering = engine.hub, engine.declared.path, Offering(engine)
    book = engine.declared.book

    @get(f"{at}/new", opt=needs(book), operation_id="appointment-choose")
    async def choose(request: Ask) -> Response[Any]:
        """Show the services, their places, and where the next place is free."""
        actor = actor_of(request)
        schedule, barred = await engine.standing(actor)
        async with hub.read(actor) as read:
            view = await offering.choose_view(read, schedule, barred)
        return await respond(hub, request, Answer(view=view))

    @get(f"{at}/new/{{service:str}}/{{place:str}}", opt=needs(book), operation_id="appointment-day")
    async def show_day(request: Ask, service: Text, place: Text, day: Day = "") -> Response[Any]:
        """Show the hours of a day with the places left: the first that has any, unless named."""
        schedule = await engine.schedule()
        chosen = day_of(day) if day else None
        async with hub.read(actor_of(request)) as read:
            view = await offering.day_view(read, schedule, service, place, chosen)
        return await respond(hub, request, Answer(view=view))

    return [choose, show_day]


def _booking(engine: AppointmentEngine[Any]) -> list[HTTPRouteHandler]:
    hub, offering, desk = engine.hub, Offering(engine), AppointmentDesk(engine)
    mark = needs(engine.declared.book, body=NothingForm, start=True)
    at = f"{engine.declared.path}/new/{{service:str}}/{{place:str}}/{{day:str}}/{{clock:str}}"

    async def asked(request: Ask) -> Offer:
        of = request.path_params
        day = day_of(of["day"])
        return await engine.offer(actor_of(request), of["place"], of["service"], day, of["clock"])

    async def booked(request: Ask, *, wait: bool) -> Response[Any]:
        offer = await asked(request)
        schedule = await engine.schedule()

        async def again(read: Read, typed: Typed) -> View:
            return await offering.check_view(read, offer, typed)

        async def do(work: Work, sent: Submission[NothingForm]) -> Answer:
            row = await engine.book(work, offer, wait=wait)
            counts = await engine.counts(work, [offer.slot])
            ahead = counts[offer.slot.key][1] - 1
            return Answer(
                view=await desk.view(work, schedule, row, ahead),
                location=engine.href(row.number),
                status=201,
                said=Phrase(f"appointments.said.{row.state}"),
            )

        return await take(hub, request, NothingForm, again, do)

    @get(at, opt=needs(engine.declared.book, start=True), operation_id="appointment-check")
    async def check(
        request: Ask, service: Text, place: Text, day: Text, clock: Text
    ) -> Response[Any]:
        """Show an hour before it is booked; a full one with its waiting list."""
        offer = await asked(request)
        async with hub.read(actor_of(request)) as read:
            view = await offering.check_view(read, offer)
        return await respond(hub, request, Answer(view=view))

    @post(at, opt=mark, operation_id="appointment-book")
    async def book(
        request: Ask, service: Text, place: Text, day: Text, clock: Text
    ) -> Response[Any]:
        """Book an hour."""
        return await booked(request, wait=False)

    @post(f"{at}/wait", opt=mark, operation_id="appointment-wait")
    async def wait(
        request: Ask, service: Text, place: Text, day: Text, clock: Text
    ) -> Response[Any]:
        """Book an hour, or where it is full wait for a place in it."""
        return await booked(request, wait=True)

    return [check, book, wait]


def _own(engine: AppointmentEngine[Any]) -> list[HTTPRouteHandler]:
    hub, at, desk = engine.hub, engine.declared.path, AppointmentDesk(engine)

    @get(at, opt=needs(engine.declared.read), operation_id="appointment-list")
    async def list_own(request: Ask) -> Response[Any]:
        """List one's own appointments, those to come first."""
        actor = actor_of(request)
        schedule, barred = await engine.standing(actor)
        async with hub.read(actor) as read:
            view = await desk.list_view(read, schedule, barred)
        return await respond(hub, request, Answer(view=view))

    @get(f"{at}/{{number:str}}", opt=needs(engine.declared.read), operation_id="appointment-show")
    async def show(request: Ask, number: Text) -> Response[Any]:
        """Show one appointment."""
        actor, schedule = actor_of(request), await engine.schedule()
        async with hub.read(actor) as read:
            row = await engine.find(read, number)
        ahead = await engine.ahead(row)
        async with hub.read(actor) as read:
            view = await desk.view(read, schedule, row, ahead)
        return await respond(hub, request, Answer(view=view))

    acts = {"cancel": engine.cancel, "confirm": engine.confirm}
    return [list_own, show, *(r for verb, do in acts.items() for r in act_routes(engine, verb, do))]


Act = Callable[[Work, str], Awaitable[Any]]


def act_routes(
    engine: AppointmentEngine[Any],
    verb: str,
    act: Act,
) -> list[HTTPRouteHandler]:
    """Return the form of an act on one's own appointment, and what takes it."""
    hub, desk, permission = engine.hub, AppointmentDesk(engine), engine.declared.book
    at = f"{engine.declared.path}/{{number:str}}/{verb}"

    @get(at, opt=needs(permission), operation_id=f"appointment-{verb}-form")
    async def ask(request: Ask, number: Text) -> Response[Any]:
        async with hub.read(actor_of(request)) as read:
            row = await engine.find(read, number, permission)
            view = await desk.act_view(read, row, verb)
        return await respond(hub, request, Answer(view=view))

    @post(at, opt=needs(permission, body=NothingForm), operation_id=f"appointment-{verb}")
    async def done(request: Ask, number: Text) -> Response[Any]:
        schedule = await engine.schedule()

        async def again(read: Read, typed: Typed) -> View:
            row = await engine.find(read, number, permission)
            return await desk.act_view(read, row, verb, typed)

        async def do(work: Work, sent: Submission[NothingForm]) -> Answer:
            row = await act(work, number)
            return Answer(
                view=await desk.view(work, schedule, row),
                location=engine.href(row.number),
                said=Phrase(f"appointments.said.{row.state}"),
            )

        return await take(hub, request, NothingForm, again, do)

    return [ask, done]


def _moving(engine: AppointmentEngine[Any]) -> list[HTTPRouteHandler]:
    hub, offering, desk = engine.hub, Offering(engine), AppointmentDesk(engine)
    book = engine.declared.book
    at = f"{engine.declared.path}/{{number:str}}/move/{{place:str}}"

    async def asked(request: Ask) -> tuple[Any, Offer]:
        of = request.path_params
        async with hub.read(actor_of(request)) as read:
            row = await engine.find(read, of["number"], book)
        day = day_of(of["day"])
        return row, await engine.offer(
            actor_of(request), of["place"], row.service, day, of["clock"]
        )

    @get(at, opt=needs(book), operation_id="appointment-move-day")
    async def show_day(request: Ask, number: Text, place: Text, day: Day = "") -> Response[Any]:
        """Show the hours for which an appointment can be exchanged."""
        schedule, chosen = await engine.schedule(), day_of(day) if day else None
        async with hub.read(actor_of(request)) as read:
            row = await engine.find(read, number, book)
            view = await offering.day_view(read, schedule, row.service, place, chosen, row)
        return await respond(hub, request, Answer(view=view))

    @get(f"{at}/{{day:str}}/{{clock:str}}", opt=needs(book), operation_id="appointment-move-form")
    async def check(
        request: Ask, number: Text, place: Text, day: Text, clock: Text
    ) -> Response[Any]:
        """Show an hour before it replaces the one that is booked."""
        row, offer = await asked(request)
        async with hub.read(actor_of(request)) as read:
            view = await offering.move_view(read, row, offer)
        return await respond(hub, request, Answer(view=view))

    @post(
        f"{at}/{{day:str}}/{{clock:str}}",
        opt=needs(book, body=NothingForm),
        operation_id="appointment-move",
    )
    async def move(
        request: Ask, number: Text, place: Text, day: Text, clock: Text
    ) -> Response[Any]:
        """Exchange an hour for another: the old one is given back when the new one is had."""
        row, offer = await asked(request)
        schedule = await engine.schedule()

        async def again(read: Read, typed: Typed) -> View:
            return await offering.move_view(read, row, offer, typed)

        async def do(work: Work, sent: Submission[NothingForm]) -> Answer:
            moved = await engine.move(work, number, offer)
            return Answer(
                view=await desk.view(work, schedule, moved),
                location=engine.href(moved.number),
                said=Phrase("appointments.said.moved"),
            )

        return await take(hub, request, NothingForm, again, do)

    return [show_day, check, move]
