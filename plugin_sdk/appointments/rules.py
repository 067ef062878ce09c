"""The rules of appointments: what a county sets, and the rule of missed ones (爽约)."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

import msgspec

from plugin_sdk.views import Phrase


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What an app's settings say of appointments.

    `ahead` days can be booked, today included. `cut_off_hours` before it begins, an appointment
    can no longer be cancelled or moved. Who moves up from the waiting list confirms within
    `confirm_minutes`. One counts as absent from `late_minutes` after the beginning. Who missed
    `missed` appointments within `missed_days` books none for `barred_days`; 0 missed: no rule.
    """

    ahead: int = 14
    cut_off_hours: int = 4
    confirm_minutes: int = 120
    late_minutes: int = 15
    missed: int = 3
    missed_days: int = 90
    barred_days: int = 30

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "Rules":
        """Return the rules of an app's settings, named `appointment_<rule>`."""
        given = {
            name: int(settings[f"appointment_{name}"])
            for name in cls.__struct_fields__
            if f"appointment_{name}" in settings
        }
        return cls(**given)

    def barred_until(self, missed: Iterable[date], today: date) -> date | None:
        """Return the last day on which somebody who missed appointments on these days may book
        none, None when they may. What led to a bar once is spent and leads to no other."""
        until: date | None = None
        recent: list[date] = []
        for day in sorted(missed) if self.missed else ():
            recent = [one for one in recent if (day - one).days < self.missed_days] + [day]
            if len(recent) >= self.missed:
                until, recent = day + timedelta(days=self.barred_days), []
        return until if until is not None and today <= until else None

    def words(self) -> list[Phrase]:
        """Return the rules as people read them before they book."""
        said = [
            Phrase("appointments.rule.cut_off", {"n": self.cut_off_hours}),
            Phrase("appointments.rule.late", {"n": self.late_minutes}),
        ]
        if self.missed:
            numbers = {"n": self.missed, "days": self.missed_days, "barred": self.barred_days}
            said.append(Phrase("appointments.rule.missed", numbers))
        return said
