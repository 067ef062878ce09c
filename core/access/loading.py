"""Loading who acts: a session or a person in one post, with the grants in force."""

from collections import defaultdict
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import and_, or_, select
from sqlmodel import col

from core.access.models import Generation, Grant, Role, RolePermission
from core.database import Transaction
from core.identity.models import OrganizationRow, Person, Post, SignInSession
from plugin_sdk.ports import Actor, Audience, Permit, ScopeKind


class Loaded(msgspec.Struct, frozen=True):
    """An actor as a session holds it, and until when."""

    actor: Actor
    expires: datetime


async def current_generation(tx: Transaction) -> int:
    """Return the number of the last revocation.

    It is read before anything of an actor is: what is revoked later, between two statements
    of one loading too, is then found by `revoked_since`.
    """
    return int((await tx.session.execute(select(col(Generation.value)))).scalar_one())


async def load_session(tx: Transaction, session_id: str) -> Loaded | None:
    """Return the actor of a session in force, None when it is not."""
    generation = await current_generation(tx)
    row = (
        await tx.session.execute(
            select(
                col(SignInSession.person_id),
                col(SignInSession.csrf),
                col(SignInSession.expires_at),
                col(SignInSession.post_id),
                col(Person.name),
                col(Person.language),
                col(Person.elder),
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
    person_id, csrf, expires, post_id, name, language, elder = row
    actor = await load_actor(tx, person_id, name, post_id, generation=generation)
    return Loaded(
        msgspec.structs.replace(
            actor,
            session_id=session_id,
            csrf=csrf,
            language=language,
            elder=elder,
        ),
        expires,
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
    actor = Actor(
        person_id=person_id,
        name=name,
        audience=Audience.STAFF if post else Audience.RESIDENT,
        permits=await _permits(tx, post_id if post else None),
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


async def _permits(tx: Transaction, post_id: UUID | None) -> dict[str, tuple[Permit, ...]]:
    permits: dict[str, list[Permit]] = defaultdict(list)
    own = await tx.session.execute(
        select(col(RolePermission.permission), col(Role.key))
        .join(Role, col(Role.key) == col(RolePermission.role))
        .where(col(Role.audience) == Audience.RESIDENT)
    )
    for permission, role in own:
        permits[permission].append(Permit(grant=f"audience:{role}", role=role, scope=ScopeKind.OWN))
    if post_id is not None:
        granted = await tx.session.execute(
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
                and_(
                    col(Grant.post_id) == post_id,
                    col(Grant.revoked_at).is_(None),
                    or_(col(Grant.ends_at).is_(None), col(Grant.ends_at) > tx.now),
                )
            )
            .order_by(col(Grant.id))
        )
        for permission, id, role, scope, organizations, starts, ends in granted:
            permits[permission].append(
                Permit(
                    grant=str(id),
                    role=role,
                    scope=ScopeKind(scope),
                    organizations=tuple(UUID(item) for item in organizations),
                    starts=starts,
                    ends=ends,
                )
            )
    return {permission: tuple(held) for permission, held in permits.items()}
