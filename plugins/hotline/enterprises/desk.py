"""The enterprise desk as a whole: its registers, calls and cards, and what their pages show."""

from typing import Any
from uuid import UUID

import msgspec
from sqlmodel import col

from plugin_sdk.deadlines import local_day
from plugin_sdk.ports import Read
from plugin_sdk.registers.views import RecordView
from plugin_sdk.taking import BLANK, Typed
from plugin_sdk.views import ActionView, FactView, FormView, Phrase
from plugins.hotline.desk import OrderDesk
from plugins.hotline.enterprises.calling import Calling
from plugins.hotline.enterprises.cards import Cards
from plugins.hotline.enterprises.forms import WORDS, CallForm, CardForm, shown_phone
from plugins.hotline.enterprises.models import CallPlan, Enterprise, EnterpriseCall
from plugins.hotline.enterprises.registers import EnterpriseDesk, PlanDesk
from plugins.hotline.enterprises.views import (
    AskedItem,
    CallItem,
    CardItem,
    EnterpriseView,
    PlanItem,
    PlanView,
)
from plugins.hotline.models import Order

LATEST = 20
"""Orders and calls of an enterprise on its page; the rest stand in the lists."""


class RecordDesk(EnterpriseDesk):
    """Enterprises, each with all that the desk knows of it on its page."""

    def __init__(self, orders: OrderDesk) -> None:
        regions = orders.organizations()["region"]  # asked once in a while, not for each row
        super().__init__(orders.hub, regions)
        self.orders = orders
        self.plans = PlanDesk(orders.hub, regions)
        self.calling = Calling(orders, self, self.plans)
        self.cards = Cards(self)

    async def record_view(self, read: Read, row: Enterprise) -> RecordView:
        """Return an enterprise with its orders, calls and cards."""
        view = await super().record_view(read, row)
        fields = {name: getattr(view, name) for name in RecordView.__struct_fields__}
        today = local_day(read.now)
        offered: list[ActionView] = []
        if await self.looked_after(read, row) is not None:
            offered = [
                self._action(row.id, verb, primary=verb == "call") for verb in ("call", "card")
            ]
            view.actions = [msgspec.structs.replace(one, primary=False) for one in view.actions]
        fields["actions"] = [*offered, *view.actions]
        return EnterpriseView(
            **fields,
            orders=await self._orders(read, row.id),
            calls=await self._calls(read, row),
            cards=[
                CardItem(
                    code=card.code,
                    title=card.title,
                    valid_until=card.valid_until,
                    state=(standing := self.cards.standing(card, today)),
                    state_label=Phrase(f"{WORDS}.card.state.{standing}"),
                    href=self.cards.href(card),
                )
                for card in await self.cards.of(read, row)
            ],
        )

    def _action(self, id: UUID, verb: str, *, primary: bool = False) -> ActionView:
        at = {"call": "call", "card": "cards"}[verb]
        return ActionView(
            verb=verb,
            label=Phrase(f"{WORDS}.act.{verb}"),
            href=self.engine.href(id, at),
            primary=primary,
        )

    async def _orders(self, read: Read, id: UUID) -> list[AskedItem]:
        names = ("number", "title", "kind", "state", "opened_at", "reply")
        columns = [col(getattr(Order, name)) for name in names]
        statement = read.rows(Order, *columns, permission="order.read").where(
            col(Order.enterprise_id) == id, col(Order.secret).is_(False)
        )
        newest = statement.order_by(col(Order.opened_at).desc(), col(Order.id).desc())
        desk = self.orders
        return [
            AskedItem(
                number=number,
                title=title,
                kind=desk.kind_words(kind) or desk.engine.words("unclassified"),
                state=state,
                state_label=desk.engine.words(f"state.{state}"),
                opened_at=opened_at,
                reply=reply or "",
                href=desk.engine.href(number),
            )
            for number, title, kind, state, opened_at, reply in await read.session.execute(
                newest.limit(LATEST)
            )
        ]

    async def _calls(self, read: Read, row: Enterprise) -> list[CallItem]:
        """Return the newest calls, each with its order as far as that is in scope and of no
        secret caller."""
        calls = await self.calling.calls(read, [row.id], most=LATEST)
        asked = [one.order_number for one in calls if one.order_number]
        statement = read.rows(Order, col(Order.number), permission="order.read").where(
            col(Order.number).in_(asked), col(Order.secret).is_(False)
        )
        shown = set((await read.session.execute(statement)).scalars()) if asked else set()
        return [self._call(one, shown) for one in calls]

    def _call(self, call: EnterpriseCall, shown: set[str]) -> CallItem:
        number = call.order_number if call.order_number in shown else None
        return CallItem(
            outcome=call.outcome,
            outcome_label=Phrase(f"{WORDS}.outcome.{call.outcome}"),
            at=call.at,
            role=call.role,
            note=call.note,
            order_number=number,
            order_href=self.orders.engine.href(number) if number else None,
        )

    async def call_view(
        self, read: Read, id: UUID, typed: Typed, plan_id: UUID | None = None
    ) -> FormView:
        """Return the form of a call, with what the plan asks. Raises `NotFound`."""
        row = await self.engine.find(read, id)
        plan = await self.plans.engine.find(read, plan_id) if plan_id else None
        action = self.engine.href(id, "call")
        if plan is not None:
            action = self.plans.engine.href(plan.id, f"calls/{id}")
        said = {
            "name": row.name,
            "contact": row.contact,
            "phone": shown_phone(row.contact_phone),
        }
        script = Phrase(f"{WORDS}.field.script")
        return FormView(
            title=Phrase(f"{WORDS}.act.call"),
            intro=Phrase(f"{WORDS}.call.intro", said),
            action=action,
            verb=Phrase(f"{WORDS}.call.verb"),
            fields=typed.fields(CallForm, WORDS, hints=frozenset({"need"})),
            conflict=typed.conflict,
            cancel=self.plans.engine.href(plan.id, "calls") if plan else self.engine.href(id),
            about=[FactView(script, plan.script)] if plan else [],
        )

    async def card_form(self, read: Read, id: UUID, typed: Typed = BLANK) -> FormView:
        """Return the form of a card. Raises `NotFound`."""
        row = await self.engine.find(read, id)
        return FormView(
            title=Phrase(f"{WORDS}.act.card"),
            action=self.engine.href(id, "cards"),
            verb=Phrase(f"{WORDS}.card.verb"),
            fields=typed.fields(CardForm, f"{WORDS}.card"),
            conflict=typed.conflict,
            cancel=self.engine.href(id),
            about=[FactView(Phrase(f"{WORDS}.field.name"), row.name)],
        )

    async def plan_view(self, read: Read, plan: CallPlan, *, mine: bool, after: str) -> PlanView:
        """Return the calls of a plan: the actor's own, or all."""
        found, following = await self.calling.asked(read, plan, mine=mine, after=after)
        calls = await self.calling.calls(read, [row.id for row in found], plan.id)
        newest: dict[UUID, EnterpriseCall] = {}
        for call in calls:
            first = newest.setdefault(call.enterprise_id, call)
            if call.claim is not None and first.claim is None:
                newest[call.enterprise_id] = call
        progress = await self.calling.progress(read, plan)
        over = not plan.valid_on(local_day(read.now))
        own = await self.specialists.own(read)
        here = self.plans.engine.href(plan.id, "calls")
        which = "" if mine else "all=1&"
        return PlanView(
            title=plan.name,
            over=over,
            until=plan.ends_on,
            script=plan.script,
            asked=progress.asked,
            reached=progress.reached,
            items=[
                self._plan_item(
                    row,
                    newest.get(row.id),
                    None
                    if over or own is None or own.code not in (row.specialist, row.deputy)
                    else f"{here}/{row.id}",
                )
                for row in found
            ],
            mine=mine,
            other_href=f"{here}?all=1" if mine else here,
            next_href=f"{here}?{which}after={following}" if following else None,
            plan_href=self.plans.engine.href(plan.id),
        )

    def _plan_item(
        self, row: Enterprise, call: EnterpriseCall | None, call_href: str | None
    ) -> PlanItem:
        reached = call is not None and call.claim is not None
        said: Any = Phrase(f"{WORDS}.calls.open")
        if call is not None:
            said = Phrase(f"{WORDS}.outcome.{call.outcome}")
        return PlanItem(
            code=row.code,
            name=row.name,
            contact=row.contact,
            phone=shown_phone(row.contact_phone),
            reached=reached,
            said=said,
            href=self.engine.href(row.id),
            call_href=None if reached else call_href,
        )
