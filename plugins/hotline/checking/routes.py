"""The routes of checking."""

from typing import Any, Final

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from plugin_sdk.cases.routes import case_routes
from plugin_sdk.figures import figures_route
from plugin_sdk.forms import Form
from plugin_sdk.ports import Answer, Read, Work
from plugin_sdk.problems import FieldError, Invalid
from plugin_sdk.registers import RegisterDesk, register_routes
from plugin_sdk.routes import actor_of, needs, respond
from plugin_sdk.taking import Of, Typed, form_routes
from plugin_sdk.views import FormView, Phrase, View
from plugins.hotline.checking import figures
from plugins.hotline.checking.following import CALL, Following
from plugins.hotline.checking.forms import QUESTIONS, CallForm, CorrectForm, DrawForm, JudgeForm
from plugins.hotline.checking.models import Question
from plugins.hotline.checking.quality import CORRECT, DRAW, JUDGE, READ, Quality
from plugins.hotline.checking.showing import WORDS, Pages
from plugins.hotline.checking.supervising import supervision_desk
from plugins.hotline.desk import OrderDesk

Ask = Request[Any, Any, Any]
HINTS: Final = frozenset({"month", "share", "number"})


class ScriptDesk(RegisterDesk[Question]):
    """The script: as many questions as one call bears."""

    hints = frozenset({"name"})

    async def refuse_unoffered(self, read: Read, form: Any, row: Any = None) -> None:
        """Raise `Invalid` for one question too many."""
        if row is None and len(await self.engine.in_force(read)) >= QUESTIONS:
            said = Phrase(f"{WORDS}.wrong.too_many", {"n": QUESTIONS})
            raise Invalid(FieldError("code", said))


def of(desk: OrderDesk) -> list[HTTPRouteHandler]:
    """Return the routes of checking."""
    following = Following(desk)
    pages = Pages(Quality(following))

    async def tally(read: Read, since: Any, until: Any) -> Any:
        return await figures.view(desk.hub, read, since, until)

    return [
        *case_routes(supervision_desk(desk.hub)),
        *_calls(pages),
        *register_routes(ScriptDesk(following.script)),
        *_samples(pages),
        *_checks(pages),
        figures_route(
            desk.hub, "figures.read", tally, name="checking-figures", at="/checking/figures"
        ),
    ]


def _calls(pages: Pages) -> list[HTTPRouteHandler]:
    hub, following = pages.hub, pages.following

    @get("/follow-ups", opt=needs(CALL), operation_id="follow-ups")
    async def list_follow_ups(request: Ask) -> Response[Any]:
        """List who is to be called, the dissatisfied first."""
        async with hub.read(actor_of(request)) as read:
            view = await pages.follow_ups(read)
        return await respond(hub, request, Answer(view=view))

    @get("/follow-ups/{id:uuid}", opt=needs(CALL), operation_id="follow-up")
    async def show_follow_up(request: Ask) -> Response[Any]:
        """Show a follow-up with the script of its next call."""
        async with hub.read(actor_of(request)) as read:
            row = await following.find(read, request.path_params["id"])
            view = await pages.follow_up(read, row, Typed())
        return await respond(hub, request, Answer(view=view))

    async def show(read: Read, of: Of, typed: Typed) -> View:
        return await pages.follow_up(read, await following.find(read, of["id"]), typed)

    async def call(work: Work, of: Of, form: CallForm) -> Answer:
        row = await following.call(work, of["id"], form)
        said = row.outcome or "again"
        return Answer(
            view=await pages.follow_up(work, row, Typed()),
            location=following.href(),
            said=Phrase(f"{WORDS}.said.{said}"),
        )

    calling = form_routes(
        hub,
        CallForm,
        CALL,
        name="follow-up-call",
        does="Keep what a call came to.",
        at="/follow-ups/{id:uuid}/call",
        show=show,
        do=call,
    )
    return [list_follow_ups, show_follow_up, *calling]


def _samples(pages: Pages) -> list[HTTPRouteHandler]:
    hub, quality = pages.hub, pages.quality

    @get("/samples", opt=needs(JUDGE), operation_id="samples")
    async def list_samples(request: Ask) -> Response[Any]:
        """List the samples, newest first."""
        async with hub.read(actor_of(request)) as read:
            view = await pages.samples(read)
        return await respond(hub, request, Answer(view=view))

    @get("/samples/{id:uuid}", opt=needs(JUDGE), operation_id="sample")
    async def show_sample(request: Ask) -> Response[Any]:
        """Show a sample: how it was drawn, from what, and its checks."""
        async with hub.read(actor_of(request)) as read:
            view = await pages.sample(read, *await quality.sample(read, request.path_params["id"]))
        return await respond(hub, request, Answer(view=view))

    async def show(read: Read, of: Of, typed: Typed) -> FormView:
        return FormView(
            title=Phrase(f"{WORDS}.sample.new"),
            intro=Phrase(f"{WORDS}.sample.intro"),
            action=quality.href("samples"),
            verb=Phrase(f"{WORDS}.sample.draw"),
            fields=typed.fields(DrawForm, f"{WORDS}.draw", hints=HINTS),
            conflict=typed.conflict,
            cancel=quality.href("samples"),
        )

    async def draw(work: Work, of: Of, form: DrawForm) -> Answer:
        row = await quality.draw(work, form)
        view = await pages.sample(work, *await quality.sample(work, row.id))
        return Answer(
            view=view,
            location=quality.href(f"samples/{row.id}"),
            status=201,
            said=Phrase(f"{WORDS}.said.drawn", {"n": row.size}),
        )

    drawing = form_routes(
        hub,
        DrawForm,
        DRAW,
        name="sample-draw",
        does="Draw the sample of a month, once.",
        new="/samples/new",
        at="/samples",
        show=show,
        do=draw,
    )
    return [list_samples, show_sample, *drawing]


def _checks(pages: Pages) -> list[HTTPRouteHandler]:
    hub, quality = pages.hub, pages.quality

    @get("/checks", opt=needs(READ), operation_id="checks")
    async def list_checks(request: Ask) -> Response[Any]:
        """List what checks found, what a correction is asked for first."""
        async with hub.read(actor_of(request)) as read:
            view = await pages.checks(read)
        return await respond(hub, request, Answer(view=view))

    @get("/checks/{id:uuid}", opt=needs(READ), operation_id="check")
    async def show_check(request: Ask) -> Response[Any]:
        """Show one check."""
        async with hub.read(actor_of(request)) as read:
            view = await pages.check(read, await quality.check(read, request.path_params["id"]))
        return await respond(hub, request, Answer(view=view))

    def form(verb: str, kind: type[Form]) -> Any:
        async def show(read: Read, of: Of, typed: Typed) -> FormView:
            row = await quality.check(read, of["id"])
            return await pages.check_form(read, row, verb, kind, typed)

        return show

    async def judge(work: Work, of: Of, form: JudgeForm) -> Answer:
        return await done(work, await quality.judge(work, of["id"], form))

    async def correct(work: Work, of: Of, form: CorrectForm) -> Answer:
        return await done(work, await quality.correct(work, of["id"], form))

    async def done(work: Work, row: Any) -> Answer:
        view = await pages.check(work, row)
        said = Phrase(f"{WORDS}.check.state.{row.state}")
        return Answer(view=view, location=view.back, said=said)

    judging = form_routes(
        hub,
        JudgeForm,
        JUDGE,
        name="check-judge",
        does="Judge one answer.",
        at="/checks/{id:uuid}/judge",
        show=form("judge", JudgeForm),
        do=judge,
    )
    correcting = form_routes(
        hub,
        CorrectForm,
        CORRECT,
        name="check-correct",
        does="Put an answer right that a check found wanting.",
        at="/checks/{id:uuid}/correct",
        show=form("correct", CorrectForm),
        do=correct,
    )
    return [list_checks, show_check, *judging, *correcting]
