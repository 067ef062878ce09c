"""Whom a plate concerns: who has it bound, and who had when it happened or since. They decide
nothing of it as officers, and neither do those who act in their post."""

from datetime import datetime
from uuid import UUID

import msgspec
from sqlmodel import col

from plugin_sdk.ports import Read
from plugins.traffic.models import OwnVehicle, PastVehicle


class Held(msgspec.Struct, frozen=True):
    """A plate that somebody has bound, or had `until` then."""

    plate: str
    until: datetime | None = None

    def concerned(self, plate: str, at: datetime) -> bool:
        """Return whether what happened with a plate then is this holder's affair."""
        return self.plate == plate and (self.until is None or self.until >= at)


async def held(read: Read) -> list[Held]:
    """Return the plates that who looks has or had bound, or somebody in whose post they act."""
    if read.actor.system or not read.actor.hands:
        return []
    found = []
    for model, *columns in (
        (OwnVehicle, OwnVehicle.plate),
        (PastVehicle, PastVehicle.plate, PastVehicle.until_at),
    ):
        statement = read.beyond_scope(model, *map(col, columns), reason="whom a plate concerns")
        found += await read.fetch(statement.where(col(model.person_id).in_(read.actor.hands)), Held)
    return found


async def those_concerned(read: Read, at: datetime, *plates: str) -> frozenset[UUID]:
    """Return who has a hand in what the actor does, where what happened with one of the plates
    then concerns them; else nobody."""
    own = await held(read)
    if any(one.concerned(plate, at) for one in own for plate in plates):
        return read.actor.hands
    return frozenset()


async def concerns(read: Read, plate: str, at: datetime) -> bool:
    """Return whether what happened with a plate then concerns who looks."""
    return any(one.concerned(plate, at) for one in await held(read))
