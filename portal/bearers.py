"""Programs at the front door: `Authorization: Bearer` (RFC 6750) becomes an `Actor`.

A token travels in that header alone: one in an address or a body would end up in logs, and is
not read. With it come no cookie, no form token and no step-up.
"""

from typing import Any, Final

from core.access.actors import Actors
from core.access.bearers import for_request, load_application
from core.database import Database
from core.identity.sessions import digest
from core.identity.tokens import secret
from core.shared_state import SharedState
from plugin_sdk.ports import Actor
from plugin_sdk.problems import Problem
from portal.origins import believed_network

SCHEME: Final = b"bearer "
LONGEST: Final = 4096
WINDOW_SECONDS: Final = 600
PER_NETWORK: Final = 100  # tokens that one network may try in a window and that are none
BY_THEMSELVES: Final = ("/oidc/",)  # whose routes read the header by their own rules


class TokenRefused(Problem):
    """No token that is in force here (401). What is wrong with it is not said."""

    status = 401

    def __init__(self) -> None:
        challenge = (
            'Bearer realm="yimen", error="invalid_token", '
            'error_description="wrong, expired or revoked"'
        )
        super().__init__("token-refused", headers={"WWW-Authenticate": challenge})


def presented(authorization: bytes, path: str) -> str | None:
    """Return the token that a request brings to an address, None when it brings none. Raises
    `TokenRefused` for what cannot be one."""
    if authorization[: len(SCHEME)].lower() != SCHEME or path.startswith(BY_THEMSELVES):
        return None
    token = authorization[len(SCHEME) :].strip()
    if not token or len(token) > LONGEST or not token.isascii():
        raise TokenRefused
    return token.decode("ascii")


class Bearers:
    """Finds who acts by a token, and counts tokens that are none."""

    def __init__(
        self, actors: Actors, database: Database, shared: SharedState, trusted: Any
    ) -> None:
        self._actors = actors
        self._database = database
        self._shared = shared
        self._trusted = trusted

    async def actor_of(self, token: str, scope: Any, *, changes: bool) -> Actor:
        """Return who acts by a token. Raises `TokenRefused`, and `Problem` (`too-many`) where a
        network has tried too many that are none; one that this worker knows is never held up."""
        own = token.startswith(secret.PREFIX)
        if own:
            if not secret.well_formed(token):
                raise TokenRefused
            known = self._actors.known_bearer(token)
            if known is not None:
                return for_request(known, changes=changes)
        tries = f"bearer:{self._network(scope)}"
        if await self._shared.hit(tries, WINDOW_SECONDS) > PER_NETWORK:
            raise Problem("too-many", status=429, headers={"Retry-After": str(WINDOW_SECONDS)})
        if own:
            found = await self._actors.of_bearer(token)
        else:
            async with self._database.transaction() as tx:
                found = await load_application(tx, digest(token))
        if found is None:
            raise TokenRefused
        await self._shared.take_back(tries)
        return for_request(found, changes=changes)

    def _network(self, scope: Any) -> str:
        client = scope.get("client")
        named = [v.decode("latin-1") for k, v in scope["headers"] if k == b"x-forwarded-for"]
        return believed_network(client[0] if client else "", ",".join(named), self._trusted)
