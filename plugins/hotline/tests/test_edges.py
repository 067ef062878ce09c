"""Every edge of every flow, walked: `state verb state verb state`, as people read a flow. What is
walked is compared with what the flow declares, so that a new edge needs a walk of its own."""

from types import SimpleNamespace
from typing import Any

import pytest

from core.access.grants import grant
from plugin_sdk.ports import ScopeKind
from plugins.hotline.checking.supervising import supervision_flow
from plugins.hotline.coordination.flow import coordination_flow
from plugins.hotline.flow import order_flow
from plugins.hotline.reception.visit_flow import visit_flow
from plugins.hotline.reception.window_flow import matter_flow
from plugins.hotline.tests.conftest import HERE
from plugins.hotline.tests.coordinating import Table, parts_of
from plugins.hotline.tests.walking import (
    WHY,
    Coordinations,
    Matters,
    Orders,
    Parts,
    Supervisions,
    Visits,
)

PHONE = "13800005678"

ANYWHERE = "{0} publicize {0} withhold {0} supervise {0} urge {0}"
"""What may be done to an order in every state until it is answered."""
HANDLED = "dispatched sign signed process processing"

ORDERS = (
    f"{ANYWHERE.format('received')} dispatch {ANYWHERE.format('dispatched')} sign"
    f" {ANYWHERE.format('signed')} extend signed approve-extension signed process"
    f" {ANYWHERE.format('processing')} reply replied publicize replied withhold replied rate"
    " closed publicize closed withhold closed reopen received",
    "received keep-secret received dispatch dispatched keep-secret dispatched sign signed"
    " keep-secret signed process processing keep-secret processing extend processing"
    " approve-extension processing reply replied keep-secret replied close closed keep-secret"
    " closed rate closed",
    "received dispatch dispatched return received answer replied reopen received",
    "received dispatch dispatched sign signed return received",
    f"received dispatch {HANDLED} reply replied take-rating closed",
    f"received dispatch {HANDLED} reply replied close closed take-rating closed",
    f"received follow {ANYWHERE.format('following')} keep-secret following unfollow received",
    "received follow following pass-on replied original-reopened following pass-on replied rate"
    " closed original-reopened following",
    "received follow following overdue following release received",
    f"received coordinate {ANYWHERE.format('coordinating')} keep-secret coordinating resume"
    " received",
)
PARTS = (
    "dispatched redirect dispatched sign signed process processing redirect dispatched",
    "dispatched sign signed redirect dispatched",
)
COORDINATIONS = (
    "convening call-off called_off",
    "convening invite convening convene convened invite-expert convened invite-requester convened"
    " call-off called_off",
    "convening invite convening convene convened confirm convened hold held invite-expert held"
    " call-off called_off",
    "convening invite convening convene convened confirm convened hold held share held propose"
    " proposed call-off called_off",
)
DECIDED = (
    "convening invite convening invite-expert convening invite-requester convening convene"
    " convened invite convened confirm convened send-another convened note convened opine convened"
    " decline convened convene convened confirm convened hold held leave held confirm held"
    " send-another held absent held confirm held note held opine held share held drop held share"
    " held another-chair held propose proposed opine proposed send-back held propose proposed"
    " another-chair proposed sign decided object decided judge decided",
    "decided finish done",
)
SUPERVISIONS = (
    "asked explain explained refuse asked escalate asked explain explained end ended",
    "asked withdraw ended",
)
VISITS = (
    "registered move registered receive promised take-over promised sign-off closed renew promised",
    "registered settle closed",
    "registered absent absent",
    "registered withdraw withdrawn",
)
MATTERS = (
    "registered supervise registered take checking supervise checking state stated supervise"
    " stated ask checking state stated settle closed reopen registered",
    "registered take checking state stated explain closed",
    "registered take checking state stated systemic closed",
)


def edges(walks):
    """Return each edge of walks: its state, the verb, the state after it."""
    steps = [walk.split() for walk in walks]
    return {tuple(way[n : n + 3]) for way in steps for n in range(0, len(way) - 2, 2)}


FLOW: Any = SimpleNamespace(app="hotline", settings={})
DESK: Any = SimpleNamespace(hub=FLOW)
NONE: Any = None


@pytest.mark.parametrize(
    ("flow", "walks"),
    [
        (order_flow(FLOW), (*ORDERS, *PARTS, "coordinating summarize replied")),
        (coordination_flow(FLOW), (*COORDINATIONS, *DECIDED)),
        (supervision_flow(FLOW), SUPERVISIONS),
        (visit_flow(DESK, NONE), VISITS),
        (matter_flow(DESK), MATTERS),
    ],
    ids=lambda value: getattr(value, "name", "walks"),
)
def test_every_edge_of_a_flow_has_its_walk(flow, walks):
    declared = {(s, t.verb, t.target or s) for t in flow.transitions for s in t.sources}
    assert edges(walks) == declared


@pytest.fixture
def table(hub_app):
    """Return the cast at work."""
    return Table(hub_app)


async def test_every_edge_of_an_order(table):
    walker = Orders(table)
    for way in ORDERS:
        await walker.walk(way, (await table.file(phone=PHONE))["number"])


async def test_every_edge_of_a_coordination(table):
    walker = Coordinations(table)
    order = (await table.file())["number"]
    for way in COORDINATIONS:
        walker.invited = ""
        await walker.walk(way, await table.coordinate(order))
        assert (await table.see(order))["state"] == "received"
    walker.invited = ""
    met = await table.coordinate(order)
    await walker.walk(DECIDED[0], met)
    (part,) = (await parts_of(table, met)).values()
    await table.finish(part, "unit2")
    acted = await table.act(order, "summarize", "dispatcher", text="已办好")
    assert acted["state"] == "replied"
    seen = await table.met(met)
    assert (seen["timeline"][0]["verb"], seen["state"]) == ("finish", "done")


async def test_the_parts_of_a_decision_change_hands_however_far_they_are(table):
    parts = Parts(table)
    parts.met = await table.meet()
    await table.decide(parts.met, "unit", "unit2")
    found = await parts_of(table, parts.met)
    for way, unit in zip(PARTS, ("城市管理局", "交通运输局"), strict=True):
        await parts.walk(way, found[unit])


async def test_every_edge_of_a_supervision(table):
    for way in SUPERVISIONS:
        order = (await table.file())["number"]
        await table.begin(order)
        await table.act(order, "supervise", "dispatcher", **WHY)
        items = (await table.get("/supervisions"))["items"]
        (number,) = {one["number"] for one in items if one["state"] == "asked"}
        await Supervisions(table).walk(way, number)


async def test_every_edge_of_a_visit(table):
    checker = await table.hub.actor("checker")
    async with table.hub.services.database.transaction(write=True) as tx:
        await grant(tx, checker.post_id, "hotline.leader", ScopeKind.ORGANIZATION)
    walker = Visits(table)
    for way in VISITS:
        values = {"day": await walker.day(), "text": "停水半年", "phone": PHONE}
        client = await table.client("resident")
        answer = await client.post(f"{HERE}/reception", json=values)
        assert answer.status_code == 201, answer.text
        await walker.walk(way, answer.json()["number"])


async def test_every_edge_of_a_matter(table):
    for way in MATTERS:
        values = {
            "matter": "道路占用许可",
            "unit_id": await table.unit(),
            "counter": "6 号窗口",
            "refused_on": str(table.hub.clock.day()),
            "text": "去了三次",
            "phone": PHONE,
        }
        client = await table.client("resident")
        answer = await client.post(f"{HERE}/window", json=values)
        assert answer.status_code == 201, answer.text
        await Matters(table).walk(way, answer.json()["number"])
