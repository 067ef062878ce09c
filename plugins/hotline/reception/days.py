"""Reception days as they are announced, and their places: the last one goes to one.

Why not the appointment kit: its services are declared in code and its hours return week by week,
and a booking says nothing of the matter. A reception day is announced once, with its own leader
and topic, and who registers brings a matter that the leader reads before and that becomes a case.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select
from sqlmodel import col

from plugin_sdk.deadlines import local_day
from plugin_sdk.ports import Hub, Read, To, Work
from plugin_sdk.problems import FieldError, Invalid, NotFound, field_error
from plugin_sdk.registers import Register, RegisterDesk, RegisterEngine
from plugin_sdk.registers.forms import EndForm, RecordForm
from plugin_sdk.views import Option, Phrase, Words
from plugins.hotline.reception.forms import ReceptionDayForm
from plugins.hotline.reception.models import ReceptionDay, ReceptionSeats, Visit

READ: Final = "reception.read"
ANNOUNCE: Final = "reception.announce"
WORDS: Final = "hotline.reception"
SOONEST: Final = 30
"""Days ahead that are offered."""
DAYS: Final = Register(
    name="reception_day",
    path="/reception-days",
    read=READ,
    edit=ANNOUNCE,
    form=ReceptionDayForm,
)


class DayEngine(RegisterEngine[ReceptionDay]):
    """Reception days with their places."""

    def __init__(self, hub: Hub) -> None:
        super().__init__(hub, DAYS, ReceptionDay)

    async def add(
        self,
        work: Work,
        form: RecordForm,
        *,
        organization_id: UUID | None = None,
        **fields: Any,
    ) -> ReceptionDay:
        """Announce a day. Raises `Invalid` for one that has passed."""
        if form.ends_on is not None and form.ends_on < local_day(work.now):
            raise Invalid(field_error("ends_on", "in-the-past"))
        row = await super().add(work, form, organization_id=organization_id, **fields)
        await work.add(ReceptionSeats(day_id=row.id))
        return row

    async def change(
        self, work: Work, id: UUID, form: RecordForm, version: int, reason: str | None = None
    ) -> ReceptionDay:
        """Change a day. Who has a place is told of another day, hour or place, and none of them
        loses it. Raises as registers do, and `Invalid` for fewer places than are taken."""
        seats = await self._seats(work, id)
        taken, asked = (seats.taken if seats else 0), getattr(form, "places", 0)
        if asked < taken:
            raise Invalid(FieldError("places", Phrase(f"{WORDS}.wrong.places-taken", {"n": taken})))
        before = await self.find(work, id)
        was = (before.ends_on, before.opens, before.place)
        row = await super().change(work, id, form, version, reason)
        if row.valid_on(local_day(work.now)):  # it was called off, and is not
            await work.todo.close(f"reception-day:{id}")
        if was != (row.ends_on, row.opens, row.place):
            for one in await self.visits(work, id):
                visit = await work.get(Visit, one.id, permission=READ)
                visit.day_on = row.ends_on or visit.day_on
            await self._tell(work, row, "moved")
        return row

    async def end(self, work: Work, id: UUID, form: EndForm) -> ReceptionDay:
        """Call a day off: who has a place is told, and another day is to be found for them."""
        await self._seats(work, id)
        row = await super().end(work, id, form)
        await self._tell(work, row, "called_off")
        if await self._registered(work, id):
            await work.todo.open(
                f"reception-day:{id}",
                To(organization_id=row.organization_id, permission=ANNOUNCE),
                row.name,
                self.visited,
                label=Phrase(f"{WORDS}.find_another"),
            )
        return row

    async def found_another(self, work: Work, id: UUID) -> None:
        """Close what waits for the visits of a day that was called off, once none is left."""
        if not await self._registered(work, id):
            await work.todo.close(f"reception-day:{id}")

    async def _registered(self, work: Work, id: UUID) -> int:
        """Return how many are registered for a day, whoever asks."""
        statement = work.beyond_scope(Visit, func.count(), reason="visits of a day").where(
            col(Visit.day_id) == id, col(Visit.state) == "registered"
        )
        return int((await work.session.execute(statement)).scalar_one())

    @property
    def visited(self) -> str:
        """Return the address of the visits."""
        return f"/apps/{self.hub.app}/reception"

    async def _tell(self, work: Work, row: ReceptionDay, words: str) -> None:
        said = {"topic": row.name, "date": row.ends_on, "time": row.opens, "place": row.place}
        for visit in await self.visits(work, row.id):
            message = Phrase(f"{WORDS}.notice.{words}", said)
            dedupe = f"visit:{visit.id}:{words}:{row.version}"
            if visit.person_id is not None:
                href = f"{self.visited}/{visit.number}"
                work.notify(To(person_id=visit.person_id), message, href, dedupe=dedupe)
            elif visit.caller_phone:
                work.text(visit.caller_phone, message, dedupe=dedupe)

    async def visits(self, work: Work, id: UUID) -> Sequence[Visit]:
        """Return who is registered for a day, as far as the actor sees."""
        statement = work.rows(Visit, permission=READ).where(
            col(Visit.day_id) == id, col(Visit.state) == "registered"
        )
        found: Sequence[Visit] = (await work.session.execute(statement)).scalars().all()
        return found

    async def _seats(self, work: Work, id: UUID) -> ReceptionSeats | None:
        statement = select(ReceptionSeats).where(col(ReceptionSeats.day_id) == id)
        found: ReceptionSeats | None = (
            await work.session.execute(statement.with_for_update())
        ).scalar_one_or_none()
        return found

    async def hold(self, work: Work, days: Iterable[UUID]) -> None:
        """Hold days before the visits on them, as changing a day does: else two who act at once
        would wait for each other."""
        for id in sorted(days):
            await self._seats(work, id)

    async def take_place(self, work: Work, id: UUID) -> ReceptionDay:
        """Take a place of a day and return the day. Raises `Invalid` for a day that there is not,
        that is over or called off, or that is full."""
        seats = await self._seats(work, id)
        try:
            day = await self.find(work, id)
        except NotFound:
            raise Invalid(field_error("day", "choice")) from None
        if seats is None or not day.valid_on(local_day(work.now)):
            raise Invalid(FieldError("day", Phrase(f"{WORDS}.wrong.day-over")))
        if seats.taken >= day.places:
            raise Invalid(FieldError("day", Phrase(f"{WORDS}.wrong.day-full")))
        seats.taken += 1
        return day

    async def free_place(self, work: Work, id: UUID) -> None:
        """Give a place back."""
        seats = await self._seats(work, id)
        if seats is not None and seats.taken:
            seats.taken -= 1

    async def ahead(self, read: Read) -> list[tuple[ReceptionDay, int]]:
        """Return the days that people may register for, the soonest first, with the places that
        are left."""
        statement = read.rows(ReceptionDay, permission=READ).where(
            ReceptionDay.in_force(local_day(read.now))
        )
        soonest = statement.order_by(col(ReceptionDay.ends_on), col(ReceptionDay.opens))
        days = list((await read.session.execute(soonest.limit(SOONEST))).scalars())
        seats = select(col(ReceptionSeats.day_id), col(ReceptionSeats.taken)).where(
            col(ReceptionSeats.day_id).in_([day.id for day in days])
        )
        taken = {id: n for id, n in await read.session.execute(seats)}
        return [(day, max(day.places - taken.get(day.id, day.places), 0)) for day in days]


def said_of(day: ReceptionDay, left: int | None = None) -> Phrase:
    """Return a day in words, with the places that are left."""
    said = {
        "date": day.ends_on,
        "opens": day.opens,
        "closes": day.closes,
        "leader": day.leader,
        "topic": day.name,
        "place": day.place,
        "n": left,
    }
    return Phrase(f"{WORDS}.{'day' if left is None else 'day_left'}", said)


class DayDesk(RegisterDesk[ReceptionDay]):
    """The days, for who announces them and for who wants to come."""

    hints = frozenset({"starts_on", "leader"})

    def soon(self) -> timedelta:
        """Return how long before it a day is near: it is so on the day itself."""
        return timedelta(0)

    async def notes(self, read: Read, rows: Sequence[ReceptionDay]) -> Mapping[UUID, Words | None]:
        """Return who receives."""
        return {row.id: row.leader for row in rows}


async def day_options(read: Read, days: DayEngine) -> list[Option]:
    """Return the days that have a place left."""
    found = await days.ahead(read)
    return [Option(str(day.id), said_of(day, left)) for day, left in found if left]
