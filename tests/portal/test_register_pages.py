"""The register: filing an app beyond the door by form, JSON and table; what changed, by whom."""

import csv
import io

import pytest
from sqlalchemy import update
from sqlmodel import col

from core.governance.lifecycle.models import Standing
from plugin_sdk.documents import XLSX

HERE = "/governance/register"
EMBEDDED = pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)
PARKING = {
    "app": "parking",
    "name": "停车缴费",
    "name_en": "Parking",
    "owner": "371603U04",
    "stage": "active",
    "since": "2024-05-01",
    "functions": "缴费 | Pay\n发票",
    "yearly_cost": "120000",
    "own_sign_in": True,
}


def table(*rows, columns=("app", "name", "name_en", "owner", "stage", "since", "filing_number")):
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows(rows)
    return out.getvalue()


async def faults(answer):
    assert answer.status_code == 422, answer.text
    return {error["field"] for error in answer.json()["errors"]}


@EMBEDDED
async def test_an_app_beyond_the_door_is_filed_changed_and_every_change_kept(hub_app, client_as):
    staff = await client_as("governance")
    refused = {
        "app": "hotline",
        "owner": "371603U99",
        "since": "2036-01-01",
        "features": "Check In!",
    }
    for field, value in refused.items():
        assert field in await faults(await staff.post(HERE, json={**PARKING, field: value}))
    half = await staff.post(HERE, json={**PARKING, "exemption_kind": "statutory"})
    assert await faults(half) == {"exemption_basis", "exemption_expires"}

    made = await staff.post(HERE, json=PARKING)
    assert made.status_code == 201, made.text
    assert "app" in await faults(await staff.post(HERE, json=PARKING)), "twice is a change"
    later = {**PARKING, "stage": "proposed", "since": "2025-01-01", "filing_number": "BA-1"}
    changed = await staff.post(f"{HERE}/parking/change", json=later)
    assert changed.status_code == 200, changed.text
    (row,) = (await staff.get(f"{HERE}?q=parking")).json()["rows"]
    assert (row["stage"], row["since"]) == ("active", "2024-05-01"), "governance's row holds"
    assert row["filing_number"] == "BA-1"
    log = (await staff.get(f"{HERE}/changes?app=parking")).json()["rows"]
    assert [len(change["differences"]) for change in log] == [1, 0]
    assert log[0]["who"] not in ("", log[0]["app"])
    page = (await staff.page(f"{HERE}/changes")).text
    assert "备案号：未填 → BA-1" in page
    form = (await staff.page(f"{HERE}/parking/change")).text
    assert "缴费 | Pay\n发票" in form
    assert 'value="120000.00"' in form
    assert (await staff.get(f"{HERE}/hotline/change")).status_code == 404, "its manifest says it"
    owner = await client_as("leader")
    assert (await owner.get(HERE)).status_code == 403
    assert (await owner.post(HERE, json={**PARKING, "app": "mine"})).status_code == 403


@EMBEDDED
async def test_an_app_keeps_its_owner_while_it_is_being_decided_on_it(hub_app, client_as):
    staff = await client_as("governance")
    await staff.post(HERE, json=PARKING)

    async def changed(**more):
        return await staff.post(f"{HERE}/parking/change", json={**PARKING, **more})

    for stage, held in (("review", True), ("sunset", True), ("active", False)):
        async with hub_app.services.database.transaction(write=True) as tx:
            row = update(Standing).where(col(Standing.app) == "parking")
            await tx.session.execute(row.values(stage=stage))
        answer = await changed(owner="371603U06", filing_number=stage)
        assert (await faults(answer) == {"owner"}) if held else (answer.status_code == 200)
        assert (await changed(filing_number=stage)).status_code == 200
        to_all = ("app", "name", "name_en", "owner", "since")
        moved = table(("parking", "停车", "Parking", "371603U01", "2024-05-01"), columns=to_all)
        (tried,) = (await staff.post(f"{HERE}/import", json={"content": moved})).json()["rows"]
        assert tried["outcome"] == ("refused" if held else "changed")


@EMBEDDED
async def test_a_table_of_apps_is_tried_row_by_row_and_brought_in_whole_or_not_at_all(
    hub_app, client_as
):
    staff = await client_as("governance")
    await staff.post(HERE, json=PARKING)
    good = [
        ("parking", "停车缴费", "Parking", "371603U04", "在用", "2024-05-01", "BA-7"),
        ("clinic", "挂号", "Clinic", "371603U04", "试运行", "2024-06-01", ""),
    ]
    bad = [
        ("clinic", "挂号", "Clinic", "371603U04", "active", "2024-06-01", ""),
        ("nowhere", "无主", "Nobody's", "371603U99", "active", "2024-06-01", ""),
        ("soon", "将来", "Soon", "371603U04", "active", "2036-06-01", ""),
        ("closing", "关停", "Closing", "371603U04", "closed", "2024-06-01", ""),
    ]
    tried = (await staff.post(f"{HERE}/import", json={"content": table(*good, *bad)})).json()
    outcomes = ["changed", "new", *["refused"] * 4]
    assert [row["outcome"] for row in tried["rows"]] == outcomes
    assert [row["line"] for row in tried["rows"]] == [2, 3, 4, 5, 6, 7]
    real = {"content": table(*good, *bad), "bring_in": True}
    assert (await staff.post(f"{HERE}/import", json=real)).status_code == 422
    assert (await staff.get(f"{HERE}?q=clinic")).json()["rows"] == [], "nothing half-written"

    done = await staff.post(f"{HERE}/import", json={"content": table(*good), "bring_in": True})
    assert done.status_code == 200, done.text
    again = (await staff.post(f"{HERE}/import", json={"content": table(*good)})).json()
    assert again["counts"] == {"refused": 0, "new": 0, "changed": 0, "same": 2}
    form = (await staff.page(f"{HERE}/parking/change")).text
    assert "缴费 | Pay" in form, "a column that the file lacks is left alone"
    for content in ("", "app,nmae\nx,y\n", "name\nx\n"):
        assert "file" in await faults(await staff.post(f"{HERE}/import", json={"content": content}))
    blank = await staff.page(f"{HERE}/import")
    assert "从表格导入" in blank.text
    template = (await staff.get(f"{HERE}/import/template.csv")).text
    assert template.lstrip("\ufeff").startswith("编号,名称,英文名称,主管单位")


@EMBEDDED
async def test_the_register_is_filtered_paged_and_sent(hub_app, client_as):
    staff = await client_as("governance")
    rows = [
        (f"app-{n:02}", f"应用{n}", f"App {n}", "371603U04", "active", "2024-05-01", "")
        for n in range(60)
    ]
    done = await staff.post(f"{HERE}/import", json={"content": table(*rows), "bring_in": True})
    assert done.status_code == 200, done.text
    first = (await staff.get(f"{HERE}?door=beyond")).json()
    rest = (await staff.get(first["next_href"])).json()
    shown = [row["app"] for row in (*first["rows"], *rest["rows"])]
    assert (len(shown), len(set(shown)), rest["next_href"]) == (60, 60, None)
    sent = await staff.get(f"{HERE}.csv?door=beyond")
    assert len(sent.text.strip().splitlines()) == 61
    book = await staff.get(f"{HERE}.xlsx?owner=371603U04")
    assert book.headers["content-type"].startswith(XLSX)
    for asked in ("stage=x", "door=x", "figure=x", "since=x", "since=2026-02-01&until=2026-01-01"):
        assert (await staff.get(f"{HERE}?{asked}")).status_code == 422, asked
