"""The routes of 一键挪车, and what they show: the same whether a plate is bound or not."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from plugin_sdk.forms import Submission, read_form
from plugin_sdk.ports import Actor, Answer, Hub, Read, Work
from plugin_sdk.problems import Invalid, NotFound
from plugin_sdk.publishing import published_text
from plugin_sdk.routes import actor_of, needs, respond
from plugin_sdk.taking import BLANK, Of, Typed, form_routes, take
from plugin_sdk.views import ActionView, FormView, Phrase, View
from plugins.traffic.desk import desk_of
from plugins.traffic.identifiers import shown_plate
from plugins.traffic.moving import PERMISSION, Moving, is_owner
from plugins.traffic.moving_forms import AnswerForm, ContactForm, DoneForm, MoveForm, Reply
from plugins.traffic.moving_models import MoveRequest

Ask = Request[Any, Any, Any]


class MoveItem(msgspec.Struct, kw_only=True):
    """A request as either side sees it: never who the other is."""

    number: str
    plate: str
    place: str | None
    asked_at: datetime
    closes_at: datetime
    mine: bool
    open: bool
    said: Phrase
    href: str


class MovesView(View, kw_only=True):
    """What one asked lately, and what was asked of one."""

    template: ClassVar[str] = "traffic_moves.html"
    items: list[MoveItem]
    create: ActionView
    contact: ActionView


class MoveView(View, kw_only=True):
    """One request: what is known, what may be done, and where else to turn."""

    template: ClassVar[str] = "traffic_move.html"
    item: MoveItem
    replies: list[ActionView]
    close_href: str | None
    conflict: Phrase | None = None


def of(hub: Hub) -> list[HTTPRouteHandler]:
    """Return the routes of requests to move a car."""
    moving = Moving(hub)
    return [*_asking(hub, moving), *_looking(hub, moving), *_acting(hub, moving), *_contact(moving)]


def _item(moving: Moving, actor: Actor, row: MoveRequest, now: datetime) -> MoveItem:
    open_ = row.open(now)
    said = Phrase("traffic.moving.said.waiting" if open_ else "traffic.moving.said.over")
    if row.answer is not None:
        said = Phrase(f"traffic.moving.reply.{row.answer}")
    return MoveItem(
        number=row.number,
        plate=shown_plate(row.plate),
        place=published_text(row.place),
        asked_at=row.asked_at,
        closes_at=row.closes_at,
        mine=not is_owner(actor, row),
        open=open_,
        said=said,
        href=moving.href(row.number),
    )


def _view(moving: Moving, read: Read, row: MoveRequest, conflict: Phrase | None = None) -> MoveView:
    item = _item(moving, read.actor, row, read.now)
    replies = [reply for reply in Reply if item.open and not item.mine and row.answer != reply]
    return MoveView(
        item=item,
        replies=[
            ActionView(
                verb=str(reply),
                label=Phrase(f"traffic.moving.reply.{reply}"),
                href=moving.href(row.number, "answer"),
            )
            for reply in replies
        ],
        close_href=moving.href(row.number, "close") if item.open and item.mine else None,
        conflict=conflict,
    )


def _form(moving: Moving, typed: Typed) -> FormView:
    return FormView(
        title=Phrase("traffic.moving.new"),
        intro=Phrase("traffic.moving.intro"),
        action=moving.href(),
        verb=Phrase("traffic.moving.send"),
        fields=typed.fields(MoveForm, "traffic.moving", hints=frozenset({"place"})),
        conflict=typed.conflict,
        cancel=moving.href(),
    )


def _asking(hub: Hub, moving: Moving) -> list[HTTPRouteHandler]:
    @get("/moving/new", opt=needs(PERMISSION, start=True), operation_id="moving-ask-form")
    async def show_form(request: Ask) -> Response[Any]:
        """Show the form: which car, and where."""
        return await respond(hub, request, Answer(view=_form(moving, BLANK)))

    @post("/moving", opt=needs(PERMISSION, body=MoveForm, start=True), operation_id="moving-ask")
    async def ask(request: Ask) -> Response[Any]:
        """Ask that a car be moved."""
        try:
            sent = await read_form(request, MoveForm, actor_of(request))
            called = await moving.called(sent.form.plate)
        except Invalid:  # `take` reads it again, and shows what is wrong
            called = None

        async def again(read: Read, typed: Typed) -> View:
            return _form(moving, typed)

        async def do(work: Work, sent: Submission[MoveForm]) -> Answer:
            if called is None:
                raise NotFound
            row = await moving.ask(work, sent.form, called)
            view = _view(moving, work, row)
            return Answer(view=view, location=view.item.href, status=201)

        return await take(hub, request, MoveForm, again, do)

    return [show_form, ask]


def _looking(hub: Hub, moving: Moving) -> list[HTTPRouteHandler]:
    @get("/moving", opt=needs(PERMISSION), operation_id="moving-list")
    async def show_all(request: Ask) -> Response[Any]:
        """List what one asked lately, and what was asked of one."""
        actor = actor_of(request)
        async with hub.read(actor) as read:
            items = [_item(moving, actor, row, read.now) for row in await moving.latest(read)]
        label, contact = Phrase("traffic.moving.new"), Phrase("traffic.moving.contact")
        view = MovesView(
            items=items,
            create=ActionView(verb="new", label=label, href=moving.href("new"), primary=True),
            contact=ActionView(verb="contact", label=contact, href=moving.href("contact")),
        )
        return await respond(hub, request, Answer(view=view))

    @get("/moving/{number:str}", opt=needs(PERMISSION), operation_id="moving-show")
    async def show(request: Ask, number: FromPath[str]) -> Response[Any]:
        """Show a request to either side of it."""
        async with hub.read(actor_of(request)) as read:
            view = _view(moving, read, await moving.find(read, number))
        return await respond(hub, request, Answer(view=view))

    return [show_all, show]


def _acting(hub: Hub, moving: Moving) -> list[HTTPRouteHandler]:
    def act(verb: str, form: type[Any], do: Any, does: str) -> HTTPRouteHandler:
        async def done(request: Ask, number: FromPath[str]) -> Response[Any]:
            async def again(read: Read, typed: Typed) -> View:
                return _view(moving, read, await moving.find(read, number), typed.conflict)

            async def work_it(work: Work, sent: Submission[Any]) -> Answer:
                view = _view(moving, work, await do(work, number, sent.form))
                return Answer(view=view, location=view.item.href)

            return await take(hub, request, form, again, work_it)

        done.__doc__ = does
        mark = needs(PERMISSION, body=form)
        at = f"/moving/{{number:str}}/{verb}"
        return post(at, opt=mark, operation_id=f"moving-{verb}")(done)

    async def answer(work: Work, number: str, form: AnswerForm) -> MoveRequest:
        return await moving.answer(work, number, form.reply)

    async def close(work: Work, number: str, form: DoneForm) -> MoveRequest:
        return await moving.close(work, number)

    return [
        act("answer", AnswerForm, answer, "Answer as the owner."),
        act("close", DoneForm, close, "Close what one asked for."),
    ]


def _contact(moving: Moving) -> list[HTTPRouteHandler]:
    hub = moving.hub
    units: list[UUID] = []

    async def before() -> None:
        units[:] = [await desk_of(hub).unit()]

    async def show(read: Read, of: Of, typed: Typed) -> View:
        known = {"phone": await moving.phone(read)}
        return FormView(
            title=Phrase("traffic.moving.contact"),
            intro=Phrase("traffic.moving.contact_intro"),
            action=moving.href("contact"),
            verb=Phrase("traffic.moving.keep"),
            fields=typed.fields(ContactForm, "traffic.moving", known),
            conflict=typed.conflict,
            cancel=moving.href(),
        )

    async def keep(work: Work, of: Of, form: ContactForm) -> Answer:
        await moving.reach(work, form, units[0])
        return Answer(
            view=await show(work, of, BLANK),
            location=moving.href(),
            said=Phrase("traffic.moving.kept"),
        )

    return form_routes(
        hub,
        ContactForm,
        PERMISSION,
        name="moving-contact",
        does="Keep the telephone at which an owner wants a text.",
        at="/moving/contact",
        show=show,
        do=keep,
        before=before,
    )
