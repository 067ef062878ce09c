import asyncio
import html
import io
import re

import pytest
from PIL import Image
from sqlalchemy import func, select
from sqlmodel import col

from core.hub.unit import Unit
from plugin_sdk.cases.titles import title_of
from plugins.hotline.desk import inside
from plugins.hotline.models import Order
from plugins.hotline.tests.conftest import HERE, LIGHTS

ORDER = {"kind": "help", "text": "路灯不亮"}


def fields(answer):
    assert answer.status_code == 422, answer.text
    return {error["field"]: error["code"] for error in answer.json()["errors"]}


def photo(kind="JPEG"):
    out = io.BytesIO()
    Image.new("RGB", (40, 30), "green").save(out, kind)
    return out.getvalue()


async def stored(desk, number):
    hub = desk.hub.hub.apps.hubs["hotline"]
    async with hub.read(hub.system("test")) as read:
        row = (
            await read.session.execute(read.rows(Order).where(col(Order.number) == number))
        ).scalar_one()
        read.session.expunge(row)
    return row


async def test_a_filing_ends_with_number_code_and_date(desk):
    filed = await desk.file()
    assert filed["number"].isdecimal()
    assert len(filed["code"]) == 6
    assert filed["due_at"]
    resident = await desk.client("resident")
    again = await resident.get(f"{HERE}/orders/{filed['number']}/filed")
    assert again.json()["code"] == filed["code"]
    other = await desk.client("operator")
    assert (await other.get(f"{HERE}/orders/{filed['number']}/filed")).status_code == 404


async def test_a_page_leads_to_the_certainty_and_says_what_was_done(desk):
    resident = await desk.client("resident")
    form = await resident.page(f"{HERE}/orders/new")
    assert form.status_code == 200
    assert "提诉求" in form.text
    sent = await resident.post_form(f"{HERE}/orders", {"kind": "suggest", "text": "加两盏路灯"})
    assert sent.status_code == 303
    assert sent.headers["location"].endswith("/filed")
    page = await resident.page(sent.headers["location"])
    assert page.status_code == 200


NOT_TAKEN = [
    ({}, {"kind": "missing", "text": "missing"}),
    ({"kind": "complain", "text": "  "}, {"text": "missing"}),
    ({"kind": "gossip", "text": "x"}, {"kind": "choice"}),
    ({"kind": "help", "text": "x" * 8001}, {"text": "too-long"}),
    ({"kind": "help", "text": "a\x00b"}, {"text": "control-characters"}),
    ({"kind": "help", "text": "x", "category": "没有/这个/分类"}, {"category": "choice"}),
    ({"kind": "help", "text": "x", "region": "no-region"}, {"region": "choice"}),
    ({"kind": "help", "text": "x", "phone": "12345"}, {"phone": "phone-short"}),
    (
        {"kind": "help", "text": "x", "longitude": 200, "latitude": 1},
        {"longitude": "too-large"},
    ),
    ({"kind": "help", "text": "x", "longitude": 118.1}, {"latitude": "missing"}),
    ({"kind": "help", "text": "x", "wish": "y"}, {"wish": "unknown"}),
]


async def test_what_cannot_be_taken_is_named_by_field(desk):
    resident = await desk.client("resident")
    for form, wrong in NOT_TAKEN:
        assert fields(await resident.post(f"{HERE}/orders", json=form)) == wrong, form
    assert (await resident.get(f"{HERE}/orders")).json()["items"] == []


async def test_a_page_keeps_what_was_typed_beside_what_is_wrong(desk):
    resident = await desk.client("resident")
    answer = await resident.post_form(
        f"{HERE}/orders", {"text": "写了很长的一段话", "phone": "12345"}
    )
    assert answer.status_code == 422
    assert "写了很长的一段话" in answer.text


async def test_the_same_key_files_once_however_often_it_is_sent(desk):
    resident = await desk.client("resident")
    form = {"kind": "help", "text": "楼道灯坏了"}

    def send(text="楼道灯坏了"):
        return resident.post(
            f"{HERE}/orders",
            json={**form, "text": text},
            headers={"idempotency-key": "a-key-of-this-test"},
        )

    answers = await asyncio.gather(*(send() for _ in range(64)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["number"] for answer in answers}) == 1
    assert (await send("另一件事")).status_code == 409
    assert len((await resident.get(f"{HERE}/orders")).json()["items"]) == 1


async def test_a_snap_needs_a_photo_and_keeps_the_picture_alone(desk):
    resident = await desk.client("resident")
    values = {"text": "井盖丢了", "longitude": "118.13", "latitude": "37.69"}
    lacking = await resident.post_form(
        f"{HERE}/snap", values, headers={"accept": "application/json"}
    )
    assert fields(lacking) == {"photos": "photo-missing"}
    sent = await resident.post_form(
        f"{HERE}/snap",
        values,
        files={"photos": ("IMG_0001.jpg", photo(), "image/jpeg")},
        headers={"accept": "application/json"},
    )
    assert sent.status_code == 201, sent.text
    seen = await desk.see(sent.json()["number"], "resident")
    assert [file["width"] for file in seen["attachments"]] == [40]
    picture = await resident.get(seen["attachments"][0]["href"])
    assert picture.headers["content-type"] == "image/jpeg"
    assert b"Exif" not in picture.content


async def test_what_is_no_photo_is_refused_and_nothing_is_filed(desk):
    resident = await desk.client("resident")
    for data in (b"<svg onload='x'/>", b"<html></html>", b"GIF89a", photo()[:200]):
        sent = await resident.post_form(
            f"{HERE}/orders",
            {"kind": "help", "text": "x"},
            files={"photos": ("a.jpg", data, "image/jpeg")},
            headers={"accept": "application/json"},
        )
        assert list(fields(sent)) == ["photos"], data
    assert (await resident.get(f"{HERE}/orders")).json()["items"] == []


async def test_an_operator_takes_a_call_for_a_caller_without_account(desk):
    filed = await desk.file(
        "operator",
        "intake",
        phone="138 0000 5678",
        caller_name="王秀英",
        urgency="urgent",
        category=LIGHTS,
    )
    row = await stored(desk, filed["number"])
    assert (row.person_id, row.channel, row.caller_phone) == (None, "operator", "+8613800005678")
    assert (await desk.try_act(filed["number"], "rate", "resident", rating="5")).status_code == 404
    resident = await desk.client("resident")
    assert (await resident.get(f"{HERE}/intake")).status_code == 403


async def test_a_caller_is_masked_and_a_secret_one_hidden_until_revealed(desk):
    filed = await desk.file("operator", "intake", phone="13800005678", caller_name="王秀英")
    secret = await desk.file(
        "operator", "intake", kind="report", phone="13900001234", caller_name="李兰"
    )
    await desk.dispatch(secret["number"])
    shown = str((await desk.see(filed["number"]))["summary"])
    assert "王*英" in shown
    assert "138****5678" in shown
    unit = await desk.client("unit")
    page = await unit.page(f"{HERE}/orders/{secret['number']}")
    assert "已隐藏" in page.text
    assert "李" not in page.text
    assert not re.search(r"139[\d*]{8}", page.text), "nor a part of it"
    address = f"{HERE}/orders/{secret['number']}/reveal"
    assert (await unit.post(address, json={"reason": "好奇"})).status_code == 403
    centre = await desk.client("dispatcher")
    assert fields(await centre.post(address, json={})) == {"reason": "missing"}
    revealed = await centre.post(address, json={"reason": "需要回访核实"})
    assert "+8613900001234" in revealed.text


async def test_a_place_outside_the_county_is_taken_with_a_warning(desk):
    hub = desk.hub.hub.apps.hubs["hotline"]
    hub.settings = {**hub.settings, "boundary": [[117, 37], [119, 37], [119, 38], [117, 38]]}
    filed = await desk.file(longitude=116.4, latitude=39.9)
    assert [notice["key"] for notice in filed["notices"]] == ["hotline.order.outside"]
    assert (await stored(desk, filed["number"])).outside_boundary
    assert (await desk.file(longitude=118.1, latitude=37.5))["notices"] == []


async def test_progress_is_public_by_number_and_code_and_names_nobody(desk):
    filed = await desk.file(text="我叫周晓岚，家门口路灯不亮")
    await desk.answer(filed["number"])
    visitor = desk.hub.client()
    asked = {"number": filed["number"], "code": filed["code"]}
    found = await visitor.post("/track", json=asked)
    assert "周晓岚" not in found.text
    assert "冯城管" not in found.text
    assert found.json()["found"] is True
    wrong = await visitor.post("/track", json={**asked, "code": "999999x"})
    absent = await visitor.post("/track", json={"number": "209901010001", "code": "123456"})
    assert wrong.json()["found"] is absent.json()["found"] is False
    assert wrong.status_code == absent.status_code
    page = await visitor.post_form("/track", asked)
    assert "待派单" not in page.text
    assert "已答复" in page.text
    wrong_page = await visitor.post_form("/track", {**asked, "code": "999999x"})
    assert "error-summary" in wrong_page.text
    assert "999999x" not in wrong_page.text
    number = filed["number"]
    grouped = {**asked, "number": f"{number[:4]} {number[4:8]} {number[8:]}"}  # as it is shown
    assert (await visitor.post("/track", json=grouped)).json()["found"] is True


async def test_the_code_is_in_no_address(desk):
    filed = await desk.file(text="路灯不亮")
    assert filed["track_href"] == f"/track?number={filed['number']}"
    visitor = desk.hub.client()
    page = await visitor.page(filed["track_href"])
    assert f'value="{filed["number"]}"' in page.text
    assert 'method="post" action="/track"' in page.text
    assert "error-summary" not in page.text  # nothing was asked yet
    old = f"{filed['track_href']}&code={filed['code']}"  # opens nothing any more
    assert (await visitor.get(old)).json()["found"] is False
    assert "待派单" not in (await visitor.page(old)).text


async def test_an_export_starts_no_formula(desk):
    await desk.file(text="=HYPERLINK('x')")
    client = await desk.client("dispatcher")
    answer = await client.get(f"{HERE}/orders.csv")
    assert answer.status_code == 200, answer.text
    assert "'=HYPERLINK" in answer.text
    assert answer.text.startswith("\ufeff编号")


def test_a_title_is_the_first_line():
    assert title_of("\n  路灯不亮  \n连着五盏") == "路灯不亮"
    assert len(title_of("很长" * 40)) == 40


def test_a_point_lies_in_a_polygon_or_not():
    square = [[0, 0], [2, 0], [2, 2], [0, 2]]
    assert inside(1, 1, square)
    assert not inside(3, 1, square)
    assert not inside(1, -1, square)


def sent_again(page):
    """The form that a page keeps, as its button sends it."""
    (form,) = re.findall(rf'<form method="post" action="{HERE}/orders">(.*?)</form>', page.text)
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', form)
    return {name: html.unescape(value) for name, value in found}


@pytest.mark.parametrize("known", [True, False])
async def test_while_the_database_is_away_a_filing_is_kept_by_who_sent_it(desk, known):
    resident = await desk.client("resident")
    if not known:  # a worker without a lease asks the database who this is
        await desk.hub.services.actors.close()
    form = {"kind": "help", "text": "楼道灯坏了 <3 楼>", "_key": "a-key-of-this-test"}
    headers = {"idempotency-key": "another-key-of-it"}
    async with desk.hub.database_away():
        refused = await resident.post(f"{HERE}/orders", json=ORDER, headers=headers)
        assert refused.status_code == 503
        assert refused.headers["content-type"].startswith("application/problem+json")
        assert refused.json()["type"] == "urn:yimen:problem:database-away"
        assert refused.headers["retry-after"] == "5"
        page = await resident.post_form(f"{HERE}/orders", form)
        with_photo = await resident.post_form(
            f"{HERE}/orders", form, files={"photos": ("a.jpg", photo(), "image/jpeg")}
        )
        assert sent_again(with_photo).items() >= form.items()
        assert page.status_code == 503
        assert "同一次提交重试多少次都只记一件" in page.text
    kept = sent_again(page)
    assert kept.items() >= form.items()
    for _ in range(2):
        filed = await resident.post_form(f"{HERE}/orders", kept)
        assert filed.status_code == 303, filed.text
        answer = await resident.post(f"{HERE}/orders", json=ORDER, headers=headers)
        assert answer.status_code == 201, answer.text
    assert len((await resident.get(f"{HERE}/orders")).json()["items"]) == 2


async def test_a_password_is_written_into_no_page(desk):
    visitor = desk.hub.client()
    async with desk.hub.database_away():
        answer = await visitor.post_form("/sign-in", {"username": "x", "password": "kept secret"})
    assert answer.status_code == 503
    assert "kept secret" not in answer.text


@pytest.mark.parametrize("engine_kind", ["production"], indirect=True)
async def test_a_database_that_goes_away_within_a_filing_leaves_nothing_half_written(
    desk, monkeypatch
):
    resident = await desk.client("resident")
    headers = {"idempotency-key": "a-key-of-this-test"}
    finish, cut = Unit.finish, []

    async def cut_off(unit):
        await finish(unit)  # all is written, nothing is committed
        pid = (await unit.session.execute(select(func.pg_backend_pid()))).scalar_one()
        async with unit.tx.database.engine.connect() as other:
            await other.execution_options(yimen_migration=True)
            await other.execute(select(func.pg_terminate_backend(pid)))
        cut.append(pid)

    monkeypatch.setattr(Unit, "finish", cut_off)
    for _ in range(6):  # more than would open the app's breaker
        refused = await resident.post(f"{HERE}/orders", json=ORDER, headers=headers)
        assert refused.status_code == 503, refused.text
        assert refused.json()["type"] == "urn:yimen:problem:database-away"
    assert len(cut) == 6
    monkeypatch.setattr(Unit, "finish", finish)
    assert (await resident.get(f"{HERE}/orders")).json()["items"] == []
    for _ in range(2):
        filed = await resident.post(f"{HERE}/orders", json=ORDER, headers=headers)
        assert filed.status_code == 201, filed.text
    assert len((await resident.get(f"{HERE}/orders")).json()["items"]) == 1
