"""What a rule would change: which orders of the last days would go elsewhere if it stood."""

from collections import Counter
from datetime import datetime, timedelta
from typing import ClassVar, Final, Literal
from uuid import UUID

import msgspec
from sqlmodel import col

from plugin_sdk.ports import Read
from plugin_sdk.taking import BLANK, Typed
from plugin_sdk.views import FieldView, Phrase, View, Words
from plugins.hotline.dispatching.forms import WhatIfForm
from plugins.hotline.dispatching.rules import (
    Decision,
    Matter,
    Rule,
    RuleDesk,
    decide,
    regions_above,
)
from plugins.hotline.models import Order

DAYS: Final = 90
MOST: Final = 20_000
"""How many of the newest orders are looked at."""
SHOWN: Final = 50


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """An order that would go elsewhere; `now` is who has it."""

    number: str
    title: str
    before: Words
    after: Words
    now: str
    href: str


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """How many orders would go from one unit to another."""

    before: Words
    after: Words
    count: int


class WhatIfView(View, kw_only=True):
    """The rule that is tried, and what it would change."""

    template: ClassVar[str] = "hotline_what_if.html"
    title: Words
    action: str
    list_href: str
    fields: list[FieldView]
    said: Phrase | None = None
    tallies: list[Tally] = msgspec.field(default_factory=list)
    moved: list[Moved] = msgspec.field(default_factory=list)


_Where = UUID | Literal["conflict", "nobody"]


class _Seen(msgspec.Struct, frozen=True):
    number: str
    title: str
    category: str | None
    region: UUID | None
    kind: str | None
    urgency: str
    unit: UUID
    opened_at: datetime


async def what_if_view(
    desk: RuleDesk, read: Read, form: WhatIfForm | None, typed: Typed = BLANK
) -> WhatIfView:
    """Return the page: the form alone, or with what its rule would change."""
    known = None if form is None else form.model_dump(mode="json")
    options = dict(await desk.options(read))
    view = WhatIfView(
        title=Phrase("hotline.dispatching.what_if.title"),
        action=desk.engine.href("what-if"),
        list_href=desk.engine.href(),
        fields=typed.fields(WhatIfForm, desk.engine.prefix, known, options=options),
    )
    if form is not None:
        await _fill(desk, read, form, view)
    return view


async def _fill(desk: RuleDesk, read: Read, form: WhatIfForm, view: WhatIfView) -> None:
    tried = Rule(
        id=None,
        name="",
        category=form.category,
        region=form.region,
        kind=form.kind.value if form.kind else None,
        urgency=form.urgency.value if form.urgency else None,
        unit=form.unit,
    )
    rules = await desk.in_force(read)
    divisions = {one.id: one for one in await desk.regions()}
    seen = await _orders(read)
    moved: list[tuple[_Seen, _Where, _Where]] = []
    for one in seen:
        matter = Matter(
            category=one.category,
            regions=regions_above(one.region, divisions),
            kind=one.kind,
            urgency=one.urgency,
        )
        before, after = decide(rules, matter), decide([*rules, tried], matter)
        if {rule.unit for rule in before.rules} != {rule.unit for rule in after.rules}:
            moved.append((one, _where(before), _where(after)))
    units = {unit for one, *both in moved for unit in (one.unit, *both) if isinstance(unit, UUID)}
    names = await desk.hub.directory.names(list(units))

    def said(where: _Where) -> Words:
        if isinstance(where, UUID):
            return names.get(where, "")
        return Phrase(f"hotline.dispatching.what_if.{where}")

    view.said = Phrase("hotline.dispatching.what_if.said", {"n": len(moved), "of": len(seen)})
    pairs = Counter((before, after) for _, before, after in moved)
    view.tallies = [
        Tally(before=said(before), after=said(after), count=n)
        for (before, after), n in pairs.most_common(20)
    ]
    view.moved = [
        Moved(
            number=one.number,
            title=one.title,
            before=said(before),
            after=said(after),
            now=names.get(one.unit, ""),
            href=desk.orders.engine.href(one.number),
        )
        for one, before, after in moved[:SHOWN]
    ]


def _where(decision: Decision) -> _Where:
    return decision.unit or ("conflict" if decision.conflict else "nobody")


async def _orders(read: Read) -> list[_Seen]:
    names = ("number", "title", "category_code", "region_id", "kind", "urgency", "organization_id")
    statement = read.rows(
        Order,
        *(col(getattr(Order, name)) for name in (*names, "opened_at")),
        permission="order.read",
    ).where(
        col(Order.opened_at) > read.now - timedelta(days=DAYS),
        col(Order.category_code).is_not(None),
    )
    return await read.fetch(statement.order_by(col(Order.opened_at).desc()).limit(MOST), _Seen)
