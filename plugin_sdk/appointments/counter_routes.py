"""The routes of the counter: the list of a day, who is here, who was served or did not come."""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Annotated, Any, Final

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from plugin_sdk.appointments import serving
from plugin_sdk.appointments.counter import CounterDesk
from plugin_sdk.appointments.engine import AppointmentEngine
from plugin_sdk.appointments.forms import CodeForm, NothingForm
from plugin_sdk.forms import Submission
from plugin_sdk.ports import Answer, Read, Work
from plugin_sdk.problems import NotFound
from plugin_sdk.routes import actor_of, needs, respond
from plugin_sdk.taking import Typed, take
from plugin_sdk.views import Phrase, View

Ask = Request[Any, Any, Any]
Text = FromPath[str]
Query = Annotated[str, QueryParameter(max_length=40)]
Act = Callable[[AppointmentEngine[Any], Work, str], Awaitable[Any]]

ACTS: Final[dict[str, Act]] = {
    "arrive": serving.arrive,
    "finish": serving.finish,
    "absent": serving.absent,
}


def counter_routes(engine: AppointmentEngine[Any]) -> list[HTTPRouteHandler]:
    """Return the handlers of the counter."""
    hub, at, desk = engine.hub, f"{engine.declared.path}/counter", CounterDesk(engine)
    serve = engine.declared.serve

    @get(at, opt=needs(serve), operation_id="appointment-counter")
    async def show(request: Ask, place: Query = "", day: Query = "") -> Response[Any]:
        """Show who comes on a day (today) to a place where one serves (the first)."""
        try:
            chosen = date.fromisoformat(day) if day else None
        except ValueError:
            raise NotFound from None
        async with hub.read(actor_of(request)) as read:
            view = await desk.view(read, place, chosen)
        return await respond(hub, request, Answer(view=view))

    @post(f"{at}/{{place:str}}", opt=needs(serve, body=CodeForm), operation_id="appointment-here")
    async def check_in(request: Ask, place: Text) -> Response[Any]:
        """Let somebody be here who gives their number, or the queue number of today."""

        async def again(read: Read, typed: Typed) -> View:
            return await desk.view(read, place, None, typed)

        async def do(work: Work, sent: Submission[CodeForm]) -> Answer:
            row = await serving.check_in(engine, work, place, sent.form.code)
            return await _answer(desk, work, row, "arrive")

        return await take(hub, request, CodeForm, again, do)

    return [show, check_in, *(_act(engine, verb, act) for verb, act in ACTS.items())]


def _act(engine: AppointmentEngine[Any], verb: str, act: Act) -> HTTPRouteHandler:
    hub, desk, serve = engine.hub, CounterDesk(engine), engine.declared.serve

    async def done(request: Ask, number: Text) -> Response[Any]:
        async def again(read: Read, typed: Typed) -> View:
            row = await engine.find(read, number, serve)
            return await desk.view(read, row.place, row.day, typed)

        async def do(work: Work, sent: Submission[NothingForm]) -> Answer:
            return await _answer(desk, work, await act(engine, work, number), verb)

        return await take(hub, request, NothingForm, again, do)

    done.__doc__ = f"Record at the counter: {verb}."
    taken = post(
        f"{engine.declared.path}/{{number:str}}/{verb}",
        opt=needs(serve, body=NothingForm),
        operation_id=f"appointment-{verb}",
    )
    return taken(done)


async def _answer(desk: CounterDesk, work: Work, row: Any, verb: str) -> Answer:
    params = {"queue": row.queue}
    return Answer(
        view=await desk.view(work, row.place, row.day),
        location=f"{desk.engine.href('counter')}?place={row.place}&day={row.day}",
        said=Phrase(f"appointments.said.{verb}", params),
    )
