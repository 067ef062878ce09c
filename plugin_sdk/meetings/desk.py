"""The desk of meetings: the list, one meeting with its questions, the forms."""

from collections.abc import Mapping
from typing import Any, Final, Generic, TypeVar

from sqlmodel import col

from plugin_sdk.cases import queries
from plugin_sdk.cases.forms import ReplyForm
from plugin_sdk.cases.queries import CaseFacts
from plugin_sdk.forms import Form
from plugin_sdk.meetings.engine import CALLED, HELD, MeetingEngine
from plugin_sdk.meetings.forms import (
    CallForm,
    CancelForm,
    MeetingQuestionForm,
    MinutesForm,
    held_form,
)
from plugin_sdk.meetings.models import MeetingRow
from plugin_sdk.meetings.views import GroupCount, MeetingItem, MeetingsView, MeetingView
from plugin_sdk.ports import Read, Work
from plugin_sdk.problems import Invalid, NotFound, field_error
from plugin_sdk.questions import QuestionDesk
from plugin_sdk.taking import BLANK, Typed
from plugin_sdk.views import ActionView, FactView, FieldView, FormView, Phrase

M = TypeVar("M", bound=MeetingRow)

MOST_QUESTIONS: Final = 200
STATES: Final = {"hold": CALLED, "cancel": CALLED, "ask": HELD, "publish": HELD}


class MeetingDesk(Generic[M]):
    """Meetings, and what is asked there: questions of the desk that it is given."""

    def __init__(self, engine: MeetingEngine[M], questions: QuestionDesk[Any]) -> None:
        self.engine = engine
        self.hub = engine.hub
        self.questions = questions
        self.forms: Mapping[str, type[Form]] = {
            "hold": held_form(engine.meeting.groups),
            "ask": MeetingQuestionForm,
            "publish": MinutesForm,
            "cancel": CancelForm,
        }

    async def ask(self, work: Work, row: M, form: MeetingQuestionForm) -> Any:
        """Open a question that was asked at a meeting, and answer it where it was answered there.
        Raises `Invalid` for a promise that cannot be given."""
        asked = await self.hub.directory.organization(row.organization_id)
        if asked is None:
            raise NotFound
        day, asker = form.promised_on, form.asker or ""
        try:
            made = await self.questions.open(
                work, asked, form.text, None, asker, promised_on=day, meeting_id=row.id
            )
        except Invalid as invalid:  # the form of a meeting calls the deadline by its own name
            errors = [
                field_error("promised_on", e.message.key.rpartition(".")[2], **e.message.params)
                for e in invalid.errors
            ]
            raise Invalid(*errors) from None
        if form.reply is not None:
            said = ReplyForm(version=made.version, text=form.reply)
            await self.questions.engine.act(work, made.id, "answer", said)
        return made

    async def list_view(self, read: Read) -> MeetingsView:
        """Return the latest meetings in scope."""
        found = await self.engine.latest(read)
        names = await self.hub.directory.names(list({row.organization_id for row in found}))
        create = None
        if await read.holds(self.engine.meeting.call):
            label = self.engine.words("new")
            create = ActionView(verb="call", label=label, href=self.engine.href("new"))
        return MeetingsView(
            title=self.engine.words("list"),
            items=[
                MeetingItem(
                    number=row.number,
                    title=row.title,
                    place=row.place,
                    starts_at=row.starts_at,
                    state=row.state,
                    state_label=Phrase(f"meetings.state.{row.state}"),
                    unit=names.get(row.organization_id, ""),
                    href=self.engine.href(row.number),
                )
                for row in found
            ],
            create=create,
        )

    async def view(self, read: Read, row: M) -> MeetingView:
        """Return a meeting with what was asked there."""
        names = await self.hub.directory.names([row.organization_id])
        unit = names.get(row.organization_id, "")
        acts, notice = [], None
        if await read.holds(self.engine.meeting.call, row):
            acts = [verb for verb, state in STATES.items() if state == row.state]
        if "hold" in acts and read.now < row.starts_at:
            acts.remove("hold")
            notice = Phrase("meetings.hold_later", {"date": row.starts_at})
        return MeetingView(
            number=row.number,
            title=row.title,
            unit=unit,
            state=row.state,
            state_label=Phrase(f"meetings.state.{row.state}"),
            facts=self.facts(row),
            attendance=self.attendance(row),
            questions=await self._asked(read, row),
            minutes=row.minutes,
            actions=[
                ActionView(
                    verb=verb,
                    label=Phrase(f"meetings.act.{verb}"),
                    href=self.engine.href(row.number, verb),
                    primary=not n and verb != "cancel",
                )
                for n, verb in enumerate(acts)
            ],
            notice=notice,
            list_href=self.engine.href(),
        )

    def facts(self, row: M) -> list[FactView]:
        """Return what the notice says."""
        found = [
            FactView(Phrase("meetings.field.when"), row.starts_at),
            FactView(Phrase("meetings.field.place"), row.place),
            FactView(Phrase("meetings.field.agenda"), row.agenda),
            FactView(Phrase("meetings.called"), row.called_at),
        ]
        if row.cancelled_for:
            found.append(FactView(Phrase("meetings.field.reason"), row.cancelled_for))
        return found

    def attendance(self, row: M) -> list[GroupCount]:
        """Return who came, group by group."""
        return [
            GroupCount(label=self.engine.words(f"group.{group}"), came=came, of=of)
            for group, (came, of) in row.attendance.items()
        ]

    async def _asked(self, read: Read, row: M) -> list[Any]:
        cases = self.questions
        model = cases.engine.row
        if not await read.holds(cases.flow.read):
            return []
        statement = (
            read.rows(model, *queries.columns_of(model, cases.kind), permission=cases.flow.read)
            .where(col(model.meeting_id) == row.id)
            .order_by(col(model.opened_at))
            .limit(MOST_QUESTIONS)
        )
        found = await read.fetch(statement, CaseFacts)
        return await cases.items(read, found)

    async def call_view(self, read: Read, typed: Typed = BLANK) -> FormView:
        """Return the form that calls a meeting."""
        return FormView(
            title=self.engine.words("new"),
            intro=Phrase("meetings.ahead", {"n": self.engine.meeting.ahead}),
            action=self.engine.href(),
            verb=Phrase("meetings.act.call"),
            fields=typed.fields(CallForm, "meetings", hints=frozenset({"time"})),
            conflict=typed.conflict,
            cancel=self.engine.href(),
        )

    async def act_view(self, read: Read, number: str, verb: str, typed: Typed = BLANK) -> FormView:
        """Return the form of an act on a meeting."""
        row = await self.engine.find(read, number)
        label = Phrase(f"meetings.act.{verb}")
        return FormView(
            title=label,
            intro=row.title,
            action=self.engine.href(number, verb),
            verb=label,
            fields=[
                self._named(field)
                for field in typed.fields(self.forms[verb], "meetings", hints=frozenset({"reply"}))
            ],
            conflict=typed.conflict,
            cancel=self.engine.href(number),
            about=self.facts(row),
        )

    def _named(self, field: FieldView) -> FieldView:
        part, _, group = field.name.partition("_")
        if part in ("came", "of") and group in self.engine.meeting.groups:
            group_words = self.engine.words(f"group.{group}")
            field.label = Phrase(f"meetings.field.{part}", {"group": group_words})
        return field
