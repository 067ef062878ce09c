"""Where every way of signing in ends, whatever was proved and how.

What was proved opens a session, or, for an account with a second factor that was not among it,
begins a *pending* sign-in: nobody is signed in yet. Its secret travels in a cookie of its own, it
lasts five minutes, takes few tries, and opens one session.
"""

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import delete, exists, select, update
from sqlmodel import col

from core import audit
from core.database import Transaction
from core.identity import devices, sessions
from core.identity.models import Passkey, PendingSignIn, Person, Totp
from core.identity.sessions import TOKEN_BYTES, Renewed, digest
from plugin_sdk.ports import Actor

PENDING_LIFE: Final = timedelta(minutes=5)
PENDING_TRIES: Final = 5


class Proof(StrEnum):
    """What somebody proved, in the words of RFC 8176 (`amr`)."""

    PASSWORD = "pwd"  # noqa: S105  (the word for it)
    SMS = "sms"
    UPSTREAM = "fed"  # by the word of an identity provider above this hub
    OTP = "otp"  # of an authenticator app, or a recovery code in its place
    PASSKEY = "pop"
    UPSTREAM_TWO = "fedmfa"  # which says that it asked for two, and may count so here
    TWO = "mfa"  # a passkey that asked for the person itself; two factors together


SECOND: Final = frozenset({Proof.OTP, Proof.PASSKEY, Proof.UPSTREAM_TWO})


class FactorError(ValueError):
    """A factor that is not taken; `code` names the problem in the catalogues."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Browser(msgspec.Struct, frozen=True):
    """Where somebody signs in: the session that was open there, the secret of the device, what
    it calls itself, and whether others use it too."""

    session_id: str | None = None
    device: str = ""
    name: str = ""
    public_computer: bool = False


class Opened(msgspec.Struct, frozen=True):
    """An open session: its secret, and the new secret of the device, if it is to be known."""

    token: str
    device: str | None
    public_computer: bool


class Through(msgspec.Struct, frozen=True):
    """By whose word somebody came, and when they proved there who they are: None, it did not
    say."""

    upstream: str
    proved_at: datetime | None


class Owing(msgspec.Struct, frozen=True):
    """A sign-in that owes a second factor: its secret."""

    token: str


class Pending(msgspec.Struct, frozen=True):
    """Whose sign-in is pending, with what they have proved."""

    id: str
    person_id: UUID
    proofs: tuple[str, ...]
    public_computer: bool


def all_proofs(proofs: Iterable[str]) -> list[str]:
    """Return proofs in order, with `mfa` where a second factor stands beside the first."""
    proved = set(proofs)
    if proved & SECOND and len(proved) > 1:
        proved.add(Proof.TWO)
    return [proof for proof in Proof if proof in proved]


async def has_second_factor(tx: Transaction, person_id: UUID) -> bool:
    """Return whether an account asks for a second factor."""
    app = exists().where(col(Totp.person_id) == person_id, col(Totp.confirmed_at).is_not(None))
    key = exists().where(col(Passkey.person_id) == person_id)
    return bool((await tx.session.execute(select(app | key))).scalar_one())


async def arrive(
    tx: Transaction,
    person_id: UUID,
    proofs: Iterable[str],
    browser: Browser,
    *,
    seconds: int,
    through: Through | None = None,
) -> Opened | Owing:
    """Let in somebody who has proved who they are, for `seconds`; or ask for what they owe. Who
    came `through` an upstream proved it there, and perhaps long ago.

    Whoever was signed in in this browser leaves only when the new session opens.
    """
    proved = all_proofs(proofs)
    if not SECOND.intersection(proved) and await has_second_factor(tx, person_id):
        token = secrets.token_urlsafe(TOKEN_BYTES)
        tx.session.add(
            PendingSignIn(
                id=digest(token),
                person_id=person_id,
                proofs=proved,
                public_computer=browser.public_computer,
                expires_at=tx.now + PENDING_LIFE,
            )
        )
        await tx.session.flush()
        return Owing(token)
    return await _open(tx, person_id, proved, browser, seconds=seconds, through=through)


async def pending(tx: Transaction, token: str) -> Pending | None:
    """Return the pending sign-in of a secret, None when it is over."""
    row = PendingSignIn
    found = await tx.session.execute(
        select(col(row.id), col(row.person_id), col(row.proofs), col(row.public_computer))
        .join(Person, col(Person.id) == col(row.person_id))
        .where(
            col(row.id) == digest(token),
            col(row.expires_at) > tx.now,
            col(row.tries) < PENDING_TRIES,
            col(Person.disabled_at).is_(None),
        )
    )
    one = found.first()
    return Pending(one[0], one[1], tuple(one[2]), one[3]) if one else None


async def count_try(tx: Transaction, token: str) -> Pending | None:
    """Count a try at the second factor; return whose sign-in it is, None when it is over.

    Commit it before what was tried is looked at, whatever comes of it.
    """
    waiting = await pending(tx, token)
    if waiting is None:
        return None
    counted = await tx.session.execute(
        update(PendingSignIn)
        .where(col(PendingSignIn.id) == waiting.id, col(PendingSignIn.tries) < PENDING_TRIES)
        .values(tries=col(PendingSignIn.tries) + 1)
        .returning(col(PendingSignIn.id))
        .execution_options(synchronize_session=False)
    )
    return waiting if counted.first() else None


async def complete(
    tx: Transaction,
    waiting: Pending,
    proofs: Iterable[str],
    browser: Browser,
    *,
    seconds: int,
) -> Opened | None:
    """Open the session of a pending sign-in whose second factor was proved; None when another
    request has used it up meanwhile."""
    used = await tx.session.execute(
        delete(PendingSignIn)
        .where(col(PendingSignIn.id) == waiting.id, col(PendingSignIn.expires_at) > tx.now)
        .returning(col(PendingSignIn.id))
    )
    if used.first() is None:
        return None
    proved = all_proofs([*waiting.proofs, *proofs])
    where = msgspec.structs.replace(browser, public_computer=waiting.public_computer)
    return await _open(tx, waiting.person_id, proved, where, seconds=seconds)


async def prove_again(tx: Transaction, actor: Actor, proofs: Iterable[str]) -> Renewed | None:
    """Let a session go on under a new secret, with a fresh proof; None for one that is over."""
    if actor.session_id is None:
        return None
    proved = all_proofs([*actor.proofs, *proofs])
    renewed = await sessions.renew(tx, actor.session_id, proved)
    if renewed is not None:
        subject = f"person:{actor.real_person_id}"
        await audit.record(
            tx, actor, audit.SHELL, "proved-again", subject, facts={"proofs": list(proofs)}
        )
    return renewed


async def _open(
    tx: Transaction,
    person_id: UUID,
    proofs: list[str],
    browser: Browser,
    *,
    seconds: int,
    through: Through | None = None,
) -> Opened:
    if browser.session_id:  # whoever was signed in here before leaves
        await sessions.end(tx, browser.session_id)
    token = await sessions.begin(
        tx,
        person_id,
        seconds=seconds,
        proofs=proofs,
        proved_at=through.proved_at if through else "now",
        device=browser.name,
        public_computer=browser.public_computer,
    )
    device = None
    if not browser.public_computer:
        device = await devices.remember(tx, browser.device, person_id)
    await audit.record(
        tx,
        Actor(person_id=person_id),
        audit.SHELL,
        "signed-in",
        f"person:{person_id}",
        facts={"proofs": proofs, **({"upstream": through.upstream} if through else {})},
    )
    return Opened(token, device, browser.public_computer)


async def forget_pending(tx: Transaction, person_id: UUID) -> None:
    """End what is pending of a person: what they proved counts no longer."""
    await tx.session.execute(delete(PendingSignIn).where(col(PendingSignIn.person_id) == person_id))


async def tidy(tx: Transaction) -> None:
    """Forget sign-ins that were never completed."""
    await tx.session.execute(delete(PendingSignIn).where(col(PendingSignIn.expires_at) < tx.now))
