"""What many try at once, and what a database decides: on both engines."""

import asyncio
from collections import Counter
from datetime import timedelta
from functools import partial

import pytest
from joserfc import jws
from sqlalchemy import func, select
from sqlmodel import col

from core.access.bearers import why_not_lend
from core.identity import people
from core.identity.events import SessionEnded
from core.identity.provider import clients, issued, trace
from core.identity.provider.clients import ClientError, Wanted
from core.identity.provider.ending import KIND
from core.identity.provider.keys import PUBLISHED_AFTER, PUBLISHED_BEFORE, ROTATE_AFTER, Keys
from core.identity.provider.models import (
    AccessToken,
    AuthorizationCode,
    ClientConsent,
    ClientSignIn,
    RefreshToken,
    SignInTrace,
)
from core.identity.provider.trace import MOST_OF_ONE
from core.jobs import OutboxRow
from plugin_sdk.text import Text
from tests.portal.oidc.relying import freely, params_of, register

OPEN = 400  # requests that are begun; each leaves nothing, so that 100,000 leave as little


def lends(*scopes):
    """Say of a client that it acts by scopes for itself."""
    return {"grants": ("client_credentials",), "scopes": scopes, "redirect_uris": ()}


async def count(hub, *tables):
    async with hub.services.database.transaction() as tx:
        return [
            (await tx.session.execute(select(func.count()).select_from(table))).scalar_one()
            for table in tables
        ]


async def test_of_many_at_once_one_redeems_a_code_and_one_spends_a_refresh_token(hub_app):
    rp = await register(hub_app)
    browser = await hub_app.client_as("operator")
    code = await rp.code(browser)
    answers = await asyncio.gather(*(rp.redeem(code) for _ in range(16)))
    assert Counter(one.status_code for one in answers) == {200: 1, 400: 15}
    (tokens,) = [one.json() for one in answers if one.status_code == 200]
    # that it came again says that others know it: what it brought is worth nothing either
    assert (await rp.userinfo(tokens["access_token"])).status_code == 401
    assert await count(hub_app, AuthorizationCode, AccessToken, RefreshToken) == [0, 0, 0]

    tokens = await rp.sign_in(browser)
    answers = await asyncio.gather(*(rp.refresh(tokens["refresh_token"]) for _ in range(16)))
    assert Counter(one.status_code for one in answers) == {200: 1, 400: 15}
    (renewed,) = [one.json() for one in answers if one.status_code == 200]
    assert (await rp.userinfo(renewed["access_token"])).status_code == 401
    assert (await rp.refresh(renewed["refresh_token"])).json()["error"] == "invalid_grant"

    other = await register(hub_app, "other")
    code = await rp.code(browser)
    other.verifier = rp.verifier
    mixed = await asyncio.gather(*(one.redeem(code) for one in (other, rp) * 4))
    assert sum(one.status_code == 200 for one in mixed) <= 1
    assert await count(hub_app, AccessToken, RefreshToken) == [0, 0]


async def test_open_requests_hold_nothing_and_codes_that_wait_are_few(hub_app):
    rp = await register(hub_app)
    held = (AuthorizationCode, ClientSignIn, AccessToken, RefreshToken)
    stranger = hub_app.client()
    for _ in range(OPEN):
        assert (await rp.authorize(stranger)).status_code == 303
    assert await count(hub_app, *held, SignInTrace) == [0, 0, 0, 0, 0]
    browser = await hub_app.client_as("operator")
    codes = [await rp.code(browser) for _ in range(issued.MOST_CODES + 5)]
    assert await count(hub_app, *held) == [issued.MOST_CODES, 0, 0, 0]
    assert (await rp.redeem(codes[0])).json()["error"] == "invalid_grant"
    assert (await rp.redeem(codes[-1])).status_code == 200
    for n in range(100):  # of clients that are not there no more is written than of one
        await rp.authorize(stranger, client_id=f"nobody-{n}")
    async with hub_app.services.database.transaction() as tx:
        assert len(await trace.of_client(tx, trace.UNKNOWN, limit=1000)) <= trace.MOST_A_MINUTE
    async with hub_app.services.database.transaction(write=True) as tx:
        for n in range(MOST_OF_ONE + 20):
            at = tx.now - timedelta(seconds=n)
            tx.session.add(SignInTrace(client="busy", at=at, step="token", outcome="done"))
        old = tx.now - timedelta(days=31)
        tx.session.add(SignInTrace(client="old", at=old, step="token", outcome="done"))
    hub_app.clock.move(seconds=1)
    await hub_app.services.provider.tidy()
    async with hub_app.services.database.transaction() as tx:
        assert len(await trace.of_client(tx, "busy", limit=1000)) == MOST_OF_ONE
        assert await trace.of_client(tx, "old") == []
    hub_app.clock.move(hours=13)
    await hub_app.services.provider.tidy()
    assert await count(hub_app, AuthorizationCode, AccessToken, RefreshToken) == [0, 0, 0]
    hub_app.clock.move(days=2)
    await hub_app.services.provider.tidy()
    assert await count(hub_app, ClientSignIn) == [0]


async def test_keys_are_rotated_under_load_and_every_token_can_be_checked(hub_app):
    rp = await register(hub_app)
    browser = await hub_app.client_as("operator")
    provider = hub_app.services.provider
    before = (await rp.sign_in(browser))["id_token"]

    async def signs_in():
        return await rp.claims((await rp.sign_in(browser))["id_token"])

    await asyncio.gather(*(signs_in() for _ in range(6)), provider.keys.rotate())
    published = (await rp.http.get("/oidc/jwks")).json()["keys"]
    assert len(published) == 2  # the next one is known an hour before it signs
    assert await kid_of(hub_app, rp, browser) == kid(before)
    hub_app.clock.move(seconds=PUBLISHED_BEFORE.total_seconds() + 1)
    fresh = await kid_of(hub_app, rp, browser)
    assert fresh != kid(before)
    await rp.claims(before)  # what was signed before is still believed
    assert await provider.sign_outs.hint(before) is not None
    hub_app.clock.move(seconds=PUBLISHED_AFTER.total_seconds())
    assert [key["kid"] for key in (await rp.http.get("/oidc/jwks")).json()["keys"]] == [fresh]
    assert await provider.sign_outs.hint(before) is None
    # another worker, which knows the keys as they stood a minute ago, meets one it has not seen
    elsewhere = Keys(hub_app.services.database, hub_app.services.numbers)
    await elsewhere.rotate(at_once=True)
    browser = await hub_app.client_as("operator")
    assert (await elsewhere.signing("RS256")).id != fresh
    known = await provider.keys.verifying((await elsewhere.signing("RS256")).id)
    assert (await elsewhere.signing("RS256")).id in {key.kid for key in known.keys}
    assert await kid_of(hub_app, rp, browser) == (await elsewhere.signing("RS256")).id
    # by itself, every ninety days
    await provider.keys.keep_young()
    assert len(await provider.keys.published()) == 1
    hub_app.clock.move(seconds=ROTATE_AFTER.total_seconds() + 1)
    await provider.keys.keep_young()
    assert len(await provider.keys.published()) == 2


def kid(token):
    return jws.extract_compact(token.encode()).headers()["kid"]


async def kid_of(hub, rp, browser):
    return kid((await rp.sign_in(browser))["id_token"])


async def test_workers_that_start_together_make_one_key(hub_app):
    database, numbers = hub_app.services.database, hub_app.services.numbers
    workers = [Keys(database, numbers) for _ in range(4)]
    made = await asyncio.gather(*(each.signing("ES256") for each in workers))
    assert len({key.id for key in made}) == 1


async def test_keys_that_are_withdrawn_sign_in_no_worker_any_more(hub_app):
    services = hub_app.services
    (one, two) = [Keys(services.database, services.numbers, services.shared) for _ in range(2)]
    before = (await two.signing("RS256")).id
    (made,) = await one.rotate(at_once=True)
    now = before
    for _ in range(100):
        if (now := (await two.signing("RS256")).id) != before:
            break
        await asyncio.sleep(0.02)
    assert now == made != before


def never(scope):
    return "scopes-beyond"


def reading(scope):
    return None if "read" in scope else "scopes-beyond"


async def test_a_client_is_registered_changed_and_given_a_new_secret(hub_app):
    database = hub_app.services.database
    rp = await register(hub_app)
    browser = await hub_app.client_as("operator")
    async with database.transaction(write=True) as tx:
        new = await clients.rotate_secret(tx, "notes")
        kept = await clients.secrets_of(tx, "notes")
        assert [one.hint for one in kept] == [new[-4:], str(rp.secret)[-4:]]
    assert "access_token" in await rp.sign_in(browser)  # both are taken while it is changed
    old, rp.secret = rp.secret, new
    assert "access_token" in await rp.sign_in(browser)
    hub_app.clock.move(days=8)
    browser = await hub_app.client_as("operator")
    code, rp.secret = await rp.code(browser), old
    assert (await rp.redeem(code)).json()["error"] == "invalid_client"
    rp.secret = new
    assert (await rp.redeem(code)).status_code == 200
    wanted = Wanted(
        name=Text(zh="记事本", en="Notebook"), redirect_uris=("https://rp.example/new",)
    )
    async with database.transaction(write=True) as tx:
        assert await clients.change(tx, "notes", wanted, 1, lending=freely) == 2
    async with database.transaction(write=True) as tx:
        with pytest.raises(ClientError, match="changed-meanwhile"):
            await clients.change(tx, "notes", wanted, 1, lending=freely)
        with pytest.raises(ClientError, match="id-taken"):
            await clients.register(tx, "notes", wanted, None, lending=freely)
        (listed,) = await clients.every(tx)
        assert (listed.name_en, listed.version) == ("Notebook", 2)
        assert await clients.drop_secret(tx, "notes", (await clients.secrets_of(tx, "notes"))[0].id)
    assert (await rp.authorize(browser)).status_code == 400  # the former address is none now
    administrator = await hub_app.actor("administrator")
    async with database.transaction(write=True) as tx:
        acts = Wanted(name=Text("甲", "A"), **lends("hotline.order.read"))
        with pytest.raises(ClientError, match="scopes-beyond"):
            await clients.register(tx, "acts", acts, None, lending=never)
        await clients.register(tx, "acts", acts, None, lending=reading)
        both = Wanted(name=Text("甲", "A"), **lends("hotline.order.read", "hotline.order.file"))
        with pytest.raises(ClientError, match="scopes-beyond"):
            await clients.change(tx, "acts", both, 1, lending=reading)
        assert await clients.change(tx, "acts", acts, 1, lending=never) == 2
        held = partial(why_not_lend, administrator, now=tx.now)
        for giving in ("yimen.grants.manage", "yimen.people.factors"):  # whoever asks
            gives = Wanted(name=Text("乙", "B"), **lends(giving))
            with pytest.raises(ClientError, match="scopes-giving"):
                await clients.register(tx, "gives", gives, None, lending=held)
    for more, code in (
        ({"grants": ("client_credentials",)}, "scopes-unused"),
        ({"grants": ("refresh_token",)}, "grants"),
        ({"scopes": ("profile",)}, "scopes-openid"),
        ({"scopes": ("openid", "yimen.scim")}, "scopes-unused"),
        ({"scopes": ("openid", "offline_access")}, "scopes"),
        ({"authentication": "none", "grants": ("client_credentials",)}, "credentials-public"),
        ({"redirect_uris": ()}, "redirect-missing"),
        (
            {"subjects": "pairwise", "redirect_uris": ("https://a.cn/", "https://b.cn/")},
            "sector-needed",
        ),
        ({"backchannel_logout_uri": "http://a.example/"}, "address"),
        ({"name": Text(zh=" ", en="x")}, "name"),
    ):
        with pytest.raises(ClientError) as refused:
            await register(hub_app, "refused", **more)
        assert refused.value.code == code, more


async def test_what_a_person_allowed_and_signed_in_to_ends_with_them(hub_app):
    services = hub_app.services
    rp = await register(hub_app, first_party=False, backchannel_logout_uri="https://rp.example/out")
    browser = await hub_app.client_as("resident")
    person = (await hub_app.actor("resident")).person_id

    async def allowed():
        page = await rp.authorize(browser)
        resume = page.text.partition('name="resume" value="')[2].partition('"')[0]
        form = {"resume": resume, "answer": "allow"}
        code = params_of(await browser.post_form("/oidc/authorize/decide", form))["code"]
        return (await rp.redeem(code)).json()

    async def told():
        async with services.database.transaction() as tx:
            found = await tx.session.execute(
                select(func.count()).where(col(OutboxRow.kind) == KIND)
            )
            return found.scalar_one()

    tokens = await allowed()
    async with services.database.transaction(write=True) as tx:
        found = await tx.session.execute(select(col(ClientSignIn.session_id)))
        await tx.raise_event(SessionEnded(found.scalar_one()))  # what is cached of it is stale
    assert (await rp.userinfo(tokens["access_token"])).status_code == 200
    assert (await browser.post("/me/clients/take-back", json={"client": "notes"})).is_success
    assert (await rp.userinfo(tokens["access_token"])).status_code == 401
    assert await told() == 1
    tokens = await allowed()
    await rp.code(browser)
    async with services.database.transaction(write=True) as tx:
        await people.disable(tx, person)
    assert (await rp.userinfo(tokens["access_token"])).status_code == 401
    assert await told() == 2
    async with services.database.transaction(write=True) as tx:
        await people.erase(tx, person)
    held = (AuthorizationCode, ClientSignIn, ClientConsent, AccessToken, RefreshToken)
    assert await count(hub_app, *held) == [0, 0, 0, 0, 0]
