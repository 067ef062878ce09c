"""The desk of questions: by code on line, or at a meeting."""

from collections.abc import Mapping
from datetime import date
from typing import Any, ClassVar, Final, TypeVar
from uuid import UUID

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from pydantic import Field

from plugin_sdk.cases import CaseEngine
from plugin_sdk.cases.desk import CaseDesk, Way
from plugin_sdk.cases.routes import case_routes
from plugin_sdk.cases.titles import title_of
from plugin_sdk.codes import CodeBook
from plugin_sdk.deadlines import Term
from plugin_sdk.forms import Form, Submission
from plugin_sdk.identifiers import mask_name
from plugin_sdk.ports import Answer, Hub, Organization, Read, Work
from plugin_sdk.problems import Invalid, NotFound, field_error
from plugin_sdk.questions.flow import question_flow
from plugin_sdk.questions.models import QuestionRow
from plugin_sdk.routes import actor_of, needs, respond
from plugin_sdk.taking import Typed
from plugin_sdk.views import FactView, FieldKind

Q = TypeVar("Q", bound=QuestionRow)

REPLY: Final = ("reply_days", 5)
PROMISE: Final = ("promise_days", 15)
"""In how many working days a question is answered, and within how many a day may be promised at
a meeting: the county's setting, and what holds without one."""


class AskForm(Form):
    """What a resident asks, and of whom: by the code of the notice."""

    kinds: ClassVar[dict[str, FieldKind]] = {"text": "textarea"}
    elements: ClassVar[Mapping[str, str]] = {"code": "place.village-code"}

    code: str = Field(min_length=4, max_length=12)
    text: str = Field(min_length=1, max_length=4000)


class QuestionDesk(CaseDesk[Q]):
    """Questions to whoever a code belongs to."""

    form = AskForm
    hints = frozenset({"code", "text"})

    def __init__(self, hub: Hub, book: CodeBook, row: type[Q], name: str = "question") -> None:
        super().__init__(CaseEngine(hub, question_flow(hub, name), row))
        self.book = book

    async def draw(self, sent: Submission[Any]) -> Submission[Any]:
        """Look up whose code it is before the unit of work begins."""
        sent = await super().draw(sent)
        if isinstance(sent.form, AskForm):
            await self.asked(sent.form.code)
        return sent

    async def asked(self, code: str) -> Organization:
        """Return whose code it is, as it stands today. Raises `Invalid`."""
        try:
            return (await self.book.open(code))[1]
        except NotFound:
            raise Invalid(field_error("code", "code-unknown")) from None

    async def file(self, work: Work, sent: Submission[AskForm]) -> Q:
        """Open a question that a resident asks on line, wherever they are."""
        asked, actor = await self.asked(sent.form.code), work.actor
        return await self.open(work, asked, sent.form.text, actor.person_id, actor.name)

    async def open(
        self,
        work: Work,
        asked: Organization,
        text: str,
        person_id: UUID | None,
        asker: str,
        *,
        promised_on: date | None = None,
        meeting_id: UUID | None = None,
    ) -> Q:
        """Open a question; a promised day is its deadline, within the county's term."""
        days = self.hub.settings.get(*(PROMISE if promised_on else REPLY))
        return await self.engine.open(
            work,
            title=title_of(text),
            organization_id=asked.id,
            person_id=person_id,
            term=Term(working_days=int(days)),
            due_on=promised_on,
            town_id=asked.parent_id,
            asker_name=asker,
            text=text,
            meeting_id=meeting_id,
            promised=promised_on is not None,
        )

    async def summary(self, read: Read, row: Q) -> list[FactView]:
        """Return what was asked; who asked is masked."""
        return self.facts(text=row.text, asker=mask_name(row.asker_name), reply=row.reply or "")


def question_routes(desk: QuestionDesk[Any]) -> list[HTTPRouteHandler]:
    """Return the handlers of questions, and of the form that a code's page leads to."""
    hub, flow = desk.hub, desk.flow

    @get("/c/{code:str}/ask", opt=needs(str(flow.file), start=True), operation_id="ask-by-code")
    async def ask_by_code(request: Request[Any, Any, Any], code: FromPath[str]) -> Response[Any]:
        """Show the form of a question to whoever the code belongs to."""
        await desk.book.open(code)
        new = f"{desk.here}/new"
        way = Way(form=AskForm, name="new", here=new, action=desk.here, check=new)
        async with hub.read(actor_of(request)) as read:
            view = await desk.new_view(read, way, Typed(values={"code": code.upper()}))
        return await respond(hub, request, Answer(view=view))

    return [*case_routes(desk), ask_by_code]
