"""投诉建议 as the owners of apps read and answer them: those about their own apps alone."""

from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from pydantic import Field

from core.governance.feedback import app_of, feedback, reply
from plugin_sdk.forms import Form, read_form
from plugin_sdk.problems import Conflict, NotFound
from plugin_sdk.routes import actor_of, needs
from portal.pages.context import AnyRequest, Portal
from portal.pages.governance.sight import sight
from portal.pages.rows import app_name


class ReplyForm(Form):
    """What the owner answers."""

    reply: str = Field(min_length=2, max_length=2000)


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""

    @get("/owner/feedback", opt=needs("feedback.read"))
    async def read_feedback(request: AnyRequest) -> Response[Any]:
        """Show the complaints and suggestions about one's apps, unanswered first."""
        async with portal.read() as tx:
            found = await feedback(tx, apps=(await sight(tx, request)).apps(portal))
        known = {item.app for item in found}
        view = {
            "complaints": found,
            "names": {
                name: portal.renderer.text(request.scope, app_name(portal, name)) for name in known
            },
            "may_answer": portal.may(actor_of(request), "feedback.answer"),
        }
        return await portal.show(request, "owner_feedback.html", "page.owner_feedback.title", view)

    @post("/owner/feedback/{id:uuid}", opt=needs("feedback.answer", body=ReplyForm))
    async def answer_feedback(request: AnyRequest, id: FromPath[UUID]) -> Response[Any]:
        """Answer a complaint or suggestion, once."""
        actor = actor_of(request)
        form = (await read_form(request, ReplyForm, actor)).form
        async with portal.change(request, "feedback-answered", f"feedback:{id}") as tx:
            own = (await sight(tx, request)).apps(portal)
            if own is not None and await app_of(tx, id) not in own:
                raise NotFound
            if actor.person_id is None or not await reply(tx, id, form.reply, by=actor.person_id):
                raise Conflict("feedback-answered")
        portal.services.jobs.wake()
        return portal.done(request, "/owner/feedback", "feedback.replied")

    return [read_feedback, answer_feedback]
