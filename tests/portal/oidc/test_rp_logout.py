"""What the conformance plan RP-Initiated Logout asks of a provider, and Back-Channel Logout."""

import asyncio
import base64
import json
from urllib.parse import urlencode

import pytest
import pytest_asyncio
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from sqlalchemy import select
from sqlmodel import col

from core.identity import people
from core.identity.provider import clients, trace
from core.identity.provider.clients import Wanted
from core.identity.provider.ending import AT_ONCE, EVENT, KIND
from core.jobs import OutboxRow, send_later
from plugin_sdk.text import Text
from tests.core.outside_server import answer, serving
from tests.portal.oidc.relying import LEFT, PAGE, first, freely, register

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def leave(browser, **params):
    return await browser.page("/oidc/logout?" + urlencode(params))


async def signed_in(browser):
    return (await browser.get("/me")).status_code == 200


def asked(page):
    """The sealed request of a page that asks for confirmation."""
    assert page.status_code == 200, page.headers
    assert "要退出登录吗" in page.text
    return {"resume": page.text.partition('name="resume" value="')[2].partition('"')[0]}


async def confirm(browser, page):
    return await browser.post_form("/oidc/logout/confirm", asked(page))


def encoded(part):
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


@pytest_asyncio.fixture(loop_scope="module")
async def browser(hub):
    return await hub.client_as("operator")


async def test_the_metadata_say_where_to_sign_out(hub, rp):
    said = (await rp.http.get("/.well-known/openid-configuration")).json()
    assert said["end_session_endpoint"] == f"{said['issuer']}/oidc/logout"
    assert said["backchannel_logout_supported"] is True
    assert said["backchannel_logout_session_supported"] is True


async def test_a_client_signs_its_person_out_and_gets_the_browser_back(rp, browser):
    tokens = await rp.sign_in(browser)
    hint = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": LEFT}
    left = await leave(browser, **hint, state="s&t ä")
    assert (left.status_code, left.headers["location"]) == (303, f"{LEFT}?state=s%26t+%C3%A4")
    assert 'yimen="";' in left.headers["set-cookie"] or "yimen=;" in left.headers["set-cookie"]
    assert not await signed_in(browser)
    assert (await rp.userinfo(tokens["access_token"])).status_code == 401
    again = await leave(browser, **hint)  # who is signed out already goes on
    assert again.headers["location"] == LEFT


async def test_an_id_token_that_is_over_still_names_the_session(hub, rp, browser):
    tokens = await rp.sign_in(browser)
    hub.clock.move(minutes=45)
    left = await leave(
        browser, id_token_hint=tokens["id_token"], post_logout_redirect_uri=LEFT, client_id="notes"
    )
    assert left.headers["location"] == LEFT
    assert not await signed_in(browser)


async def test_an_address_that_is_not_registered_is_not_gone_to_after_signing_out(rp, browser):
    hint, page = (await rp.sign_in(browser))["id_token"], None
    for address in ("https://rp.example/other", f"{LEFT}/", "https://evil.example/left", "//evil"):
        page = await leave(browser, id_token_hint=hint, post_logout_redirect_uri=address)
        asked(page)
    done = await confirm(browser, page)
    assert done.headers["location"] == "/oidc/logout/done"
    assert "已退出登录" in (await browser.page("/oidc/logout/done")).text
    assert not await signed_in(browser)


async def test_a_query_added_to_the_registered_address_is_not_gone_to(rp, browser):
    hint = (await rp.sign_in(browser))["id_token"]
    page = await leave(browser, id_token_hint=hint, post_logout_redirect_uri=f"{LEFT}?extra=1")
    assert (await confirm(browser, page)).headers["location"] == "/oidc/logout/done"


async def test_a_changed_hint_signs_nobody_out_by_itself(rp, browser):
    hint = (await rp.sign_in(browser))["id_token"]
    head, said, signature = hint.split(".")
    changed = ".".join((head, said[:-6] + "AAAAAA", signature))
    page = await leave(browser, id_token_hint=changed, post_logout_redirect_uri=LEFT)
    asked(page)
    assert await signed_in(browser)
    assert (await confirm(browser, page)).headers["location"] == "/oidc/logout/done"


async def test_a_forged_hint_signs_nobody_out_by_itself(hub, rp, browser):
    said = await rp.claims((await rp.sign_in(browser))["id_token"])
    key = RSAKey.generate_key(2048)
    kid = (await rp.http.get("/oidc/jwks")).json()["keys"][0]["kid"]
    forged = jwt.encode({"alg": "RS256", "kid": kid}, said, key)
    bare = ".".join((*(encoded(part) for part in ({"alg": "none"}, said)), ""))
    for hint in (forged, bare, "x", "a.b.c", "x" * 9000):
        asked(await leave(browser, id_token_hint=hint, post_logout_redirect_uri=LEFT))
    assert await signed_in(browser)


async def test_a_hint_of_another_client_or_person_signs_nobody_out_by_itself(hub, rp, browser):
    other_client = await register(hub, "other-rp", post_logout_uris=("https://o.example/left",))
    foreign = (await other_client.sign_in(browser))["id_token"]
    asked(
        await leave(
            browser, id_token_hint=foreign, client_id="notes", post_logout_redirect_uri=LEFT
        )
    )
    of_another = (await rp.sign_in(await hub.client_as("dispatcher")))["id_token"]
    page = await leave(browser, id_token_hint=of_another, post_logout_redirect_uri=LEFT)
    asked(page)
    assert await signed_in(browser)
    assert (await confirm(browser, page)).headers["location"] == LEFT  # the person has agreed


async def test_without_a_hint_the_person_is_asked(rp, browser):
    await rp.sign_in(browser)
    page = await leave(browser, post_logout_redirect_uri=LEFT, state="s")
    assert (await confirm(browser, page)).headers["location"] == "/oidc/logout/done"
    assert not await signed_in(browser)


async def test_a_client_that_names_itself_without_a_hint_gets_the_browser_back_if_agreed(
    hub, rp, browser
):
    page = await leave(
        browser, client_id="notes", post_logout_redirect_uri=LEFT, state="s", ui_locales="zh"
    )
    assert "“记事”请您退出登录" in page.text
    unsigned = await browser.post("/oidc/logout/confirm", data=asked(page), headers=PAGE)
    assert unsigned.status_code == 403
    of_a_sign_in = (await rp.authorize(hub.client())).headers["location"]
    resume = first(first(of_a_sign_in, "next"), "resume")
    other = await hub.client_as("dispatcher")
    done = await other.post_form("/oidc/logout/confirm", {"resume": resume})
    assert done.headers["location"] == "/oidc/logout/done"
    assert (await confirm(browser, page)).headers["location"] == f"{LEFT}?state=s"


async def test_without_any_parameter_the_person_is_asked(browser):
    assert (await confirm(browser, await leave(browser))).headers["location"] == "/oidc/logout/done"
    assert not await signed_in(browser)


async def test_without_an_address_a_page_says_that_one_is_signed_out(rp, browser):
    hint = (await rp.sign_in(browser))["id_token"]
    assert (await leave(browser, id_token_hint=hint)).headers["location"] == "/oidc/logout/done"
    assert not await signed_in(browser)


async def test_without_a_state_none_comes_back(rp, browser):
    hint = (await rp.sign_in(browser))["id_token"]
    left = await leave(browser, id_token_hint=hint, post_logout_redirect_uri=LEFT)
    assert left.headers["location"] == LEFT


async def test_with_a_state_alone_the_person_is_asked_and_nobody_is_led_anywhere(browser):
    page = await leave(browser, state="s")
    assert (await confirm(browser, page)).headers["location"] == "/oidc/logout/done"


async def test_a_sign_out_comes_as_a_form_from_another_site(hub, rp, browser):
    hint = (await rp.sign_in(browser))["id_token"]
    away = {"origin": "https://rp.example", "sec-fetch-site": "cross-site", **PAGE}
    form = {"id_token_hint": hint, "post_logout_redirect_uri": LEFT}
    led = await hub.client().post("/oidc/logout", data=form, headers=away)
    assert led.headers["location"].startswith("/oidc/logout?id_token_hint=")
    assert (await browser.page(led.headers["location"])).headers["location"] == LEFT
    for body in (b"state=1\r\nset-cookie: a=b", b"state=\xff", b"state=" + b"x" * 11_000):
        answer = await hub.client().post("/oidc/logout", content=body, headers=away)
        assert answer.status_code == 400


async def test_a_parameter_twice_signs_nobody_out(browser):
    twice = await browser.page("/oidc/logout?state=1&state=2")
    assert twice.status_code == 400
    assert await signed_in(browser)


# --- Back-Channel Logout -----------------------------------------------------------------


class Receiver:
    """A client's own server, which is told of sign-outs."""

    def __init__(self):
        self.heads = 0
        self.status = "200 OK"

    async def __call__(self, asked, writer):
        self.heads += 1
        if asked.path == "/hangs":
            await asyncio.sleep(60)
        writer.write(answer(b"", self.status))
        await writer.drain()


async def rows(hub):
    async with hub.services.database.transaction() as tx:
        found = await tx.session.execute(
            select(OutboxRow).where(col(OutboxRow.kind) == KIND).order_by(col(OutboxRow.due_at))
        )
        return list(found.scalars())


async def told(hub):
    """Let the outbox do what is due, and wait until the clients have been told."""
    await hub.settle()
    calls = hub.services.provider.sign_outs._calls
    await asyncio.gather(*calls)


async def test_a_logout_token_says_whose_session_ended(hub, monkeypatch):
    provider = hub.services.provider
    sent = []

    async def post(address, fields, headers=None):
        sent.append((address, fields["logout_token"]))
        return type("Answer", (), {"status": 200})

    monkeypatch.setattr(provider.sign_outs._outside, "post", post)
    uri = "https://told.example/backchannel"
    rp = await register(hub, "told", backchannel_logout_uri=uri)
    browser = await hub.client_as("operator")
    one = await rp.claims((await rp.sign_in(browser))["id_token"])
    two = await rp.claims((await rp.sign_in(browser))["id_token"])
    assert one["sid"] == two["sid"]  # one session, however often the client asks
    await browser.post("/post", json={"post": "0" * 8 + "-0000-0000-0000-" + "0" * 12})
    await browser.post("/sign-out", json={})
    await told(hub)
    ((address, token),) = sent
    assert address == uri
    keys = KeySet.import_key_set((await rp.http.get("/oidc/jwks")).json())
    read = jwt.decode(token, keys, algorithms=["RS256"])
    assert read.header["typ"] == "logout+jwt"
    assert read.claims["events"] == {EVENT: {}}
    assert "nonce" not in read.claims
    same = ("iss", "aud", "sub", "sid")
    assert [read.claims[name] for name in same] == [one[name] for name in same]
    assert read.claims["exp"] - read.claims["iat"] == 120
    assert read.claims["jti"]
    assert await hub.services.provider.sign_outs.hint(token) is None  # it is no ID token
    assert not [row for row in await rows(hub) if row.done_at is None]


async def test_a_disabled_person_is_signed_out_of_all_clients(hub, monkeypatch):
    sent = []

    async def post(address, fields, headers=None):
        sent.append(address)
        return type("Answer", (), {"status": 204})

    monkeypatch.setattr(hub.services.provider.sign_outs._outside, "post", post)
    one = await register(hub, "told-a", backchannel_logout_uri="https://a.example/out")
    two = await register(hub, "told-b", backchannel_logout_uri="https://b.example/out")
    browser = await hub.client_as("unit3")
    tokens = [await rp.sign_in(browser) for rp in (one, two)]
    code = await one.code(browser)
    person = (await hub.actor("unit3")).person_id
    async with hub.services.database.transaction(write=True) as tx:
        await people.disable(tx, person)
    await told(hub)
    assert sorted(sent) == ["https://a.example/out", "https://b.example/out"]
    for rp, held in zip((one, two), tokens, strict=True):
        assert (await rp.userinfo(held["access_token"])).status_code == 401
        assert (await rp.refresh(held["refresh_token"])).status_code == 400
    assert (await one.redeem(code)).json()["error"] == "invalid_grant"


async def test_a_session_under_a_new_secret_keeps_its_clients(hub, rp, browser):
    tokens = await rp.sign_in(browser)
    proved = await browser.post_form("/sign-in/again", {"password": "correct horse battery staple"})
    assert proved.status_code == 303
    assert (await rp.userinfo(tokens["access_token"])).status_code == 200
    left = await leave(browser, id_token_hint=tokens["id_token"], post_logout_redirect_uri=LEFT)
    assert left.headers["location"] == LEFT
    assert (await rp.userinfo(tokens["access_token"])).status_code == 401


async def test_a_receiver_that_hangs_or_refuses_holds_nothing_up_and_is_told_again(
    hub, monkeypatch
):
    monkeypatch.setattr("core.outside.SECONDS", 0.5)
    receiver = Receiver()
    async with serving(receiver) as port:
        hangs = await register(
            hub, "hangs", backchannel_logout_uri=f"http://127.0.0.1:{port}/hangs"
        )
        well = await register(hub, "well", backchannel_logout_uri=f"http://127.0.0.1:{port}/well")
        browser = await hub.client_as("operator")
        for one in (hangs, well):
            await one.sign_in(browser)
        await browser.post("/sign-out", json={})
        await hub.settle()
        async with asyncio.timeout(5), hub.services.database.transaction(write=True):
            pass  # nobody holds the database while somebody out there thinks
        await told(hub)
        assert receiver.heads == 2
        waiting = [row for row in await rows(hub) if row.done_at is None]
        assert [(row.payload["client"], row.payload["tries"]) for row in waiting] == [("hangs", 1)]
        receiver.status = "500 Oh"
        async with hub.services.database.transaction(write=True) as tx:
            row = await clients.find(tx, "hangs")
            assert row is not None
            wanted = Wanted(
                name=Text(zh="挂", en="Hangs"),
                redirect_uris=tuple(row.redirect_uris),
                scopes=tuple(row.scopes),
                backchannel_logout_uri=f"http://127.0.0.1:{port}/well",
            )
            await clients.change(tx, "hangs", wanted, row.version, lending=freely)
        hub.clock.move(minutes=1)
        await told(hub)
        assert receiver.heads == 3
        receiver.status = "200 OK"
        hub.clock.move(minutes=2)
        await told(hub)
        assert receiver.heads == 4
        assert not [row for row in await rows(hub) if row.done_at is None]
    async with hub.services.database.transaction() as tx:
        steps = await trace.of_client(tx, "hangs")
    backchannel = [(s.outcome, s.error) for s in steps if s.step == "backchannel"]
    assert backchannel == [("done", ""), ("refused", "status-500"), ("refused", "slow")]


async def test_many_of_one_client_are_told_a_few_at_a_time_and_none_is_a_try_lost(hub):
    """That this worker is busy with others of the same host says nothing of the client."""
    taken, at_once, most = [], 0, 0

    async def slow(path, writer):
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.05)
        at_once -= 1
        taken.append(path)
        writer.write(answer(b"", "200 OK"))
        await writer.drain()

    async with serving(slow) as port:
        await register(hub, "crowd", backchannel_logout_uri=f"http://127.0.0.1:{port}/well")
        async with hub.services.database.transaction(write=True) as tx:
            for number in range(40):
                payload = {"client": "crowd", "sub": "u", "sid": f"s{number}", "tries": 0}
                await send_later(tx, KIND, payload)
        for _ in range(6):
            await told(hub)
            hub.clock.move(seconds=6)
    assert (len(taken), most) == (40, AT_ONCE)
    async with hub.services.database.transaction() as tx:
        steps = await trace.of_client(tx, "crowd")
    assert {s.error for s in steps if s.step == "backchannel"} == {""}
    mine = [row for row in await rows(hub) if row.payload.get("client") == "crowd"]
    assert not [row for row in mine if row.done_at is None]
