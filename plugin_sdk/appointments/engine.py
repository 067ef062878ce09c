"""The engine of appointments: booked, waited for, moved, cancelled; never more than the quota.

Whoever takes or frees a place locks its hour first and the booking after it, always in this
order. While people wait for an hour, a place that becomes free is theirs in turn: it is kept for
them and nobody else can book it.
"""

import hashlib
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from plugin_sdk.appointments.declared import (
    BOOKED,
    CANCELLED,
    OFFERED,
    WAITING,
)
from plugin_sdk.appointments.hours import Slot
from plugin_sdk.appointments.models import SlotRow
from plugin_sdk.appointments.reading import AppointmentBook, B
from plugin_sdk.appointments.schedule import Offer
from plugin_sdk.data import new_id
from plugin_sdk.deadlines import local_day
from plugin_sdk.ports import To, Work
from plugin_sdk.problems import Conflict, Denied, NotFound
from plugin_sdk.views import Phrase

MOST_WAITING: Final = 50
"""How many wait for one hour at most."""


class AppointmentEngine(AppointmentBook[B]):
    """What is done about appointments."""

    async def book(self, work: Work, offer: Offer, *, wait: bool = False) -> B:
        """Book an hour for who acts; where it is full and they `wait`, put them on its list.

        Raises `Conflict`: `appointments.too-late`, `.too-early`, `.barred`, `.full`, `.list-full`,
        `.same-day` (one has that service on that day already).
        """
        slot, actor = offer.slot, work.actor
        if actor.person_id is None:
            raise Denied(f"{self.hub.app}.{self.declared.book}")
        self._may(work, offer)
        at = await self._open(work, slot)
        row = self.row(
            organization_id=offer.place.organization_id,
            person_id=actor.person_id,
            person_name=actor.name[:100],
            number=await self._number(work, at, slot, wait),
            slot_id=at.id,
            place=slot.place,
            service=slot.service,
            day=slot.day,
            starts_at=slot.starts_at,
            ends_at=slot.ends_at,
            state=BOOKED,
            made_at=work.now,
            changed_at=work.now,
        )
        row.claim = self._claim(row)
        if at.waiting or at.taken >= slot.quota:
            at.waiting, at.tickets = at.waiting + 1, at.tickets + 1
            row.state, row.ticket, row.waited = WAITING, at.tickets, True
        else:
            self._seat(work, at, row)
        try:
            await work.add(row, placed=True)
        except IntegrityError:
            raise Conflict("appointments.same-day") from None
        work.start(f"{self.declared.name}.book", self.subject(row.id))
        self.keep(work, row, "wait" if row.state == WAITING else "book", touched=False)
        return row

    async def cancel(self, work: Work, number: str) -> B:
        """Give back one's place, or leave the waiting list. Raises `Conflict` after the cut-off."""
        at, row = await self.take(work, number, self.declared.book)
        self.stands(row, WAITING, OFFERED, BOOKED)
        if row.state == BOOKED:
            self._before_cut_off(work, row)
        self._release(at, row, CANCELLED)
        self.keep(work, row, "cancel")
        return row

    async def confirm(self, work: Work, number: str) -> B:
        """Take the place that one was offered from the waiting list. Raises `Conflict` when the
        time for it is over, and for who may book nothing since they waited."""
        at, row = await self.take(work, number, self.declared.book)
        self.stands(row, OFFERED)
        if row.offered_until is not None and work.now > row.offered_until:
            raise Conflict("appointments.offer-over", date=row.offered_until)
        self._not_barred(await self.barred_until(work, row.person_id))
        at.queued += 1
        row.state, row.queue, row.offered_until = BOOKED, self._queue(row, at.queued), None
        row.reminded = row.day <= local_day(work.now) + timedelta(days=1)
        self.keep(work, row, "confirm")
        return row

    async def move(self, work: Work, number: str, offer: Offer) -> B:
        """Exchange one's hour for another of the same service, at any place of it: the old one
        is given back only when the new one is had. Raises as `book` and `cancel` do."""
        slot = offer.slot
        id, slot_id = await self._place_in(work, number, self.declared.book)
        keys = select(self.slot).where(col(self.slot.id) == slot_id)
        old_key = (await work.session.execute(keys)).scalar_one().key
        if old_key == slot.key:
            raise Conflict("appointments.same-hour")
        self._may(work, offer)
        first = min(old_key, slot.key)  # two who change places wait for one another in order
        at = await self._open(work, slot) if first == slot.key else None
        old, row = await self._locked(work, id, slot_id, self.declared.book)
        if at is None:
            at = await self._open(work, slot)
        self.stands(row, BOOKED)
        if row.service != slot.service:
            raise NotFound
        self._before_cut_off(work, row)
        if at.waiting or at.taken >= slot.quota:
            raise Conflict("appointments.full")
        old.taken -= 1
        row.slot_id, row.place, row.organization_id = at.id, slot.place, offer.place.organization_id
        row.day, row.starts_at, row.ends_at = slot.day, slot.starts_at, slot.ends_at
        row.claim = self._claim(row)
        self._seat(work, at, row)
        try:
            await work.session.flush()
        except IntegrityError:
            raise Conflict("appointments.same-day") from None
        self.keep(work, row, "move")
        return row

    async def take(self, work: Work, number: str, permission: str) -> tuple[SlotRow, B]:
        """Return a booking for change with its hour, both locked. Raises `NotFound`."""
        return await self._locked(work, *await self._place_in(work, number, permission), permission)

    def tell(self, work: Work, row: B, said: str, **params: Any) -> None:
        """Tell a person of what happened to their appointment."""
        message = Phrase(
            f"appointments.notice.{said}",
            {"service": self.words(f"service.{row.service}"), "date": row.starts_at, **params},
        )
        dedupe = f"{self.subject(row.id)}:{row.version}:{said}"
        work.notify(To(person_id=row.person_id), message, self.href(row.number), dedupe=dedupe)

    def free(self, work: Work, at: SlotRow, row: B, state: str, act: str) -> None:
        """End a booking in a state that takes no place; who waits moves up later."""
        self._release(at, row, state)
        self.keep(work, row, act)

    def raise_up(self, work: Work, at: SlotRow, row: B, until: datetime) -> None:
        """Keep a free place for who waits; theirs if they confirm until then."""
        at.waiting, at.taken = at.waiting - 1, at.taken + 1
        row.state, row.offered_until = OFFERED, until
        self.keep(work, row, "offer")

    def _may(self, work: Work, offer: Offer) -> None:
        if offer.slot.starts_at <= work.now:
            raise Conflict("appointments.too-late")
        if offer.slot.day > self.last_day(work.now):
            raise Conflict("appointments.too-early", n=self.rules.ahead)
        self._not_barred(offer.barred_until)

    def _not_barred(self, until: date | None) -> None:
        if until is not None:
            n, days = self.rules.missed, self.rules.missed_days
            raise Conflict("appointments.barred", date=until, n=n, days=days)

    async def _number(self, work: Work, at: SlotRow, slot: Slot, wait: bool) -> str:
        """Return the number of a booking; none is drawn for one that finds no place."""
        if at.waiting or at.taken >= slot.quota:
            if not wait:
                raise Conflict("appointments.full")
            if at.waiting >= MOST_WAITING:
                raise Conflict("appointments.list-full", n=MOST_WAITING)
        return await work.number(self.declared.name)

    def _seat(self, work: Work, at: SlotRow, row: B) -> None:
        at.taken, at.queued = at.taken + 1, at.queued + 1
        row.queue = self._queue(row, at.queued)
        row.reminded = row.day <= local_day(work.now) + timedelta(days=1)

    def _release(self, at: SlotRow, row: B, state: str) -> None:
        if row.state == WAITING:
            at.waiting -= 1
        else:
            at.taken -= 1
        row.state, row.claim, row.offered_until = state, None, None

    def _queue(self, row: B, n: int) -> str:
        starts = Slot(
            place=row.place,
            service=row.service,
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            quota=0,
        )
        return f"{self.services[row.service].letter}{starts.clock}-{n:02}"

    def _claim(self, row: B) -> str:
        once = f"{row.person_id}|{row.service}|{row.day}"
        return hashlib.sha256(once.encode()).hexdigest()  # whose it is stands in one column alone

    def _before_cut_off(self, work: Work, row: B) -> None:
        if work.now > self.cut_off(row):
            raise Conflict("appointments.cut-off", n=self.rules.cut_off_hours)

    def stands(self, row: B, *states: str) -> None:
        if row.state not in states:
            raise Conflict("appointments.moved-on", state=Phrase(f"appointments.state.{row.state}"))

    def keep(self, work: Work, row: B, act: str, *, touched: bool = True) -> None:
        row.changed_at = work.now
        row.version += touched
        facts = {"number": row.number, "slot": f"{row.place} {row.service}", "at": row.starts_at}
        work.audit(f"{self.declared.name}.{act}", self.subject(row.id), **facts)
        if self.declared.event is not None:
            work.emit(self.declared.event, number=row.number, state=row.state)

    async def _open(self, work: Work, slot: Slot) -> SlotRow:
        """Return the row of an hour, locked; made when nobody asked for it before."""
        dialect = postgresql if _engine(work) == "postgresql" else sqlite
        await work.session.execute(
            dialect.insert(self.slot)
            .values(
                id=new_id(),
                key=slot.key,
                place=slot.place,
                service=slot.service,
                day=slot.day,
                starts_at=slot.starts_at,
                taken=0,
                waiting=0,
                queued=0,
                tickets=0,
            )
            .on_conflict_do_nothing()
        )
        return await self._lock(work, col(self.slot.key) == slot.key)

    async def lock(self, work: Work, slot_id: UUID) -> SlotRow:
        """Return an hour, locked."""
        return await self._lock(work, col(self.slot.id) == slot_id)

    async def _lock(self, work: Work, which: Any) -> SlotRow:
        statement = select(self.slot).where(which).with_for_update()
        locked = statement.execution_options(populate_existing=True)
        return (await work.session.execute(locked)).scalar_one()

    async def _place_in(self, work: Work, number: str, permission: str) -> tuple[UUID, UUID]:
        row = self.row
        found = await work.session.execute(
            work.rows(row, col(row.id), col(row.slot_id), permission=permission).where(
                col(row.number) == number
            )
        )
        one = found.first()
        if one is None:
            raise NotFound
        return one[0], one[1]

    async def _locked(
        self, work: Work, id: UUID, slot_id: UUID, permission: str
    ) -> tuple[SlotRow, B]:
        at = await self.lock(work, slot_id)
        row = await work.get(self.row, id, permission=permission)
        if row.slot_id != slot_id:  # it was moved meanwhile
            raise Conflict("appointments.moved-on", state=Phrase("appointments.said.moved"))
        return at, row


def _engine(work: Work) -> str:
    return work.session.get_bind().dialect.name
