"""Answering at once (当场答复): an order's answer begins with one of the knowledge base, filled in
from this order alone, and keeps which version that was."""

from collections.abc import Sequence
from datetime import date
from typing import Any, ClassVar, Final
from uuid import UUID

from sqlalchemy import case, or_, select
from sqlmodel import col

from plugin_sdk.deadlines import local_day
from plugin_sdk.ports import Audience, Hub, Read, Work
from plugin_sdk.problems import AppConflict, Invalid, NotFound, field_error
from plugin_sdk.taking import Typed
from plugin_sdk.views import ActionView, ActView, FactView, Phrase
from plugins.hotline.knowledge.finding import NEAREST, nearness
from plugins.hotline.knowledge.forms import PLACES, AnswerForm, filled, left_open, wrong
from plugins.hotline.knowledge.keeping import READ
from plugins.hotline.knowledge.models import WITHDRAWN, KnowledgeUse, KnowledgeVersion
from plugins.hotline.knowledge.private import other_caller
from plugins.hotline.models import Order

ANSWERS: Final = ("answer", "reply")
"""The acts of an order whose text may begin with an answer of the knowledge base."""
OFFERED: Final = 3
"""How many answers are proposed beside the form, by the order's own words."""


class BegunView(ActView, kw_only=True):
    """The form of an answer, with what it may begin with."""

    template: ClassVar[str] = "hotline_answer.html"
    offered: list[ActionView]
    search_href: str
    begun: str = ""
    """The answer of the knowledge base that the text began with."""


class Answering:
    """The knowledge base of a hub, as orders use it."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub

    async def find(
        self, read: Read, row: Order, query: str, most: int = NEAREST
    ) -> Sequence[KnowledgeVersion]:
        """Return what is in force today and near to the words, nearest first; what holds for the
        order's category and division comes before the rest. Without words what was published
        last."""
        model = KnowledgeVersion
        statement = read.rows(model, permission=READ).where(model.in_force(local_day(read.now)))
        here = case((col(model.region_id) == row.region_id, 1), else_=0)
        fits = case((col(model.category_code) == row.category_code, 2), else_=0) + here
        near = nearness(query)
        order: list[Any] = [fits.desc(), col(model.changed_at).desc(), col(model.id)]
        if near is not None:
            statement = statement.where(near[0])
            order[0] = (near[1] * 2 + fits).desc()
        # an answer for one division is none for another
        holds = or_(col(model.region_id).is_(None), col(model.region_id) == row.region_id)
        found = await read.session.execute(statement.where(holds).order_by(*order).limit(most))
        rows: Sequence[KnowledgeVersion] = found.scalars().all()
        return rows

    async def offered(self, read: Read, row: Order, view: ActView, verb: str) -> ActView:
        """Return the form of an act; that of an answer with what it may begin with."""
        if verb not in ANSWERS or not await read.holds(READ):
            return view
        given = {name: getattr(view, name) for name in view.__struct_fields__}
        used = next((field.value for field in view.fields if field.name == "used"), None)
        given["fields"] = [field for field in view.fields if field.name != "used"]
        begun = await self.standing(read, used)
        if begun is not None:
            given["hidden"] = {**view.hidden, "used": str(begun.id)}
        near = await self.find(read, row, row.title, OFFERED)
        return BegunView(
            **given,
            offered=[self.choice(one, view.action) for one in near],
            search_href=f"{view.action}/knowledge",
            begun=called(begun) if begun else "",
        )

    def choice(self, row: KnowledgeVersion, form: str) -> ActionView:
        """Return the link that begins a form with an answer."""
        return ActionView(verb="begin", label=row.question, href=f"{form}/with/{row.id}")

    async def begun(self, read: Read, row: Order, id: UUID) -> Typed:
        """Return the answer of an order as it begins with a version. Raises `NotFound`, or
        `Conflict` for one that is not offered any more."""
        found = await self._of(read, id)
        if found is None:
            raise NotFound
        self._in_force(found, local_day(read.now))
        return Typed(values={"text": self.completed(read, row, found.text), "used": found.id})

    def completed(self, read: Read, row: Order, text: str) -> str:
        """Return a text with what an answer may leave open filled in, as far as it is known."""
        return filled(text, self._values(read, row))

    async def standing(self, read: Read, id: Any) -> KnowledgeVersion | None:
        """Return a version that is offered today, None for any other."""
        found = await self._of(read, id)
        return found if found and found.offered_on(local_day(read.now)) else None

    async def check(self, work: Work, row: Order, form: AnswerForm) -> None:
        """Refuse an answer that leaves open what it should say, that names the caller of another
        order, or that began with what is not offered any more. Raises `Invalid`, `Conflict`."""
        lacking = [name for name in left_open(form.text) if name in PLACES]
        if lacking:
            raise Invalid(wrong("text", "lacking", name=lacking[0]))
        if error := await other_caller(work, form.text, row):
            raise Invalid(error)
        if form.used is not None:
            await self.use(work, form.used, row)

    async def use(self, work: Work, id: UUID, row: Order | None) -> None:
        """Count that a caller was answered with a version, in an order or (None) in a call alone.
        Raises `Invalid`, `Conflict` for what is not offered today."""
        found = await self._of(work, id)
        if found is None:
            raise Invalid(field_error("used", "choice"))
        today = local_day(work.now)
        self._in_force(found, today)
        use = KnowledgeUse(order_id=row.id if row else None, version_id=found.id, day=today)
        work.session.add(use)

    async def used(self, read: Read, row: Order) -> list[FactView]:
        """Return, for staff, which version an order was answered with last."""
        if read.actor.audience is not Audience.STAFF or not await read.holds(READ):
            return []
        use = KnowledgeUse
        latest = select(col(use.version_id)).where(col(use.order_id) == row.id)
        last = await read.session.execute(latest.order_by(col(use.id).desc()).limit(1))
        found = await self._of(read, last.scalar())
        if found is None:
            return []
        return [FactView(Phrase("hotline.knowledge.began_with"), called(found))]

    async def _of(self, read: Read, id: Any) -> KnowledgeVersion | None:
        """Return a version that was published, None where there is none in sight."""
        try:
            wanted = UUID(str(id))
        except ValueError:
            return None
        model = KnowledgeVersion
        statement = read.rows(model, permission=READ).where(
            col(model.id) == wanted, col(model.published_at).is_not(None)
        )
        row: KnowledgeVersion | None = (await read.session.execute(statement)).scalar_one_or_none()
        return row

    def _in_force(self, row: KnowledgeVersion, today: date) -> None:
        """Raise `Conflict` for what is not offered today, in words that say why."""
        if row.offered_on(today):
            return
        code, date_ = "expired", row.last_day
        if row.state == WITHDRAWN:
            code = "withdrawn"
        elif row.replaced_by is not None:
            code = "replaced"
        elif row.starts_on > today:
            code, date_ = "early", row.starts_on
        raise AppConflict(self.hub.app, f"knowledge-{code}", name=row.question, date=date_)

    def _values(self, read: Read, row: Order) -> dict[str, str]:
        """Return what an answer may leave open (`PLACES`), from this order and nothing else."""
        return {
            "编号": row.number,
            "单位": read.actor.organization_name,
            "日期": _spelled(local_day(read.now)),
            "期限": _spelled(local_day(row.due_at)) if row.due_at else "",
        }


def called(row: KnowledgeVersion) -> str:
    """Return an answer and its version as people name it."""
    return f"{row.question} · v{row.n}"


def _spelled(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"
