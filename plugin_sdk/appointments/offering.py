"""What is offered to who books: services and places, the hours of a day, one hour to check."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from sqlmodel import col

from plugin_sdk.appointments.declared import AHEAD
from plugin_sdk.appointments.engine import AppointmentEngine
from plugin_sdk.appointments.hours import DayPlan, Slot
from plugin_sdk.appointments.rules import Rules
from plugin_sdk.appointments.schedule import Offer, Schedule
from plugin_sdk.appointments.views import (
    CheckView,
    ChooseView,
    DayChip,
    DayView,
    HourItem,
    HourState,
    PlaceItem,
    ServiceItem,
)
from plugin_sdk.deadlines import local_day
from plugin_sdk.ports import Read
from plugin_sdk.problems import NotFound
from plugin_sdk.taking import BLANK, Typed
from plugin_sdk.times import SHANGHAI
from plugin_sdk.views import FactView, Phrase

Counts = Mapping[str, tuple[int, int]]


class Offering:
    """What people see before they have an appointment."""

    def __init__(self, engine: AppointmentEngine[Any]) -> None:
        self.engine = engine
        self.hub = engine.hub
        self.declared = engine.declared
        self.rules = engine.rules

    def _days(self, read: Read) -> list[date]:
        today = local_day(read.now)
        return [today + timedelta(days=n) for n in range(self.rules.ahead + 1)]

    async def choose_view(self, read: Read, schedule: Schedule, barred: date | None) -> ChooseView:
        """Return the services with their places, and where the next place is free."""
        days = self._days(read)
        pairs = [
            (service, place)
            for service in self.engine.services
            for place in schedule.places
            if schedule.offers(place, service)
        ]
        plans = {
            (service, place): [schedule.plan(place, service, day) for day in days]
            for service, place in pairs
        }
        slots = [slot for found in plans.values() for plan in found for slot in plan.slots]
        counts = await self.engine.counts(read, slots)
        services = []
        for service in self.engine.services:
            places = [
                self._place(read, schedule, service, place, plans[service, place], counts)
                for one, place in pairs
                if one == service
            ]
            services.append(
                ServiceItem(
                    label=self.engine.words(f"service.{service}"),
                    bring=self.engine.words(f"bring.{service}"),
                    places=places,
                )
            )
        return ChooseView(
            title=self.engine.words("new"),
            services=services,
            rules=self.rules.words(),
            barred=barred_words(self.rules, barred),
        )

    def _place(
        self,
        read: Read,
        schedule: Schedule,
        service: str,
        place: str,
        plans: Sequence[DayPlan],
        counts: Counts,
    ) -> PlaceItem:
        shown = schedule.places[place]
        for plan in plans:
            left = sum(_left(slot, counts) for slot in plan.slots if slot.starts_at > read.now)
            if left:
                said = Phrase("appointments.next", {"day": plan.day, "n": left})
                break
        else:
            said = Phrase("appointments.next_none", {"n": self.rules.ahead})
        return PlaceItem(
            name=shown.name,
            address=shown.address,
            phone=shown.phone,
            next=said,
            open=said.key == "appointments.next",
            href=self.engine.href("new", service, place),
        )

    async def day_view(
        self,
        read: Read,
        schedule: Schedule,
        service: str,
        place: str,
        day: date | None,
        moving: Any = None,
    ) -> DayView:
        """Return the hours of a day, the first with places unless one is named. Raises
        `NotFound`. With a booking that is `moving`, the hours replace its own."""
        shown = schedule.places.get(place)
        if shown is None or service not in self.engine.services:
            raise NotFound
        days = self._days(read)
        plans = {one: schedule.plan(place, service, one) for one in days}
        slots = [slot for plan in plans.values() for slot in plan.slots]
        counts = await self.engine.counts(read, slots)
        notes = {one: self._note(read, plan, counts) for one, plan in plans.items()}
        free = (one for one in days if notes[one].key == "appointments.day.left")
        chosen = day if day in plans else next(free, days[0])
        here = self.engine.href("new", service, place)
        if moving is not None:
            here = self.engine.href(moving.number, "move", place)
        mine = await self._mine(read, service, chosen)
        plan = plans[chosen]
        none = None
        if not plan.slots:
            none = Phrase(f"appointments.none.{plan.kind}")
            if plan.reason:
                none = Phrase("appointments.none.reason", {"reason": plan.reason})
        moving_words = None
        if moving is not None:
            moving_words = Phrase("appointments.moving", {"date": moving.starts_at})
        return DayView(
            title=self.engine.words(f"service.{service}"),
            place=shown.name,
            address=shown.address,
            phone=shown.phone,
            bring=self.engine.words(f"bring.{service}"),
            day=chosen,
            days=[
                DayChip(day=one, note=notes[one], chosen=one == chosen, href=f"{here}?day={one}")
                for one in days
                if one == chosen or _worth(notes[one], plans[one])
            ],
            hours=[self._hour(read, slot, counts, here, mine, moving) for slot in plan.slots],
            none=none,
            moving=moving_words,
            back_href=self.engine.href(moving.number if moving is not None else "new"),
        )

    def _note(self, read: Read, plan: DayPlan, counts: Counts) -> Phrase:
        coming = [slot for slot in plan.slots if slot.starts_at > read.now]
        if not plan.slots:
            return Phrase(f"appointments.day.{plan.kind}")
        if not coming:
            return Phrase("appointments.day.over")
        left = sum(_left(slot, counts) for slot in coming)
        return (
            Phrase("appointments.day.left", {"n": left})
            if left
            else Phrase("appointments.day.full")
        )

    def _hour(
        self, read: Read, slot: Slot, counts: Counts, here: str, mine: Any, moving: Any
    ) -> HourItem:
        left, waiting = _left(slot, counts), counts.get(slot.key, (0, 0))[1]
        href: str | None = f"{here}/{slot.day}/{slot.clock}"
        state: HourState
        if slot.starts_at <= read.now:
            state, href = "over", None
        elif mine is not None and (mine.place, mine.starts_at) == (slot.place, slot.starts_at):
            state, href = "mine", self.engine.href(mine.number)
        elif left:
            state = "free"
        else:
            state, href = "full", None if moving is not None else href
        return HourItem(
            starts_at=slot.starts_at,
            ends_at=slot.ends_at,
            state=state,
            left=left,
            waiting=waiting,
            href=href,
        )

    async def _mine(self, read: Read, service: str, day: date) -> Any:
        row = self.engine.row
        if read.actor.person_id is None:
            return None
        statement = read.rows(row, permission=self.declared.read).where(
            col(row.person_id) == read.actor.person_id,
            col(row.service) == service,
            col(row.day) == day,
            col(row.state).in_(AHEAD),
        )
        return (await read.session.execute(statement.limit(1))).scalar_one_or_none()

    async def check_view(self, read: Read, offer: Offer, typed: Typed = BLANK) -> CheckView:
        """Return what one is about to book; for a full hour, its waiting list."""
        slot = offer.slot
        counts = await self.engine.counts(read, [slot])
        waiting = counts.get(slot.key, (0, 0))[1]
        full = not _left(slot, counts)
        here = self.engine.href("new", slot.service, slot.place, slot.day, slot.clock)
        facts = self._facts(slot.service, offer, slot.starts_at, slot.ends_at)
        said = Phrase("appointments.check.left", {"n": _left(slot, counts)})
        if full:
            said = Phrase(
                "appointments.check.full", {"n": waiting, "minutes": self.rules.confirm_minutes}
            )
        return CheckView(
            title=Phrase(f"appointments.check.{'wait' if full else 'book'}"),
            intro=barred_words(self.rules, offer.barred_until) or said,
            action=f"{here}/wait" if full else here,
            verb=Phrase(f"appointments.act.{'wait' if full else 'book'}"),
            fields=[],
            conflict=typed.conflict,
            cancel=f"{self.engine.href('new', slot.service, slot.place)}?day={slot.day}",
            facts=facts,
            rules=self.rules.words(),
        )

    async def move_view(
        self, read: Read, row: Any, offer: Offer, typed: Typed = BLANK
    ) -> CheckView:
        """Return what one is about to exchange an hour for."""
        slot = offer.slot
        here = self.engine.href(row.number, "move", slot.place)
        return CheckView(
            title=Phrase("appointments.check.move"),
            intro=Phrase("appointments.moving", {"date": row.starts_at}),
            action=f"{here}/{slot.day}/{slot.clock}",
            verb=Phrase("appointments.act.move"),
            fields=[],
            conflict=typed.conflict,
            cancel=f"{here}?day={slot.day}",
            facts=self._facts(slot.service, offer, slot.starts_at, slot.ends_at),
            rules=self.rules.words(),
        )

    def _facts(self, service: str, offer: Offer, starts_at: Any, ends_at: Any) -> list[FactView]:
        return [
            FactView(Phrase("appointments.fact.service"), self.engine.words(f"service.{service}")),
            FactView(Phrase("appointments.fact.when"), span(starts_at, ends_at)),
            FactView(Phrase("appointments.fact.place"), offer.place.name),
            FactView(Phrase("appointments.fact.address"), offer.place.address),
            FactView(Phrase("appointments.fact.bring"), self.engine.words(f"bring.{service}")),
        ]


def barred_words(rules: Rules, until: date | None) -> Phrase | None:
    """Return until when somebody may book nothing, and why."""
    if until is None:
        return None
    numbers = {"n": rules.missed, "days": rules.missed_days}
    return Phrase("appointments.barred", {"date": until, **numbers})


def span(starts_at: Any, ends_at: Any) -> Phrase:
    """Return the day and the hours of an appointment, in words."""
    clocks = [f"{moment.astimezone(SHANGHAI):%H:%M}" for moment in (starts_at, ends_at)]
    return Phrase(
        "appointments.span", {"day": local_day(starts_at), "from": clocks[0], "to": clocks[1]}
    )


def _worth(note: Phrase, plan: DayPlan) -> bool:
    """Return whether a day stands among those to choose from: others only take up room."""
    return bool(plan.slots or plan.reason or plan.kind == "unknown") and (
        note.key != "appointments.day.over"
    )


def _left(slot: Slot, counts: Counts) -> int:
    """Return how many can book an hour: none while people wait for it."""
    taken, waiting = counts.get(slot.key, (0, 0))
    return 0 if waiting else max(slot.quota - taken, 0)
