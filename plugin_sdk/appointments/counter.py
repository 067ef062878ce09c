"""The list of a day at a place, for who serves there."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

from plugin_sdk.appointments import serving
from plugin_sdk.appointments.declared import ABSENT, ARRIVED, BOOKED, FINISHED
from plugin_sdk.appointments.engine import AppointmentEngine
from plugin_sdk.appointments.forms import CodeForm
from plugin_sdk.appointments.views import CounterView, HourGroup, PlaceLink, VisitorItem
from plugin_sdk.deadlines import local_day
from plugin_sdk.ports import Read
from plugin_sdk.problems import NotFound
from plugin_sdk.taking import BLANK, Typed
from plugin_sdk.views import ActionView, Phrase

ACTS = {BOOKED: ("arrive", "absent"), ARRIVED: ("finish",), ABSENT: ("arrive",)}
"""What the counter may do with a booking of today, by its state."""


class CounterDesk:
    """What staff see at the counter."""

    def __init__(self, engine: AppointmentEngine[Any]) -> None:
        self.engine = engine

    async def places(self, read: Read) -> Sequence[Any]:
        """Return the places at which the actor serves."""
        serve = self.engine.declared.serve
        found = await self.engine.places.in_force(read)
        return [place for place in found if await read.holds(serve, place)]

    async def view(
        self, read: Read, code: str, day: date | None, typed: Typed = BLANK
    ) -> CounterView:
        """Return the list of a day (today) at a place (the first). Raises `NotFound`."""
        places = await self.places(read)
        place = next((one for one in places if one.code == code or not code), None)
        if place is None:
            raise NotFound
        today = local_day(read.now)
        shown = day or today
        rows = await serving.of_day(self.engine, read, place.code, shown)
        counts = dict.fromkeys((BOOKED, ARRIVED, FINISHED, ABSENT), 0)
        for row in rows:
            counts[row.state] = counts.get(row.state, 0) + 1
        come = sum(counts[state] for state in (BOOKED, ARRIVED, FINISHED, ABSENT))
        return CounterView(
            title=self.engine.words("counter"),
            place=place.name,
            day=shown,
            places=[
                PlaceLink(
                    name=one.name, chosen=one.code == place.code, href=self._href(one.code, shown)
                )
                for one in places
            ],
            before_href=self._href(place.code, shown - timedelta(days=1)),
            after_href=self._href(place.code, shown + timedelta(days=1)),
            sentence=Phrase(
                "appointments.counter.sentence",
                {
                    "n": come,
                    "here": counts[ARRIVED],
                    "done": counts[FINISHED],
                    "absent": counts[ABSENT],
                },
            ),
            groups=[
                HourGroup(
                    starts_at=starts_at,
                    visitors=[self._visitor(read, row, shown == today) for row in group],
                )
                for starts_at, group in groupby(rows, key=_start)
            ],
            check_in=self.engine.href("counter", place.code) if shown == today else None,
            fields=typed.fields(CodeForm, "appointments", hints=frozenset({"code"})),
            links=await self._links(read),
            conflict=typed.conflict,
        )

    def _href(self, code: str, day: date) -> str:
        return f"{self.engine.href('counter')}?place={code}&day={day}"

    async def _links(self, read: Read) -> list[ActionView]:
        """Return the pages behind the counter that the actor may open."""
        engine = self.engine
        pages = (
            (engine.hours.register.edit, engine.hours.words("list"), engine.hours.href()),
            (engine.places.register.edit, engine.places.words("list"), engine.places.href()),
            (engine.declared.figures, engine.words("figures"), engine.href("figures")),
        )
        return [
            ActionView(verb="open", label=label, href=href)
            for permission, label, href in pages
            if await read.holds(permission)
        ]

    def _visitor(self, read: Read, row: Any, today: bool) -> VisitorItem:
        verbs = list(ACTS.get(row.state, ())) if today else []
        if "absent" in verbs and read.now < serving.late_from(self.engine, row):
            verbs.remove("absent")
        return VisitorItem(
            number=row.number,
            queue=row.queue,
            name=row.person_name,
            service=self.engine.words(f"service.{row.service}"),
            state=row.state,
            state_label=Phrase(f"appointments.state.{row.state}"),
            href=self.engine.href(row.number),
            acts=[
                ActionView(
                    verb=verb,
                    label=Phrase(f"appointments.act.{verb}"),
                    href=self.engine.href(row.number, verb),
                    primary=not n,
                )
                for n, verb in enumerate(verbs)
            ],
        )


def _start(row: Any) -> datetime:
    found: datetime = row.starts_at
    return found
