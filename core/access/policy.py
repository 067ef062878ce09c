"""Policy tests: what an administrator wants to stay true of who may do what."""

from uuid import UUID

import msgspec
from sqlalchemy import delete, insert, select
from sqlmodel import col

from core.access.decisions import actors_of, weigh
from core.access.grants import GrantError
from core.access.models import PolicyTest
from core.access.scope import covers
from core.database import Transaction
from core.identity.models import OrganizationRow, Person
from core.identity.people import posted
from plugin_sdk.data import Within, new_id
from plugin_sdk.ports import Actor


class Outcome(msgspec.Struct, frozen=True):
    """A policy test and what it found: `by` names the grant that allows, `held` whether what
    was wanted is so."""

    id: UUID
    name: str
    person: str
    permission: str
    organization: str | None
    wanted: bool
    found: bool
    by: str
    held: bool


async def keep(
    tx: Transaction,
    name: str,
    person_id: UUID,
    permission: str,
    *,
    allowed: bool,
    organization_id: UUID | None = None,
    by: UUID | None = None,
) -> UUID:
    """Keep a test; return its id. Raises `GrantError` when the name is taken."""
    taken = await tx.session.execute(select(col(PolicyTest.id)).where(col(PolicyTest.name) == name))
    if taken.first() is not None:
        raise GrantError("policy-taken")
    id = new_id()
    await tx.session.execute(
        insert(PolicyTest).values(
            id=id,
            name=name,
            person_id=person_id,
            permission=permission,
            organization_id=organization_id,
            allowed=allowed,
            created_by=by,
            created_at=tx.now,
        )
    )
    return id


async def forget(tx: Transaction, id: UUID) -> UUID:
    """Keep a test no longer; return whom it was about. Raises `GrantError` when there is none."""
    gone = await tx.session.execute(
        delete(PolicyTest).where(col(PolicyTest.id) == id).returning(col(PolicyTest.person_id))
    )
    person_id = gone.scalar_one_or_none()
    if person_id is None:
        raise GrantError("policy-unknown")
    return person_id


async def run(tx: Transaction, *, within: Within | None = None) -> list[Outcome]:
    """Run every test (of people with a post `within` some organizations) against the grants as
    they stand, in all that its person can be now; a person who is disabled may do nothing."""
    row = PolicyTest
    statement = (
        select(
            col(row.id),
            col(row.name),
            col(row.person_id),
            col(Person.name),
            col(Person.disabled_at),
            col(row.permission),
            col(row.organization_id),
            col(OrganizationRow.name),
            col(row.allowed),
        )
        .join(Person, col(Person.id) == col(row.person_id))
        .outerjoin(OrganizationRow, col(OrganizationRow.id) == col(row.organization_id))
        .order_by(col(row.name))
    )
    if within is not None:
        statement = statement.where(col(row.person_id).in_(posted(within, tx.now)))
    outcomes = []
    found = (await tx.session.execute(statement)).all()
    for id, name, person_id, person, gone, permission, unit_id, unit, wanted in found:
        actors = [] if gone else await actors_of(tx, person_id, person)
        by = ""
        for actor in actors:
            by = by or await _allowed_by(tx, actor, permission, unit_id)
        found_so = bool(by)
        outcomes.append(
            Outcome(id, name, person, permission, unit, wanted, found_so, by, found_so == wanted)
        )
    return outcomes


async def _allowed_by(tx: Transaction, actor: Actor, permission: str, unit: UUID | None) -> str:
    if unit is None:
        decision = await weigh(tx, actor, permission)
        return decision.permit.grant if decision.permit else ""
    for permit in actor.permits_for(permission, tx.now):
        if await covers(tx, actor, permit, [unit]):
            return permit.grant
    return ""
