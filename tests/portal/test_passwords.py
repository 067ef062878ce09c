"""Changing one's password; what a first or an old one lets one do."""

import asyncio
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner
from sqlalchemy import select, update
from sqlmodel import col

from core import audit
from core.database import Database
from core.identity import passwords, sessions
from core.identity.models import EarlierPassword, Person
from portal.cli import main
from portal.testing.hub import PASSWORD
from tests.portal.test_session import EVIL, of, sign_in, signed_in

NEW = "lantern orbit pickle"
EARLY = datetime(2020, 1, 2, tzinfo=UTC)  # a day after the cast was made


async def change(client, old=PASSWORD, password=NEW, **more):
    return await client.post(
        "/me/password", json={"_csrf": client.csrf, "old": old, "password": password, **more}
    )


async def test_a_change_ends_the_other_sessions_and_renews_this_one(hub_app):
    here, there = [await hub_app.client_as("operator") for _ in range(2)]
    old = here.cookies["yimen"]
    wrong = await change(here, old="wrong password")
    assert wrong.json()["errors"][0] == {
        **wrong.json()["errors"][0],
        "field": "old",
        "code": "password-present",
    }
    assert (await change(here, password="short")).json()["errors"][0]["code"] == "password-short"
    same = await change(here, password=PASSWORD)
    assert same.json()["errors"][0]["code"] == "password-again"
    assert await signed_in(there)
    answer = await change(here)
    assert answer.status_code == 200
    assert here.cookies["yimen"] != old
    assert answer.json()["csrf"] == sessions.csrf_token(here.cookies["yimen"])
    assert await signed_in(here)
    assert not await signed_in(there)
    stolen = hub_app.client()
    stolen.cookies.set("yimen", old)
    assert not await signed_in(stolen)
    assert (await sign_in(hub_app.client())).status_code == 401
    assert (await sign_in(hub_app.client(), password=NEW)).status_code == 200
    await hub_app.settle()
    assert "密码已修改" in (await here.page("/messages")).text


@pytest.mark.parametrize("engine_kind", ["production"], indirect=True)
async def test_a_cookie_of_before_a_change_is_dead_on_the_other_worker_too(make_hub):
    first, second = [await make_hub(background=True) for _ in range(2)]
    here, elsewhere = [await first.client_as("operator") for _ in range(2)]
    for cookie in (here.cookies["yimen"], elsewhere.cookies["yimen"]):
        there = second.client()
        there.cookies.set("yimen", cookie)
        assert await signed_in(there)
    old = [here.cookies["yimen"], elsewhere.cookies["yimen"]]
    assert (await change(here)).status_code == 200
    old.append(here.cookies["yimen"])
    known = []
    for cookie in old:
        there = second.client()
        there.cookies.set("yimen", cookie)
        known.append(await signed_in(there))
    assert known == [False, False, True]


@pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)
async def test_guessing_the_present_password_is_bounded_and_keeps_nobody_out(hub_app):
    client = await hub_app.client_as("operator")
    statuses = [(await change(client, old="wrong")).status_code for _ in range(11)]
    assert statuses == [422] * 10 + [429]
    assert (await sign_in(hub_app.client())).status_code == 200


@pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)
async def test_the_page_has_no_value_and_leads_nowhere_else(hub_app):
    client = await hub_app.client_as("operator")
    page = await client.post_form("/me/password", {"old": PASSWORD, "password": "short"})
    assert page.status_code == 422
    assert PASSWORD not in page.text
    assert 'value="short"' not in page.text
    assert "至少 15 个字符" in page.text
    for target in EVIL:
        asked = await client.get("/me/password", params={"next": target})
        fields = {field["name"]: field["value"] for field in asked.json()["fields"]}
        assert fields["next"] == "/", target
    assert (
        await client.post("/me/password", data={"old": PASSWORD, "password": NEW})
    ).status_code == 403


@pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)
async def test_a_megabyte_of_password_costs_nothing_anywhere(hub_app, monkeypatch):
    client = await hub_app.client_as("operator")
    monkeypatch.setattr(passwords, "_hasher", None)  # asked, it would fail
    long = "a" * 1_000_000
    for path, body in (
        ("/me/password", {"old": long, "password": NEW}),
        ("/me/password", {"old": PASSWORD, "password": long}),
        ("/recover/password", {"username": "x1", "proof": "x", "password": long}),
        ("/recover", {"username": long, "phone": "13800001234"}),
        ("/sign-in/code", {"phone": long}),
    ):
        answer = await client.post(path, json=body)
        assert answer.status_code == 422, path
        assert "a" * 20 not in answer.text


@pytest.mark.parametrize("engine_kind", ["production"], indirect=True)
async def test_workers_count_tries_together_whatever_a_request_says_of_itself(
    make_hub, monkeypatch
):
    async def wrong(kept, password):
        return False

    monkeypatch.setattr("portal.pages.session.verify_password", wrong)
    workers = [await make_hub() for _ in range(2)]
    statuses = []
    for n in range(12):
        client = of(workers[n % 2], "203.0.113.7")
        spoofed = {"x-forwarded-for": f"198.51.100.{n}", "forwarded": f"for=198.51.100.{n}"}
        statuses.append((await sign_in(client, "operator", "wrong", headers=spoofed)).status_code)
    assert statuses == [401] * 10 + [429] * 2
    asked = []
    for n in range(4):  # of one telephone in a minute, wherever it is asked from
        body = {"username": "operator", "phone": "13900000000"}
        client = of(workers[n % 2], f"203.0.113.{n}")
        asked.append((await client.post("/recover", json=body)).status_code)
    assert asked == [200] + [422] * 3
    others = {"username": "operator", "phone": "13900000001"}  # which stop nobody else
    assert (await of(workers[0], "203.0.113.9").post("/recover", json=others)).status_code == 200


async def owing(hub, username="operator"):
    async with hub.services.database.transaction(write=True) as tx:
        await tx.session.execute(
            update(Person).where(col(Person.username) == username).values(must_change=True)
        )


async def test_who_owes_a_password_can_do_nothing_before(hub_app):
    await owing(hub_app)
    client = await hub_app.client_as("operator")
    for path in ("/me", "/work", "/apps/hotline/orders", "/messages", "/me/record.json"):
        answer = await client.get(path)
        assert answer.status_code == 403, path
        assert answer.json()["type"] == "urn:yimen:problem:password-owed"
        assert "/me/password" in answer.json()["detail"]
    assert (await client.post("/mode", data={"mode": "elder"})).status_code == 403  # no token
    sent = await client.post("/feedback", json={"app": "yimen", "text": "x"})
    assert sent.json()["type"] == "urn:yimen:problem:password-owed"
    page = await client.page("/work?which=late")
    assert page.headers["location"] == "/me/password?next=%2Fwork%3Fwhich%3Dlate"
    shown = await client.page(page.headers["location"])
    assert "别人给您的" in shown.text
    answer = await change(client, next="/work?which=late")
    assert answer.json()["location"] == "/work?which=late"
    assert (await client.get("/work")).status_code == 200


async def test_a_first_password_is_changed_first(hub_app):
    admin = await hub_app.client_as("administrator")
    new = {"username": "newcomer", "name": "新来", "password": "Tr4in-station-bench"}
    assert (
        await admin.post("/admin/people", json={**new, "password": "12345678"})
    ).status_code == 422
    assert (await admin.post("/admin/people", json=new)).status_code == 201
    client = hub_app.client()
    assert (await sign_in(client, "newcomer", new["password"])).status_code == 200
    assert (await client.get("/me")).status_code == 403
    answer = await client.post("/me/password", json={"old": new["password"], "password": NEW})
    assert answer.status_code == 200
    assert await signed_in(client)


async def test_under_the_other_profile_passwords_grow_old_and_do_not_return(make_hub):
    hub = await make_hub(passwords="mlps")
    hub.clock.stand(EARLY)
    client = await hub.client_as("operator")
    assert await signed_in(client)
    first, second = "Xk7#pq2w", "Ym8#rt3v"
    assert (await change(client, password="lantern orbit")).json()["errors"][0]["code"] == (
        "password-kinds"
    )
    assert (await change(client, password=first)).status_code == 200
    assert (await change(client, first, second)).status_code == 200
    for again in (PASSWORD, first, second):
        refused = await change(client, second, again if again != PASSWORD else first)
        assert refused.json()["errors"][0]["code"] == "password-again"
    hub.clock.move(days=89)
    client = hub.client()
    assert (await sign_in(client, password=second)).status_code == 200
    hub.clock.move(days=1)
    client = hub.client()
    assert (await sign_in(client, password=second)).status_code == 200
    assert "已经用满 90 天" in (await client.page("/me/password")).text
    assert (await client.get("/work")).status_code == 403
    assert (await change(client, second, "Zn9#sw4x")).status_code == 200
    assert (await client.get("/work")).status_code == 200
    async with hub.services.database.transaction() as tx:
        kept = (await tx.session.execute(select(col(EarlierPassword.hash)))).scalars().all()
    assert len(kept) == 3


async def test_a_session_that_is_not_used_ends_and_one_that_is_does_not(make_hub):
    hub = await make_hub(passwords="mlps")
    hub.clock.stand(EARLY)
    await hub.services.actors.renew()  # uses are remembered by a worker that serves
    used, left, public = [hub.client() for _ in range(3)]
    for client in (used, left, public):
        assert (await sign_in(client, public_computer=client is public)).status_code == 200
    for _ in range(3):
        hub.clock.move(minutes=9)
        assert await signed_in(used)
        assert await signed_in(public)
    await hub.services.actors.write_seen()
    hub.clock.move(minutes=10)
    assert not await signed_in(public)  # ten minutes there, whatever the profile
    assert not await signed_in(left)
    assert await signed_in(used)
    hub.clock.move(minutes=30)
    assert not await signed_in(used)


@pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)
async def test_the_console_gives_a_password_for_once(fresh_database_url, tmp_path, monkeypatch):
    monkeypatch.setenv("YIMEN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("YIMEN_DATABASE_URL", fresh_database_url)
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "demo.json").touch()  # the cast is that of the demonstration
    run = CliRunner()
    given = await asyncio.to_thread(run.invoke, main, ["people", "password", "operator"])
    assert given.exit_code == 0, given.output
    database = Database(fresh_database_url)
    try:
        async with database.transaction() as tx:
            person = await tx.session.execute(
                select(col(Person.password_hash), col(Person.must_change)).where(
                    col(Person.username) == "operator"
                )
            )
            kept, must_change = person.one()
            acts = (await audit.search(tx, act="password-given"))[0]
    finally:
        await database.close()
    assert must_change
    assert await passwords.verify_password(kept, given.output.strip())
    assert given.output.strip() not in str(acts)
    unknown = await asyncio.to_thread(run.invoke, main, ["people", "password", "nobody"])
    assert unknown.exit_code == 1
