"""Delegation (委托): a post is handed over to another person for a time.

Nothing is copied: who acts in the post is given what its grants allow at that moment, so that
nobody hands over more than they hold, and what the post loses is lost at once.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Select, insert, or_, select, update
from sqlalchemy.orm import aliased
from sqlmodel import col

from core.access.exclusion import one_at_a_time, refuse_together
from core.access.grants import GrantError
from core.access.holding import delegation_in_force, grant_in_force, post_in_force
from core.access.models import Delegation, Grant
from core.database import Transaction
from core.identity.events import PersonChanged, SessionEnded
from core.identity.models import OrganizationRow, Person, Post, SignInSession
from plugin_sdk.data import Within, new_id

LONGEST = timedelta(days=366)
MOST_OPEN = 20  # of one post, and to one person


class DelegationFacts(msgspec.Struct, frozen=True):
    """A delegation as it is listed: whose post, to whom, from when to when."""

    id: UUID
    post_id: UUID
    post: str
    organization: str
    giver_id: UUID
    giver: str
    person_id: UUID
    person: str
    roles: list[str]
    starts_at: datetime
    ends_at: datetime
    reason: str
    revoked_at: datetime | None


async def delegate(
    tx: Transaction,
    post_id: UUID,
    to: UUID,
    *,
    by: UUID,
    starts_at: datetime,
    ends_at: datetime,
    reason: str,
    roles: Sequence[str] = (),
) -> UUID:
    """Hand a post over; return the delegation's id. Raises `GrantError`.

    Only who holds the post hands it over (so there are no chains), and never in a circle: at no
    moment may the work of a post come back to whom it came from. Nor is a post handed twice to
    the same person for the same time.
    """
    await one_at_a_time(tx)  # two might close a circle together
    holder = await tx.session.execute(
        select(col(Post.person_id))
        .join(Person, col(Person.id) == col(Post.person_id))
        .where(col(Post.id) == post_id, post_in_force(tx.now))
    )
    if holder.scalar_one_or_none() != by:
        raise GrantError("post-unknown")
    if to == by:
        raise GrantError("delegate-oneself")
    if not await _has_post(tx, to):
        raise GrantError("delegate-unknown")
    if ends_at <= max(starts_at, tx.now):
        raise GrantError("delegation-over")
    if ends_at - max(starts_at, tx.now) > LONGEST:
        raise GrantError("delegation-long")
    held = await roles_of_post(tx, post_id)
    if not held or set(roles) - set(held):
        raise GrantError("role-unknown" if held else "delegation-empty")
    await _refuse_more(tx, post_id, to, starts_at, ends_at)
    await _refuse_circle(tx, by, to, starts_at, ends_at)
    await refuse_together(tx, to, roles or held)
    id = new_id()
    await tx.session.execute(
        insert(Delegation).values(
            id=id,
            post_id=post_id,
            person_id=to,
            roles=sorted(set(roles)),
            starts_at=starts_at,
            ends_at=ends_at,
            reason=reason,
            created_by=by,
            created_at=tx.now,
        )
    )
    await tx.raise_event(PersonChanged(to))
    return id


async def _has_post(tx: Transaction, person_id: UUID) -> bool:
    found = await tx.session.execute(
        select(col(Post.id))
        .join(Person, col(Person.id) == col(Post.person_id))
        .where(col(Post.person_id) == person_id, post_in_force(tx.now))
        .limit(1)
    )
    return found.first() is not None


async def roles_of_post(tx: Transaction, post_id: UUID) -> list[str]:
    """Return the roles that a post holds now and can hand over, by key."""
    found = await tx.session.execute(
        select(col(Grant.role))
        .where(col(Grant.post_id) == post_id, grant_in_force(tx.now), col(Grant.scope) != "own")
        .distinct()
        .order_by(col(Grant.role))
    )
    return list(found.scalars())


async def _refuse_more(
    tx: Transaction, post_id: UUID, taker: UUID, starts: datetime, ends: datetime
) -> None:
    row = Delegation
    found = await tx.session.execute(
        select(col(row.post_id), col(row.person_id), col(row.starts_at), col(row.ends_at)).where(
            or_(col(row.post_id) == post_id, col(row.person_id) == taker),
            col(row.revoked_at).is_(None),
            col(row.ends_at) > tx.now,
        )
    )
    ahead = found.all()
    for post, person, since, until in ahead:
        if (post, person) == (post_id, taker) and since < ends and starts < until:
            raise GrantError("delegation-twice")
    if sum(post == post_id for post, *_ in ahead) >= MOST_OPEN:
        raise GrantError("delegation-many")
    if sum(person == taker for _, person, *_ in ahead) >= MOST_OPEN:
        raise GrantError("delegate-busy")


async def _refuse_circle(
    tx: Transaction, giver: UUID, taker: UUID, starts: datetime, ends: datetime
) -> None:
    found = await tx.session.execute(
        select(
            col(Post.person_id),
            col(Delegation.person_id),
            col(Delegation.starts_at),
            col(Delegation.ends_at),
        )
        .join(Post, col(Post.id) == col(Delegation.post_id))
        .where(
            col(Delegation.revoked_at).is_(None),
            col(Delegation.starts_at) < ends,
            col(Delegation.ends_at) > max(starts, tx.now),
        )
    )
    edges = [(one, other, since, until) for one, other, since, until in found]
    # delegations that share a moment share the one at which the last of them begins
    for moment in {starts, *(since for _, _, since, _ in edges if since > starts)}:
        handed = ((one, other) for one, other, since, until in edges if since <= moment < until)
        if giver in reached(handed, taker):
            raise GrantError("delegation-circle")


def reached(edges: Iterable[tuple[UUID, UUID]], start: UUID) -> set[UUID]:
    """Return whom the work of `start` comes to along the edges, `start` too."""
    ahead: dict[UUID, set[UUID]] = defaultdict(set)
    for one, other in edges:
        ahead[one].add(other)
    found, waiting = {start}, [start]
    while waiting:
        for following in ahead[waiting.pop()] - found:
            found.add(following)
            waiting.append(following)
    return found


async def revoke(tx: Transaction, id: UUID, *, by: UUID, anyones: bool = False) -> UUID:
    """End a delegation: refused everywhere once this has returned; return the post that was
    handed over. Who gave it and who took it may, others with `anyones` (an administrator).
    Raises `GrantError`."""
    mine = or_(
        col(Delegation.person_id) == by,
        col(Delegation.post_id).in_(select(col(Post.id)).where(col(Post.person_id) == by)),
    )
    statement = (
        update(Delegation)
        .where(
            col(Delegation.id) == id,
            col(Delegation.revoked_at).is_(None),
            col(Delegation.ends_at) > tx.now,
        )
        .values(revoked_at=tx.now, revoked_by=by)
        .returning(col(Delegation.person_id), col(Delegation.post_id))
    )
    if not anyones:
        statement = statement.where(mine)
    ended = (await tx.session.execute(statement)).first()
    if ended is None:
        raise GrantError("delegation-unknown")
    taker: UUID = ended[0]
    post_id: UUID = ended[1]
    await tx.raise_event(PersonChanged(taker))
    return post_id


async def act_in(tx: Transaction, session_id: str, person_id: UUID, id: UUID) -> bool:
    """Let a session act in a delegated post; return whether it is in force for the person."""
    if id not in {item.id for item in await taken(tx, person_id)}:
        return False
    await tx.session.execute(
        update(SignInSession)
        .where(col(SignInSession.id) == session_id)
        .values(delegation_id=id, consent_id=None)
    )
    await tx.raise_event(SessionEnded(session_id))  # what is cached of it is stale
    return True


async def taken(tx: Transaction, person_id: UUID) -> list[DelegationFacts]:
    """Return the delegations to a person that are in force, the one that ends first first."""
    holds = (delegation_in_force(tx.now), post_in_force(tx.now))
    return await _listed(tx, _facts().where(col(Delegation.person_id) == person_id, *holds))


async def given(tx: Transaction, person_id: UUID) -> list[DelegationFacts]:
    """Return what a person has handed over, now or later."""
    ahead = (col(Delegation.revoked_at).is_(None), col(Delegation.ends_at) > tx.now)
    return await _listed(tx, _facts().where(col(Post.person_id) == person_id, *ahead))


async def delegations(
    tx: Transaction, *, within: Within | None = None, limit: int = 200
) -> list[DelegationFacts]:
    """Return the delegations that hold now or later, of all posts or of those `within` some
    organizations."""
    ahead = [col(Delegation.revoked_at).is_(None), col(Delegation.ends_at) > tx.now]
    if within is not None:
        ahead.append(within(col(Post.organization_id)))
    return await _listed(tx, _facts().where(*ahead).limit(limit))


def _facts() -> Select[Any]:
    taker = aliased(Person)
    columns: list[Any] = [
        Delegation.id,
        Delegation.post_id,
        Post.title,
        OrganizationRow.name,
        Person.id,
        Person.name,
        Delegation.person_id,
        taker.name,
        Delegation.roles,
        Delegation.starts_at,
        Delegation.ends_at,
        Delegation.reason,
        Delegation.revoked_at,
    ]
    return (
        select(*columns)
        .select_from(Delegation)
        .join(Post, col(Post.id) == col(Delegation.post_id))
        .join(Person, col(Person.id) == col(Post.person_id))
        .join(taker, col(taker.id) == col(Delegation.person_id))
        .join(OrganizationRow, col(OrganizationRow.id) == col(Post.organization_id))
        .order_by(col(Delegation.ends_at), col(Delegation.id))
    )


async def _listed(tx: Transaction, statement: Select[Any]) -> list[DelegationFacts]:
    return [DelegationFacts(*row) for row in await tx.session.execute(statement)]
