"""The way to a provider above and back: every lie it, or who stands between, may tell."""

import asyncio
import base64
import json
import time
import warnings
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc.jwk import RSAKey

from core.identity.numbers import Numbers
from core.identity.upstream import discovery, flow
from core.identity.upstream.discovery import ProviderError, Providers, read_keys
from core.identity.upstream.flow import Flow, Refused, Relying, one_of_each
from core.identity.upstream.rules import check, claim_of, parse, posts_of, written
from core.identity.upstream.tokens import MOST_CHARACTERS, half_hash
from core.outside import Outside
from core.settings import OWN_MACHINE
from tests.core.outside_server import answer
from tests.core.provider_above import CLIENT, CURVE, KEY, OTHER, SECRET, provider_above


class Ticking:
    """A monotonic clock that a test moves."""

    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
async def above():
    async with provider_above() as found:
        yield found


@pytest.fixture
def clock():
    return Ticking()


@pytest.fixture
def relying_flow(clock):
    outside = Outside(OWN_MACHINE)
    yield Flow(outside, Providers(outside, clock=clock), Numbers(b"of this test alone"))
    outside.close()


def client_of(above, **changed):
    values = {
        "key": "province",
        "issuer": above.issuer,
        "client_id": CLIENT,
        "secret": SECRET,
        "authentication": "client_secret_basic",
        "scopes": ("openid", "profile"),
        "redirect_uri": "http://127.0.0.1/sign-in/with/province/back",
        **changed,
    }
    return Relying(**values)


async def come_back(flow, above, *, relying=None, purpose="sign-in", brought=None, more=False):
    """Go to the provider and come back; what it says of whoever came."""
    now = datetime.now(UTC)
    relying = relying or client_of(above)
    address, sealed = await flow.begin(relying, purpose, now)
    found = above.authorize(address) | (brought or {})
    under_way = flow.under_way(sealed, relying.key, found["state"], now)
    return await flow.finish(relying, under_way, found, now, more=more)


def opened(relying_flow, sealed):
    return json.loads(relying_flow._numbers.open(sealed.translate(flow._AS_SEALED), flow._OWNER))


async def refused(flow, above, **more):
    with pytest.raises(Refused) as error:
        await come_back(flow, above, **more)
    return error.value.code


async def test_who_comes_back_is_believed(relying_flow, above):
    above.userinfo = {"title": "科员", "name": "张"}
    above.claims = {"acr": "loa3", "name": "张三", "at_hash": half_hash("an-access-token", "RS256")}
    said = await come_back(relying_flow, above, more=True)
    assert (said.subject, said.acr, said.whole) == ("u-1001-zhang", "loa3", True)
    assert (said.claims["title"], said.claims["name"]) == ("科员", "张三")  # what is signed stands
    assert said.proved_at is not None
    asked = above.asked
    # asked once, though two came
    await come_back(relying_flow, above)
    assert asked.count("/.well-known/openid-configuration") == asked.count("/keys") == 1
    # other ways to say who one is, other keys
    for way in ("client_secret_post", "none"):
        await come_back(relying_flow, above, relying=client_of(above, authentication=way))
    above.keys = [KEY, CURVE]
    above.signs_with, above.header = CURVE, {"alg": "ES256", "kid": "curve"}
    relying_flow.providers.forget(above.issuer)
    await come_back(relying_flow, above)


def lies(above):
    """What a provider, or who has taken its place, may say: by the reason it is refused for."""
    now = int(datetime.now(UTC).timestamp())
    public = KEY.as_pem(private=False)
    thief = RSAKey.generate_key(2048, {"kid": "one"})
    carried = {"jwk": thief.as_dict(private=False)}
    return {
        "algorithm": [{"header": {"alg": "none"}}, {"header": {"alg": "None"}, "signs": None}],
        "algorithm ": [
            {"header": {"alg": "HS256", "kid": "one"}, "signs": public},
            {"header": {"alg": "HS256"}, "signs": SECRET.encode()},
        ],
        "signature": [{"signs": thief}, {"tamper": lambda token: token[:-8] + "AAAAAAAA"}],
        "key-carried": [
            {"header": {"alg": "RS256", "kid": "one", **carried}, "signs": thief},
            {"header": {"alg": "RS256", "jku": f"{above.issuer}/thief"}, "signs": thief},
            {"header": {"alg": "RS256", "x5u": f"{above.issuer}/thief"}, "signs": thief},
        ],
        "critical": [{"header": {"alg": "RS256", "kid": "one", "crit": ["exp"], "exp": 1}}],
        "key-unknown": [{"header": {"alg": "RS256", "kid": "nobody's"}}],
        "issuer": [{"claims": {"iss": "https://another.example"}}, {"without": ("iss",)}],
        "audience": [
            {"claims": {"aud": "another"}},
            {"claims": {"aud": [CLIENT, "another"], "azp": CLIENT}},
            {"claims": {"aud": []}},
            {"without": ("aud",)},
        ],
        "authorized-party": [{"claims": {"azp": "another"}}],
        "nonce": [{"claims": {"nonce": "of another"}}, {"without": ("nonce",)}],
        "expired": [{"claims": {"exp": now - 61}}, {"without": ("exp",)}, {"claims": {"exp": "9"}}],
        "issued-later": [{"claims": {"iat": now + 600}}, {"without": ("iat",)}],
        "issued-long-ago": [{"claims": {"iat": now - 3600}}],
        "not-yet": [{"claims": {"nbf": now + 600}}],
        "proved-later": [
            {"claims": {"auth_time": odd}}
            for odd in (now + 600, -1, -99e9, 10**12, True, "yesterday", None, [now])
        ],
        "subject": [
            {"claims": {"sub": ""}},
            {"claims": {"sub": "  "}},
            {"claims": {"sub": 7}},
            {"claims": {"sub": "x" * 256}},
            {"without": ("sub",)},
        ],
        "at-hash": [{"claims": {"at_hash": "of-another-token"}}],
        "token-large": [{"claims": {"more": "x" * MOST_CHARACTERS}}],
        "token-malformed": [
            {"tamper": lambda token: "a.b"},
            {"tamper": lambda token: "..."},
            {"tamper": lambda token: "!.!.!"},
            {"tamper": lambda token: "[" * 9000 + ".a.b"},
            {"tamper": lambda token: None},
            {"tamper": lambda token: {"id": 1}},
            {"tamper": lambda token: f"{base64.b64encode(b'[1]').decode()}.a.b"},
        ],
        "too-large": [{"claims": {"more": "x" * 3_000_000}}],
    }


async def test_no_lie_of_a_provider_is_believed(relying_flow, above):
    honest = dict(vars(above))
    found = []
    expected = []
    for reason, told in lies(above).items():
        for lie in told:
            vars(above).update(honest)
            above.claims = lie.get("claims", {})
            above.without = lie.get("without", ())
            above.header = lie.get("header", {"alg": "RS256", "kid": "one"})
            above.signs_with = lie.get("signs", KEY)
            above.tamper = lie.get("tamper", lambda token: token)
            if lie.get("signs", KEY) is None:
                above.tamper = lambda token: _unsigned("None")
                above.signs_with, above.header = KEY, {"alg": "RS256", "kid": "one"}
            expected.append((reason.strip(), lie))
            found.append((await refused(relying_flow, above), lie))
    assert found == expected
    assert f"{above.issuer}/thief".removeprefix(above.issuer) not in above.asked


def _unsigned(algorithm):
    def part(data):
        return base64.urlsafe_b64encode(json.dumps(data).encode()).decode().rstrip("=")

    return f"{part({'alg': algorithm})}.{part({'sub': 'x'})}."


async def test_an_answer_of_another_or_for_another_browser_is_refused(relying_flow, above):
    now = datetime.now(UTC)
    relying = client_of(above)
    # mix-up (RFC 9207): the answer says whose it is, and must
    other = "https://another.example"
    assert await refused(relying_flow, above, brought={"iss": other}) == "answer-other"
    address, sealed = await relying_flow.begin(relying, "sign-in", now)
    found = above.authorize(address)
    under_way = relying_flow.under_way(sealed, "province", found["state"], now)
    silent = {name: value for name, value in found.items() if name != "iss"}
    for answered, reason in (
        (silent, "answer-other"),
        ({**found, "error": "access_denied"}, "answer-access_denied"),
        (
            {**found, "error": "<b>x</b>", "error_description": "<script>alert(1)</script>"},
            "answer-refused",
        ),
        ({**found, "code": ""}, "no-answer"),
        ({**found, "code": "guessed"}, "token-invalid_grant"),
    ):
        with pytest.raises(Refused) as error:
            await relying_flow.finish(relying, under_way, answered, now)
        assert error.value.code == reason
    # state: of another browser, another upstream, too old, changed
    _, others = await relying_flow.begin(relying, "sign-in", now)
    for cookie, key, when in (
        (others, "province", now),
        (sealed, "another", now),
        ("1.AAAA", "province", now),
        ("", "province", now),
    ):
        with pytest.raises(Refused, match="state"):
            relying_flow.under_way(cookie, key, found["state"], when)
    later = now + timedelta(seconds=flow.LIFE_SECONDS + 1)
    with pytest.raises(Refused, match="state-old"):
        relying_flow.under_way(sealed, "province", found["state"], later)
    # the code is of this verifier alone
    state = opened(relying_flow, others)["state"]
    another = relying_flow.under_way(others, "province", state, now)
    with pytest.raises(Refused, match="token-invalid_grant"):
        await relying_flow.finish(relying, another, found, now)
    with pytest.raises(Refused, match="answer-malformed"):
        one_of_each([("code", "a"), ("code", "b")])
    with pytest.raises(Refused, match="answer-malformed"):
        one_of_each([("code", "a" * 2001)])


async def test_what_is_asked_holds_nothing_of_use_to_who_reads_it(relying_flow, above):
    address, sealed = await relying_flow.begin(
        client_of(above), "again", datetime.now(UTC), next="/" + "长" * 700, language="en"
    )
    asked = parse_qs(urlsplit(address).query)
    assert asked["max_age"] == ["0"]
    assert asked["prompt"] == ["login"]
    assert asked["ui_locales"] == ["en"]
    assert len(sealed) < 2000
    assert SECRET not in address
    kept = opened(relying_flow, sealed)
    assert kept["next"] == "/"  # too long to travel
    assert kept["verifier"] not in address
    assert kept["verifier"] not in sealed


async def test_a_fresh_proof_must_say_when(relying_flow, above):
    assert (await come_back(relying_flow, above, purpose="again")).proved_at is not None
    above.claims = {"auth_time": int(datetime.now(UTC).timestamp()) - 3600}
    assert await refused(relying_flow, above, purpose="again") == "proved-earlier"
    above.without = ("auth_time",)
    assert await refused(relying_flow, above, purpose="again") == "proved-earlier"
    assert (await come_back(relying_flow, above)).proved_at is None


async def test_userinfo_is_of_the_same_person_or_is_not_taken(relying_flow, above):
    above.answers["/userinfo"] = answer(b'{"sub": "another"}')
    assert await refused(relying_flow, above, more=True) == "userinfo-other"
    jwt = "Content-Type: application/jwt"
    thief = RSAKey.generate_key(2048, {"kid": "one"})
    above.signs_with, claims = thief, {"iss": above.issuer, "aud": CLIENT, "sub": above.sub}
    forged = above.sign(claims)
    above.signs_with = KEY
    whole = {"title": "科员", **claims}
    for token, reason in (
        (forged, "signature"),
        (above.sign(claims, {"alg": "none"}), "algorithm"),
        (above.sign({**claims, "aud": "another"}), "userinfo-other"),
        (above.sign({**claims, "iss": "https://another.example"}), "userinfo-other"),
        (above.sign({**claims, "sub": "another"}), "userinfo-other"),
    ):
        above.answers["/userinfo"] = answer(token.encode(), "200 OK", jwt)
        assert await refused(relying_flow, above, more=True) == reason
    above.answers["/userinfo"] = answer(above.sign(whole).encode(), "200 OK", jwt)
    assert (await come_back(relying_flow, above, more=True)).claims["title"] == "科员"
    # how and when somebody proved who they are is said by the ID token alone
    above.without = ("auth_time",)
    for odd in (int(datetime.now(UTC).timestamp()), 10**30, -(10**30), "never", [1]):
        above.answers["/userinfo"] = answer(
            json.dumps({"sub": above.sub, "auth_time": odd, "acr": "two"}).encode()
        )
        said = await come_back(relying_flow, above, more=True)
        assert (said.proved_at, said.acr, said.whole) == (None, None, True)
    # away, it is no reason to keep anybody out: but what it would have said is not known
    above.answers["/userinfo"] = answer(b"<html>", "500 Internal Server Error")
    said = await come_back(relying_flow, above, more=True)
    assert not said.whole


async def test_a_provider_that_hangs_is_not_waited_for(relying_flow, above, monkeypatch):
    await come_back(relying_flow, above)
    monkeypatch.setattr(flow, "ALL_SECONDS", 1)
    above.slow["/token"] = 30
    begun = time.monotonic()
    assert await refused(relying_flow, above) == "slow"
    assert time.monotonic() - begun < 15
    del above.slow["/token"]
    above.slow["/.well-known/openid-configuration"] = 30
    relying_flow.providers.forget(above.issuer)
    with pytest.raises(Refused, match="slow"):
        await relying_flow.begin(client_of(above), "sign-in", datetime.now(UTC))


async def test_error_pages_of_a_token_endpoint_are_read_by_nobody(relying_flow, above):
    html = b'{"error": "invalid_client", "error_description": "<script>alert(1)</script>"}'
    for body, status, reason in (
        (html, "401 Unauthorized", "token-invalid_client"),
        (b"<html><script>alert(1)</script>", "502 Bad Gateway", "token-refused"),
        (b"<html>", "200 OK", "malformed"),
        (b'{"error": ["invalid_grant"]}', "400 Bad Request", "token-refused"),
        (b"{}", "200 OK", "token-malformed"),
    ):
        above.answers["/token"] = answer(body, status)
        assert await refused(relying_flow, above) == reason


async def test_keys_rotate_and_nobody_makes_the_hub_knock(relying_flow, above, clock):
    await come_back(relying_flow, above)
    clock.now += discovery.KEYS_SECONDS
    above.keys, above.signs_with, above.header = [OTHER], OTHER, {"alg": "RS256", "kid": "two"}
    await come_back(relying_flow, above)  # a key that is not known is asked for once
    assert above.asked.count("/keys") == 2
    above.header = {"alg": "RS256", "kid": "three"}
    for _ in range(5):
        assert await refused(relying_flow, above) == "key-unknown"
    assert above.asked.count("/keys") == 2
    clock.now += discovery.KEYS_SECONDS
    many = [refused(relying_flow, above) for _ in range(5)]
    assert set(await asyncio.gather(*many)) == {"key-unknown"}
    assert above.asked.count("/keys") == 3


async def test_what_a_provider_said_is_kept_while_it_is_away(relying_flow, above, clock):
    providers = relying_flow.providers
    found = await providers.provider(above.issuer)
    above.answers["/.well-known/openid-configuration"] = answer(b"", "503 Service Unavailable")
    clock.now += discovery.FRESH_SECONDS
    assert await providers.provider(above.issuer) == found  # stale is better than nothing
    asked = len(above.asked)
    assert await providers.provider(above.issuer) == found
    assert len(above.asked) == asked  # and is not asked again at once
    with pytest.raises(ProviderError, match="discovery-status"):
        await providers.provider(above.issuer, anew=True)
    clock.now += discovery.STALE_SECONDS
    with pytest.raises(ProviderError, match="discovery-status"):
        await providers.provider(above.issuer)
    clock.now += discovery.AGAIN_SECONDS
    del above.answers["/.well-known/openid-configuration"]
    assert await providers.provider(above.issuer) == found


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"issuer": "https://another.example"}, "issuer-other"),
        ({"token_endpoint": None}, "discovery-lacks"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "address"),
        ({"authorization_endpoint": "http://idp.example/authorize"}, "plain"),
        ({"userinfo_endpoint": ["https://idp.example"]}, "address"),
        ({"end_session_endpoint": "https://u:p@idp.example"}, "address"),
        ({"code_challenge_methods_supported": ["plain"]}, "no-pkce"),
        ({"response_types_supported": ["id_token"]}, "no-code"),
        ({"id_token_signing_alg_values_supported": ["HS256", "none"]}, "no-algorithm"),
    ],
)
async def test_a_provider_that_describes_itself_badly_is_not_used(
    relying_flow, above, said, reason
):
    above.metadata = said
    with pytest.raises(ProviderError, match=reason):
        await relying_flow.providers.provider(above.issuer)


def test_of_published_keys_those_count_that_may_check_a_signature():
    public = KEY.as_dict(private=False)
    with warnings.catch_warnings():  # of the library, which would rather make none
        warnings.simplefilter("ignore")
        weak = RSAKey.generate_key(1024).as_dict(private=False)
    odd: list[Any] = [
        None,
        7,
        {"kty": "oct", "k": "c2VjcmV0"},
        {"kty": []},
        {"kty": "RSA", "n": "x"},
    ]
    odd += [{"kty": "PQ"}, {**public, "use": "enc"}, weak, KEY.as_dict(private=True)]
    found = read_keys({"keys": [*odd, CURVE.as_dict(private=False)]})
    assert [key.kid for key in found] == ["one", "curve"]
    assert not any(key.is_private for key in found)
    wrong: list[dict[str, Any]] = [{}, {"keys": {}}, {"keys": odd[:8]}, {"keys": [public] * 51}]
    for nothing in wrong:
        with pytest.raises(ProviderError):
            read_keys(nothing)


RULES = """
[person]
name = "{name}"
username = "{uid}"
when = { type = "staff" }

[[post]]
organization = "{dept.code}"
title = "{title}"
when = { groups = ["grid", "leaders"], level = 3, active = true }

[[post]]
organization = "371603"
title = "值班员"
"""


def test_rules_read_claims():
    claims = {
        "name": "张三",
        "groups": ["leaders"],
        "level": 3,
        "active": True,
        "dept": {"code": "371603001"},
        "title": "科员",
    }
    rules = parse(RULES)
    assert check(RULES) == []
    assert [(p.organization, p.title) for p in posts_of(rules, claims)] == [
        ("371603001", "科员"),
        ("371603", "值班员"),
    ]
    for changed in ({"groups": "others"}, {"level": "4"}, {"active": 1}, {"title": ""}):
        assert len(posts_of(rules, {**claims, **changed})) == 1
    assert written("{uid}", claims) is None
    assert written("{name}{name}", {"name": "x" * 60}) is None
    assert claim_of({"a.b": 1, "a": {"b": 2}}, "a.b") == 1


@pytest.mark.parametrize(
    ("text", "line", "field"),
    [
        ("[person]\n", 1, "person"),
        ('[person]\nname = "{name"\n', 2, "person.name"),
        ("[person]\nname = 7\n", 2, "person.name"),
        ('[person]\nname = "{name}"\nphone = "{phone}"\n', 3, "person.phone"),
        ('[[post]]\norganization = "1"\n', 1, "post[0]"),
        ('[[post]]\norganization = "1"\ntitle = "a"\nwhen = {}\n', 4, "post[0].when"),
        ('[[post]]\norganization = "1"\ntitle = "a"\nwhen = {a = 1.5}\n', 4, "post[0].when.a"),
        ('[post]\norganization = "1"\n', 1, "post"),
        ('[[role]]\nname = "yimen.administrator"\n', 1, "role"),
        ("[person\n", 1, ""),
    ],
)
def test_a_fault_in_rules_is_named_by_line(text, line, field):
    (fault, *_) = check(text)
    assert (fault.line, fault.field) == (line, field)
    assert fault.message.zh
    assert fault.remedy.en
    assert parse(text) == parse("")
