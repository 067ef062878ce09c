"""What can be booked now: places, their hours, and whether somebody may book, read by the app
itself before a unit of work begins, since it is no secret and lies in other units' scopes."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import msgspec

from plugin_sdk.appointments.hours import DayPlan, Pattern, Slot, closing_of, closings_on, plan
from plugin_sdk.ports import Calendar


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A place as it is shown."""

    code: str
    name: str
    organization_id: UUID
    address: str
    phone: str | None


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """The places in force and the hours that staff entered for them."""

    places: Mapping[str, Place]
    patterns: Sequence[Pattern]
    calendar: Calendar

    def plan(self, place: str, service: str, day: date) -> DayPlan:
        """Return what a place offers of a service on a day."""
        if place not in self.places:
            return DayPlan(day=day, kind="closed")
        return plan(self.patterns, place, service, day, self.calendar)

    def slot(self, place: str, service: str, day: date, clock: str) -> Slot | None:
        """Return an hour that is offered."""
        slots = self.plan(place, service, day).slots
        return next((slot for slot in slots if slot.clock == clock), None)

    def offers(self, place: str, service: str) -> bool:
        """Return whether a place has hours of a service at all."""
        return place in self.places and any(
            p.quota and (p.place, p.service) == (place, service) for p in self.patterns
        )

    def closing(self, slot: Slot) -> str | None:
        """Return the reason of the closing that touches an hour, None where none does."""
        shut = closings_on(self.patterns, slot.place, slot.service, slot.day, self.calendar)
        found = closing_of(slot, shut)
        return found.name if found is not None else None


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """An hour that somebody asks for: where it is, and until when they may book none."""

    slot: Slot
    place: Place
    barred_until: date | None = None


def place_of(row: Any) -> Place:
    """Return a record of the places' register as it is shown."""
    return Place(
        code=row.code,
        name=row.name,
        organization_id=row.organization_id,
        address=row.address,
        phone=row.phone,
    )
