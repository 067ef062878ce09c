"""What appointments need done by themselves: who waits moves up, offers lapse, closings call off,
the day before reminds. It may be stopped anywhere and run again, and it may run twice: the end is
that of one run."""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import or_, select
from sqlmodel import col

from plugin_sdk.appointments.declared import BOOKED, CALLED_OFF, LAPSED, OFFERED, WAITING
from plugin_sdk.appointments.engine import AppointmentEngine
from plugin_sdk.appointments.hours import Slot
from plugin_sdk.appointments.models import SlotRow
from plugin_sdk.appointments.schedule import Schedule
from plugin_sdk.deadlines import local_day
from plugin_sdk.extension import Job
from plugin_sdk.ports import Actor, Work
from plugin_sdk.times import SHANGHAI

BATCH: Final = 100
"""How many people are reminded in one unit of work."""
REMIND_FROM: Final = 9
"""From which hour of the day before people are reminded."""


def tending(engine: AppointmentEngine[Any], key: str) -> Job:
    """Return what tends appointments, under its key in the manifest: each minute is enough."""

    async def run(actor: Actor) -> None:
        schedule = await engine.schedule()
        for id in await _needing(engine, actor, schedule):
            async with engine.hub.work(actor) as work:
                await tend(engine, work, schedule, id)
        while True:
            async with engine.hub.work(actor) as work:
                if await remind(engine, work, schedule) < BATCH:
                    return

    return Job(key=key, run=run)


async def _needing(engine: AppointmentEngine[Any], actor: Actor, schedule: Schedule) -> list[UUID]:
    """Return the hours in which something may have to be done."""
    slot, row = engine.slot, engine.row
    async with engine.hub.read(actor) as read:
        active = select(slot).where(
            or_(col(slot.waiting) > 0, (col(slot.starts_at) > read.now) & (col(slot.taken) > 0))
        )
        found = (await read.session.execute(active.order_by(col(slot.starts_at)))).scalars()
        ids = [at.id for at in found if at.waiting or schedule.closing(_slot(schedule, at))]
        lapsed = read.rows(row, col(row.slot_id), permission=engine.declared.read).where(
            col(row.state) == OFFERED, col(row.offered_until) < read.now
        )
        ids += (await read.session.execute(lapsed)).scalars()
    return list(dict.fromkeys(ids))


async def tend(
    engine: AppointmentEngine[Any], work: Work, schedule: Schedule, slot_id: UUID
) -> None:
    """Do what an hour needs: call it off where a closing touches it; let offers lapse that were
    not confirmed in time; offer what is free to those who wait and may book, first come first; and
    let go those who waited in vain."""
    at = await engine.lock(work, slot_id)
    slot = _slot(schedule, at)
    reason = schedule.closing(slot) if at.starts_at > work.now else None
    if reason is not None:
        for row in await _in_state(engine, work, at, WAITING, OFFERED, BOOKED):
            row.reason = reason[:200]
            engine.free(work, at, row, CALLED_OFF, "call-off")
            engine.tell(work, row, "called_off", reason=reason)
        return
    for row in await _in_state(engine, work, at, OFFERED):
        if row.offered_until is not None and row.offered_until < work.now:
            engine.free(work, at, row, LAPSED, "lapse")
            engine.tell(work, row, "lapsed")
    if not at.waiting:
        return
    for row in await _in_state(engine, work, at, WAITING):
        if at.starts_at <= work.now:
            engine.free(work, at, row, LAPSED, "wait-in-vain")
            engine.tell(work, row, "in_vain")
        elif at.taken < slot.quota and not await engine.barred_until(work, row.person_id):
            until = work.now + timedelta(minutes=engine.rules.confirm_minutes)
            engine.raise_up(work, at, row, min(until, at.starts_at))
            engine.tell(work, row, "offered", until=row.offered_until)


async def remind(engine: AppointmentEngine[Any], work: Work, schedule: Schedule) -> int:
    """Remind people of what they booked for tomorrow, each once; return how many were."""
    here = work.now.astimezone(SHANGHAI)
    if here.hour < REMIND_FROM:
        return 0
    row, tomorrow = engine.row, local_day(work.now) + timedelta(days=1)
    statement = (
        work.rows(row, col(row.id), permission=engine.declared.read)
        .where(
            col(row.state) == BOOKED,
            col(row.day) == tomorrow,
            col(row.reminded).is_(False),
        )
        .order_by(col(row.id))
        .limit(BATCH)
    )
    found = list((await work.session.execute(statement)).scalars())
    for id in found:
        booking = await work.get(row, id, permission=engine.declared.read)
        booking.reminded = True
        place = schedule.places.get(booking.place)
        engine.tell(
            work,
            booking,
            "tomorrow",
            place=place.name if place else "",
            address=place.address if place else "",
            queue=booking.queue,
        )
    return len(found)


async def _in_state(
    engine: AppointmentEngine[Any], work: Work, at: SlotRow, *states: str
) -> list[Any]:
    """Return the bookings of a locked hour, those who wait in their order."""
    row = engine.row
    statement = (
        work.rows(row, col(row.id), permission=engine.declared.read)
        .where(col(row.slot_id) == at.id, col(row.state).in_(states))
        .order_by(col(row.ticket), col(row.id))
    )
    ids = (await work.session.execute(statement)).scalars().all()
    return [await work.get(row, id, permission=engine.declared.read) for id in ids]


def _slot(schedule: Schedule, at: SlotRow) -> Slot:
    """Return an hour as it is offered now; one that is no longer offered takes nobody more."""
    clock = f"{at.starts_at.astimezone(SHANGHAI):%H%M}"
    found = schedule.slot(at.place, at.service, at.day, clock)
    return found or Slot(
        place=at.place,
        service=at.service,
        starts_at=at.starts_at,
        ends_at=at.starts_at + timedelta(minutes=1),
        quota=0,
    )
