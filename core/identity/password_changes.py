"""Setting a password that is accepted: by its owner, after recovery, or a first one for them."""

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, delete, select, update
from sqlmodel import col

from core.database import Transaction
from core.identity import sessions
from core.identity.events import PersonChanged
from core.identity.models import EarlierPassword, Person
from core.identity.password_rules import Profile
from core.identity.passwords import NewPassword
from core.identity.people import PersonError
from core.identity.signing_in import forget_pending
from core.identity.tokens import service as tokens


class PasswordFacts(msgspec.Struct, frozen=True):
    """What the rules ask about a person, and the hash of the password they have."""

    username: str
    name: str
    phone: str | None
    hash: str | None
    set_at: datetime | None
    must_change: bool


async def password_facts(tx: Transaction, person_id: UUID) -> PasswordFacts | None:
    """Return what the rules ask about a person who may sign in, None for anybody else."""
    row = Person
    found = await tx.session.execute(
        select(
            col(row.username),
            col(row.name),
            col(row.phone),
            col(row.password_hash),
            col(row.password_set_at),
            col(row.must_change),
        ).where(col(row.id) == person_id, col(row.disabled_at).is_(None))
    )
    facts = found.first()
    return PasswordFacts(*facts) if facts else None


async def kept_of(tx: Transaction, person_id: UUID, profile: Profile) -> list[str]:
    """Return the hashes that a new password must not have: the present one and, where the rules
    say so, those before."""
    present = await tx.session.execute(
        select(col(Person.password_hash)).where(
            col(Person.id) == person_id, col(Person.password_hash).is_not(None)
        )
    )
    before = await tx.session.execute(
        select(col(EarlierPassword.hash))
        .where(col(EarlierPassword.person_id) == person_id)
        .order_by(col(EarlierPassword.set_at).desc(), col(EarlierPassword.id).desc())
        .limit(profile.earlier)
    )
    return [hash for hash in (*present.scalars(), *before.scalars()) if hash]


async def set_password(
    tx: Transaction,
    person_id: UUID,
    password: NewPassword,
    profile: Profile,
    *,
    was: str | None = None,
    but: str | None = None,
) -> bool:
    """Set the password that a person chose themselves. Their sessions end (but one), and what is
    pending; where it was recovered (none stays), so do the tokens of their programs: who had the
    account before may have made them.

    Returns False, and changes nothing, where the password is no longer the one that was asked
    for (`was`, its hash).
    """
    row = Person
    old = (
        await tx.session.execute(
            select(col(row.password_hash), col(row.password_set_at))
            .where(col(row.id) == person_id)
            .with_for_update()
        )
    ).one()
    if was not in (None, old[0]):
        return False
    if old[0] is not None and profile.earlier:
        tx.session.add(EarlierPassword(person_id=person_id, hash=old[0], set_at=old[1] or tx.now))
        await tx.session.flush()
        await _forget_oldest(tx, person_id, profile.earlier)
    await tx.session.execute(
        update(row)
        .where(col(row.id) == person_id)
        .values(password_hash=password.hash, password_set_at=tx.now, must_change=False)
    )
    await sessions.end_all(tx, person_id, but=but)
    if but is None:
        await tokens.revoke_all(tx, person_id)
    await forget_pending(tx, person_id)
    await tx.raise_event(PersonChanged(person_id))
    return True


async def _forget_oldest(tx: Transaction, person_id: UUID, keep: int) -> None:
    row = EarlierPassword
    newest = (
        select(col(row.id))
        .where(col(row.person_id) == person_id)
        .order_by(col(row.set_at).desc(), col(row.id).desc())
        .limit(keep)
    )
    await tx.session.execute(
        delete(row).where(col(row.person_id) == person_id, col(row.id).not_in(newest))
    )


async def may_get_password(tx: Transaction, person_id: UUID) -> bool:
    """Return whether a person is still without a password, and may sign in once they have one."""
    found = await tx.session.execute(select(col(Person.id)).where(*_without_password(person_id)))
    return found.first() is not None


async def give_password(
    tx: Transaction, person_id: UUID, password: NewPassword, *, anew: bool = False
) -> None:
    """Give a person who came without a password their first one, which they must change before
    anything else; whatever session they have ends.

    Raises `PersonError` for one who has a password: that would be to sign in as them. `anew` is
    for the console alone, whose operator could do anything: it replaces one that was forgotten.
    """
    may = (col(Person.id) == person_id,) if anew else _without_password(person_id)
    given = await tx.session.execute(
        update(Person)
        .where(*may)
        .values(password_hash=password.hash, password_set_at=tx.now, must_change=True)
        .returning(col(Person.id))
    )
    if given.first() is None:
        raise PersonError("password-given")
    await sessions.end_all(tx, person_id)
    await tokens.revoke_all(tx, person_id)
    await forget_pending(tx, person_id)
    await tx.raise_event(PersonChanged(person_id))


def _without_password(person_id: UUID) -> tuple[ColumnElement[bool], ...]:
    return (
        col(Person.id) == person_id,
        col(Person.password_hash).is_(None),
        col(Person.disabled_at).is_(None),
    )
