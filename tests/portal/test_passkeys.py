"""Passkeys, seen from outside: registered, signed in with, and every lie refused and recorded."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from core.identity.models import Passkey, Person
from core.identity.throttle import PER_NETWORK
from tests.portal.authenticator import Authenticator
from tests.portal.test_factors import (
    ME,
    SECOND,
    code_of,
    field_of,
    first_step,
    recorded,
    set_up,
    signed_in,
)

ALONE = "/sign-in/passkey"


async def register(client, key=None, *, name="办公室电脑", **lies):
    key = key or Authenticator()
    options = await client.post(f"{ME}/passkeys/options", json={})
    made = key.make(options.json()["publicKey"], **lies)
    answer = await client.post(f"{ME}/passkeys", json={"passkey": made, "name": name})
    if answer.status_code == 200:
        client.csrf = answer.json()["csrf"]
    return key, answer


async def options(client, purpose):
    answer = await client.post(f"{ALONE}/options", json={"purpose": purpose})
    assert answer.status_code == 200, answer.text
    return answer.json()["publicKey"]


async def test_a_passkey_alone_signs_in_as_two_factors(hub_app):
    operator = await hub_app.client_as("operator")
    key, answer = await register(operator)
    assert len(answer.json()["codes"]) == 10
    assert [item["name"] for item in (await operator.get(ME)).json()["passkeys"]] == ["办公室电脑"]
    client = hub_app.client()
    asked = await options(client, "sign-in")
    assert asked["userVerification"] == "required"
    assert not asked.get("allowCredentials")
    signed = {"passkey": key.sign(asked), "next": "/work"}
    done = await client.post_form(ALONE, signed)
    assert (done.status_code, done.headers["location"]) == (303, "/work")
    assert (await recorded(hub_app, "signed-in"))[-1] == {"proofs": ["pop", "mfa"]}
    # the same answer again: its challenge is used
    other = hub_app.client()
    again = await other.post(ALONE, json=signed)
    assert (again.status_code, field_of(again)) == (422, "passkey-stale")
    page = await other.post_form(ALONE, signed)
    assert "已过期或用过" in page.text
    assert not await signed_in(other)


async def test_a_passkey_is_a_second_factor(hub_app):
    _, phone, _ = await set_up(hub_app, "operator")
    home = await first_step(hub_app, "operator")
    assert (await home.post(SECOND, json={"code": phone.shows()})).status_code == 200
    key, answer = await register(home)
    assert "codes" not in answer.json()  # there are some already
    client = await first_step(hub_app, "operator")
    asked = await options(client, "second")
    assert len(asked["allowCredentials"]) == 1
    signed = key.sign(asked, verified=False)
    assert (await client.post(SECOND, json={"passkey": signed})).status_code == 200
    assert await signed_in(client)
    assert (await recorded(hub_app, "signed-in"))[-1] == {"proofs": ["pwd", "pop", "mfa"]}


LIES: list[tuple[dict[str, Any], str]] = [
    ({"origin": "https://evil.example"}, "passkey-origin"),
    ({"origin": "http://localhost:8000"}, "passkey-origin"),
    ({"rp_id": "evil.example"}, "passkey-origin"),
    ({"verified": False}, "passkey-unverified"),
    ({"user": b"somebody else..."}, "passkey-other"),
    ({"user": b""}, "passkey-other"),
]


async def test_what_a_passkey_should_not_sign_is_refused_and_recorded(hub_app):
    operator = await hub_app.client_as("operator")
    key, _ = await register(operator)
    for lie, code in LIES:
        client = hub_app.client()
        signed = key.sign(await options(client, "sign-in"), **lie)
        refused = await client.post(ALONE, json={"passkey": signed})
        assert (refused.status_code, field_of(refused)) == (422, code), lie
        assert not await signed_in(client)
    client = hub_app.client()
    # a key that nobody registered, one that signs for another, and an answer of another kind
    asked = await options(client, "sign-in")
    stranger = Authenticator()
    assert field_of(await client.post(ALONE, json={"passkey": stranger.sign(asked)})) == (
        "passkey-unknown"
    )
    stranger.id, stranger.user = key.id, key.user
    signed = stranger.sign(await options(client, "sign-in"))
    assert field_of(await client.post(ALONE, json={"passkey": signed})) == "passkey-signature"
    for text in ("", "{}", "[]", "x", '{"response": {"clientDataJSON": "!"}}', "[" * 9000):
        answer = await client.post(ALONE, json={"passkey": text})
        assert answer.status_code == 422, text
    reasons = {facts["reason"] for facts in await recorded(hub_app, "second-factor-refused")}
    assert reasons >= {code for _, code in LIES} | {"passkey-unknown", "passkey-signature"}


async def test_a_challenge_is_for_one_purpose_one_person_and_five_minutes(hub_app):
    operator, unit = [await hub_app.client_as(role) for role in ("operator", "unit")]
    mine, _ = await register(operator)
    theirs, _ = await register(unit)
    client = await first_step(hub_app, "operator")
    for_second, alone = await options(client, "second"), await options(client, "sign-in")
    wrong_use = await client.post(SECOND, json={"passkey": mine.sign(alone)})
    assert field_of(wrong_use) == "passkey-stale"
    other = await client.post(SECOND, json={"passkey": theirs.sign(for_second)})
    assert field_of(other) == "passkey-other"
    # that challenge is used up all the same
    assert field_of(await client.post(SECOND, json={"passkey": mine.sign(for_second)})) == (
        "passkey-stale"
    )
    late = await options(hub_app.client(), "sign-in")
    hub_app.clock.move(minutes=5, seconds=1)
    signed = {"passkey": mine.sign(late)}
    assert field_of(await hub_app.client().post(ALONE, json=signed)) == "passkey-stale"
    for purpose, status in (("second", 401), ("again", 401), ("register", 422)):
        answer = await hub_app.client().post(f"{ALONE}/options", json={"purpose": purpose})
        assert answer.status_code == status, purpose


async def test_a_counter_that_goes_back_tells_of_a_copy(hub_app):
    operator = await hub_app.client_as("operator")
    key, _ = await register(operator)
    client = hub_app.client()
    signed = key.sign(await options(client, "sign-in"))
    assert (await client.post(ALONE, json={"passkey": signed})).status_code == 200
    for counter in (key.counter - 1, key.counter - 2):  # the same as before, and less
        key.counter = counter
        signed = key.sign(await options(client, "sign-in"))
        refused = await hub_app.client().post(ALONE, json={"passkey": signed})
        assert field_of(refused) == "passkey-rolled-back"
    without, _ = await register(operator, Authenticator(counts=False), name="手机")
    for _ in range(2):  # one that has no counter is none the worse
        signed = without.sign(await options(client, "sign-in"))
        assert (await hub_app.client().post(ALONE, json={"passkey": signed})).status_code == 200


async def test_nobody_fills_the_record_with_lies(hub_app):
    operator = await hub_app.client_as("operator")
    key, _ = await register(operator)
    client = hub_app.client()
    signed = key.sign(await options(client, "sign-in"))
    assert (await client.post(ALONE, json={"passkey": signed})).status_code == 200
    answers = [await client.post(ALONE, json={"passkey": signed}) for _ in range(PER_NETWORK + 2)]
    assert [a.status_code for a in answers] == [422] * PER_NETWORK + [429] * 2
    assert len(await recorded(hub_app, "second-factor-refused")) == PER_NETWORK


async def test_one_answer_lets_one_in_however_many_send_it(hub_app):
    operator = await hub_app.client_as("operator")
    key, _ = await register(operator)
    signed = {"passkey": key.sign(await options(hub_app.client(), "sign-in"))}
    clients = [hub_app.client() for _ in range(10)]
    answers = await asyncio.gather(*(client.post(ALONE, json=signed) for client in clients))
    assert sorted(answer.status_code for answer in answers) == [200] + [422] * 9


@pytest.mark.parametrize("lie", [{"origin": "https://evil.example"}, {"rp_id": "evil.example"}])
async def test_a_passkey_of_elsewhere_is_not_registered(hub_app, lie):
    operator = await hub_app.client_as("operator")
    _, refused = await register(operator, **lie)
    assert field_of(refused) == "passkey-origin"
    assert (await operator.get(ME)).json()["any"] is False


async def test_passkeys_are_named_and_removed_by_their_own_person(hub_app):
    operator, unit = [await hub_app.client_as(role) for role in ("operator", "unit")]
    key, _ = await register(operator)
    twice = await register(operator, key)
    assert field_of(twice[1]) == "passkey-held"
    (held,) = (await operator.get(ME)).json()["passkeys"]
    one = f"{ME}/passkeys/{held['id']}"
    for act, body in (("rename", {"name": "我的"}), ("remove", {})):
        assert (await unit.post(f"{one}/{act}", json=body)).status_code == 404
    assert (await operator.post(f"{one}/rename", json={"name": "<b>手机</b>"})).status_code == 200
    page = await operator.page(ME)
    assert "&lt;b&gt;手机" in page.text
    assert (await operator.post(f"{one}/remove", json={})).status_code == 200
    await hub_app.client_as("operator")  # the password is enough again
    signed = key.sign(await options(hub_app.client(), "sign-in"))
    refused = await hub_app.client().post(ALONE, json={"passkey": signed})
    assert field_of(refused) == "passkey-unknown"
    async with hub_app.services.database.transaction(write=True) as tx:
        await tx.session.execute(
            update(Person).where(col(Person.username) == "unit").values(disabled_at=tx.now)
        )
        assert (await tx.session.execute(select(Passkey))).first() is None


async def test_passkeys_need_a_name_for_the_hub(make_hub):
    hub = await make_hub(public_url="https://192.0.2.7")
    operator = await hub.client_as("operator")
    assert "通行密钥要有域名" in (await operator.page(ME)).text
    refused = await operator.post(f"{ME}/passkeys/options", json={})
    assert (refused.status_code, code_of(refused)) == (409, "passkeys-impossible")
    assert 'data-passkey="' not in (await hub.client().page("/sign-in")).text
