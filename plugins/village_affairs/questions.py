"""Questions of residents: asked by code or at a meeting, answered in time or escalated."""

from collections.abc import Mapping
from datetime import date
from typing import Any, ClassVar, Final
from uuid import UUID

from pydantic import Field

from plugin_sdk.cases import CaseEngine
from plugin_sdk.cases.desk import CaseDesk
from plugin_sdk.cases.flow import Clock, Does, Flow, Lapse, Notice, Since, State, Within
from plugin_sdk.cases.forms import ActForm, NoteForm, RateForm, ReasonForm, ReplyForm
from plugin_sdk.cases.shorthand import HOLDER, REQUESTER, Acts
from plugin_sdk.cases.titles import title_of
from plugin_sdk.codes import CodeBook
from plugin_sdk.deadlines import Term
from plugin_sdk.forms import Form, Submission
from plugin_sdk.identifiers import mask_name
from plugin_sdk.meetings import Meeting, MeetingDesk, MeetingEngine, MeetingQuestionForm
from plugin_sdk.ports import Hub, Organization, Read, To, Work
from plugin_sdk.problems import Invalid, NotFound, field_error
from plugin_sdk.views import FactView, FieldKind, Phrase, Words
from plugins.village_affairs.models import Meeting as MeetingRow
from plugins.village_affairs.models import Question

GROUPS: Final = ("party", "committee", "supervision", "representatives", "villagers")
"""党员、村两委、村务监督委员会、村民代表、其他村民。"""


class AskForm(Form):
    """What a resident asks, and of which village: by its code."""

    kinds: ClassVar[dict[str, FieldKind]] = {"text": "textarea"}
    elements: ClassVar[Mapping[str, str]] = {"code": "place.village-code"}

    code: str = Field(min_length=4, max_length=12)
    text: str = Field(min_length=1, max_length=4000)


def question_flow(hub: Hub) -> Flow:
    """Return the flow of a question with the county's terms."""
    closing = Term(calendar_days=int(hub.settings.get("close_days", 7)))
    again = Within(
        Term(calendar_days=int(hub.settings.get("reopen_days", 15))), since=Since.RESOLUTION
    )

    async def answer(work: Work, row: Question, form: ReplyForm) -> None:
        row.reply = form.text

    async def escalate(work: Work, row: Question, form: Any) -> None:
        if row.town_id is not None:
            to = To(organization_id=row.town_id, permission="question.supervise")
            said = {"number": row.number, "title": row.title}
            words = Phrase(f"{hub.app}.question.notice.escalated", said)
            work.notify(to, words, f"/apps/{hub.app}/questions/{row.number}")

    act = Acts("question")
    holder = act.holder("answer")
    closed: dict[str, Any] = {"effect": "question.solved", "event": "question.closed"}
    return Flow(
        name="question",
        series="question",
        path="/questions",
        start="asked",
        read="question.read",
        file="question.ask",
        opening="ask",
        event="question.asked",
        remind=1,
        late="supervise",
        states=(
            State(key="asked", waits_for="question.answer"),
            State(key="answered", clock=Clock.STOPPED, lapse=Lapse("close", closing)),
            State(key="closed", clock=Clock.STOPPED, final=True),
        ),
        transitions=(
            act(
                *("answer", "asked", "answered", HOLDER, ReplyForm, Notice(to="requester")),
                apply=answer,
                resolves=True,
                public=True,
                tone="done",
                event="question.answered",
            ),
            act("rate", "answered", "closed", REQUESTER, RateForm, does=Does.RATE, **closed),
            act("close", "answered", "closed", HOLDER, public=True, **closed),
            act("urge", "asked", None, REQUESTER, ActForm, holder, does=Does.URGE),
            act(
                *("supervise", "asked", None, (), NoteForm, holder),
                does=Does.SUPERVISE,
                apply=escalate,
                public=True,
            ),
            act(
                *("reopen", "answered closed", "asked", REQUESTER, ReasonForm, holder),
                within=again,
                reason_required=True,
                reopens=True,
                public=True,
            ),
        ),
    )


class QuestionDesk(CaseDesk[Question]):
    """Questions to villages."""

    form = AskForm
    hints = frozenset({"code", "text"})

    def __init__(self, engine: CaseEngine[Question], book: CodeBook) -> None:
        super().__init__(engine)
        self.book = book

    async def draw(self, sent: Submission[Any]) -> Submission[Any]:
        """Look up the village before the unit of work begins."""
        sent = await super().draw(sent)
        if isinstance(sent.form, AskForm):
            await self.village(sent.form.code)
        return sent

    async def village(self, code: str) -> Organization:
        """Return the village of a code, as it stands today. Raises `Invalid`."""
        try:
            return (await self.book.open(code))[1]
        except NotFound:
            raise Invalid(field_error("code", "code-unknown")) from None

    async def file(self, work: Work, sent: Submission[AskForm]) -> Question:
        """Open a question that a resident asks on line, wherever they are."""
        village = await self.village(sent.form.code)
        actor = work.actor
        return await self.open(work, village, sent.form.text, actor.person_id, actor.name)

    async def open(
        self,
        work: Work,
        village: Organization,
        text: str,
        person_id: UUID | None,
        asker: str,
        *,
        promised_on: date | None = None,
        meeting_id: UUID | None = None,
    ) -> Question:
        """Open a question; a promised day is its deadline, within the county's term."""
        days = int(self.hub.settings.get("reply_days", 15 if promised_on else 5))
        return await self.engine.open(
            work,
            title=title_of(text),
            organization_id=village.id,
            person_id=person_id,
            term=Term(working_days=days),
            due_on=promised_on,
            town_id=village.parent_id,
            asker_name=asker,
            text=text,
            meeting_id=meeting_id,
            promised=promised_on is not None,
        )

    async def summary(self, read: Read, row: Question) -> list[FactView]:
        """Return what was asked; who asked is masked."""
        facts: Mapping[str, Words | None] = {
            "text": row.text,
            "asker": mask_name(row.asker_name),
            "reply": row.reply,
        }
        words = self.engine.words
        return [FactView(words(f"field.{key}"), value) for key, value in facts.items() if value]


class SunshineDesk(MeetingDesk[MeetingRow]):
    """Open village meetings (阳光报告会)."""

    questions: QuestionDesk

    async def ask(self, work: Work, row: MeetingRow, form: MeetingQuestionForm) -> Question:
        """Open a question of the meeting; an answer given there closes the matter at once."""
        desk = self.questions
        village = await self.hub.directory.organization(row.organization_id)
        if village is None:
            raise NotFound
        try:
            made = await desk.open(
                work,
                village,
                form.text,
                None,
                form.asker or "",
                promised_on=form.promised_on,
                meeting_id=row.id,
            )
        except Invalid as invalid:
            errors = [
                field_error("promised_on", e.message.key.rpartition(".")[2], **e.message.params)
                for e in invalid.errors
            ]
            raise Invalid(*errors) from None
        if form.reply is not None:
            said = ReplyForm(version=made.version, text=form.reply)
            await desk.engine.act(work, made.id, "answer", said)
        return made


def questions_of(hub: Hub, book: CodeBook) -> QuestionDesk:
    """Return the desk of a hub's questions."""
    return QuestionDesk(CaseEngine(hub, question_flow(hub), Question), book)


def meetings_of(hub: Hub, questions: QuestionDesk) -> SunshineDesk:
    """Return the desk of a hub's open meetings."""
    meeting = Meeting(
        name="meeting",
        path="/meetings",
        read="meeting.read",
        call="meeting.call",
        groups=GROUPS,
        ahead=int(hub.settings.get("meeting_notice_days", 3)),
        event="meeting.published",
        effect="meeting.published",
    )
    return SunshineDesk(MeetingEngine(hub, meeting, MeetingRow), questions)
