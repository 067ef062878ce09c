"""Making, listing and revoking tokens of people."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Select, bindparam, delete, func, or_, select, update
from sqlmodel import col

from core.database import Transaction
from core.identity.events import TokenEnded
from core.identity.models import OrganizationRow, Person, Post
from core.identity.sessions import digest
from core.identity.tokens import secret
from core.identity.tokens.models import ApiToken
from plugin_sdk.data import Within

LONGEST: Final = timedelta(days=366)
DEFAULT: Final = timedelta(days=90)
MOST: Final = 20  # in force at a time, of one person
WARNED: Final = timedelta(days=7)
KEEP: Final = timedelta(days=90)


class TokenError(ValueError):
    """A token that cannot be; `code` names the problem in the catalogues: `token-days` (over
    at once, or later than a year from now), `token-most` (too many in force)."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class TokenFacts(msgspec.Struct, frozen=True):
    """A token as it is listed; never the token."""

    id: UUID
    person_id: UUID
    person: str
    name: str
    hint: str
    scopes: list[str]
    organization: str | None
    post: str | None
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None

    def in_force(self, now: datetime) -> bool:
        """Return whether a program may still act by it."""
        return self.revoked_at is None and now < self.expires_at


async def make(
    tx: Transaction,
    person_id: UUID,
    post_id: UUID | None,
    *,
    name: str,
    scopes: Sequence[str],
    proofs: Sequence[str],
    expires_at: datetime,
) -> str:
    """Make a token; return it, this once. Raises `TokenError`."""
    if not tx.now < expires_at <= tx.now + LONGEST:
        raise TokenError("token-days")
    row = ApiToken
    await tx.session.execute(  # who makes two at once waits here
        select(col(Person.id)).where(col(Person.id) == person_id).with_for_update()
    )
    held = await tx.session.execute(
        select(func.count())
        .select_from(row)
        .where(
            col(row.person_id) == person_id,
            col(row.revoked_at).is_(None),
            col(row.expires_at) > tx.now,
        )
    )
    if held.scalar_one() >= MOST:
        raise TokenError("token-most")
    token = secret.make()
    tx.session.add(
        row(
            person_id=person_id,
            post_id=post_id,
            name=name,
            digest=digest(token),
            hint=secret.hint(token),
            scopes=sorted(set(scopes)),
            proofs=sorted(proofs),
            created_at=tx.now,
            expires_at=expires_at,
        )
    )
    await tx.session.flush()
    return token


def _listed() -> Select[Any]:
    row = ApiToken
    columns: list[Any] = [
        *(row.id, row.person_id, Person.name, row.name, row.hint, row.scopes),
        *(OrganizationRow.name, Post.title),
        *(row.created_at, row.expires_at, row.used_at, row.revoked_at),
    ]
    return (
        select(*columns)
        .select_from(row)
        .join(Person, col(Person.id) == col(row.person_id))
        .outerjoin(Post, col(Post.id) == col(row.post_id))
        .outerjoin(OrganizationRow, col(OrganizationRow.id) == col(Post.organization_id))
        .order_by(col(row.created_at).desc(), col(row.id).desc())
    )


async def of_person(tx: Transaction, person_id: UUID) -> list[TokenFacts]:
    """Return the tokens of a person, newest first, those that are over too."""
    found = await tx.session.execute(_listed().where(col(ApiToken.person_id) == person_id))
    return [TokenFacts(*row) for row in found]


async def in_force(
    tx: Transaction, *, within: Within | None = None, limit: int = 200
) -> list[TokenFacts]:
    """Return the tokens by which programs may act now, newest first; with `within` those that
    act in a post of an organization there."""
    row = ApiToken
    statement = _listed().where(col(row.revoked_at).is_(None), col(row.expires_at) > tx.now)
    if within is not None:
        statement = statement.where(within(col(Post.organization_id)))
    return [TokenFacts(*found) for found in await tx.session.execute(statement.limit(limit))]


async def find(tx: Transaction, id: UUID) -> TokenFacts | None:
    """Return a token as it is listed, None if there is none."""
    found = (await tx.session.execute(_listed().where(col(ApiToken.id) == id))).first()
    return TokenFacts(*found) if found else None


async def revoke(tx: Transaction, id: UUID, *, by: UUID | None) -> bool:
    """Revoke a token, at once on every worker; return whether it was in force."""
    return bool(await _end(tx, by, col(ApiToken.id) == id))


async def revoke_all(tx: Transaction, person_id: UUID, *, by: UUID | None = None) -> int:
    """Revoke all tokens of a person; return how many were in force."""
    return len(await _end(tx, by, col(ApiToken.person_id) == person_id))


async def _end(tx: Transaction, by: UUID | None, which: Any) -> list[str]:
    row = ApiToken
    ended = await tx.session.execute(
        update(row)
        .where(which, col(row.revoked_at).is_(None), col(row.expires_at) > tx.now)
        .values(revoked_at=tx.now, revoked_by=by)
        .returning(col(row.digest))
        .execution_options(synchronize_session=False)
    )
    digests = list(ended.scalars())
    for each in digests:
        await tx.raise_event(TokenEnded(each))
    return digests


async def note_used(tx: Transaction, used: Mapping[str, datetime]) -> None:
    """Write when tokens (by digest) were last used, where that is news."""
    table = ApiToken.__table__  # type: ignore[attr-defined]  # many rows by one statement
    statement = (
        update(table)
        .where(
            table.c.digest == bindparam("token"),
            or_(table.c.used_at.is_(None), table.c.used_at < bindparam("used")),
        )
        .values(used_at=bindparam("used"))
    )
    rows = [{"token": token, "used": at} for token, at in sorted(used.items())]
    connection = await tx.session.connection()
    await connection.execute(statement, rows)


async def ending(tx: Transaction) -> list[TokenFacts]:
    """Return the tokens that end within a week and whose owners were not told; they count as
    told from now on."""
    row = ApiToken
    soon = await tx.session.execute(
        update(row)
        .where(
            col(row.revoked_at).is_(None),
            col(row.warned_at).is_(None),
            col(row.expires_at) > tx.now,
            col(row.expires_at) <= tx.now + WARNED,
        )
        .values(warned_at=tx.now)
        .returning(col(row.id))
        .execution_options(synchronize_session=False)
    )
    ids = list(soon.scalars())
    if not ids:
        return []
    found = await tx.session.execute(_listed().where(col(row.id).in_(ids)))
    return [TokenFacts(*each) for each in found]


async def tidy(tx: Transaction) -> None:
    """Forget tokens that have been over for three months."""
    row, long_ago = ApiToken, tx.now - KEEP
    await tx.session.execute(
        delete(row).where(or_(col(row.expires_at) < long_ago, col(row.revoked_at) < long_ago))
    )
