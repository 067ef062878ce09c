"""The desk of visits: how people register, and what is shown of a visit."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func
from sqlmodel import col

from plugin_sdk.cases.desk import CaseDesk, Way
from plugin_sdk.cases.flow import Transition
from plugin_sdk.cases.rules import is_requester
from plugin_sdk.cases.titles import title_of
from plugin_sdk.forms import Form, Submission
from plugin_sdk.identifiers import mask_name, mask_phone
from plugin_sdk.ports import Hub, Read, Work
from plugin_sdk.problems import AppConflict
from plugin_sdk.taking import BLANK, Typed
from plugin_sdk.views import ActionView, FactView, FormView, Option, Phrase
from plugins.hotline.desk import OrderDesk, desk_of
from plugins.hotline.models import Order
from plugins.hotline.reception.days import WORDS, DayEngine, day_options
from plugins.hotline.reception.forms import CallerVisitForm, VisitForm
from plugins.hotline.reception.models import Visit
from plugins.hotline.reception.visit_flow import VisitEngine


class VisitDesk(CaseDesk[Visit]):
    """Visits to receptions."""

    form = VisitForm
    hints = frozenset({"text", "due_on", "promise"})
    engine: VisitEngine

    def __init__(self, orders: OrderDesk) -> None:
        self.orders = orders
        self.days = DayEngine(orders.hub)
        super().__init__(VisitEngine(orders, self.days))

    async def file(self, work: Work, sent: Submission[VisitForm]) -> Visit:
        """Register the actor. Raises `Invalid`, and `AppConflict` for who has a place that day."""
        actor = work.actor
        day = await self.days.take_place(work, sent.form.day)
        twice = work.rows(Visit, func.count(), permission=self.flow.read).where(
            col(Visit.day_id) == day.id,
            col(Visit.person_id) == actor.person_id,
            col(Visit.state) == "registered",
        )
        if (await work.session.execute(twice)).scalar_one():
            raise AppConflict(self.hub.app, "reception-twice")
        return await self._open(work, sent.form, day, actor.person_id, actor.name)

    async def file_for(self, work: Work, sent: Submission[CallerVisitForm]) -> Visit:
        """Register somebody who calls."""
        day = await self.days.take_place(work, sent.form.day)
        return await self._open(work, sent.form, day, None, sent.form.caller_name)

    async def _open(
        self, work: Work, form: VisitForm, day: Any, person_id: Any, name: str
    ) -> Visit:
        return await self.engine.open(
            work,
            title=title_of(form.text),
            organization_id=day.organization_id,
            person_id=person_id,
            term=None,
            day_id=day.id,
            day_on=day.ends_on,
            leader=day.leader,
            text=form.text,
            caller_name=name,
            caller_phone=form.phone,
        )

    async def options(
        self, read: Read, form: type[Form], transition: Transition | None
    ) -> dict[str, list[Option]]:
        """Return the days that have a place left."""
        found = await super().options(read, form, transition)
        if "day" in form.model_fields:
            found["day"] = await day_options(read, self.days)
        return found

    async def new_view(self, read: Read, way: Way, typed: Typed = BLANK) -> FormView:
        """Return the form; it says so where there is no day to come to."""
        view = await super().new_view(read, way, typed)
        if not any(field.options for field in view.fields if field.name == "day"):
            view.intro = Phrase(f"{WORDS}.no_days")
        return view

    async def summary(self, read: Read, row: Visit) -> list[FactView]:
        """Return what the visit is about; who comes is masked."""
        own = is_requester(read.actor, row)
        promised: Any = ""
        if (number := await self._promised(read, row)) is not None:
            promised = Phrase(f"{WORDS}.promised", {"number": number, "post": row.sponsor})
        return [
            FactView(self.engine.words("field.day_on"), row.day_on),
            *self.facts(
                leader=row.leader,
                text=row.text,
                caller_name=row.caller_name if own else mask_name(row.caller_name),
                phone=mask_phone(row.caller_phone),
                minutes=row.minutes or "",
                order=promised,
            ),
        ]

    async def actions(self, read: Read, row: Visit) -> list[ActionView]:
        """Return what may be done, and the way to the order that was promised."""
        found = await super().actions(read, row)
        number = await self._promised(read, row)
        if number is not None and await read.holds("order.read"):
            href = self.orders.engine.href(number)
            found.append(ActionView(verb="order", label=self.engine.words("see_order"), href=href))
        return found

    async def _promised(self, read: Read, row: Visit) -> str | None:
        """Return the number of the order that was promised; whose caller is kept secret since,
        theirs alone."""
        if row.order_id is None or is_requester(read.actor, row):
            return row.order_number
        statement = read.rows(Order, col(Order.secret), permission=self.flow.read)
        found = await read.session.execute(statement.where(col(Order.id) == row.order_id))
        return row.order_number if found.scalar_one_or_none() is False else None

    def revealed(self, row: Visit) -> list[FactView]:
        """Return who comes."""
        words = self.engine.words
        return [
            FactView(words("field.caller_name"), row.caller_name or None),
            FactView(words("field.phone"), row.caller_phone or None),
        ]

    def known(self, row: Visit) -> Mapping[str, Any]:
        """Return the matter as it was registered: what is promised begins with it."""
        return {"promise": row.text}


def visit_desk(hub: Hub) -> VisitDesk:
    """Return the desk of a hub's visits."""
    return hub.once(_desk)


def _desk(hub: Hub) -> VisitDesk:
    return VisitDesk(desk_of(hub))
