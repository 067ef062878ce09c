"""What a client asks for when it sends somebody here to sign in: read strictly, or refused.

What is wrong with the client or its address is said on a page of ours, since nobody knows who
would hear it; all else is answered to the client (RFC 6749, section 4.1.2.1). The request is kept
nowhere: it travels, sealed, in the address from page to page.
"""

import base64
import hmac
import json
import re
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec

from core.database import Transaction
from core.identity.provider import clients, scopes
from core.identity.provider.clients import CODE
from core.identity.provider.models import Client

LONGEST: Final = 4000  # of a request, in characters
MOST_PARAMETERS: Final = 50
CHALLENGE: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}")
MODES: Final = ("query", "form_post")
PROMPTS: Final = frozenset({"none", "login", "consent", "select_account"})
KEPT_FOR: Final = timedelta(minutes=30)
UNTAKEN: Final = (  # not taken: better said than ignored
    ("request", "request_not_supported", "request-object"),
    ("request_uri", "request_uri_not_supported", "request-object"),
    ("registration", "registration_not_supported", "registration"),
)


class Refused(Exception):
    """A request that is not granted: the code others are told, the key of the words that say
    why, and what it was about; nothing secret. `client` is who sent it, where that is known."""

    def __init__(self, error: str, reason: str, **facts: str) -> None:
        super().__init__(error)
        self.error = error
        self.reason = reason
        self.facts = facts
        self.client: str | None = None


class Answerable(msgspec.Struct, frozen=True):
    """Whom an answer goes to: a client at an address of its own, and how."""

    client: Client
    redirect_uri: str
    response_mode: str = "query"
    state: str | None = None


class Asked(msgspec.Struct, frozen=True):
    """A request that can be granted, once somebody has signed in and agrees."""

    to: Answerable
    query: str
    scopes: list[str]
    challenge: str
    nonce: str | None = None
    prompts: frozenset[str] = frozenset()
    max_age: int | None = None
    acr: tuple[str, ...] = ()
    claims: dict[str, Any] = {}
    login_hint: str = ""
    ui_locales: str = ""
    id_token_hint: str = ""

    @property
    def client(self) -> Client:
        """Return who asks."""
        return self.to.client

    @property
    def subject(self) -> str | None:
        """Return the subject that it is about alone (Core, section 5.5.1), None for anybody."""
        how = self.claims.get("id_token", {}).get("sub") or {}
        return str(how["value"]) if how.get("value") else None

    @property
    def claimed(self) -> set[str]:
        """Return the scopes of the claims that it asks for one by one, which are agreed to as
        scopes are."""
        names = {name for members in self.claims.values() for name in members}
        return {scopes.SCOPE_OF[name] for name in names if name in scopes.SCOPE_OF}


class Kept(msgspec.Struct, frozen=True):
    """A request on its way through pages: since when a proof was asked for, and whether the
    account was chosen."""

    query: str
    since: datetime | None = None
    chosen: bool = False


class Sealing:
    """Packs requests into addresses so that nobody changes them on the way, nor takes one of one
    kind for one of another."""

    def __init__(self, secret: bytes, kind: str) -> None:
        self._key = hmac.new(secret, f"yimen kept requests: {kind}".encode(), sha256).digest()

    def pack(self, kept: Kept, now: datetime) -> str:
        """Return a request as a text for an address."""
        since = kept.since.timestamp() if kept.since else None
        said = json.dumps([kept.query, since, kept.chosen, now.timestamp()]).encode()
        return _text(hmac.digest(self._key, said, "sha256") + said)

    def unpack(self, text: str, now: datetime) -> Kept | None:
        """Return such a request, with what was proved or chosen for half an hour; None for what
        was not packed here."""
        try:
            data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            if not hmac.compare_digest(hmac.digest(self._key, data[32:], "sha256"), data[:32]):
                return None
            query, since, chosen, at = json.loads(data[32:])
        except (ValueError, TypeError):
            return None
        packed = datetime.fromtimestamp(at, UTC)
        if not packed <= now < packed + KEPT_FOR:
            return Kept(query)
        return Kept(query, datetime.fromtimestamp(since, UTC) if since else None, chosen)


def parameters(query: str, *, longest: int = LONGEST) -> tuple[dict[str, str], list[str]]:
    """Return the parameters of a request, empty ones as if they were not there (RFC 6749, section
    3.1), and the names of those that come more than once. Raises `Refused`."""
    if len(query) > longest:
        raise Refused("invalid_request", "too-long", length=str(len(query)))
    try:
        pairs = parse_qsl(
            query, keep_blank_values=False, max_num_fields=MOST_PARAMETERS, errors="strict"
        )
    except ValueError:
        raise Refused("invalid_request", "malformed") from None
    if any("\x00" in part for pair in pairs for part in pair):  # no database keeps it
        raise Refused("invalid_request", "malformed")
    count = Counter(name for name, _ in pairs)
    return dict(pairs), sorted(name for name, often in count.items() if often > 1)


async def read_client(tx: Transaction, given: Mapping[str, str], twice: list[str]) -> Answerable:
    """Return whom an answer to a request goes to. Raises `Refused`, which is said here."""
    for name in ("client_id", "redirect_uri"):
        if name in twice:
            raise Refused("invalid_request", "twice", parameter=name)
    if not (id := given.get("client_id", "")):
        raise Refused("invalid_request", "client-missing")
    client = await clients.find(tx, id)
    if client is None:
        raise Refused("invalid_client", "client-unknown", client=id[:60])
    try:
        return Answerable(client, _address(client, given))
    except Refused as refused:
        refused.client = client.id
        raise


def _address(client: Client, given: Mapping[str, str]) -> str:
    if client.disabled_at is not None:
        raise Refused("invalid_client", "client-disabled")
    if CODE not in client.grants:
        raise Refused("unauthorized_client", "grant-not-registered", grant=CODE)
    if not (address := given.get("redirect_uri", "")):
        raise Refused("invalid_request", "redirect-missing")
    if not clients.redirect_allowed(client, address):
        raise Refused("invalid_request", "redirect-unknown", given=address)
    return address


def read(to: Answerable, query: str, given: Mapping[str, str], twice: list[str]) -> Asked:
    """Return the request of a client. Raises `Refused`, which the client is told."""
    if twice:
        raise Refused("invalid_request", "twice", parameter=twice[0])
    for name, error, reason in UNTAKEN:
        if name in given:
            raise Refused(error, reason, parameter=name)
    if given.get("response_mode", "query") not in MODES:
        raise Refused("invalid_request", "response-mode", given=given["response_mode"])
    if "response_type" not in given:
        raise Refused("invalid_request", "response-type-missing")
    if given["response_type"] != "code":
        raise Refused("unsupported_response_type", "response-type", given=given["response_type"])
    _check_challenge(given)
    asked = given.get("scope", "").split()
    if scopes.OFFLINE in asked:
        raise Refused("invalid_scope", "offline")
    allowed = scopes.allowed(asked, to.client.scopes)
    if scopes.OPENID not in allowed:
        raise Refused("invalid_scope", "scope-openid", given=given.get("scope", ""))
    claims = _claims(given.get("claims"))
    return Asked(
        to=to,
        query=query,
        scopes=allowed,
        challenge=given["code_challenge"],
        nonce=given.get("nonce"),
        prompts=_prompts(given.get("prompt", "")),
        max_age=_max_age(given.get("max_age")),
        acr=_essential_acr(claims),
        claims=claims,
        login_hint=given.get("login_hint", "")[:100],
        ui_locales=given.get("ui_locales", ""),
        id_token_hint=given.get("id_token_hint", ""),
    )


def _check_challenge(given: Mapping[str, str]) -> None:
    if "code_challenge" not in given:
        raise Refused("invalid_request", "challenge-missing")
    if given.get("code_challenge_method") != "S256":  # absent is `plain` (RFC 7636, section 4.3)
        method = given.get("code_challenge_method", "plain")
        raise Refused("invalid_request", "challenge-method", given=method)
    if not CHALLENGE.fullmatch(given["code_challenge"]):
        raise Refused("invalid_request", "challenge-malformed")


def _prompts(text: str) -> frozenset[str]:
    asked = frozenset(text.split())
    if asked - PROMPTS or ("none" in asked and len(asked) > 1):
        raise Refused("invalid_request", "prompt", given=text)
    return asked


def _max_age(text: str | None) -> int | None:
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise Refused("invalid_request", "max-age", given=text)
    return int(text)


def _claims(text: str | None) -> dict[str, Any]:
    """Return the claims parameter (Core, section 5.5), its two known members alone."""
    if text is None:
        return {}
    try:
        found = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Refused("invalid_request", "claims") from None
    if not isinstance(found, dict):
        raise Refused("invalid_request", "claims")
    asked = {place: found[place] for place in ("userinfo", "id_token") if found.get(place)}
    for members in asked.values():
        if not isinstance(members, dict) or not all(
            how is None or isinstance(how, dict) for how in members.values()
        ):
            raise Refused("invalid_request", "claims")
    return asked


def _no_number(name: str) -> Any:
    """Refuse what Python's reader takes of a number and JSON does not know: NaN, Infinity."""
    raise ValueError(name)


def _essential_acr(claims: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the classes of which one is essential; the `acr_values` parameter is a wish, which
    every sign-in answers by saying its class."""
    how = claims.get("id_token", {}).get("acr") or {}
    if not how.get("essential"):
        return ()
    values = how.get("values", [how["value"]] if "value" in how else [])
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise Refused("invalid_request", "claims")
    return tuple(values)


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
