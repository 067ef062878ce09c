"""Words that decisions begin with (文书模板): text blocks that a unit keeps, each for one kind of
decision. An officer fills one in, edits it, and sends it; what was sent stands in the timeline,
with the block and the version that it began with."""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Final
from uuid import UUID

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from pydantic import AfterValidator, Field
from sqlmodel import col

from plugin_sdk.cases.desk import CaseDesk
from plugin_sdk.cases.forms import LONG_TEXT, ReplyForm
from plugin_sdk.deadlines import local_day
from plugin_sdk.ports import Answer, Hub, Read
from plugin_sdk.problems import Invalid, NotFound, field_error
from plugin_sdk.registers import RecordForm, Register, RegisterDesk, RegisterEngine
from plugin_sdk.routes import actor_of, needs, respond
from plugin_sdk.taking import Typed
from plugin_sdk.times import SHANGHAI
from plugin_sdk.views import ActionView, ActView, FieldKind, Phrase, Words
from plugins.traffic.desk_models import Template, TemplateVersion
from plugins.traffic.forms import wrong

PLACES: Final = (
    *("编号", "违法编号", "车牌", "违法时间", "违法地点"),
    *("违法行为", "记分", "罚款", "今天"),
)
"""What a block may leave open, in braces: it is filled in from the case."""
_PLACE: Final = re.compile(r"[{｛]([^{}｛｝]{0,40})[}｝]")


_REFERENCE: Final = r"^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}@[0-9]{1,9}$"


class Decision(StrEnum):
    """The kinds of decisions that have blocks."""

    OBJECTION_CANCEL = "objection-cancel"
    OBJECTION_UPHOLD = "objection-uphold"


def _known_places(text: str) -> str:
    unknown = [name for name in _PLACE.findall(text) if name.strip() not in PLACES]
    if unknown:
        raise Invalid(wrong("text", "place", name=unknown[0], known="、".join(PLACES)))
    return text


class TemplateForm(RecordForm):
    """A block: for which decision, and its words."""

    kinds: ClassVar[dict[str, FieldKind]] = {"decision": "select", "text": "textarea"}

    decision: Decision
    text: Annotated[str, Field(min_length=1, max_length=LONG_TEXT), AfterValidator(_known_places)]


class DecisionForm(ReplyForm):
    """A decision in words, and the block that they began with (`<id>@<version>`)."""

    kinds: ClassVar[dict[str, FieldKind]] = {**ReplyForm.kinds, "template": "hidden"}

    template: str | None = Field(default=None, max_length=50, pattern=_REFERENCE)


class DecideView(ActView, kw_only=True):
    """A decision, with the blocks that its words may begin with."""

    template: ClassVar[str] = "traffic_decide.html"
    blocks: list[ActionView]


TEMPLATES: Final = Register(
    name="template",
    path="/templates",
    read="template.read",
    edit="template.edit",
    form=TemplateForm,
)


class TemplateDesk(RegisterDesk[Template]):
    """The blocks, each under its decision."""

    hints = frozenset({"name", "text"})

    def note(self, row: Template) -> Words | None:
        """Return for which decision it is."""
        return self.engine.words(f"decision.{row.decision}")


class Drafting:
    """The blocks of a hub, as decisions use them."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.engine = RegisterEngine(hub, TEMPLATES, Template)

    async def blocks(self, read: Read, decision: Decision, here: str) -> list[ActionView]:
        """Return the blocks in force of a decision, whose form stands at an address."""
        if not await read.holds(TEMPLATES.read):
            return []
        statement = read.rows(Template, permission=TEMPLATES.read).where(
            col(Template.decision) == decision, Template.in_force(local_day(read.now))
        )
        found = await read.session.execute(statement.order_by(col(Template.name)))
        return [
            ActionView(verb="block", label=row.name, href=f"{here}/with/{row.id}")
            for row in found.scalars()
        ]

    async def begun(
        self, read: Read, id: UUID, decision: Decision, values: Mapping[str, str]
    ) -> Typed:
        """Return a form that begins with a block, filled in. Raises `NotFound`."""
        statement = read.rows(Template, permission=TEMPLATES.read).where(
            col(Template.id) == id, Template.in_force(local_day(read.now))
        )
        row: Template | None = (await read.session.execute(statement)).scalar_one_or_none()
        if row is None or row.decision != decision:
            raise NotFound
        return Typed(values={"text": filled(row.text, values), "template": f"{id}@{row.version}"})

    async def check(self, read: Read, form: DecisionForm) -> None:
        """Raise `Invalid` for a block that there never was."""
        if form.template is None:
            return
        id, _, version = form.template.partition("@")
        kept = TemplateVersion
        statement = read.rows(kept, col(kept.id), permission=TEMPLATES.read).where(
            col(kept.record_id) == UUID(id), col(kept.version) == int(version)
        )
        if (await read.session.execute(statement)).first() is None:
            raise Invalid(field_error("template", "choice"))


def filled(text: str, values: Mapping[str, str]) -> str:
    """Return a block with what is known filled in; what is not stays open for whoever sends it."""
    return _PLACE.sub(lambda place: values.get(place[1].strip(), place[0]), text)


def spelled_day(day: date) -> str:
    """Return a day as a letter writes it: 2026年3月5日."""
    return f"{day.year}年{day.month}月{day.day}日"


def spelled_moment(moment: datetime) -> str:
    """Return a moment as a letter writes it, in Shanghai time: 2026年3月5日 17:30."""
    return f"{spelled_day(local_day(moment))} {moment.astimezone(SHANGHAI):%H:%M}"


def drafting_routes(
    desk: CaseDesk[Any],
    drafting: Drafting,
    decisions: Mapping[str, Decision],
    values: Callable[[Any, datetime], Mapping[str, str]],
) -> list[HTTPRouteHandler]:
    """Return the forms of a procedure's decisions that begin with a block: `decisions` by their
    verbs; `values` says what a case fills in."""

    def form(verb: str, decision: Decision) -> HTTPRouteHandler:
        flow, engine = desk.flow, desk.engine

        @get(
            f"{flow.path}/{{number:str}}/{verb}/with/{{block:uuid}}",
            opt=needs(flow.by_verb(verb).permission),
            operation_id=f"{flow.name}-{verb}-with",
        )
        async def begin(
            request: Request[Any, Any, Any], number: FromPath[str], block: FromPath[UUID]
        ) -> Response[Any]:
            """Show the form of a decision that begins with a block."""
            async with desk.hub.read(actor_of(request)) as read:
                row = await engine.find(read, number)
                typed = await drafting.begun(read, block, decision, values(row, read.now))
                view = await desk.act_view(read, row, verb, typed)
            return await respond(desk.hub, request, Answer(view=view))

        return begin

    return [form(verb, decision) for verb, decision in decisions.items()]


def begun_with(view: ActView, blocks: list[ActionView], typed: Typed) -> DecideView:
    """Return the form of a decision with its blocks."""
    given = {name: getattr(view, name) for name in view.__struct_fields__}
    given["fields"] = [field for field in view.fields if field.name != "template"]
    if reference := typed.values.get("template"):
        given["hidden"] = {**view.hidden, "template": str(reference)}
    if blocks:
        given["intro"] = Phrase("traffic.template.offered")
    return DecideView(**given, blocks=blocks)
