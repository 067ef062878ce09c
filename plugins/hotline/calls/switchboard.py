"""What is done with calls: events taken, calls answered, ended, turned into orders, made."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, func
from sqlmodel import col

from plugin_sdk.deadlines import local_day
from plugin_sdk.forms import Submission, validate
from plugin_sdk.identifiers import normalize_phone
from plugin_sdk.ports import Hub, Read, Work
from plugin_sdk.problems import AppConflict, Conflict, Denied, FieldError, Invalid, NotFound
from plugin_sdk.views import Phrase
from plugins.hotline.calls.forms import DeskForm, FinishForm, Outcome
from plugins.hotline.calls.models import Call, Seat
from plugins.hotline.calls.telephony import Event, ExchangeAway, Telephony, opened_event, spelled
from plugins.hotline.counts import CALLS, count
from plugins.hotline.desk import OrderDesk
from plugins.hotline.forms import TakenForm
from plugins.hotline.knowledge.forms import AnswerForm
from plugins.hotline.lines.register import line_of
from plugins.hotline.models import Order

TAKE: Final = "call.take"
READ: Final = "call.read"
RINGS: Final = timedelta(minutes=10)
"""How long a call is shown as ringing of which the exchange says nothing more."""
RINGING_SHOWN: Final = 8
HISTORY: Final = 10


def _refusal(code: str) -> AppConflict:
    return AppConflict("hotline", f"call-{code}")


async def forget(work: Work, event: Mapping[str, Any]) -> None:
    """Forget the number in the calls of an order whose caller is kept secret since."""
    statement = work.rows(Call, col(Call.id)).where(col(Call.order_id) == UUID(str(event["id"])))
    for id in list((await work.session.execute(statement)).scalars()):
        (await work.get(Call, id)).phone = ""


class Switchboard:
    """Calls of a hub. Nothing here asks the exchange but `connect`, `place` and `release`, which
    are called once what caused them is committed."""

    def __init__(self, orders: OrderDesk, exchange: Telephony) -> None:
        self.orders = orders
        self.hub: Hub = orders.hub
        self.exchange = exchange
        self.system = self.hub.system("telephony")

    # --- what the exchange says --------------------------------------------------------------

    async def receive(self, headers: Mapping[str, Any], body: bytes) -> None:
        """Take an event. Raises `Unsigned`, `Unreadable`, and `AppConflict` for a call that we
        never asked for or that is another."""
        event = opened_event(self.exchange.key, headers, body, self.hub.now())
        centre = await self.orders.engine.receiver(self.system)
        try:
            await self._receive(event, centre)
        except Conflict as error:
            if error.code != "written-meanwhile":  # the first two events of one call at once
                raise
            await self._receive(event, centre)

    async def _receive(self, event: Event, centre: UUID) -> None:
        async with self.hub.work(self.system) as work:
            await self.take(work, event, centre)

    async def take(self, work: Work, event: Event, centre: UUID) -> Call:
        """Let a call be as an event says, whatever came before it: each moment is set once, and
        what is said again changes nothing."""
        call = await self._called(work, event)
        counted = local_day(call.started_at) if call else None
        if call is None:
            call = Call(
                organization_id=centre,
                provider_id=event.call,
                direction=event.direction,
                phone=spelled(event.phone),
                line=await line_of(work, event.line) if event.line else None,
                started_at=event.at,
            )
            await work.add(call, placed=True)
        elif call.direction != event.direction:
            raise _refusal("other")
        call.started_at = min(call.started_at, event.at)  # the earliest moment that is known of it
        if call.direction == "in":
            _count(work, call, counted)
        if event.kind == "answered" and call.answered_at is None:
            call.answered_at = event.at
            operator = await self._at(work, event.seat) if event.seat else None
            if operator is not None and not call.settled:
                call.operator_person_id = operator  # the exchange knows who speaks
        elif event.kind == "ended" and call.ended_at is None:
            call.ended_at = event.at
        _lapse(call)
        return call

    async def _called(self, work: Work, event: Event) -> Call | None:
        known = work.rows(Call, col(Call.id), permission=READ)
        found = await work.session.execute(known.where(col(Call.provider_id) == event.call))
        id: UUID | None = found.scalar_one_or_none()
        if id is None and event.ref:
            try:
                id = UUID(event.ref)
                call = await work.get(Call, id, permission=READ)
            except (ValueError, NotFound):
                raise _refusal("unknown") from None
            if call.direction != "out" or call.provider_id not in (None, event.call):
                raise _refusal("other")
            call.provider_id = event.call
            return call
        return await work.get(Call, id, permission=READ) if id else None

    async def _at(self, work: Work, extension: str) -> UUID | None:
        statement = work.rows(Seat, col(Seat.person_id), permission=TAKE)
        found = await work.session.execute(statement.where(col(Seat.extension) == extension))
        person: UUID | None = found.scalar_one_or_none()
        return person

    # --- what operators do -------------------------------------------------------------------

    async def answer(self, work: Work, id: UUID) -> Call:
        """Take a ringing call to one's desk; the first one has it. Raises `AppConflict`."""
        me = _me(work)
        call = await work.get(Call, id, permission=TAKE)
        if call.operator_person_id == me:
            return call
        if call.ended_at is not None or call.outcome is not None:
            raise _refusal("over")
        if call.operator_person_id is not None or call.answered_at is not None:
            raise _refusal("taken")
        await self._free(work, me)
        call.operator_person_id = me
        work.audit("call.answer", f"call:{id}")
        return call

    async def finish(self, work: Work, id: UUID, form: FinishForm) -> Call:
        """End a call at one's desk that became no order. Raises `AppConflict`."""
        call = await self._mine(work, id)
        if form.outcome is not Outcome.TRANSFERRED:  # that one goes on elsewhere
            call.ended_at = call.ended_at or work.now
        call.note = form.note or ""
        if form.used and form.outcome is Outcome.ANSWERED:
            await self.orders.answering.use(work, form.used, None)
        self._settle(work, call, str(form.outcome))
        return call

    async def file(self, work: Work, id: UUID, form: DeskForm) -> Order:
        """Open an order for the caller, and answer it where there is a reply. Of a caller who is
        secret the call keeps no number. Raises as an intake does, and `AppConflict`."""
        call = await self._mine(work, id)
        if call.direction != "in":
            raise _refusal("outgoing")
        await self.orders.refuse_unoffered(form)
        order = await self.orders.open_order(
            work,
            Submission[TakenForm](form, None),
            "operator",
            None,
            caller_name=form.caller_name or "",
            form=form,
            line=call.line,
        )
        if form.reply:
            await work.session.flush()
            await self._answer(work, order, form.reply, form.used)
        call.order_id = order.id
        self._settle(work, call, "answered" if form.reply else "order")
        if order.secret:
            call.phone = ""
        return order

    async def _answer(self, work: Work, order: Order, reply: str, used: UUID | None) -> None:
        """Answer an order that was just opened; what the reply leaves open is filled in from it.
        Raises as answering does, in the words of the desk's form."""
        text = self.orders.answering.completed(work, order, reply)
        try:
            said = {"version": order.version, "text": text, "used": used}
            await self.orders.engine.act(work, order.id, "answer", validate(AnswerForm, said))
        except Invalid as wrong:
            raise Invalid(*(FieldError("reply", one.message) for one in wrong.errors)) from None

    async def dial(self, work: Work, phone: str, order: Order | None = None) -> Call:
        """Record a call that one asks for; `place` then asks the exchange. Raises `AppConflict`
        for one who has no telephone, or is in a call."""
        me = _me(work)
        if await self.seat(work) is None:
            raise _refusal("no-seat")
        await self._free(work, me)
        call = Call(
            organization_id=await self.orders.engine.receiver(work.actor),
            direction="out",
            phone="" if order is not None and order.secret else normalize_phone(phone),
            line=order.line if order is not None else None,
            started_at=work.now,
            operator_person_id=me,
            order_id=order.id if order is not None else None,
        )
        await work.add(call, placed=True)
        work.audit("call.dial", f"call:{call.id}", order=order.number if order else None)
        return call

    async def sit(self, work: Work, extension: str) -> None:
        """Say on which telephone one takes calls. Shifts share them: it is no longer that of who
        sat there before, unless they are in a call. Raises `Invalid`."""
        me = _me(work)
        other = work.rows(Seat, permission=TAKE).where(col(Seat.extension) == extension)
        taken = (await work.session.execute(other)).scalar_one_or_none()
        if taken is not None and taken.person_id == me:
            return
        if taken is not None:
            if await self._in_call(work, taken.person_id):
                raise Invalid(FieldError("extension", Phrase("hotline.call.wrong.extension_taken")))
            await work.session.delete(await work.get(Seat, taken.id, permission=TAKE))
            await work.session.flush()
        mine = work.rows(Seat, col(Seat.id), permission=TAKE).where(col(Seat.person_id) == me)
        id = (await work.session.execute(mine)).scalar_one_or_none()
        work.audit("call.sit", f"seat:{extension}")
        if id is not None:
            (await work.get(Seat, id, permission=TAKE)).extension = extension
            return
        centre = await self.orders.engine.receiver(work.actor)
        await work.add(Seat(organization_id=centre, person_id=me, extension=extension), placed=True)

    async def _mine(self, work: Work, id: UUID) -> Call:
        call = await work.get(Call, id, permission=TAKE)
        if call.outcome is not None:
            raise _refusal("over")
        if call.operator_person_id != _me(work):
            raise _refusal("taken")
        return call

    async def _free(self, work: Work, me: UUID) -> None:
        """Raise `AppConflict` for one who is in a call. Who has a telephone is asked one at a time:
        two windows of one desk do not take a call each."""
        mine = work.rows(Seat, col(Seat.id), permission=TAKE).where(col(Seat.person_id) == me)
        id = (await work.session.execute(mine)).scalar_one_or_none()
        if id is not None:
            await work.get(Seat, id, permission=TAKE)
        if await self._in_call(work, me):
            raise _refusal("busy")

    async def _in_call(self, work: Work, person_id: UUID | None) -> bool:
        going = work.rows(Call, func.count(), permission=TAKE).where(
            col(Call.operator_person_id) == person_id,
            col(Call.outcome).is_(None),
            col(Call.ended_at).is_(None),
        )
        return bool((await work.session.execute(going)).scalar_one())

    def _settle(self, work: Work, call: Call, outcome: str) -> None:
        call.outcome, call.settled, call.operator_person_id = outcome, True, None
        work.audit("call.finish", f"call:{call.id}", outcome=outcome)

    async def hang_up(self, work: Work, id: UUID) -> Call:
        """Return a call that one may let end: it is at one's desk, or became one's order."""
        call = await work.get(Call, id, permission=TAKE)
        if call.operator_person_id != _me(work):
            order = await self._order(work, call.order_id)
            if order is None or not await self.orders.engine.filed_by(work, order):
                raise _refusal("taken")
        work.audit("call.hang_up", f"call:{id}")
        return call

    async def _order(self, read: Read, id: UUID | None) -> Order | None:
        statement = read.rows(Order, permission="order.read").where(col(Order.id) == id)
        order: Order | None = (await read.session.execute(statement)).scalar_one_or_none()
        return order

    # --- what is asked of the exchange, outside every transaction ------------------------------

    async def connect(self, call: Call, extension: str | None) -> None:
        """Put a call through to a telephone. Where the exchange is away one takes it up there."""
        if extension and call.provider_id:
            try:
                await self.exchange.connect(call.provider_id, extension)
            except ExchangeAway:
                return

    async def place(self, call: Call, phone: str, extension: str) -> None:
        """Make a call that was recorded. Raises `AppConflict` where the exchange is away; the
        call has then failed."""
        try:
            await self.exchange.dial(str(call.id), phone, extension)
        except ExchangeAway:
            async with self.hub.work(self.system) as work:
                failed = await work.get(Call, call.id, permission=READ)
                failed.ended_at = failed.ended_at or work.now
                self._settle(work, failed, "abandoned")
            raise _refusal("away") from None

    async def release(self, call: Call) -> None:
        """Let the exchange end a call; where it is away, the telephone does."""
        if call.provider_id and call.outcome != "transferred":
            try:
                await self.exchange.hang_up(call.provider_id)
            except ExchangeAway:
                return

    # --- reading -------------------------------------------------------------------------------

    async def seat(self, read: Read) -> str | None:
        """Return the telephone on which the actor takes calls."""
        statement = read.rows(Seat, col(Seat.extension), permission=TAKE)
        found = await read.session.execute(
            statement.where(col(Seat.person_id) == read.actor.person_id)
        )
        extension: str | None = found.scalar_one_or_none()
        return extension

    async def ringing(self, read: Read) -> Sequence[Call]:
        """Return the calls that nobody has taken, who has waited longest first."""
        statement = read.rows(Call, permission=TAKE).where(
            col(Call.outcome).is_(None),
            col(Call.started_at) > read.now - RINGS,
            col(Call.direction) == "in",
            col(Call.operator_person_id).is_(None),
            col(Call.answered_at).is_(None),
        )
        return await _all(read, statement.order_by(col(Call.started_at)).limit(RINGING_SHOWN))

    async def at_desk(self, read: Read) -> Call | None:
        """Return the call at the actor's desk: the newest without an outcome."""
        statement = read.rows(Call, permission=TAKE).where(
            col(Call.operator_person_id) == read.actor.person_id, col(Call.outcome).is_(None)
        )
        found = await _all(read, statement.order_by(col(Call.started_at).desc()).limit(1))
        return found[0] if found else None

    async def before(self, read: Read, call: Call) -> Sequence[Call]:
        """Return earlier calls with the same number, newest first; none where it is hidden."""
        if not call.phone:
            return []
        statement = read.rows(Call, permission=READ).where(
            col(Call.phone) == call.phone, col(Call.id) != call.id
        )
        return await _all(read, statement.order_by(col(Call.started_at).desc()).limit(HISTORY))


def _count(work: Work, call: Call, before: date | None) -> None:
    """Count a call in on the day of its beginning; not any more on the one `before`."""
    day, line, centre = local_day(call.started_at), call.line or "", call.organization_id
    if before == day:
        return
    if before is not None:
        count(work, CALLS, line, before, centre, n=-1)
    count(work, CALLS, line, day, centre)


def _lapse(call: Call) -> None:
    """Say how a call ended that is at nobody's desk, unless somebody has."""
    if call.settled:
        return
    call.outcome = None
    if call.ended_at is not None and call.operator_person_id is None:
        call.outcome = "abandoned" if call.answered_at is None else "unrecorded"


def _me(work: Work) -> UUID:
    if work.actor.person_id is None:
        raise Denied(f"hotline.{TAKE}")
    return work.actor.person_id


async def _all(read: Read, statement: Select[Any]) -> Sequence[Call]:
    found: Sequence[Call] = (await read.session.execute(statement)).scalars().all()
    return found
