"""Authlib's server, answering what programs ask: tokens, introspection, revocation.

Authlib is synchronous. A request runs in a greenlet of SQLAlchemy, as everything that a session
does, and waits there for what the house does asynchronously: so no thread is held, and what the
server changes stands in one transaction with its refusals. One server is made for each request,
which costs as much as a few dictionaries.
"""

import base64
import binascii
from collections import Counter
from collections.abc import Awaitable, Mapping
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl, unquote

import msgspec
from authlib.oauth2.rfc6749 import AuthorizationServer, ClientMixin, OAuth2Request
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from sqlalchemy import select
from sqlalchemy.util import await_only
from sqlmodel import col

from core.database import Transaction
from core.identity.provider import clients
from core.identity.provider.claims import Subjects
from core.identity.provider.digests import same_digest
from core.identity.provider.keys import Known
from core.identity.provider.models import Client, ClientSecret
from core.identity.provider.requests import MOST_PARAMETERS, Refused

T = TypeVar("T")
LONGEST_BODY: Final = 8192
METHODS: Final = ("client_secret_basic", "client_secret_post", "none")
STATUS: Final = {"invalid_client": 401}
BASIC: Final = {"WWW-Authenticate": 'Basic realm="yimen"'}
JSON: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class Answered(msgspec.Struct, frozen=True):
    """An answer to a program, and what is traced of it."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str] = {}
    client: str | None = None
    reason: str = ""
    facts: dict[str, str] = {}

    @property
    def error(self) -> str:
        """Return the code of what was refused, '' for what was done."""
        return str(self.body.get("error", "")) if self.status >= 400 else ""


class ProgramRequest(OAuth2Request):  # type: ignore[misc]  # Authlib carries no types
    """A form that a program sent, as Authlib reads it."""

    def __init__(self, uri: str, fields: dict[str, str], authorization: str) -> None:
        super().__init__("POST", uri, headers={"Authorization": authorization})
        self.payload = BasicOAuth2Payload(fields)
        self.sign_in: Any = None
        self.client_named = fields.get("client_id", "")

    @property
    def form(self) -> dict[str, str]:
        """Return the fields."""
        return self.payload.data  # type: ignore[no-any-return]

    @property
    def args(self) -> dict[str, str]:
        """Return the parameters of the address, of which none is taken."""
        return {}


def read_program(
    uri: str, query: bytes, kind: str, body: bytes, authorization: str
) -> ProgramRequest:
    """Return the request of a program, read strictly (RFC 6749, sections 2.3.1, 3.2). Raises
    `Refused`."""
    if query:
        raise Refused("invalid_request", "in-address")
    if kind.partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise Refused("invalid_request", "not-a-form", given=kind[:60])
    if len(body) > LONGEST_BODY:
        raise Refused("invalid_request", "too-long", length=str(len(body)))
    try:
        pairs = parse_qsl(
            body.decode(), keep_blank_values=False, max_num_fields=MOST_PARAMETERS, errors="strict"
        )
    except ValueError:
        raise Refused("invalid_request", "malformed") from None
    for name, often in Counter(name for name, _ in pairs).items():
        if often > 1:
            raise Refused("invalid_request", "twice", parameter=name)
    fields = dict(pairs)
    if authorization:
        id = _basic_id(authorization)
        if "client_secret" in fields or fields.get("client_id", id) != id:
            raise Refused("invalid_request", "two-authentications")
        request = ProgramRequest(uri, fields, authorization)
        request.client_named = id
        return request
    return ProgramRequest(uri, fields, authorization)


def named_in(authorization: str, body: bytes) -> str:
    """Return the client that a request names, good or bad, as far as it can be read; else ''."""
    try:
        if authorization:
            return _basic_id(authorization)
        return dict(parse_qsl(body[:LONGEST_BODY].decode(errors="replace"))).get("client_id", "")
    except (Refused, ValueError):
        return ""


def _basic_id(authorization: str) -> str:
    scheme, _, given = authorization.partition(" ")
    try:
        if scheme.lower() != "basic":
            raise ValueError
        id, colon, _ = base64.b64decode(given.strip(), validate=True).decode().partition(":")
    except (ValueError, binascii.Error):
        raise Refused("invalid_client", "basic-malformed") from None
    if not colon:
        raise Refused("invalid_client", "basic-malformed")
    return unquote(id)


class KnownClient(ClientMixin):  # type: ignore[misc]  # Authlib carries no types
    """A client as Authlib asks about it."""

    def __init__(self, row: Client, digests: list[str]) -> None:
        self.row = row
        self._digests = digests

    @property
    def id_token_signed_response_alg(self) -> str:
        """Return by which algorithm its ID tokens are signed."""
        return self.row.algorithm

    def get_client_id(self) -> str:
        return self.row.id

    def check_client_secret(self, client_secret: str) -> bool:
        return same_digest(self._digests, client_secret)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == self.row.authentication

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in self.row.grants


class Server(AuthorizationServer):  # type: ignore[misc]  # Authlib carries no types
    """Authlib's server for one request, in its transaction. `key` signs ID tokens, if any."""

    def __init__(self, tx: Transaction, issuer: str, subjects: Subjects, idle: Any) -> None:
        super().__init__()
        self.tx = tx
        self.issuer = issuer
        self.subjects = subjects
        self.idle = idle
        self.keys: Mapping[str, Known] = {}
        self.named: str | None = None
        self.reason = ""
        self.facts: dict[str, str] = {}

    @staticmethod
    def wait(what: Awaitable[T]) -> T:
        """Wait for something asynchronous within the greenlet of the request."""
        return await_only(what)

    def why(self, reason: str, **facts: str) -> None:
        """Note why a request is refused, for who connects the client."""
        self.reason, self.facts = reason, facts

    def query_client(self, client_id: str) -> KnownClient | None:
        """Return a client that may ask."""
        return self.wait(self._client(client_id))

    async def _client(self, id: str) -> KnownClient | None:
        if not clients.ID.fullmatch(id) or (row := await clients.find(self.tx, id)) is None:
            self.why("client-unknown", client=id[:60])
            return None
        self.named = id
        if row.disabled_at is not None:
            self.why("client-disabled")
            return None
        kept = await self.tx.session.execute(
            select(col(ClientSecret.digest)).where(
                col(ClientSecret.client_id) == id,
                col(ClientSecret.expires_at).is_(None)
                | (col(ClientSecret.expires_at) > self.tx.now),
            )
        )
        return KnownClient(row, list(kept.scalars()))

    def authenticate_client(self, request: Any, methods: Any, endpoint: str = "token") -> Any:
        """Return the client that asks, by the method it is registered for."""
        used = "client_secret_basic" if request.headers["Authorization"] else ""
        used = used or ("client_secret_post" if request.form.get("client_secret") else "none")
        self.why("client-authentication", used=used)
        client = super().authenticate_client(request, methods, endpoint)
        self.why("")
        return client

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens."""

    def create_oauth2_request(self, request: Any) -> Any:
        """Return the request, which is one already."""
        return request

    def handle_response(self, status: int, body: Any, headers: Any) -> Answered:
        """Return the answer."""
        own = {name: value for name, value in headers if name == "WWW-Authenticate"}
        said = dict(body)
        status = STATUS.get(str(said.get("error")), status)
        if status == STATUS["invalid_client"]:
            own = {**BASIC, **own}
        reason = self.reason or str(said.get("error", "")).replace("_", "-")
        return Answered(status, said, {**JSON, **own}, self.named, reason, self.facts)
