"""The routes of meetings."""

from typing import Any, Final

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from plugin_sdk.forms import Form
from plugin_sdk.meetings.desk import MeetingDesk
from plugin_sdk.meetings.engine import HELD
from plugin_sdk.meetings.forms import CallForm
from plugin_sdk.ports import Answer, Read, Work
from plugin_sdk.problems import Conflict
from plugin_sdk.routes import actor_of, needs, respond
from plugin_sdk.taking import Of, Typed, form_routes
from plugin_sdk.views import Phrase, View

Ask = Request[Any, Any, Any]
Number = FromPath[str]


DOES: Final = {
    "hold": "Record that a meeting was held, and who came.",
    "ask": "Record what was asked at a meeting.",
    "publish": "Publish the minutes of a meeting.",
    "cancel": "Call a meeting off.",
}


def meeting_routes(desk: MeetingDesk[Any]) -> list[HTTPRouteHandler]:
    """Return the handlers of meetings, each marked with its permission."""
    routes = [*_reading(desk), *_calling(desk)]
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
        f"{meeting.path}/{{number:str}}",
        opt=needs(meeting.read),
        operation_id=f"{meeting.name}-detail",
    )
    async def show_meeting(request: Ask, number: Number) -> Response[Any]:
        """Show a meeting: notice, attendance, questions, minutes."""
        async with hub.read(actor_of(request)) as read:
            view = await desk.view(read, await engine.find(read, number))
        return await respond(hub, request, Answer(view=view))

    return [list_meetings, show_meeting]


def _calling(desk: MeetingDesk[Any]) -> list[HTTPRouteHandler]:
    meeting = desk.engine.meeting

    async def show(read: Read, of: Of, typed: Typed) -> View:
        return await desk.call_view(read, typed)

    async def call(work: Work, of: Of, form: CallForm) -> Answer:
        row = await desk.engine.call(work, form)
        return Answer(
            view=await desk.view(work, row),
            location=desk.engine.href(row.number),
            status=201,
            said=Phrase("meetings.said.call"),
        )

    return form_routes(
        desk.hub,
        CallForm,
        meeting.call,
        name=f"{meeting.name}-call",
        does="Call a meeting.",
        new=f"{meeting.path}/new",
        at=meeting.path,
        show=show,
        do=call,
        start=True,
    )


def _acting(desk: MeetingDesk[Any], verb: str, form: type[Form]) -> list[HTTPRouteHandler]:
    engine, meeting = desk.engine, desk.engine.meeting

    async def show(read: Read, of: Of, typed: Typed) -> View:
        return await desk.act_view(read, of["number"], verb, typed)

    async def act(work: Work, of: Of, given: Any) -> Answer:
        row = await engine.take(work, of["number"])
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
            location=engine.href(row.number),
            said=Phrase(f"meetings.said.{verb}"),
        )

    return form_routes(
        desk.hub,
        form,
        meeting.call,
        name=f"{meeting.name}-{verb}",
        does=DOES[verb],
        at=f"{meeting.path}/{{number:str}}/{verb}",
        show=show,
        do=act,
        before=desk.questions.prepare,
    )
