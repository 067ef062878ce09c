"""一键挪车: told and answered, without either side, or anybody, learning who is behind a plate."""

import asyncio
from collections import Counter

from sqlalchemy import select
from sqlmodel import col

from core.delivery.service import KIND as SMS
from core.jobs import OutboxRow
from plugins.traffic.moving_models import MoveRequest
from plugins.traffic.tests.conftest import CAR

PLACE = "富国小区 3 号楼东侧"


async def outbox(town):
    async with town.hub.services.database.transaction() as tx:
        found = await tx.session.execute(select(col(OutboxRow.kind), col(OutboxRow.payload)))
        return [(kind, str(payload)) for kind, payload in found]


async def test_an_owner_is_told_and_nobody_learns_who_is_behind_a_plate(town):
    await town.bind()
    await town.post("/moving/contact", "resident", 200, phone="138 0013 8000")
    asked = await town.post("/moving", "resident2", 201, plate=CAR, place=PLACE)
    number = asked["item"]["number"]
    # a plate that nobody has bound looks the same in every word
    unbound = await town.post("/moving", "resident2", 201, plate="鲁M99999", place=PLACE)
    for one in (asked, unbound):
        for name in ("number", "plate", "href"):
            one["item"].pop(name)
        one.pop("close_href")
    assert asked == unbound
    texts = [payload for kind, payload in await outbox(town) if kind == SMS]
    assert len(texts) == 1
    assert "富国小区" not in texts[0]  # nothing that a stranger wrote goes out by text
    seen = await town.get(f"/moving/{number}", "resident")
    assert [one["verb"] for one in seen["replies"]] == ["coming", "five", "away"]
    await town.get(f"/moving/{number}", "officer", 404)
    await town.post(f"/moving/{number}/answer", "resident2", 404, reply="coming")
    await town.post(f"/moving/{number}/answer", "resident", 200, reply="coming")
    await town.post(f"/moving/{number}/answer", "resident", 409, reply="coming")
    answered = await town.get(f"/moving/{number}", "resident2")
    assert answered["item"]["said"]["key"] == "traffic.moving.reply.coming"
    shown = str(answered) + str(seen)
    assert not [word for word in ("周", "钱", "138", "person") if word in shown]
    await town.post("/moving", "resident2", 409, plate=CAR, place=PLACE)
    town.later(minutes=31)  # it closes by itself
    await town.post(f"/moving/{number}/answer", "resident", 409, reply="away")
    await town.post("/moving", "resident2", 422, plate="X12345", place=PLACE)


async def test_the_limits_hold_also_for_many_at_once(town):
    client = await town.client("resident2")
    plates = [f"鲁M1000{n}" for n in range(9)]
    answers = await asyncio.gather(
        *(
            client.post("/apps/traffic/moving", json={"plate": plate, "place": PLACE})
            for plate in plates
        )
    )
    made = Counter(answer.status_code for answer in answers)
    assert set(made) <= {201, 409}
    assert len(await town.rows(MoveRequest)) == made[201] <= 5
    for plate in ("鲁M20001", "鲁M20002", "鲁M20003", "鲁M20004", "鲁M20005"):
        await client.post("/apps/traffic/moving", json={"plate": plate, "place": PLACE})
    refused = await town.post("/moving", "resident2", 409, plate="鲁M30000", place=PLACE)
    assert refused["type"].endswith("moving-too-often")
    assert len(await town.rows(MoveRequest)) == 5
