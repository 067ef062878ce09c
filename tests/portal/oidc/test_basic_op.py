"""What the conformance plans Basic OP and Config OP ask of a provider, one behaviour a test;
`docs/openid.md` says which is which."""

import json
from urllib.parse import urlencode

import pytest
from authlib.oauth2 import rfc9207
from authlib.oidc.discovery import OpenIDProviderMetadata
from joserfc import jwt
from joserfc.jwk import OctKey

from core.identity.provider import clients
from core.identity.provider.clients import Wanted
from core.identity.provider.requests import Kept
from plugin_sdk.text import Text
from tests.portal.oidc.relying import CALLBACK, PAGE, first, freely, params_of, register

pytestmark = pytest.mark.asyncio(loop_scope="module")

NAMED = {"name", "preferred_username", "locale", "zoneinfo"}
RIGHT = "correct horse battery staple"


async def told(rp, browser, scope, **more):
    tokens = await rp.sign_in(browser, scope=scope, **more)
    return set((await rp.userinfo(tokens["access_token"])).json()) - {"sub"}


async def signs_in_at(hub, rp, address, username="operator"):
    """A browser that goes through the page of signing in."""
    browser = hub.client()
    page = await browser.page(address)
    assert page.status_code == 200
    form = {"username": username, "password": RIGHT, "next": first(address, "next")}
    answer = await browser.post("/sign-in", data=form, headers=PAGE)
    assert answer.status_code == 303
    return browser, await browser.page(answer.headers["location"])


async def test_a_sign_in_brings_tokens_and_an_id_token_that_holds(hub, rp):
    answer = await rp.authorize(hub.client())
    assert answer.headers["location"].startswith("/sign-in?next=")
    _, back = await signs_in_at(hub, rp, answer.headers["location"])
    given = params_of(back)
    assert back.headers["location"].startswith(f"{CALLBACK}?")
    assert given["state"] == "s t/ä"
    assert given["iss"] == "http://127.0.0.1"
    tokens = (await rp.redeem(given["code"])).json()
    assert tokens["token_type"] == "Bearer"
    assert 0 < tokens["expires_in"] <= 600
    claims = await rp.claims(tokens["id_token"])
    assert claims["nonce"] == "n-0S6"
    assert set(claims) == {
        *("iss", "aud", "sub", "iat", "exp", "auth_time", "acr", "amr", "sid", "nonce", "at_hash")
    }
    assert claims["exp"] - claims["iat"] == 600


async def test_a_request_without_response_type_is_refused(rp, browser):
    assert params_of(await rp.authorize(browser, response_type=None))["error"] == "invalid_request"
    for other in ("token", "id_token", "code id_token", "none", "代码"):
        answer = params_of(await rp.authorize(browser, response_type=other))
        assert answer["error"] == "unsupported_response_type"
        assert answer["state"] == "s t/ä"


async def test_userinfo_answers_a_token_in_the_header_of_a_get(rp, browser):
    tokens = await rp.sign_in(browser)
    answer = await rp.userinfo(tokens["access_token"])
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.json()["sub"] == (await rp.claims(tokens["id_token"]))["sub"]


async def test_userinfo_answers_a_token_in_the_header_of_a_post(rp, browser):
    token = (await rp.sign_in(browser))["access_token"]
    answer = await rp.http.post("/oidc/userinfo", headers={"authorization": f"Bearer {token}"})
    assert answer.json()["name"] == "吴话务"


async def test_userinfo_answers_a_token_in_a_form(rp, browser):
    token = (await rp.sign_in(browser))["access_token"]
    answer = await rp.http.post("/oidc/userinfo", data={"access_token": token})
    assert answer.json()["name"] == "吴话务"
    both = {"data": {"access_token": token}, "headers": {"authorization": f"Bearer {token}"}}
    assert (await rp.http.post("/oidc/userinfo", **both)).status_code == 400
    in_address = await rp.http.get(f"/oidc/userinfo?access_token={token}")
    assert in_address.status_code == 401
    assert in_address.headers["www-authenticate"] == 'Bearer realm="yimen"'


async def test_a_request_without_nonce_is_answered(rp, browser):
    tokens = await rp.sign_in(browser, nonce=None)
    assert "nonce" not in await rp.claims(tokens["id_token"])


async def test_the_scope_profile_tells_name_user_name_and_language(rp, browser):
    assert await told(rp, browser, "openid profile") == NAMED


async def test_the_scope_phone_tells_the_phone(rp, browser):
    assert await told(rp, browser, "openid phone") == {"phone_number"}


async def test_scopes_of_what_the_hub_does_not_hold_are_left_out(rp, browser):
    assert await told(rp, browser, "openid email address unheard-of") == set()
    assert (await rp.sign_in(browser, scope="openid email"))["scope"] == "openid"


async def test_all_scopes_together_tell_all_that_is_held(rp, browser):
    every = "openid profile email address phone posts"
    assert await told(rp, browser, every) == {*NAMED, "phone_number", "posts"}


async def test_scopes_come_in_any_order(rp, browser):
    assert await told(rp, browser, "phone profile openid") == {*NAMED, "phone_number"}


async def test_the_display_that_is_asked_for_is_no_error(rp, browser):
    for display in ("page", "popup", "touch", "wap"):
        assert "code" in params_of(await rp.authorize(browser, display=display))


async def test_prompt_login_asks_for_a_proof_though_somebody_is_signed_in(hub, rp):
    browser = await hub.client_as("operator")
    first_time = await rp.claims((await rp.sign_in(browser))["id_token"])
    hub.clock.move(seconds=5)
    answer = await rp.authorize(browser, prompt="login")
    assert answer.headers["location"].startswith("/sign-in/again?next=")
    next = first(answer.headers["location"], "next")
    unproved = await browser.page(next)  # as if it had been proved
    assert unproved.headers["location"].startswith("/sign-in/again?next=")
    proved = await browser.post_form("/sign-in/again", {"password": RIGHT, "next": next})
    back = await browser.page(proved.headers["location"])
    tokens = (await rp.redeem(params_of(back)["code"])).json()
    claims = await rp.claims(tokens["id_token"])
    assert claims["auth_time"] >= first_time["auth_time"] + 5
    assert claims["sub"] == first_time["sub"]


async def test_prompt_none_without_a_sign_in_is_refused_without_a_page(hub, rp):
    answer = params_of(await rp.authorize(hub.client(), prompt="none"))
    assert (answer["error"], answer["state"]) == ("login_required", "s t/ä")
    for wrong in ("none login", "sideways"):
        answer = params_of(await rp.authorize(hub.client(), prompt=wrong))
        assert answer["error"] == "invalid_request"


async def test_prompt_none_of_who_is_signed_in_needs_no_page(rp, browser):
    one = await rp.claims((await rp.sign_in(browser))["id_token"])
    two = await rp.claims((await rp.sign_in(browser, prompt="none"))["id_token"])
    assert [one[name] for name in ("sub", "auth_time", "sid")] == [
        two[name] for name in ("sub", "auth_time", "sid")
    ]


async def test_a_proof_older_than_max_age_is_asked_for_again(hub, rp):
    browser = await hub.client_as("operator")
    hub.clock.move(seconds=10)
    asked = await rp.authorize(browser, max_age=1)
    assert asked.headers["location"].startswith("/sign-in/again?next=")
    silent = params_of(await rp.authorize(browser, max_age=1, prompt="none"))
    assert silent["error"] == "login_required"
    form = {"password": RIGHT, "next": first(asked.headers["location"], "next")}
    proved = await browser.post_form("/sign-in/again", form)
    hub.clock.move(seconds=10)  # however long the way back takes, it is not asked for in a circle
    tokens = await rp.redeem(params_of(await browser.page(proved.headers["location"]))["code"])
    assert (await rp.claims(tokens.json()["id_token"]))["auth_time"]
    assert params_of(await rp.authorize(browser, max_age="soon"))["error"] == "invalid_request"


async def test_a_proof_younger_than_max_age_is_enough(rp, browser):
    tokens = await rp.sign_in(browser, max_age=10_000)
    assert (await rp.claims(tokens["id_token"]))["auth_time"]


async def test_a_parameter_that_is_not_known_is_no_error(rp, browser):
    assert "code" in params_of(await rp.authorize(browser, extra="foobar"))


async def test_an_id_token_hint_is_taken_of_the_same_person_and_of_nobody_else(hub, rp, browser):
    own = (await rp.sign_in(browser))["id_token"]
    assert "code" in params_of(await rp.authorize(browser, id_token_hint=own, prompt="none"))
    other = await hub.client_as("dispatcher")
    silent = params_of(await rp.authorize(other, id_token_hint=own, prompt="none"))
    assert silent["error"] == "login_required"
    page = await rp.authorize(other, id_token_hint=own)
    assert page.status_code == 200
    assert "用哪个账号登录" in page.text
    assert 'value="other"' in page.text
    assert 'value="this"' not in page.text  # it would lead here again
    forged = params_of(await rp.authorize(browser, id_token_hint=own[:-4] + "AAAA"))
    assert forged["error"] == "invalid_request"


async def test_a_login_hint_stands_in_the_page_of_signing_in(hub, rp):
    answer = await rp.authorize(hub.client(), login_hint="operator")
    page = await hub.client().page(answer.headers["location"])
    assert 'value="operator"' in page.text
    assert "登录后进入“记事”" in page.text
    hostile = await rp.authorize(hub.client(), login_hint='"><script>x')
    assert "<script>x" not in (await hub.client().page(hostile.headers["location"])).text


async def test_the_page_is_in_the_language_that_is_asked_for(hub, rp):
    browser = hub.client()
    answer = await rp.authorize(browser, ui_locales="fr en-GB zh")
    assert "After this you go on to Notes" in (await browser.page(answer.headers["location"])).text
    answer = await rp.authorize(hub.client(), ui_locales="fr-FR")
    assert "登录后" in (await hub.client().page(answer.headers["location"])).text


async def test_the_language_of_claims_that_is_asked_for_is_no_error(rp, browser):
    assert "code" in params_of(await rp.authorize(browser, claims_locales="se en"))


async def test_acr_values_are_answered_by_the_class_of_the_sign_in(rp, browser):
    tokens = await rp.sign_in(browser, acr_values="urn:yimen:acr:two-factors 1 2")
    claims = await rp.claims(tokens["id_token"])
    assert claims["acr"] == "urn:yimen:acr:one-factor"
    assert claims["amr"] == ["pwd"]


async def test_a_class_that_is_essential_is_reached_or_refused(hub, rp):
    browser = await hub.client_as("operator")
    asked = {"acr": {"essential": True, "values": ["urn:yimen:acr:two-factors"]}}
    claims = json.dumps({"id_token": asked})
    answer = await rp.authorize(browser, claims=claims)
    assert answer.headers["location"].startswith("/sign-in/again?next=")
    form = {"password": RIGHT, "next": first(answer.headers["location"], "next")}
    proved = await browser.post_form("/sign-in/again", form)
    back = params_of(await browser.page(proved.headers["location"]))
    assert back["error"] == "unmet_authentication_requirements"
    one = {"acr": {"essential": True, "value": "urn:yimen:acr:one-factor"}}
    assert "code" in params_of(await rp.authorize(browser, claims=json.dumps({"id_token": one})))


async def test_a_code_is_good_once(rp, browser):
    code = await rp.code(browser)
    assert (await rp.redeem(code)).status_code == 200
    again = await rp.redeem(code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


async def test_a_code_that_comes_again_ends_what_it_brought(hub, rp, browser):
    code = await rp.code(browser)
    tokens = (await rp.redeem(code)).json()
    assert (await rp.userinfo(tokens["access_token"])).status_code == 200
    hub.clock.move(seconds=30)
    assert (await rp.redeem(code)).json()["error"] == "invalid_grant"
    assert (await rp.userinfo(tokens["access_token"])).status_code == 401
    assert (await rp.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"


async def test_an_address_that_is_not_registered_gets_nothing(rp, browser):
    answer = await rp.authorize(browser, redirect_uri="https://rp.example/other")
    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert "一字不差" in answer.text


async def test_a_client_sends_its_secret_in_the_form(hub, browser):
    rp = await register(hub, "by-post", authentication="client_secret_post")
    assert "id_token" in await rp.sign_in(browser)
    rp.method = "client_secret_basic"
    answer = await rp.redeem(await rp.code(browser))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert answer.headers["www-authenticate"].startswith("Basic")


async def test_request_objects_are_refused_and_never_ignored(rp, browser):
    unsigned = jwt.encode({"alg": "HS256"}, {"prompt": "none"}, OctKey.import_key("k" * 32))
    answer = params_of(await rp.authorize(browser, request=unsigned))
    assert answer["error"] == "request_not_supported"
    answer = params_of(await rp.authorize(browser, request_uri="https://rp.example/r"))
    assert answer["error"] == "request_uri_not_supported"
    answer = params_of(await rp.authorize(browser, registration="{}"))
    assert answer["error"] == "registration_not_supported"


async def test_claims_that_are_asked_for_one_by_one_are_told_where_they_were_asked_for(rp, browser):
    asked = {
        "userinfo": {"name": {"essential": True}, "email": None},
        "id_token": {"phone_number": None, "legacy_id": None},
    }
    tokens = await rp.sign_in(browser, scope="openid", claims=json.dumps(asked))
    assert set((await rp.userinfo(tokens["access_token"])).json()) == {"sub", "name"}
    claims = await rp.claims(tokens["id_token"])
    assert claims["phone_number"].startswith("+86")
    assert "name" not in claims
    for wrong in (
        "[1]",
        "{",
        '{"userinfo": 3}',
        '{"id_token": {"acr": 3}}',
        "[" * 900,
        '{"userinfo": {"name": {"value": NaN}}}',
    ):
        assert params_of(await rp.authorize(browser, claims=wrong))["error"] == "invalid_request"
    nobody = json.dumps({"id_token": {"sub": {"value": "somebody-else"}}})
    answer = params_of(await rp.authorize(browser, claims=nobody, prompt="none"))
    assert answer["error"] == "login_required"


async def test_a_refresh_token_brings_new_tokens_of_the_same_sign_in(rp, browser):
    tokens = await rp.sign_in(browser)
    renewed = (await rp.refresh(tokens["refresh_token"])).json()
    assert renewed["refresh_token"] != tokens["refresh_token"]
    assert (await rp.userinfo(renewed["access_token"])).status_code == 200
    before, after = [await rp.claims(one["id_token"]) for one in (tokens, renewed)]
    same = ("iss", "aud", "sub", "auth_time", "sid")
    assert [before[name] for name in same] == [after[name] for name in same]
    assert "nonce" not in after
    less = (await rp.refresh(renewed["refresh_token"], scope="openid")).json()
    assert less["scope"] == "openid"
    assert set((await rp.userinfo(less["access_token"])).json()) == {"sub"}
    beyond = await rp.refresh(less["refresh_token"], scope="openid everything")
    assert beyond.json()["error"] == "invalid_scope"
    whole = (await rp.refresh(less["refresh_token"])).json()  # what was refused spent nothing
    assert whole["scope"] == tokens["scope"]


async def test_a_request_with_pkce_is_redeemed_by_its_verifier(rp, browser):
    assert (await rp.redeem(await rp.code(browser))).status_code == 200
    wrong = await rp.redeem(await rp.code(browser), code_verifier="x" * 50)
    assert wrong.json()["error"] == "invalid_grant"


async def test_an_answer_comes_as_a_form_where_the_client_asks_for_it(hub, rp, browser):
    answer = await rp.authorize(browser, response_mode="form_post")
    assert answer.status_code == 200
    assert f'<form method="post" action="{CALLBACK}"' in answer.text
    assert 'name="code"' in answer.text
    assert 'name="iss"' in answer.text
    policy = answer.headers["content-security-policy"]
    assert "form-action 'self' https://rp.example;" in policy
    hostile = await rp.authorize(browser, response_mode="form_post", state='"><script>x')
    assert "<script>x" not in hostile.text
    refused = await rp.authorize(hub.client(), response_mode="form_post", prompt="none")
    assert 'value="login_required"' in refused.text
    for mode in ("fragment", "query.jwt"):
        answer = params_of(await rp.authorize(browser, response_mode=mode))
        assert answer["error"] == "invalid_request"


async def test_a_request_comes_as_a_form_from_another_site(hub, rp, browser):
    body = urlencode(rp.asked())
    away = {"origin": "https://rp.example", "sec-fetch-site": "cross-site", **PAGE}
    kind = {"content-type": "application/x-www-form-urlencoded"}
    led = await hub.client().post("/oidc/authorize", content=body, headers={**away, **kind})
    assert led.status_code == 303
    assert led.headers["location"].startswith("/oidc/authorize?resume=")
    assert "code" in params_of(await browser.page(led.headers["location"]))
    nothing = await browser.post("/oidc/authorize", content=f"{body}%00", headers={**away, **kind})
    assert (await browser.page(nothing.headers["location"])).status_code == 400
    elsewhere = await browser.post("/sign-out", data={}, headers=away)
    assert elsewhere.status_code == 403


async def test_the_metadata_say_what_there_is(hub, rp):
    answer = await rp.http.get("/.well-known/openid-configuration")
    said = answer.json()
    OpenIDProviderMetadata(said).validate(metadata_classes=[rfc9207.AuthorizationServerMetadata])
    assert said["issuer"] == hub.hub.settings.public_url
    assert said["response_types_supported"] == ["code"]
    assert said["code_challenge_methods_supported"] == ["S256"]
    assert said["request_parameter_supported"] is False
    assert said["request_uri_parameter_supported"] is False
    assert said["authorization_response_iss_parameter_supported"] is True
    assert {"RS256", "ES256"} == set(said["id_token_signing_alg_values_supported"])
    routes = {path for handler in hub.hub.handlers for path in handler.paths}
    for name, address in said.items():
        if name.endswith(("_endpoint", "_uri")):
            assert address.removeprefix(said["issuer"]) in routes
    assert said == (await rp.http.get("/.well-known/oauth-authorization-server")).json()


async def test_the_keys_are_published_without_their_private_halves(rp):
    answer = await rp.http.get("/oidc/jwks")
    assert answer.headers["cache-control"] == "public, max-age=600"
    keys = answer.json()["keys"]
    assert {"RS256"} <= {key["alg"] for key in keys}
    assert len({key["kid"] for key in keys}) == len(keys)
    for key in keys:
        assert key["use"] == "sig"
        assert not {"d", "p", "q", "dp", "dq", "qi"} & set(key)


async def test_a_client_chooses_es256(hub, browser):
    rp = await register(hub, "by-curve", algorithm="ES256")
    assert (await rp.claims((await rp.sign_in(browser))["id_token"]))["sub"]


async def test_pairwise_subjects_of_two_sectors_are_not_one(hub, rp, browser):
    apart = {"subjects": "pairwise"}
    first_one = await register(hub, "pair-a", **apart)
    same = await register(hub, "pair-b", sector="rp.example", **apart)
    other = await register(hub, "pair-c", sector="other.example", **apart)
    subjects = []
    for one in (rp, first_one, same, other):
        tokens = await one.sign_in(browser)
        subject = (await one.claims(tokens["id_token"]))["sub"]
        assert (await one.userinfo(tokens["access_token"])).json()["sub"] == subject
        said = (await one.ask("introspect", token=tokens["access_token"])).json()
        assert said["sub"] == subject
        subjects.append(subject)
    assert subjects[1] == subjects[2]
    assert len(set(subjects)) == 3


async def test_a_client_that_is_not_the_countys_is_allowed_first(hub):
    rp = await register(hub, "stranger", first_party=False)
    browser = await hub.client_as("operator")
    silent = params_of(await rp.authorize(browser, prompt="none"))
    assert silent["error"] == "consent_required"
    page = await rp.authorize(browser, scope="openid profile")
    assert "允许这个应用看您的信息吗" in page.text
    assert "手机号" not in page.text
    resume = page.text.partition('name="resume" value="')[2].partition('"')[0]
    unsigned = await browser.post("/oidc/authorize/decide", data={"resume": resume}, headers=PAGE)
    assert unsigned.status_code == 403
    denied = {"resume": resume, "answer": "deny"}
    answer = params_of(await browser.post_form("/oidc/authorize/decide", denied))
    assert answer["error"] == "access_denied"
    allowed = {"resume": resume, "answer": "allow"}
    answer = params_of(await browser.post_form("/oidc/authorize/decide", allowed))
    tokens = (await rp.redeem(answer["code"])).json()
    assert "code" in params_of(await rp.authorize(browser, scope="openid profile", prompt="none"))
    more = params_of(await rp.authorize(browser, scope="openid profile phone", prompt="none"))
    assert more["error"] == "consent_required"
    one_by_one = json.dumps({"userinfo": {"phone_number": None}})
    more = params_of(
        await rp.authorize(browser, scope="openid profile", claims=one_by_one, prompt="none")
    )
    assert more["error"] == "consent_required"
    again = await rp.authorize(browser, scope="openid profile", prompt="consent")
    assert "不是本县的应用" in again.text
    ours = await register(hub, "ours")
    assert "是本县的应用，请您再确认一次" in (await ours.authorize(browser, prompt="consent")).text
    mine = await browser.get("/me/clients")
    assert [one["client"] for one in mine.json()["consents"]] == ["stranger"]
    assert "姓名、用户名和语言" in (await browser.page("/me/clients")).text
    back = await browser.post_form("/me/clients/take-back", {"client": "stranger"})
    assert back.status_code == 303
    assert (await rp.userinfo(tokens["access_token"])).status_code == 401
    assert (await rp.refresh(tokens["refresh_token"])).status_code == 400
    answer = params_of(await rp.authorize(browser, scope="openid profile", prompt="none"))
    assert answer["error"] == "consent_required"


async def test_a_form_of_ours_skips_nothing_that_the_page_before_it_asks_for(hub, monkeypatch):
    rp = await register(hub, "newcomer", first_party=False)
    browser = await hub.client_as("operator")
    page = await rp.authorize(browser, scope="openid profile")
    resume = page.text.partition('name="resume" value="')[2].partition('"')[0]
    silent = hub.services.provider.sealing.pack(
        Kept(urlencode(rp.asked(scope="openid", prompt="none"))), hub.clock()
    )
    allowed = {"resume": silent, "answer": "allow"}
    answer = params_of(await browser.post_form("/oidc/authorize/decide", allowed))
    assert answer["error"] == "consent_required"
    monkeypatch.setattr(type(hub.services.freshness), "must_enrol", lambda self, actor: True)
    allowed = {"resume": resume, "answer": "allow"}
    led = await browser.post_form("/oidc/authorize/decide", allowed)
    assert "code=" not in led.headers.get("location", "")
    assert led.status_code in (303, 403), led.text
    monkeypatch.undo()
    assert "code" in params_of(await browser.post_form("/oidc/authorize/decide", allowed))


async def test_what_a_client_may_no_longer_have_is_gone_from_what_it_was_given(hub):
    """And what it may have from now on is not told of who signed in before."""
    rp = await register(hub, "narrowed", scopes=("openid", "profile", "phone"))
    browser = await hub.client_as("operator")
    asked = json.dumps({"userinfo": {"posts": None}})
    tokens = await rp.sign_in(browser, scope="openid profile phone", claims=asked)
    code = await rp.code(browser, scope="openid profile phone")

    async def let(*scopes):
        async with hub.services.database.transaction(write=True) as tx:
            client = await clients.find(tx, "narrowed")
            assert client is not None
            wanted = Wanted(
                name=Text("甲", "A"), scopes=scopes, redirect_uris=tuple(client.redirect_uris)
            )
            await clients.change(tx, "narrowed", wanted, client.version, lending=freely)

    await let("openid", "profile")
    assert "phone_number" not in (await rp.userinfo(tokens["access_token"])).json()
    for token in ("access_token", "refresh_token"):
        said = (await rp.ask("introspect", token=tokens[token])).json()
        assert said["scope"] == "openid profile"
    assert (await rp.redeem(code)).json()["scope"] == "openid profile"
    tokens = (await rp.refresh(tokens["refresh_token"])).json()
    assert tokens["scope"] == "openid profile"
    await let("openid", "profile", "posts")
    assert "posts" not in (await rp.userinfo(tokens["access_token"])).json()


async def test_an_account_is_chosen_where_the_client_asks_for_it(hub, rp):
    browser = await hub.client_as("operator")
    silent = await rp.authorize(browser, prompt="select_account")
    assert "继续，我是吴*务" in silent.text
    resume = silent.text.partition('name="resume" value="')[2].partition('"')[0]
    form = {"resume": resume, "account": "this"}
    led = await browser.post_form("/oidc/authorize/account", form)
    assert "code" in params_of(await browser.page(led.headers["location"]))
    led = await browser.post_form("/oidc/authorize/account", {**form, "account": "other"})
    assert led.headers["location"].startswith("/sign-in?next=")
    assert (await browser.page("/me")).headers["location"].startswith("/sign-in")
    _, back = await signs_in_at(hub, rp, led.headers["location"], "dispatcher")
    tokens = (await rp.redeem(params_of(back)["code"])).json()
    assert (await rp.userinfo(tokens["access_token"])).json()["name"] == "郑派单"


async def test_an_application_acts_for_itself_and_for_nobody_else(hub, browser):
    rp = await register(
        hub,
        "payroll",
        grants=("client_credentials",),
        scopes=("yimen.scim",),
        redirect_uris=(),
        post_logout_uris=(),
    )
    answer = (await rp.ask("token", grant_type="client_credentials")).json()
    assert answer["scope"] == "yimen.scim"
    assert "refresh_token" not in answer
    assert "id_token" not in answer
    said = (await rp.ask("introspect", token=answer["access_token"])).json()
    assert said["active"]
    assert "sub" not in said
    userinfo = await rp.userinfo(answer["access_token"])
    assert userinfo.status_code == 403
    assert "insufficient_scope" in userinfo.headers["www-authenticate"]
    beyond = await rp.ask("token", grant_type="client_credentials", scope="openid")
    assert beyond.json()["error"] == "invalid_scope"
    assert (await rp.authorize(browser)).status_code == 400


async def test_introspection_and_revocation_are_of_ones_own_tokens(hub, rp, browser):
    other = await register(hub, "another")
    tokens = await rp.sign_in(browser)
    foreign = await other.ask("introspect", token=tokens["access_token"])
    assert foreign.json() == {"active": False}
    assert (await other.ask("revoke", token=tokens["access_token"])).status_code == 400
    said = (await rp.ask("introspect", token=tokens["refresh_token"])).json()
    assert said["active"]
    assert "token_type" not in said
    unknown = await rp.ask("revoke", token="yimen_at_unknown")
    assert unknown.status_code == 200
    assert (await rp.ask("revoke")).json()["error"] == "invalid_request"
    hint = {"token": tokens["access_token"], "token_type_hint": "something"}
    assert (await rp.ask("revoke", **hint)).status_code == 200
    assert (await rp.userinfo(tokens["access_token"])).status_code == 401
    assert (await rp.ask("introspect", token=tokens["access_token"])).json() == {"active": False}
    renewed = (await rp.refresh(tokens["refresh_token"])).json()
    assert (await rp.ask("revoke", token=renewed["refresh_token"])).status_code == 200
    assert (await rp.userinfo(renewed["access_token"])).status_code == 401
    nobody = await hub.client().post("/oidc/introspect", data={"token": "x"})
    assert nobody.status_code == 401
