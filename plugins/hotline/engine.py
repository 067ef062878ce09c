"""The engine of orders: its flow, what follows for coordinations, and what is held open."""

from typing import Any, Final
from uuid import UUID

from plugin_sdk.cases.clock import MORE
from plugin_sdk.cases.flow import Transition
from plugin_sdk.cases.forms import ActForm
from plugin_sdk.cases.titles import title_of
from plugin_sdk.cases.traces import RETRY
from plugin_sdk.deadlines import Term
from plugin_sdk.ports import Hub, Read, To, Work
from plugin_sdk.problems import AppConflict
from plugins.hotline.coordination.deciding import askers_of_part
from plugins.hotline.coordination.engine import CoordinationEngine, part_text
from plugins.hotline.coordination.models import CoordinationShare
from plugins.hotline.dispatching.following import FollowingEngine
from plugins.hotline.flow import order_flow
from plugins.hotline.forms import CoordinateForm, RedirectForm
from plugins.hotline.models import Order
from plugins.hotline.reception.holding import CHANNEL, unsigned

ANSWERS: Final = frozenset(f"notice.{verb}" for verb in ("answer", "reply", "summarize", "pass-on"))
"""What tells a requester of an answer, and to rate it."""


class OrderEngine(FollowingEngine):
    """The engine of orders."""

    def __init__(self, hub: Hub) -> None:
        super().__init__(hub, order_flow(hub), Order)
        self.coordinations = CoordinationEngine(hub, self)

    async def filers(self, read: Read, row: Order) -> frozenset[UUID]:
        """Return who filed an order on the requester's behalf; of the part of a decision, whoever
        asked for the whole and who filed that: a part has no requester of its own."""
        if row.split_from_id is None:
            return await super().filers(read, row)
        return await askers_of_part(read, row.id)

    def _tell(self, work: Work, row: Order, whom: str, words: str, *more: Any, **how: Any) -> None:
        """Tell whom an act names; who asked rates an answer that a leader promised later, once it
        is signed off."""
        if whom == "requester" and row.channel == CHANNEL and words in ANSWERS:
            words = "notice.answered-unsigned"
        super()._tell(work, row, whom, words, *more, **how)

    async def _perform(
        self, work: Work, row: Order, transition: Transition, form: ActForm | None
    ) -> None:
        if transition.verb == "summarize":
            await self.coordinations.refuse_open(work, row)
        await super()._perform(work, row, transition, form)
        if isinstance(form, CoordinateForm):
            await self.coordinations.open_for(work, row, form)
        elif transition.verb == "summarize":
            await self.coordinations.finish(work, row)
        elif transition.verb in ("reply", "answer") and row.split_from_id is not None:
            await self.coordinations.answered(work, row)

    async def on_timer(self, work: Work, kind: str, subject: str) -> None:
        """Do what is due; an answered order that a leader has still to sign off stays open."""
        if kind == "lapse" and await unsigned(work, UUID(subject.split(":")[1])):
            await work.timer(kind, subject, work.now + RETRY)
            return
        await super().on_timer(work, kind, subject)

    async def open_part(self, work: Work, order: Order, share: CoordinationShare) -> Order:
        """Open the part of an order that a decision gives to a unit: with the term of the whole
        as its bound, and nothing of who called."""
        row = await self.open(
            work,
            title=title_of(share.task),
            organization_id=share.organization_id,
            origin=order.origin_organization_id,
            person_id=None,
            term=_term(order),
            due_on=share.due_on,
            state="dispatched",
            kind=order.kind,
            category_code=order.category_code,
            region_id=order.region_id,
            place=order.place,
            longitude=order.longitude,
            latitude=order.latitude,
            outside_boundary=order.outside_boundary,
            urgency=order.urgency,
            secret=order.secret,
            channel="split",
            line=order.line,
            split_from_id=order.id,
            text=part_text(order, share),
        )
        to = To(organization_id=row.organization_id, permission="order.sign")
        message = self.words("notice.dispatch", number=row.number, title=row.title)
        work.notify(to, message, self.href(row.number))
        self._publish(work, row, "order.dispatched")
        return row

    async def redirect(self, work: Work, id: UUID, unit: UUID, reason: str) -> None:
        """Hand a part to another unit, by a leader's ruling. Raises `AppConflict` for one that
        no unit has in hand."""
        row = await work.get(Order, id, permission=self.flow.read)
        transition = self.flow.find(row.state, "redirect")
        if transition is None:  # answered, and reopened since
            raise AppConflict(self.hub.app, "coordination.part-answered")
        form = RedirectForm(version=row.version, unit=unit, reason=reason)
        await self._perform(work, row, transition, form)

    async def resume(self, work: Work, id: UUID) -> None:
        """Let an order wait to be dispatched again, whose coordination was called off."""
        row = await work.get(Order, id, permission=self.flow.read)
        await self._by_itself(work, row, "resume")


def _term(order: Order) -> Term | None:
    """Return the term of an order with what extensions added."""
    if order.due_term is None:
        return None
    stored: dict[str, Any] = dict(order.due_term)
    more = stored.pop(MORE, 0)
    ((unit, count),) = stored.items()
    return Term(**{unit: count + more})
