"""An identity provider above the hub, honest until it is told otherwise."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from tests.core.outside_server import Asked, answer, serving

CLIENT = "the-county"
SECRET = "se:cret/+ of the county"
KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
OTHER = RSAKey.generate_key(2048, {"kid": "two", "use": "sig", "alg": "RS256"})
CURVE = ECKey.generate_key("P-256", {"kid": "curve", "use": "sig"})


class ProviderAbove:
    """What it says is made of its fields; a test changes those it lies about."""

    def __init__(self, port: int = 0, path: str = "") -> None:
        self.issuer = f"http://127.0.0.1:{port}{path}"
        self.keys = [KEY]
        self.signs_with: Any = KEY
        self.header: dict[str, Any] = {"alg": "RS256", "kid": "one"}
        self.claims: dict[str, Any] = {}
        self.without: tuple[str, ...] = ()
        self.metadata: dict[str, Any] = {}
        self.answers: dict[str, bytes] = {}  # by path: said instead
        self.slow: dict[str, float] = {}
        self.userinfo: dict[str, Any] = {}
        self.asked: list[str] = []
        self.codes: dict[str, dict[str, str]] = {}
        self.now = time.time
        self.sub = "u-1001-zhang"
        self.tamper = lambda token: token

    def describe(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "end_session_endpoint": f"{self.issuer}/end",
            "code_challenge_methods_supported": ["S256"],
            "response_types_supported": ["code"],
            "authorization_response_iss_parameter_supported": True,
        } | self.metadata

    def authorize(self, address: str) -> dict[str, str]:
        """Let somebody in who was led here; what their browser brings back."""
        parts = urlsplit(address)
        assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"{self.issuer}/authorize"
        asked = dict(parse_qsl(parts.query))
        assert asked["code_challenge_method"] == "S256"
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked
        return {"code": code, "state": asked["state"], "iss": self.issuer}

    def id_token(self, asked: dict[str, str], access_token: str) -> str:
        now = int(self.now())
        claims = {
            "iss": self.issuer,
            "sub": self.sub,
            "aud": CLIENT,
            "exp": now + 300,
            "iat": now,
            "auth_time": now,
            "nonce": asked["nonce"],
            **self.claims,
        }
        claims = {name: value for name, value in claims.items() if name not in self.without}
        return self.tamper(self.sign(claims))

    def sign(self, claims: dict[str, Any], header: dict[str, Any] | None = None) -> str:
        header = header or self.header
        if header["alg"] == "none":
            return ".".join([_b64(json.dumps(header)), _b64(json.dumps(claims)), ""])
        if isinstance(self.signs_with, bytes):  # HMAC, by what is no secret
            signed = f"{_b64(json.dumps(header))}.{_b64(json.dumps(claims))}"
            return f"{signed}.{_b64(hmac.digest(self.signs_with, signed.encode(), 'sha256'))}"
        registry = jws.JWSRegistry(algorithms=[header["alg"]], strict_check_header=False)
        crit = header.get("crit")
        if crit:  # the library would rather not
            head, body = _b64(json.dumps(header)), _b64(json.dumps(claims))
            plain = {"alg": header["alg"]}
            signer = registry.get_alg(plain["alg"])
            signature = signer.sign(f"{head}.{body}".encode(), self.signs_with)
            return f"{head}.{body}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"
        return jws.serialize_compact(header, json.dumps(claims), self.signs_with, registry=registry)

    async def __call__(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        path, _, query = asked.path.removeprefix(urlsplit(self.issuer).path).partition("?")
        self.asked.append(path)
        await asyncio.sleep(self.slow.get(path, 0))
        if path in self.answers:
            writer.write(self.answers[path])
        elif path == "/authorize":  # a browser that is led here
            found = self.authorize(f"{self.issuer}/authorize?{query}")
            back = self.codes[found["code"]]["redirect_uri"]
            writer.write(answer(b"", "302 Found", f"Location: {back}?{urlencode(found)}"))
        elif path == "/end":
            back = dict(parse_qsl(query))["post_logout_redirect_uri"]
            writer.write(answer(b"", "302 Found", f"Location: {back}"))
        elif path.endswith("/openid-configuration"):
            writer.write(_json(self.describe()))
        elif path == "/keys":
            writer.write(_json({"keys": [key.as_dict(private=False) for key in self.keys]}))
        elif path == "/userinfo":
            assert asked.headers["authorization"] == "Bearer an-access-token"
            writer.write(_json({"sub": self.sub, **self.userinfo}))
        elif path == "/token":
            writer.write(self.token(asked))
        await writer.drain()

    def token(self, asked: Asked) -> bytes:
        fields = dict(parse_qsl(asked.body.decode()))
        of = self.codes.pop(fields["code"], None)
        challenge = hashlib.sha256(fields["code_verifier"].encode()).digest()
        if of is None or _b64(challenge) != of["code_challenge"]:
            return _json({"error": "invalid_grant"}, "400 Bad Request")
        if fields["redirect_uri"] != of["redirect_uri"]:
            return _json({"error": "invalid_grant"}, "400 Bad Request")
        return _json(
            {
                "access_token": "an-access-token",
                "token_type": "Bearer",
                "id_token": self.id_token(of, "an-access-token"),
            }
        )


def _b64(data: str | bytes) -> str:
    raw = data.encode() if isinstance(data, str) else data
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _json(data: Any, status: str = "200 OK") -> bytes:
    return answer(json.dumps(data).encode(), status, "Content-Type: application/json")


@asynccontextmanager
async def provider_above() -> AsyncIterator[ProviderAbove]:
    """Serve one on loopback."""
    found = ProviderAbove()

    async def handle(asked: Asked, writer: asyncio.StreamWriter) -> None:
        await found(asked, writer)

    async with serving(handle) as port:
        found.issuer = f"http://127.0.0.1:{port}"
        yield found
