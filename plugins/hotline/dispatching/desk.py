"""The dispatcher's desk: what waits, in order, and one order at a time beside it."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final
from urllib.parse import urlencode

import msgspec
from sqlalchemy import func
from sqlmodel import col

from plugin_sdk.cases.queries import CaseFacts, columns_of
from plugin_sdk.ports import Read
from plugin_sdk.problems import NotFound
from plugin_sdk.taking import BLANK, Typed
from plugin_sdk.views import (
    ActionView,
    AttachmentView,
    CaseItem,
    DeadlineView,
    FactView,
    FieldView,
    Phrase,
    View,
    Words,
)
from plugins.hotline.desk import OrderDesk
from plugins.hotline.dispatching.alike import Like
from plugins.hotline.dispatching.categorizing import Categorizer
from plugins.hotline.dispatching.proposals import Proposal, Proposing
from plugins.hotline.dispatching.returns import from_hand_to_hand
from plugins.hotline.dispatching.rules import EDIT as EDIT_RULES
from plugins.hotline.dispatching.rules import READ as READ_RULES
from plugins.hotline.dispatching.rules import RuleDesk
from plugins.hotline.forms import DispatchForm
from plugins.hotline.lines.register import READ as READ_LINES
from plugins.hotline.models import Order
from plugins.hotline.open311.publishing import MODERATE

DISPATCH: Final = "order.dispatch"
QUEUED: Final = 30
"""How many orders of the queue are shown."""
ASKED: Final = ("category", "unit", "reason", "due_on")
"""The fields of the form, in the order in which a dispatcher decides."""
LINKS: Final = (
    ("/rules", "responsibility.list", READ_RULES),
    ("/rules/what-if", "dispatching.what_if.title", EDIT_RULES),
    ("/lines", "line.list", READ_LINES),
    ("/publishing", "publishing.title", MODERATE),
)
"""The other pages of who dispatches: where, what they are called, who may see them."""
Coordinate = Callable[[str], str]
"""Returns the address where an order, by its number, is taken to coordination."""


class ProposedView(msgspec.Struct, frozen=True, kw_only=True):
    """A proposal: taking it fills in its field, and no more. `key` is its shortcut, `href` the desk
    with it filled in: a form that is sent there keeps what was typed."""

    label: str
    reasons: list[Phrase]
    warning: Phrase | None
    href: str
    key: str
    taken: bool


class LikeView(msgspec.Struct, frozen=True, kw_only=True):
    """An order that this one may repeat."""

    number: str
    title: str
    state_label: Words
    reasons: list[Phrase]
    href: str
    may_follow: bool


class ReturnedView(msgspec.Struct, frozen=True, kw_only=True):
    """A unit that returned the order, and why."""

    unit: str
    said: Phrase


class AtHand(msgspec.Struct, kw_only=True):
    """The order that is looked at. Without `fields` it can no longer be dispatched."""

    number: str
    title: str
    version: int
    state_label: Words
    deadline: DeadlineView
    href: str
    summary: list[FactView]
    attachments: list[AttachmentView]
    action: str
    follow_action: str
    fields: list[FieldView]
    categories: list[ProposedView] = []
    units: list[ProposedView] = []
    alike: list[LikeView] = []
    returns: list[ReturnedView] = []
    ping_pong: Phrase | None = None
    coordinate: ActionView | None = None
    model: Phrase | None = None
    rules_conflict: Phrase | None = None


class DispatchView(View, kw_only=True):
    """The desk."""

    template: ClassVar[str] = "hotline_dispatch.html"
    title: Words
    waiting: int
    items: list[CaseItem]
    order: AtHand | None
    next_href: str | None
    links: list[ActionView]
    conflict: Words | None = None
    filled: str = ""


class DispatchDesk:
    """What a dispatcher sees; what is done there the engine of orders does."""

    def __init__(self, orders: OrderDesk, coordinate: Coordinate | None = None) -> None:
        self.orders = orders
        self.engine = orders.engine
        self.hub = orders.hub
        self.rules = RuleDesk(orders)
        self.categorizer = Categorizer(self.hub)
        self.proposing = Proposing(self.rules, self.categorizer)
        self.coordinate = coordinate
        self.here = f"/apps/{self.hub.app}/dispatch"

    async def queue(self, read: Read) -> list[CaseFacts]:
        """Return what waits for the actor's unit: what is due first, then what is urgent, then
        what came first."""
        statement = read.rows(Order, *columns_of(Order, "kind"), permission=DISPATCH)
        due_at = col(Order.due_at).asc().nulls_last()  # as its index has it
        order = (due_at, col(Order.urgency) != "urgent", col(Order.opened_at), col(Order.id))
        statement = self._waiting(statement, read).order_by(*order)
        return await read.fetch(statement.limit(QUEUED), CaseFacts)

    async def waiting(self, read: Read) -> int:
        """Return how many orders wait."""
        statement = self._waiting(read.rows(Order, func.count(), permission=DISPATCH), read)
        return int((await read.session.execute(statement)).scalar_one())

    def _waiting(self, statement: Any, read: Read) -> Any:
        return statement.where(
            col(Order.state) == "received",
            col(Order.organization_id) == read.actor.organization_id,
        )

    async def view(
        self,
        read: Read,
        number: str | None,
        typed: Typed = BLANK,
        filled: str = "",
    ) -> DispatchView:
        """Return the desk with an order (the first that waits) and what was typed; `filled` is the
        field that was just filled in from a proposal. Raises `NotFound` for an order out of
        sight."""
        queue = await self.queue(read)
        numbers = [one.number for one in queue]
        if number is None:
            number = numbers[0] if numbers else None
        at_hand = None if number is None else await self._at_hand(read, number, typed)
        following = [one for one in numbers if one != number]
        if number in numbers:
            at = numbers.index(number)
            following = numbers[at + 1 :] + numbers[:at]
        items = await self.orders.items(read, queue)
        for item in items:
            item.href = f"{self.here}/{item.number}"
        return DispatchView(
            title=Phrase("hotline.dispatching.title"),
            waiting=await self.waiting(read),
            items=items,
            order=at_hand,
            next_href=f"{self.here}/{following[0]}" if following else None,
            links=[
                link
                for path, words, permission in LINKS
                for link in await self.orders.link(
                    read, path, Phrase(f"hotline.{words}"), permission
                )
            ],
            conflict=typed.conflict or _beside_fields(typed),
            filled=filled,
        )

    async def _at_hand(self, read: Read, number: str, typed: Typed) -> AtHand:
        row = await self.engine.find(read, number)
        if not await read.holds(DISPATCH, row):
            raise NotFound
        transition = self.engine.flow.find(row.state, "dispatch")
        possible = transition is not None and await self.engine.may(read, row, transition)
        here = f"{self.here}/{number}"
        found = AtHand(
            number=number,
            title=row.title,
            version=row.version,
            state_label=self.engine.words(f"state.{row.state}"),
            deadline=self.orders.deadline(row, read.now),
            href=self.engine.href(number),
            summary=await self.orders.summary(read, row),
            attachments=await self.orders.attachments(read, row),
            action=here,
            follow_action=f"{here}/follow",
            fields=[],
        )
        if transition is not None and possible:
            values = {**self.orders.known(row), **typed.values}
            await self._offer(read, row, values, found)
            options = await self.orders.options(read, DispatchForm, transition)
            fields = msgspec.structs.replace(typed, values=values).fields(
                DispatchForm, self.engine.prefix, options=options, hints=self.orders.hints
            )
            shown = [field for field in fields if field.name in ASKED]
            found.fields = sorted(shown, key=lambda field: ASKED.index(field.name))
        return found

    async def _offer(
        self, read: Read, row: Order, values: Mapping[str, Any], found: AtHand
    ) -> None:
        chosen = {name: str(values.get(name) or "") for name in ("category", "unit")}
        proposed = await self.proposing.of(read, row, chosen["category"] or None)
        found.categories = self._proposed(found.action, "category", proposed.categories, chosen, 1)
        found.units = self._proposed(found.action, "unit", proposed.units, chosen, 5)
        found.alike = [self._like(one) for one in proposed.alike]
        found.model = proposed.model
        found.rules_conflict = proposed.conflict
        names = await self.hub.directory.names([one.unit for one in proposed.returns])
        found.returns = [
            ReturnedView(
                unit=names.get(one.unit, ""),
                said=Phrase(
                    "hotline.dispatching.returned.why",
                    {"reason": one.reason, "basis": one.legal_basis},
                ),
            )
            for one in proposed.returns
        ]
        if from_hand_to_hand(proposed.returns):
            units = "、".join(dict.fromkeys(one.unit for one in found.returns))
            found.ping_pong = Phrase("hotline.dispatching.returned.ping_pong", {"units": units})
            if self.coordinate is not None:
                found.coordinate = ActionView(
                    verb="coordinate",
                    label=Phrase("hotline.dispatching.returned.coordinate"),
                    href=self.coordinate(row.number),
                )

    def _proposed(
        self,
        here: str,
        name: str,
        proposals: list[Proposal],
        chosen: Mapping[str, str],
        first: int,
    ) -> list[ProposedView]:
        return [
            ProposedView(
                label=one.label,
                reasons=one.reasons,
                warning=one.warning,
                href=f"{here}?{urlencode({**_given(chosen), name: one.value})}",
                key=str(first + at),
                taken=chosen[name] == one.value,
            )
            for at, one in enumerate(proposals)
        ]

    def _like(self, one: Like) -> LikeView:
        return LikeView(
            number=one.number,
            title=one.title,
            state_label=self.engine.words(f"state.{one.state}"),
            reasons=list(one.reasons),
            href=self.engine.href(one.number),
            may_follow=one.may_follow,
        )


def _beside_fields(typed: Typed) -> Phrase | None:
    """Return what is wrong with something that the form does not show: the order to follow."""
    return next((error.message for error in typed.errors if error.field not in ASKED), None)


def _given(chosen: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in chosen.items() if value}
