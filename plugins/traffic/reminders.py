"""Reminders of inspections and validity: each once for each of its days before."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final, Protocol
from uuid import UUID

from sqlmodel import col

from plugin_sdk.deadlines import local_day
from plugin_sdk.ports import Actor, Hub, To, Work
from plugin_sdk.sources import Known
from plugin_sdk.views import Phrase
from plugins.traffic.binding import Binding
from plugins.traffic.identifiers import shown_plate
from plugins.traffic.models import OwnLicence, OwnVehicle

BATCH: Final = 8
DAYS: Final = ("remind_days", (30, 7))


class Expiring(Protocol):
    """What keeps codes that expire."""

    async def tidy(self, work: Work) -> None:
        """Forget those that expired long ago."""


class Reminders:
    """The daily look at what is due soon."""

    def __init__(self, hub: Hub, binding: Binding, expiring: Sequence[Expiring]) -> None:
        self.hub = hub
        self.binding = binding
        self.expiring = expiring
        self.days = tuple(int(n) for n in hub.settings.get(*DAYS))

    async def run(self, actor: Actor) -> None:
        """Tell everybody what is due soon, as the source says now or has said last."""
        for model in (OwnVehicle, OwnLicence):
            last: UUID | None = None
            while rows := await self._next(actor, model, last):
                last = rows[-1].id
                await self._tell(actor, rows)
        async with self.hub.work(actor) as work:
            for codes in self.expiring:
                await codes.tidy(work)

    async def _next(self, actor: Actor, model: Any, last: UUID | None) -> Sequence[Any]:
        async with self.hub.read(actor) as read:
            statement = read.rows(model).order_by(col(model.id)).limit(BATCH)
            if last is not None:
                statement = statement.where(col(model.id) > last)
            rows: Sequence[Any] = (await read.session.execute(statement)).scalars().all()
            read.session.expunge_all()
        return rows

    async def _tell(self, actor: Actor, rows: Sequence[Any]) -> None:
        asks = [
            self.binding.vehicle_asks(row)[0]
            if isinstance(row, OwnVehicle)
            else self.binding.licence_asks(row)[0]
            for row in rows
        ]
        known = await self.binding.police.engine.ask_all(asks)
        async with self.hub.work(actor) as work:
            today = local_day(work.now)
            for row, said in zip(rows, known, strict=True):
                on, message = _due(row, said)
                level = None if on is None else self._level((on - today).days)
                if level is not None:
                    key = f"due:{row.id}:{on}:{level}"
                    work.notify(
                        To(person_id=row.person_id),
                        message,
                        f"/apps/{self.hub.app}/mine",
                        dedupe=key,
                    )

    def _level(self, left: int) -> int | None:
        """Return the nearest of the days before that has come; None before all, and afterwards."""
        return min((n for n in self.days if 0 <= left <= n), default=None)


def _due(row: Any, known: Known) -> tuple[date | None, Phrase]:
    if isinstance(row, OwnVehicle):
        on = known.record.inspect_by if known.record else None
        said = {"plate": shown_plate(row.plate), "date": on}
        return on, Phrase("traffic.notice.inspection", said)
    on = known.record.valid_until if known.record else None
    return on, Phrase("traffic.notice.validity", {"date": on})
