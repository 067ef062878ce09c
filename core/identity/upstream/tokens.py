"""Whether what a provider says of somebody is believed.

The rules are those of OpenID Connect Core 1.0, section 3.1.3.7, and RFC 9700; the signature is
checked by joserfc, as Authlib does. A key is taken from what the issuer publishes alone: what a
token carries or names of keys itself (`jwk`, `jku`, `x5u`) is a reason to refuse it.
"""

import base64
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import Key, KeySet
from joserfc.jws import JWSRegistry

from core.identity.upstream.discovery import Provider

MOST_CHARACTERS: Final = 16_384
MOST_SUBJECT: Final = 255  # Core 1.0, section 2
LEEWAY: Final = 60
"""How many seconds the provider's clock may differ."""
OLDEST: Final = 600
"""How many seconds ago an ID token may have been issued: it comes straight from the provider."""
CARRIES_KEYS: Final = frozenset(("jwk", "jku", "x5u"))
_CURVES: Final = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}

FindKeys = Callable[[bool], Awaitable[KeySet]]
"""Returns the keys of the issuer; with True those it names now."""


class TokenRefused(Exception):
    """A token that is not believed; `code` names the words under `upstream.error`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Expected(msgspec.Struct, frozen=True):
    """What an ID token must agree with. `fresh` asks that it say when somebody proved who they
    are: since `asked_at`."""

    client_id: str
    nonce: str
    now: datetime
    access_token: str | None = None
    fresh: bool = False
    asked_at: datetime | None = None


async def check_id_token(
    token: Any, provider: Provider, keys: FindKeys, expected: Expected
) -> dict[str, Any]:
    """Return the claims of an ID token. Raises `TokenRefused`."""
    claims = await check_signed(token, provider, keys)
    _check_whose(claims, provider, expected)
    _check_when(claims, expected)
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not hmac.compare_digest(
        nonce.encode(), expected.nonce.encode()
    ):
        raise TokenRefused("nonce")
    if expected.access_token is not None and "at_hash" in claims:
        header = _header(token)
        if claims["at_hash"] != half_hash(expected.access_token, header["alg"]):
            raise TokenRefused("at-hash")
    return claims


async def check_signed(token: Any, provider: Provider, keys: FindKeys) -> dict[str, Any]:
    """Return what a provider has signed, an object; nothing in it is checked but that. Raises
    `TokenRefused`."""
    if not isinstance(token, str) or not token.isascii() or token.count(".") != 2:
        raise TokenRefused("token-malformed")
    if len(token) > MOST_CHARACTERS:
        raise TokenRefused("token-large")
    header = _header(token)
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in provider.algorithms:
        raise TokenRefused("algorithm")
    if "crit" in header:  # nothing beyond the standard is understood here (RFC 7515, 4.1.11)
        raise TokenRefused("critical")
    if CARRIES_KEYS & header.keys():
        raise TokenRefused("key-carried")
    key = await _key(header, algorithm, keys)
    registry = JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    try:
        signed = jws.deserialize_compact(token, key, registry=registry)
        claims = msgspec.json.decode(signed.payload or b"")
    except JoseError:
        raise TokenRefused("signature") from None
    except (ValueError, RecursionError):
        raise TokenRefused("token-malformed") from None
    if not isinstance(claims, dict):
        raise TokenRefused("token-malformed")
    return claims


async def _key(header: Mapping[str, Any], algorithm: str, keys: FindKeys) -> Key:
    """Return the key a header names; one that is not known is asked for once. Without a name it
    must be the only one that fits (Core 1.0, section 10.1)."""
    for anew in (False, True):
        fit = [key for key in await keys(anew) if _fits(key, algorithm)]
        kid = header.get("kid")
        named = fit if kid is None else [key for key in fit if key.kid == kid]
        if len(named) == 1:
            return named[0]
        if len(named) > 1:
            raise TokenRefused("key-unclear")
    raise TokenRefused("key-unknown")


def _fits(key: Key, algorithm: str) -> bool:
    meant = key.get("alg")
    if meant is not None and meant != algorithm:
        return False
    match algorithm[:2]:
        case "RS" | "PS":
            return key.key_type == "RSA"
        case "ES":
            return key.key_type == "EC" and key.get("crv") == _CURVES[algorithm]
        case _:
            return key.key_type == "OKP" and key.get("crv") == "Ed25519"


def _check_whose(claims: Mapping[str, Any], provider: Provider, expected: Expected) -> None:
    if claims.get("iss") != provider.issuer:
        raise TokenRefused("issuer")
    audience = claims.get("aud")
    if isinstance(audience, str):
        audience = [audience]
    # no other audience is trusted here, so a token for several is for too many
    if not isinstance(audience, list) or audience != [expected.client_id]:
        raise TokenRefused("audience")
    if claims.get("azp", expected.client_id) != expected.client_id:
        raise TokenRefused("authorized-party")
    subject_of(claims)


def subject_of(claims: Mapping[str, Any]) -> str:
    """Return whom claims are about. Raises `TokenRefused`."""
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject.strip() or len(subject) > MOST_SUBJECT:
        raise TokenRefused("subject")
    return subject


def _check_when(claims: Mapping[str, Any], expected: Expected) -> None:
    now = expected.now.timestamp()
    ends, issued = _number(claims, "exp"), _number(claims, "iat")
    if ends is None or ends <= now - LEEWAY:
        raise TokenRefused("expired")
    if issued is None or issued > now + LEEWAY:
        raise TokenRefused("issued-later")
    if issued < now - OLDEST:
        raise TokenRefused("issued-long-ago")
    if "nbf" in claims:
        begins = _number(claims, "nbf")
        if begins is None or begins > now + LEEWAY:
            raise TokenRefused("not-yet")
    proved = _number(claims, "auth_time")
    if "auth_time" in claims and (proved is None or not 0 <= proved <= now + LEEWAY):
        raise TokenRefused("proved-later")
    if expected.fresh:
        since = (expected.asked_at or expected.now).timestamp()
        if proved is None or proved < since - LEEWAY:
            raise TokenRefused("proved-earlier")


def _number(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if abs(value) < 1e11 else None


def half_hash(text: str, algorithm: str) -> str:
    """Return the left half of the hash that goes with an algorithm (Core 1.0, 3.1.3.6)."""
    name = {"256": "sha256", "384": "sha384", "512": "sha512"}.get(algorithm[-3:], "sha512")
    digest = hashlib.new(name, text.encode()).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).decode().rstrip("=")


def _header(token: str) -> dict[str, Any]:
    part = token.partition(".")[0]
    try:
        found = msgspec.json.decode(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise TokenRefused("token-malformed")
    return found
