"""Two hundred at once, on one thing and on many: openings of payments, notices of them, and
transitions of cases leave exact counts."""

import asyncio
from collections import Counter
from datetime import timedelta

import msgspec
import pytest
from sqlmodel import col

from plugin_sdk.cases.forms import ReplyForm
from plugin_sdk.data import new_id
from plugin_sdk.deadlines import Term
from plugin_sdk.problems import Conflict
from plugins.traffic.desk import desk_of
from plugins.traffic.models import Handling, Objection, ObjectionEntry
from plugins.traffic.tests.paying import Till

MANY = 200


@pytest.fixture
async def till(hub_app):
    return Till(hub_app, await hub_app.actors())


async def test_two_hundred_openings_and_notices_of_one_fine_and_of_many(till):
    payer = msgspec.structs.replace(till.actors["resident"], permission="traffic.payment.pay")
    others = [msgspec.structs.replace(payer, person_id=new_id()) for _ in range(MANY // 2)]

    async def press(by):
        try:
            async with till.engine.hub.work(by) as work:
                row = await till.engine.open(
                    work, subject="violation:one", title="闯红灯", lines={"fine": 20000}
                )
                return row.id
        except Conflict as refusal:
            return refusal.code

    pressed = await asyncio.gather(*(press(by) for by in [payer, *others] + [payer] * 99))
    kept = [one for one in pressed if not isinstance(one, str)]
    # whoever comes first owes it alone: their own presses find the one payment, all others none;
    # two that wrote in the same moment are told to send it again
    assert len(set(kept)) == 1
    refused = {one for one in pressed if isinstance(one, str)}
    assert refused <= {"payments.others", "written-meanwhile"}, refused
    (one,) = await till.rows("payment")
    assert (one.state, one.amount) == ("open", 20000)

    opened = await asyncio.gather(*(till.open(f"violation:{n}", fine=100 + n) for n in range(MANY)))
    assert len({row.number for row in opened}) == MANY
    said = [till.movement(row) for row in opened]
    taken = await asyncio.gather(*(till.engine.take_alone(m, "notice") for m in said * 2))
    assert Counter(taken) == {True: MANY, False: MANY}, "each of them twice, and once news"
    rows = {row.subject: row for row in await till.rows("payment")}
    assert Counter(row.state for row in rows.values()) == {"paid": MANY, "open": 1}
    came = await till.rows("transaction")
    assert len(came) == MANY
    assert sum(row.amount for row in came) == sum(100 + n for n in range(MANY))
    assert await till.rows("refund") == []


async def test_two_hundred_transitions_of_one_case_and_of_many(hub_app):
    hub = hub_app.hub.apps.hubs["traffic"]
    engine = desk_of(hub).objections.engine
    cast = await hub_app.actors()
    unit = await engine.receiver(hub.system("unit"))
    filer = cast["resident"]

    async def filed(n):
        async with hub.work(
            msgspec.structs.replace(filer, permission="traffic.objection.file")
        ) as work:
            facts = {
                "plate": "鲁M8D136",
                "happened_at": work.now - timedelta(days=3),
                "place": "富国路",
                "what": "违反规定停放",
                "points": 0,
                "fine": 10000,
            }
            owner = {"organization_id": unit, "person_id": filer.person_id}
            await work.add(
                Handling(**owner, **facts, number=f"T{n}", state="objected", changed_at=work.now),
                placed=True,
            )
            row = await engine.open(
                work,
                **owner,
                title=f"异议 {n}",
                violation=f"T{n}",
                text="请核对照片。",
                term=Term(working_days=5),
                **facts,
            )
            return row.id

    async def act(id, verb, by):
        form = ReplyForm(version=1, text="已核对。")
        permission = f"traffic.objection.{verb}"
        try:
            async with hub.work(msgspec.structs.replace(by, permission=permission)) as work:
                return (await engine.act(work, id, verb, form)).state
        except Conflict as refusal:
            return refusal.code

    ids = await asyncio.gather(*(filed(n) for n in range(MANY)))
    one, *rest = ids
    officers = [cast["officer"], cast["officer2"]]
    verbs = ("cancel", "uphold")
    raced = Counter(
        await asyncio.gather(*(act(one, verbs[n % 2], officers[n // 2 % 2]) for n in range(MANY)))
    )
    assert raced["cancelled"] + raced["upheld"] == 1, raced
    acted = await asyncio.gather(
        *(act(id, verbs[n % 2], officers[n // 2 % 2]) for n, id in enumerate(rest))
    )
    assert Counter(acted) == {"upheld": 99, "cancelled": 100}

    async def counted(column):
        async with hub.read(hub.system("test")) as read:
            found = await read.session.execute(read.rows(column.class_, column))
            return Counter(found.scalars())

    states = await counted(col(Objection.state))
    assert states == await counted(col(Handling.state))
    assert sum(states.values()) == MANY
    assert min(states["upheld"], states["cancelled"]) >= 99
    assert await counted(col(ObjectionEntry.verb)) == {
        "file": MANY,
        "cancel": states["cancelled"],
        "uphold": states["upheld"],
    }
