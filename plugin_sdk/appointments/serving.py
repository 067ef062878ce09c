"""The counter (窗口): who comes today, who is here, who was served, who did not come."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import or_
from sqlmodel import col

from plugin_sdk.appointments.declared import ABSENT, ARRIVED, BOOKED, FINISHED, OFFERED, WAITING
from plugin_sdk.appointments.engine import AppointmentEngine
from plugin_sdk.deadlines import local_day
from plugin_sdk.ports import Read, Work
from plugin_sdk.problems import Conflict, Invalid, field_error

MOST: Final = 500
"""How many people the list of a day shows at most."""
SHOWN: Final = (BOOKED, ARRIVED, FINISHED, ABSENT, OFFERED, WAITING)


async def of_day(
    engine: AppointmentEngine[Any], read: Read, place: str, day: date
) -> Sequence[Any]:
    """Return who comes to a place on a day, hour by hour, within the scope of who serves."""
    row = engine.row
    statement = read.rows(row, permission=engine.declared.serve).where(
        col(row.place) == place, col(row.day) == day, col(row.state).in_(SHOWN)
    )
    order = (col(row.starts_at), col(row.queue).is_(None), col(row.queue), col(row.ticket))
    found: Sequence[Any] = (
        (await read.session.execute(statement.order_by(*order).limit(MOST))).scalars().all()
    )
    return found


async def check_in(engine: AppointmentEngine[Any], work: Work, place: str, code: str) -> Any:
    """Let somebody be here who gives their number or their queue number; return the booking.

    Raises `Invalid` for a code that nobody has at this place today, `Conflict` for one whose
    state it is not.
    """
    row, said = engine.row, "".join(code.split()).upper()
    statement = work.rows(row, col(row.number), permission=engine.declared.serve).where(
        col(row.place) == place,
        col(row.day) == local_day(work.now),
        or_(col(row.number) == said, col(row.queue) == said),
    )
    number = (await work.session.execute(statement.limit(1))).scalar_one_or_none()
    if number is None:
        raise Invalid(field_error("code", "not-today"))
    return await arrive(engine, work, number)


async def arrive(engine: AppointmentEngine[Any], work: Work, number: str) -> Any:
    """Record that somebody is here: on time, or late after they were marked absent today."""
    _, row = await engine.take(work, number, engine.declared.serve)
    engine.stands(row, BOOKED, ABSENT)
    if row.day != local_day(work.now):
        raise Conflict("appointments.other-day", date=row.day)
    row.state, row.arrived_at = ARRIVED, work.now
    engine.keep(work, row, "arrive")
    return row


async def finish(engine: AppointmentEngine[Any], work: Work, number: str) -> Any:
    """Record that somebody was served."""
    _, row = await engine.take(work, number, engine.declared.serve)
    engine.stands(row, ARRIVED)
    row.state = FINISHED
    engine.keep(work, row, "finish")
    if engine.declared.effect is not None:
        work.effect(engine.declared.effect, engine.subject(row.id), served=row.person_id)
    return row


async def absent(engine: AppointmentEngine[Any], work: Work, number: str) -> Any:
    """Record that somebody did not come, and tell them what follows from it. Raises `Conflict`
    before they count as late."""
    _, row = await engine.take(work, number, engine.declared.serve)
    engine.stands(row, BOOKED)
    late = late_from(engine, row)
    if work.now < late:
        raise Conflict("appointments.not-late", date=late)
    row.state = ABSENT
    engine.keep(work, row, "absent")
    rules = engine.rules
    engine.tell(
        work,
        row,
        "absent" if rules.missed else "absent_free",
        n=rules.missed,
        days=rules.missed_days,
        barred=rules.barred_days,
    )
    return row


def late_from(engine: AppointmentEngine[Any], row: Any) -> datetime:
    """Return from when somebody who is not here counts as absent."""
    found: datetime = row.starts_at + timedelta(minutes=engine.rules.late_minutes)
    return found
