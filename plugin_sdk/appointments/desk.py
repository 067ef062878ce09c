"""The desk of appointments: one's own, what may be done with them, the card of a home page."""

from datetime import date
from typing import Any, Final

from sqlmodel import col

from plugin_sdk.appointments.declared import ABSENT, AHEAD, BOOKED, OFFERED, WAITING
from plugin_sdk.appointments.engine import AppointmentEngine
from plugin_sdk.appointments.forms import NothingForm
from plugin_sdk.appointments.offering import barred_words, span
from plugin_sdk.appointments.schedule import Schedule
from plugin_sdk.appointments.views import BookingItem, BookingsView, BookingView
from plugin_sdk.deadlines import local_day
from plugin_sdk.extension import Card
from plugin_sdk.ports import Read
from plugin_sdk.taking import BLANK, Typed
from plugin_sdk.views import ActionView, FactView, FormView, Phrase

LATEST: Final = 50
"""How many of one's own appointments are shown."""


class AppointmentDesk:
    """What people see of their appointments."""

    def __init__(self, engine: AppointmentEngine[Any]) -> None:
        self.engine = engine
        self.hub = engine.hub
        self.declared = engine.declared
        self.rules = engine.rules

    async def list_view(self, read: Read, schedule: Schedule, barred: date | None) -> BookingsView:
        """Return one's own appointments."""
        row = self.engine.row
        statement = read.rows(row, permission=self.declared.read).where(
            col(row.person_id) == read.actor.person_id
        )
        ahead = col(row.state).in_(AHEAD)
        order = (ahead.desc(), col(row.starts_at).desc())
        found = (await read.session.execute(statement.order_by(*order).limit(LATEST))).scalars()
        create = ActionView(
            verb="new",
            label=self.engine.words("new"),
            href=self.engine.href("new"),
            primary=True,
        )
        links = []
        if await read.holds(self.declared.serve):
            counter, label = self.engine.href("counter"), self.engine.words("counter")
            links.append(ActionView(verb="counter", label=label, href=counter))
        return BookingsView(
            title=self.engine.words("list"),
            items=[self.item(one, schedule) for one in found],
            create=create if await read.holds(self.declared.book) else None,
            links=links,
            barred=barred_words(self.rules, barred),
        )

    def item(self, row: Any, schedule: Schedule) -> BookingItem:
        """Return an appointment as lists show it."""
        place = schedule.places.get(row.place)
        return BookingItem(
            number=row.number,
            service=self.engine.words(f"service.{row.service}"),
            place=place.name if place else row.place,
            starts_at=row.starts_at,
            state=row.state,
            state_label=Phrase(f"appointments.state.{row.state}"),
            queue=row.queue,
            href=self.engine.href(row.number),
        )

    async def view(
        self, read: Read, schedule: Schedule, row: Any, ahead: int | None = None
    ) -> BookingView:
        """Return one appointment, for its person or for who serves; `ahead` is how many wait
        before one."""
        place = schedule.places.get(row.place)
        facts = [
            FactView(Phrase("appointments.fact.when"), span(row.starts_at, row.ends_at)),
            FactView(Phrase("appointments.fact.place"), place.name if place else row.place),
        ]
        if place is not None:
            facts.append(FactView(Phrase("appointments.fact.address"), place.address))
            if place.phone:
                facts.append(FactView(Phrase("appointments.fact.phone"), place.phone))
        facts.append(
            FactView(Phrase("appointments.fact.bring"), self.engine.words(f"bring.{row.service}"))
        )
        own = row.person_id == read.actor.person_id
        return BookingView(
            number=row.number,
            service=self.engine.words(f"service.{row.service}"),
            state=row.state,
            state_label=Phrase(f"appointments.state.{row.state}"),
            version=row.version,
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            queue=row.queue,
            ahead=ahead if row.state == WAITING else None,
            notice=self._notice(read, row),
            facts=facts,
            actions=self._actions(read, row) if own else [],
            list_href=self.engine.href(),
        )

    def _notice(self, read: Read, row: Any) -> Phrase | None:
        if row.state == OFFERED:
            return Phrase("appointments.said_offered", {"date": row.offered_until})
        if row.state == BOOKED and read.now > self.engine.cut_off(row):
            return Phrase("appointments.past_cut_off", {"n": self.rules.cut_off_hours})
        if row.state == BOOKED:
            return Phrase("appointments.until", {"date": self.engine.cut_off(row)})
        if row.reason:
            return Phrase("appointments.none.reason", {"reason": row.reason})
        if row.state == ABSENT and self.rules.missed:
            return self.rules.words()[-1]
        return None

    def _actions(self, read: Read, row: Any) -> list[ActionView]:
        verbs: list[str] = []
        if row.state == OFFERED:
            verbs = ["confirm", "decline"]
        elif row.state == WAITING:
            verbs = ["leave"]
        elif row.state == BOOKED and read.now <= self.engine.cut_off(row):
            verbs = ["move", "cancel"]
        at = {"decline": "cancel", "leave": "cancel"}
        return [
            ActionView(
                verb=verb,
                label=Phrase(f"appointments.act.{verb}"),
                href=self.engine.href(row.number, "move", row.place)
                if verb == "move"
                else self.engine.href(row.number, at.get(verb, verb)),
                primary=verb in ("confirm", "move"),
            )
            for verb in verbs
        ]

    async def act_view(self, read: Read, row: Any, verb: str, typed: Typed = BLANK) -> FormView:
        """Return the form of an act on an appointment."""
        label = Phrase(f"appointments.act.{verb}")
        return FormView(
            title=label,
            intro=Phrase(f"appointments.sure.{verb}"),
            action=self.engine.href(row.number, verb),
            verb=label,
            fields=typed.fields(NothingForm, "appointments"),
            conflict=typed.conflict,
            cancel=self.engine.href(row.number),
            about=[
                FactView(
                    Phrase("appointments.fact.service"),
                    self.engine.words(f"service.{row.service}"),
                ),
                FactView(Phrase("appointments.fact.when"), span(row.starts_at, row.ends_at)),
            ],
        )

    async def card(self, read: Read) -> Card | None:
        """Return the card of a home page: one's next appointment, or who comes today."""
        row = self.engine.row
        if await read.holds(self.declared.serve):
            today = local_day(read.now)
            statement = read.rows(row, col(row.id), permission=self.declared.serve).where(
                col(row.day) == today, col(row.state) == BOOKED
            )
            n = len((await read.session.execute(statement)).all())
            return Card(
                title=self.engine.words("counter"),
                text=Phrase("appointments.card.today", {"n": n}),
                href=self.engine.href("counter"),
                count=n,
            )
        mine = read.rows(row, permission=self.declared.read).where(
            col(row.person_id) == read.actor.person_id,
            col(row.state).in_(AHEAD),
            col(row.ends_at) > read.now,
        )
        found = await read.session.execute(mine.order_by(col(row.starts_at)).limit(1))
        one = found.scalar_one_or_none()
        if one is None:
            return None
        said = {"service": self.engine.words(f"service.{one.service}"), "date": one.starts_at}
        return Card(
            title=self.engine.words("list"),
            text=Phrase(f"appointments.card.{one.state}", said),
            href=self.engine.href(one.number),
        )
