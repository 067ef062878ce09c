"""The engine of coordinations, and what they mean for the orders they are about."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func
from sqlmodel import col

from plugin_sdk.cases import CaseEngine
from plugin_sdk.cases.acts import LOOK_AGAIN_SECONDS
from plugin_sdk.cases.forms import ActForm
from plugin_sdk.cases.titles import title_of
from plugin_sdk.ports import Hub, Read, To, Work
from plugin_sdk.problems import AppConflict
from plugins.hotline.coordination.deciding import Deciding, Orders, shares_of
from plugins.hotline.coordination.flow import ATTEND, OPINE, SIGN, coordination_flow
from plugins.hotline.coordination.models import Coordination, CoordinationEntry, CoordinationShare
from plugins.hotline.coordination.papers import Papers
from plugins.hotline.coordination.seats import REQUESTER, Seats, seats_of
from plugins.hotline.forms import CoordinateForm
from plugins.hotline.models import ANSWERED, Order
from plugins.hotline.naming import without_caller
from plugins.hotline.terms import term

ASKED: Final = {
    "invite": ATTEND,
    "invite-expert": OPINE,
    "judge": "order.sign",
}
"""Of which permission a verb looks up the units that hold it."""
POSTS: Final = {"invite-expert": OPINE, "convene": SIGN, "another-chair": SIGN}
"""Of which permission a verb looks up who holds a post with it."""
OWN: Final = frozenset({"confirm", "decline", "send-another", "leave", "note", "opine", "object"})
"""Acts of one seat, which no other's act makes stale."""
GROUNDS: Final = ("judgement", "returned", "again")
"""Why there is a coordination, by how often the order was returned."""


class CoordinationEngine(CaseEngine[Coordination]):
    """The engine of coordinations: units take part in each by a seat."""

    def __init__(self, hub: Hub, orders: Orders) -> None:
        self.hub = hub
        self.papers = Papers(hub)
        self.seats = Seats(self)
        self.deciding = Deciding(self, orders, self.seats, self.papers)
        self.orders = orders
        acts = {**self.seats.acts, **self.deciding.acts}
        super().__init__(hub, coordination_flow(hub, acts), Coordination)

    async def assisting(self, read: Read, row: Coordination) -> frozenset[UUID]:
        """Return the organizations that have a seat."""
        seats = await seats_of(read, row.id)
        return frozenset(s.organization_id for s in seats if s.organization_id is not None)

    async def filers(self, read: Read, row: Coordination) -> frozenset[UUID]:
        """Return whoever asked for the order, and who filed it for them: they have no hand in it,
        whatever post they hold."""
        asked = (row.asker_person_id, row.asker_agent_person_id)
        return frozenset(id for id in asked if id is not None)

    async def prepare(self, verb: str | None = None) -> None:
        """Ask the directory for what an act looks up."""
        await super().prepare(verb)
        if verb in ASKED:
            by: CaseEngine[Coordination] | Orders = self.orders if verb == "judge" else self
            await by.units_with(ASKED[verb], max_age=LOOK_AGAIN_SECONDS)
        if verb in POSTS:
            await self.officials_with(POSTS[verb], max_age=LOOK_AGAIN_SECONDS)

    async def act(self, work: Work, id: UUID, verb: str, form: ActForm) -> Coordination:
        """Do an act. Those who take part act side by side, each for their own seat: what counts is
        that they have seen the meeting as it was set last. Raises as `CaseEngine.act` does."""
        if verb in OWN:
            row = await work.get(Coordination, id, permission=self.flow.read)
            if await self._set_at(work, id) <= form.version < row.version:
                form = form.model_copy(update={"version": row.version})
        return await super().act(work, id, verb, form)

    async def _set_at(self, work: Work, id: UUID) -> int:
        """Return the version at which the meeting was set last."""
        seq = func.max(col(CoordinationEntry.seq))
        found = work.rows(CoordinationEntry, seq, permission=self.flow.read).where(
            col(CoordinationEntry.case_id) == id, col(CoordinationEntry.verb) == "convene"
        )
        return (await work.session.execute(found)).scalar_one() or 0

    async def join(self, work: Work, row: Coordination, unit: UUID, role: str) -> None:
        """Let a unit see a coordination from now on."""
        await self._join(work, row, unit, role)

    # What coordinations mean for the orders they are about.

    async def open_for(self, work: Work, order: Order, form: CoordinateForm) -> Coordination:
        """Open the coordination of an order that its dispatcher asks for."""
        matter = matter_of(order)
        agent = next(iter(await self.orders.filers(work, order)), None)
        return await self.open(
            work,
            title=title_of(matter),
            organization_id=order.origin_organization_id,
            person_id=None,
            term=term(self.hub.settings, "coordination_days"),
            order_id=order.id,
            order_number=order.number,
            asker_person_id=order.person_id,
            asker_agent_person_id=agent,
            secret=order.secret,
            ground=GROUNDS[min(order.returns, len(GROUNDS) - 1)],
            question=form.question,
            matter=matter,
            place=order.place,
            region_id=order.region_id,
            category_code=order.category_code,
        )

    async def kept_secret(self, work: Work, event: Mapping[str, Any]) -> None:
        """Hide who asked in the coordinations of an order and in their parts, however far they
        are, since the requester is secret now."""
        # the order is not held: who calls a meeting off holds that first and the order then
        whole = work.rows(Order).where(col(Order.id) == UUID(str(event["id"])))
        order: Order | None = (await work.session.execute(whole)).scalar_one_or_none()
        if order is None:
            return
        found = work.rows(Coordination, col(Coordination.id))
        found = found.where(col(Coordination.order_id) == order.id)
        for id in list((await work.session.execute(found)).scalars()):
            row = await work.get(Coordination, id)
            row.secret, row.matter = True, matter_of(order)
            row.title = title_of(row.matter)
            for seat in await seats_of(work, id):
                if seat.kind == REQUESTER:
                    self.seats.spare(work, row, order)
                    await work.session.delete(seat)
            for share in await shares_of(work, id):
                if share.order_id is not None:
                    part = await work.get(Order, share.order_id)
                    part.secret, part.text = True, part_text(order, share)

    async def latest(self, read: Read, order_id: UUID) -> Coordination | None:
        """Return the latest coordination of an order, None where the actor sees none."""
        found = read.rows(Coordination, permission=self.flow.read)
        found = found.where(col(Coordination.order_id) == order_id)
        found = found.order_by(col(Coordination.opened_at).desc(), col(Coordination.id).desc())
        row: Coordination | None = (await read.session.execute(found.limit(1))).scalar_one_or_none()
        return row

    async def of_part(self, read: Read, order_id: UUID) -> Coordination | None:
        """Return the coordination that opened a part, None where the actor sees none."""
        part = read.rows(Coordination, permission=self.flow.read).join(
            CoordinationShare, col(CoordinationShare.case_id) == col(Coordination.id)
        )
        found = part.where(col(CoordinationShare.order_id) == order_id)
        row: Coordination | None = (await read.session.execute(found)).scalar_one_or_none()
        return row

    async def parts(self, read: Read, row: Coordination) -> list[tuple[CoordinationShare, Order]]:
        """Return the parts of a decision with their orders, of those that the actor may see."""
        shares = {s.order_id: s for s in await shares_of(read, row.id) if s.order_id is not None}
        found = read.rows(Order, permission="order.read").where(col(Order.id).in_(shares))
        orders = (await read.session.execute(found.order_by(col(Order.id)))).scalars().all()
        return [(shares[order.id], order) for order in orders]

    async def refuse_open(self, work: Work, order: Order) -> None:
        """Raise `AppConflict` unless every part of the decision is answered and nothing that was
        objected waits for its ruling."""
        row = await self.latest(work, order.id)
        if row is None or row.state != "decided":
            raise AppConflict(self.hub.app, "coordination.not-decided")
        waiting = [p for p in await self.parts(work, row) if p[1].state not in ANSWERED]
        if waiting:
            names = await self._names([share.organization_id for share, _ in waiting])
            raise AppConflict(self.hub.app, "coordination.parts-open", units="、".join(names))
        seats = await seats_of(work, row.id)
        if any(seat.objected_at is not None and seat.ruled_at is None for seat in seats):
            raise AppConflict(self.hub.app, "coordination.objection-open")

    async def answers(self, read: Read, order: Order) -> str:
        """Return the answers to the parts as the beginning of the one answer."""
        row = await self.latest(read, order.id)
        parts = await self.parts(read, row) if row is not None else []
        names = await self._names([share.organization_id for share, _ in parts])
        said = zip(names, parts, strict=True)
        return "\n".join(f"{name}：{part.reply}" for name, (_, part) in said if part.reply)

    async def _names(self, ids: Sequence[UUID]) -> list[str]:
        names = await self.hub.directory.names(list(ids))
        return [names.get(id, "") for id in ids]

    async def finish(self, work: Work, order: Order) -> None:
        """End the coordination of an order that is answered."""
        row = await self.latest(work, order.id)
        if row is not None:
            row = await work.get(Coordination, row.id, permission=self.flow.read)
            await self._by_itself(work, row, "finish")

    async def answered(self, work: Work, part: Order) -> None:
        """Tell the centre, once the last part of a decision is answered, that the order can be."""
        reason = "whether every part of a decision is answered"
        by = work.beyond_scope(Coordination, reason=reason).join(
            CoordinationShare, col(CoordinationShare.case_id) == col(Coordination.id)
        )
        by = by.where(
            col(CoordinationShare.order_id) == part.id, col(Coordination.state) == "decided"
        )
        row: Coordination | None = (await work.session.execute(by)).scalar_one_or_none()
        if row is None:
            return
        orders = [share.order_id for share in await shares_of(work, row.id) if share.order_id]
        found = work.beyond_scope(Order, col(Order.id), reason=reason).where(
            col(Order.id).in_(orders), col(Order.state).not_in(ANSWERED), col(Order.id) != part.id
        )
        if (await work.session.execute(found.limit(1))).first() is not None:
            return
        to = To(organization_id=row.origin_organization_id, permission="order.summarize")
        href = f"/apps/{self.hub.app}/orders/{row.order_number}/summarize"
        message = self.words("notice.answered", number=row.order_number, title=row.title)
        work.notify(to, message, href)
        await work.todo.open(
            f"order:{row.order_id}",
            to,
            row.title,
            href,
            label=self.words("to_summarize"),
        )


def matter_of(order: Order) -> str:
    """Return what an order says, without who called: numbers are masked and the name is gone."""
    return without_caller(order.text, order.caller_name, order.caller_phone)


def part_text(order: Order, share: CoordinationShare) -> str:
    """Return what the part of an order says: what is to be done, and of what."""
    return f"{share.task}\n\n{matter_of(order)}"
