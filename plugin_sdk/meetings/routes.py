"""The routes of meetings."""

from collections.abc import Mapping
from typing import Any

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from plugin_sdk.forms import Form, Submission
from plugin_sdk.meetings.desk import MeetingDesk
from plugin_sdk.meetings.engine import HELD
from plugin_sdk.meetings.forms import CallForm
from plugin_sdk.ports import Answer, Read, Work
from plugin_sdk.problems import Conflict, FieldError
from plugin_sdk.routes import actor_of, needs, respond
from plugin_sdk.taking import take
from plugin_sdk.views import Phrase, View

Ask = Request[Any, Any, Any]
Number = FromPath[str]


def meeting_routes(desk: MeetingDesk[Any]) -> list[HTTPRouteHandler]:
    """Return the handlers of meetings, each marked with its permission."""
    routes = _reading(desk)
    for verb, form in desk.forms.items():
        routes += _acting(desk, verb, form)
    return routes


def _reading(desk: MeetingDesk[Any]) -> list[HTTPRouteHandler]:
    hub, engine, meeting = desk.hub, desk.engine, desk.engine.meeting

    @get(meeting.path, opt=needs(meeting.read), operation_id=f"{meeting.name}-list")
    async def list_meetings(request: Ask) -> Response[Any]:
        """List the latest meetings in scope."""
        async with hub.read(actor_of(request)) as read:
            view = await desk.list_view(read)
        return await respond(hub, request, Answer(view=view))

    @get(
        f"{meeting.path}/new",
        opt=needs(meeting.call, start=True),
        operation_id=f"{meeting.name}-call-form",
    )
    async def new_meeting(request: Ask) -> Response[Any]:
        """Show the form that calls a meeting."""
        async with hub.read(actor_of(request)) as read:
            view = await desk.call_view(read)
        return await respond(hub, request, Answer(view=view))

    @post(
        meeting.path,
        opt=needs(meeting.call, body=CallForm, start=True),
        operation_id=f"{meeting.name}-call",
    )
    async def call_meeting(request: Ask) -> Response[Any]:
        """Call a meeting."""

        async def do(work: Work, sent: Submission[Any]) -> Answer:
            row = await engine.call(work, sent.form)
            return Answer(
                view=await desk.view(work, row),
                location=engine.href(row.number),
                status=201,
                said=Phrase("meetings.said.call"),
            )

        return await take(hub, request, CallForm, desk.call_view, do)

    @get(
        f"{meeting.path}/{{number:str}}",
        opt=needs(meeting.read),
        operation_id=f"{meeting.name}-detail",
    )
    async def show_meeting(request: Ask, number: Number) -> Response[Any]:
        """Show a meeting: notice, attendance, questions, minutes."""
        async with hub.read(actor_of(request)) as read:
            view = await desk.view(read, await engine.find(read, number))
        return await respond(hub, request, Answer(view=view))

    return [list_meetings, new_meeting, call_meeting, show_meeting]


def _acting(desk: MeetingDesk[Any], verb: str, form: type[Form]) -> list[HTTPRouteHandler]:
    hub, engine, meeting = desk.hub, desk.engine, desk.engine.meeting
    path = f"{meeting.path}/{{number:str}}/{verb}"

    def again(number: str) -> Any:
        async def show(
            read: Read,
            values: Mapping[str, Any] | None = None,
            errors: tuple[FieldError, ...] = (),
            conflict: Phrase | None = None,
        ) -> View:
            return await desk.act_view(read, number, verb, values, errors, conflict)

        return show

    @get(path, opt=needs(meeting.call), operation_id=f"{meeting.name}-{verb}-form")
    async def show_form(request: Ask, number: Number) -> Response[Any]:
        """Show the form of an act on a meeting."""
        async with hub.read(actor_of(request)) as read:
            view = await again(number)(read)
        return await respond(hub, request, Answer(view=view))

    @post(path, opt=needs(meeting.call, body=form), operation_id=f"{meeting.name}-{verb}")
    async def do_act(request: Ask, number: Number) -> Response[Any]:
        """Record that a meeting was held, what was asked, its minutes, or that it is off."""
        await desk.questions.prepare()

        async def do(work: Work, sent: Submission[Any]) -> Answer:
            row = await engine.take(work, number)
            given: Any = sent.form
            if verb == "hold":
                await engine.hold(work, row, given)
            elif verb == "publish":
                await engine.publish(work, row, given.minutes)
            elif verb == "cancel":
                await engine.cancel(work, row, given.reason)
            elif row.state != HELD:
                raise Conflict("meetings.moved-on", state=Phrase(f"meetings.state.{row.state}"))
            else:
                await desk.ask(work, row, given)
            return Answer(
                view=await desk.view(work, row),
                location=engine.href(number),
                said=Phrase(f"meetings.said.{verb}"),
            )

        return await take(hub, request, form, again(number), do)

    return [show_form, do_act]
