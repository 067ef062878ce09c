"""The administrator's page of the record: what people read of it, and how they search it."""

import asyncio
import csv
import io
import json
import re
from datetime import timedelta

import pytest
from openpyxl import load_workbook
from sqlalchemy import text

from core import audit
from core.audit.checks import latest
from plugin_sdk.ports import Actor
from plugin_sdk.times import SHANGHAI

pytestmark = pytest.mark.parametrize("engine_kind", ["embedded", "production"], indirect=True)
ORDERS = "/apps/hotline/orders"


def rows(page):
    """Return the rows of the table as plain text."""
    body = page.partition("<tbody")[2].partition("</tbody>")[0]
    return [
        " ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in re.findall(r"<tr>.*?</tr>", body)
    ]


async def test_rows_are_read_and_found_by_number_name_and_act(hub_app):
    resident = await hub_app.client_as("resident")
    filed = (await resident.post(ORDERS, json={"kind": "help", "text": "路灯不亮"})).json()
    refused = await resident.post(f"{ORDERS}/{filed['number']}/dispatch", json={"version": 1})
    assert refused.status_code == 403
    administrator = await hub_app.client_as("administrator")

    found = await administrator.page(f"/admin/audit?q={filed['number']}")
    denied, row = rows(found.text)
    assert "没有权限" in denied
    assert "已提交诉求" in row
    assert filed["number"] in row
    assert "12345热线" in row
    name = (await hub_app.actor("resident")).name
    assert name not in found.text
    assert name[0] in row

    by_name = rows((await administrator.page(f"/admin/audit?q={name}")).text)
    assert {"已登录", "已提交诉求"} <= {word for row in by_name for word in row.split()}
    only = rows((await administrator.page("/admin/audit?outcome=refused")).text)
    assert len(only) == 1
    assert "被拒绝" in only[0]
    assert rows((await administrator.page("/admin/audit?q=100%25")).text) == []


async def acts(hub_app):
    async with hub_app.services.database.transaction() as tx:
        return [entry.act for entry in await audit.search(tx, app="yimen", limit=100)]


async def verified(client):
    """Begin a verification, wait for its end, and return what the page then says."""
    begun = await client.post_form("/admin/audit/verify", {})
    assert begun.status_code == 303
    for _ in range(100):
        view = (await client.get("/admin/audit")).json()
        if view["job"] is None:
            return view, (await client.page("/admin/audit")).text
        await asyncio.sleep(0.05)
    raise AssertionError("it never ended")


async def test_the_page_says_how_far_the_record_is_verified(hub_app):
    client = await hub_app.client_as("administrator")
    await hub_app.services.sealer.run()
    page = (await client.page("/admin/audit")).text
    assert "尚未核验" in page
    assert "已封存至第 1 条，还没有核验过" in page
    view, page = await verified(client)
    assert view["seal"]["ok"] is True
    assert "已核验至第 1 条（" in page
    assert "另有 1 条等待封存" in page  # that it was verified
    assert "record-verify" in await acts(hub_app)


async def test_a_change_is_named_on_the_page(hub_app):
    client = await hub_app.client_as("administrator")
    await hub_app.client_as("resident")
    await hub_app.services.sealer.run()
    database = hub_app.services.database
    async with database.migration() as connection:
        on = "" if database.sqlite else " ON audit_entry"
        await connection.execute(text(f"DROP TRIGGER audit_entry_fixed{on}"))
        await connection.execute(text("UPDATE audit_entry SET outcome = 'x' WHERE sequence = 1"))
        await connection.commit()
    view, page = await verified(client)
    assert view["seal"]["ok"] is False
    assert "封存被改动" in page
    assert "发现 1 处改动" in page
    assert "第 1 条：内容与封存时不同" in page


async def test_sealing_that_lags_or_stopped_is_told(hub_app):
    client = await hub_app.client_as("administrator")
    await hub_app.services.sealer.run()
    async with hub_app.services.database.transaction(write=True) as tx:
        await audit.record(tx, Actor(), "yimen", "made", "x")
    hub_app.clock.move(minutes=12)
    assert "封存落后，最早的一条已等 12 分钟" in (await client.page("/admin/audit")).text
    hub_app.services.sealer.book.path.unlink()
    await hub_app.services.jobs.run_due()
    page = (await client.page("/admin/audit")).text
    assert "封存停下了：SealRefused" in page
    assert "checkpoints.jsonl" in page


async def test_only_one_verification_runs_at_a_time(hub_app):
    services = hub_app.services
    async with services.database.transaction(write=True) as tx:
        first = await services.checks.begin(tx, None)
    async with services.database.transaction(write=True) as tx:
        last = await latest(tx)
        again = await services.checks.begin(tx, None)
    assert last is not None
    assert again == first or last.ended_at is not None  # it may have ended between


async def test_days_are_within_the_search_and_others_are_refused(hub_app):
    client = await hub_app.client_as("administrator")
    today = hub_app.clock().astimezone(SHANGHAI).date()
    yesterday = today - timedelta(days=1)
    for since, until, some in (
        (today, today, True),
        (today, "", True),
        ("", today, True),
        ("", yesterday, False),
        (today + timedelta(days=1), "", False),
    ):
        view = (await client.get(f"/admin/audit?since={since}&until={until}")).json()
        assert bool(view["entries"]) is some, (since, until)
    for bad in ("2026-13-01", "x", "9999-12-31"):
        answer = await client.get(f"/admin/audit?until={bad}")
        assert answer.status_code == 422
        assert answer.json()["type"] == "urn:yimen:problem:bad-day"


async def fill(hub_app, count):
    person = await hub_app.actor("resident")
    async with hub_app.services.database.transaction(write=True) as tx:
        for n in range(count):
            facts = {"reason": "=1+1", "n": n}
            await audit.record(tx, person, "hotline", "=cmd()", f"row:{n}", facts=facts)
    return person.name


async def test_exports_hold_what_is_searched_for_masked_and_without_formulas(hub_app):
    name = await fill(hub_app, 1203)  # more than two batches
    client = await hub_app.client_as("administrator")
    address = "/admin/audit.{}?app=hotline"

    answer = await client.get(address.format("csv"))
    assert answer.headers["content-disposition"].endswith('.csv"')
    table = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert len(table) == 1203
    assert {row["对象"] for row in table} == {f"row:{n}" for n in range(1203)}
    assert {row["行为"] for row in table} == {"'=cmd()"}
    assert {row["谁"] for row in table} == {
        name[0] + "*" * (len(name) - 1)
    } or name not in answer.text
    assert name not in answer.text

    lines = (await client.get(address.format("jsonl"))).text.splitlines()
    assert [json.loads(line)["facts"]["n"] for line in lines] == list(range(1202, -1, -1))

    book = load_workbook(io.BytesIO((await client.get(address.format("xlsx"))).content))
    sheet = book.worksheets[0]
    assert sheet.max_row == 1204
    assert sheet["D2"].value == "'=cmd()"
    assert sheet["D2"].data_type == "s"
    assert (await acts(hub_app)).count("record-exported") == 3

    resident = await hub_app.client_as("resident")
    assert (await resident.get(address.format("csv"))).status_code == 403


async def test_unmasking_asks_why_and_is_recorded(hub_app):
    name = await fill(hub_app, 1)
    client = await hub_app.client_as("administrator")
    view = (await client.get("/admin/audit?app=hotline")).json()
    href = view["entries"][0]["href"]
    assert "为什么要看" in (await client.page(href)).text
    assert name not in (await client.page(href)).text
    assert (await client.post_form(href, {"reason": ""})).status_code == 422
    shown = await client.post_form(href, {"reason": "核对投诉"})
    assert shown.status_code == 200
    assert name in shown.text
    assert shown.headers["cache-control"] == "no-store"
    async with hub_app.services.database.transaction() as tx:
        (entry,) = await audit.search(tx, act="record-revealed")
    assert entry.facts == {"reason": "核对投诉"}
    governance = await hub_app.client_as("governance")
    assert (await governance.get("/admin/audit")).status_code == 200
    assert (await governance.get(href)).status_code == 403
    absent = href.replace(href.split("/")[3], "0192f000-0000-7000-8000-000000000000")
    assert (await client.get(absent)).status_code == 404


async def test_everybody_sees_and_takes_what_is_recorded_of_them(hub_app):
    resident = await hub_app.client_as("resident")
    filed = (await resident.post(ORDERS, json={"kind": "help", "text": "路灯不亮"})).json()
    assert '"/me/record"' in (await resident.page("/me")).text
    page = (await resident.page("/me/record")).text
    assert "诉求与工单" in page
    assert "审计记录" in page
    view = (await resident.get("/me/record")).json()
    assert {h["table"]: h["own"] for h in view["holdings"]}["hotline_order"] == 1
    answer = await resident.get("/me/record.json")
    assert answer.headers["cache-control"] == "no-store"
    copy = answer.json()
    assert [row["number"] for row in copy["tables"]["hotline_order"]] == [filed["number"]]
    assert "own-data-exported" in await acts(hub_app)
    others = await hub_app.client_as("resident2")
    assert "hotline_order" not in (await others.get("/me/record.json")).json()["tables"]
    assert (await hub_app.client().get("/me/record.json")).status_code == 401


async def test_an_administrator_erases_who_has_left(hub_app):
    administrator = await hub_app.client_as("administrator")
    who = await hub_app.actor("resident2")
    await hub_app.client_as("resident2")
    path = f"/admin/people/{who.person_id}"
    form = {"reason": "本人 11 月 24 日申请", "confirm": "x"}
    early = await administrator.post(f"{path}/erase", json={**form})
    assert early.status_code == 422
    found = (await administrator.get(f"/admin/people?q={who.name}")).json()["people"]
    form["confirm"] = next(item["username"] for item in found if item["id"] == str(who.person_id))
    in_office = await administrator.post(f"{path}/erase", json=form)
    assert in_office.json()["type"] == "urn:yimen:problem:person-in-office"
    assert (await administrator.post_form(f"{path}/disable", {})).status_code == 303
    assert f"{path}/erase" in (await administrator.page(path)).text
    assert "不能撤销" in (await administrator.page(f"{path}/erase")).text
    early = await administrator.post(f"{path}/erase", json=form)
    assert early.status_code == 409
    assert early.json()["type"] == "urn:yimen:problem:erase-too-early"
    hub_app.clock.move(days=181)
    administrator = await hub_app.client_as("administrator")
    done = await administrator.post(f"{path}/erase", json=form)
    assert done.status_code == 200, done.text
    assert done.json()["n"] >= 2
    view, page = await verified(administrator)
    assert view["seal"]["ok"] is True
    assert "已抹除的人" in page
    async with hub_app.services.database.transaction() as tx:
        (entry,) = await audit.search(tx, act="record-erased")
    assert str(who.person_id) not in str(entry.facts)
    operator = await hub_app.client_as("operator")
    assert (await operator.post(f"{path}/erase", json=form)).status_code == 403
