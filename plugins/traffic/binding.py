"""Binding a vehicle or a licence to a person: after proof, to one person alone, and off again.

Proof is two things at once: the source names the person's own identity number as the owner's,
and the person knows what stands in the papers. No answer tells which of them was wrong.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar
from uuid import UUID

import msgspec
from sqlmodel import col

from plugin_sdk.ports import Actor, Hub, Read, Work
from plugin_sdk.problems import AppConflict, Invalid, NotFound
from plugin_sdk.sources import Ask, Known
from plugins.traffic.forms import LicenceForm, ReleaseForm, VehicleForm, wrong
from plugins.traffic.models import OwnLicence, OwnVehicle, PastVehicle
from plugins.traffic.sources import Police, Vehicle

MOST_VEHICLES: Final = 10
PROVEN_FOR: Final = timedelta(minutes=5)
"""How old what the source said may be for it to prove anything."""


Mine = TypeVar("Mine", OwnVehicle, OwnLicence)


class SourceAway(AppConflict):
    """What was asked for needs the source, which does not answer (503)."""

    status = 503

    def __init__(self) -> None:
        super().__init__("traffic", "source-away")


class Proof(msgspec.Struct, frozen=True):
    """That a record of the source is the actor's own: the question, and the owner's index."""

    asked: Ask
    owner: str


class Binding:
    """Who has bound what."""

    def __init__(self, hub: Hub, police: Police) -> None:
        self.hub = hub
        self.police = police

    async def prove_vehicle(self, actor: Actor, form: VehicleForm) -> Proof:
        """Return the proof that a vehicle is the actor's. It asks the source: do it before the
        unit of work begins. Raises `AppConflict`, `Invalid`, `SourceAway`."""
        owner = await self._owner(actor)
        asked = self.police.vehicle(form.plate, owner)
        known = await self._asked(asked, "plate", "not-yours")
        record: Vehicle = known.record
        if record.vin_tail != form.vin_tail.upper():
            raise Invalid(wrong("plate", "not-yours"))
        return Proof(asked, owner)

    async def prove_licence(self, actor: Actor, form: LicenceForm) -> Proof:
        """Return the proof that a licence is the actor's. Raises as `prove_vehicle` does."""
        owner = await self._owner(actor)
        asked = self.police.licence(form.file_number, owner)
        await self._asked(asked, "file_number", "not-your-licence")
        return Proof(asked, owner)

    async def bind_vehicle(self, work: Work, proof: Proof, unit: UUID) -> OwnVehicle:
        """Bind a vehicle to the actor. Raises `AppConflict` for one that another has bound, one
        that is bound already, and one too many."""
        plate, person = proof.asked.key, work.actor.person_id
        there = await self._bound(work, OwnVehicle, col(OwnVehicle.plate) == plate)
        if there:
            mine = there[0].person_id == person
            raise AppConflict("traffic", "bound-already" if mine else "claimed", plate=plate)
        if len(await self.vehicles(work)) >= MOST_VEHICLES:
            raise AppConflict("traffic", "too-many", n=MOST_VEHICLES)
        row = OwnVehicle(
            organization_id=unit,
            person_id=person,
            plate=plate,
            owner_index=proof.owner,
            bound_at=work.now,
        )
        await self._keep(work, row, "vehicle")
        return row

    async def bind_licence(self, work: Work, proof: Proof, unit: UUID) -> OwnLicence:
        """Bind a licence to the actor. Raises `AppConflict` as `bind_vehicle` does."""
        number, person = proof.asked.key, work.actor.person_id
        if await self._bound(work, OwnLicence, col(OwnLicence.file_number) == number):
            raise AppConflict("traffic", "licence-bound")
        if await self._bound(work, OwnLicence, col(OwnLicence.person_id) == person):
            raise AppConflict("traffic", "licence-bound")
        row = OwnLicence(
            organization_id=unit,
            person_id=person,
            file_number=number,
            owner_index=proof.owner,
            bound_at=work.now,
        )
        await self._keep(work, row, "licence")
        return row

    async def unbind_vehicle(self, work: Work, id: UUID) -> None:
        """Take a vehicle off the actor. Raises `NotFound` for another's."""
        row = await work.get(OwnVehicle, id, permission="vehicle.own")
        await self._drop(work, row, "vehicle", self.vehicle_asks(row))

    async def unbind_licence(self, work: Work) -> None:
        """Take the licence off the actor. Raises `NotFound` where none is bound."""
        own = await self.licence(work)
        if own is None:
            raise NotFound
        row = await work.get(OwnLicence, own.id, permission="vehicle.own")
        await self._drop(work, row, "licence", self.licence_asks(row))

    async def release(self, work: Work, form: ReleaseForm) -> None:
        """Free a vehicle from whoever has bound it: an officer has seen the papers of its present
        owner. Raises `Invalid` where nobody has."""
        found = await self._bound(work, OwnVehicle, col(OwnVehicle.plate) == form.plate)
        if not found:
            raise Invalid(wrong("plate", "not-bound"))
        row = await work.get(OwnVehicle, found[0].id, permission="binding.release")
        await self._drop(work, row, "vehicle", self.vehicle_asks(row), why=form.reason)

    async def vehicles(self, read: Read) -> Sequence[OwnVehicle]:
        """Return the actor's vehicles, oldest binding first."""
        statement = self._mine(read, OwnVehicle).order_by(col(OwnVehicle.id))
        rows: Sequence[OwnVehicle] = (await read.session.execute(statement)).scalars().all()
        return await self._still_mine(read, rows)

    async def licence(self, read: Read) -> OwnLicence | None:
        """Return the actor's licence, None where none is bound."""
        row: OwnLicence | None = (
            await read.session.execute(self._mine(read, OwnLicence))
        ).scalar_one_or_none()
        found = await self._still_mine(read, [row] if row is not None else [])
        return found[0] if found else None

    async def vehicle(self, read: Read, id: UUID) -> OwnVehicle:
        """Return a vehicle of the actor. Raises `NotFound`."""
        statement = self._mine(read, OwnVehicle).where(col(OwnVehicle.id) == id)
        row: OwnVehicle | None = (await read.session.execute(statement)).scalar_one_or_none()
        if row is None or not await self._still_mine(read, [row]):
            raise NotFound
        return row

    async def _still_mine(self, read: Read, rows: Sequence[Mine]) -> list[Mine]:
        """Return what of it is the actor's by the number that they have now: staff may have put a
        wrong one right since it was bound."""
        own = await self.hub.numbers.own(read.actor) if rows else None
        return [row for row in rows if own is None or own == row.owner_index]

    def vehicle_asks(self, row: OwnVehicle) -> tuple[Ask, Ask]:
        """Return what is asked of a bound vehicle: itself, and its violations."""
        return (
            self.police.vehicle(row.plate, row.owner_index),
            self.police.violations(row.plate, row.owner_index),
        )

    def licence_asks(self, row: OwnLicence) -> tuple[Ask, Ask]:
        """Return what is asked of a bound licence: itself, and its violations."""
        return (
            self.police.licence(row.file_number, row.owner_index),
            self.police.violations(row.file_number, row.owner_index),
        )

    def _mine(self, read: Read, model: Any) -> Any:
        return read.rows(model, permission="vehicle.own").where(
            col(model.person_id) == read.actor.person_id
        )

    async def _bound(self, work: Work, model: Any, condition: Any) -> Sequence[Any]:
        columns = col(model.id), col(model.person_id)
        statement = work.beyond_scope(model, *columns, reason="is it bound").where(condition)
        found: Sequence[Any] = (await work.session.execute(statement)).all()
        return found

    async def _owner(self, actor: Actor) -> str:
        owner = await self.hub.numbers.own(actor)
        if owner is None:
            raise AppConflict("traffic", "number-unknown")
        return owner

    async def _asked(self, asked: Ask, field: str, code: str) -> Known:
        known = await self.police.engine.ask(asked)
        now = self.hub.now()
        if known.fault == "wrong" or (known.record is None and known.fault is None):
            raise Invalid(wrong(field, code))
        if known.record is None or known.seen_at is None or now - known.seen_at > PROVEN_FOR:
            raise SourceAway
        return known

    async def _keep(self, work: Work, row: Any, what: str) -> None:
        await work.add(row, placed=True)
        work.audit(f"{what}.bind", f"{what}:{row.id}")

    async def _drop(
        self, work: Work, row: Any, what: str, asks: Sequence[Ask], *, why: str | None = None
    ) -> None:
        await self.police.engine.forget(work, *asks)
        if isinstance(row, OwnVehicle):
            await work.add(_past(row, work.now), placed=True)
        await work.session.delete(row)
        facts = {"reason": why} if why else {}
        work.audit(f"{what}.{'release' if why else 'unbind'}", f"{what}:{row.id}", **facts)


def _past(row: OwnVehicle, now: datetime) -> PastVehicle:
    """Return what is kept of a binding that ends now."""
    return PastVehicle(
        organization_id=row.organization_id,
        person_id=row.person_id,
        plate=row.plate,
        bound_at=row.bound_at,
        until_at=now,
    )
