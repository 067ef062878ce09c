"""On behalf (代办): a worker acts for a resident who has consented, in what they consented to.

The consent is recorded with how it was given and what shows it. Beginning and ending are acts
of their own on a session; in between the actor is the resident, and the record names both.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Select, insert, or_, select, update
from sqlalchemy.orm import aliased
from sqlmodel import col

from core.access.exclusion import one_at_a_time
from core.access.grants import GrantError
from core.access.holding import consent_in_force, post_in_force
from core.access.loading import load_on_behalf
from core.access.models import Consent
from core.database import Transaction
from core.identity.events import PersonChanged, SessionEnded
from core.identity.models import OrganizationRow, Person, Post, SignInSession
from plugin_sdk.data import new_id
from plugin_sdk.ports import Actor

LONGEST = timedelta(days=366)
MOST_OPEN = 20  # of one resident
GIVEN = ("in-person", "phone", "written", "online")


class ConsentFacts(msgspec.Struct, frozen=True):
    """A consent as it is listed: who may act for whom, in what, until when."""

    id: UUID
    person_id: UUID
    person: str
    agent: str | None
    organization: str | None
    scope: list[str]
    given: str
    evidence: str
    starts_at: datetime
    ends_at: datetime
    revoked_at: datetime | None

    def in_force(self, now: datetime) -> bool:
        """Return whether somebody may act under it."""
        return self.revoked_at is None and self.starts_at <= now < self.ends_at


async def record_consent(
    tx: Transaction,
    person_id: UUID,
    *,
    agent_id: UUID | None = None,
    organization_id: UUID | None = None,
    scope: Sequence[str],
    given: str,
    evidence: str,
    ends_at: datetime,
    by: UUID,
) -> UUID:
    """Record that a resident lets a worker, or the workers of a unit, act for them; return
    the consent's id. Raises `GrantError`, also when the same is consented to already."""
    if (agent_id is None) == (organization_id is None):
        raise GrantError("consent-agent")
    if agent_id == person_id:
        raise GrantError("consent-oneself")
    if given not in GIVEN or (given == "online") != (by == person_id) or not evidence.strip():
        raise GrantError("consent-given")
    if not scope:
        raise GrantError("consent-scope")
    if ends_at <= tx.now:
        raise GrantError("consent-over")
    if ends_at - tx.now > LONGEST:
        raise GrantError("consent-long")
    known = await tx.session.execute(
        select(col(Person.id)).where(col(Person.id) == person_id, col(Person.disabled_at).is_(None))
    )
    if known.first() is None:
        raise GrantError("consent-person")
    if agent_id is not None:
        posted = await tx.session.execute(
            select(col(Post.id))
            .join(Person, col(Person.id) == col(Post.person_id))
            .where(col(Post.person_id) == agent_id, post_in_force(tx.now))
            .limit(1)
        )
        if posted.first() is None:
            raise GrantError("consent-agent")
    await one_at_a_time(tx)
    given_already = await tx.session.execute(
        select(col(Consent.agent_id), col(Consent.organization_id), col(Consent.scope)).where(
            col(Consent.person_id) == person_id, consent_in_force(tx.now)
        )
    )
    in_force = [tuple(row) for row in given_already]
    if (agent_id, organization_id, sorted(set(scope))) in in_force:
        raise GrantError("consent-twice")
    if len(in_force) >= MOST_OPEN:
        raise GrantError("consent-many")
    id = new_id()
    await tx.session.execute(
        insert(Consent).values(
            id=id,
            person_id=person_id,
            agent_id=agent_id,
            organization_id=organization_id,
            scope=sorted(set(scope)),
            given=given,
            evidence=evidence.strip(),
            starts_at=tx.now,
            ends_at=ends_at,
            recorded_by=by,
            created_at=tx.now,
        )
    )
    return id


async def revoke_consent(tx: Transaction, id: UUID, *, by: Actor) -> UUID:
    """End a consent: refused everywhere once this has returned; return whose it was.

    The resident may, and whoever may act under it. Raises `GrantError`.
    """
    either = [col(Consent.person_id) == by.person_id, col(Consent.agent_id) == by.person_id]
    if by.organization_id is not None:
        either.append(col(Consent.organization_id) == by.organization_id)
    ended = await tx.session.execute(
        update(Consent)
        .where(col(Consent.id) == id, or_(*either), consent_in_force(tx.now))
        .values(revoked_at=tx.now, revoked_by=by.person_id)
        .returning(col(Consent.person_id))
    )
    person_id = ended.scalar_one_or_none()
    if person_id is None:
        raise GrantError("consent-unknown")
    await tx.raise_event(PersonChanged(person_id))  # it reaches every session that acts for them
    return person_id


async def begin(tx: Transaction, worker: Actor, id: UUID) -> Actor | None:
    """Let a worker's session act for a resident; return the resident, None when the consent
    is not in force or not theirs. Nobody begins from a post that is delegated to them."""
    if worker.session_id is None or worker.agent is not None or worker.delegation is not None:
        return None
    resident = await load_on_behalf(tx, worker, id)
    if resident is None:
        return None
    await _set(tx, worker.session_id, id)
    return resident


async def finish(tx: Transaction, actor: Actor) -> bool:
    """Let a session act for its own person again; return whether it acted for another."""
    if actor.session_id is None or actor.agent is None:
        return False
    await _set(tx, actor.session_id, None)
    return True


async def _set(tx: Transaction, session_id: str, consent_id: UUID | None) -> None:
    await tx.session.execute(
        update(SignInSession)
        .where(col(SignInSession.id) == session_id)
        .values(consent_id=consent_id)
    )
    await tx.raise_event(SessionEnded(session_id))  # what is cached of it is stale


async def usable(tx: Transaction, worker: Actor) -> list[ConsentFacts]:
    """Return the consents under which a worker may act now, by name."""
    mine: list[ColumnElement[bool]] = [col(Consent.agent_id) == worker.person_id]
    if worker.organization_id is not None:
        mine.append(col(Consent.organization_id) == worker.organization_id)
    statement = _facts().where(
        or_(*mine), consent_in_force(tx.now), col(Consent.person_id) != worker.person_id
    )
    return [ConsentFacts(*row) for row in await tx.session.execute(statement)]


async def of_person(tx: Transaction, person_id: UUID) -> list[ConsentFacts]:
    """Return who may act for a person now, and who might before, those in force first."""
    statement = (
        _facts()
        .where(col(Consent.person_id) == person_id)
        .order_by(None)
        .order_by(col(Consent.revoked_at).is_not(None), col(Consent.ends_at).desc())
        .limit(50)
    )
    return [ConsentFacts(*row) for row in await tx.session.execute(statement)]


def _facts() -> Select[Any]:
    agent = aliased(Person)
    columns: list[Any] = [
        Consent.id,
        Consent.person_id,
        Person.name,
        agent.name,
        OrganizationRow.name,
        Consent.scope,
        Consent.given,
        Consent.evidence,
        Consent.starts_at,
        Consent.ends_at,
        Consent.revoked_at,
    ]
    return (
        select(*columns)
        .select_from(Consent)
        .join(Person, col(Person.id) == col(Consent.person_id))
        .outerjoin(agent, col(agent.id) == col(Consent.agent_id))
        .outerjoin(OrganizationRow, col(OrganizationRow.id) == col(Consent.organization_id))
        .order_by(col(Person.name), col(Consent.id))
    )
