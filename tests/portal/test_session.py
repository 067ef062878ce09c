"""Signing in and out, seen from outside: what an attacker would try."""

import httpx
import pytest
from sqlalchemy import select, update
from sqlmodel import col

from core import audit
from core.identity import passwords, sessions
from core.identity.models import Person, SignInSession
from core.identity.people import disable
from portal.testing.hub import PASSWORD, Client

EVIL = [
    "//evil.example",
    "/\\evil.example",
    "/%09/evil.example",
    "/%0d%0aevil: 1",
    "/\t/evil.example",
    "///evil.example",
    "/%2f/evil.example",
    "/%5cevil.example",
    "https://evil.example/",
    "javascript:alert(1)",
    "evil.example",
    "\\\\evil.example",
    "//127.0.0.1@evil.example",
    "/" + "a" * 6001,
    " //evil.example",
]


def of(hub, address):
    """A client that comes from an address."""
    client = Client(
        transport=httpx.ASGITransport(app=hub.hub, client=(address, 5), raise_app_exceptions=False),
        base_url=hub.hub.settings.public_url,
        headers={"accept": "application/json"},
    )
    hub._clients.append(client)
    return client


async def sign_in(client, username="operator", password=PASSWORD, **more):
    headers = more.pop("headers", {})
    return await client.post(
        "/sign-in", json={"username": username, "password": password, **more}, headers=headers
    )


def cookie_of(answer):
    (line,) = [c for c in answer.headers.get_list("set-cookie") if "yimen=" in c]
    name, _, rest = line.partition("=")
    value, *flags = rest.split("; ")
    return name, value, {flag.lower() for flag in flags}


async def signed_in(client):
    return (await client.get("/me")).status_code == 200


async def test_a_session_is_opaque_new_each_time_and_kept_as_a_digest(hub_app):
    client = hub_app.client()
    values = set()
    for _ in range(3):
        _, value, flags = cookie_of(await sign_in(client))
        assert len(value) >= 43  # 256 bits
        assert {"httponly", "samesite=lax", "path=/"} <= flags
        assert "secure" not in flags
        values.add(value)
    assert len(values) == 3
    async with hub_app.services.database.transaction() as tx:
        kept = set((await tx.session.execute(select(col(SignInSession.id)))).scalars())
    assert kept == {sessions.digest(value) for value in values}
    assert not kept & values


async def test_a_cookie_that_was_set_before_is_not_adopted(hub_app):
    preset = "a" * 43
    client = hub_app.client()
    client.cookies.set("yimen", preset)
    _, value, _ = cookie_of(await sign_in(client))
    assert value != preset
    other = hub_app.client()
    other.cookies.set("yimen", preset)
    assert not await signed_in(other)


async def test_signing_in_again_ends_the_session_before(hub_app):
    client = await hub_app.client_as("operator")
    old = client.cookies["yimen"]
    assert (await sign_in(client, "resident")).status_code == 200
    other = hub_app.client()
    other.cookies.set("yimen", old)
    assert not await signed_in(other)
    assert await signed_in(client)


async def test_a_session_that_was_left_is_dead(hub_app):
    client = await hub_app.client_as("operator")
    old = client.cookies["yimen"]
    answer = await client.post_form("/sign-out", {})
    assert answer.status_code == 303
    name, value, flags = cookie_of(answer)
    assert (name, value.strip('"')) == ("yimen", "")
    assert "max-age=0" in flags
    other = hub_app.client()
    other.cookies.set("yimen", old)
    assert not await signed_in(other)


@pytest.mark.parametrize("engine_kind", ["production"], indirect=True)
async def test_a_session_that_was_left_is_dead_on_the_other_worker_too(make_hub):
    first, second = [await make_hub(background=True) for _ in range(2)]
    client = await first.client_as("operator")
    there = second.client()
    there.cookies.set("yimen", client.cookies["yimen"])
    assert await signed_in(there)
    assert await signed_in(there)
    await client.post_form("/sign-out", {})
    assert not await signed_in(there)


async def test_signing_out_everywhere_knows_this_device_alone(hub_app, monkeypatch):
    here, there = [await hub_app.client_as("operator") for _ in range(2)]
    await here.post_form("/sign-out-everywhere", {})
    for _ in range(10):
        await sign_in(hub_app.client(), "operator", "wrong password")
    assert (await sign_in(there)).status_code == 429
    assert (await sign_in(here)).status_code == 200


async def test_signing_out_everywhere_keeps_this_session_alone(hub_app):
    first, second = [await hub_app.client_as("operator") for _ in range(2)]
    other = await hub_app.client_as("resident")
    assert (await first.post_form("/sign-out-everywhere", {})).status_code == 303
    assert await signed_in(first)
    assert not await signed_in(second)
    assert await signed_in(other)


async def test_who_is_disabled_is_out_at_once_and_stays_out(hub_app):
    client = await hub_app.client_as("operator")
    async with hub_app.services.database.transaction(write=True) as tx:
        person = await tx.session.execute(
            select(col(Person.id)).where(col(Person.username) == "operator")
        )
        await disable(tx, person.scalar_one())
    assert not await signed_in(client)
    assert (await sign_in(client)).status_code == 401


async def test_unknown_and_wrong_are_one_answer_for_one_amount_of_work(hub_app, monkeypatch):
    worked = []
    before = passwords._hasher.verify

    class Hasher:
        def verify(self, kept, password):
            worked.append(kept[:20])
            return before(kept, password)

    kept = await passwords.hash_password(PASSWORD)
    async with hub_app.services.database.transaction(write=True) as tx:
        known = update(Person).where(col(Person.username) == "operator")
        await tx.session.execute(known.values(password_hash=kept))
    monkeypatch.setattr(passwords, "_hasher", Hasher())
    client = hub_app.client()
    answers = []
    for username in ("operator", "nobody-of-that-name"):
        answer = await sign_in(client, username, "wrong password")
        found = {**answer.json(), "request": ""}
        answers.append((answer.status_code, found, sorted(answer.headers)))
    assert answers[0] == answers[1]
    assert len(worked) == 2
    assert worked[0] == worked[1]  # the same parameters of argon2id
    pages = [
        (await client.post_form("/sign-in", {"username": name, "password": "wrong password"}))
        for name in ("operator", "nobody-xx")
    ]
    assert {page.status_code for page in pages} == {422}
    first, second = [page.text.replace("nobody-xx", "operator") for page in pages]
    assert len(first) == len(second)


async def test_a_megabyte_of_password_costs_nothing(hub_app, monkeypatch):
    monkeypatch.setattr(passwords, "_hasher", None)  # asked, it would fail
    answer = await sign_in(hub_app.client(), password="a" * 1_000_000)
    assert answer.status_code == 422
    assert "a" * 20 not in answer.text


async def test_failures_are_recorded_without_the_password(hub_app):
    client = hub_app.client()
    await sign_in(client, "operator", "wrong password")
    await sign_in(client, "nobody", "wrong password")
    await sign_in(client, "11010519491231002x", "wrong password")
    async with hub_app.services.database.transaction() as tx:
        entries = await audit.search(tx, app="yimen")
    found = [e for e in entries if e.act == "sign-in-refused"]
    operator = (await hub_app.actor("operator")).person_id
    # what is typed as a name may be a number or a password
    assert [e.subject for e in found] == ["person:?", "person:?", f"person:{operator}"]
    assert {e.person_id for e in found} == {None}  # nobody knows who tried
    assert "wrong password" not in str(entries)
    assert "19491231" not in str(entries)


async def test_who_guesses_is_stopped_there_and_the_person_nowhere_else(hub_app):
    stranger = of(hub_app, "203.0.113.7")
    for _ in range(10):
        assert (await sign_in(stranger, "operator", "wrong password")).status_code == 401
    for name in ("operator", "OPERATOR"):
        answer = await sign_in(stranger, name, PASSWORD)
        assert answer.status_code == 429
        assert answer.headers["retry-after"] == "600"
    assert (await sign_in(stranger, "resident")).status_code == 200
    assert (await sign_in(of(hub_app, "203.0.113.8"))).status_code == 200


@pytest.mark.parametrize("neighbours", [False, True])
async def test_a_device_that_signed_in_before_is_kept_out_by_nobody(
    hub_app, monkeypatch, neighbours
):
    person = of(hub_app, "203.0.113.1")
    assert (await sign_in(person)).status_code == 200
    await person.post("/sign-out", data={"_csrf": sessions.csrf_token(person.cookies["yimen"])})
    assert not await signed_in(person)

    async def wrong(kept, password):
        return False

    with monkeypatch.context() as patch:
        patch.setattr("portal.pages.session.verify_password", wrong)
        answers = set()
        for n in range(12):
            stranger = of(hub_app, "203.0.113.1" if neighbours else f"198.51.100.{n}")
            for _ in range(12):
                answers.add((await sign_in(stranger, "operator", "wrong")).status_code)
        assert answers == {401, 429}
    new = of(hub_app, "203.0.113.1" if neighbours else "203.0.113.200")
    assert (await sign_in(new)).status_code == 429
    assert (await sign_in(person)).status_code == 200


async def test_a_device_is_known_by_a_lasting_secret_that_changes(hub_app):
    client = hub_app.client()
    seen = []
    for name in ("operator", "resident"):
        answer = await sign_in(client, name)
        (line,) = [c for c in answer.headers.get_list("set-cookie") if "yimen-device=" in c]
        assert {"httponly", "samesite=lax", "path=/", "max-age=31536000"} <= {
            flag.lower() for flag in line.split("; ")
        }
        seen.append(client.cookies["yimen-device"])
    assert len(set(seen)) == 2
    assert all(len(value) >= 43 for value in seen)
    public = hub_app.client()
    await sign_in(public, public_computer=True)
    assert "yimen-device" not in public.cookies
    preset = "a" * 43  # what somebody else put there is not adopted
    planted = hub_app.client()
    await sign_in(planted, headers={"cookie": f"yimen-device={preset}"})
    assert planted.cookies["yimen-device"] != preset


async def test_a_sign_in_that_succeeds_starts_the_count_anew(hub_app):
    client = hub_app.client()
    for _ in range(2):
        for _ in range(6):
            await sign_in(client, "operator", "wrong password")
        assert (await sign_in(client)).status_code == 200


async def test_an_address_is_throttled_whatever_it_says_of_itself(hub_app, monkeypatch):
    async def wrong(kept, password):
        return False

    monkeypatch.setattr("portal.pages.session.verify_password", wrong)
    client = of(hub_app, "203.0.113.7")
    answers = [
        (
            await sign_in(
                client, f"name{n}", "wrong password", headers={"x-forwarded-for": f"198.51.100.{n}"}
            )
        ).status_code
        for n in range(52)
    ]
    assert answers == [401] * 50 + [429] * 2
    other = of(hub_app, "203.0.113.8")
    assert (await sign_in(other, "another", "wrong password")).status_code == 401


async def test_a_trusted_proxy_says_who_comes_and_nobody_else(make_hub, monkeypatch):
    async def wrong(kept, password):
        return False

    monkeypatch.setattr("portal.pages.session.verify_password", wrong)
    hub = await make_hub(trusted_proxies=("10.0.0.1", "10.0.0.2"))
    proxy = of(hub, "10.0.0.1")
    for n in range(50):  # the client's own line comes first, the proxy's last
        headers = [
            ("x-forwarded-for", f"198.51.100.{n}"),
            ("x-forwarded-for", "203.0.113.7, 10.0.0.2"),
        ]
        answer = await sign_in(proxy, f"n{n}", "wrong password", headers=headers)
        assert answer.status_code == 401
    headers = [("x-forwarded-for", "198.51.100.99, 203.0.113.7")]
    assert (await sign_in(proxy, "n51", "wrong", headers=headers)).status_code == 429
    headers = [("x-forwarded-for", "203.0.113.8")]
    assert (await sign_in(proxy, "n52", "wrong password", headers=headers)).status_code == 401


async def test_a_form_of_another_session_is_refused(hub_app):
    first, second = [await hub_app.client_as("operator") for _ in range(2)]
    assert first.csrf != second.csrf
    for token in (second.csrf, "", "x" * 32, first.csrf[:-1]):
        answer = await first.post("/mode", data={"_csrf": token, "mode": "elder"})
        assert answer.status_code == 403
        assert answer.json()["type"] == "urn:yimen:problem:form-expired"
        assert (await first.post("/sign-out", data={"_csrf": token})).status_code == 403
    assert (await first.post("/mode", data={"mode": "elder"})).status_code == 403
    assert (await first.post_form("/mode", {"mode": "elder"})).status_code == 303
    assert await signed_in(first)


async def test_the_token_of_a_form_tells_nothing_of_the_session(hub_app):
    client = await hub_app.client_as("operator")
    assert client.csrf not in client.cookies["yimen"]
    assert client.csrf == sessions.csrf_token(client.cookies["yimen"])
    assert client.cookies["yimen"] not in (await client.page("/me")).text


async def test_nothing_leads_elsewhere_after_signing_in(hub_app):
    for target in EVIL:
        client = hub_app.client()
        answer = await client.post_form(
            "/sign-in", {"username": "operator", "password": PASSWORD, "next": target}
        )
        if answer.status_code == 422:  # a field that cannot be taken leads nowhere at all
            continue
        assert (answer.status_code, answer.headers["location"]) == (303, "/"), target
        for path in ("/sign-in", "/language"):
            key = {"/sign-in": "next", "/language": "back"}[path]
            answer = await client.get(
                path, params={key: target, "to": "en"}, headers={"sec-fetch-site": "same-origin"}
            )
            assert path == "/sign-in" or answer.status_code == 303
            assert answer.headers.get("location", "/") == "/", target
    client = hub_app.client()
    answer = await client.post_form(
        "/sign-in", {"username": "operator", "password": PASSWORD, "next": "/work?which=late"}
    )
    assert answer.headers["location"] == "/work?which=late"


async def test_a_page_that_names_another_site_as_its_own_leads_not_there(hub_app):
    client = await hub_app.client_as("operator")
    for referer in (
        "http://evil.example/x",
        "http://127.0.0.1//evil.example",
        "http://127.0.0.1@evil.example/",
        "http://[::1",
    ):
        headers = {"referer": referer, "sec-fetch-site": "same-origin"}
        answer = await client.get("/language?to=en&back=/me", headers=headers)
        assert answer.headers["location"] in ("/me", "/"), referer


async def language_of(hub, username):
    async with hub.services.database.transaction() as tx:
        found = await tx.session.execute(
            select(col(Person.language)).where(col(Person.username) == username)
        )
        return found.scalar_one()


OF_OTHERS = [
    {"sec-fetch-site": "cross-site", "sec-fetch-dest": "image"},
    {"sec-fetch-site": "cross-site", "sec-fetch-dest": "document"},
    {"sec-fetch-site": "same-site", "referer": "http://127.0.0.1/me"},
    {"sec-fetch-site": "none"},
    {"sec-fetch-site": "same-origin", "sec-fetch-dest": "image"},
    {"referer": "http://evil.example/", "host": "evil.example"},
    {},
]


async def test_no_other_site_switches_the_language(hub_app):
    client = await hub_app.client_as("operator")
    for headers in OF_OTHERS:
        answer = await client.get(
            "/language?to=en&back=/me", headers={"accept": "text/html", **headers}
        )
        assert answer.status_code == 200, headers
        assert 'method="post" action="/language"' in answer.text  # asked, not lost
        assert "lang" not in client.cookies, headers
    assert await language_of(hub_app, "operator") == "zh-CN"


OF_A_LINK = [
    {"sec-fetch-site": "same-origin", "sec-fetch-dest": "document"},
    {"sec-fetch-site": "same-origin", "sec-fetch-dest": "empty"},
    {"referer": "http://127.0.0.1/me"},
    {"referer": "http://localhost/me"},
]


async def test_a_link_sets_the_language_of_this_device_alone(hub_app):
    for headers in OF_A_LINK:
        client = await hub_app.client_as("operator")
        answer = await client.get("/language?to=en&back=/me", headers=headers)
        assert (answer.status_code, answer.headers["location"]) == (303, "/me"), headers
        assert client.cookies["lang"] == "en"
    assert await language_of(hub_app, "operator") == "zh-CN"


async def test_the_form_of_a_session_sets_the_language_of_the_account(hub_app):
    client = await hub_app.client_as("operator")
    refused = await client.post("/language", data={"_csrf": "x", "to": "en"})
    assert refused.status_code == 403
    assert await language_of(hub_app, "operator") == "zh-CN"
    answer = await client.post_form("/language", {"to": "en", "back": "/me"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/me")
    assert client.cookies["lang"] == "en"
    assert await language_of(hub_app, "operator") == "en"
    visitor = hub_app.client()
    assert (await visitor.post_form("/language", {"to": "en"})).status_code == 303
    assert (await visitor.post_form("/language", {"to": "fr"})).status_code == 422


async def test_a_public_computer_forgets_when_its_window_closes(hub_app):
    _, _, flags = cookie_of(await sign_in(hub_app.client(), public_computer=True))
    assert not any(flag.startswith(("max-age", "expires")) for flag in flags)
    _, _, flags = cookie_of(await sign_in(hub_app.client()))
    assert "max-age=43200" in flags
    async with hub_app.services.database.transaction() as tx:
        rows = await tx.session.execute(
            select(
                col(SignInSession.public_computer),
                col(SignInSession.created_at),
                col(SignInSession.expires_at),
            )
        )
        lasting = {public: (until - since).seconds for public, since, until in rows}
    assert lasting == {True: 1800, False: 43200}


async def test_a_session_ends_at_its_time(hub_app):
    client = await hub_app.client_as("operator")
    hub_app.clock.move(hours=12, seconds=1)
    assert not await signed_in(client)


async def test_behind_https_the_cookie_is_bound_to_the_host(make_hub):
    hub = await make_hub(public_url="https://hub.example")
    answer = await sign_in(hub.client())
    name, value, flags = cookie_of(answer)
    assert name == "__Host-yimen"
    assert {"secure", "httponly", "samesite=lax", "path=/"} <= flags
    assert not any(flag.startswith("domain") for flag in flags)
    plain = hub.client()
    plain.cookies.set("yimen", value)
    assert not await signed_in(plain)


async def test_a_post_that_is_not_ones_own_is_not_taken(hub_app):
    from core.identity.people import posts

    client = await hub_app.client_as("operator")
    cast = await hub_app.actors()
    assert cast["operator"].permits
    async with hub_app.services.database.transaction() as tx:
        (theirs,) = await posts(tx, [cast["administrator"].person_id])
    answer = await client.post_form("/post", {"post": str(theirs.id)})
    assert answer.status_code == 409


async def test_a_form_made_in_another_post_is_refused(hub_app):
    client = await hub_app.client_as("operator")
    body = {"_csrf": client.csrf, "mode": "elder", "_post": "0190a000-0000-7000-8000-000000000000"}
    assert (await client.post("/mode", data=body)).status_code == 409


async def test_words_about_a_session_name_no_hash(hub_app):
    client = await hub_app.client_as("administrator")
    for path in ("/me", "/admin/people", "/openapi.json"):
        text = (await client.get(path)).text
        assert "argon2" not in text
        assert client.cookies["yimen"] not in text
