"""What an attacker found, held shut."""

from datetime import timedelta

import httpx
import pytest
from litestar._parsers import parse_url_encoded_form_data

from core.access.behalf import record_consent
from core.access.delegation import delegate
from core.access.grants import grant
from plugin_sdk.ports import ScopeKind

URLENCODED = {"content-type": "application/x-www-form-urlencoded"}
PAGE = {"accept": "text/html"}


async def test_a_form_that_is_not_utf8_is_refused_and_nothing_is_kept(hub_app):
    resident = await hub_app.client_as("resident")
    for text in ("%ff%fe", "%ed%a0%80", "ok%c3"):
        answer = await resident.post(
            "/apps/hotline/orders",
            content=f"kind=help&text={text}&_csrf={resident.csrf}",
            headers=URLENCODED,
        )
        assert answer.status_code == 400, answer.text
        assert answer.json()["type"] == "urn:yimen:problem:bad-form-data"
    kept = await resident.get("/apps/hotline/orders.csv")
    assert len(kept.text.splitlines()) == 1, "only the head of the table"


async def test_no_form_stays_in_memory_once_it_is_read(hub_app):
    parse_url_encoded_form_data.cache_clear()
    client = hub_app.client()
    await client.post("/sign-in", content="username=nobody&password=kept", headers=URLENCODED)
    wrong = await client.post("/feedback", content="text=x", headers={**URLENCODED, **PAGE})
    assert wrong.status_code == 422
    assert parse_url_encoded_form_data.cache_info().currsize == 0


async def test_a_form_of_very_many_fields_is_refused(hub_app):
    body = "&".join(f"a{n}=1" for n in range(5000))
    answer = await hub_app.client().post("/sign-in", content=body, headers=URLENCODED)
    assert answer.status_code == 400


async def test_nobody_locks_themselves_out_as_administrator(hub_app):
    administrator = await hub_app.client_as("administrator")
    found = (await administrator.get("/admin/people")).json()["people"]
    (me,) = (item for item in found if item["username"] == "administrator")
    shown = (await administrator.get(me["href"])).json()
    (post,), (grant,) = shown["posts"], shown["grants"]
    for path in (
        f"{me['href']}/disable",
        f"/admin/posts/{post['id']}/end",
        f"/admin/grants/{grant['id']}/withdraw",
    ):
        answer = await administrator.post(path, json={})
        assert answer.status_code == 409, path
        assert answer.json()["type"] == "urn:yimen:problem:not-oneself"
    assert (await administrator.get("/admin/people")).status_code == 200


async def test_too_many_tries_are_said_where_no_password_is_asked_for(hub_app):
    visitor = hub_app.client()
    guess = {"number": "202601010001", "code": "1"}
    for _ in range(20):
        assert (await visitor.post("/track", json=guess)).status_code == 200
    answer = await visitor.post("/track", json=guess)
    assert answer.status_code == 429
    assert "密码" not in answer.json()["detail"]


async def test_a_form_of_an_ended_session_keeps_what_was_typed(hub_app, client_as):
    resident = await client_as("resident")
    typed = {"kind": "help", "text": "路灯不亮，连着五盏", "place": "富国路"}
    answer = await resident.post_form("/apps/hotline/orders", {**typed, "_csrf": "of-yesterday"})
    assert answer.status_code == 403
    assert typed["text"] in answer.text
    assert resident.csrf in answer.text  # sent again, it is taken


async def test_a_visitor_who_sends_a_form_is_told_to_sign_in_first(hub_app):
    visitor = hub_app.client()
    answer = await visitor.post_form("/apps/hotline/orders", {"kind": "help", "text": "路灯"})
    assert answer.status_code == 401
    assert "需要登录" in answer.text


async def test_an_office_that_signs_in_often_is_not_locked_out(hub_app):
    for _ in range(49):  # wrong passwords from behind the same address; one more may come
        await hub_app.services.shared.hit("sign-in:address:127.0.0.1", 600)
    for role in ("operator", "dispatcher", "unit"):
        assert (await hub_app.client_as(role)).csrf


async def sent_slowly(client, path, values, meanwhile):
    """Send a form whose body is held until something else has been done."""

    async def body():
        form = httpx.QueryParams({"_csrf": client.csrf, **values})
        yield b""
        await meanwhile()
        yield str(form).encode()

    return await client.post(path, content=body(), headers=URLENCODED)


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("/admin/grants", {"username": "unit", "role": "yimen.administrator", "scope": "all"}),
        ("/admin/people/{unit}/erase", {"reason": "x", "confirm": "unit"}),
        ("/admin/people/{unit}/disable", {}),
    ],
)
async def test_a_body_that_was_held_is_not_taken_under_a_right_that_is_gone(hub_app, path, values):
    first = await hub_app.client_as("administrator")
    deputy = (await hub_app.actor("deputy")).post_id
    async with hub_app.services.database.transaction(write=True) as tx:
        given = await grant(tx, deputy, "yimen.administrator", ScopeKind.ALL)
    second = await hub_app.client_as("deputy")
    unit = (await hub_app.actor("unit")).person_id

    async def withdraw():
        answer = await first.post(f"/admin/grants/{given}/withdraw", json={})
        assert answer.status_code == 200, answer.text

    answer = await sent_slowly(second, path.format(unit=unit), values, withdraw)
    assert answer.status_code == 403, answer.text
    assert (await hub_app.client_as("unit")).csrf
    assert "yimen.grants.manage" not in (await hub_app.actor("unit")).permits


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("/pins", {"name": "x", "href": "/work"}),
        ("/post", {"post": "{post}", "back": "/"}),
        ("/mode", {"mode": "elder", "back": "/"}),
        ("/behalf/{consent}/begin", {}),
    ],
)
async def test_a_body_that_was_held_is_not_taken_of_a_session_that_is_over(hub_app, path, values):
    actors = await hub_app.actors()
    grid, resident = actors["grid"], actors["resident"]
    async with hub_app.services.database.transaction(write=True) as tx:
        consent = await record_consent(
            tx,
            resident.person_id,
            agent_id=grid.person_id,
            scope=["hotline"],
            given="written",
            evidence="1",
            ends_at=tx.now + timedelta(days=1),
            by=grid.person_id,
        )
    client, other = await hub_app.client_as("grid"), await hub_app.client_as("grid")

    async def leave():
        assert (await other.post("/sign-out-everywhere", json={})).status_code == 200

    values = {key: value.format(post=grid.post_id) for key, value in values.items()}
    answer = await sent_slowly(client, path.format(consent=consent), values, leave)
    assert answer.status_code == 403, answer.text


OF_THE_GIVER = [
    "/admin/people/{person}/disable",
    "/admin/people/{person}/leave",
    "/admin/posts/{post}/end",
    "/admin/posts/{post}/transfer",
    "/admin/grants/{grant}/withdraw",
]


async def test_who_acts_in_anothers_post_does_nothing_to_whose_post_it_is(hub_app):
    actors = await hub_app.actors()
    chief, deputy = actors["administrator"], actors["deputy"]
    async with hub_app.services.database.transaction(write=True) as tx:
        handed = await delegate(
            tx,
            chief.post_id,
            deputy.person_id,
            by=chief.person_id,
            starts_at=tx.now,
            ends_at=tx.now + timedelta(days=1),
            reason="x",
        )
    (held,) = {permit.grant for permit in chief.permits["yimen.people.manage"]}
    client = await hub_app.client_as("deputy")
    assert (await client.post("/post", json={"post": str(handed), "back": "/"})).status_code == 200
    for path in OF_THE_GIVER:
        where = path.format(person=chief.person_id, post=chief.post_id, grant=held)
        values = {"organization": "371603U01", "title": "x"} if "transfer" in path else {}
        answer = await client.post(where, json=values)
        assert answer.status_code == 409, answer.text
        assert answer.json()["type"] == "urn:yimen:problem:not-oneself"
        assert (await hub_app.client_as("administrator")).csrf


@pytest.mark.parametrize("path", ["/me/delegations", "/me/consents"])
async def test_nobody_tells_others_without_end(hub_app, path):
    client = await hub_app.client_as("unit")
    for _ in range(60):
        assert (await client.post(path, json={})).status_code == 422
    answer = await client.post(path, json={})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "3600")


async def test_a_line_break_in_a_name_forges_nothing(hub_app, caplog):
    caplog.set_level("DEBUG")
    administrator = await hub_app.client_as("administrator")
    for name in ("x\n2026-01-01 signed-in administrator", "x\r\nset-cookie: a=b", "x\x00"):
        tried = {"username": name, "password": "x" * 20}
        answer = await hub_app.client().post("/sign-in", json=tried)
        assert answer.status_code in (401, 422)
        assert "set-cookie" not in answer.headers
        refused = await administrator.post("/admin/people", json={**tried, "name": "某"})
        assert refused.status_code == 422, refused.text
        assert all(name not in record.getMessage() for record in caplog.records)


async def test_while_the_database_is_away_nobody_is_let_in_and_nobody_taken_for_a_visitor(hub_app):
    """Who is cached under a running lease comes as far as the app, which has no database."""
    unknown, cached = await hub_app.client_as("resident"), await hub_app.client_as("resident2")
    await cached.get("/apps/hotline/orders")
    actors = hub_app.services.actors
    await actors.start()
    async with hub_app.database_away():
        for client in (cached, unknown):
            actors._evict("*" if client is unknown else "session:none")
            for path in ("/apps/hotline/orders", "/me", "/admin/people"):
                answer = await client.get(path)
                assert answer.status_code == 503, (path, answer.text)
                assert answer.json()["type"] == "urn:yimen:problem:database-away"
    assert (await unknown.get("/apps/hotline/orders")).status_code == 200
