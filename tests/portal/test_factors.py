"""Second factors, seen from outside: set up, asked for at sign-in, guessed, replayed, lost."""

import asyncio
import base64

import pytest
from sqlalchemy import select
from sqlmodel import col

from core.audit.models import AuditEntry
from core.identity import totp
from core.identity.models import PendingSignIn, RecoveryCode, SignInSession, Totp
from core.identity.sessions import digest
from core.identity.signing_in import PENDING_TRIES
from portal.testing.hub import PASSWORD

ME = "/me/security"
SECOND = "/sign-in/second"


def code_of(answer):
    return answer.json()["type"].rpartition(":")[2]


def field_of(answer):
    (error,) = answer.json()["errors"]
    return error["code"]


class Phone:
    """A person's authenticator app."""

    def __init__(self, hub, key):
        self.hub = hub
        self.key = base64.b32decode(key.replace(" ", "") + "=" * (-len(key.replace(" ", "")) % 8))

    def shows(self, steps=0):
        return totp.code_of(self.key, totp.step_of(self.hub.clock()) + steps)


async def set_up(hub, role):
    """Set an authenticator app up for one of the cast; return client, phone, recovery codes."""
    client = await hub.client_as(role)
    phone = Phone(hub, (await client.get(f"{ME}/totp")).json()["key"])
    answer = await client.post(f"{ME}/totp", json={"code": phone.shows()})
    assert answer.status_code == 200, answer.text
    client.csrf = answer.json()["csrf"]
    hub.clock.move(seconds=60)  # that code is used
    return client, phone, answer.json()["codes"]


async def first_step(hub, role, client=None, **more):
    client = client or hub.client()
    answer = await client.post("/sign-in", json={"username": role, "password": PASSWORD, **more})
    assert (answer.status_code, code_of(answer)) == (401, "second-factor-needed"), answer.text
    assert answer.json()["location"] == SECOND
    return client


async def signed_in(client):
    return (await client.get("/me")).status_code == 200


async def recorded(hub, act):
    async with hub.services.database.transaction() as tx:
        found = await tx.session.execute(
            select(col(AuditEntry.facts))
            .where(col(AuditEntry.act) == act)
            .order_by(col(AuditEntry.at))
        )
        return list(found.scalars())


async def test_an_app_counts_once_it_has_shown_a_code(hub_app):
    client = await hub_app.client_as("operator")
    before = client.cookies["yimen"]
    shown = await client.page(f"{ME}/totp")
    assert shown.headers["cache-control"] == "no-store"
    key = (await client.get(f"{ME}/totp")).json()["key"]
    assert key not in shown.text  # who saw one that was not confirmed knows nothing
    phone = Phone(hub_app, key)
    wrong = await client.post(f"{ME}/totp", json={"code": "000000"})
    assert (wrong.status_code, field_of(wrong)) == (422, "totp-first")
    again = await client.post_form(f"{ME}/totp", {"code": "000000"})
    assert key in again.text  # a wrong code makes nobody scan anew
    # nothing is asked for yet
    await hub_app.client_as("operator")
    done = await client.post(f"{ME}/totp", json={"code": phone.shows()})
    assert len(set(done.json()["codes"])) == 10
    assert client.cookies["yimen"] != before
    async with hub_app.services.database.transaction() as tx:
        row = (await tx.session.execute(select(Totp))).scalar_one()
        codes = (await tx.session.execute(select(col(RecoveryCode.digest)))).scalars().all()
        proofs = await tx.session.execute(
            select(col(SignInSession.proofs)).where(
                col(SignInSession.id) == digest(client.cookies["yimen"])
            )
        )
    assert phone.key.hex() not in row.sealed
    assert not set(codes) & set(done.json()["codes"])
    assert proofs.scalar_one() == ["pwd", "otp", "mfa"]
    assert code_of(await client.get(f"{ME}/totp")) == "totp-held"
    await hub_app.settle()
    assert "启用了身份验证器" in (await client.page("/messages")).text


async def test_a_right_password_is_half_the_way(hub_app):
    _, phone, _ = await set_up(hub_app, "operator")
    client = await first_step(hub_app, "operator")
    assert "yimen" not in client.cookies
    assert "yimen-pending" in client.cookies
    assert not await signed_in(client)
    page = await client.page(f"{SECOND}?next=/work")
    assert 'autocomplete="one-time-code"' in page.text
    wrong = await client.post_form(SECOND, {"code": "000000", "next": "/work"})
    assert wrong.status_code == 422
    assert "验证码不对" in wrong.text
    assert not await signed_in(client)
    done = await client.post_form(SECOND, {"code": phone.shows(), "next": "/work"})
    assert (done.status_code, done.headers["location"]) == (303, "/work")
    assert await signed_in(client)
    assert "yimen-pending" not in client.cookies
    assert (await recorded(hub_app, "signed-in"))[-1] == {"proofs": ["pwd", "otp", "mfa"]}
    assert {"reason": "second-code"} in await recorded(hub_app, "second-factor-refused")


@pytest.mark.parametrize("next", ["//evil.example", "/\\evil.example", "/%09/evil.example"])
async def test_the_second_step_leads_nowhere_else(hub_app, next):
    _, phone, _ = await set_up(hub_app, "operator")
    client = hub_app.client()
    values = {"username": "operator", "password": PASSWORD, "next": next}
    answer = await client.post_form("/sign-in", values)
    assert answer.headers["location"] == f"{SECOND}?next=%2F"
    done = await client.post_form(SECOND, {"code": phone.shows(), "next": next})
    assert done.headers["location"] == "/"


async def test_one_code_lets_one_in_however_many_send_it(hub_app):
    _, phone, _ = await set_up(hub_app, "operator")
    clients = [await first_step(hub_app, "operator") for _ in range(20)]
    code = phone.shows()
    answers = await asyncio.gather(*(c.post(SECOND, json={"code": code}) for c in clients))
    assert sorted(a.status_code for a in answers) == [200] + [422] * 19


async def test_codes_beside_this_half_minute_are_taken_and_never_older_ones(hub_app):
    _, phone, _ = await set_up(hub_app, "operator")
    for steps, status in ((-2, 422), (2, 422), (1, 200), (0, 422), (-1, 422)):
        client = await first_step(hub_app, "operator")
        answer = await client.post(SECOND, json={"code": phone.shows(steps)})
        assert answer.status_code == status, steps


async def test_a_pending_sign_in_is_of_one_browser_once_and_for_five_minutes(hub_app):
    _, phone, codes = await set_up(hub_app, "operator")
    client = await first_step(hub_app, "operator")
    secret = client.cookies["yimen-pending"]
    stranger = hub_app.client()
    stranger.cookies.set("yimen-pending", "a" * 43)
    for other in (hub_app.client(), stranger):
        answer = await other.post(SECOND, json={"code": phone.shows()})
        assert (answer.status_code, code_of(answer)) == (401, "second-factor-over")
    async with hub_app.services.database.transaction() as tx:
        kept = set((await tx.session.execute(select(col(PendingSignIn.id)))).scalars())
    assert kept == {digest(secret)}
    assert (await client.post(SECOND, json={"code": codes[0]})).status_code == 200
    again = hub_app.client()
    again.cookies.set("yimen-pending", secret)
    assert code_of(await again.post(SECOND, json={"code": codes[1]})) == "second-factor-over"
    late = await first_step(hub_app, "operator")
    hub_app.clock.move(minutes=5, seconds=1)
    assert code_of(await late.post(SECOND, json={"code": codes[1]})) == "second-factor-over"
    assert "这次登录已结束" in (await late.page(SECOND)).text
    # two at once: one session
    both = await first_step(hub_app, "operator")
    answers = await asyncio.gather(*(both.post(SECOND, json={"code": c}) for c in codes[2:4]))
    assert sorted(a.status_code for a in answers) == [200, 401]


async def test_too_many_tries_end_it(hub_app):
    _, phone, _codes = await set_up(hub_app, "operator")
    client = await first_step(hub_app, "operator")
    for _ in range(PENDING_TRIES):
        assert field_of(await client.post(SECOND, json={"code": "123"})) == "second-code"
    assert code_of(await client.post(SECOND, json={"code": phone.shows()})) == "second-factor-over"
    # and a password that is known buys no endless tries by beginning anew
    refused = 0
    for _ in range(4):
        client = await first_step(hub_app, "operator")
        for _ in range(PENDING_TRIES):
            refused += (await client.post(SECOND, json={"code": "000000"})).status_code == 429
    assert refused > 0
    # the device of the person's own is counted by itself
    home = await hub_app.client_as("resident")
    assert await signed_in(home)


async def test_a_recovery_code_works_once_and_is_told(hub_app):
    client, _phone, codes = await set_up(hub_app, "operator")
    other = await first_step(hub_app, "operator")
    typed = codes[0].replace("-", " ").upper()
    assert (await other.post(SECOND, json={"code": typed})).status_code == 200
    late = await first_step(hub_app, "operator")
    assert field_of(await late.post(SECOND, json={"code": codes[0]})) == "second-code"
    await hub_app.settle()
    assert "用一个备用码登录" in (await client.page("/messages")).text
    assert (await client.get(ME)).json()["codes"] == 9
    renewed = (await client.post(f"{ME}/codes", json={})).json()["codes"]
    assert field_of(await late.post(SECOND, json={"code": codes[1]})) == "second-code"
    assert (await late.post(SECOND, json={"code": renewed[0]})).status_code == 200
    # without a factor they stand in for nothing
    assert (await client.post(f"{ME}/totp/remove", json={})).status_code == 200
    assert code_of(await client.post(f"{ME}/codes", json={})) == "codes-for-nothing"
    await hub_app.client_as("operator")


async def test_nobodys_factor_is_anothers(hub_app):
    _, phone, codes = await set_up(hub_app, "operator")
    await set_up(hub_app, "unit")
    client = await first_step(hub_app, "unit")
    for code in (phone.shows(), codes[0]):
        assert field_of(await client.post(SECOND, json={"code": code})) == "second-code"


async def test_who_leaves_leaves_only_when_the_other_has_come(hub_app):
    await set_up(hub_app, "operator")
    client = await hub_app.client_as("resident")
    old = client.cookies["yimen"]
    await first_step(hub_app, "operator", client)
    assert client.cookies["yimen"] == old
    assert await signed_in(client)


async def test_a_cookie_that_was_set_before_is_not_adopted_at_the_second_step(hub_app):
    _, phone, _ = await set_up(hub_app, "operator")
    client = hub_app.client()
    client.cookies.set("yimen", "a" * 43)
    await first_step(hub_app, "operator", client, public_computer=True)
    answer = await client.post(SECOND, json={"code": phone.shows()})
    (line,) = [c for c in answer.headers.get_list("set-cookie") if c.startswith("yimen=")]
    assert "a" * 43 not in line
    assert "Max-Age" not in line  # a public computer, as was said at the first step
    assert "yimen-device" not in answer.headers.get("set-cookie", "")


async def test_an_administrator_removes_what_was_lost_and_never_their_own(hub_app):
    client, _, _ = await set_up(hub_app, "unit")
    actors = await hub_app.actors()
    lost = f"/admin/people/{actors['unit'].person_id}/factors"
    waiting = await first_step(hub_app, "unit")
    administrator, _phone, _ = await set_up(hub_app, "administrator")
    assert (await client.post(lost, json={"reason": "自己来"})).status_code == 403
    assert field_of(await administrator.post(lost, json={})) == "missing"
    own = f"/admin/people/{actors['administrator'].person_id}/factors"
    refused = await administrator.post(own, json={"reason": "手机丢了"})
    assert (refused.status_code, code_of(refused)) == (409, "not-oneself")
    page = await administrator.page(f"/admin/people/{actors['unit'].person_id}")
    assert lost in page.text
    done = await administrator.post(lost, json={"reason": "手机丢了，核对了身份证"})
    assert done.json()["n"] == 1
    assert not await signed_in(client)
    assert code_of(await waiting.post(SECOND, json={"code": "1"})) == "second-factor-over"
    assert {"reason": "手机丢了，核对了身份证"} in await recorded(hub_app, "factors-removed")
    await hub_app.settle()
    back = await hub_app.client_as("unit")  # the password alone, to set up new ones
    assert "管理员移除了您的第二步验证" in (await back.page("/messages")).text
    assert code_of(await administrator.post(lost, json={"reason": "再来"})) == "factors-none"
    hub_app.clock.move(minutes=31)
    assert code_of(await administrator.post(lost, json={"reason": "再来"})) == "step-up"
