"""What a coordination decides: the parts, the chair's signature, objections and rulings."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from plugin_sdk.cases import clock
from plugin_sdk.cases.flow import Apply
from plugin_sdk.ports import Organization, Read, To, Work
from plugin_sdk.problems import AppConflict, Invalid, NotFound, field_error
from plugins.hotline.coordination.flow import ATTEND, JUDGE
from plugins.hotline.coordination.forms import (
    CallOffForm,
    ChairForm,
    DropForm,
    JudgeForm,
    ObjectForm,
    ProposeForm,
    Ruling,
    ShareForm,
    SignForm,
    wrong,
)
from plugins.hotline.coordination.models import Coordination, CoordinationSeat, CoordinationShare
from plugins.hotline.coordination.papers import Papers
from plugins.hotline.coordination.seats import (
    ASSIGNED,
    CONFIRMED,
    LEGAL,
    REQUESTER,
    UNIT,
    Convener,
    Seats,
    in_person,
    seat_of,
    seats_of,
)
from plugins.hotline.models import ANSWERED, Order
from plugins.hotline.terms import term

MOST: Final = 8
"""So many parts one decision makes."""


class Orders(Protocol):
    """What the engine of orders lends to coordinations."""

    async def open_part(self, work: Work, order: Order, share: CoordinationShare) -> Order: ...
    async def redirect(self, work: Work, id: UUID, unit: UUID, reason: str) -> None: ...
    async def resume(self, work: Work, id: UUID) -> None: ...
    async def units_with(self, permission: str, *, max_age: float = ...) -> list[Organization]: ...
    async def filers(self, read: Read, row: Order) -> frozenset[UUID]: ...


async def askers_of_part(read: Read, order_id: UUID) -> frozenset[UUID]:
    """Return who asked for what a decision divides, by the order of a part."""
    columns = (CoordinationShare.asker_person_id, CoordinationShare.asker_agent_person_id)
    found = select(*map(col, columns)).where(col(CoordinationShare.order_id) == order_id)
    return frozenset(id for row in await read.session.execute(found) for id in row if id)


async def shares_of(read: Read, id: UUID) -> list[CoordinationShare]:
    """Return the parts of a decision that the actor may see, in the order they were given."""
    statement = select(CoordinationShare).where(col(CoordinationShare.case_id) == id)
    found = await read.session.execute(statement.order_by(col(CoordinationShare.id)))
    return list(found.scalars())


def unheard(
    seats: Sequence[CoordinationSeat], shares: Sequence[CoordinationShare]
) -> list[CoordinationSeat]:
    """Return the units that a decision binds though they left or did not come."""
    found = [seat_of(seats, share.organization_id) for share in shares]
    return [s for s in found if s is not None and s.state not in (CONFIRMED, ASSIGNED)]


def needs_chair(row: Coordination, seats: Sequence[CoordinationSeat]) -> bool:
    """Return whether another must preside first: one convened before chairs were picked by their
    post knows a name alone, or a chair whose own unit takes part."""
    return row.chair_person_id is None or seat_of(seats, row.chair_unit) is not None


class Deciding:
    """What is written about a decision."""

    def __init__(self, engine: Convener, orders: Orders, seats: Seats, papers: Papers) -> None:
        self.engine = engine
        self.hub = engine.hub
        self.orders = orders
        self.seats = seats
        self.papers = papers

    @property
    def acts(self) -> Mapping[str, Apply]:
        """Return what each verb writes."""
        return {
            "share": self.share,
            "drop": self.drop,
            "propose": self.propose,
            "sign": self.sign,
            "send-back": self.send_back,
            "object": self.object,
            "judge": self.judge,
            "another-chair": self.another_chair,
            "call-off": self.call_off,
        }

    def _limit(self, order: Order, now: datetime) -> datetime | None:
        """Return until when a part may run: as long as the order itself, and where that is over a
        few days more, which does not make the order any less late."""
        if order.due_at is not None and order.due_at <= now:
            return clock.window(self.hub, now, term(self.hub.settings, "late_days"))
        return order.due_at

    async def _order(self, work: Work, row: Coordination) -> Order:
        """Return the order; its chair may be of a unit that sees the matter and not the order."""
        reason = "the order that a decision divides"
        found: Order | None = (
            await work.session.execute(
                work.beyond_scope(Order, reason=reason).where(col(Order.id) == row.order_id)
            )
        ).scalar_one_or_none()
        if found is None:
            raise NotFound
        return found

    async def share(self, work: Work, row: Coordination, form: ShareForm) -> None:
        """Give a unit that was invited its part of the draft, or another in its place."""
        seat = seat_of(await seats_of(work, row.id), form.unit)
        if seat is None or seat.kind != UNIT:
            raise Invalid(wrong("unit", "not-invited"))
        order = await self._order(work, row)
        clock.closing(self.hub, form.due_on, work.now, limit=self._limit(order, work.now))
        shares = await shares_of(work, row.id)
        known = next((s for s in shares if s.organization_id == form.unit), None)
        if known is not None:
            known.task, known.due_on = form.text, form.due_on
            return
        if len(shares) >= MOST:
            raise AppConflict(self.hub.app, "coordination.too-many-parts", n=MOST)
        await work.add(
            CoordinationShare(
                case_id=row.id, organization_id=form.unit, task=form.text, due_on=form.due_on
            )
        )

    async def drop(self, work: Work, row: Coordination, form: DropForm) -> None:
        """Strike the part of a unit from the draft."""
        shares = await shares_of(work, row.id)
        known = next((s for s in shares if s.organization_id == form.unit), None)
        if known is None:
            raise Invalid(field_error("unit", "choice"))
        await work.session.delete(known)

    async def propose(self, work: Work, row: Coordination, form: ProposeForm) -> None:
        """Lay the decision before the chair."""
        seats, shares = await seats_of(work, row.id), await shares_of(work, row.id)
        self._check(row, seats, shares)
        if form.rule_unit is not None and form.rule_unit not in {s.organization_id for s in shares}:
            raise Invalid(wrong("rule_unit", "no-part"))
        row.decision, row.legal_basis = form.text, form.legal_basis
        row.rule_unit = form.rule_unit
        row.organization_id = row.chair_unit or row.organization_id

    def _check(
        self,
        row: Coordination,
        seats: Sequence[CoordinationSeat],
        shares: Sequence[CoordinationShare],
    ) -> None:
        if not shares:
            raise AppConflict(self.hub.app, "coordination.no-parts")
        if needs_chair(row, seats):
            raise AppConflict(self.hub.app, "coordination.needs-chair", name=row.chair_name)

    async def sign(self, work: Work, row: Coordination, form: SignForm) -> None:
        """Sign the decision: every part becomes an order in this one unit of work, or none."""
        seats, shares = await seats_of(work, row.id), await shares_of(work, row.id)
        self._check(row, seats, shares)
        if not in_person(row.chair_person_id, work):
            raise AppConflict(self.hub.app, "coordination.not-the-chair", name=row.chair_name)
        if absent := unheard(seats, shares):
            if not any(seat.kind == LEGAL and seat.opinion for seat in seats):
                names = await self._names(absent)
                raise AppConflict(self.hub.app, "coordination.no-opinion", units=names)
            if form.reason is None:
                raise Invalid(wrong("reason", "unheard"))
        order = await self._order(work, row)
        row.chair_reason, row.signed_at = form.reason, work.now
        row.organization_id = row.origin_organization_id
        limit = self._limit(order, work.now)
        for share in shares:
            try:
                clock.closing(self.hub, share.due_on, work.now, limit=limit)
            except Invalid:
                raise AppConflict(self.hub.app, "coordination.dates-over") from None
            part = await self.orders.open_part(work, order, share)
            share.order_id = part.id
            share.asker_person_id, share.asker_agent_person_id = (
                row.asker_person_id,
                row.asker_agent_person_id,
            )
        await self.papers.issue(work, row)
        await self.seats.dismiss(work, row, "notice.decided")

    async def _names(self, seats: Sequence[CoordinationSeat]) -> str:
        ids = [seat.organization_id for seat in seats if seat.organization_id is not None]
        names = await self.hub.directory.names(ids)
        return "、".join(names.get(id, "") for id in ids)

    async def send_back(self, work: Work, row: Coordination, form: object) -> None:
        """Send the draft back to the centre."""
        row.organization_id = row.origin_organization_id

    async def another_chair(self, work: Work, row: Coordination, form: ChairForm) -> None:
        """Let another preside, where who was named is wrong or gone; a decision that waits for the
        signature lies before them."""
        before = (row.chair_unit, row.chair_person_id)
        chair = await self.seats.seat_chair(work, row, form.chair)
        if (row.chair_unit, row.chair_person_id) == before:
            raise Invalid(wrong("chair", "chairs-already"))
        if row.state == "proposed":
            row.organization_id = row.chair_unit or row.organization_id
        self.seats.tell(work, row, chair, "notice.another-chair")

    async def object(self, work: Work, row: Coordination, form: ObjectForm) -> None:
        """Keep what a unit objects to its part: once, and before it has answered. Whoever held the
        meeting does not, since their own leaders alone could rule on it."""
        unit = work.actor.organization_id
        seat = seat_of(await seats_of(work, row.id), unit)
        own = [s for s in await shares_of(work, row.id) if s.organization_id == unit]
        if seat is None or not own:
            raise AppConflict(self.hub.app, "coordination.no-part")
        if unit == row.origin_organization_id:
            raise AppConflict(self.hub.app, "coordination.own-unit")
        if seat.objected_at is not None:
            raise AppConflict(self.hub.app, "coordination.objected")
        if not await self._open(work, own):
            raise AppConflict(self.hub.app, "coordination.part-answered")
        seat.objection, seat.objection_basis = form.reason, form.legal_basis
        seat.objected_at = work.now
        await work.todo.open(
            self._objection(row, seat),
            To(organization_id=row.origin_organization_id, permission=JUDGE),
            row.title,
            self.engine.href(row.number, "judge"),
            label=self.engine.words("act.judge"),
        )

    async def judge(self, work: Work, row: Coordination, form: JudgeForm) -> None:
        """Rule on the objection of a unit; one that is upheld hands its part to another."""
        seat = seat_of(await seats_of(work, row.id), form.unit)
        if seat is None or seat.objected_at is None or seat.ruled_at is not None:
            raise Invalid(wrong("unit", "nothing-objected"))
        if form.ruling is Ruling.UPHELD:
            await self._hand_over(work, row, form)
        seat.ruling, seat.ruling_reason, seat.ruled_at = str(form.ruling), form.reason, work.now
        await work.todo.close(self._objection(row, seat))
        self.seats.tell(work, row, _attending(form.unit), "notice.judged")

    async def _hand_over(self, work: Work, row: Coordination, form: JudgeForm) -> None:
        to = form.to_unit
        if to is None:
            raise Invalid(field_error("to_unit", "missing"))
        units = await self.orders.units_with("order.sign")
        if to == form.unit or to not in {unit.id for unit in units}:
            raise Invalid(field_error("to_unit", "unit-cannot"))
        if to == work.actor.organization_id:
            raise Invalid(wrong("to_unit", "own-unit"))
        own = [s for s in await shares_of(work, row.id) if s.organization_id == form.unit]
        running = await self._open(work, own)
        if not running:
            raise AppConflict(self.hub.app, "coordination.part-answered")
        for share in running:
            if share.order_id is not None:
                await self.orders.redirect(work, share.order_id, to, form.reason)
            share.organization_id = to
        if row.rule_unit == form.unit:
            row.rule_unit = None  # what was ruled otherwise is no rule for the next time
        if seat_of(await seats_of(work, row.id), to) is None:
            await work.add(
                CoordinationSeat(
                    case_id=row.id,
                    kind=UNIT,
                    organization_id=to,
                    state=ASSIGNED,
                    answered_at=work.now,
                )
            )
        await self.engine.join(work, row, to, "assistant")
        self.seats.tell(work, row, _attending(to), "notice.decided")

    async def call_off(self, work: Work, row: Coordination, form: CallOffForm) -> None:
        """Call it off: the order waits to be dispatched again, and a requester who was asked to
        come is told."""
        row.organization_id = row.origin_organization_id
        await self.orders.resume(work, row.order_id)
        await self.seats.dismiss(work, row, "notice.called-off")
        asked = any(seat.kind == REQUESTER for seat in await seats_of(work, row.id))
        if asked and row.starts_at is not None:
            await self.seats.tell_requester(work, row, "notice.requester-off")

    async def _open(
        self, work: Work, shares: Sequence[CoordinationShare]
    ) -> list[CoordinationShare]:
        """Return the parts whose unit has not answered."""
        standing = await self.standing(work, shares)
        return [s for s in shares if s.order_id and standing.get(s.order_id) not in ANSWERED]

    async def standing(self, read: Read, shares: Sequence[CoordinationShare]) -> dict[UUID, str]:
        """Return how the orders of parts stand, of those that the actor may see."""
        ids = [share.order_id for share in shares if share.order_id is not None]
        columns = (col(Order.id), col(Order.state))
        found = read.rows(Order, *columns, permission="order.read").where(col(Order.id).in_(ids))
        return {id: state for id, state in await read.session.execute(found)}

    def _objection(self, row: Coordination, seat: CoordinationSeat) -> str:
        return f"{self.engine.subject(row.id)}:objection:{seat.id}"


def _attending(unit: UUID) -> To:
    """Return who takes part for a unit."""
    return To(organization_id=unit, permission=ATTEND)
