"""The routes of accidents beside those of their flow: photos, invitation, joining, the paper."""

from typing import Annotated, Any, Final

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from plugin_sdk.cases.routes import case_routes
from plugin_sdk.forms import Form, Submission, read_form
from plugin_sdk.ports import Answer, Read, Work
from plugin_sdk.problems import AppConflict, NotFound
from plugin_sdk.routes import actor_of, needs, respond
from plugin_sdk.taking import BLANK, Typed, keeping, take
from plugin_sdk.views import FormView, Phrase, View
from plugins.traffic.accidents.desk import WORDS, AccidentDesk
from plugins.traffic.accidents.forms import JoinForm, PhotoForm
from plugins.traffic.accidents.models import Accident, AccidentSide
from plugins.traffic.accidents.sides import in_person, own_side

Ask = Request[Any, Any, Any]
Number = FromPath[str]
Code = Annotated[str, QueryParameter(max_length=20)]
AGREE: Final = "accident.agree"


def accident_routes(desk: AccidentDesk) -> list[HTTPRouteHandler]:
    """Return the routes of accidents."""
    return [
        *_joining(desk),
        *case_routes(desk, figures="/accidents/figures"),
        *_shooting(desk),
        *_inviting(desk),
        _paper(desk),
    ]


async def _mine(desk: AccidentDesk, read: Read, number: str) -> tuple[Accident, AccidentSide]:
    """Return an accident, and the side of it that the actor is. Raises `NotFound`."""
    row = await desk.engine.find(read, number)
    side = await own_side(read, row.id)
    if side is None:
        raise NotFound
    return row, side


def _shooting(desk: AccidentDesk) -> list[HTTPRouteHandler]:
    hub, evidence = desk.hub, desk.evidence
    path = "/accidents/{number:str}/photos/{view:str}"

    async def form(read: Read, number: str, view: str, typed: Typed) -> FormView:
        row, side = await _mine(desk, read, number)
        asked = evidence.asked(side.side)
        if view not in asked:
            raise NotFound
        fields = typed.fields(PhotoForm, WORDS)
        for field in fields:
            field.original = field.alone = True
            field.hint = Phrase(f"{WORDS}.shot.{view}")
        return FormView(
            title=Phrase(f"{WORDS}.view.{view}"),
            intro=Phrase(f"{WORDS}.step", {"n": asked.index(view) + 1, "of": len(asked)}),
            action=desk.engine.href(number, f"photos/{view}"),
            verb=Phrase(f"{WORDS}.keep_photo"),
            fields=fields,
            multipart=True,
            conflict=typed.conflict,
            cancel=desk.engine.href(row.number),
        )

    @get(path, opt=needs(AGREE), operation_id="accident-photo-form")
    async def show_view(request: Ask, number: Number, view: FromPath[str]) -> Response[Any]:
        """Show what a photo has to show."""
        async with hub.read(actor_of(request)) as read:
            shown = await form(read, number, view, BLANK)
        return await respond(hub, request, Answer(view=shown))

    @post(path, opt=needs(AGREE, body=PhotoForm), operation_id="accident-photo")
    async def keep_view(request: Ask, number: Number, view: FromPath[str]) -> Response[Any]:
        """Keep the photo of a view; who sent it is told where it contradicts the report."""
        actor = actor_of(request)

        async def again(read: Read, typed: Typed) -> View:
            return await form(read, number, view, typed)

        async with keeping(hub, request, actor, again):
            sent = await desk.draw(await read_form(request, PhotoForm, actor, max_files=1))
            async with hub.work(actor, sent.key) as work:
                in_person(work)
                id = await desk.engine.id_of(work, number)
                row = await work.get(Accident, id, permission=desk.flow.read)
                row, side = await _mine(desk, work, number)
                if view not in evidence.asked(side.side):
                    raise NotFound
                if not desk.may_take(row, side):
                    raise AppConflict(hub.app, "photos-closed")
                photo = await evidence.add(work, row, side, view, sent.pictures[0])
                missing = evidence.missing(await evidence.photos(work, row), side.side)
                doubts = evidence.doubts(row, photo)
                said = f"doubt.{'_and_'.join(doubts)}" if doubts else "photo_kept"
                answer = work.answer(
                    Answer(
                        view=await desk.detail_view(work, row),
                        location=desk.engine.href(number, f"photos/{missing[0]}")
                        if missing and not doubts
                        else desk.engine.href(number),
                        status=201,
                        said=Phrase(f"{WORDS}.{said}"),
                    )
                )
        return await respond(hub, request, answer)

    return [show_view, keep_view]


def _inviting(desk: AccidentDesk) -> list[HTTPRouteHandler]:
    hub = desk.hub
    path = "/accidents/{number:str}/invite"

    async def to_invite(read: Read, number: str) -> Accident:
        row, side = await _mine(desk, read, number)
        if side.side != "a":
            raise NotFound
        if row.state != "scene":
            raise AppConflict(hub.app, "accident-joined")
        if desk.evidence.missing(await desk.evidence.photos(read, row), "a"):
            raise AppConflict(hub.app, "photos-missing")
        return row

    @get(path, opt=needs(AGREE), operation_id="accident-invite-form")
    async def show_invite(request: Ask, number: Number) -> Response[Any]:
        """Show how the other side joins."""
        async with hub.read(actor_of(request)) as read:
            view = desk.invite_view(await to_invite(read, number))
        return await respond(hub, request, Answer(view=view))

    @post(path, opt=needs(AGREE, body=Form), operation_id="accident-invite")
    async def make_code(request: Ask, number: Number) -> Response[Any]:
        """Make a code by which the other side joins, once and for some minutes."""
        actor = actor_of(request)
        await read_form(request, Form, actor)
        async with hub.work(actor) as work:  # without a key: it must not be kept for a replay
            in_person(work)
            row = await to_invite(work, number)
            view = desk.invite_view(row)
            view.code, view.expires_at = await desk.invitations.make(work, row)
            view.join_href = f"{desk.here}/join?code={view.code}"
        return await respond(hub, request, Answer(view=view, status=201))

    return [show_invite, make_code]


def _joining(desk: AccidentDesk) -> list[HTTPRouteHandler]:
    hub, path = desk.hub, "/accidents/join"

    async def form(read: Read, typed: Typed, code: str = "") -> FormView:
        known = {"code": code}
        if not typed.values and await read.holds("vehicle.own"):
            own = await desk.binding.vehicles(read)
            known |= {"plate": own[0].plate} if len(own) == 1 else {}
        return FormView(
            title=Phrase(f"{WORDS}.join.title"),
            intro=Phrase(f"{WORDS}.join.intro"),
            action=f"{desk.here}/join",
            verb=Phrase(f"{WORDS}.join.verb"),
            fields=typed.fields(JoinForm, WORDS, known, hints=frozenset({"stop"})),
            conflict=typed.conflict,
            cancel=desk.here,
        )

    @get(path, opt=needs(AGREE), operation_id="accident-join-form")
    async def show_join(request: Ask, code: Code = "") -> Response[Any]:
        """Show the form by which the other side joins."""
        async with hub.read(actor_of(request)) as read:
            view = await form(read, BLANK, code)
        return await respond(hub, request, Answer(view=view))

    @post(path, opt=needs(AGREE, body=JoinForm), operation_id="accident-join")
    async def join(request: Ask) -> Response[Any]:
        """Join an accident as its other side, with the code that was shown."""
        actor = actor_of(request)

        async def count(sent: JoinForm) -> None:
            async with hub.work(actor) as work:
                await desk.invitations.count(work)

        async def do(work: Work, sent: Submission[JoinForm]) -> Answer:
            row = await desk.engine.joined(work, await desk.invitations.join(work, sent.form))
            return Answer(
                view=await desk.detail_view(work, row),
                location=desk.engine.href(row.number),
                said=Phrase(f"{WORDS}.joined"),
                status=201,
            )

        return await take(hub, request, JoinForm, form, do, count)

    return [show_join, join]


def _paper(desk: AccidentDesk) -> HTTPRouteHandler:
    hub = desk.hub

    @get(
        "/accidents/{number:str}/paper.pdf",
        opt=needs("accident.read"),
        operation_id="accident-paper",
    )
    async def paper(request: Ask, number: Number) -> Response[bytes]:
        """Return the paper of an accident as a PDF, to both sides and the officers."""
        async with hub.read(actor_of(request)) as read:
            row = await desk.engine.find(read, number)
            found = await desk.papers.of(read, row)
            if found is None:
                raise NotFound
            content = await desk.papers.pdf(read, row, found)
        return Response(
            content,
            media_type="application/pdf",
            headers={"content-disposition": f'inline; filename="{number}.pdf"'},
        )

    return paper
