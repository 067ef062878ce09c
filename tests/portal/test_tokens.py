"""Tokens of people: made once, as far as their scopes reach, gone at once, never to be seen."""

import json
import logging
import re
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from core.access import grants
from core.access.bearers import covers, load_application
from core.access.grants import RoleDefinition
from core.audit.models import AuditEntry
from core.identity import people
from core.identity.models import Person
from core.identity.organizations import by_code
from core.identity.password_changes import set_password
from core.identity.passwords import NewPassword
from core.identity.provider import clients
from core.identity.provider.models import AccessToken, Client
from core.identity.provider.reach import give
from core.identity.tokens import secret
from core.identity.tokens import service as tokens
from core.identity.tokens.models import ApiToken
from core.messages.models import Notice
from plugin_sdk.ports import ScopeKind
from plugin_sdk.text import Text
from portal.bearers import PER_NETWORK
from tests.portal.oidc.relying import freely

ORDERS = "/apps/hotline/orders"
EMBEDDED = pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)


def bearer(token):
    return {"authorization": f"Bearer {token}"}


async def rows_of(tx, table: Any) -> Any:
    return (await tx.session.execute(select(table.__table__))).all()


async def make(client, scope, **more):
    """Make a token as its owner does, and return it."""
    answer = await client.post("/me/tokens", json={"name": "月报", "scope": scope, **more})
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return answer.json()["token"]


def refused(answer, error="invalid_token"):
    """Return whether an answer refuses a token as RFC 6750 and RFC 9457 say."""
    assert answer.headers["content-type"].startswith("application/problem+json")
    return f'error="{error}"' in answer.headers["www-authenticate"]


def test_a_token_tells_itself_and_a_false_one_is_known_without_asking():
    token = secret.make()
    assert re.fullmatch(r"ymt_[0-9A-Za-z]{46}", token)
    assert secret.well_formed(token)
    other = "b" if token[10] != "b" else "c"
    assert not secret.well_formed(token[:10] + other + token[11:])
    assert not secret.well_formed(token + "\n")
    assert secret.checksum("123456789") == secret.checksum("123456789") != secret.checksum("0")


def test_a_scope_reaches_its_app_or_one_permission():
    assert covers(["hotline:read"], "hotline.order.read", changes=False)
    assert not covers(["hotline:read"], "hotline.order.read", changes=True)
    assert covers(["hotline:write"], "hotline.order.read", changes=False)
    assert covers(["hotline.order.read"], "hotline.order.read", changes=True)
    assert not covers(["hot:write", "hotline.order"], "hotline.order.read", changes=False)


async def test_a_token_acts_as_far_as_its_scopes_reach_until_it_is_revoked(hub_app):
    """Made, used, seen as used, revoked; the record and the log know its last four alone."""
    owner = await hub_app.client_as("operator")
    reading = await make(owner, "hotline:read")
    filing = await make(
        owner, "hotline.order.file", more="hotline.order.read\nhotline.order.intake"
    )
    program = hub_app.client()
    await hub_app.services.actors.renew()
    answer = await program.get(ORDERS, headers=bearer(reading))
    assert answer.status_code == 200, answer.text
    order = {"kind": "help", "text": "路灯不亮，连着五盏", "place": "文化路"}
    answer = await program.post(ORDERS, json=order, headers=bearer(reading))
    assert answer.status_code == 403
    assert refused(answer, "insufficient_scope")
    form = await program.post(  # no cookie, so no form token: a program's form is its own
        ORDERS, data=order, headers=bearer(filing) | {"accept": "application/json"}
    )
    assert form.status_code == 201, form.text
    # the scheme is not case-sensitive; a cookie beside a token counts for nothing
    cookie = {"cookie": f"yimen={owner.cookies['yimen']}"}
    header = {"authorization": f"bearer {reading}"} | cookie
    assert (await program.post(ORDERS, json=order, headers=header)).status_code == 403
    await hub_app.services.actors.write_seen()
    shown = (await owner.get("/me/tokens")).json()
    lines = {line["title"]["params"]["hint"]: line for line in shown["groups"][0]["lines"]}
    assert lines[reading[-4:]]["facts"][-1]["key"] == "page.tokens.used"
    page = (await owner.page("/me/tokens")).text
    assert reading[-4:] in page
    assert reading[:-4] not in page
    stranger = await hub_app.client_as("resident")
    revoke = f"/me/tokens/{lines[reading[-4:]]['id']}/revoke"
    assert (await stranger.post(revoke, json={})).status_code == 404
    assert (await owner.post_form(revoke, {})).status_code == 303
    answer = await program.get(ORDERS, headers=bearer(reading))
    assert answer.status_code == 401
    assert refused(answer)
    assert (await program.get(ORDERS, headers=bearer(filing))).status_code == 200
    assert (await owner.post(revoke, json={})).status_code == 409
    async with hub_app.services.database.transaction() as tx:
        kept, stored = [
            json.dumps([list(row) for row in await rows_of(tx, table)], default=str)
            for table in (AuditEntry, ApiToken)
        ]
    assert f"\\u2026{filing[-4:]}" in kept
    assert not any(token in kept + stored for token in (reading, filing))


@EMBEDDED
async def test_what_people_do_about_their_own_sign_in_is_no_programs(hub_app):
    """Passwords, factors, tokens and sessions; nor is a visitor's address more than that."""
    owner = await hub_app.client_as("administrator")
    token = await make(owner, "yimen:write", more="yimen.people.read hotline:write")
    program = hub_app.client()
    program.headers["authorization"] = f"Bearer {token}"
    for address in ("/me", "/me/security", "/me/sessions", "/me/tokens", "/me/record"):
        assert (await program.get(address)).json()["type"].endswith("token-not-here"), address
    for address in ("/me/tokens", "/me/password", "/sign-out", "/sign-in", "/recover", "/post"):
        answer = await program.post(address, json={})
        assert answer.json()["type"].endswith("token-not-here"), address
    for address in ("/work", "/messages", "/admin/people"):
        assert (await program.get(address)).status_code == 200, address
    narrow = bearer(await make(owner, "yimen.people.read"))
    assert (await program.get("/work", headers=narrow)).status_code == 403
    assert "work" not in (await program.get("/", headers=narrow)).json()  # as a visitor sees it
    # of high risk: never by "write", by its very name alone; and it asks for no step-up
    add = {"username": "neu", "name": "某人", "password": "eine lange Reihe von Wörtern"}
    answer = await program.post("/admin/people", json=add)
    assert answer.json()["type"].endswith("token-risky")
    named = bearer(await make(owner, "yimen.people.manage"))
    hub_app.clock.move(hours=2)
    answer = await program.post("/admin/people", json=add, headers=named)
    assert answer.status_code == 201, answer.text
    # who makes one proves who they are first, and gives no more than they hold
    answer = await owner.post("/me/tokens", json={"name": "x", "scope": "hotline:read"})
    assert answer.json()["type"].endswith("step-up")


@EMBEDDED
async def test_a_token_that_cannot_be_is_not_made(hub_app):
    owner = await hub_app.client_as("operator")
    wrong = [
        ({"scope": "yimen.grants.manage"}, "scope", "token-scope"),
        ({"scope": "hotline:all"}, "scope", "token-scope"),
        ({"more": "absent:read"}, "more", "token-scope"),
        ({"expires_on": str(hub_app.clock.day(400))}, "expires_on", "token-days"),
        ({"expires_on": str(hub_app.clock.day(-1))}, "expires_on", "token-days"),
        ({"name": "长" * 61}, "name", "too-long"),
    ]
    for change, field, code in wrong:
        answer = await owner.post(
            "/me/tokens", json={"name": "x", "scope": "hotline:read", **change}
        )
        assert answer.status_code == 422, answer.text
        assert (answer.json()["errors"][0]["field"], answer.json()["errors"][0]["code"]) == (
            field,
            code,
        )
    for _ in range(tokens.MOST):
        await make(owner, "hotline:read")
    answer = await owner.post("/me/tokens", json={"name": "x", "scope": "hotline:read"})
    assert answer.json()["errors"][0]["code"] == "token-most"
    forged = await owner.post("/me/tokens", data={"name": "x", "scope": "hotline:read"})
    assert forged.status_code == 403


@EMBEDDED
async def test_what_is_no_token_is_refused_and_counted(make_hub, caplog):
    """Malformed, unknown, over, in an address; a hundred tries, and a good one goes on."""
    hub_app = await make_hub(background=True)  # it keeps its lease, and so knows the good one
    owner = await hub_app.client_as("operator")
    token = await make(owner, "hotline:read")
    short = await make(owner, "hotline:read", expires_on=str(hub_app.clock.day()))
    program = hub_app.client()
    assert (await program.get(ORDERS, headers=bearer(token))).status_code == 200
    for bad in ("", "ymt_", "x" * 5000, token[:-1], token + "a", "ymt_" + "0" * 46, "ÿ"):
        header = {"authorization": f"Bearer {bad}".encode("latin-1")}
        answer = await program.get(ORDERS, headers=header)
        assert answer.status_code == 401, bad
        assert refused(answer)
    assert (await program.get(f"{ORDERS}?access_token={token}")).status_code == 401
    answer = await program.get("/healthz", headers=bearer(secret.make()))
    assert answer.status_code == 401  # nobody goes on as a visitor who said who they were
    caplog.set_level(logging.DEBUG)
    for _ in range(PER_NETWORK):
        answer = await program.get(ORDERS, headers=bearer(secret.make()))
    assert answer.status_code == 429
    assert "retry-after" in answer.headers
    assert (await program.get(ORDERS, headers=bearer(token))).status_code == 200
    assert token not in caplog.text
    hub_app.clock.move(days=2)
    assert (await program.get(ORDERS, headers=bearer(short))).status_code in (401, 429)


async def test_a_token_is_worth_what_its_owner_is(hub_app):
    """Keeping somebody out, ending their post, recovering the password: at once."""
    services = hub_app.services
    owner = await hub_app.client_as("operator")
    token = await make(owner, "hotline:read")
    program = hub_app.client()
    actors = await hub_app.actors()
    id = actors["operator"].person_id
    assert (await program.get(ORDERS, headers=bearer(token))).status_code == 200
    async with services.database.transaction(write=True) as tx:
        await people.disable(tx, id)
    assert (await program.get(ORDERS, headers=bearer(token))).status_code == 401
    async with services.database.transaction(write=True) as tx:
        await people.enable(tx, id)
    assert (await program.get(ORDERS, headers=bearer(token))).status_code == 401
    owner = await hub_app.client_as("operator")
    token = await make(owner, "hotline:read")
    assert (await program.get(ORDERS, headers=bearer(token))).status_code == 200
    async with services.database.transaction(write=True) as tx:
        await tx.session.execute(
            update(Person).where(col(Person.id) == id).values(must_change=True)
        )
        await people.set_preferences(tx, id, elder=False)
    answer = await program.get(ORDERS, headers=bearer(token))
    assert answer.json()["type"].endswith("password-owed")
    async with services.database.transaction(write=True) as tx:
        await tx.session.execute(
            update(Person).where(col(Person.id) == id).values(must_change=False)
        )
        await people.set_preferences(tx, id, elder=True)
    assert (await program.get(ORDERS, headers=bearer(token))).status_code == 200
    profile = services.passwords.profile
    async with services.database.transaction(write=True) as tx:  # recovered, as by a stranger
        await set_password(tx, id, NewPassword("$argon2id$none"), profile)
    assert (await program.get(ORDERS, headers=bearer(token))).status_code == 401


async def test_a_token_of_a_post_ends_with_it(hub_app):
    owner = await hub_app.client_as("operator")
    token = await make(owner, "hotline:read")
    program = hub_app.client()
    await hub_app.services.actors.renew()
    assert (await program.get(ORDERS, headers=bearer(token))).status_code == 200
    post_id = (await hub_app.actor("operator")).post_id
    async with hub_app.services.database.transaction(write=True) as tx:
        await people.end_post(tx, post_id)
    assert (await program.get(ORDERS, headers=bearer(token))).status_code == 401


@pytest.mark.parametrize("engine_kind", ["production"], indirect=True)
async def test_a_revoked_token_is_refused_by_every_worker_at_once(make_hub):
    one, two = [await make_hub(background=True) for _ in range(2)]
    owner = await one.client_as("operator")
    header = bearer(await make(owner, "hotline:read"))
    for hub in (one, two, two):
        assert (await hub.client().get(ORDERS, headers=header)).status_code == 200
    (line,) = (await owner.get("/me/tokens")).json()["groups"][0]["lines"]
    assert (await owner.post(f"/me/tokens/{line['id']}/revoke", json={})).status_code == 200
    for hub in (two, one):
        assert (await hub.client().get(ORDERS, headers=header)).status_code == 401


@EMBEDDED
async def test_an_owner_is_told_before_the_end_and_an_administrator_sees_it(hub_app):
    owner = await hub_app.client_as("operator")
    token = await make(owner, "hotline:read", expires_on=str(hub_app.clock.day(5)))
    for _ in range(2):
        await hub_app.services.tell_of_ending_tokens()
        await hub_app.settle()
    async with hub_app.services.database.transaction() as tx:
        rows = await rows_of(tx, Notice)
    assert sum("page.tokens.ending" in repr(row) for row in rows) == 1
    admin = await hub_app.client_as("administrator")
    (line,) = (await admin.get("/admin/tokens")).json()["groups"][0]["lines"]
    assert "*" in line["facts"][0]
    assert token not in (await admin.page("/admin/tokens")).text
    assert (await owner.get("/admin/tokens")).status_code == 403
    assert (await admin.post(f"/admin/tokens/{line['id']}/revoke", json={})).status_code == 200
    program = hub_app.client()
    assert (await program.get(ORDERS, headers=bearer(token))).status_code == 401
    assert (await admin.get("/admin/tokens")).json()["groups"][0]["lines"] == []


async def application(hub, *, scopes, units=("371603",), id="hr-sync"):
    """Register an application where it may act, and return a token that the provider gave it."""
    async with hub.services.database.transaction(write=True) as tx:
        wanted = clients.Wanted(
            name=Text("人事系统", "HR"), grants=(clients.CREDENTIALS,), scopes=tuple(scopes)
        )
        made = await clients.register(tx, id, wanted, None, lending=freely)
        for code in units:
            unit: Any = await by_code(tx, code)
            await give(tx, id, unit.id, by=None)
    asked = {"grant_type": "client_credentials", "scope": " ".join(scopes)}
    answer = await hub.client().post("/oidc/token", data=asked, auth=(id, made.secret))
    assert answer.status_code == 200, answer.text
    return answer.json()["access_token"]


@EMBEDDED
async def test_nobody_passes_on_by_an_application_what_they_do_not_hold(hub_app):
    await application(hub_app, scopes=["hotline.order.read"], units=())
    async with hub_app.services.database.transaction(write=True) as tx:
        helper = RoleDefinition("help.desk", Text("帮手", "Help"), ("yimen.people.factors",))
        await grants.define_roles(tx, "help", [helper])
        unit: Any = await people.by_username(tx, "unit")
        (post, *_) = await people.posts(tx, [unit.id])
        await grants.grant(tx, post.id, "help.desk", ScopeKind.ALL)
    asked = {"client": "hr-sync", "organization": "371603"}
    helping, admin = await hub_app.client_as("unit"), await hub_app.client_as("administrator")
    assert (await helping.post("/admin/tokens/reach", json=asked)).status_code == 403
    assert (await admin.post("/admin/tokens/reach", json=asked)).status_code == 201
    async with hub_app.services.database.transaction(write=True) as tx:
        (given,) = [entry for entry in await rows_of(tx, AuditEntry) if entry.act == "reach-given"]
        assert given.facts["scopes"] == ["hotline.order.read"]
        # one that was registered before it was refused acts by it nowhere
        await tx.session.execute(update(Client).values(scopes=["yimen.grants.manage"]))
        await tx.session.execute(update(AccessToken).values(scopes=["yimen.grants.manage"]))
        (held,) = await rows_of(tx, AccessToken)
        actor: Any = await load_application(tx, held.digest)
        assert not actor.permits


async def test_an_application_acts_for_itself_where_it_was_let(hub_app):
    token = await application(hub_app, scopes=["hotline.order.read"])
    elsewhere = await application(hub_app, scopes=["hotline.order.read"], units=(), id="nowhere")
    program = hub_app.client()
    program.headers["authorization"] = f"Bearer {token}"
    resident = await hub_app.client_as("resident")
    order = {"kind": "help", "text": "路灯不亮，连着五盏", "place": "文化路"}
    assert (await resident.post(ORDERS, json=order)).status_code == 201
    answer = await program.get(ORDERS)
    assert answer.status_code == 200, answer.text
    assert (await program.get("/work")).status_code == 403  # it is nobody
    assert (await program.post(ORDERS, json=order)).status_code == 403
    assert (await program.get(ORDERS, headers=bearer(elsewhere))).status_code == 403
    async with hub_app.services.database.transaction(write=True) as tx:
        await clients.set_disabled(tx, "hr-sync", disabled=True)
    answer = await program.get(ORDERS)
    assert answer.status_code == 401
    assert refused(answer)
