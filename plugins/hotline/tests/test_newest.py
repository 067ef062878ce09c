"""The list of orders is walked unit by unit: in any scope it is all of it, once, in order."""

import random
from typing import Any

import msgspec
import pytest
from sqlmodel import col

from plugin_sdk.cases import queries
from plugin_sdk.cases.queries import Filters
from plugin_sdk.ports import Permit, ScopeKind
from plugins.hotline.desk import desk_of
from plugins.hotline.models import Order

READ = "hotline.order.read"
SCOPES = {
    "own": (ScopeKind.OWN,),
    "unit": (ScopeKind.ORGANIZATION,),
    "named": (ScopeKind.NAMED, ScopeKind.OWN),
    "below": (ScopeKind.SUBTREE,),
    "two": (ScopeKind.NAMED, ScopeKind.ORGANIZATION),
    "all": (ScopeKind.ALL,),
    "none": (),
}


@pytest.fixture
async def filed(hub_app):
    """Forty orders at few instants, passed between units, some of the resident's own."""
    hub, cast = hub_app.hub.apps.hubs["hotline"], await hub_app.actors()
    engine, chance = desk_of(hub).engine, random.Random(9)
    units = [
        cast[name].organization_id for name in ("unit", "unit2", "unit3", "dispatcher", "leader")
    ]
    for n in range(40):
        hub_app.clock.move(minutes=chance.choice((0, 0, 5)))
        origin, holder, filer = chance.choices(units, k=3)
        person = cast["unit"].person_id if n % 7 == 0 else None
        async with hub.work(hub.system("test")) as work:
            about: Any = {"channel": "web", "text": "灯不亮", "title": f"{n}", "person_id": person}
            placed: Any = {"organization_id": holder, "origin": origin, "filer": filer}
            await engine.open(work, term=None, **about, **placed)
    return hub, engine, cast, units


@pytest.mark.parametrize("size", [3, 20])
async def test_pages_of_any_scope_are_all_of_it_in_order(filed, size):
    hub, engine, cast, units = filed
    seen: dict[str, int] = {}
    for name, kinds in SCOPES.items():
        permits = tuple(
            Permit(
                grant=f"g{kind}",
                role="hotline.unit_handler",
                scope=kind,
                organizations=tuple(units[1:3] if kind is ScopeKind.NAMED else ()),
            )
            for kind in kinds
        )
        actor = msgspec.structs.replace(cast["unit"], permits={READ: permits})
        async with hub.read(actor) as read:
            at, id = col(Order.opened_at), col(Order.id)
            every = read.rows(Order, id, permission="order.read").order_by(at.desc(), id.desc())
            whole = list((await read.session.execute(every)).scalars())
            found: list[Any] = []
            cursor: str | None = ""
            while cursor is not None:
                page, cursor = await queries.page(engine, read, Filters(), cursor=cursor, size=size)
                found += [fact.id for fact in page]
        assert found == whole, name
        seen[name] = len(whole)
    assert seen["none"] == 0
    assert 0 < seen["own"] < seen["unit"] < seen["two"] < seen["all"] == 40
