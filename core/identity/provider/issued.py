"""Codes, sign-ins of clients and their tokens: made, taken, ended.

A code is redeemed by whoever deletes it first; a refresh token is spent once. One that comes
again, whoever sends it, is known to others than its client, and ends the sign-in with all its
tokens (RFC 6749, section 4.1.2; RFC 9700, section 4.14.2).
"""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import delete, insert, select, update
from sqlmodel import col

from core.database import Transaction
from core.identity.models import Person, SignInSession
from core.identity.provider.digests import secret_digest
from core.identity.provider.models import (
    AccessToken,
    AuthorizationCode,
    Client,
    ClientSignIn,
    RefreshToken,
)
from core.identity.sessions import idle_limit

CODE_LIFE: Final = timedelta(seconds=60)
ACCESS_LIFE: Final = timedelta(minutes=10)
REFRESH_LIFE: Final = timedelta(hours=12)
MOST_CODES: Final = 20
"""How many codes of one session may wait to be redeemed: the oldest give way."""
KEEP_ENDED: Final = timedelta(days=1)
TOKEN_BYTES: Final = 32


class Held(msgspec.Struct, frozen=True):
    """An access token that is good: whose it is, and what for. `person_id` None: an application
    acts for itself."""

    client: Client
    scopes: list[str]
    created_at: datetime
    expires_at: datetime
    person_id: UUID | None = None
    sign_in: ClientSignIn | None = None


class Issued(msgspec.Struct, frozen=True):
    """Tokens as they are handed out, this once."""

    access: str
    refresh: str | None
    expires_in: int


async def issue_code(tx: Transaction, code: AuthorizationCode) -> str:
    """Keep a code, whose digest and end are set here; return it. Of one session the oldest
    beyond a few are dropped, so that nothing piles up."""
    token = _token("ac")
    code.digest, code.expires_at = secret_digest(token), tx.now + CODE_LIFE
    waiting = (
        select(col(AuthorizationCode.digest))
        .where(col(AuthorizationCode.session_id) == code.session_id)
        .order_by(col(AuthorizationCode.expires_at).desc())
        .offset(MOST_CODES - 1)
        .limit(MOST_CODES)
    )
    old = list((await tx.session.execute(waiting)).scalars())
    if old:
        await _delete(tx, AuthorizationCode, col(AuthorizationCode.digest).in_(old))
    tx.session.add(code)
    await tx.session.flush()
    return token


async def redeem(tx: Transaction, token: str) -> AuthorizationCode | None:
    """Take a code out, whoever asks; None for one that is not there. It is worth nothing
    afterwards, and where it was redeemed before the sign-in that it began ends."""
    digest = secret_digest(token)
    taken = await tx.session.execute(
        delete(AuthorizationCode)
        .where(col(AuthorizationCode.digest) == digest)
        .returning(AuthorizationCode)
        .execution_options(synchronize_session=False)
    )
    code = taken.scalar_one_or_none()
    if code is not None:
        tx.session.expunge(code)
        return code
    spent = await tx.session.execute(
        select(col(ClientSignIn.id)).where(col(ClientSignIn.code) == digest)
    )
    await end_sign_ins(tx, list(spent.scalars()))
    return None


async def begin(tx: Transaction, code: AuthorizationCode) -> ClientSignIn | None:
    """Begin the sign-in of a code; None where the session or the person is no longer in force.
    Within one session a client knows all its sign-ins by one `sid`."""
    until = await session_until(tx, code.session_id, code.person_id, lock=True)
    if until is None:
        return None
    known = await tx.session.execute(
        select(col(ClientSignIn.sid))
        .where(
            col(ClientSignIn.session_id) == code.session_id,
            col(ClientSignIn.client_id) == code.client_id,
            col(ClientSignIn.ended_at).is_(None),
        )
        .limit(1)
    )
    begun = ClientSignIn(
        client_id=code.client_id,
        person_id=code.person_id,
        session_id=code.session_id,
        sid=known.scalar_one_or_none() or secrets.token_urlsafe(16),
        code=code.digest,
        scopes=code.scopes,
        claims=code.claims,
        nonce=code.nonce,
        proofs=code.proofs,
        proved_at=code.proved_at,
        created_at=tx.now,
        expires_at=until,
    )
    tx.session.add(begun)
    await tx.session.execute(
        update(Client).where(col(Client.id) == code.client_id).values(used_at=tx.now)
    )
    await tx.session.flush()
    return begun


async def session_until(
    tx: Transaction,
    session_id: str | None,
    person_id: UUID,
    idle: timedelta | None = None,
    *,
    lock: bool = False,
) -> datetime | None:
    """Return when a session of the hub ends, None where it or its person is no longer in force.
    With `lock` whoever ends it waits for this transaction, and so finds what rests on it."""
    row = SignInSession
    statement = (
        select(col(row.expires_at), col(row.seen_at), col(row.public_computer))
        .join(Person, col(Person.id) == col(row.person_id))
        .where(
            col(row.id) == session_id,
            col(row.person_id) == person_id,
            col(row.ended_at).is_(None),
            col(row.expires_at) > tx.now,
            col(Person.disabled_at).is_(None),
        )
    )
    if lock:
        statement = statement.with_for_update(read=True, of=row)
    one = (await tx.session.execute(statement)).first()
    if one is None:
        return None
    limit = idle_limit(idle, public_computer=one[2])
    if limit is not None and one[1] + limit <= tx.now:
        return None
    return one[0]


async def spend(tx: Transaction, token: str, client_id: str) -> ClientSignIn | None:
    """Spend a refresh token; return its sign-in, None where it is not one of the client's or no
    longer good. One that was spent before, or that another client sends, ends its sign-in."""
    row = RefreshToken
    digest = secret_digest(token)
    spent = await tx.session.execute(
        update(row)
        .where(
            col(row.digest) == digest,
            col(row.spent_at).is_(None),
            col(row.expires_at) > tx.now,
        )
        .values(spent_at=tx.now)
        .returning(col(row.sign_in_id))
        .execution_options(synchronize_session=False)
    )
    found = await _sign_in(tx, spent.scalar_one_or_none())
    if found is not None and found.client_id == client_id:
        return found if found.ended_at is None and found.expires_at > tx.now else None
    again = await tx.session.execute(
        select(col(row.sign_in_id)).where(col(row.digest) == digest, col(row.spent_at).is_not(None))
    )
    await end_sign_ins(tx, list(again.scalars()))
    return None


async def issue(
    tx: Transaction, sign_in: ClientSignIn, scopes: Sequence[str], *, refresh: bool
) -> Issued:
    """Make the tokens of a sign-in: neither outlives the session that it rests on."""
    access = _token("at")
    until = min(tx.now + ACCESS_LIFE, sign_in.expires_at)
    await tx.session.execute(
        insert(AccessToken).values(
            digest=secret_digest(access),
            client_id=sign_in.client_id,
            sign_in_id=sign_in.id,
            scopes=list(scopes),
            created_at=tx.now,
            expires_at=until,
        )
    )
    renewing = _token("rt") if refresh else None
    if renewing is not None:
        await tx.session.execute(
            insert(RefreshToken).values(
                digest=secret_digest(renewing),
                sign_in_id=sign_in.id,
                expires_at=min(tx.now + REFRESH_LIFE, sign_in.expires_at),
            )
        )
    return Issued(access, renewing, int((until - tx.now).total_seconds()))


async def issue_to_client(tx: Transaction, client_id: str, scopes: Sequence[str]) -> Issued:
    """Make the token of an application that acts for itself (client credentials)."""
    access = _token("at")
    await tx.session.execute(
        insert(AccessToken).values(
            digest=secret_digest(access),
            client_id=client_id,
            scopes=list(scopes),
            created_at=tx.now,
            expires_at=tx.now + ACCESS_LIFE,
        )
    )
    await tx.session.execute(
        update(Client).where(col(Client.id) == client_id).values(used_at=tx.now)
    )
    return Issued(access, None, int(ACCESS_LIFE.total_seconds()))


async def held(tx: Transaction, token: str, idle: timedelta | None = None) -> Held | None:
    """Return what an access token is good for now; None for one that is not. It is looked up
    each time, so that what has ended is refused at once. `idle` is what the rules of sessions
    say."""
    row = AccessToken
    found: Any = await tx.session.execute(
        select(row, Client, ClientSignIn)
        .join(Client, col(Client.id) == col(row.client_id))
        .outerjoin(ClientSignIn, col(ClientSignIn.id) == col(row.sign_in_id))
        .where(
            col(row.digest) == secret_digest(token),
            col(row.expires_at) > tx.now,
            col(Client.disabled_at).is_(None),
        )
    )
    one = found.first()
    if one is None:
        return None
    access, client, sign_in = one
    # what the client may no longer have is gone from what it was given (`clients.change`)
    may = [scope for scope in access.scopes if scope in client.scopes]
    facts = (may, access.created_at, access.expires_at)
    if sign_in is None:
        return Held(client, *facts) if access.sign_in_id is None else None
    if not await in_force(tx, sign_in, idle):
        return None
    return Held(client, *facts, person_id=sign_in.person_id, sign_in=sign_in)


async def refreshing(
    tx: Transaction, token: str, idle: timedelta | None = None
) -> tuple[RefreshToken, ClientSignIn] | None:
    """Return a refresh token that is good, and its sign-in; it is not spent by that."""
    row = RefreshToken
    found = await tx.session.execute(
        select(row, ClientSignIn)
        .join(ClientSignIn, col(ClientSignIn.id) == col(row.sign_in_id))
        .where(
            col(row.digest) == secret_digest(token),
            col(row.spent_at).is_(None),
            col(row.expires_at) > tx.now,
        )
    )
    one = found.first()
    if one is None or not await in_force(tx, one[1], idle):
        return None
    return one[0], one[1]


async def in_force(tx: Transaction, sign_in: ClientSignIn, idle: timedelta | None) -> bool:
    """Return whether a sign-in has not ended, nor the session that it rests on."""
    if sign_in.ended_at is not None or sign_in.expires_at <= tx.now:
        return False
    return await session_until(tx, sign_in.session_id, sign_in.person_id, idle) is not None


async def revoke_access(tx: Transaction, token: str) -> None:
    """Let an access token be worth nothing."""
    await _delete(tx, AccessToken, col(AccessToken.digest) == secret_digest(token))


async def end_sign_ins(tx: Transaction, ids: Sequence[UUID]) -> None:
    """End sign-ins of clients, with all their tokens."""
    if not ids:
        return
    for table in (AccessToken, RefreshToken):
        await _delete(tx, table, col(table.sign_in_id).in_(ids))
    await tx.session.execute(
        update(ClientSignIn)
        .where(col(ClientSignIn.id).in_(ids), col(ClientSignIn.ended_at).is_(None))
        .values(ended_at=tx.now)
        .execution_options(synchronize_session=False)
    )


async def end_of_client(tx: Transaction, client_id: str) -> None:
    """End all that was issued to a client, and what it may act by for itself."""
    found = await tx.session.execute(
        select(col(ClientSignIn.id)).where(
            col(ClientSignIn.client_id) == client_id, col(ClientSignIn.ended_at).is_(None)
        )
    )
    await end_sign_ins(tx, list(found.scalars()))
    for table in (AuthorizationCode, AccessToken):
        await _delete(tx, table, col(table.client_id) == client_id)


async def follow_session(tx: Transaction, session_id: str, new_id: str) -> None:
    """Let what rests on a session rest on it under its new id."""
    for table in (ClientSignIn, AuthorizationCode):
        await tx.session.execute(
            update(table)
            .where(col(table.session_id) == session_id)
            .values(session_id=new_id)
            .execution_options(synchronize_session=False)
        )


async def drop_codes(tx: Transaction, where: Any) -> None:
    """Let the codes that a condition names be worth nothing."""
    await _delete(tx, AuthorizationCode, where)


async def tidy(tx: Transaction) -> None:
    """Forget codes and tokens that have had their time, and a day later their sign-ins."""
    for table in (AuthorizationCode, AccessToken, RefreshToken):
        await _delete(tx, table, col(table.expires_at) < tx.now)
    await _delete(tx, ClientSignIn, col(ClientSignIn.expires_at) < tx.now - KEEP_ENDED)


async def _sign_in(tx: Transaction, id: UUID | None) -> ClientSignIn | None:
    found = await tx.session.execute(select(ClientSignIn).where(col(ClientSignIn.id) == id))
    return found.scalar_one_or_none()


async def _delete(tx: Transaction, table: Any, where: Any) -> None:
    await tx.session.execute(
        delete(table).where(where).execution_options(synchronize_session=False)
    )


def _token(kind: str) -> str:
    """Return a new code or token: what finds leaked secrets knows it by its beginning."""
    return f"yimen_{kind}_{secrets.token_urlsafe(TOKEN_BYTES)}"
