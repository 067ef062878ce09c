"""The grants of the provider, on Authlib's: what becomes of codes, refresh tokens and the
credentials of applications. Scopes, lifetimes and what ends with what are the house's own."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from authlib.oauth2.rfc6749 import InvalidRequestError, InvalidScopeError, grants
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from authlib.oidc.core.grants import OpenIDToken

from core.identity.provider import claims, clients, issued, scopes
from core.identity.provider.issued import Held
from core.identity.provider.models import AuthorizationCode, ClientSignIn
from core.identity.provider.server import METHODS, Server

SECRETS: Final = METHODS[:2]


class Redeemed:
    """A code that was taken out, as Authlib asks about it."""

    def __init__(self, row: AuthorizationCode) -> None:
        self.row = row
        self.code_challenge = row.challenge
        self.code_challenge_method = "S256"

    def get_redirect_uri(self) -> str:
        return self.row.redirect_uri

    def get_scope(self) -> str:
        return " ".join(self.row.scopes)


class CodeGrant(grants.AuthorizationCodeGrant):  # type: ignore[misc]  # Authlib carries no types
    """A code for tokens (RFC 6749, section 4.1.3)."""

    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    def query_authorization_code(self, code: str, client: Any) -> Redeemed | None:
        """Take the code out, before anything else of the request is looked at: whoever guesses
        at its verifier has one try."""
        server: Server = self.server
        row = server.wait(issued.redeem(server.tx, code))
        if row is None:
            server.why("code-spent")
            return None
        if row.expires_at <= server.tx.now:
            server.why("code-late")
            return None
        if row.client_id != client.get_client_id():
            server.why("code-of-another")
            return None
        server.why("redirect-differs", given=self.request.payload.redirect_uri or "")
        return Redeemed(row)

    def delete_authorization_code(self, authorization_code: Redeemed) -> None:
        """It is gone already."""

    def authenticate_user(self, authorization_code: Redeemed) -> UUID | None:
        """Begin the sign-in; nobody's where the session has ended meanwhile."""
        server: Server = self.server
        begun = server.wait(issued.begin(server.tx, authorization_code.row))
        self.request.sign_in = begun
        if begun is None:
            server.why("session-over")
        return begun.person_id if begun else None

    def generate_token(self, **asked: Any) -> dict[str, Any]:
        """Make the tokens."""
        refresh = bool(asked.get("include_refresh_token"))
        sign_in: ClientSignIn = self.request.sign_in
        may = scopes.allowed(sign_in.scopes, self.client.row.scopes)
        return _tokens(self.server, sign_in, may, refresh)

    def save_token(self, token: dict[str, Any]) -> None:
        """They are kept already."""


class Pkce(CodeChallenge):  # type: ignore[misc]  # Authlib carries no types
    """The proof that who redeems a code asked for it (RFC 7636), by SHA-256 alone."""

    DEFAULT_CODE_CHALLENGE_METHOD = "S256"
    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)

    def validate_code_verifier(self, grant: Any, result: Any) -> None:
        """Raise where the verifier is missing or another's."""
        grant.server.why("verifier")
        super().validate_code_verifier(grant, result)
        grant.server.why("")


class RefreshGrant(grants.RefreshTokenGrant):  # type: ignore[misc]  # Authlib carries no types
    """A refresh token for new tokens (RFC 6749, section 6): each is taken once."""

    TOKEN_ENDPOINT_AUTH_METHODS = METHODS
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> "Spent | None":
        """Spend it, unless what is asked for by it is more than it is good for."""
        server: Server = self.server
        good = server.wait(issued.refreshing(server.tx, refresh_token, server.idle))
        asked = set((self.request.payload.scope or "").split())
        if good is not None and asked - set(good[1].scopes):
            server.why("scope-beyond")
            raise InvalidScopeError()
        server.why("refresh-spent" if good is None else "refresh-of-another")
        sign_in = server.wait(issued.spend(server.tx, refresh_token, str(server.named)))
        if good is None or sign_in is None:
            return None
        server.why("")
        self.request.sign_in = sign_in
        return Spent(sign_in)

    def authenticate_user(self, refresh_token: "Spent") -> UUID:
        return refresh_token.sign_in.person_id

    def issue_token(self, user: UUID, refresh_token: "Spent") -> dict[str, Any]:
        """Make the tokens, for less than was agreed to if less is asked for."""
        asked = (self.request.payload.scope or "").split()
        sign_in = refresh_token.sign_in
        may = scopes.allowed(sign_in.scopes, self.client.row.scopes)
        if asked:
            may = [scope for scope in may if scope in asked]
        return _tokens(self.server, sign_in, may, True)

    def save_token(self, token: dict[str, Any]) -> None:
        """They are kept already."""

    def revoke_old_credential(self, refresh_token: "Spent") -> None:
        """It is spent already."""


class Spent:
    """A refresh token that was spent just now, as Authlib asks about it."""

    def __init__(self, sign_in: ClientSignIn) -> None:
        self.sign_in = sign_in

    def check_client(self, client: Any) -> bool:
        return bool(self.sign_in.client_id == client.get_client_id())

    def get_scope(self) -> str:
        return " ".join(self.sign_in.scopes)


class CredentialsGrant(grants.ClientCredentialsGrant):  # type: ignore[misc]  # Authlib carries no types
    """An application's own token (RFC 6749, section 4.4): for what applications may, never for
    what is a person's."""

    TOKEN_ENDPOINT_AUTH_METHODS = SECRETS

    def validate_requested_scope(self) -> None:
        """Raise for a scope that the application is not registered for."""
        may = [one for one in self.client.row.scopes if one not in scopes.PERSONAL]
        asked = (self.request.payload.scope or "").split() or may
        if not asked or set(asked) - set(may):
            self.server.why("scope-not-registered", given=self.request.payload.scope or "")
            raise InvalidScopeError()
        self.request.scope = " ".join(asked)

    def generate_token(self, **asked: Any) -> dict[str, Any]:
        """Make the token."""
        server: Server = self.server
        may = self.request.scope.split()
        made = server.wait(issued.issue_to_client(server.tx, self.client.get_client_id(), may))
        return _said(made, may)

    def save_token(self, token: dict[str, Any]) -> None:
        """It is kept already."""


class IdToken(OpenIDToken):  # type: ignore[misc]  # Authlib carries no types
    """Adds the ID token (OpenID Connect Core, section 2): to whom, about whom, and what was
    proved when. Claims of a person stand in it only where they were asked for one by one."""

    def process_token(self, grant: Any, response: Any) -> dict[str, Any]:
        """Put an ID token beside the tokens of a sign-in."""
        server: Server = grant.server
        request = grant.request
        sign_in: ClientSignIn = request.sign_in
        token: dict[str, Any] = response[1]
        server.facts = {"scope": token["scope"], "sid": sign_in.sid}
        request.client = grant.client
        with_nonce = isinstance(grant, CodeGrant)
        request.claims = server.wait(self._claims(server, sign_in, grant.client, with_nonce))
        token["id_token"] = self.encode_id_token(token, request)
        return token

    async def _claims(
        self, server: Server, sign_in: ClientSignIn, client: Any, with_nonce: bool
    ) -> dict[str, Any]:
        most = scopes.claims_of(client.row.scopes)
        asked = claims.wanted(sign_in.claims, "id_token", most)
        told = await claims.of_person(server.tx, client.row, sign_in.person_id, set(asked))
        own = {
            "iss": server.issuer,
            "aud": sign_in.client_id,
            "sub": server.subjects.of(client.row, sign_in.person_id),
            "iat": _seconds(server.tx.now),
            "exp": _seconds(server.tx.now + issued.ACCESS_LIFE),
            "auth_time": _seconds(sign_in.proved_at),
            "acr": claims.acr_of(sign_in.proofs),
            "amr": list(sign_in.proofs),
            "sid": sign_in.sid,
        }
        if with_nonce and sign_in.nonce is not None:
            own["nonce"] = sign_in.nonce
        return {**told, **own}

    def get_compatible_claims(self, request: Any) -> dict[str, Any]:
        return dict(request.claims)

    def get_authorization_code_claims(self, authorization_code: Any) -> dict[str, Any]:
        return {}

    def get_encode_header(self, client: Any) -> dict[str, str]:
        return {"alg": client.row.algorithm, "kid": self._key(client).id, "typ": "JWT"}

    def generate_user_info(self, user: Any, scope: str) -> dict[str, Any]:
        return {}

    def resolve_client_private_key(self, client: Any) -> Any:
        return self._key(client).private

    def __call__(self, grant: Any) -> None:
        self._server: Server = grant.server
        super().__call__(grant)

    def _key(self, client: Any) -> Any:
        return self._server.keys[client.row.algorithm]


class AnyHint:
    """Takes a token whatever it is said to be: it is found out by looking (RFC 7009, 2.1)."""

    def check_params(self, request: Any, client: Any = None) -> None:
        """Raise where there is no token."""
        if "token" not in request.form:
            raise InvalidRequestError()


class Introspected:
    """A token that is good, as Authlib asks about it."""

    def __init__(self, client_id: str, facts: dict[str, Any]) -> None:
        self.client_id = client_id
        self.facts = facts

    def is_expired(self) -> bool:
        return False

    def is_revoked(self) -> bool:
        return False


class Introspection(AnyHint, IntrospectionEndpoint):  # type: ignore[misc]  # Authlib carries no types
    """Says what a token is good for (RFC 7662), to the client alone that it was issued to."""

    CLIENT_AUTH_METHODS = SECRETS

    def query_token(self, token_string: str, token_type_hint: str | None) -> Introspected | None:
        """Return the facts of a token, whatever the hint says it is."""
        return self.server.wait(self._facts(token_string))  # type: ignore[no-any-return]

    async def _facts(self, token: str) -> Introspected | None:
        server: Server = self.server
        held = await issued.held(server.tx, token, server.idle)
        if held is not None:
            return Introspected(held.client.id, _facts_of(server, held))
        if (good := await issued.refreshing(server.tx, token, server.idle)) is None:
            return None
        refresh, sign_in = good
        client = await clients.find(server.tx, sign_in.client_id)
        may = scopes.allowed(sign_in.scopes, client.scopes if client else ())
        return Introspected(
            sign_in.client_id,
            {"scope": " ".join(may), "exp": _seconds(refresh.expires_at)},
        )

    def check_permission(self, token: Introspected, client: Any, request: Any) -> bool:
        return bool(token.client_id == client.get_client_id())

    def introspect_token(self, token: Introspected) -> dict[str, Any]:
        return {"client_id": token.client_id, "iss": self.server.issuer, **token.facts}


class Revocation(AnyHint, RevocationEndpoint):  # type: ignore[misc]  # Authlib carries no types
    """Ends a token (RFC 7009): an access token alone, a refresh token with its whole sign-in."""

    CLIENT_AUTH_METHODS = METHODS

    def query_token(self, token_string: str, token_type_hint: str | None) -> Any:
        return self.server.wait(self._found(token_string))

    async def _found(self, token: str) -> Any:
        server: Server = self.server
        if (held := await issued.held(server.tx, token)) is not None:
            return _Revocable(held.client.id, access=token)
        if (good := await issued.refreshing(server.tx, token)) is not None:
            return _Revocable(good[1].client_id, sign_in=good[1].id)
        return None

    def revoke_token(self, token: "_Revocable", request: Any) -> None:
        server: Server = self.server
        if token.access:
            server.wait(issued.revoke_access(server.tx, token.access))
        elif token.sign_in:
            server.wait(issued.end_sign_ins(server.tx, [token.sign_in]))


class _Revocable:
    def __init__(self, client_id: str, *, access: str = "", sign_in: UUID | None = None) -> None:
        self.client_id = client_id
        self.access = access
        self.sign_in = sign_in

    def check_client(self, client: Any) -> bool:
        return bool(self.client_id == client.get_client_id())


def equip(server: Server) -> Server:
    """Return the server with all that it answers."""
    server.register_grant(CodeGrant, [Pkce(required=True), IdToken()])
    server.register_grant(RefreshGrant, [IdToken()])
    server.register_grant(CredentialsGrant)
    server.register_endpoint(Introspection)
    server.register_endpoint(Revocation)
    return server


def _tokens(server: Server, sign_in: ClientSignIn, may: list[str], refresh: bool) -> dict[str, Any]:
    made = server.wait(issued.issue(server.tx, sign_in, may, refresh=refresh))
    return _said(made, may)


def _said(made: issued.Issued, may: list[str]) -> dict[str, Any]:
    said: dict[str, Any] = {
        "access_token": made.access,
        "token_type": "Bearer",
        "expires_in": made.expires_in,
        "scope": " ".join(may),
    }
    return {**said, "refresh_token": made.refresh} if made.refresh else said


def _facts_of(server: Server, held: Held) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "token_type": "Bearer",
        "scope": " ".join(held.scopes),
        "iat": _seconds(held.created_at),
        "exp": _seconds(held.expires_at),
        "aud": held.client.id,
    }
    if held.person_id is not None:
        facts["sub"] = server.subjects.of(held.client, held.person_id)
    return facts


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
