"""What is proposed to a dispatcher: categories and units, each with its reasons, never a choice."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

import msgspec
from sqlmodel import col

from plugin_sdk.ports import Read
from plugin_sdk.views import Phrase
from plugins.hotline import categories
from plugins.hotline.dispatching.alike import Like, like
from plugins.hotline.dispatching.categorizing import DISPATCHED, Categorizer, Known
from plugins.hotline.dispatching.returns import Returned, returns_of
from plugins.hotline.dispatching.rules import (
    Decision,
    Matter,
    RuleDesk,
    decide,
    regions_above,
)
from plugins.hotline.models import Order

RECENT: Final = timedelta(days=90)
LOOKED_AT: Final = 500
"""How many past orders of a category are counted."""
SHOWN: Final = 4
"""How many categories, and how many units, are proposed at most."""


class Proposal(msgspec.Struct, kw_only=True):
    """Something a dispatcher may choose, and why it is proposed."""

    value: str
    label: str
    reasons: list[Phrase]
    warning: Phrase | None = None


class Proposals(msgspec.Struct, frozen=True, kw_only=True):
    """All that is proposed for an order. `model` says what the categories were learnt from, or
    that they were not; `conflict` that rules name different units."""

    categories: list[Proposal]
    units: list[Proposal]
    alike: list[Like]
    returns: list[Returned]
    model: Phrase
    conflict: Phrase | None


class Proposing:
    """Proposals, by rules, by the text, by what was decided before."""

    def __init__(self, rules: RuleDesk, categorizer: Categorizer) -> None:
        self.rules = rules
        self.hub = rules.hub
        self.categorizer = categorizer

    async def of(self, read: Read, order: Order, chosen: str | None) -> Proposals:
        """Return what is proposed for an order; units for the category that is `chosen`."""
        known = await self.categorizer.known(read)
        alike = await like(read, order)
        found = _Found()
        if order.category_code:
            found.add(order.category_code, self._words("asked"))
        if known is not None:
            for one in await self.categorizer.weigh(read, known, order.text):
                said = {"words": "、".join(one.words)}
                found.add(one.category, self._words("text" if one.words else "faint", **said))
        for past in alike:
            if past.category and past.state in DISPATCHED:
                found.add(past.category, self._words("alike", number=past.number))
        leaves = categories.tree()
        proposed = [one for one in found.all(lambda code: code) if one.value in leaves]
        category = chosen or order.category_code or (proposed[0].value if proposed else None)
        returns = await returns_of(read, order.id)
        decision = await self._decision(read, order, category)
        return Proposals(
            categories=proposed,
            units=await self._units(read, decision, category, alike, returns),
            alike=alike,
            returns=returns,
            model=self._model(known),
            conflict=self._conflict(decision),
        )

    async def _decision(self, read: Read, order: Order, category: str | None) -> Decision:
        """Return what the rules say of an order under a category."""
        divisions = {one.id: one for one in await self.rules.regions()}
        matter = Matter(
            category=category,
            regions=regions_above(order.region_id, divisions),
            kind=order.kind,
            urgency=order.urgency,
        )
        return decide(await self.rules.in_force(read), matter)

    async def _units(
        self,
        read: Read,
        decision: Decision,
        category: str | None,
        alike: Sequence[Like],
        returns: Sequence[Returned],
    ) -> list[Proposal]:
        able = {str(unit.id): unit.name for unit in await self.rules.units()}
        found = _Found()
        for rule in decision.rules:
            said = self._words("rule", called=rule.name, basis=rule.basis)
            found.add(str(rule.unit), said)
        for unit, n in await self._before(read, category):
            found.add(str(unit), self._words("before", n=n))
        for past in alike:
            if past.state in DISPATCHED:
                found.add(str(past.organization_id), self._words("alike", number=past.number))
        proposed = [one for one in found.all(lambda unit: able.get(unit, "")) if one.label]
        for one in proposed:
            one.warning = self._returned(one.value, returns)
        proposed.sort(key=lambda one: one.warning is not None)
        return proposed

    async def _before(self, read: Read, category: str | None) -> list[tuple[UUID, int]]:
        """Return which units took the newest orders of a category, and how many each."""
        if category is None:
            return []
        newest = (
            read.rows(Order, col(Order.organization_id), permission="order.read")
            .where(
                col(Order.category_code) == category,
                col(Order.opened_at) > read.now - RECENT,
                col(Order.state).in_(DISPATCHED),
            )
            .order_by(col(Order.opened_at).desc())
            .limit(LOOKED_AT)
        )
        return Counter((await read.session.execute(newest)).scalars()).most_common(3)

    def _returned(self, unit: str, returns: Sequence[Returned]) -> Phrase | None:
        for one in returns:
            if str(one.unit) == unit:
                return self._words("returned", reason=one.reason)
        return None

    def _conflict(self, decision: Decision) -> Phrase | None:
        if not decision.conflict:
            return None
        named = "、".join(f"「{rule.name}」" for rule in decision.rules)
        return self._words("conflict", rules=named)

    def _model(self, known: Known | None) -> Phrase:
        if known is None:
            return Phrase("hotline.dispatching.model.none")
        said = {
            "version": known.version,
            "n": known.examples,
            "level1": f"{100 * known.level1:.1f}%",
            "exact": f"{100 * known.accuracy:.1f}%",
            "baseline": f"{100 * known.baseline:.1f}%",
        }
        return Phrase("hotline.dispatching.model.known", said)

    def _words(self, name: str, **said: object) -> Phrase:
        return Phrase(f"hotline.dispatching.why.{name}", said)


class _Found:
    """Values in the order in which they were first proposed, with every reason."""

    def __init__(self) -> None:
        self._reasons: dict[str, list[Phrase]] = {}

    def add(self, value: str, reason: Phrase) -> None:
        self._reasons.setdefault(value, []).append(reason)

    def all(self, label: Callable[[str], str]) -> list[Proposal]:
        return [
            Proposal(value=value, label=label(value), reasons=reasons[:4])
            for value, reasons in list(self._reasons.items())[:SHOWN]
        ]
