"""Violations: what the source says of them, what was done about them here, and accepting one.

Only what the source has said of a vehicle or a licence that the actor has bound can be seen or
dealt with: another's is not found.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec
from sqlmodel import col

from plugin_sdk.deadlines import local_day
from plugin_sdk.ports import Actor, Hub, Read, Work
from plugin_sdk.problems import AppConflict, NotFound
from plugin_sdk.sources import Ask, Known
from plugins.traffic.binding import Binding, SourceAway
from plugins.traffic.models import Handling, OwnLicence, OwnVehicle
from plugins.traffic.rules import pay_by
from plugins.traffic.sources import Violation, Violations

ACT_WITHIN: Final = timedelta(hours=24)
"""How old what the source said may be for an act on it."""


def still_counts(known: Known, now: datetime) -> bool:
    """Return whether what the source said last may be acted on."""
    return known.seen_at is not None and now - known.seen_at <= ACT_WITHIN


class Bound(msgspec.Struct, frozen=True):
    """A bound vehicle or licence with what is known of it and of its violations."""

    row: OwnVehicle | OwnLicence
    record: Known
    violations: Known


class Standing(msgspec.Struct, frozen=True):
    """How somebody stands: what they have bound, and what was done about violations of theirs."""

    vehicles: tuple[Bound, ...]
    licence: Bound | None
    handled: Mapping[str, Handling]

    @property
    def bound(self) -> tuple[Bound, ...]:
        """Return everything that is bound."""
        return (*self.vehicles, self.licence) if self.licence else self.vehicles

    def items(self) -> list[Violation]:
        """Return the violations, each once, newest first."""
        found = {item.number: item for one in self.bound for item in listed(one.violations)}
        return sorted(found.values(), key=lambda item: item.at, reverse=True)

    def state(self, item: Violation) -> str:
        """Return how a violation stands: as was done here, else as the source says."""
        here = self.handled.get(item.number)
        if here is not None and here.state != "upheld":
            return here.state
        return "open" if item.open else "handled"


def listed(known: Known) -> tuple[Violation, ...]:
    """Return the violations of a state, none where nothing is known."""
    record: Violations | None = known.record
    return record.items if record else ()


class ViolationDesk:
    """What people see of violations and do about them."""

    def __init__(self, hub: Hub, binding: Binding) -> None:
        self.hub = hub
        self.binding = binding
        self.source = binding.police.engine

    async def standing(self, actor: Actor) -> Standing:
        """Return how the actor stands now. It asks the source: call it before a unit of work."""
        async with self.hub.read(actor) as read:
            vehicles = await self.binding.vehicles(read)
            licence = await self.binding.licence(read)
        asked: list[Ask] = [ask for row in vehicles for ask in self.binding.vehicle_asks(row)]
        if licence is not None:
            asked += self.binding.licence_asks(licence)
        known = iter(await self.source.ask_all(asked))
        of_vehicles = tuple(Bound(row, next(known), next(known)) for row in vehicles)
        of_licence = Bound(licence, next(known), next(known)) if licence else None
        standing = Standing(of_vehicles, of_licence, {})
        handled = await self.handled(item.number for item in standing.items())
        return msgspec.structs.replace(standing, handled=handled)

    async def handled(self, numbers: Iterable[str]) -> dict[str, Handling]:
        """Return what was done about violations, by number: also by another who may have dealt
        with it, the driver of one's vehicle."""
        async with self.hub.read(self.hub.system("violations")) as read:
            statement = read.rows(Handling).where(col(Handling.number).in_(list(numbers)))
            found = {row.number: row for row in (await read.session.execute(statement)).scalars()}
            read.session.expunge_all()
        return found

    async def find(self, read: Read, number: str) -> tuple[Violation, Known]:
        """Return a violation of the actor's as the source said it last. Raises `NotFound`."""
        keys = [(row.plate, row.owner_index) for row in await self.binding.vehicles(read)]
        licence = await self.binding.licence(read)
        if licence is not None:
            keys.append((licence.file_number, licence.owner_index))
        for key, owner in keys:
            known = await self.source.known(read, self.binding.police.violations(key, owner))
            for item in listed(known):
                if item.number == number:
                    return item, known
        raise NotFound

    async def to_act_on(
        self, work: Work, number: str, *, also: frozenset[str] = frozenset()
    ) -> tuple[Violation, Handling | None]:
        """Return a violation of the actor's that may still be dealt with, and what was done about
        it before (an objection that was refused, or what `also` names). Raises `NotFound`,
        `SourceAway`, `AppConflict`."""
        item, known = await self.find(work, number)
        columns = [col(getattr(Handling, name)) for name in ("id", "state", "person_id")]
        statement = work.beyond_scope(Handling, *columns, reason="who dealt with it")
        found = (
            await work.session.execute(statement.where(col(Handling.number) == number))
        ).first()
        if found is not None and found.state not in {"upheld", *also}:
            raise AppConflict("traffic", f"is-{found.state}")
        if found is not None and found.person_id != work.actor.person_id:
            raise AppConflict("traffic", "is-others")
        if not item.open and (found is None or found.state not in also):
            raise AppConflict("traffic", "is-handled")
        if not still_counts(known, work.now):
            raise SourceAway
        if found is None:
            return item, None
        row = await work.get(Handling, found.id, permission="violation.own")
        if row.state != found.state:  # another request of the same person was quicker
            raise AppConflict("traffic", f"is-{row.state}")
        return item, row

    async def accept(self, work: Work, number: str) -> Handling:
        """Accept a violation: its fine is due, its points go to the actor's licence. Raises as
        `to_act_on` does, and `AppConflict` where points have no licence to go to."""
        item, row = await self.to_act_on(work, number)
        licence = await self.binding.licence(work)
        if item.points and licence is None:
            raise AppConflict("traffic", "licence-needed", points=item.points)
        row = row or await self.record(work, item)
        row.state, row.changed_at = "accepted", work.now
        row.due_on = pay_by(local_day(work.now))
        work.audit("violation.accept", f"violation:{number}", points=item.points, fine=item.fine)
        work.emit("violation.accepted", number=number, points=item.points, fine=item.fine)
        work.effect("violation.accepted", f"violation:{number}")
        return row

    async def record(self, work: Work, item: Violation) -> Handling:
        """Keep the facts of a violation that the actor does something about."""
        bound = [*await self.binding.vehicles(work), await self.binding.licence(work)]
        unit = next(row.organization_id for row in bound if row is not None)
        row = Handling(
            organization_id=unit,
            person_id=work.actor.person_id,
            number=item.number,
            plate=item.plate,
            happened_at=item.at,
            place=item.place,
            what=item.what,
            points=item.points,
            fine=item.fine,
            state="objected",
            changed_at=work.now,
        )
        await work.add(row, placed=True)
        return row
