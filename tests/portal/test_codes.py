"""Codes on a phone: signing in by one, and recovering a password; what others would try."""

import asyncio
import re

import pytest
from sqlalchemy import func, select, update
from sqlmodel import col

from core.delivery.models import DeliveredMessage
from core.delivery.service import KIND
from core.identity.models import Person, PhoneCode, PhoneProof, SignInSession, Totp
from core.jobs import OutboxRow
from portal.testing.hub import PASSWORD
from tests.portal.test_session import EVIL, signed_in

MINE, OTHERS, NOBODYS = "13800001234", "13800005678", "13900009999"
NEW = "lantern orbit pickle"


async def give_phone(hub, username, phone):
    async with hub.services.database.transaction(write=True) as tx:
        await tx.session.execute(
            update(Person).where(col(Person.username) == username).values(phone=f"+86{phone}")
        )


@pytest.fixture
async def hub(hub_app):
    await give_phone(hub_app, "operator", MINE)
    await give_phone(hub_app, "unit", OTHERS)
    return hub_app


async def last_code(hub):
    """The code that was sent last; None when none was since the last look."""
    await hub.settle()
    async with hub.services.database.transaction(write=True) as tx:
        rows = await tx.session.execute(
            select(col(OutboxRow.id), col(OutboxRow.payload))
            .where(col(OutboxRow.kind) == KIND)
            .order_by(col(OutboxRow.due_at).desc(), col(OutboxRow.id).desc())
        )
        texts = [payload.get("text", "") for _, payload in rows]
        shown = (await tx.session.execute(select(col(DeliveredMessage.text)))).scalars().all()
        await tx.session.execute(
            update(OutboxRow).where(col(OutboxRow.kind) == KIND).values(payload={})
        )
    codes = [found[0] for text in texts if (found := re.search(r"\d{6}", text))]
    assert not any(code in text for code in codes for text in shown)
    return codes[0] if codes else None


async def ask(hub, phone=MINE, client=None):
    return await (client or hub.client()).post("/sign-in/code", json={"phone": phone})


async def enter(hub, code, phone=MINE, client=None, **more):
    return await (client or hub.client()).post(
        "/sign-in/code/enter", json={"phone": phone, "code": code, **more}
    )


async def ask_recovery(hub, username="operator", phone=MINE):
    return await hub.client().post("/recover", json={"username": username, "phone": phone})


async def enter_recovery(hub, code, username="operator", phone=MINE):
    body = {"username": username, "phone": phone, "code": code}
    return await hub.client().post("/recover/code", json=body)


def proof_of(answer):
    assert answer.status_code == 200, answer.text
    return next(field["value"] for field in answer.json()["fields"] if field["name"] == "proof")


def without_request(answer):
    return answer.status_code, {**answer.json(), "request": ""}


async def count(hub, table):
    async with hub.services.database.transaction() as tx:
        return (await tx.session.execute(select(func.count()).select_from(table))).scalar_one()


async def test_a_code_signs_in_once_and_in_time(hub):
    assert (await ask(hub)).status_code == 200
    code = await last_code(hub)
    wrong = "000000" if code != "000000" else "000001"
    assert (await enter(hub, wrong)).json()["errors"][0]["code"] == "code-wrong"
    for phone in (OTHERS, NOBODYS):
        assert (await enter(hub, code, phone)).status_code == 422
    answers = await asyncio.gather(*(enter(hub, code) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 422, 422, 422]
    assert next(a for a in answers if a.status_code == 200).json()["name"] == "吴话务"
    assert (await enter(hub, code)).status_code == 422
    async with hub.services.database.transaction() as tx:
        rows = await tx.session.execute(select(col(SignInSession.proofs)))
    assert list(rows.scalars()) == [["sms"]]
    hub.clock.move(minutes=2)
    await hub.services.shared.forget("sign-in-code:pause:+8613800001234|None")
    assert (await ask(hub)).status_code == 200
    late = await last_code(hub)
    hub.clock.move(minutes=5, seconds=1)
    assert (await enter(hub, late)).status_code == 422
    assert await count(hub, PhoneCode) == 1
    await hub.services._tidy_sign_ins()
    assert await count(hub, PhoneCode) == await count(hub, PhoneProof) == 0


async def test_a_code_takes_five_tries(hub):
    await ask(hub)
    code = await last_code(hub)
    wrong = "000000" if code != "000000" else "000001"
    for _ in range(5):
        assert (await enter(hub, wrong)).status_code == 422
    assert (await enter(hub, code)).status_code == 422


async def test_a_phone_of_nobody_is_told_the_same_for_the_same_work(hub):
    answers, rows = [], []
    for phone in (MINE, NOBODYS):
        before = await count(hub, OutboxRow)
        answer = await ask(hub, phone)
        rows.append(await count(hub, OutboxRow) - before)
        body = answer.text.replace(phone, "").replace(f"{phone[:3]}****{phone[-4:]}", "")
        answers.append((answer.status_code, body))
    assert answers[0] == answers[1]
    assert rows == [1, 1]
    again = [await ask(hub, phone) for phone in (MINE, NOBODYS)]
    assert [a.json()["errors"][0]["code"] for a in again] == ["code-too-soon"] * 2
    assert await last_code(hub) is not None
    async with hub.services.database.transaction() as tx:
        sent = await tx.session.execute(select(col(DeliveredMessage.address)))
    assert list(sent.scalars()) == [f"+86{MINE}"]
    assert without_request(await enter(hub, "123456", NOBODYS)) == without_request(
        await enter(hub, "12345x", MINE)
    )


async def test_of_several_accounts_one_is_chosen_after_the_right_code_alone(hub):
    await give_phone(hub, "unit", MINE)
    asked = await ask(hub)
    assert "operator" not in asked.text
    code = await last_code(hub)
    right = await enter(hub, code, next="/work")
    assert "yimen" not in right.cookies
    fields = {field["name"]: field for field in right.json()["fields"]}
    assert [option["value"] for option in fields["account"]["options"]] == ["operator", "unit"]
    assert "吴话务" not in right.text  # masked, as everywhere
    choice = {"proof": fields["proof"]["value"], "next": "/work"}
    for bad in (
        {**choice, "account": "administrator"},
        {**choice, "proof": "x", "account": "unit"},
    ):
        assert (await hub.client().post("/sign-in/code/account", json=bad)).status_code == 409
    # a choice that was wrong has used the proof up: nobody goes through accounts with it
    answer = await hub.client().post("/sign-in/code/account", json={**choice, "account": "unit"})
    assert answer.json()["type"] == "urn:yimen:problem:code-over"
    await hub.services.shared.forget("sign-in-code:pause:+8613800001234|None")
    hub.clock.move(minutes=2)
    await ask(hub)
    choice["proof"] = proof_of(await enter(hub, await last_code(hub)))
    client = hub.client()
    answer = await client.post("/sign-in/code/account", json={**choice, "account": "unit"})
    assert answer.json()["name"] == "冯城管"
    assert await signed_in(client)


async def test_codes_of_one_purpose_open_no_other(hub):
    await ask(hub)
    code = await last_code(hub)
    assert (await enter_recovery(hub, code)).status_code == 422
    await ask_recovery(hub)
    other = await last_code(hub)
    assert (await enter(hub, other)).status_code == 422
    assert (await enter_recovery(hub, other, "unit")).status_code == 422
    proof = proof_of(await enter_recovery(hub, other))
    choice = {"proof": proof, "account": "operator"}
    assert (await hub.client().post("/sign-in/code/account", json=choice)).status_code == 409
    assert await count(hub, SignInSession) == 0


async def test_an_account_with_a_second_factor_owes_it_after_a_code(hub):
    async with hub.services.database.transaction(write=True) as tx:
        who = (
            await tx.session.execute(select(col(Person.id)).where(col(Person.username) == "unit"))
        ).scalar_one()
        tx.session.add(Totp(person_id=who, sealed="x", created_at=tx.now, confirmed_at=tx.now))
    await ask(hub, OTHERS)
    client = hub.client()
    answer = await enter(hub, await last_code(hub), OTHERS, client)
    assert (answer.status_code, answer.json()["location"]) == (401, "/sign-in/second")
    assert not await signed_in(client)
    await ask_recovery(hub, "unit", OTHERS)
    proof = proof_of(await enter_recovery(hub, await last_code(hub), "unit", OTHERS))
    body = {"username": "unit", "proof": proof, "password": "pq7vhz2m"}  # beside a factor: 8
    assert (await client.post("/recover/password", json=body)).status_code == 200
    assert not await signed_in(client)
    answer = await client.post("/sign-in", json={"username": "unit", "password": "pq7vhz2m"})
    assert answer.json()["location"] == "/sign-in/second"  # recovery left it in force


async def test_a_password_is_recovered_and_every_session_ends(hub):
    here = await hub.client_as("operator")
    assert (await ask_recovery(hub)).status_code == 200
    code = await last_code(hub)
    proof = proof_of(await enter_recovery(hub, code))
    assert (await enter_recovery(hub, code)).status_code == 422
    body = {"username": "operator", "proof": proof}
    short = await hub.client().post("/recover/password", json={**body, "password": "short"})
    assert short.json()["errors"][0]["code"] == "password-short"
    same = await hub.client().post("/recover/password", json={**body, "password": PASSWORD})
    assert same.json()["errors"][0]["code"] == "password-again"
    answers = await asyncio.gather(
        *(hub.client().post("/recover/password", json={**body, "password": NEW}) for _ in range(3))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    assert all("yimen" not in answer.cookies for answer in answers)
    assert not await signed_in(here)
    client = hub.client()
    for password, status in ((PASSWORD, 401), (NEW, 200)):
        answer = await client.post("/sign-in", json={"username": "operator", "password": password})
        assert answer.status_code == status
    await hub.settle()
    assert "密码已修改" in (await client.page("/messages")).text
    async with hub.services.database.transaction() as tx:
        told = await tx.session.execute(select(col(DeliveredMessage.text)))
    assert any("密码已修改" in text for text in told.scalars())


async def test_recovery_says_the_same_of_who_is_on_record_and_who_is_not(hub):
    cases = (("operator", MINE), ("operator", OTHERS), ("nobody", NOBODYS), ("A b!", NOBODYS))
    answers = []
    for username, phone in cases:
        answer = await ask_recovery(hub, username, phone)
        body = re.sub(r'"value":"[^"]*"', "", answer.text)
        answers.append((answer.status_code, body))
        await hub.services.shared.forget(f"recover:pause:+86{phone}|{username.lower()}")
    assert len(set(answers)) == 1
    assert await last_code(hub) is not None
    assert await last_code(hub) is None
    async with hub.services.database.transaction() as tx:
        kept = await tx.session.execute(select(col(PhoneCode.phone), col(PhoneCode.purpose)))
        asked = await tx.session.execute(select(col(OutboxRow.payload)))
    assert [tuple(row) for row in kept] == [(f"+86{MINE}", "recover:operator")]
    assert "a b!" not in str(list(asked.scalars()))  # it may have been a password
    wrong = [await enter_recovery(hub, "000000", *case) for case in cases[1:]]
    assert len({str(without_request(answer)) for answer in wrong}) == 1


async def test_asking_is_bounded_and_strangers_keep_nobody_from_it(hub):
    async def often(ask, what, *cases):
        answers = []
        for case in cases:
            answers.append((await ask(hub, *case)).status_code)
            await hub.services.shared.forget(f"{what}:pause:+86{case[-1]}|{case[0]}")
        return answers

    statuses = []
    for _ in range(7):
        statuses.append((await ask(hub)).status_code)
        await hub.services.shared.forget(f"sign-in-code:pause:+86{MINE}|None")
    assert statuses == [200] * 5 + [429] * 2
    guessed = [("operator", f"1390000{n:04}") for n in range(7)]
    of_others = [(f"somebody{n}", MINE) for n in range(7)]
    assert await often(ask_recovery, "recover", *guessed, *of_others) == [200] * 14
    mine = [("operator", MINE)] * 6
    assert await often(ask_recovery, "recover", *mine) == [200] * 5 + [429]
    assert (await ask_recovery(hub, "unit", OTHERS)).status_code == 429  # twenty of one network


@pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)
async def test_nothing_leads_elsewhere_after_a_code(hub):
    for target in EVIL:
        client = hub.client()
        page = await client.get("/sign-in/code", params={"next": target})
        if page.status_code == 200:
            (kept,) = [f["value"] for f in page.json()["fields"] if f["name"] == "next"]
            assert kept == "/", target
            assert "evil" not in str(page.json()["ways"]), target
    await ask(hub)
    code = await last_code(hub)
    answer = await hub.client().post_form(
        "/sign-in/code/enter", {"phone": MINE, "code": code, "next": "/%09/evil.example"}
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


async def test_who_has_no_password_proves_who_they_are_by_another_code(hub):
    async with hub.services.database.transaction(write=True) as tx:
        await tx.session.execute(
            update(Person).where(col(Person.username) == "operator").values(password_hash=None)
        )
    await ask(hub)
    client = hub.client()
    assert (await enter(hub, await last_code(hub), client=client)).status_code == 200
    page = (await client.page("/sign-in/again?next=/work")).text
    assert 'name="password"' not in page
    assert "/sign-in/code?again=true&amp;next=%2Fwork" in page
    assert (await client.page("/sign-in/code?again=true&next=/work")).status_code == 200
    assert (await client.page("/sign-in/code?next=/work")).status_code == 303
