"""Acts of high risk need a fresh proof, and a hub may ask for a second factor."""

import html
import re

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from core.access.freshness import RISKY
from core.access.grants import grant
from core.identity.models import Person
from core.identity.sessions import digest
from core.work.models import DraftRow
from plugin_sdk.ports import ScopeKind
from portal.testing.hub import PASSWORD
from tests.portal.test_acting import begun, hand_over, taken
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
from tests.portal.test_passkeys import options, register

AGAIN = "/sign-in/again"
STALE = {"minutes": 30, "seconds": 1}


def fields_of(page):
    found = re.findall(r'name="(\w+)" value="([^"]*)"', page)
    return {name: html.unescape(value) for name, value in found}


async def prove(client, **given):
    answer = await client.post(AGAIN, json=given)
    if answer.status_code == 200:
        client.csrf = answer.json()["csrf"]
    return answer


async def test_every_route_of_high_risk_asks_for_a_fresh_proof(hub_app):
    post = (await hub_app.actor("administrator")).post_id
    async with hub_app.services.database.transaction(write=True) as tx:
        for role in ("yimen.governance", "yimen.second_approver"):  # to come before every route
            await grant(tx, post, role, ScopeKind.ALL, granted_by=None)
    administrator = await hub_app.client_as("administrator")
    hub_app.clock.move(**STALE)
    risky = set()
    for handler in hub_app.hub.portal.handlers:
        full, fresh = handler.opt["yimen_permission"], handler.opt.get("fresh")
        if full not in RISKY and not fresh:
            continue
        path = re.sub(r"\{\w+:uuid\}", "0" * 8 + "-0000-7000-8000-" + "0" * 12, min(handler.paths))
        path = re.sub(r"\{\w+:str\}", "x", path)
        (method,) = {str(method) for method in handler.http_methods} - {"OPTIONS", "HEAD"}
        answer = await administrator.request(method, path, json={} if method == "POST" else None)
        assert (answer.status_code, code_of(answer)) == (403, "step-up"), path
        assert answer.json()["location"] == AGAIN
        risky.add(path)
    assert len(risky) > 30
    assert {"/me/delegations", "/me/consents"} < risky  # what lets another act in one's name
    assert (await administrator.get("/admin/people")).status_code == 200  # to read is no risk
    assert field_of(await prove(administrator, password="wrong")) == "password-wrong"
    assert (await prove(administrator, password=PASSWORD)).status_code == 200
    assert (await administrator.get("/admin/access/requests")).status_code == 200
    assert {"proofs": ["pwd"]} in await recorded(hub_app, "proved-again")


async def test_a_permission_of_high_risk_within_an_app_asks_too(hub_app):
    hub = hub_app
    operator = await hub.client_as("operator")
    risky = "hotline.order.reveal_caller"
    assert hub.services.freshness.risky(risky)
    assert not hub.services.freshness.risky("hotline.order.read")
    actor = await hub.services.actors.of_token(operator.cookies["yimen"])
    app = hub.hub._hub_for(next(a for a in hub.hub.loaded() if a.id == "hotline"))
    async with app.work(actor) as work:
        await work.require("order.reveal_caller")
    hub.clock.move(**STALE)
    with pytest.raises(Exception, match="step-up"):
        async with app.work(actor) as work:
            await work.require("order.reveal_caller")


async def test_a_page_comes_back_with_what_was_typed(hub_app):
    administrator = await hub_app.client_as("administrator")
    hub_app.clock.move(**STALE)
    led = await administrator.page("/admin/access/requests?a=1")
    assert led.status_code == 303
    assert led.headers["location"] == f"{AGAIN}?next=%2Fadmin%2Faccess%2Frequests%3Fa%3D1"
    actors = await hub_app.actors()
    typed = {"name": "甲能管人员", "username": "operator", "permission": "yimen.people.read"}
    asked = await administrator.post_form(
        "/admin/access/policy",
        {**typed, "allowed": "no", "_post": str(actors["administrator"].post_id)},
        headers={"referer": "http://127.0.0.1/admin/access/policy"},
    )
    assert asked.status_code == 403
    assert "刚才填的内容都在" in asked.text
    found = fields_of(asked.text)
    fields = {name: found[name] for name in ("next", "kept", "action")}
    assert "甲能管人员" in fields["kept"]
    assert administrator.csrf not in fields["kept"]
    stranger = {"_csrf": "x", **typed, "allowed": "no"}
    planted = await administrator.post_form("/admin/access/policy", stranger)
    assert "甲能管人员" not in planted.text  # a form that is not this session's own
    wrong = await administrator.post_form(AGAIN, {**fields, "password": "wrong"})
    assert wrong.status_code == 422
    assert "甲能管人员" in wrong.text  # kept once more
    old = administrator.cookies["yimen"]
    done = await administrator.post_form(AGAIN, {**fields, "password": PASSWORD})
    assert done.status_code == 200
    assert 'action="/admin/access/policy"' in done.text
    assert administrator.cookies["yimen"] != old
    send = fields_of(done.text)
    administrator.csrf = send["_csrf"]
    kept = {name: send[name] for name in (*typed, "allowed", "_post")}
    assert (await administrator.post_form("/admin/access/policy", kept)).status_code == 303
    assert "甲能管人员" in (await administrator.page("/admin/access/policy")).text


async def test_a_password_travels_in_no_page(hub_app):
    administrator = await hub_app.client_as("administrator")
    hub_app.clock.move(**STALE)
    typed = {"username": "neu", "name": "新来的", "password": "a secret of mine"}
    asked = await administrator.post_form(
        "/admin/people", typed, headers={"referer": "http://127.0.0.1/admin/people"}
    )
    assert asked.status_code == 403
    assert "a secret of mine" not in asked.text
    assert 'name="next" value="/admin/people"' in asked.text


async def test_the_strongest_factor_is_asked_for(hub_app):
    client, phone, _ = await set_up(hub_app, "operator")
    page = await client.page(AGAIN)
    assert 'id="f-code"' in page.text
    assert 'type="password"' not in page.text
    assert field_of(await prove(client, password=PASSWORD)) == "second-stronger"
    assert (await prove(client, code=phone.shows())).status_code == 200
    key, _ = await register(client)
    asked = await options(client, "again")
    other = await first_step(hub_app, "operator")
    assert (await other.post(SECOND, json={"code": phone.shows(1)})).status_code == 200
    stolen = await prove(other, passkey=key.sign(asked))  # asked of another session
    assert field_of(stolen) == "passkey-stale"
    assert (await prove(client, passkey=key.sign(asked))).status_code == 200


async def test_another_password_is_no_fresh_proof_beside_a_second_factor(hub_app):
    """Who knows the password of somebody who left their desk has half of what they proved."""
    client, phone, _ = await set_up(hub_app, "administrator")
    hub_app.clock.move(**STALE)
    new = "lantern orbit pickle"
    answer = await client.post("/me/password", json={"old": PASSWORD, "password": new})
    assert answer.status_code == 200, answer.text
    client.csrf = answer.json()["csrf"]
    for path in (f"{ME}/totp", "/admin/access/requests"):
        refused = await client.get(path)
        assert (refused.status_code, code_of(refused)) == (403, "step-up")
    assert (await prove(client, code=phone.shows())).status_code == 200
    assert (await client.get("/admin/access/requests")).status_code == 200


async def test_a_session_goes_on_and_its_old_secret_does_not(hub_app):
    client = await hub_app.client_as("unit")
    me = (await client.get("/me")).json()
    old, csrf = client.cookies["yimen"], client.csrf
    hub_app.clock.move(**STALE)
    answer = await prove(client, password=PASSWORD)
    (line,) = [c for c in answer.headers.get_list("set-cookie") if c.startswith("yimen=")]
    (age,) = map(int, re.findall(r"Max-Age=(\d+)", line))
    assert age <= 12 * 3600 - 1800  # it ends when it would have
    assert client.csrf != csrf
    now = (await client.get("/me")).json()
    assert now["posts"] == me["posts"]
    assert now["security"] == me["security"]  # as many sign-ins as before
    other = hub_app.client()
    other.cookies.set("yimen", old)
    assert not await signed_in(other)
    client.csrf = csrf
    assert (await client.post_form("/post", {"post": "x"})).status_code == 403
    assert (await hub_app.client().get(AGAIN)).status_code == 401


async def test_whom_a_session_acts_for_stays(hub_app):
    _, answer = await hand_over(hub_app)
    assert answer.status_code == 201, answer.text
    deputy = await hub_app.client_as("deputy")
    (line,) = await taken(deputy)
    assert (await deputy.post("/post", json={"post": line["id"]})).status_code == 200
    worker, _ = await begun(hub_app)
    for client in (deputy, worker):  # in a post that is delegated; for a resident
        actor = await hub_app.services.actors.of_token(client.cookies["yimen"])
        assert (await prove(client, password=PASSWORD)).status_code == 200
        now = await hub_app.services.actors.of_token(client.cookies["yimen"])
        assert (now.person_id, now.seat) == (actor.person_id, actor.seat)
        assert now.session_id != actor.session_id
        assert now.real_person_id == actor.real_person_id


async def test_drafts_of_a_public_computer_go_on_with_the_session(hub_app):
    client = await hub_app.client_as("resident")
    session = digest(client.cookies["yimen"])
    actor = await hub_app.services.actors.of_token(client.cookies["yimen"])
    async with hub_app.services.database.transaction(write=True) as tx:
        draft = DraftRow(
            key="k" * 20,
            person_id=actor.person_id,
            session_id=session,
            app="hotline",
            form="new",
            href="/",
            title_key="",
            saved_at=tx.now,
        )
        tx.session.add(draft)
    assert (await prove(client, password=PASSWORD)).status_code == 200
    async with hub_app.services.database.transaction() as tx:
        kept = (await tx.session.execute(select(col(DraftRow.session_id)))).scalar_one()
    assert kept == digest(client.cookies["yimen"])


async def test_a_proof_is_of_one_session(hub_app):
    administrator = await hub_app.client_as("administrator")
    hub_app.clock.move(**STALE)
    assert (await hub_app.client_as("administrator")).csrf  # the same person, elsewhere
    assert code_of(await administrator.get("/admin/access/requests")) == "step-up"
    # nor is it inherited by who signs in in the same browser
    unit = await first_sign_in(hub_app, administrator, "unit")
    assert (await unit.get(f"{ME}/totp")).status_code == 200
    hub_app.clock.move(**STALE)
    assert code_of(await unit.get(f"{ME}/totp")) == "step-up"


async def first_sign_in(hub, client, role):
    answer = await client.post("/sign-in", json={"username": role, "password": PASSWORD})
    client.csrf = answer.json()["csrf"]
    return client


async def test_passwords_are_not_guessed_by_proving_again(hub_app):
    client = await hub_app.client_as("unit")
    answers = [(await prove(client, password="wrong")).status_code for _ in range(12)]
    assert answers == [422] * 10 + [429] * 2


async def test_staff_must_set_a_factor_up_before_all_else(make_hub):
    hub = await make_hub(second_factor="staff")
    unit = await hub.client_as("unit")
    for path in ("/", "/work", "/me", "/apps/hotline/orders"):
        answer = await unit.get(path)
        assert (answer.status_code, code_of(answer)) == (403, "second-factor-missing"), path
        led = await unit.page(path)
        assert (led.status_code, led.headers["location"]) == (303, ME)
    assert "先设一种" in (await unit.page(ME)).text
    await hub.client_as("resident")
    client, phone, _ = await set_up(hub, "unit")
    assert (await client.get("/work")).status_code == 200
    assert (await unit.get("/work")).status_code == 403  # the other session proved none
    assert code_of(await client.post(f"{ME}/totp/remove", json={})) == "last-factor"
    resident = await hub.client_as("resident")
    assert (await resident.get("/me")).status_code == 200
    back = await first_step(hub, "unit")
    assert (await back.post(SECOND, json={"code": phone.shows()})).status_code == 200
    assert (await back.get("/work")).status_code == 200
    assert (await unit.post_form("/sign-out", {})).status_code == 303


@pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)
async def test_staff_with_a_first_password_change_it_and_then_set_a_factor_up(make_hub):
    hub = await make_hub(second_factor="staff")
    async with hub.services.database.transaction(write=True) as tx:
        await tx.session.execute(
            update(Person).where(col(Person.username) == "unit").values(must_change=True)
        )
    unit = await hub.client_as("unit")
    led = await unit.page("/work")
    assert (led.status_code, led.headers["location"]) == (303, "/me/password?next=%2Fwork")
    assert (await unit.page("/me/password")).status_code == 200
    for path in ("/recover", "/sign-in/code?again=true"):
        answer = await unit.page(path)
        assert answer.headers.get("location") != ME, path
    new = {"old": PASSWORD, "password": "lantern orbit pickle"}
    changed = await unit.post("/me/password", json=new)
    assert changed.status_code == 200, changed.text
    led = await unit.page("/work")
    assert (led.status_code, led.headers["location"]) == (303, ME)


async def test_what_is_risky_may_ask_for_a_second_factor(make_hub):
    hub = await make_hub(second_factor="risky")
    administrator = await hub.client_as("administrator")
    assert (await administrator.get("/admin/people")).status_code == 200
    refused = await administrator.get("/admin/access/requests")
    assert (refused.status_code, code_of(refused)) == (403, "second-factor-missing")
    client, _, _ = await set_up(hub, "administrator")
    assert (await client.get("/admin/access/requests")).status_code == 200
