"""Rules of responsibility (责任规则): who takes which orders, and which rule says so.

The most specific rule holds: first by how deep its category is, then how near its division, then
whether it names the kind, then the urgency. Where two as specific ones name different units, nobody
is proposed: that is a conflict for a person.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

import msgspec
from sqlmodel import col

from plugin_sdk.deadlines import local_day
from plugin_sdk.ports import Organization, Read
from plugin_sdk.registers import RecordForm, Register, RegisterDesk, RegisterEngine
from plugin_sdk.views import Option, Phrase, Words
from plugins.hotline import categories
from plugins.hotline.desk import OrderDesk
from plugins.hotline.dispatching.forms import ResponsibilityForm, WhatIfForm
from plugins.hotline.dispatching.models import Responsibility
from plugins.hotline.forms import Kind, Urgency

READ: Final = "rule.read"
EDIT: Final = "rule.edit"
RULES: Final = Register(
    name="responsibility",
    path="/rules",
    read=READ,
    edit=EDIT,
    form=ResponsibilityForm,
    imports=EDIT,
)
SIGNS: Final = "order.sign"
"""What a unit must be able to do to be responsible for orders."""


class Rule(msgspec.Struct, frozen=True):
    """A rule as decisions read it."""

    id: UUID | None
    name: str
    category: str | None
    region: UUID | None
    kind: str | None
    urgency: str | None
    unit: UUID
    basis: str = ""


class Matter(msgspec.Struct, frozen=True, kw_only=True):
    """What rules look at of an order; `regions` are its division and those above it."""

    category: str | None
    regions: tuple[UUID, ...]
    kind: str | None
    urgency: str


class Decision(msgspec.Struct, frozen=True):
    """The most specific rules that hold for a matter: one, none, or several that name different
    units (`conflict`)."""

    rules: tuple[Rule, ...] = ()

    @property
    def conflict(self) -> bool:
        """Return whether the rules name different units."""
        return len({rule.unit for rule in self.rules}) > 1

    @property
    def unit(self) -> UUID | None:
        """Return the unit that is responsible, None where no rule holds or several do."""
        return None if self.conflict or not self.rules else self.rules[0].unit


def decide(rules: Sequence[Rule], matter: Matter) -> Decision:
    """Return what the rules say of a matter."""
    best: tuple[int, ...] = ()
    found: list[Rule] = []
    for rule in rules:
        depth = specificity(rule, matter)
        if depth is None or depth < best:
            continue
        if depth > best:
            best, found = depth, []
        found.append(rule)
    return Decision(tuple(found))


def specificity(rule: Rule, matter: Matter) -> tuple[int, ...] | None:
    """Return how specific a rule is for a matter, None where it does not hold."""
    depth = 0
    if rule.category is not None:
        if matter.category is None or not f"{matter.category}/".startswith(f"{rule.category}/"):
            return None
        depth = rule.category.count("/") + 1
    near = 0
    if rule.region is not None:
        if rule.region not in matter.regions:
            return None
        near = len(matter.regions) - matter.regions.index(rule.region)
    for asked, given in ((rule.kind, matter.kind), (rule.urgency, matter.urgency)):
        if asked is not None and asked != given:
            return None
    return depth, near, int(rule.kind is not None), int(rule.urgency is not None)


class RuleEngine(RegisterEngine[Responsibility]):
    """The rules; two may name the same matter only with different units."""

    def key(self, owner: UUID, code: str | None, form: RecordForm) -> str:
        """Return what no two rules share: the matter and the unit."""
        said = form.model_dump(mode="json")
        matter = "|".join(said[name] or "" for name in WhatIfForm.model_fields)
        digest = hashlib.sha256(matter.encode())
        return f"shared:{digest.hexdigest()[:60]}"


class RuleDesk(RegisterDesk[Responsibility]):
    """The pages of the rules."""

    hints = frozenset({"category", "region", "kind", "urgency", "unit", "basis", "source"})

    def __init__(self, orders: OrderDesk) -> None:
        super().__init__(RuleEngine(orders.hub, RULES, Responsibility))
        self.orders = orders

    async def units(self) -> list[Organization]:
        """Return the units that can take orders: a closed one cannot."""
        return await self.orders.engine.units_with(SIGNS)

    async def regions(self) -> list[Organization]:
        """Return the divisions."""
        return await self.hub.directory.regions()

    async def options(self, read: Read) -> Mapping[str, list[Option]]:
        """Return the categories of every level, the divisions, kinds, urgencies and units."""
        return {
            "category": [Option(one, one) for one in levels()],
            "region": [Option(str(one.id), one.name) for one in await self.regions()],
            "kind": [Option(one.value, Phrase(f"hotline.order.kind.{one.value}")) for one in Kind],
            "urgency": [
                Option(one.value, Phrase(f"hotline.order.urgency.{one.value}")) for one in Urgency
            ],
            "unit": [Option(str(one.id), one.name) for one in await self.units()],
        }

    async def notes(
        self, read: Read, rows: Sequence[Responsibility]
    ) -> Mapping[UUID, Words | None]:
        """Return whom each rule names and for what; one whose unit takes no orders says so."""
        named = await self.hub.directory.names(
            [one for row in rows for one in (row.unit, row.region) if one]
        )
        able = {unit.id for unit in await self.units()}
        everything = Phrase("hotline.responsibility.everything")
        found: dict[UUID, Words | None] = {}
        for row in rows:
            said = {
                "unit": named.get(row.unit, ""),
                "category": row.category or everything,
                "region": named.get(row.region, "") if row.region else "",
            }
            name = "note" if row.unit in able else "closed"
            found[row.id] = Phrase(f"hotline.responsibility.{name}", said)
        return found

    async def in_force(self, read: Read) -> list[Rule]:
        """Return the rules in force today."""
        row = Responsibility
        columns = [col(getattr(row, name)) for name in Rule.__struct_fields__]
        statement = read.rows(row, *columns, permission=READ).order_by(col(row.code))
        return await read.fetch(statement.where(row.in_force(local_day(read.now))), Rule)


def levels() -> list[str]:
    """Return every category with the levels above it, in the order of the tree."""
    found: dict[str, None] = {}
    for leaf in categories.tree().values():
        for one in (leaf.level1, f"{leaf.level1}/{leaf.level2}", leaf.code):
            found.setdefault(one)
    return list(found)


def regions_above(region: UUID | None, divisions: Mapping[UUID, Organization]) -> tuple[UUID, ...]:
    """Return a division and those above it, the nearest first."""
    found: list[UUID] = []
    while region is not None and region not in found:
        found.append(region)
        known = divisions.get(region)
        region = known.parent_id if known else None
    return tuple(found)
