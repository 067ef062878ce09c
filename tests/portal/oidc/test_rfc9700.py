"""Each *must* of RFC 9700 (Best Current Practice for OAuth 2.0 Security) that a server keeps, and
what the requests around it do badly."""

import base64
from urllib.parse import urlencode

import pytest

from core.identity.provider import clients, trace
from core.identity.provider.clients import ClientError
from tests.portal.oidc.relying import CALLBACK, PAGE, params_of, register

pytestmark = pytest.mark.asyncio(loop_scope="module")

NATIVE = {"authentication": "none", "redirect_uris": ("http://127.0.0.1/cb", "cn.example.app:/cb")}
TOKEN = "/oidc/token"
FORM = {"content-type": "application/x-www-form-urlencoded"}


async def test_redirects_match_character_by_character(rp, browser):
    for address in (
        *(
            "https://rp.example/callback/",
            "https://rp.example/Callback",
            "https://RP.example/callback",
        ),
        *("https://rp.example:443/callback", "http://rp.example/callback", "https://rp.example"),
        *(
            "https://rp.example/callback?x=1",
            "https://rp.example/callback#x",
            "//rp.example/callback",
        ),
        *("https://rp.example/callback/../evil", "https://rp.example/callback%2f..%2fevil"),
        *("https://evil@rp.example/callback", "https://rp.example@evil.example/callback"),
        *("https://rp.example.evil.example/callback", "https://evil.example/callback"),
        *("https://rp.example/callback ", "https://rp.example/callback\n", "javascript:alert(1)"),
        *("https://rp.example\\@evil.example/callback", "", "x" * 3000),
    ):
        answer = await rp.authorize(browser, redirect_uri=address)
        assert answer.status_code == 400, address
        assert "location" not in answer.headers


async def test_the_port_of_this_machine_is_a_native_apps_to_choose_and_nothing_else_is(
    hub, browser
):
    rp = await register(hub, "native", **NATIVE, post_logout_uris=())
    for port in ("", ":49152", ":1"):
        address = f"http://127.0.0.1{port}/cb"
        code = params_of(await rp.authorize(browser, redirect_uri=address))["code"]
        assert (await rp.redeem(code, redirect_uri=address)).status_code == 200
    for address in (
        *("http://127.0.0.1:5/other", "http://localhost:5/cb", "http://127.0.0.1:5/cb?x=1"),
        *("http://127.0.0.1:5@evil.example/cb", "https://127.0.0.1:5/cb", "cn.example.app:/cb2"),
        "http://127.0.0.1:\u0665/cb",  # a digit of another script
    ):
        assert (await rp.authorize(browser, redirect_uri=address)).status_code == 400
    confidential = await register(hub, "not-native", redirect_uris=("http://127.0.0.1/cb",))
    answer = await confidential.authorize(browser, redirect_uri="http://127.0.0.1:5/cb")
    assert answer.status_code == 400


async def test_nobody_is_led_to_a_client_that_is_not_registered(hub, rp, browser):
    for id in ("nobody", "", "Notes", "notes ", "notes\x01", "n" * 3000, "'; drop table"):
        answer = await rp.authorize(browser, client_id=id)
        assert answer.status_code in (400, 404)
        assert "location" not in answer.headers
    twice = "/oidc/authorize?" + urlencode(rp.asked()) + "&client_id=other"
    assert (await browser.page(twice)).status_code == 400


async def test_clients_are_registered_with_https_addresses_alone(hub):
    for address in (
        *("http://rp.example/cb", "https://*.example/cb", "https://rp.example/cb#part"),
        *("https://me:pw@rp.example/cb", "https://rp.example/../cb", "ftp://rp.example/cb"),
        *("javascript:alert(1)", "https://rp.example/%2e%2e/cb", "https://RP.example/cb", "/cb"),
        *("https://rp.example:99999/cb", "https://rp.example/" + "x" * 600, "https:///cb"),
    ):
        with pytest.raises(ClientError, match="address"):
            await register(hub, "refused", redirect_uris=(address,))


async def test_pkce_is_offered_and_found_out(hub, rp):
    said = (await rp.http.get("/.well-known/oauth-authorization-server")).json()
    assert said["code_challenge_methods_supported"] == ["S256"]


async def test_a_request_without_challenge_is_refused_of_every_client(hub, rp, browser):
    public = await register(hub, "public", **NATIVE, post_logout_uris=())
    for one, address in ((rp, CALLBACK), (public, "http://127.0.0.1/cb")):
        answer = await one.authorize(browser, code_challenge=None, redirect_uri=address)
        assert params_of(answer)["error"] == "invalid_request"


async def test_plain_and_unknown_challenges_are_refused(rp, browser):
    for method in ("plain", None, "S512", "s256"):
        answer = params_of(await rp.authorize(browser, code_challenge_method=method))
        assert answer["error"] == "invalid_request"
    for challenge in ("short", "x" * 129, "ü" * 43):
        answer = params_of(await rp.authorize(browser, code_challenge=challenge))
        assert answer["error"] == "invalid_request"


async def test_a_challenge_without_verifier_is_refused_and_the_code_is_gone(rp, browser):
    code = await rp.code(browser)
    for verifier in (None, rp.verifier):  # there is one try
        answer = await rp.redeem(code, code_verifier=verifier)
        assert answer.status_code == 400
    for wrong in ("x" * 42, "x" * 129, "ü" * 50, rp.verifier + "x"):
        assert (await rp.redeem(await rp.code(browser), code_verifier=wrong)).status_code == 400


async def test_a_verifier_where_no_code_was_challenged_brings_nothing(rp):
    answer = await rp.redeem("yimen_ac_never-issued", code_verifier="x" * 50)
    assert answer.json()["error"] == "invalid_grant"


async def test_a_code_is_bound_to_its_client_and_its_address(hub, rp, browser):
    other = await register(hub, "thief")
    code = await rp.code(browser)
    other.verifier = rp.verifier
    assert (await other.redeem(code)).json()["error"] == "invalid_grant"
    assert (await rp.redeem(code)).json()["error"] == "invalid_grant"  # it was known to another
    answer = await rp.redeem(await rp.code(browser), redirect_uri="https://rp.example/other")
    assert answer.json()["error"] == "invalid_grant"
    assert (await rp.redeem(await rp.code(browser), redirect_uri=None)).status_code == 400


async def test_a_code_is_good_for_a_minute(hub, rp, browser):
    code = await rp.code(browser)
    hub.clock.move(seconds=61)
    assert (await rp.redeem(code)).json()["error"] == "invalid_grant"


async def test_there_is_no_implicit_grant_and_none_by_password(rp, browser):
    for kind in ("token", "id_token token", "code token"):
        answer = params_of(await rp.authorize(browser, response_type=kind))
        assert answer["error"] == "unsupported_response_type"
    for grant in ("password", "implicit", "urn:ietf:params:oauth:grant-type:device_code", "代"):
        answer = await rp.ask("token", grant_type=grant, username="operator", password="x")
        assert answer.json()["error"] == "unsupported_grant_type"


async def test_answers_name_their_issuer(hub, rp, browser):
    for more in ({}, {"prompt": "bad"}, {"response_type": "token"}):
        assert params_of(await rp.authorize(browser, **more))["iss"] == "http://127.0.0.1"


async def test_a_browser_is_led_back_by_303_alone(rp, browser):
    assert (await rp.authorize(browser)).status_code == 303
    body = urlencode(rp.asked())
    assert (await browser.post("/oidc/authorize", content=body, headers=FORM)).status_code == 303


async def test_pages_are_framed_by_nobody_and_load_nothing_from_elsewhere(hub, rp):
    strange = await register(hub, "framed", first_party=False)
    page = await strange.authorize(await hub.client_as("operator"))
    assert page.headers["x-frame-options"] == "DENY"
    policy = page.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'none'" in policy
    assert page.headers["referrer-policy"] == "same-origin"
    assert page.headers["cache-control"] == "no-store"


async def test_no_page_of_another_site_reads_an_answer(rp, browser):
    away = {"origin": "https://rp.example"}
    for place in ("/oidc/authorize", "/oidc/userinfo", "/oidc/jwks"):
        answer = await browser.get(place, headers=away)
        assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_tokens_and_secrets_are_in_no_address_and_no_cache(rp, browser):
    code = await rp.code(browser)
    fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    answer = await rp.http.post(f"{TOKEN}?client_secret={rp.secret}", data=fields)
    assert answer.json()["error"] == "invalid_request"
    answer = await rp.redeem(code)
    assert answer.headers["cache-control"] == "no-store"


async def test_a_client_authenticates_once_and_by_its_own_method(hub, rp, browser):
    code = await rp.code(browser)
    fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    fields["code_verifier"] = rp.verifier
    basic = (rp.id, rp.secret)
    for more, error in (
        ({"data": {**fields, "client_secret": rp.secret}, "auth": basic}, "invalid_request"),
        ({"data": {**fields, "client_id": "other"}, "auth": basic}, "invalid_request"),
        ({"data": {**fields, "client_id": rp.id, "client_secret": rp.secret}}, "invalid_client"),
        ({"data": {**fields, "client_id": rp.id}}, "invalid_client"),
        ({"data": fields}, "invalid_client"),
        ({"data": fields, "auth": (rp.id, "wrong")}, "invalid_client"),
        ({"data": fields, "auth": ("nobody", rp.secret)}, "invalid_client"),
        ({"data": fields, "headers": {"authorization": "Basic !!!"}}, "invalid_client"),
        ({"data": fields, "headers": {"authorization": "Basic /w=="}}, "invalid_client"),
        ({"data": fields, "headers": {"authorization": "Bearer x"}}, "invalid_client"),
    ):
        answer = await rp.http.post(TOKEN, **more)
        assert answer.json()["error"] == error, more
        assert answer.status_code == (401 if error == "invalid_client" else 400)
        assert ("www-authenticate" in answer.headers) == (error == "invalid_client")
    assert (await rp.redeem(code)).status_code == 200  # no stranger has used it up


async def test_parameters_that_come_twice_are_refused(rp, browser):
    asked = "/oidc/authorize?" + urlencode(rp.asked())
    for more in (
        "state=other",
        "scope=openid",
        "code_challenge=x",
        "nonce=a",
        "response_type=code",
    ):
        answer = params_of(await browser.page(f"{asked}&{more}"))
        assert answer["error"] == "invalid_request"
    for more in ("redirect_uri=https://evil.example/", "client_id=other"):
        assert (await browser.page(f"{asked}&{more}")).status_code == 400
    body = urlencode({"grant_type": "refresh_token", "refresh_token": "x"}) + "&refresh_token=y"
    answer = await rp.http.post(TOKEN, content=body, headers=FORM, auth=(rp.id, rp.secret))
    assert answer.json()["error"] == "invalid_request"


async def test_what_cannot_be_read_is_refused_and_never_fails(rp, browser):
    auth = (rp.id, rp.secret)
    for content, kind in (
        *((b"\xff\xfe=1", FORM), (b"grant_type=%ff", FORM), (b"&" * 9000, FORM)),
        *((b'{"grant_type": "refresh_token"}', {"content-type": "application/json"}),),
        *((b"", FORM), (b"a=1&" * 60, FORM), (b"grant_type=refresh_token", {})),
    ):
        answer = await rp.http.post(TOKEN, content=content, headers=kind, auth=auth)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    for auth in (("rp\x00", "x"), ("", "x"), ("zh\u6c49", "x")):
        answer = await rp.http.post(TOKEN, data={"grant_type": "refresh_token"}, auth=auth)
        assert answer.status_code in (400, 401), answer.text
    odd = {"grant_type": "refresh_token", "client_id": "a\x00", "refresh_token": "x"}
    assert (await rp.http.post(TOKEN, data=odd)).status_code == 401
    assert (await browser.get("/oidc/logout?client_id=a%00", headers=PAGE)).status_code < 500
    for query in ("%ff=1", "client_id=%ff", "a" * 5000, "&".join("a=1" for _ in range(60))):
        assert (await browser.page(f"/oidc/authorize?{query}")).status_code == 400
    for resume in ("x", "", base64.urlsafe_b64encode(b"x" * 90).decode(), "ä"):
        answer = await browser.get("/oidc/authorize", params={"resume": resume}, headers=PAGE)
        assert answer.status_code == 400


async def test_refresh_tokens_of_public_clients_are_used_once(hub, browser):
    rp = await register(hub, "public-refresh", **NATIVE, post_logout_uris=())
    rp.method = "none"
    address = {"redirect_uri": "http://127.0.0.1/cb"}
    code = params_of(await rp.authorize(browser, **address))["code"]
    tokens = (await rp.redeem(code, **address)).json()
    renewed = (await rp.refresh(tokens["refresh_token"])).json()
    assert renewed["refresh_token"] != tokens["refresh_token"]
    assert (await rp.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await rp.refresh(renewed["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await rp.userinfo(renewed["access_token"])).status_code == 401


async def test_a_refresh_token_is_bound_to_its_client_and_what_was_agreed(hub, rp, browser):
    other = await register(hub, "refresh-thief")
    tokens = await rp.sign_in(browser, scope="openid profile")
    assert (await rp.refresh(tokens["refresh_token"], scope="openid phone")).status_code == 400
    assert (await other.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await rp.userinfo(tokens["access_token"])).status_code == 401  # others know it


async def test_no_token_outlives_the_session_it_rests_on(hub, rp):
    browser = await hub.client_as("operator")
    hub.clock.move(hours=11, minutes=55)
    tokens = await rp.sign_in(browser)
    assert tokens["expires_in"] <= 300
    hub.clock.move(minutes=6)
    assert (await rp.refresh(tokens["refresh_token"])).status_code == 400
    offline = params_of(await rp.authorize(browser, scope="openid offline_access"))
    assert offline["error"] == "invalid_scope"


async def test_access_tokens_last_ten_minutes(hub, rp):
    browser = await hub.client_as("operator")
    token = (await rp.sign_in(browser))["access_token"]
    hub.clock.move(minutes=11)
    assert (await rp.userinfo(token)).status_code == 401


async def test_a_disabled_client_is_let_in_nowhere(hub):
    rp = await register(hub, "closed")
    browser = await hub.client_as("operator")
    tokens = await rp.sign_in(browser)
    code = await rp.code(browser)
    async with hub.services.database.transaction(write=True) as tx:
        await clients.set_disabled(tx, "closed", disabled=True)
    assert (await rp.authorize(browser)).status_code == 400
    assert (await rp.redeem(code)).json()["error"] == "invalid_client"
    assert (await rp.refresh(tokens["refresh_token"])).json()["error"] == "invalid_client"
    assert (await rp.userinfo(tokens["access_token"])).status_code == 401
    async with hub.services.database.transaction(write=True) as tx:
        await clients.set_disabled(tx, "closed", disabled=False)
    assert (await rp.userinfo(tokens["access_token"])).status_code == 401
    assert "access_token" in await rp.sign_in(browser)


async def test_the_trace_says_what_to_change_and_nothing_secret(hub):
    rp = await register(hub, "traced")
    browser = await hub.client_as("operator")
    await rp.authorize(browser, redirect_uri="https://rp.example/wrong?secret=1")
    await rp.authorize(browser, code_challenge=None)
    tokens = await rp.sign_in(browser)
    await rp.redeem("yimen_ac_x")
    rp.secret = "wrong"
    await rp.refresh(tokens["refresh_token"])
    async with hub.services.database.transaction() as tx:
        steps = await trace.of_client(tx, "traced")
    assert [(one.step, one.outcome, one.reason) for one in reversed(steps)] == [
        ("authorize", "refused", "redirect-unknown"),
        ("authorize", "refused", "challenge-missing"),
        ("authorize", "done", ""),
        ("token", "done", ""),
        ("token", "refused", "code-spent"),
        ("token", "refused", "client-authentication"),
    ]
    assert steps[-1].facts == {"given": "https://rp.example/wrong?…"}
    words = hub.hub.renderer.catalogue
    for one in steps:
        if one.reason:
            assert f"oidc.why.{one.reason}" in words
        for kept in (*tokens.values(), "secret=1"):
            assert str(kept) not in str(one) or str(kept) in ("Bearer", "600", tokens["scope"])


async def test_every_reason_has_words_that_fit_into_an_answer(hub):
    words = hub.hub.renderer.catalogue
    known = words.keys()
    reasons = [key for key in known if key.startswith("oidc.why.")]
    assert len(reasons) > 50
    for key in reasons:
        text = words.text("en", key)
        assert text.isascii(), key
        assert not set(text) & {'"', "\\"}, key
