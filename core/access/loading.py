"""Loading who acts: a session or a person in one post, with the grants in force."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import or_, select
from sqlmodel import col

from core.access.holding import consent_in_force, delegation_in_force, post_in_force
from core.access.models import Consent, Delegation, Generation, Grant, Role, RolePermission
from core.database import Transaction
from core.identity.models import OrganizationRow, Person, Post, SignInSession
from core.identity.password_rules import PROFILES, Profile
from core.identity.sessions import idle_limit
from plugin_sdk.acting import Agent, Delegated
from plugin_sdk.ports import Actor, Audience, Permit, ScopeKind

BEHALF = "yimen.behalf.act"


class Loaded(msgspec.Struct, frozen=True):
    """An actor as a session holds it, and when it must be loaded again: at a time, and after
    `idle` without a request. `seen` is when the session was used last, as far as is written."""

    actor: Actor
    expires: datetime
    seen: datetime
    idle: timedelta | None


async def current_generation(tx: Transaction) -> int:
    """Return the number of the last revocation.

    It is read before anything of an actor is: what is revoked later, between two statements
    of one loading too, is then found by `revoked_since`.
    """
    return int((await tx.session.execute(select(col(Generation.value)))).scalar_one())


async def load_session(
    tx: Transaction, session_id: str, profile: Profile = PROFILES["nist"]
) -> Loaded | None:
    """Return the actor of a session in force, None when it is not. By the rules of the `profile`
    a password may be too old: its owner then owes another."""
    generation = await current_generation(tx)
    row = (
        await tx.session.execute(
            select(
                col(SignInSession.person_id),
                col(SignInSession.csrf),
                col(SignInSession.expires_at),
                col(SignInSession.post_id),
                col(SignInSession.delegation_id),
                col(SignInSession.consent_id),
                col(SignInSession.proofs),
                col(SignInSession.proved_at),
                col(SignInSession.created_at),
                col(Person.name),
                col(Person.language),
                col(Person.elder),
                col(SignInSession.seen_at),
                col(SignInSession.public_computer),
                col(Person.must_change),
                col(Person.password_set_at),
            )
            .join(Person, col(Person.id) == col(SignInSession.person_id))
            .where(
                col(SignInSession.id) == session_id,
                col(SignInSession.ended_at).is_(None),
                col(SignInSession.expires_at) > tx.now,
                col(Person.disabled_at).is_(None),
            )
        )
    ).first()
    if row is None:
        return None
    found: tuple[Any, ...] = tuple(row)
    person_id, csrf, expires, post_id, delegation_id, consent_id = found[:6]
    proofs, proved_at, signed_in_at, name, language, elder = found[6:12]
    seen, public_computer, must_change, password_set_at = found[12:]
    due = profile.due(password_set_at)
    owes_password = must_change or (due is not None and due <= tx.now)
    if due is not None and not owes_password:
        expires = min(expires, due)
    actor = None
    if delegation_id is not None:
        actor = await load_delegated(tx, person_id, name, delegation_id, generation=generation)
    if actor is None:
        actor = await load_actor(tx, person_id, name, post_id, generation=generation)
        if consent_id is not None and not owes_password:
            actor = await load_on_behalf(tx, actor, consent_id) or actor
    for acting in (actor.delegation, actor.agent):
        expires = min(expires, acting.until) if acting else expires
    return Loaded(
        msgspec.structs.replace(
            actor,
            session_id=session_id,
            csrf=csrf,
            proofs=frozenset(proofs),
            proved_at=proved_at,
            signed_in_at=signed_in_at,
            language=language,
            elder=elder,
            owes_password=owes_password,
            public_computer=public_computer,
        ),
        expires,
        seen,
        idle_limit(profile.idle, public_computer=public_computer),
    )


async def load_actor(
    tx: Transaction,
    person_id: UUID,
    name: str,
    post_id: UUID | None,
    *,
    generation: int | None = None,
) -> Actor:
    """Return a person as an actor in one post (None: as a resident).

    `generation` was read before anything else of the actor, if the caller has read before.
    """
    if generation is None:
        generation = await current_generation(tx)
    post = None
    if post_id is not None:
        post = (
            await tx.session.execute(
                select(
                    col(Post.title),
                    col(OrganizationRow.id),
                    col(OrganizationRow.name),
                    col(OrganizationRow.code),
                    col(Post.ends_at),
                )
                .join(OrganizationRow, col(OrganizationRow.id) == col(Post.organization_id))
                .where(
                    col(Post.id) == post_id,
                    col(Post.person_id) == person_id,
                    col(Post.starts_at) <= tx.now,
                    or_(col(Post.ends_at).is_(None), col(Post.ends_at) > tx.now),
                )
            )
        ).first()
    permits = await _own_permits(tx)
    if post is not None and post_id is not None:
        for permission, held in (await _post_permits(tx, post_id, until=post[4])).items():
            permits[permission] += held
    actor = Actor(
        person_id=person_id,
        name=name,
        audience=Audience.STAFF if post else Audience.RESIDENT,
        permits=dict(permits),
        revocation=generation,
        loaded_at=tx.now,
    )
    if post is None:
        return actor
    return msgspec.structs.replace(
        actor,
        post_id=post_id,
        post_title=post[0],
        organization_id=post[1],
        organization_name=post[2],
        organization_code=post[3],
    )


async def load_delegated(
    tx: Transaction, person_id: UUID, name: str, delegation_id: UUID, *, generation: int
) -> Actor | None:
    """Return a person as they act in a post delegated to them, None when it is not in force.

    The permits are the post's own at this moment: what the post loses is lost here. Grants of
    scope `own` stay behind, since they are the delegator's as a person.
    """
    found = (
        await tx.session.execute(
            select(
                col(Delegation.roles),
                col(Delegation.ends_at),
                col(Post.id),
                col(Post.title),
                col(Post.ends_at),
                col(Person.id),
                col(Person.name),
                col(OrganizationRow.id),
                col(OrganizationRow.name),
                col(OrganizationRow.code),
            )
            .join(Post, col(Post.id) == col(Delegation.post_id))
            .join(Person, col(Person.id) == col(Post.person_id))
            .join(OrganizationRow, col(OrganizationRow.id) == col(Post.organization_id))
            .where(
                col(Delegation.id) == delegation_id,
                col(Delegation.person_id) == person_id,
                delegation_in_force(tx.now),
                post_in_force(tx.now),
            )
        )
    ).first()
    if found is None:
        return None
    roles, until, post_id, title, post_ends, giver_id, giver, unit_id, unit, code = found
    until = min(until, post_ends or until)
    permits = await _own_permits(tx)
    for permission, held in (await _post_permits(tx, post_id, until=until, roles=roles)).items():
        if handed := tuple(permit for permit in held if permit.scope is not ScopeKind.OWN):
            permits[permission] += handed
    return Actor(
        person_id=person_id,
        name=name,
        audience=Audience.STAFF,
        post_id=post_id,
        post_title=title,
        organization_id=unit_id,
        organization_name=unit,
        organization_code=code,
        permits=dict(permits),
        revocation=generation,
        loaded_at=tx.now,
        delegation=Delegated(
            id=delegation_id, person_id=giver_id, name=giver, until=until, roles=tuple(roles)
        ),
    )


async def load_on_behalf(tx: Transaction, worker: Actor, consent_id: UUID) -> Actor | None:
    """Return the resident for whom a worker acts, None when the consent is not in force, is
    not theirs, or their post does not act for residents."""
    acts = worker.permits_for(BEHALF, tx.now)
    if not acts or worker.person_id is None or worker.post_id is None:
        return None
    found = (
        await tx.session.execute(
            select(
                col(Consent.person_id), col(Person.name), col(Consent.scope), col(Consent.ends_at)
            )
            .join(Person, col(Person.id) == col(Consent.person_id))
            .where(
                col(Consent.id) == consent_id,
                consent_in_force(tx.now),
                col(Person.disabled_at).is_(None),
                col(Consent.person_id) != worker.person_id,
                or_(
                    col(Consent.agent_id) == worker.person_id,
                    col(Consent.organization_id) == worker.organization_id,
                ),
            )
        )
    ).first()
    if found is None:
        return None
    person_id, name, scope, until = found
    until = max(min(until, permit.ends or until) for permit in acts)
    agent = Agent(
        consent_id=consent_id,
        person_id=worker.person_id,
        name=worker.name,
        post_id=worker.post_id,
        organization_id=worker.organization_id or worker.post_id,
        organization_name=worker.organization_name,
        scope=tuple(scope),
        until=until,
    )
    own = await _own_permits(tx, until=until)
    return Actor(
        person_id=person_id,
        name=name,
        audience=Audience.RESIDENT,
        permits={key: held for key, held in own.items() if agent.covers(key)},
        revocation=worker.revocation,
        loaded_at=tx.now,
        agent=agent,
    )


Permits = defaultdict[str, tuple[Permit, ...]]


async def _own_permits(tx: Transaction, *, until: datetime | None = None) -> Permits:
    """Return what everybody holds for what is their own."""
    permits: Permits = defaultdict(tuple)
    own = await tx.session.execute(
        select(col(RolePermission.permission), col(Role.key))
        .join(Role, col(Role.key) == col(RolePermission.role))
        .where(col(Role.audience) == Audience.RESIDENT)
    )
    for permission, role in own:
        permit = Permit(grant=f"audience:{role}", role=role, scope=ScopeKind.OWN, ends=until)
        permits[permission] += (permit,)
    return permits


async def _post_permits(
    tx: Transaction, post_id: UUID, *, until: datetime | None = None, roles: Sequence[str] = ()
) -> Permits:
    """Return what the grants of a post allow (of some roles alone), none beyond `until`."""
    permits: Permits = defaultdict(tuple)
    statement = (
        select(
            col(RolePermission.permission),
            col(Grant.id),
            col(Grant.role),
            col(Grant.scope),
            col(Grant.organizations),
            col(Grant.starts_at),
            col(Grant.ends_at),
        )
        .join(Grant, col(Grant.role) == col(RolePermission.role))
        .where(
            col(Grant.post_id) == post_id,
            col(Grant.revoked_at).is_(None),
            or_(col(Grant.ends_at).is_(None), col(Grant.ends_at) > tx.now),
        )
        .order_by(col(Grant.id))
    )
    if roles:
        statement = statement.where(col(Grant.role).in_(roles))
    for permission, id, role, scope, organizations, starts, ends in await tx.session.execute(
        statement
    ):
        permit = Permit(
            grant=str(id),
            role=role,
            scope=ScopeKind(scope),
            organizations=tuple(UUID(item) for item in organizations),
            starts=starts,
            ends=min(filter(None, (ends, until)), default=None),
        )
        permits[permission] += (permit,)
    return permits
