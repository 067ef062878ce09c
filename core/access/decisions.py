"""Decisions and why: one grant allows, or one sentence says what is missing."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlmodel import col

from core.access.actors import revoked_since
from core.access.bearers import for_request, load_application, load_token
from core.access.delegation import taken
from core.access.granting import GRANTING
from core.access.holders import who_may
from core.access.holding import post_in_force
from core.access.loading import current_generation, load_actor, load_delegated, load_session
from core.access.models import Role, RolePermission
from core.access.scope import reach
from core.database import Transaction
from core.identity.models import Person, Post
from plugin_sdk.acting import Bearer
from plugin_sdk.ports import Actor, Permit, ScopeKind
from plugin_sdk.problems import Denied


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """Whether an act is allowed: by which one grant, or what was missing."""

    allowed: bool
    permission: str
    permit: Permit | None = None
    missing: str = ""  # not-granted | not-in-force | out-of-scope | not-consented | sign-in
    roles: tuple[str, ...] = ()
    granters: tuple[str, ...] = ()


def decide(actor: Actor, permission: str, now: datetime) -> Permit | None:
    """Return the grant that allows the act as such, None if there is none.

    A few dictionary look-ups, whatever the number of grants in the system.
    """
    for permit in actor.permits.get(permission, ()):
        if permit.in_force(now):
            return permit
    return None


async def still_allowed(tx: Transaction, actor: Actor) -> Actor:
    """Return who acts as the database has them now: a cached right is a hint, and a body may
    come long after the right to send it is gone. Raises `Denied`."""
    if actor.bearer is not None:
        return await _bearer_still_allowed(tx, actor, actor.bearer)
    if actor.session_id is None:
        return actor
    current = actor
    over = any(acting.until <= tx.now for acting in (actor.delegation, actor.agent) if acting)
    if over or await revoked_since(tx, actor):
        fresh = await load_session(tx, actor.session_id)
        if fresh is None:
            raise Denied(actor.permission, reason="signed-out")
        current = msgspec.structs.replace(fresh.actor, permission=actor.permission)
    if (current.person_id, current.seat) != (actor.person_id, actor.seat):
        raise Denied(actor.permission, reason="post-ended")
    if "." in actor.permission and decide(current, actor.permission, tx.now) is None:
        raise Denied(actor.permission, reason="revoked")
    return current


async def _bearer_still_allowed(tx: Transaction, actor: Actor, bearer: Bearer) -> Actor:
    """Return who acts by a token as the database has them now. What an application holds is read
    each time, since no revocation is written of it."""
    current: Actor | None = actor
    if bearer.application:
        current = await load_application(tx, bearer.digest)
    elif await revoked_since(tx, actor):
        loaded = await load_token(tx, bearer.digest)
        current = loaded.actor if loaded else None
    if current is None:
        raise Denied(actor.permission, reason="signed-out")
    current = for_request(current, changes=bearer.changes)
    current = msgspec.structs.replace(current, permission=actor.permission)
    if "." in actor.permission and decide(current, actor.permission, tx.now) is None:
        raise Denied(actor.permission, reason="revoked")
    return current


Reached = dict[tuple[Any, ...], bool]


async def decide_row(
    tx: Transaction, actor: Actor, permission: str, row: Any, *, known: Reached | None = None
) -> Permit | None:
    """Return the one grant that allows the act on a stored row, None if none reaches it.

    Many permissions are held in one scope: who reads alone hands in what is `known`, and each
    scope is looked up once.
    """
    model = type(row)
    for permit in actor.permits_for(permission, tx.now):
        if permit.scope is ScopeKind.ALL:
            return permit
        of = (model, row.id, permit.scope, permit.organizations)
        reached = known.get(of) if known is not None else None
        if reached is None:
            found = await tx.session.execute(
                select(model.id)
                .where(model.id == row.id, reach(model, actor, [permit]))
                .execution_options(yimen_scoped_tables=frozenset({model.__tablename__}))
            )
            reached = found.first() is not None
        if known is not None:
            known[of] = reached
        if reached:
            return permit
    return None


async def weigh(tx: Transaction, actor: Actor, permission: str, row: Any | None = None) -> Decision:
    """Return the decision on an act, by the same look-ups as the act itself makes, and in a
    word what was missing."""
    if actor.system:
        return Decision(allowed=True, permission=permission)
    permit = decide(actor, permission, tx.now)
    wanting = "" if permit else _missing(actor, permission)
    if permit is not None and row is not None:
        permit = await decide_row(tx, actor, permission, row)
        wanting = "out-of-scope"
    if permit is not None:
        return Decision(allowed=True, permission=permission, permit=permit)
    return Decision(allowed=False, permission=permission, missing=wanting)


async def explain(
    tx: Transaction, actor: Actor, permission: str, row: Any | None = None
) -> Decision:
    """Return the decision on an act together with what it rests on: when it is refused, the
    roles that carry the permission and who can grant them."""
    decision = await weigh(tx, actor, permission, row)
    if decision.allowed:
        return decision
    roles = await tx.session.execute(
        select(col(RolePermission.role))
        .where(col(RolePermission.permission) == permission)
        .order_by(col(RolePermission.role))
    )
    granters = {f"{holder.organization} · {holder.post}" for holder in await who_may(tx, GRANTING)}
    return msgspec.structs.replace(
        decision, roles=tuple(roles.scalars()), granters=tuple(sorted(granters))[:5]
    )


def _missing(actor: Actor, permission: str) -> str:
    if not actor.signed_in:
        return "sign-in"
    if actor.agent is not None and not actor.agent.covers(permission):
        return "not-consented"
    return "not-in-force" if actor.permits.get(permission) else "not-granted"


async def explain_person(
    tx: Transaction, username: str, permission: str
) -> list[tuple[str, Decision]]:
    """Return the decision for each post of a person, each that is delegated to them, and as a
    resident, by its name."""
    person = (
        await tx.session.execute(
            select(col(Person.id), col(Person.name)).where(
                col(Person.username) == username, col(Person.disabled_at).is_(None)
            )
        )
    ).first()
    if person is None:
        return []
    outcome = []
    for actor in await actors_of(tx, *person):
        where = f"{actor.organization_name} {actor.post_title}" if actor.post_id else "-"
        if actor.delegation is not None:
            where += f" ({actor.delegation.name})"
        outcome.append((where, await explain(tx, actor, permission)))
    return outcome


async def actors_of(tx: Transaction, person_id: UUID, name: str) -> list[Actor]:
    """Return a person as each actor they can be now: in each post of their own, in each that
    is delegated to them, and as a resident."""
    generation = await current_generation(tx)
    posts = await tx.session.execute(
        select(col(Post.id))
        .join(Person, col(Person.id) == col(Post.person_id))
        .where(col(Post.person_id) == person_id, post_in_force(tx.now))
        .order_by(col(Post.starts_at), col(Post.id))
    )
    found = [
        await load_actor(tx, person_id, name, post_id, generation=generation)
        for post_id in posts.scalars()
    ]
    for item in await taken(tx, person_id):
        actor = await load_delegated(tx, person_id, name, item.id, generation=generation)
        if actor is not None:
            found.append(actor)
    found.append(await load_actor(tx, person_id, name, None, generation=generation))
    return found


async def role_titles(tx: Transaction) -> dict[str, tuple[str, str]]:
    """Return the Chinese and English titles of all roles."""
    found = await tx.session.execute(
        select(col(Role.key), col(Role.title_zh), col(Role.title_en)).order_by(col(Role.key))
    )
    return {key: (zh, en) for key, zh, en in found}
