"""What the app itself knows of its appointments: what is offered, who may book, who waits."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import func, select
from sqlmodel import col

from plugin_sdk.appointments.declared import ABSENT, WAITING, Appointments
from plugin_sdk.appointments.hours import Slot
from plugin_sdk.appointments.models import BookingRow, SlotRow
from plugin_sdk.appointments.schedule import Offer, Schedule, place_of
from plugin_sdk.deadlines import local_day
from plugin_sdk.ports import Actor, Hub, Read
from plugin_sdk.problems import Conflict, NotFound
from plugin_sdk.registers import RegisterEngine
from plugin_sdk.views import Phrase

B = TypeVar("B", bound=BookingRow)


class AppointmentBook(Generic[B]):
    """The appointments of an app, read. What lies in other units' scopes and is no secret it
    reads by itself, before a unit of work begins: in one it would wait for a second connection.
    """

    def __init__(
        self,
        hub: Hub,
        declared: Appointments,
        places: RegisterEngine[Any],
        hours: RegisterEngine[Any],
        slot: type[SlotRow],
        row: type[B],
    ) -> None:
        self.hub = hub
        self.declared = declared
        self.rules = declared.rules
        self.places = places
        self.hours = hours
        self.slot = slot
        self.row = row
        self.services = {service.key: service for service in declared.services}

    def subject(self, id: UUID) -> str:
        """Return how the hub's own records name a booking."""
        return f"{self.declared.name}:{id}"

    def href(self, *parts: object) -> str:
        """Return an address below that of the appointments."""
        here = f"/apps/{self.hub.app}{self.declared.path}"
        return "/".join((here, *(str(part) for part in parts)))

    def words(self, name: str, **params: Any) -> Phrase:
        """Return words of the app's catalogue for its appointments."""
        return Phrase(f"{self.hub.app}.{self.declared.name}.{name}", params)

    async def schedule(self) -> Schedule:
        """Return the places and hours as they are now. Not to be asked for in a unit of work."""
        async with self.hub.read(self.hub.system("hours")) as read:
            return await self.schedule_in(read)

    async def schedule_in(self, read: Read) -> Schedule:
        """Return the places and hours as the app itself reads them."""
        today = local_day(read.now)
        hours, ends_on = self.hours.row, col(self.hours.row.ends_on)
        statement = read.rows(hours, permission=self.hours.register.read).where(
            ends_on.is_(None) | (ends_on >= today)
        )
        patterns = (await read.session.execute(statement.order_by(col(hours.code)))).scalars()
        return Schedule(
            places={row.code: place_of(row) for row in await self.places.in_force(read)},
            patterns=tuple(patterns),
            calendar=self.hub.calendar,
        )

    async def standing(self, actor: Actor) -> tuple[Schedule, date | None]:
        """Return what is offered, and until when somebody may book nothing. Not to be asked for
        in a unit of work."""
        async with self.hub.read(self.hub.system("hours")) as read:
            return await self.schedule_in(read), await self.barred_until(read, actor.person_id)

    async def ahead(self, row: B) -> int | None:
        """Return how many wait before somebody, None where they do not wait. Not to be asked for
        in a unit of work."""
        if row.state != WAITING:
            return None
        model = self.row
        async with self.hub.read(self.hub.system("waiting list")) as read:
            before = read.rows(model, func.count(), permission=self.declared.read).where(
                col(model.slot_id) == row.slot_id,
                col(model.state) == WAITING,
                col(model.ticket) < row.ticket,
            )
            return int((await read.session.execute(before)).scalar_one())

    async def offer(self, actor: Actor, place: str, service: str, day: date, clock: str) -> Offer:
        """Return an hour that somebody asks for. Not to be asked for in a unit of work. Raises
        `NotFound` for a service or place that there is none of, `Conflict` for an hour that is
        not offered."""
        async with self.hub.read(self.hub.system("hours")) as read:
            schedule = await self.schedule_in(read)
            found = schedule.places.get(place)
            if found is None or service not in self.services:
                raise NotFound
            slot = schedule.slot(place, service, day, clock)
            if slot is None:
                raise Conflict("appointments.not-offered")
            barred = await self.barred_until(read, actor.person_id)
        return Offer(slot=slot, place=found, barred_until=barred)

    async def barred_until(self, read: Read, person_id: UUID | None) -> date | None:
        """Return until when a person may book nothing, as the app itself reads it."""
        row, today = self.row, local_day(read.now)
        since = today - timedelta(days=self.rules.missed_days + self.rules.barred_days)
        missed = await read.session.execute(
            read.rows(row, col(row.day), permission=self.declared.read).where(
                col(row.person_id) == person_id, col(row.state) == ABSENT, col(row.day) >= since
            )
        )
        return self.rules.barred_until(missed.scalars(), today)

    def last_day(self, now: datetime) -> date:
        """Return the last day that can be booked now."""
        return local_day(now) + timedelta(days=self.rules.ahead)

    async def find(self, read: Read, number: str, permission: str | None = None) -> B:
        """Return a booking in scope. Raises `NotFound`."""
        statement = read.rows(self.row, permission=permission or self.declared.read)
        found: B | None = (
            await read.session.execute(statement.where(col(self.row.number) == number))
        ).scalar_one_or_none()
        if found is None:
            raise NotFound
        return found

    async def counts(self, read: Read, slots: Sequence[Slot]) -> dict[str, tuple[int, int]]:
        """Return how many places of hours are taken and how many people wait, by key."""
        row = self.slot
        statement = select(col(row.key), col(row.taken), col(row.waiting)).where(
            col(row.key).in_([slot.key for slot in slots])
        )
        return {key: (taken, n) for key, taken, n in await read.session.execute(statement)}

    def cut_off(self, row: B) -> datetime:
        """Return until when a booking can be cancelled or moved."""
        return row.starts_at - timedelta(hours=self.rules.cut_off_hours)
