"""The OpenID Provider of one worker: what the pages and endpoints of the portal call."""

from datetime import timedelta
from typing import Any, Final, Literal
from urllib.parse import parse_qsl
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from core.database import Database, Transaction
from core.identity.events import SessionEnded, SessionRenewed
from core.identity.numbers import Numbers
from core.identity.provider import authorizing, claims, clients, issued, scopes, trace
from core.identity.provider.authorizing import Next
from core.identity.provider.claims import Subjects
from core.identity.provider.ending import KIND, SignOuts
from core.identity.provider.grants import equip
from core.identity.provider.issued import Held
from core.identity.provider.keys import Keys
from core.identity.provider.models import AuthorizationCode, Client, ClientSignIn
from core.identity.provider.requests import Asked, Kept, Refused, Sealing
from core.identity.provider.server import (
    BASIC,
    JSON,
    STATUS,
    Answered,
    Server,
    named_in,
    read_program,
)
from core.identity.provider.trace import Trace
from core.jobs import Jobs
from core.outside import Outside
from core.shared_state import SharedState
from plugin_sdk.ports import Actor

KEYS_JOB: Final = "oidc.keys"
TIDY_JOB: Final = "oidc.tidy"
SIX_HOURS: Final = 6 * 3600
HOUR: Final = 3600
KNOWN_GRANTS: Final = frozenset(clients.GRANTS)

Place = Literal["token", "introspect", "revoke"]


class Provider:
    """Answers requests of clients. `idle` is after how long without use a session is over."""

    def __init__(
        self,
        issuer: str,
        secret: bytes,
        database: Database,
        shared: SharedState,
        numbers: Numbers,
        outside: Outside,
        *,
        idle: timedelta | None,
    ) -> None:
        self.issuer = issuer
        self.database = database
        self.keys = Keys(database, numbers, shared)
        self.subjects = Subjects(secret)
        self.sealing = Sealing(secret, "authorization")
        self.leaving = Sealing(secret, "sign-out")
        self.trace = Trace(database, shared)
        self.sign_outs = SignOuts(issuer, self.keys, self.subjects, outside, self.trace)
        self._idle = idle

    def attach(self, jobs: Jobs) -> None:
        """Follow the hub's sessions, and let jobs do what is due."""
        self.database.on(SessionRenewed, self.sign_outs.session_renewed)
        self.database.on(SessionEnded, self.sign_outs.session_ended)
        jobs.handle(KIND, self.sign_outs.tell)
        jobs.every(SIX_HOURS, KEYS_JOB, self.keys.keep_young)
        jobs.every(HOUR, TIDY_JOB, self.tidy)

    async def close(self) -> None:
        """Leave what is under way."""
        await self.sign_outs.close()

    # --- signing in --------------------------------------------------------------------

    async def step(self, asked: Asked, actor: Actor, kept: Kept) -> Next:
        """Return what comes next for a request. Raises `Refused`."""
        hinted = None
        if asked.id_token_hint:
            said = await self.sign_outs.hint(asked.id_token_hint)
            if said is None or said["aud"] != asked.client.id:
                raise Refused("invalid_request", "hint-foreign")
            hinted = str(said["sub"])
        async with self.database.transaction() as tx:
            agreed = await authorizing.agreed(tx, actor.real_person_id, asked.client.id)
            now = tx.now
        return authorizing.decide(asked, actor, kept, agreed, self.subjects, hinted, now)

    async def take_back(self, tx: Transaction, person_id: UUID, client_id: str) -> bool:
        """Let a client have nothing more of a person: its sign-ins end, and it is told. Return
        whether it was let have anything."""
        if not await authorizing.take_back(tx, person_id, client_id):
            return False
        of_both = (col(AuthorizationCode.client_id) == client_id) & (
            col(AuthorizationCode.person_id) == person_id
        )
        await issued.drop_codes(tx, of_both)
        await self.sign_outs.end(
            tx,
            (col(ClientSignIn.client_id) == client_id) & (col(ClientSignIn.person_id) == person_id),
        )
        return True

    # --- what programs ask -------------------------------------------------------------

    async def answer(
        self, place: Place, query: bytes, kind: str, body: bytes, authorization: str
    ) -> Answered:
        """Return the answer to a form that a program sent to an endpoint; it is traced."""
        uri = f"{self.issuer}/oidc/{place}"
        try:
            request = read_program(uri, query, kind, body, authorization)
            if place == "token":
                _check_grant(request.form.get("grant_type"))
            answered = await self._ask(place, request)
        except Refused as refused:
            answered = _refusal(refused, await self._known(named_in(authorization, body)))
        if answered.error:
            await self.trace.refused(
                answered.client, place, answered.error, answered.reason, answered.facts
            )
        elif place == "token":
            await self.trace.done(str(answered.client), place, **answered.facts)
        return answered

    async def _known(self, id: str) -> str | None:
        async with self.database.transaction() as tx:
            return id if await clients.find(tx, id) is not None else None

    async def _ask(self, place: Place, request: Any) -> Answered:
        keys = await self._keys_for(request) if place == "token" else {}
        async with self.database.transaction(write=True) as tx:
            server = equip(Server(tx, self.issuer, self.subjects, self._idle))
            server.keys = keys

            def ask(_: Any) -> Any:
                if place == "token":
                    return server.create_token_response(request)
                name = "introspection" if place == "introspect" else "revocation"
                return server.create_endpoint_response(name, request)

            answered: Answered = await tx.session.run_sync(ask)
            return answered

    async def _keys_for(self, request: Any) -> dict[str, Any]:
        """Return the key that signs for a client: it may have to be made, which is no matter of
        the transaction that follows."""
        if not clients.ID.fullmatch(request.client_named):
            return {}
        async with self.database.transaction() as tx:
            found = await tx.session.execute(
                select(col(Client.algorithm)).where(col(Client.id) == request.client_named)
            )
            algorithm = found.scalar_one_or_none()
        return {algorithm: await self.keys.signing(algorithm)} if algorithm else {}

    async def held(self, tx: Transaction, token: str) -> Held | None:
        """Return what an access token is good for now; None for one that is not."""
        return await issued.held(tx, token, self._idle)

    async def userinfo(self, authorization: str, kind: str, body: bytes) -> Answered:
        """Return what a client may know of the person of an access token, which comes in a header
        or a form (RFC 6750, sections 2.1 and 2.2); never in an address, which is written down in
        many places."""
        answered = await self._userinfo(authorization, kind, body)
        if answered.error:
            await self.trace.refused(
                answered.client, "userinfo", answered.error, answered.reason, answered.facts
            )
        elif answered.client:
            await self.trace.done(answered.client, "userinfo", **answered.facts)
        return answered

    async def _userinfo(self, authorization: str, kind: str, body: bytes) -> Answered:
        form = kind.partition(";")[0].strip().lower() == "application/x-www-form-urlencoded"
        try:
            fields = parse_qsl(body.decode(), max_num_fields=20) if form else []
        except ValueError:
            fields = []
        tokens = [value for name, value in fields if name == "access_token"]
        scheme, _, given = authorization.partition(" ")
        if scheme.lower() == "bearer":
            tokens.append(given.strip())
        if not tokens:
            return _challenge(401, "", "token-missing")
        if len(tokens) > 1:
            return _challenge(400, "invalid_request", "two-authentications")
        async with self.database.transaction() as tx:
            held = await self.held(tx, tokens[0])
            if held is None:
                return _challenge(401, "invalid_token", "token-over")
            if held.sign_in is None or held.person_id is None:
                return _challenge(403, "insufficient_scope", "token-of-application", held.client.id)
            client = held.client
            most = scopes.claims_of(client.scopes)
            asked = claims.wanted(held.sign_in.claims, "userinfo", most)
            names = scopes.claims_of(held.scopes) | set(asked)
            told = await claims.of_person(tx, client, held.person_id, names)
        subject = self.subjects.of(client, held.person_id)
        facts = {"claims": " ".join(sorted(told))}
        return Answered(200, {"sub": subject, **told}, dict(JSON), client.id, "", facts)

    # --- housekeeping ------------------------------------------------------------------

    async def tidy(self) -> None:
        """End what rests on sessions that have had their time, and forget what is over."""
        async with self.database.transaction(write=True) as tx:
            await self.sign_outs.end(tx, col(ClientSignIn.expires_at) <= tx.now)
            await issued.tidy(tx)
            await trace.tidy(tx)


def _check_grant(grant: str | None) -> None:
    if grant is None:
        raise Refused("invalid_request", "grant-missing")
    if grant not in KNOWN_GRANTS:
        raise Refused("unsupported_grant_type", "grant-unknown", given=grant)


def _refusal(refused: Refused, client: str | None) -> Answered:
    status = STATUS.get(refused.error, 400)
    headers = {**JSON, **(BASIC if status == STATUS["invalid_client"] else {})}
    body = {"error": refused.error, "error_description": refused.reason}
    return Answered(status, body, headers, client, refused.reason, refused.facts)


def _challenge(status: int, error: str, reason: str, client: str | None = None) -> Answered:
    """Return a refusal as RFC 6750 has it; without a token there is no error to name."""
    said = f', error="{error}"' if error else ""
    headers = {**JSON, "WWW-Authenticate": f'Bearer realm="yimen"{said}'}
    body = {"error": error} if error else {}
    return Answered(status, body, headers, client, reason)
