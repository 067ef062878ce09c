"""Signing in and out. A session is an opaque 256-bit secret, new at every sign-in."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec
from sqlalchemy import bindparam, delete, select, update
from sqlmodel import col

from core.database import Transaction
from core.identity.events import SessionEnded, SessionRenewed
from core.identity.models import Person, Post, SignInSession

TOKEN_BYTES = 32
KEEP = timedelta(days=7)
PUBLIC_SECONDS = 1800
PUBLIC_IDLE = timedelta(minutes=10)


class Credentials(msgspec.Struct, frozen=True):
    """What is needed to check a password."""

    person_id: UUID
    password_hash: str | None
    usable: bool


class OpenSession(msgspec.Struct, frozen=True):
    """One of a person's sign-ins, for their own page."""

    id: str
    device: str
    created_at: datetime
    seen_at: datetime
    public_computer: bool
    proofs: list[str]


class Renewed(msgspec.Struct, frozen=True):
    """A session under its new secret."""

    token: str
    public_computer: bool
    expires_at: datetime


def digest(token: str) -> str:
    """Return the id under which a session's secret is kept."""
    return hashlib.sha256(token.encode()).hexdigest()


def csrf_token(token: str) -> str:
    """Return the form token of a session: derived from its secret, never the secret."""
    return hmac.new(token.encode(), b"csrf", hashlib.sha256).hexdigest()[:32]


async def credentials(tx: Transaction, username: str) -> Credentials | None:
    """Return what a password is checked against, None for an unknown name."""
    found = (
        await tx.session.execute(
            select(
                col(Person.id), col(Person.password_hash), col(Person.disabled_at).is_(None)
            ).where(col(Person.username) == username)
        )
    ).first()
    return Credentials(*found) if found else None


async def password_of(tx: Transaction, person_id: UUID) -> str | None:
    """Return the hash of a person's password, None for one who has none."""
    found = await tx.session.execute(
        select(col(Person.password_hash)).where(col(Person.id) == person_id)
    )
    return found.scalar_one_or_none()


async def begin(
    tx: Transaction,
    person_id: UUID,
    *,
    seconds: int,
    proofs: Sequence[str],
    proved_at: datetime | Literal["now"] | None = "now",
    device: str = "",
    public_computer: bool = False,
) -> str:
    """Open a session in the person's first post in force; return its secret. It was proved when
    `proved_at` says, None: nobody knows when. On a public computer it is over after half an hour
    at most."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    posts = await posts_in_force(tx, person_id)
    if public_computer:
        seconds = min(seconds, PUBLIC_SECONDS)
    tx.session.add(
        SignInSession(
            id=digest(token),
            person_id=person_id,
            post_id=posts[0] if posts else None,
            csrf=csrf_token(token),
            device=device[:200],
            public_computer=public_computer,
            proofs=list(proofs),
            proved_at=tx.now if proved_at == "now" else proved_at,
            created_at=tx.now,
            seen_at=tx.now,
            expires_at=tx.now + timedelta(seconds=seconds),
        )
    )
    await tx.session.flush()
    return token


async def renew(
    tx: Transaction, session_id: str, proofs: Sequence[str] | None = None
) -> Renewed | None:
    """Let a session go on under a new secret, with what was proved just now (None: nothing, and
    what was proved before is as old as it was); None for one that is over. Whatever else it is,
    in which post and for whom it acts, stays; so does its end."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    row = SignInSession
    proved = {} if proofs is None else {"proofs": list(proofs), "proved_at": tx.now}
    found = await tx.session.execute(
        update(row)
        .where(col(row.id) == session_id, col(row.ended_at).is_(None), col(row.expires_at) > tx.now)
        .values(id=digest(token), csrf=csrf_token(token), **proved)
        .returning(col(row.public_computer), col(row.expires_at))
        .execution_options(synchronize_session=False)
    )
    renewed = found.first()
    if renewed is None:
        return None
    await tx.raise_event(SessionRenewed(session_id, digest(token)))
    return Renewed(token, renewed[0], renewed[1])


async def on_public_computer(tx: Transaction, session_id: str | None) -> str | None:
    """Return a session's id where it is one on a public computer, else None."""
    found = await tx.session.execute(
        select(col(SignInSession.id)).where(
            col(SignInSession.id) == session_id, col(SignInSession.public_computer)
        )
    )
    return found.scalar_one_or_none()


async def posts_in_force(tx: Transaction, person_id: UUID) -> list[UUID]:
    """Return the ids of the posts a person holds now, oldest first."""
    found = await tx.session.execute(
        select(col(Post.id))
        .where(
            col(Post.person_id) == person_id,
            col(Post.starts_at) <= tx.now,
            (col(Post.ends_at).is_(None)) | (col(Post.ends_at) > tx.now),
        )
        .order_by(col(Post.starts_at), col(Post.id))
    )
    return list(found.scalars())


async def end(tx: Transaction, session_id: str) -> None:
    """End a session everywhere."""
    await tx.session.execute(
        update(SignInSession)
        .where(col(SignInSession.id) == session_id, col(SignInSession.ended_at).is_(None))
        .values(ended_at=tx.now)
    )
    await tx.raise_event(SessionEnded(session_id))


async def end_all(tx: Transaction, person_id: UUID, *, but: str | None = None) -> int:
    """End a person's sessions everywhere (but one); return how many there were."""
    statement = (
        update(SignInSession)
        .where(col(SignInSession.person_id) == person_id, col(SignInSession.ended_at).is_(None))
        .values(ended_at=tx.now)
        .returning(col(SignInSession.id))
    )
    if but:
        statement = statement.where(col(SignInSession.id) != but)
    ended = list((await tx.session.execute(statement)).scalars())
    for session_id in ended:
        await tx.raise_event(SessionEnded(session_id))
    return len(ended)


async def switch_post(tx: Transaction, session_id: str, person_id: UUID, post_id: UUID) -> bool:
    """Let a session act in another post the person holds; return whether they hold it."""
    if post_id not in await posts_in_force(tx, person_id):
        return False
    await tx.session.execute(
        update(SignInSession)
        .where(col(SignInSession.id) == session_id)
        .values(post_id=post_id, delegation_id=None, consent_id=None)
    )
    await tx.raise_event(SessionEnded(session_id))  # what is cached of it is stale
    return True


def idle_limit(idle: timedelta | None, *, public_computer: bool) -> timedelta | None:
    """Return after how long without a request a session is over, None for never: what the rules
    say (`idle`), and on a public computer ten minutes at most."""
    if not public_computer:
        return idle
    return min(idle, PUBLIC_IDLE) if idle else PUBLIC_IDLE


async def open_sessions(
    tx: Transaction, person_id: UUID, idle: timedelta | None = None
) -> list[OpenSession]:
    """Return a person's sign-ins that are open, newest first; `idle` is what the rules say."""
    row = SignInSession
    found = await tx.session.execute(
        select(
            col(row.id),
            col(row.device),
            col(row.created_at),
            col(row.seen_at),
            col(row.public_computer),
            col(row.proofs),
        )
        .where(
            col(row.person_id) == person_id,
            col(row.ended_at).is_(None),
            col(row.expires_at) > tx.now,
        )
        .order_by(col(row.created_at).desc())
    )
    every = [OpenSession(*values) for values in found]
    return [
        one
        for one in every
        if (limit := idle_limit(idle, public_computer=one.public_computer)) is None
        or tx.now < one.seen_at + limit
    ]


async def note_seen(tx: Transaction, seen: Mapping[str, datetime]) -> None:
    """Write when sessions were last seen, where that is news."""
    table = SignInSession.__table__  # type: ignore[attr-defined]  # many rows by one statement
    statement = (
        update(table)
        .where(table.c.id == bindparam("session"), table.c.seen_at < bindparam("seen"))
        .values(seen_at=bindparam("seen"))
    )
    rows = [{"session": id, "seen": at} for id, at in sorted(seen.items())]
    connection = await tx.session.connection()
    await connection.execute(statement, rows)


async def tidy(tx: Transaction) -> None:
    """Forget sessions a week after their time. Pages list the open ones alone, and the record
    keeps who signed in and out by itself; the week is for looking into what has just been."""
    await tx.session.execute(
        delete(SignInSession).where(col(SignInSession.expires_at) < tx.now - KEEP)
    )


async def forget(tx: Transaction, person_id: UUID) -> None:
    """Delete all sign-ins of a person, with the devices they name."""
    await end_all(tx, person_id)
    await tx.session.execute(delete(SignInSession).where(col(SignInSession.person_id) == person_id))
