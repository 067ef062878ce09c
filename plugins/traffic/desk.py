"""Everything of traffic on one hub."""

from typing import Any
from uuid import UUID

import msgspec

from plugin_sdk.extension import Card
from plugin_sdk.ports import Hub, Read
from plugin_sdk.views import Phrase
from plugins.traffic.accidents.desk import AccidentDesk
from plugins.traffic.binding import Binding
from plugins.traffic.drafting import DraftingDesk
from plugins.traffic.fines import Fines, fines_of
from plugins.traffic.licences import Licences
from plugins.traffic.objections import ObjectionDesk
from plugins.traffic.overview import Overview
from plugins.traffic.reminders import Reminders
from plugins.traffic.reports.desk import ReportDesk
from plugins.traffic.sources import Police, police_of
from plugins.traffic.violations import ViolationDesk, listed


class Desk(msgspec.Struct, frozen=True):
    """The parts of the app as they hang together."""

    hub: Hub
    police: Police
    binding: Binding
    fines: Fines
    violations: ViolationDesk
    objections: ObjectionDesk
    licences: Licences
    reminders: Reminders
    overview: Overview
    accidents: AccidentDesk
    reports: ReportDesk

    @property
    def cases(self) -> tuple[DraftingDesk[Any], ...]:
        """Return the procedures that officers decide on. A part that brings one adds its desk
        here."""
        return self.objections, self.accidents, self.reports

    async def unit(self) -> UUID:
        """Return the unit of the traffic police that keeps what residents bind. Ask before a unit
        of work. Raises `Problem` (`case.no-receiver`)."""
        return await self.objections.engine.receiver(self.hub.system("unit"))

    async def card(self, read: Read) -> Card | None:
        """Return the card of who has something to deal with, as the source said last."""
        found: dict[str, bool] = {}
        for row in await self.binding.vehicles(read):
            _, asked = self.binding.vehicle_asks(row)
            known = await self.police.engine.known(read, asked)
            found |= {item.number: item.open for item in listed(known)}
        waiting = [number for number, waits in found.items() if waits]
        handled = await self.violations.handled(waiting)
        n = sum(handled[one].state == "upheld" if one in handled else True for one in waiting)
        if not n:
            return None
        return Card(
            title=Phrase("traffic.violations.title"),
            text=Phrase("traffic.card.open", {"n": n}),
            href=f"/apps/{self.hub.app}/mine",
            count=n,
        )


def desk_of(hub: Hub) -> Desk:
    """Return the app on a hub."""
    police = police_of(hub)
    binding = Binding(hub, police)
    violations = ViolationDesk(hub, binding)
    fines = fines_of(hub)
    licences = Licences(hub, binding)
    accidents = AccidentDesk(hub, binding)
    return Desk(
        hub=hub,
        police=police,
        binding=binding,
        fines=fines,
        violations=violations,
        objections=ObjectionDesk(hub, violations, fines),
        licences=licences,
        reminders=Reminders(hub, binding, (licences, accidents.invitations)),
        overview=Overview(hub),
        accidents=accidents,
        reports=ReportDesk(hub),
    )
