"""What providers say of themselves (OpenID Connect Discovery 1.0), and their keys (RFC 7517).

Each worker keeps what it was told: for an hour as fresh, and for a week where the provider is
away. One question at a time goes to one provider; one that was not answered is not asked again
for half a minute. A key that is not known is asked for once a minute at most, whatever tokens
name: so keys rotate without a pause, and nobody makes this hub knock.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, KeySet, OKPKey, RSAKey

from core.outside import Outside, OutsideError, checked
from core.settings import LOOPBACK

FRESH_SECONDS: Final = 3600.0
STALE_SECONDS: Final = 7 * 24 * 3600.0
AGAIN_SECONDS: Final = 30.0
KEYS_SECONDS: Final = 60.0
MOST_KEYS: Final = 50
ALGORITHMS: Final = frozenset(
    f"{kind}{bits}" for kind in ("RS", "PS", "ES") for bits in (256, 384, 512)
) | {"Ed25519", "EdDSA"}
"""Signatures by a key that the provider alone has. Never `none`, and never HMAC: its key would
be the client's secret, or, to who is careless, the provider's public key."""
PATH: Final = "/.well-known/openid-configuration"
_KINDS: Final[dict[str, type[RSAKey] | type[ECKey] | type[OKPKey]]] = {
    "RSA": RSAKey,
    "EC": ECKey,
    "OKP": OKPKey,
}
LEAST_RSA_BITS: Final = 2048


class ProviderError(Exception):
    """A provider whose word cannot be used; `code` names the words under `upstream.error`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Provider(msgspec.Struct, frozen=True):
    """What a provider says of itself, as far as it is used."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    end_session_endpoint: str | None = None
    names_itself: bool = False
    """Whether each of its answers says by `iss` whose it is (RFC 9207)."""
    algorithms: frozenset[str] = ALGORITHMS


class _Kept(msgspec.Struct):
    """What was told last, and when; when it was asked for last."""

    told: Any = None
    told_at: float = 0.0
    asked_at: float = float("-inf")
    failure: ProviderError | None = None


class Providers:
    """What one worker knows of providers. `clock` is a monotonic one, in seconds."""

    def __init__(self, outside: Outside, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._outside = outside
        self._clock = clock
        self._providers: dict[str, _Kept] = defaultdict(_Kept)
        self._keys: dict[str, _Kept] = defaultdict(_Kept)
        self._locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def provider(self, issuer: str, *, anew: bool = False) -> Provider:
        """Return what an issuer says of itself; with `anew` what it says now. Raises
        `ProviderError` and `OutsideError`."""

        async def ask() -> Provider:
            answer = await self._outside.get(issuer.rstrip("/") + PATH)
            if answer.status != 200:
                raise ProviderError("discovery-status")
            return read(issuer, answer.json())

        found: Provider = await self._told(self._providers[issuer], issuer, ask, anew=anew)
        return found

    async def keys(self, provider: Provider, *, anew: bool = False) -> KeySet:
        """Return the keys a provider signs with; with `anew` those it names now, unless it was
        asked less than a minute ago. Raises `ProviderError` and `OutsideError`."""

        async def ask() -> KeySet:
            answer = await self._outside.get(provider.jwks_uri)
            if answer.status != 200:
                raise ProviderError("keys-status")
            return read_keys(answer.json())

        kept = self._keys[provider.issuer]
        if anew and self._clock() - kept.asked_at < KEYS_SECONDS:
            anew = False
        found: KeySet = await self._told(kept, f"keys {provider.issuer}", ask, anew=anew)
        return found

    def forget(self, issuer: str) -> None:
        """Ask an issuer anew when it is needed next."""
        self._providers.pop(issuer, None)
        self._keys.pop(issuer, None)

    async def _told(
        self, kept: _Kept, name: str, ask: Callable[[], Awaitable[Any]], *, anew: bool
    ) -> Any:
        before = kept.asked_at
        if not anew and self._fresh(kept):
            return kept.told
        async with self._locks[name]:
            if kept.asked_at != before and kept.told is not None:
                return kept.told  # another has asked while this one waited
            if not anew and self._fresh(kept):
                return kept.told
            if anew or self._clock() - kept.asked_at >= AGAIN_SECONDS:
                kept.asked_at = self._clock()
                try:
                    kept.told, kept.failure = await ask(), None
                    kept.told_at = self._clock()
                    return kept.told
                except OutsideError as away:
                    kept.failure = ProviderError(away.code)
                except ProviderError as wrong:
                    kept.failure = wrong
                if anew:
                    raise kept.failure
            if kept.told is not None and self._clock() - kept.told_at < STALE_SECONDS:
                return kept.told
            raise kept.failure or ProviderError("unreachable")

    def _fresh(self, kept: _Kept) -> bool:
        return kept.told is not None and self._clock() - kept.told_at < FRESH_SECONDS


def read(issuer: str, data: dict[str, Any]) -> Provider:
    """Return what an issuer says of itself. Raises `ProviderError`."""
    if data.get("issuer") != issuer:  # Discovery 1.0, section 4.3: exactly
        raise ProviderError("issuer-other")
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        if not isinstance(data.get(name), str):
            raise ProviderError("discovery-lacks")
    for name in (
        *("authorization_endpoint", "token_endpoint", "jwks_uri"),
        *("userinfo_endpoint", "end_session_endpoint"),
    ):
        if data.get(name) is not None:
            check_address(data[name])
    challenges = _words(data, "code_challenge_methods_supported")
    if challenges is not None and "S256" not in challenges:
        raise ProviderError("no-pkce")
    responses = _words(data, "response_types_supported")
    if responses is not None and "code" not in responses:
        raise ProviderError("no-code")
    algorithms = _words(data, "id_token_signing_alg_values_supported")
    usable = ALGORITHMS if algorithms is None else ALGORITHMS & algorithms
    if not usable:
        raise ProviderError("no-algorithm")
    return Provider(
        issuer=issuer,
        authorization_endpoint=data["authorization_endpoint"],
        token_endpoint=data["token_endpoint"],
        jwks_uri=data["jwks_uri"],
        userinfo_endpoint=data.get("userinfo_endpoint"),
        end_session_endpoint=data.get("end_session_endpoint"),
        names_itself=data.get("authorization_response_iss_parameter_supported") is True,
        algorithms=usable,
    )


def check_address(address: Any) -> None:
    """Raise `ProviderError` for an address that is not https, but for one of this machine."""
    try:
        parts = checked(address) if isinstance(address, str) else None
    except OutsideError:
        parts = None
    if parts is None:
        raise ProviderError("address")
    if parts.scheme != "https" and parts.hostname not in LOOPBACK:
        raise ProviderError("plain")


def read_keys(data: dict[str, Any]) -> KeySet:
    """Return the public keys of a set that may check signatures; others in it count for nothing
    (RFC 7517, section 5). Raises `ProviderError` where none is left."""
    listed = data.get("keys")
    if not isinstance(listed, list) or len(listed) > MOST_KEYS:
        raise ProviderError("keys-malformed")
    found: list[Key] = []
    for one in listed:
        kind = _KINDS.get(str(one.get("kty"))) if isinstance(one, dict) else None
        if kind is None or one.get("use", "sig") != "sig":
            continue
        try:
            if kind is RSAKey and 6 * len(one["n"].rstrip("=")) < LEAST_RSA_BITS:  # base64url
                continue
            found.append(kind.import_key({n: one[n] for n in one if n not in _PRIVATE}))
        except (JoseError, ValueError, TypeError, KeyError, AttributeError):
            continue
    if not found:
        raise ProviderError("keys-none")
    return KeySet(found)


_PRIVATE: Final = frozenset(("d", "p", "q", "dp", "dq", "qi", "oth", "k"))


def _words(data: dict[str, Any], name: str) -> frozenset[str] | None:
    found = data.get(name)
    if not isinstance(found, list):
        return None
    return frozenset(word for word in found if isinstance(word, str))
