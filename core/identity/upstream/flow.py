"""The way to a provider and back: what is asked, what comes back, whether it is believed.

Nothing is kept of a sign-in under way: it travels sealed in a cookie of the browser that began
it, so that whoever brings its answer in another browser brings nothing, and a hundred thousand
that are begun fill nothing. Each is good for ten minutes and once.
"""

import asyncio
import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal, TypeVar
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

import msgspec
from joserfc.jwk import KeySet

from core.identity.numbers import Numbers, SealBroken
from core.identity.upstream.discovery import Provider, ProviderError, Providers
from core.identity.upstream.tokens import (
    Expected,
    TokenRefused,
    check_id_token,
    check_signed,
    subject_of,
)
from core.outside import Outside, OutsideError

S = TypeVar("S")
LIFE_SECONDS: Final = 600
ALL_SECONDS: Final = 12.0
"""How long all questions to a provider may take that one person waits for."""
LONGEST_NEXT: Final = 2000  # bytes: all of it stays below the 4,096 of a cookie
MOST_PARAMETER: Final = 2000
LONGEST_NAME: Final = 64
_OWNER: Final = "upstream sign-in"
_OF_ACCOUNTS: Final = "upstream account"

_FOR_COOKIES: Final = str.maketrans("+/=", "-_~")
_AS_SEALED: Final = str.maketrans("-_~", "+/=")

Purpose = Literal["sign-in", "link", "again"]
FRESH: Final[frozenset[Purpose]] = frozenset(("link", "again"))
"""The purposes for which somebody proves anew at a provider who they are: whoever else is signed
in there in this browser is not taken for them."""
Authentication = Literal["client_secret_basic", "client_secret_post", "none"]


class Relying(msgspec.Struct, frozen=True):
    """As which client this hub stands at a provider, and what it asks there."""

    key: str
    issuer: str
    client_id: str
    secret: str | None
    authentication: str
    scopes: tuple[str, ...]
    redirect_uri: str


class UnderWay(msgspec.Struct, frozen=True):
    """A sign-in under way: what was sent, for what, and in which session."""

    upstream: str
    state: str
    nonce: str
    verifier: str
    purpose: Purpose
    begun: float
    next: str = "/"
    session_id: str | None = None
    public_computer: bool = False


class Said(msgspec.Struct, frozen=True):
    """What a provider said of somebody: whom, in which words, and when and how they proved it.
    `whole` tells whether all it would say was heard."""

    subject: str
    claims: dict[str, Any]
    proved_at: datetime | None
    acr: str | None
    whole: bool = True


class Account(msgspec.Struct, frozen=True):
    """An account at a provider that somebody is asked about before it is linked to theirs."""

    upstream: str
    subject: str
    name: str
    session_id: str | None
    begun: float


class Refused(Exception):
    """A sign-in through a provider that came to nothing; `code` names the words under
    `upstream.error`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Flow:
    """Leads people to providers, and believes or refuses what they come back with."""

    def __init__(self, outside: Outside, providers: Providers, numbers: Numbers) -> None:
        self._outside = outside
        self.providers = providers
        self._numbers = numbers

    async def begin(
        self,
        relying: Relying,
        purpose: Purpose,
        now: datetime,
        *,
        next: str = "/",
        session_id: str | None = None,
        public_computer: bool = False,
        language: str = "zh-CN",
    ) -> tuple[str, str]:
        """Return where the browser goes, and what it keeps meanwhile (sealed). Raises
        `Refused`."""
        provider = await self._provider(relying)
        verifier = secrets.token_urlsafe(32)
        under_way = UnderWay(
            upstream=relying.key,
            state=secrets.token_urlsafe(32),
            nonce=secrets.token_urlsafe(32),
            verifier=verifier,
            purpose=purpose,
            begun=now.timestamp(),
            next=next if len(next.encode()) <= LONGEST_NEXT else "/",
            session_id=session_id,
            public_computer=public_computer,
        )
        digest = hashlib.sha256(verifier.encode()).digest()
        asked = {
            "response_type": "code",
            "client_id": relying.client_id,
            "redirect_uri": relying.redirect_uri,
            "scope": " ".join(relying.scopes),
            "state": under_way.state,
            "nonce": under_way.nonce,
            "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
            "code_challenge_method": "S256",
            "ui_locales": language,
            **({"prompt": "login", "max_age": "0"} if purpose in FRESH else {}),
        }
        sealed = self._numbers.seal(msgspec.json.encode(under_way).decode(), _OWNER)
        return with_query(provider.authorization_endpoint, asked), sealed.translate(_FOR_COOKIES)

    def under_way(self, sealed: str, upstream: str, state: str, now: datetime) -> UnderWay:
        """Return the sign-in under way in a browser, which the answer must name. Raises
        `Refused`."""
        found = self._opened(sealed, _OWNER, UnderWay)
        if found.upstream != upstream or not hmac.compare_digest(
            found.state.encode(), state.encode()
        ):
            raise Refused("state")
        if now.timestamp() - found.begun > LIFE_SECONDS:
            raise Refused("state-old")
        return found

    def keep(self, under_way: UnderWay, said: Said) -> str:
        """Return what a browser keeps (sealed) of an account that may be linked, until somebody
        has said that it is theirs."""
        account = Account(
            upstream=under_way.upstream,
            subject=said.subject,
            name=_name_of(said.claims),
            session_id=under_way.session_id,
            begun=under_way.begun,
        )
        sealed = self._numbers.seal(msgspec.json.encode(account).decode(), _OF_ACCOUNTS)
        return sealed.translate(_FOR_COOKIES)

    def kept(self, sealed: str, upstream: str, now: datetime) -> Account:
        """Return the account that a browser keeps. Raises `Refused`."""
        found = self._opened(sealed, _OF_ACCOUNTS, Account)
        if found.upstream != upstream:
            raise Refused("state")
        if now.timestamp() - found.begun > LIFE_SECONDS:
            raise Refused("state-old")
        return found

    def _opened(self, sealed: str, owner: str, kind: type[S]) -> S:
        try:
            text = self._numbers.open(sealed.translate(_AS_SEALED), owner)
            return msgspec.json.decode(text, type=kind)
        except (SealBroken, msgspec.DecodeError, UnicodeDecodeError):
            raise Refused("state") from None

    async def finish(
        self,
        relying: Relying,
        under_way: UnderWay,
        answer: Mapping[str, str],
        now: datetime,
        *,
        more: bool = False,
    ) -> Said:
        """Return what the provider says of who has come back, with `more` its userinfo too.
        Raises `Refused`."""
        try:
            async with asyncio.timeout(ALL_SECONDS):
                return await self._finish(relying, under_way, answer, now, more=more)
        except TimeoutError:
            raise Refused("slow") from None
        except (OutsideError, ProviderError, TokenRefused) as error:
            raise Refused(error.code) from None

    async def _finish(
        self,
        relying: Relying,
        under_way: UnderWay,
        answer: Mapping[str, str],
        now: datetime,
        *,
        more: bool,
    ) -> Said:
        provider = await self.providers.provider(relying.issuer)
        _check_answer(provider, answer)
        tokens = await self._redeem(provider, relying, under_way, answer["code"])
        access_token = tokens.get("access_token")
        access_token = access_token if isinstance(access_token, str) else None

        async def keys(anew: bool) -> KeySet:
            return await self.providers.keys(provider, anew=anew)

        expected = Expected(
            client_id=relying.client_id,
            nonce=under_way.nonce,
            now=now,
            access_token=access_token,
            fresh=under_way.purpose in FRESH,
            asked_at=datetime.fromtimestamp(under_way.begun, now.tzinfo),
        )
        claims = await check_id_token(tokens.get("id_token"), provider, keys, expected)
        subject = subject_of(claims)
        # what was proved is said by the signed token alone, which was checked for it
        proved, acr = claims.get("auth_time"), claims.get("acr")
        whole = True
        if more and provider.userinfo_endpoint is not None:
            try:
                said = await self._userinfo(provider, relying, access_token, keys)
                if said.get("sub") != subject:  # Core 1.0, section 5.3.2
                    raise TokenRefused("userinfo-other")
                claims = {**said, **claims}
            except (OutsideError, ProviderError):
                whole = False
        return Said(
            subject=subject,
            claims=claims,
            proved_at=datetime.fromtimestamp(proved, now.tzinfo) if proved is not None else None,
            acr=acr if isinstance(acr, str) else None,
            whole=whole,
        )

    async def _redeem(
        self, provider: Provider, relying: Relying, under_way: UnderWay, code: str
    ) -> dict[str, Any]:
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": relying.redirect_uri,
            "code_verifier": under_way.verifier,
        }
        headers = {}
        secret = relying.secret or ""
        match relying.authentication:
            case "client_secret_basic":  # RFC 6749, section 2.3.1: form-encoded, then basic
                pair = f"{quote(relying.client_id, safe='')}:{quote(secret, safe='')}"
                headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
            case "client_secret_post":
                fields |= {"client_id": relying.client_id, "client_secret": secret}
            case _:
                fields["client_id"] = relying.client_id
        answer = await self._outside.post(provider.token_endpoint, fields, headers=headers)
        if answer.status != 200:
            # what it says of itself is nobody's word: only the codes of RFC 6749 are read
            named = _error_of(answer.body)
            raise ProviderError(f"token-{named}" if named in _TOKEN_ERRORS else "token-refused")
        return answer.json()

    async def _userinfo(
        self, provider: Provider, relying: Relying, access_token: str | None, keys: Any
    ) -> dict[str, Any]:
        if access_token is None or not access_token.isascii() or not access_token.isprintable():
            raise ProviderError("userinfo-token")
        answer = await self._outside.get(
            provider.userinfo_endpoint or "", headers={"Authorization": f"Bearer {access_token}"}
        )
        if answer.status != 200:
            raise ProviderError("userinfo-status")
        kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/jwt":
            return answer.json()
        # Core 1.0, section 5.3.2: what is signed says who signed it, and for whom
        claims = await check_signed(answer.body.decode("latin-1").strip(), provider, keys)
        audience = claims.get("aud")
        ours = relying.client_id in (audience if isinstance(audience, list) else [audience])
        if claims.get("iss") != provider.issuer or not ours:
            raise TokenRefused("userinfo-other")
        return claims

    async def leaving(self, relying: Relying, back: str) -> str | None:
        """Return where one signs out at a provider too, None where it has no such place or does
        not answer (RP-Initiated Logout 1.0). It asks there: no token was kept to show."""
        try:
            provider = await self.providers.provider(relying.issuer)
        except (OutsideError, ProviderError):
            return None
        if provider.end_session_endpoint is None:
            return None
        asked = {"client_id": relying.client_id, "post_logout_redirect_uri": back}
        return with_query(provider.end_session_endpoint, asked)

    async def _provider(self, relying: Relying) -> Provider:
        try:
            async with asyncio.timeout(ALL_SECONDS):
                return await self.providers.provider(relying.issuer)
        except TimeoutError:
            raise Refused("slow") from None
        except (OutsideError, ProviderError) as error:
            raise Refused(error.code) from None


_ANSWERED_ERRORS: Final = frozenset(
    ("access_denied", "login_required", "interaction_required", "temporarily_unavailable")
)
_TOKEN_ERRORS: Final = frozenset(("invalid_client", "invalid_grant", "unauthorized_client"))


def _check_answer(provider: Provider, answer: Mapping[str, str]) -> None:
    """Refuse an answer that is another's (RFC 9207), says what went wrong, or brings no code.
    Its `error_description` is read by nobody and shown to nobody."""
    whose = answer.get("iss")
    if (whose is not None or provider.names_itself) and whose != provider.issuer:
        raise ProviderError("answer-other")
    if "error" in answer:
        named = answer["error"]
        raise ProviderError(f"answer-{named}" if named in _ANSWERED_ERRORS else "answer-refused")
    if not answer.get("code"):
        raise ProviderError("no-answer")


def _error_of(body: bytes) -> str:
    try:
        found = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return ""
    return str(found.get("error", ""))[:40] if isinstance(found, dict) else ""


def _name_of(claims: Mapping[str, Any]) -> str:
    """Return what an account is called there, '' where nothing tells."""
    for claim in ("preferred_username", "name"):
        told = claims.get(claim)
        if isinstance(told, str) and told.isprintable() and 0 < len(told) <= LONGEST_NAME:
            return told
    return ""


def one_of_each(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """Return the parameters of an answer. Raises `Refused` for one that stands twice or is over
    its bound (RFC 6749, section 3.1)."""
    found = dict(pairs)
    if len(found) != len(pairs) or any(len(value) > MOST_PARAMETER for value in found.values()):
        raise Refused("answer-malformed")
    return found


def with_query(address: str, more: Mapping[str, str]) -> str:
    """Return an address with more in its query."""
    parts = urlsplit(address)
    query = "&".join(part for part in (parts.query, urlencode(more)) if part)
    return urlunsplit(parts._replace(query=query))
