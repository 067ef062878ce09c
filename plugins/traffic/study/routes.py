"""The routes of study."""

from typing import Any, Final

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from plugin_sdk.forms import Form, Submission
from plugin_sdk.ports import Actor, Answer, Hub, Read, Work
from plugin_sdk.problems import NotFound
from plugin_sdk.routes import actor_of, needs, respond
from plugin_sdk.sources import freshness
from plugin_sdk.taking import BLANK, Typed, take
from plugin_sdk.views import FieldView, FormView, Option, Phrase, View
from plugins.traffic.binding import SourceAway
from plugins.traffic.desk import Desk, desk_of
from plugins.traffic.sources import NAME
from plugins.traffic.study.forms import LessonForm, QuizForm
from plugins.traffic.study.lessons import Lesson, Question, words
from plugins.traffic.study.models import StudyRun
from plugins.traffic.study.rules import Ground, Obstacle, ground_of, obstacles
from plugins.traffic.study.studying import LEARNING, PENDING, STUDY, Studying, why_of
from plugins.traffic.study.views import LessonItem, LessonView, RunItem, StudyView
from plugins.traffic.violations import Standing

Ask = Request[Any, Any, Any]
TONES: Final = {
    LEARNING: "soon",
    PENDING: "soon",
    "credited": "ok",
    "refused": "late",
    "failed": "paused",
    "expired": "paused",
}


def of(hub: Hub) -> list[HTTPRouteHandler]:
    """Return the routes of study."""
    pages = StudyPages(desk_of(hub), Studying(hub))
    return [*_beginning(pages), *_lessons(pages), *_quiz(pages)]


class Footing(msgspec.Struct, frozen=True):
    """How somebody stands with the source, what study took off in the period, and all that is
    against another."""

    standing: Standing
    ground: Ground | None
    taken_off: int
    against: list[Obstacle]


class StudyPages:
    """The pages of study, for whoever is at it."""

    def __init__(self, desk: Desk, studying: Studying) -> None:
        self.desk = desk
        self.hub = desk.hub
        self.studying = studying
        self.here = f"/apps/{desk.hub.app}/study"

    async def footing(self, actor: Actor) -> Footing:
        """Return how somebody stands with the source, and all that is against a study of theirs.
        It asks the source: call it before a unit of work. Raises `SourceAway`."""
        standing = await self.desk.violations.standing(actor)
        ground = ground_of(standing, self.hub.now())
        taken_off = 0
        if ground is not None:
            async with self.hub.read(actor) as read:
                taken_off = await self.studying.taken_off(read, ground)
        against = obstacles(self.studying.rules, standing, ground, taken_off, self.hub.now())
        return Footing(standing, ground, taken_off, against)

    async def overview(self, actor: Actor) -> StudyView:
        """Return how somebody stands; what the source does not say now is left open."""
        rules, now = self.studying.rules, self.hub.now()
        footing = None
        try:
            footing = await self.footing(actor)
            said = [one.words for one in footing.against]
        except SourceAway as away:
            said = [Phrase(f"{away.words}.detail")]
        async with self.hub.read(actor) as read:
            open_ = await self.studying.open(read)
            latest = await self.studying.latest(read)
        waits = any(row.state == PENDING for row in latest)
        bound = footing.standing.licence if footing else None
        ground = footing.ground if footing else None
        ready = open_ is not None and self.studying.ready(open_)
        early = open_ is not None and now < self.studying.first(open_)
        return StudyView(
            points=ground.points if ground else None,
            taken_off=footing.taken_off if footing else 0,
            most=rules.most,
            against=[] if open_ or waits else list(said),
            begin_href=None if open_ or waits or said else self.here,
            lessons=[
                LessonItem(
                    title=words(lesson.title),
                    done=lesson.key in open_.done,
                    href=f"{self.here}/lessons/{lesson.key}",
                )
                for lesson in self.studying.course.lessons
            ]
            if open_
            else [],
            quiz_href=f"{self.here}/quiz" if ready and not early else None,
            quiz_from=self.studying.first(open_) if open_ and early else None,
            until=self.studying.last(open_) if open_ else None,
            runs=[_item(row) for row in latest if row.state != LEARNING],
            fresh=freshness(bound.record, now, NAME) if bound else None,
            about=Phrase(
                "traffic.study.about",
                {
                    "days": rules.days,
                    "minutes": rules.minutes,
                    "n": rules.points,
                    "most": rules.most,
                },
            ),
        )

    def lesson(self, lesson: Lesson, typed: Typed, said: Any = None) -> LessonView:
        """Return a lesson with its question."""
        question = lesson.questions[0]
        here = f"{self.here}/lessons/{lesson.key}"
        return LessonView(
            title=words(lesson.title),
            text=[words(one) for one in lesson.text],
            action=here,
            verb=Phrase("traffic.study.answer"),
            fields=[_field("answer", question, typed)],
            conflict=typed.conflict,
            said=said,
            back=self.here,
        )

    def quiz(self, row: StudyRun, typed: Typed, intro: Phrase | None) -> FormView:
        """Return the questions of the next try."""
        rules, questions = self.studying.rules, self.studying.course.questions
        left = {"n": rules.pass_at, "left": rules.tries - row.tries}
        return FormView(
            title=Phrase("traffic.study.quiz"),
            intro=intro or Phrase("traffic.study.quiz_intro", left),
            action=f"{self.here}/quiz",
            verb=Phrase("traffic.study.hand_in"),
            fields=[
                _field(f"a{n}", questions[key], typed)
                for n, key in enumerate(self.studying.quiz(row), 1)
            ],
            conflict=typed.conflict,
            cancel=self.here,
        )


def _field(name: str, question: Question, typed: Typed) -> FieldView:
    wrong = {error.field: error.message for error in typed.errors}
    return FieldView(
        name=name,
        kind="radio",
        label=words(question.ask),
        required=True,
        value=typed.values.get(name),
        options=[Option(str(n), words(answer)) for n, answer in enumerate(question.answers)],
        error=wrong.get(name),
    )


def _item(row: StudyRun) -> RunItem:
    return RunItem(
        begun_at=row.begun_at,
        state=row.state,
        state_label=Phrase(f"traffic.study.state.{row.state}"),
        tone=TONES[row.state],
        why=why_of(row.why) if row.state == "refused" else None,
    )


def _beginning(pages: StudyPages) -> list[HTTPRouteHandler]:
    hub = pages.hub

    @get("/study", opt=needs(STUDY), operation_id="study")
    async def show_study(request: Ask) -> Response[Any]:
        """Show how one stands with study that takes points off."""
        view = await pages.overview(actor_of(request))
        return await respond(hub, request, Answer(view=view))

    @post("/study", opt=needs(STUDY, body=Form, start=True), operation_id="study-begin")
    async def begin(request: Ask) -> Response[Any]:
        """Begin a study."""
        actor, unit = actor_of(request), await pages.desk.unit()
        footing = await pages.footing(actor)

        async def again(read: Read, typed: Typed) -> View:
            raise NotFound  # the page asks the source: the plain problem says why

        async def do(work: Work, sent: Submission[Form]) -> Answer:
            await pages.studying.begin(work, unit, footing.ground, footing.against)
            first = pages.studying.course.lessons[0]
            view = pages.lesson(first, BLANK)
            return Answer(view=view, location=view.action, status=201)

        return await take(hub, request, Form, again, do)

    return [show_study, begin]


def _lessons(pages: StudyPages) -> list[HTTPRouteHandler]:
    hub, studying = pages.hub, pages.studying

    def lesson(key: str) -> Lesson:
        found = studying.course.lesson(key)
        if found is None:
            raise NotFound
        return found

    @get("/study/lessons/{key:str}", opt=needs(STUDY), operation_id="study-lesson-form")
    async def show_lesson(request: Ask, key: FromPath[str]) -> Response[Any]:
        """Show a lesson and its question."""
        view = pages.lesson(lesson(key), BLANK)
        return await respond(hub, request, Answer(view=view))

    @post(
        "/study/lessons/{key:str}",
        opt=needs(STUDY, body=LessonForm),
        operation_id="study-lesson",
    )
    async def answer(request: Ask, key: FromPath[str]) -> Response[Any]:
        """Answer the question of a lesson; a right answer finishes it and leads to the next."""
        found = lesson(key)

        async def again(read: Read, typed: Typed) -> View:
            return pages.lesson(found, typed)

        async def do(work: Work, sent: Submission[LessonForm]) -> Answer:
            right = await studying.answer_lesson(work, key, sent.form.answer)
            if not right:
                typed = Typed(values={"answer": sent.form.answer})
                said = Phrase("traffic.study.wrong", {"why": found.questions[0].why})
                return Answer(view=pages.lesson(found, typed, said), status=200)
            row = await studying.open(work)
            left = [
                one for one in studying.course.lessons if row is None or one.key not in row.done
            ]
            following = f"{pages.here}/lessons/{left[0].key}" if left else pages.here
            said = Phrase("traffic.study.right")
            view = pages.lesson(found, BLANK, said)
            return Answer(view=view, location=following, said=said)

        return await take(hub, request, LessonForm, again, do)

    return [show_lesson, answer]


def _quiz(pages: StudyPages) -> list[HTTPRouteHandler]:
    hub, studying = pages.hub, pages.studying

    async def show(read: Read, typed: Typed, intro: Phrase | None = None) -> FormView:
        row = await studying.open(read)
        if row is None:
            raise NotFound
        studying.may_try(row, read.now)
        return pages.quiz(row, typed, intro)

    @get("/study/quiz", opt=needs(STUDY), operation_id="study-quiz-form")
    async def show_quiz(request: Ask) -> Response[Any]:
        """Show the questions of the quiz."""
        async with hub.read(actor_of(request)) as read:
            view = await show(read, BLANK)
        return await respond(hub, request, Answer(view=view))

    @post("/study/quiz", opt=needs(STUDY, body=QuizForm), operation_id="study-quiz")
    async def hand_in(request: Ask) -> Response[Any]:
        """Hand the answers in: passed, the police's system is asked to take points off."""

        async def do(work: Work, sent: Submission[QuizForm]) -> Answer:
            row, right = await studying.answer_quiz(work, sent.form.answers)
            said = Phrase(f"traffic.study.said.{row.state}", {"n": right})
            if row.state == LEARNING:
                return Answer(view=pages.quiz(row, BLANK, said), status=200)
            view = pages.quiz(row, BLANK, said)
            view.fields = []
            return Answer(view=view, location=pages.here, said=said)

        return await take(hub, request, QuizForm, show, do)

    return [show_quiz, hand_in]
