"""Words that decisions begin with (文书模板): text blocks that a unit keeps, each for one kind of
decision. An officer fills one in, edits it, and sends it; what was sent stands in the timeline,
with the block and the version that it began with."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Final, Self, TypeVar
from uuid import UUID

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from pydantic import Field, model_validator
from sqlmodel import col

from plugin_sdk.cases import CaseEngine
from plugin_sdk.cases.desk import CaseDesk
from plugin_sdk.cases.forms import LONG_TEXT, ReasonForm, ReplyForm
from plugin_sdk.cases.models import CaseRow
from plugin_sdk.deadlines import local_day
from plugin_sdk.ports import Answer, Hub, Read
from plugin_sdk.problems import Invalid, NotFound, field_error
from plugin_sdk.registers import RecordForm, Register, RegisterDesk, RegisterEngine
from plugin_sdk.routes import actor_of, needs, respond
from plugin_sdk.taking import BLANK, Typed
from plugin_sdk.times import SHANGHAI
from plugin_sdk.views import ActionView, ActView, FieldKind, Phrase, Words
from plugins.traffic.desk_models import Template, TemplateVersion
from plugins.traffic.forms import wrong

R = TypeVar("R", bound=CaseRow)
_PLACE: Final = re.compile(r"[{｛]([^{}｛｝]{0,40})[}｝]")


_REFERENCE: Final = r"^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}@[0-9]{1,9}$"


class Decision(StrEnum):
    """The kinds of decisions that have blocks."""

    OBJECTION_CANCEL = "objection-cancel"
    OBJECTION_UPHOLD = "objection-uphold"
    ACCIDENT_PROPOSE = "accident-propose"
    ACCIDENT_REFER = "accident-refer"
    REPORT_REJECT = "report-reject"


DECISIONS: Final[Mapping[str, Mapping[str, Decision]]] = {
    "objection": {
        "cancel": Decision.OBJECTION_CANCEL,
        "propose": Decision.OBJECTION_CANCEL,
        "uphold": Decision.OBJECTION_UPHOLD,
    },
    "accident": {
        "propose": Decision.ACCIDENT_PROPOSE,
        "refer": Decision.ACCIDENT_REFER,
    },
    "report": {"reject": Decision.REPORT_REJECT},
}
"""The acts of each procedure that say something to who is concerned, and of which kind their
blocks are."""
PLACES: Final[Mapping[str, tuple[str, ...]]] = {
    "objection": (
        *("编号", "违法编号", "车牌", "违法时间", "违法地点"),
        *("违法行为", "记分", "罚款", "今天"),
    ),
    "accident": ("编号", "甲方车牌", "乙方车牌", "事故时间", "事故地点", "今天"),
    "report": ("编号", "车牌", "违法时间", "违法地点", "违法行为", "今天"),
}
"""What a block of a procedure may leave open, in braces: it is filled in from the case."""


def procedure_of(decision: Decision) -> str:
    """Return the name of the flow that a kind of decision belongs to."""
    return next(flow for flow, known in DECISIONS.items() if decision in known.values())


class TemplateForm(RecordForm):
    """A block: for which decision, and its words."""

    kinds: ClassVar[dict[str, FieldKind]] = {"decision": "select", "text": "textarea"}

    decision: Decision
    text: str = Field(min_length=1, max_length=LONG_TEXT)

    @model_validator(mode="after")
    def _known_places(self) -> Self:
        known = PLACES[procedure_of(self.decision)]
        unknown = [name for name in _PLACE.findall(self.text) if name.strip() not in known]
        if unknown:
            raise Invalid(wrong("text", "place", name=unknown[0], known="、".join(known)))
        return self


Reference = Annotated[str, Field(max_length=50, pattern=_REFERENCE)]
"""The block that words began with, and its version: `<id>@<version>`."""


class DecisionForm(ReplyForm):
    """A decision in words, and the block that they began with."""

    kinds: ClassVar[dict[str, FieldKind]] = {**ReplyForm.kinds, "template": "hidden"}

    template: Reference | None = None


class RefusalForm(ReasonForm):
    """A refusal with its reason, and the block that it began with."""

    kinds: ClassVar[dict[str, FieldKind]] = {**ReasonForm.kinds, "template": "hidden"}

    template: Reference | None = None


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
        self, read: Read, id: UUID, decision: Decision, field: str, values: Mapping[str, str]
    ) -> Typed:
        """Return a form one of whose fields begins with a block, filled in. Raises `NotFound`."""
        statement = read.rows(Template, permission=TEMPLATES.read).where(
            col(Template.id) == id, Template.in_force(local_day(read.now))
        )
        row: Template | None = (await read.session.execute(statement)).scalar_one_or_none()
        if row is None or row.decision != decision:
            raise NotFound
        return Typed(values={field: filled(row.text, values), "template": f"{id}@{row.version}"})

    async def check(self, read: Read, reference: str | None) -> None:
        """Raise `Invalid` for a block that there never was."""
        if reference is None:
            return
        id, _, version = reference.partition("@")
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


class DraftingDesk(CaseDesk[R]):
    """The desk of a procedure whose decisions may begin with a block."""

    def __init__(self, engine: CaseEngine[R]) -> None:
        super().__init__(engine)
        self.drafting = Drafting(engine.hub)

    async def said_of(self, read: Read, row: R) -> Mapping[str, str]:
        """Return what a block may leave open (`PLACES`), as a letter writes it."""
        raise NotImplementedError

    async def act_view(self, read: Read, row: R, verb: str, typed: Typed = BLANK) -> ActView:
        """Return the form of an act; of a decision with the blocks that it may begin with."""
        view = await super().act_view(read, row, verb, typed)
        decision = DECISIONS[self.flow.name].get(verb)
        if decision is None:
            return view
        return begun_with(view, await self.drafting.blocks(read, decision, view.action), typed)


def drafting_routes(desk: DraftingDesk[Any]) -> list[HTTPRouteHandler]:
    """Return the forms of a procedure's decisions that begin with a block."""

    def form(verb: str, decision: Decision) -> HTTPRouteHandler:
        flow, engine = desk.flow, desk.engine
        field = "text" if "text" in flow.by_verb(verb).form.model_fields else "reason"

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
                said = await desk.said_of(read, row)
                typed = await desk.drafting.begun(read, block, decision, field, said)
                view = await desk.act_view(read, row, verb, typed)
            return await respond(desk.hub, request, Answer(view=view))

        return begin

    return [form(verb, decision) for verb, decision in DECISIONS[desk.flow.name].items()]


def begun_with(view: ActView, blocks: list[ActionView], typed: Typed) -> DecideView:
    """Return the form of a decision with its blocks."""
    given = {name: getattr(view, name) for name in view.__struct_fields__}
    given["fields"] = [field for field in view.fields if field.name != "template"]
    if reference := typed.values.get("template"):
        given["hidden"] = {**view.hidden, "template": str(reference)}
    if blocks:
        given["intro"] = Phrase("traffic.template.offered")
    return DecideView(**given, blocks=blocks)
