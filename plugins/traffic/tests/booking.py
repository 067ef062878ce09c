"""Appointments under test: one place with one hour a working day, and whoever may come."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from plugin_sdk.appointments import serving, tending
from plugin_sdk.appointments.forms import HoursForm, PlaceForm
from plugin_sdk.data import new_id
from plugin_sdk.forms import validate
from plugin_sdk.ports import Actor
from plugin_sdk.times import SHANGHAI
from plugins.traffic.appointment_models import Booking, Slot
from plugins.traffic.appointments import engine_of

HERE = "/apps/traffic"
DAY = date(2026, 9, 2)  # a Wednesday
PLACE = {"code": "A", "name": "车管所", "address": "金海五路", "starts_on": "2026-01-01"}
HOURS = {
    "name": "驾驶证业务",
    "place": "A",
    "service": "licence",
    "days": "working",
    "opens": "09:00",
    "closes": "11:00",
    "minutes": 60,
    "quota": 1,
    "starts_on": "2026-01-01",
}


def at(day: int, hour: int = 8, minute: int = 0) -> datetime:
    return datetime(2026, 9, day, hour, minute, tzinfo=SHANGHAI)


def acting(actor: Actor, permission: str) -> Actor:
    return msgspec.structs.replace(actor, permission=f"traffic.{permission}")


class Hall:
    """A hall of one hub, at a time that the test sets."""

    def __init__(self, hub: Any) -> None:
        self.under = hub
        self.engine = engine_of(hub.hub.apps.hubs["traffic"])
        self.hub = self.engine.hub
        self.cast: dict[str, Actor] = {}

    async def open(self, **hours: Any) -> "Hall":
        self.stand(1)
        self.cast = await self.under.actors()
        async with self.hub.work(acting(self.cast["brigade"], "appointment.keep")) as work:
            await self.engine.places.add(work, validate(PlaceForm, PLACE))
        await self.offer_hours(**hours)
        return self

    async def offer_hours(self, **hours: Any) -> Any:
        async with self.hub.work(acting(self.cast["brigade"], "appointment.keep")) as work:
            return await self.engine.hours.add(work, validate(HoursForm, {**HOURS, **hours}))

    def stand(self, day: int, hour: int = 8, minute: int = 0) -> None:
        self.under.clock.stand(at(day, hour, minute))

    def resident(self, id: UUID | None = None) -> Actor:
        """Return a resident: one of the cast, or one of so many more like them."""
        one = acting(self.cast["resident"], "appointment.book")
        return msgspec.structs.replace(one, person_id=id or new_id(), name="周晓岚")

    async def book(
        self, by: Actor, *, day: date = DAY, clock: str = "0900", wait: bool = False
    ) -> Any:
        offer = await self.engine.offer(by, "A", "licence", day, clock)
        async with self.hub.work(by) as work:
            return await self.engine.book(work, offer, wait=wait)

    async def move(self, by: Actor, number: str, day: date, clock: str) -> Any:
        offer = await self.engine.offer(by, "A", "licence", day, clock)
        async with self.hub.work(by) as work:
            return await self.engine.move(work, number, offer)

    async def cancel(self, by: Actor, number: str) -> Any:
        async with self.hub.work(by) as work:
            return await self.engine.cancel(work, number)

    async def confirm(self, by: Actor, number: str) -> Any:
        async with self.hub.work(by) as work:
            return await self.engine.confirm(work, number)

    async def serve(self, act: str, number: str) -> Any:
        async with self.hub.work(acting(self.cast["officer"], "appointment.serve")) as work:
            return await getattr(serving, act)(self.engine, work, number)

    async def tend(self) -> None:
        await tending(self.engine, "appointments").run(self.hub.system("job appointments"))

    async def bookings(self) -> list[Any]:
        async with self.hub.read(self.hub.system("test")) as read:
            found = await read.session.execute(read.rows(Booking).order_by(Booking.number))
            return list(found.scalars())

    async def slots(self) -> dict[str, Any]:
        from sqlalchemy import select

        async with self.hub.read(self.hub.system("test")) as read:
            return {row.key: row for row in (await read.session.execute(select(Slot))).scalars()}
