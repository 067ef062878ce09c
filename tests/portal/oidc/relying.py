"""A client of the provider, as a test plays it, and a hub that many tests share."""

import base64
import hashlib
import secrets
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import KeySet

from core.identity.provider import clients
from core.identity.provider.clients import Wanted
from plugin_sdk.text import Text
from portal.testing.hub import ROOT, HubUnderTest, MovedClock

PAGE = {"accept": "text/html"}
CALLBACK = "https://rp.example/callback"
LEFT = "https://rp.example/left"


def freely(scope: str) -> str | None:
    """Let an application have any scope."""
    return None


def challenge_of(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def params_of(answer: httpx.Response) -> dict[str, str]:
    """The parameters that an answer takes back to a client."""
    assert answer.status_code == 303, (answer.status_code, answer.text[:500])
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))


class Rp:
    """One client, and what it does."""

    def __init__(self, hub: HubUnderTest, id: str, secret: str | None, method: str) -> None:
        self.hub = hub
        self.id = id
        self.secret = secret
        self.method = method
        self.http = hub.client()
        self.verifier = secrets.token_urlsafe(40)

    def asked(self, **more: Any) -> dict[str, str]:
        """The parameters of a request; None leaves one out."""
        asked = {
            "response_type": "code",
            "client_id": self.id,
            "redirect_uri": CALLBACK,
            "scope": "openid profile phone posts",
            "state": "s t/ä",
            "nonce": "n-0S6",
            "code_challenge": challenge_of(self.verifier),
            "code_challenge_method": "S256",
            **more,
        }
        return {name: value for name, value in asked.items() if value is not None}

    async def authorize(self, browser: Any, **more: Any) -> httpx.Response:
        return await browser.get("/oidc/authorize?" + urlencode(self.asked(**more)), headers=PAGE)

    async def code(self, browser: Any, **more: Any) -> str:
        return params_of(await self.authorize(browser, **more))["code"]

    def _signed(self, fields: dict[str, Any]) -> dict[str, Any]:
        if self.method == "client_secret_basic":
            return {"data": fields, "auth": (self.id, self.secret or "")}
        own = {"client_id": self.id}
        if self.method == "client_secret_post":
            own["client_secret"] = str(self.secret)
        return {"data": {**own, **fields}}

    async def ask(self, place: str, **fields: Any) -> httpx.Response:
        return await self.http.post(f"/oidc/{place}", **self._signed(fields))

    async def redeem(self, code: str, **more: Any) -> httpx.Response:
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": self.verifier,
            **more,
        }
        return await self.ask("token", **{k: v for k, v in fields.items() if v is not None})

    async def refresh(self, token: str, **more: Any) -> httpx.Response:
        return await self.ask("token", grant_type="refresh_token", refresh_token=token, **more)

    async def sign_in(self, browser: Any, **more: Any) -> dict[str, Any]:
        answer = await self.redeem(await self.code(browser, **more))
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def userinfo(self, token: str) -> httpx.Response:
        return await self.http.get("/oidc/userinfo", headers={"authorization": f"Bearer {token}"})

    async def claims(self, id_token: str) -> dict[str, Any]:
        """The claims of an ID token, its signature and what must stand in it checked."""
        keys = KeySet.import_key_set((await self.http.get("/oidc/jwks")).json())
        read = jwt.decode(id_token, keys, algorithms=["RS256", "ES256"])
        assert {"iss", "aud", "sub", "exp", "iat"} <= set(read.claims)
        assert read.claims["iss"] == self.hub.hub.settings.public_url
        assert read.claims["aud"] == self.id
        return read.claims


async def register(hub: HubUnderTest, id: str = "notes", **more: Any) -> Rp:
    """Register a client and play it."""
    given: dict[str, Any] = {
        "name": Text(zh="记事", en="Notes"),
        "scopes": ("openid", "profile", "phone", "posts"),
        "redirect_uris": (CALLBACK,),
        "post_logout_uris": (LEFT,),
        **more,
    }
    async with hub.services.database.transaction(write=True) as tx:
        made = await clients.register(tx, id, Wanted(**given), None, lending=freely)
    return Rp(hub, id, made.secret, given.get("authentication", "client_secret_basic"))


@asynccontextmanager
async def shared_hub(engine_kind: str, request: Any, folder: Any):
    """A started hub that the tests of a module share."""
    import secrets
    import shutil

    from core.settings import Settings
    from portal.assembly import Yimen
    from portal.testing.engines import _plugin, sqlite_url
    from portal.testing.hub import fill_template

    plugin = _plugin(request.config)
    home = folder.mktemp("oidc")
    server = name = redis_url = None
    if engine_kind == "embedded":
        file = home / "yimen.sqlite3"
        shutil.copyfile(plugin.sqlite_template(fill_template, folder), file)
        url = sqlite_url(file)
    else:
        server = request.getfixturevalue("postgres_server")
        name = f"{plugin.prefix}{secrets.token_hex(6)}"
        url = server.create_database(name, plugin.postgres_template(fill_template, server))
        redis_url = request.getfixturevalue("valkey_server").database_url(plugin.number)
    clock = MovedClock()
    settings = Settings(
        home=home,
        cache=request.config.cache.mkdir("yimen"),
        database_url=url,
        redis_url=redis_url,
        mode="demonstration",
        county="沾化区",
        root_organization="371603",
        secret=b"of-this-test-alone",
        grants=ROOT / "manifests",
        public_url="http://127.0.0.1",
        outside_networks=("127.0.0.0/8",),
    )
    hub = HubUnderTest(Yimen(settings, clock=clock), clock)
    await hub.hub.start(background=False)
    try:
        yield hub
    finally:
        await hub.close()
        if server is not None:
            server.drop_database(name)


def first(address: str, name: str) -> str:
    return parse_qs(urlsplit(address).query)[name][0]
