"""Residents and enterprises register themselves; identity numbers stay out of sight."""

import asyncio
import re

import pytest
from sqlalchemy import select
from sqlmodel import col
from stdnum.cn import uscc

from core.audit.models import AuditEntry
from core.delivery.models import DeliveredMessage
from core.delivery.service import KIND
from core.identity import phone_codes, register
from core.identity.models import LegacyUser, PersonNumber
from core.identity.people import by_username
from core.jobs import OutboxRow
from tests.core.identity.county import identity_number

PHONE = "13800001234"
NUMBER = identity_number(4321)
WRONG = NUMBER[:-1] + ("1" if NUMBER[-1] != "1" else "2")
CREDIT = "91990000MA0000000"
CREDIT += uscc.calc_check_digit(CREDIT)


@pytest.fixture
async def hub(make_hub):
    return await make_hub(registration=True)


async def code_for(hub, phone=PHONE):
    client = hub.client()
    answer = await client.post("/register", json={"phone": phone})
    assert answer.status_code == 200, answer.text
    await hub.settle()
    async with hub.services.database.transaction() as tx:
        sent = await tx.session.execute(
            select(col(OutboxRow.payload))
            .where(col(OutboxRow.kind) == KIND)
            .order_by(col(OutboxRow.due_at).desc(), col(OutboxRow.id).desc())
        )
        said = await tx.session.execute(select(col(DeliveredMessage.text)))
        found = re.search(r"\d{6}", sent.scalars().first()["text"])
        assert found
        assert found[0] not in str(list(said))  # its reader alone sees it
        return found[0]


def who(code, **more):
    return {
        "phone": PHONE,
        "code": code,
        "name": "李测试",
        "number": NUMBER,
        "username": "lics",
        "password": "correct horse staple",
        **more,
    }


async def enlist(hub, sent, **more):
    return await hub.client().post("/register/resident", json={**who(sent), **more})


async def test_it_is_absent_unless_it_is_offered(hub_app):
    for client in (hub_app.client(), await hub_app.client_as("resident")):
        assert (await client.get("/register")).status_code == 404
        assert (await client.post("/register", json={"phone": PHONE})).status_code == 404
        answer = await client.post("/register/resident", json=who("123456"))
        assert answer.status_code == 404


async def test_a_resident_registers_and_signs_in(hub):
    page = await hub.client().page("/register")
    assert "发送验证码" in page.text
    code = await code_for(hub)
    answer = await enlist(hub, code, number=NUMBER.lower())
    assert answer.status_code == 201, answer.text
    client = hub.client()
    signed = await client.post(
        "/sign-in", json={"username": "lics", "password": "correct horse staple"}
    )
    assert signed.status_code == 200
    assert (await enlist(hub, code, username="again")).json()["errors"][0]["code"] == "code-wrong"
    async with hub.services.database.transaction() as tx:
        one = await by_username(tx, "lics")
        assert one is not None
        assert await register.person_of_number(tx, hub.services.numbers, NUMBER) == one.id
        assert await register.masked_number(tx, hub.services.numbers, one.id) == (
            NUMBER[0] + "*" * 16 + NUMBER[-1]
        )
        facts = (await tx.session.execute(select(col(AuditEntry.facts)))).scalars().all()
        assert NUMBER not in repr(facts)
    numbers, other = hub.services.numbers, (await hub.actor("resident")).person_id
    async with hub.services.database.transaction(write=True) as tx:
        with pytest.raises(register.RegisterError, match="number-taken"):
            await register.set_number(tx, numbers, other, NUMBER)
        await register.set_number(tx, numbers, other, NUMBER, seen=True)  # with the card in hand
        assert await register.person_of_number(tx, numbers, NUMBER) == other
        with pytest.raises(register.RegisterError, match="number-taken"):
            await register.set_number(tx, numbers, one.id, NUMBER, seen=True)


BAD = {
    "a wrong code": ({"code": "000000"}, "code", "code-wrong"),
    "a checksum": ({"number": WRONG}, "number", "identity-number-checksum"),
    "a short number": ({"number": "123"}, "number", "identity-number-length"),
    "a taken name": ({"username": "resident"}, "username", "username-taken"),
    "a landline": ({"phone": "0543-7321234"}, "phone", "phone-mobile"),
    "a short password": ({"password": "correct horse"}, "password", "password-short"),
    "a password like the name": ({"password": "lics 13800001234"}, "password", "password-common"),
    "an unknown field": ({"role": "yimen.administrator"}, "role", "unknown"),
}


@pytest.mark.parametrize("what", BAD)
async def test_what_is_wrong_is_told_and_nobody_is_added(hub, what):
    more, field, code = BAD[what]
    right = await code_for(hub)
    if more.get("code") == right:
        more = {"code": "000001"}
    answer = await enlist(hub, right, **more)
    assert answer.status_code == 422
    error = answer.json()["errors"][0]
    assert (error["field"], error["code"]) == (field, code)
    async with hub.services.database.transaction() as tx:
        assert await by_username(tx, "lics") is None
        assert (await tx.session.execute(select(PersonNumber))).first() is None
    if field != "phone":  # what was right can still be sent
        assert (await enlist(hub, right)).status_code == 201


async def test_a_page_keeps_what_was_typed_but_for_secrets(hub):
    await code_for(hub)
    values = who("000000", name="李保留")
    page = await hub.client().post(
        "/register/resident", data=values, headers={"accept": "text/html"}
    )
    assert page.status_code == 422
    assert 'value="李保留"' in page.text
    assert "correct horse staple" not in page.text
    assert 'value="000000"' not in page.text


async def test_a_code_is_tried_five_times_and_lives_five_minutes(hub):
    code = await code_for(hub)
    other = "000000" if code != "000000" else "000001"
    for _ in range(phone_codes.CODE_TRIES):
        assert (await enlist(hub, other)).status_code == 422
    assert (await enlist(hub, code)).status_code == 422
    answer = await hub.client().post("/register", json={"phone": PHONE})
    assert answer.json()["errors"][0]["code"] == "code-too-soon"
    hub.clock.move(minutes=2)
    code = await code_for(hub)
    hub.clock.move(minutes=5, seconds=1)
    assert (await enlist(hub, code)).status_code == 422


async def test_a_code_used_twice_at_once_adds_one(hub):
    code = await code_for(hub)
    answers = await asyncio.gather(*(enlist(hub, code, username=f"twin{n}") for n in range(3)))
    assert sorted(answer.status_code for answer in answers) == [201, 422, 422]


async def test_an_identity_number_belongs_to_one_person(hub):
    await enlist(hub, await code_for(hub))
    hub.clock.move(minutes=2)
    answer = await enlist(hub, await code_for(hub), username="second")
    assert answer.json()["errors"][0]["code"] == "number-taken"


async def test_sending_codes_is_bounded(hub):
    statuses = []
    for _ in range(7):
        hub.clock.move(minutes=2)
        statuses.append((await hub.client().post("/register", json={"phone": PHONE})).status_code)
    assert statuses == [200] * 5 + [429] * 2


async def person_with_number(hub, admin):
    found = (await admin.get("/admin/people?q=resident2")).json()["people"]
    return found[0]["id"]


async def entries(hub, act):
    async with hub.services.database.transaction() as tx:
        found = await tx.session.execute(
            select(col(AuditEntry.facts)).where(col(AuditEntry.act) == act)
        )
        return list(found.scalars())


async def test_a_genuine_number_that_fails_its_check_is_accepted_by_name(hub):
    admin = await hub.client_as("administrator")
    here = f"/admin/people/{await person_with_number(hub, admin)}"
    answer = await admin.post(f"{here}/number", json={"number": WRONG})
    assert answer.json()["errors"][0]["code"] == "identity-number-checksum"
    answer = await admin.post(f"{here}/number", json={"number": WRONG, "accept": True})
    assert answer.json()["errors"][0]["field"] == "reason"
    body = {"number": WRONG, "accept": True, "reason": "核对了身份证原件"}
    assert (await admin.post(f"{here}/number", json=body)).status_code == 200
    (facts,) = await entries(hub, "identity-number-accepted")
    assert facts == {"reason": "核对了身份证原件"}
    view = (await admin.get(here)).json()
    assert view["number"] == WRONG[0] + "*" * 16 + WRONG[-1]
    own = (await admin.get("/admin/people?q=administrator")).json()["people"][0]["id"]
    answer = await admin.post(f"/admin/people/{own}/number", json=body)
    assert answer.status_code == 409


async def test_unmasking_asks_a_reason_and_is_recorded_each_time(hub):
    admin = await hub.client_as("administrator")
    here = f"/admin/people/{await person_with_number(hub, admin)}"
    assert (await admin.post(f"{here}/number/unmask", json={"reason": "x"})).status_code == 404
    await admin.post(f"{here}/number", json={"number": NUMBER})
    assert (await admin.post(f"{here}/number/unmask", json={})).status_code == 422
    assert await entries(hub, "identity-number-unmasked") == []
    for _ in range(2):
        answer = await admin.post(f"{here}/number/unmask", json={"reason": "核对补贴"})
        assert answer.json()["number"] == NUMBER
        assert answer.headers["cache-control"] == "no-store"
    assert await entries(hub, "identity-number-unmasked") == [{"reason": "核对补贴"}] * 2
    page = await admin.page(here)
    assert NUMBER not in page.text
    dispatcher = await hub.client_as("dispatcher")
    answer = await dispatcher.post(f"{here}/number/unmask", json={"reason": "x"})
    assert answer.status_code == 403


async def test_an_enterprise_is_registered_by_an_agent_on_record(hub):
    client = await hub.client_as("resident2")
    body = {"code": CREDIT, "name": "某合作社"}
    assert (await client.post("/register/enterprise", json=body)).status_code == 409
    admin = await hub.client_as("administrator")
    here = f"/admin/people/{await person_with_number(hub, admin)}"
    await admin.post(f"{here}/number", json={"number": NUMBER})
    answer = await client.post("/register/enterprise", json={**body, "code": CREDIT[:-1] + "0"})
    expected = "credit-code-checksum" if CREDIT[-1] != "0" else "credit-code-taken"
    assert answer.json()["errors"][0]["code"] == expected
    assert (await client.post("/register/enterprise", json=body)).status_code == 201
    answer = await client.post("/register/enterprise", json=body)
    assert answer.json()["errors"][0]["code"] == "credit-code-taken"
    assert (await admin.get(here)).json()["enterprises"] == [{"code": CREDIT, "name": "某合作社"}]
    assert (await hub.client().post("/register/enterprise", json=body)).status_code == 401


async def test_a_legacy_id_finds_its_person(hub):
    admin = await hub.client_as("administrator")
    async with hub.services.database.transaction(write=True) as tx:
        one = await by_username(tx, "resident2")
        assert one is not None
        tx.session.add(
            LegacyUser(system="oa", legacy_id="100042", person_id=one.id, created_at=tx.now)
        )
        await tx.session.flush()
        assert await register.legacy_person(tx, "oa", "100042") == (one.id, "resident2")
        assert await register.legacy_person(tx, "other", "100042") is None
    found = (await admin.get("/admin/people?q=100042")).json()["people"]
    assert [p["username"] for p in found] == ["resident2"]
    view = (await admin.get(f"/admin/people/{one.id}")).json()
    assert view["legacy"] == [{"system": "oa", "id": "100042"}]
