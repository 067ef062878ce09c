"""The old app of the traffic police is taken over: everything once, nothing by half, and both sides
say the same of it."""

from collections import Counter
from datetime import timedelta

import pytest
from rich.console import Console

from core.identity.models import LegacyUser
from plugin_sdk.payments.minding import reconcile
from plugin_sdk.tallies import tally_of_file
from plugins.traffic.desk_models import Imported
from plugins.traffic.models import Handling, Objection, ObjectionEntry, OwnLicence, OwnVehicle
from plugins.traffic.payments_models import Payment, PaymentRefund, PaymentTransaction
from plugins.traffic.tests.conftest import CAR, LICENCE
from plugins.traffic.tests.paying import Till
from portal.imports import run_import

OLD = "police-app"
FACTS = "违法编号,号牌号码,违法时间,违法地点,违法行为,记分,罚款金额"
RED = "370000000001,鲁M8D136,2026-08-01 08:10:00,富国路,闯红灯,6,200"
PARKED = "370000000002,鲁M8D136,2026-08-02 09:00:00,金海五路,违反规定停放,0,100"
SLOW = "370000000003,鲁M8D136,2026-08-03 10:00:00,银河三路,不按规定使用灯光,1,50"
WRONG = "370000000007,鲁M8D136,2026-08-03 10:00:00,黄升路,逆行,3,200"
FILES = {
    "vehicles": f"""用户编号,号牌号码,绑定时间
u1,{CAR},2024-05-01 08:00:00
u1,齐M12345,2024-05-01 08:00:00
nobody,鲁M5H207,2024-05-01 08:00:00
u2,鲁M5H207,2024-05-02 08:00:00
u2,{CAR},2024-05-02 08:00:00
""",
    "licences": f"""用户编号,档案编号,绑定时间
u1,{LICENCE},2024-05-01 08:05:00
u1,371600999999,2024-05-01 08:06:00
""",
    "violations": f"""用户编号,{FACTS},处理时间
u1,{RED},2026-08-05
u1,{PARKED},2026-08-06 10:00:00
u1,{SLOW},2026-08-07 10:00:00
u1,370000000004,鲁M8D136,2026-08-03,银河三路,不按规定使用灯光,2,50,2026-08-07
u1,370000000005,鲁M8D136,2026-08-03,银河三路,不按规定使用灯光,1,五十,2026-08-07
u1,370000000006,鲁M8D136,2026-08-03,银河三路,不按规定使用灯光,1,50,2026-08-02
""",
    "payments": """用户编号,缴款编号,违法编号,缴款金额,流水号,缴款时间,状态,退款时间
u1,P1,370000000001,206.00,W1,2026-08-31 09:00:00,已缴,
u1,P2,370000000002,100,W2,2026-08-06 11:00:00,已退,2026-08-31 09:00:00
u1,P3,370000000009,100,W3,2026-08-06 11:00:00,已缴,
u1,P4,370000000003,10,W4,2026-08-07 11:00:00,已缴,
u1,P5,370000000001,200,W5,2026-08-07 11:00:00,已缴,
u1,P6,370000000003,50,W6,2026-08-07 11:00:00,在途,
""",
    "objections": f"""用户编号,异议编号,{FACTS},异议理由,申请时间,审核结果,审核意见,审核时间
u1,Y1,{PARKED},有停车泊位标线,2026-08-06 12:00:00,撤销,标线属实,2026-08-10 09:00:00
u1,Y2,{SLOW},当时灯亮着,2026-08-08 12:00:00,,,
u1,Y3,{RED},按手势通行,2026-08-06 12:00:00,撤销,属实,2026-08-10 09:00:00
u1,Y4,{WRONG},路口没有标志,2026-08-04,维持,标志清楚,2026-08-05
""",
}
REFUSED = {
    "vehicles": ["traffic.wrong.plate-region", "user-unknown", "number-unseen", "number-unseen"],
    "licences": ["licence-bound"],
    "violations": ["import.choice-unknown", "sum", "too-early"],
    "payments": ["violation-missing", "sum-differs", "paid-already", "import.choice-unknown"],
    "objections": ["not-returned"],
}


@pytest.fixture
async def office(town, tmp_path):
    """Return what brings in the files; the people of the old app are known, and the first of them
    has shown their card."""
    cast = await town.hub.actors()
    async with town.hub.services.database.transaction(write=True) as tx:
        for id, role in (("u1", "resident"), ("u2", "resident2")):
            person = cast[role].person_id
            values = {"system": OLD, "legacy_id": id, "person_id": person}
            tx.session.add(LegacyUser(**values, created_at=tx.now))
    await town.prove("resident")

    async def bring_in(kind, text="", **how):
        path = tmp_path / f"{kind}.csv"
        path.write_text(text or FILES[kind], encoding="gb18030")
        report = tmp_path / "report.csv"
        counts = await run_import(town.hub.hub, "traffic", path, report, Console(), of=OLD, **how)
        lines = report.read_text("utf-8-sig").splitlines()[1:]
        codes = [line.rpartition(",")[2].removeprefix("traffic.import.") for line in lines]
        return (counts.added, counts.present), codes

    return bring_in


async def state(town):
    """Return all that was taken over, to compare."""
    found: Counter[str] = Counter()
    models = (Imported, OwnVehicle, OwnLicence, Handling, Payment, PaymentTransaction)
    for model in (*models, PaymentRefund, Objection, ObjectionEntry):
        found[model.__tablename__] = len(await town.rows(model))
    handled = {row.number[-1]: row.state for row in await town.rows(Handling)}
    return found, handled


async def test_an_old_app_is_taken_over_once_and_whole(town, office, tmp_path):
    added = {"vehicles": 1, "licences": 1, "violations": 3, "payments": 2, "objections": 3}
    for kind, n in added.items():
        before = await state(town)
        tried = await office(kind, dry_run=True)
        assert await state(town) == before, "a trial keeps nothing"
        if kind not in ("licences", "payments"):  # a row is refused for another of the file
            assert tried == ((n, 0), REFUSED[kind]), kind
        assert await office(kind) == ((n, 0), REFUSED[kind]), kind
    kept = await state(town)
    assert kept[1] == {"1": "paid", "2": "cancelled", "3": "objected", "7": "upheld"}
    for kind, n in added.items():
        assert await office(kind) == ((0, n), REFUSED[kind]), kind
    assert await state(town) == kept, "a second run adds nothing"

    # people find it as if it had always been here
    mine = await town.get("/mine")
    assert [vehicle["plate"] for vehicle in mine["vehicles"]] == ["鲁M·8D136"]
    assert (await town.get("/payments/LP1/receipt"))["lines"][1]["amount"]["fen"] == 600
    assert (await town.get("/payments/LP2/receipt"))["note"]["key"].endswith("refunded")
    seen = await town.get("/objections/LY2", "officer")
    assert [action["verb"] for action in seen["actions"]][:2] == ["cancel", "uphold"]
    assert len((await town.get("/objections/LY1"))["timeline"]) == 2
    await town.get("/objections/LY1", "resident2", 404)
    await town.act("LY2", "uphold", "officer", text="照片显示没有开灯。")
    assert (await state(town))[1]["3"] == "accepted"

    # no statement of this provider has the money of another
    till = Till(town.hub, await town.hub.actors())
    for back in range(3):
        await reconcile(till.engine, town.hub.clock().date() - timedelta(days=back))
    assert await till.rows("finding") == []

    # and both sides say the same of it
    hub = town.hub.hub
    told = await hub.apps.hooks.call_async(
        "traffic", "tallies", hub=hub.apps.hubs["traffic"], of=OLD
    )
    records = {
        "vehicles": f"{CAR},2024-05-01 08:00:00",
        "licences": f"{LICENCE},2024-05-01 08:05:00",
        "violations": "\n".join(",".join(row.split(",")[:3:2]) for row in (RED, PARKED, SLOW)),
        "payments": "P1,2026-08-31 09:00:00\nP2,2026-08-06 11:00:00",
        "cases": "Y1,2026-08-06 12:00:00\nY2,2026-08-08 12:00:00\nY4,2026-08-04",
    }
    for one in told:
        path = tmp_path / f"{one.kind}-tally.csv"
        path.write_text(f"number,opened_at\n{records[one.kind]}\n", encoding="utf-8")
        assert one == tally_of_file(one.kind, path), one.kind
    whole = await hub.apps.hooks.call_async(
        "traffic", "tallies", hub=hub.apps.hubs["traffic"], of="traffic"
    )
    assert {one.kind: one.rows for one in whole} == {
        "cases": 3,
        "vehicles": 1,
        "licences": 1,
        "violations": 4,
        "payments": 2,
    }


@pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)
async def test_what_was_refused_comes_in_when_it_is_put_right(town, office):
    assert (await office("vehicles"))[0] == (1, 0)
    await town.prove("resident2")  # their card has been seen since; the other's car stays theirs
    assert await office("vehicles") == (
        (1, 1),
        ["traffic.wrong.plate-region", "user-unknown", "import.number-taken"],
    )
    moved = FILES["vehicles"].replace("2024-05-01 08:00:00", "2024-06-01 08:00:00", 1)
    assert (await office("vehicles", moved))[1][0] == "import.number-taken"
    await office("violations")
    foreign = FILES["violations"].replace("u1,", "u2,")
    assert (await office("violations", foreign))[1][:3] == ["import.number-taken"] * 3
