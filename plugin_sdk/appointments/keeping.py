"""The registers that staff keep: places, and the hours of each with their quotas."""

from collections.abc import Mapping
from typing import Any

from plugin_sdk.appointments.declared import Appointments
from plugin_sdk.appointments.forms import HoursForm, PlaceForm
from plugin_sdk.appointments.models import HoursRow, PlaceRow
from plugin_sdk.ports import Hub, Read
from plugin_sdk.registers import Register, RegisterDesk, RegisterEngine
from plugin_sdk.views import Option, Phrase, Words


def places_of(hub: Hub, row: type[PlaceRow], read: str, edit: str) -> RegisterEngine[Any]:
    """Return the register of places, with the permissions to read and to keep it."""
    register = Register(name="place", path="/places", read=read, edit=edit, form=PlaceForm)
    return RegisterEngine(hub, register, row)


def hours_of(hub: Hub, row: type[HoursRow], read: str, edit: str) -> RegisterEngine[Any]:
    """Return the register of hours, with the permissions to read and to keep it."""
    register = Register(name="hours", path="/hours", read=read, edit=edit, form=HoursForm)
    return RegisterEngine(hub, register, row)


class HoursDesk(RegisterDesk[Any]):
    """The hours and the closings of places."""

    hints = frozenset({"name", "service", "days", "minutes", "quota"})

    def __init__(
        self,
        declared: Appointments,
        places: RegisterEngine[Any],
        hours: RegisterEngine[Any],
    ) -> None:
        super().__init__(hours)
        self._declared = declared
        self._places = places

    async def options(self, read: Read) -> Mapping[str, list[Option]]:
        """Return the places in force and the services."""
        prefix = f"{self.hub.app}.{self._declared.name}.service"
        return {
            "place": [Option(one.code, one.name) for one in await self._places.in_force(read)],
            "service": [
                Option(one.key, Phrase(f"{prefix}.{one.key}")) for one in self._declared.services
            ],
        }

    def note(self, row: Any) -> Words | None:
        """Return when and how many, or that the place is closed then."""
        said = {"from": row.opens, "to": row.closes, "n": row.quota}
        days = self.engine.words(f"days.{row.days}")
        kind = "open" if row.quota else "closed"
        return Phrase(f"appointments.hours.{kind}", {"days": days, **said})
