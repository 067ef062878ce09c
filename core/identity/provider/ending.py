"""Signing out: by a client that asks for it (RP-Initiated Logout), and of all clients at once
when the hub's session ends (Back-Channel Logout).

A client is told at least once. The call is made with no transaction open, after one that has
already set down the next try, which is taken back when the client has answered.
"""

import asyncio
import logging
import secrets
from collections import Counter
from collections.abc import Coroutine, Mapping
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from joserfc import jws, jwt
from joserfc.errors import JoseError
from sqlalchemy import select
from sqlmodel import col

from core.database import Transaction
from core.identity.events import SessionEnded, SessionRenewed
from core.identity.models import SignInSession
from core.identity.provider import clients, issued
from core.identity.provider.claims import Subjects
from core.identity.provider.keys import Keys
from core.identity.provider.models import AuthorizationCode, Client, ClientSignIn
from core.identity.provider.trace import Trace
from core.jobs import OutboxItem, send_later, unsend
from core.outside import MOST_AT_ONCE, Outside, OutsideError
from core.shared_state import end_tasks

logger = logging.getLogger(__name__)

KIND: Final = "backchannel-logout"
EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
TOKEN_LIFE: Final = timedelta(minutes=2)
MOST_TRIES: Final = 8
FIRST_WAIT: Final = 30.0
LONGEST_WAIT: Final = 3600.0
AT_ONCE: Final = MOST_AT_ONCE // 2
"""How many clients of one host are told at once; four times as many may wait for their turn."""
MOST_WAITING: Final = 4 * AT_ONCE
PUT_OFF: Final = 5.0
LONGEST_HINT: Final = 8000
TAKEN: Final = (200, 204)  # and 400 where the client could not sign out (section 2.8)


class Leaving(msgspec.Struct, frozen=True):
    """A request to sign out: which client asks, where one goes on afterwards (None: nowhere), and
    whether it is certain that the client means who is signed in here."""

    client: Client | None = None
    target: str | None = None
    state: str | None = None
    certain: bool = False
    reason: str = ""


class SignOuts:
    """Signing out, as one worker does it."""

    def __init__(
        self, issuer: str, keys: Keys, subjects: Subjects, outside: Outside, trace: Trace
    ) -> None:
        self._issuer = issuer
        self._keys = keys
        self._subjects = subjects
        self._outside = outside
        self._trace = trace
        self._calls: set[asyncio.Task[None]] = set()
        self._turns: dict[str, asyncio.Semaphore] = {}
        self._waiting: Counter[str] = Counter()

    async def close(self) -> None:
        """Leave what is being told: it is told again."""
        await end_tasks(*self._calls)

    async def hint(self, token: str) -> dict[str, Any] | None:
        """Return what an ID token of ours says, long over or not; None for any other text."""
        if not token or len(token) > LONGEST_HINT:
            return None
        try:
            kid = jws.extract_compact(token.encode()).headers().get("kid")
            keys = await self._keys.verifying(kid)
            read = jwt.decode(token, keys, algorithms=["RS256", "ES256"])
        except (JoseError, ValueError, TypeError, KeyError, RecursionError):
            return None
        if read.header.get("typ", "JWT") != "JWT":  # a logout token is no hint
            return None
        said = read.claims
        ours = said.get("iss") == self._issuer and isinstance(said.get("aud"), str)
        return dict(said) if ours and isinstance(said.get("sub"), str) else None

    async def read(
        self, tx: Transaction, given: Mapping[str, str], session_id: str | None
    ) -> Leaving:
        """Return what a request to sign out asks for. One that is not certain is confirmed by who
        is signed in; of one that is wrong nothing leads back to the client (RP-Initiated Logout,
        sections 2 to 4)."""
        said = await self.hint(given.get("id_token_hint", ""))
        if "id_token_hint" in given and said is None:
            return Leaving(reason="hint-foreign")
        id = given.get("client_id") or (said or {}).get("aud")
        if said is not None and id != said["aud"]:
            return Leaving(reason="hint-of-another")
        client = await clients.find(tx, str(id)) if id else None
        if client is None or client.disabled_at is not None:
            return Leaving(reason="client-unknown" if id else "")
        target = given.get("post_logout_redirect_uri")
        if target is not None and target not in client.post_logout_uris:
            return Leaving(client, reason="post-logout-unknown")
        mine = said is not None and await self._of_session(tx, client, said, session_id)
        state = given.get("state") if target else None
        return Leaving(client, target, state, certain=mine)

    async def _of_session(
        self, tx: Transaction, client: Client, said: Mapping[str, Any], session_id: str | None
    ) -> bool:
        """Return whether an ID token is of a sign-in that rests on a session, or of none where
        nobody is signed in."""
        if session_id is None:
            return True
        found = await tx.session.execute(
            select(col(ClientSignIn.person_id)).where(
                col(ClientSignIn.session_id) == session_id,
                col(ClientSignIn.client_id) == client.id,
                col(ClientSignIn.sid) == said.get("sid"),
            )
        )
        person_id = found.scalars().first()
        return person_id is not None and self._subjects.of(client, person_id) == said["sub"]

    # --- the end of a session ----------------------------------------------------------

    async def session_renewed(self, tx: Transaction, event: SessionRenewed) -> None:
        """Let the sign-ins of clients go on with the session."""
        await issued.follow_session(tx, event.session_id, event.new_id)

    async def session_ended(self, tx: Transaction, event: SessionEnded) -> None:
        """End the sign-ins of clients with the session, and tell the clients. What is only cached
        of a session being stale is no end of it."""
        going_on = await tx.session.execute(
            select(col(SignInSession.id)).where(
                col(SignInSession.id) == event.session_id, col(SignInSession.ended_at).is_(None)
            )
        )
        if going_on.first() is not None:
            return
        await issued.drop_codes(tx, col(AuthorizationCode.session_id) == event.session_id)
        await self.end(tx, col(ClientSignIn.session_id) == event.session_id)

    async def end(self, tx: Transaction, which: Any) -> None:
        """End the sign-ins of clients that a condition names, and tell each client once."""
        row = ClientSignIn
        found = await tx.session.execute(
            select(
                *(col(row.id), col(row.client_id), col(row.sid), col(row.person_id)),
                col(Client.backchannel_logout_uri),
            )
            .join(Client, col(Client.id) == col(row.client_id))
            .where(which, col(row.ended_at).is_(None))
        )
        ended = found.all()
        await issued.end_sign_ins(tx, [id for id, *_ in ended])
        for client_id, sid, person_id in {
            (client_id, sid, person_id) for _, client_id, sid, person_id, told in ended if told
        }:
            client = await clients.find(tx, client_id)
            if client is not None and client.disabled_at is None:
                subject = self._subjects.of(client, person_id)
                await _tell_later(tx, client_id, subject, sid, tries=0)

    # --- telling the clients -----------------------------------------------------------

    async def tell(self, tx: Transaction, item: OutboxItem) -> None:
        """Tell one client, once this transaction is over: the next try stands in it, should this
        worker not come to the end of this one."""
        if not item.payload:  # it was long ago
            return
        payload = dict(item.payload)
        client = await clients.find(tx, payload["client"])
        if client is None or client.disabled_at is not None or not client.backchannel_logout_uri:
            return
        host = urlsplit(client.backchannel_logout_uri).hostname or ""
        if self._waiting[host] >= MOST_WAITING:  # that we are busy is no try of theirs
            await send_later(tx, KIND, payload, delay_seconds=PUT_OFF)
            return
        tries = int(payload["tries"]) + 1
        if tries < MOST_TRIES:
            await _tell_later(tx, client.id, payload["sub"], payload["sid"], tries=tries)

        def begin() -> None:
            call = self._in_turn(host, self._call(client, payload, tries, str(item.id), tx))
            task = asyncio.create_task(call, name=f"backchannel logout {client.id}")
            self._calls.add(task)
            task.add_done_callback(self._calls.discard)

        tx.after_commit(begin)

    async def _in_turn(self, host: str, call: Coroutine[Any, Any, None]) -> None:
        """Make a call once few others of its host are under way."""
        self._waiting[host] += 1
        try:
            async with self._turns.setdefault(host, asyncio.Semaphore(AT_ONCE)):
                await call
        finally:
            call.close()
            self._waiting[host] -= 1
            if not self._waiting[host]:
                del self._waiting[host], self._turns[host]

    async def _call(
        self, client: Client, payload: Mapping[str, Any], tries: int, jti: str, tx: Transaction
    ) -> None:
        address = str(client.backchannel_logout_uri)
        try:
            token = await self._logout_token(client, payload, jti)
            answer = await self._outside.post(address, {"logout_token": token})
            fault = "" if answer.status in TAKEN else f"status-{answer.status}"
        except OutsideError as error:
            fault = error.code
            if fault == "busy":  # with calls of others to this host: it was not tried
                async with tx.database.transaction(write=True) as after:
                    await unsend(after, _dedupe(payload["sid"], tries))
                    await send_later(after, KIND, payload, delay_seconds=PUT_OFF)
                return
        except Exception:
            logger.exception("the sign-out of %s was not told", client.id)
            fault = "internal"
        if fault:
            facts = {"address": address, "fault": fault, "try": str(tries)}
            reason = "backchannel-refused" if fault.startswith("status") else "backchannel-away"
            await self._trace.refused(client.id, "backchannel", fault, reason, facts)
            return
        async with tx.database.transaction(write=True) as after:
            await unsend(after, _dedupe(payload["sid"], tries))
        await self._trace.done(client.id, "backchannel", sid=payload["sid"])

    async def _logout_token(self, client: Client, payload: Mapping[str, Any], jti: str) -> str:
        """Return a logout token (Back-Channel Logout, section 2.4)."""
        key = await self._keys.signing(client.algorithm)
        now = self._keys.now()
        said = {
            "iss": self._issuer,
            "aud": client.id,
            "sub": payload["sub"],
            "sid": payload["sid"],
            "iat": int(now.timestamp()),
            "exp": int((now + TOKEN_LIFE).timestamp()),
            "jti": f"{jti}-{secrets.token_hex(4)}",
            "events": {EVENT: {}},
        }
        header = {"alg": client.algorithm, "kid": key.id, "typ": "logout+jwt"}
        assert key.private is not None  # noqa: S101  (it signs)
        return jwt.encode(header, said, key.private, [client.algorithm])


async def _tell_later(
    tx: Transaction, client_id: str, subject: str, sid: str, *, tries: int
) -> None:
    wait = min(FIRST_WAIT * 2 ** (tries - 1), LONGEST_WAIT) if tries else 0
    payload = {"client": client_id, "sub": subject, "sid": sid, "tries": tries}
    await send_later(tx, KIND, payload, dedupe=_dedupe(sid, tries), delay_seconds=wait)


def _dedupe(sid: str, tries: int) -> str:
    return f"{KIND}:{sid}:{tries}"
