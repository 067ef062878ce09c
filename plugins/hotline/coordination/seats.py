"""Who takes part in a coordination: invited, told, there or not. Each act is written by the
engine's `act`, which has locked the case and asked for permission before."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from plugin_sdk.cases.flow import Apply
from plugin_sdk.cases.forms import ActForm, ReasonForm
from plugin_sdk.cases.rules import NotYours
from plugin_sdk.ports import Hub, Official, Organization, Read, To, Work
from plugin_sdk.problems import AppConflict, Invalid, field_error
from plugin_sdk.views import Phrase
from plugins.hotline.coordination.flow import ATTEND, OPINE, SIGN
from plugins.hotline.coordination.forms import (
    AbsentForm,
    AnotherForm,
    ConveneForm,
    ExpertForm,
    InviteForm,
    OpinionForm,
    wrong,
)
from plugins.hotline.coordination.models import Coordination, CoordinationSeat
from plugins.hotline.models import Order

UNIT, LEGAL, REQUESTER = "unit", "legal", "requester"
INVITED, CONFIRMED, DECLINED, LEFT, ABSENT = "invited", "confirmed", "declined", "left", "absent"
ASSIGNED: Final = "assigned"
"""How a unit stands in it: the last one was named by a ruling and never invited."""
MOST: Final = 20
"""So many take part in one coordination."""
PERMISSION: Final = {UNIT: ATTEND, LEGAL: OPINE}


class Convener(Protocol):
    """What the engine of coordinations lends to who writes its acts."""

    hub: Hub

    def words(self, name: str, **params: object) -> Phrase: ...
    def subject(self, id: UUID) -> str: ...
    def href(self, number: str, verb: str = "") -> str: ...
    async def units_with(self, permission: str) -> list[Organization]: ...
    async def officials_with(self, permission: str) -> list[Official]: ...
    async def join(self, work: Work, row: Coordination, unit: UUID, role: str) -> None: ...


async def seats_of(read: Read, id: UUID) -> list[CoordinationSeat]:
    """Return who takes part in a coordination that the actor may see, in order of invitation."""
    statement = select(CoordinationSeat).where(col(CoordinationSeat.case_id) == id)
    found = await read.session.execute(statement.order_by(col(CoordinationSeat.id)))
    return list(found.scalars())


def seat_of(seats: Sequence[CoordinationSeat], unit: UUID | None) -> CoordinationSeat | None:
    """Return the seat of a unit, or of the legal expert who works there."""
    return next((s for s in seats if unit is not None and s.organization_id == unit), None)


def may_opine(seat: CoordinationSeat, read: Read) -> bool:
    """Return whether the actor may give the opinion of a seat: the legal expert in person, and for
    one who is of no unit whoever of its unit hands it in."""
    return seat.outside or in_person(seat.expert_person_id, read)


def in_person(id: UUID | None, read: Read) -> bool:
    """Return whether the actor is a person, and acts in a post of their own."""
    return id is not None and read.actor.person_id == id and read.actor.delegation is None


class Seats:
    """What is written about who takes part."""

    def __init__(self, engine: Convener) -> None:
        self.engine = engine
        self.hub = engine.hub

    @property
    def acts(self) -> Mapping[str, Apply]:
        """Return what each verb writes."""
        return {
            "invite": self.invite,
            "invite-expert": self.invite_expert,
            "invite-requester": self.invite_requester,
            "convene": self.convene,
            "confirm": self.confirm,
            "decline": self.decline,
            "send-another": self.send_another,
            "leave": self.leave,
            "absent": self.absent,
            "opine": self.opine,
            "hold": self.hold,
        }

    async def invite(self, work: Work, row: Coordination, form: InviteForm) -> None:
        """Invite a unit by the person who comes for it."""
        await self._add_unit(work, row, UNIT, form)

    async def invite_expert(self, work: Work, row: Coordination, form: ExpertForm) -> None:
        """Invite a legal expert: of no unit that takes part, so that the opinion is free."""
        if form.expert is not None:
            one = await self._official(OPINE, form.expert, "expert")
            expert = {"organization_id": one.organization_id, "name": one.name}
            await self._add(work, row, "expert", LEGAL, expert_person_id=one.person_id, **expert)
            return
        await self._add_unit(work, row, LEGAL, form)

    async def _official(self, permission: str, post: UUID, field: str) -> Official:
        """Return who holds a post with a permission. Raises `Invalid`."""
        officials = await self.engine.officials_with(permission)
        found = next((one for one in officials if one.post_id == post), None)
        if found is None:
            raise Invalid(field_error(field, "choice"))
        return found

    async def invite_requester(self, work: Work, row: Coordination, form: ActForm) -> None:
        """Invite who asked. Raises `AppConflict` where who that is must not be known."""
        asked = await self._asked(work, row)
        if row.secret or (asked is not None and asked.secret):
            raise AppConflict(self.hub.app, "coordination.secret")
        seats = await seats_of(work, row.id)
        if any(seat.kind == REQUESTER for seat in seats):
            raise AppConflict(self.hub.app, "coordination.invited")
        seat = CoordinationSeat(case_id=row.id, kind=REQUESTER, state=INVITED)
        await work.add(seat)
        await self._call(work, row, seat)

    async def _add_unit(
        self, work: Work, row: Coordination, kind: str, form: InviteForm | ExpertForm
    ) -> None:
        if form.unit not in {one.id for one in await self.engine.units_with(PERMISSION[kind])}:
            raise Invalid(field_error("unit", "unit-cannot"))
        await self._add(work, row, "unit", kind, organization_id=form.unit, name=form.name)

    async def _add(self, work: Work, row: Coordination, field: str, kind: str, **who: Any) -> None:
        """Let a unit, or the expert of one, take part; whose chair presides takes no part. What is
        wrong with it stands at `field`."""
        seats, unit = await seats_of(work, row.id), who["organization_id"]
        if seat_of(seats, unit) is not None:
            raise Invalid(wrong(field, "seated"))
        if len(seats) >= MOST:
            raise AppConflict(self.hub.app, "coordination.too-many", n=MOST)
        if unit == row.chair_unit:
            raise Invalid(wrong(field, "chairs"))
        seat = CoordinationSeat(case_id=row.id, kind=kind, state=INVITED, **who)
        await work.add(seat)
        await self.engine.join(work, row, unit, "assistant")
        await self._call(work, row, seat)

    async def convene(self, work: Work, row: Coordination, form: ConveneForm) -> None:
        """Set the meeting, or move it: everybody is asked anew."""
        if form.starts_at <= work.now:
            raise Invalid(field_error("day", "in-the-past"))
        seats = await seats_of(work, row.id)
        if not any(seat.kind == UNIT for seat in seats):
            raise AppConflict(self.hub.app, "coordination.nobody-invited")
        row.how, row.starts_at, row.venue = str(form.how), form.starts_at, form.venue
        chair = await self.seat_chair(work, row, form.chair)
        for seat in seats:
            seat.state, seat.reason, seat.answered_at = INVITED, "", None
            await self._call(work, row, seat)
        self.tell(work, row, chair, "notice.convene")

    async def seat_chair(self, work: Work, row: Coordination, post: UUID) -> To:
        """Let who holds a post preside and sign, and return them. Raises `Invalid` for one who
        cannot, or whose unit takes part: nobody decides what binds or frees their own."""
        chair = await self._official(SIGN, post, "chair")
        unit, person = chair.organization_id, chair.person_id
        if seat_of(await seats_of(work, row.id), unit) is not None:
            raise Invalid(wrong("chair", "takes-part"))
        row.chair_unit, row.chair_person_id, row.chair_name = unit, person, chair.name
        await self.engine.join(work, row, unit, "chair")
        return To(person_id=person, organization_id=unit)

    async def _call(self, work: Work, row: Coordination, seat: CoordinationSeat) -> None:
        """Tell who is invited when and where, once that is known."""
        if row.starts_at is None:
            return
        if seat.organization_id is None:
            await self.tell_requester(work, row, "notice.requester")
            return
        to = self._to(seat)
        self.tell(work, row, to, "notice.convene")
        await work.todo.open(
            self._subject(row, seat),
            to,
            row.title,
            self.engine.href(row.number),
            label=self.engine.words("act.confirm" if seat.kind == UNIT else "act.opine"),
            due_at=row.starts_at,
        )

    async def _asked(self, work: Work, row: Coordination) -> Any:
        """Return who asked, and whether that is secret by now; None for who may not see it."""
        columns = (col(Order.person_id), col(Order.caller_phone), col(Order.secret))
        found = work.rows(Order, *columns, permission="order.read")
        return (await work.session.execute(found.where(col(Order.id) == row.order_id))).first()

    async def tell_requester(self, work: Work, row: Coordination, name: str) -> None:
        """Tell who asked for the order of the meeting: without an account by short message."""
        asked = await self._asked(work, row)
        if asked is None or asked.secret:
            return
        self._say(work, row, name, asked.person_id, asked.caller_phone)

    def spare(self, work: Work, row: Coordination, order: Order) -> None:
        """Tell who asked, and is secret now, that they need not come to a meeting that is set."""
        if row.starts_at is not None and row.starts_at > work.now:
            self._say(work, row, "notice.requester-spared", order.person_id, order.caller_phone)

    def _say(
        self, work: Work, row: Coordination, name: str, person: UUID | None, phone: str
    ) -> None:
        said = self.engine.words(name, number=row.order_number, date=row.starts_at, place=row.venue)
        if person is not None:
            href = f"/apps/{self.hub.app}/orders/{row.order_number}"
            work.notify(To(person_id=person), said, href)
        elif phone:
            work.text(phone, said)

    async def _own(self, work: Work, row: Coordination, kind: str = "") -> CoordinationSeat:
        seat = seat_of(await seats_of(work, row.id), work.actor.organization_id)
        if seat is None or (kind and seat.kind != kind):
            raise NotYours(f"{self.hub.app}.{PERMISSION[kind or UNIT]}", "not-assistant")
        return seat

    async def _answer(self, work: Work, row: Coordination, state: str, reason: str = "") -> None:
        seat = await self._own(work, row)
        if seat.state == state:
            raise AppConflict(self.hub.app, "coordination.answered")
        seat.state, seat.reason, seat.answered_at = state, reason, work.now
        if seat.kind == UNIT:
            await work.todo.close(self._subject(row, seat))

    async def confirm(self, work: Work, row: Coordination, form: ActForm) -> None:
        """Say that one comes; once it is held, that one has come after all."""
        await self._answer(work, row, CONFIRMED)

    async def decline(self, work: Work, row: Coordination, form: ReasonForm) -> None:
        """Say that one does not come, and why."""
        await self._answer(work, row, DECLINED, form.reason)

    async def send_another(self, work: Work, row: Coordination, form: AnotherForm) -> None:
        """Send somebody else of the unit; who comes is there."""
        seat = await self._own(work, row, UNIT)
        if seat.name == form.name:
            raise Invalid(wrong("name", "the-same"))
        seat.name, seat.state, seat.answered_at = form.name, CONFIRMED, work.now
        seat.reason = form.reason
        await work.todo.close(self._subject(row, seat))

    async def leave(self, work: Work, row: Coordination, form: ReasonForm) -> None:
        """Leave a meeting that is under way."""
        seat = await self._own(work, row)
        if seat.state != CONFIRMED:
            raise AppConflict(self.hub.app, "coordination.not-there")
        await self._answer(work, row, LEFT, form.reason)

    async def absent(self, work: Work, row: Coordination, form: AbsentForm) -> None:
        """Record that a unit did not come, or went without a word."""
        seat = seat_of(await seats_of(work, row.id), form.unit)
        if seat is None:
            raise Invalid(field_error("unit", "choice"))
        if seat.state != CONFIRMED:
            raise Invalid(wrong("unit", "not-there"))
        seat.state, seat.reason, seat.answered_at = ABSENT, form.reason, work.now

    async def opine(self, work: Work, row: Coordination, form: OpinionForm) -> None:
        """Keep the opinion of the legal expert, who gives it in person."""
        seat = await self._own(work, row, LEGAL)
        if not may_opine(seat, work):
            raise AppConflict(self.hub.app, "coordination.not-the-expert", name=seat.name)
        seat.opinion, seat.opinion_basis = form.text, form.legal_basis
        seat.state, seat.answered_at = CONFIRMED, work.now
        await work.todo.close(self._subject(row, seat))

    async def hold(self, work: Work, row: Coordination, form: ActForm) -> None:
        """Open the meeting: who has not said that they come is absent."""
        if row.starts_at is None or work.now < row.starts_at:
            raise AppConflict(self.hub.app, "coordination.too-early", date=row.starts_at)
        seats = await seats_of(work, row.id)
        if not any(seat.kind == UNIT and seat.state == CONFIRMED for seat in seats):
            raise AppConflict(self.hub.app, "coordination.nobody-came")
        for seat in seats:
            if seat.kind == UNIT and seat.state == INVITED:
                seat.state, seat.answered_at = ABSENT, work.now
                await work.todo.close(self._subject(row, seat))

    async def dismiss(self, work: Work, row: Coordination, words: str) -> None:
        """Close what still waits for who takes part, and tell the units."""
        for seat in await seats_of(work, row.id):
            await work.todo.close(self._subject(row, seat))
            if seat.organization_id is not None and row.starts_at is not None:
                self.tell(work, row, self._to(seat), words)

    def tell(self, work: Work, row: Coordination, to: To, name: str) -> None:
        """Tell who takes part."""
        params = {"number": row.number, "title": row.title, "date": row.starts_at}
        message = self.engine.words(name, **params, place=row.venue)
        work.notify(to, message, self.engine.href(row.number))

    def _to(self, seat: CoordinationSeat) -> To:
        """Return for whom the work of a seat is: its unit's, but an opinion is the expert's."""
        if seat.expert_person_id is not None:
            return To(person_id=seat.expert_person_id, organization_id=seat.organization_id)
        return To(organization_id=seat.organization_id, permission=PERMISSION[seat.kind])

    def _subject(self, row: Coordination, seat: CoordinationSeat) -> str:
        return f"{self.engine.subject(row.id)}:seat:{seat.id}"
