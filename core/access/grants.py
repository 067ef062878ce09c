"""Roles and grants: given, taken, synchronised from manifests."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Select, delete, func, insert, or_, select, update
from sqlmodel import col

from core.access.events import RolesChanged
from core.access.exclusion import one_at_a_time, refuse_together, who_holds
from core.access.granting import may_give
from core.access.models import Grant, Role, RolePermission
from core.database import Transaction
from core.identity.events import PersonChanged
from core.identity.models import OrganizationRow, Person, Post
from plugin_sdk.data import Within, lock_key
from plugin_sdk.ports import Actor, Audience, ScopeKind
from plugin_sdk.text import Text


class GrantError(ValueError):
    """A grant that cannot be; `code` names the problem in the catalogues."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class RoleDefinition(msgspec.Struct, frozen=True):
    """A role as a manifest or the shell defines it."""

    key: str
    title: Text
    permissions: tuple[str, ...]
    audience: Audience | None = None
    excludes: tuple[str, ...] = ()


class GrantFacts(msgspec.Struct, frozen=True):
    """A grant as it is listed."""

    id: UUID
    person_id: UUID
    person: str
    post_id: UUID
    organization: str
    post: str
    role: str
    scope: str
    starts_at: datetime | None
    ends_at: datetime | None
    created_at: datetime


SHELL_ROLES: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "administrator": (
        "系统管理员",
        "Administrator",
        (
            "people.read",
            "people.manage",
            "people.factors",
            "people.erase",
            "people.unmask",
            "organizations.read",
            "organizations.manage",
            "grants.read",
            "grants.manage",
            "access.explain",
            "apps.read",
            "apps.operate",
            "audit.read",
            "audit.reveal",
            "delivery.read",
            "calendar.manage",
            "upstreams.manage",
            "clients.manage",
            "usage.read",
        ),
    ),
    "governance": (
        "治理人员",
        "Governance staff",
        (
            "usage.read",
            "apps.read",
            "feedback.read",
            "audit.read",
            "register.change",
            "lifecycle.move",
            "lifecycle.archive",
        ),
    ),
    "second_approver": ("销毁批准人", "Approver of destruction", ("lifecycle.purge", "usage.read")),
    "grid_worker": ("网格员", "Grid worker", ("behalf.act",)),
    "owner": ("应用主管", "App owner", ("usage.read", "feedback.read", "feedback.answer")),
}


def shell_roles() -> list[RoleDefinition]:
    """Return the shell's own roles."""
    return [
        RoleDefinition(f"yimen.{key}", Text(zh, en), tuple(f"yimen.{p}" for p in permissions))
        for key, (zh, en, permissions) in SHELL_ROLES.items()
    ]


async def define_roles(tx: Transaction, app: str, roles: Sequence[RoleDefinition]) -> bool:
    """Make the roles of an app what its manifest says; return whether anything changed.

    Workers that start together do it one after another. What others have cached under the
    roles before is revoked.
    """
    if not await outdated_roles(tx, {app: roles}):
        return False
    if not tx.database.sqlite:
        key = lock_key("yimen.roles")
        await tx.session.execute(select(func.pg_advisory_xact_lock(key)))
        if not await outdated_roles(tx, {app: roles}):
            return False
    await tx.session.execute(
        delete(RolePermission).where(
            col(RolePermission.role).in_(select(col(Role.key)).where(col(Role.app) == app))
        )
    )
    await tx.session.execute(delete(Role).where(col(Role.app) == app))
    for role in roles:
        await tx.session.execute(
            insert(Role).values(
                key=role.key,
                app=app,
                title_zh=role.title.zh,
                title_en=role.title.en,
                audience=role.audience,
                excludes=sorted(role.excludes),
            )
        )
        if role.permissions:
            await tx.session.execute(
                insert(RolePermission),
                [{"role": role.key, "permission": item} for item in role.permissions],
            )
    await tx.raise_event(RolesChanged(app))
    return True


async def outdated_roles(
    tx: Transaction, wanted: Mapping[str, Sequence[RoleDefinition]]
) -> list[str]:
    """Return the apps whose roles are not what their manifests say; two statements for all."""
    facts: dict[str, set[tuple[Any, ...]]] = defaultdict(set)
    carried: dict[str, set[tuple[str, str]]] = defaultdict(set)
    found: Any = await tx.session.execute(
        select(
            col(Role.app),
            col(Role.key),
            col(Role.title_zh),
            col(Role.title_en),
            col(Role.audience),
            col(Role.excludes),
        ).where(col(Role.app).in_(wanted))
    )
    for app, *fact, excludes in found:
        facts[app].add((*fact, tuple(excludes)))
    found = await tx.session.execute(
        select(col(Role.app), col(Role.key), col(RolePermission.permission))
        .join(RolePermission, col(RolePermission.role) == col(Role.key))
        .where(col(Role.app).in_(wanted))
    )
    for app, role, permission in found:
        carried[app].add((role, permission))
    return [
        app
        for app, roles in wanted.items()
        if facts[app]
        != {(r.key, r.title.zh, r.title.en, r.audience, tuple(sorted(r.excludes))) for r in roles}
        or carried[app] != {(r.key, permission) for r in roles for permission in r.permissions}
    ]


async def grant(
    tx: Transaction,
    post_id: UUID,
    role: str,
    scope: ScopeKind,
    *,
    granted_by: UUID | None = None,
    granter: Actor | None = None,
    organizations: Sequence[UUID] = (),
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
) -> UUID:
    """Give a post a role; return the grant's id. Raises `GrantError`.

    With a `granter` the grant must be theirs to give (`granting.may_give`).
    """
    person = await tx.session.execute(
        select(col(Post.person_id)).where(col(Post.id) == post_id, col(Post.ends_at).is_(None))
    )
    person_id = person.scalar_one_or_none()
    if person_id is None:
        raise GrantError("post-unknown")
    known = await tx.session.execute(select(col(Role.key)).where(col(Role.key) == role))
    if known.first() is None:
        raise GrantError("role-unknown")
    if (scope is ScopeKind.NAMED) != bool(organizations):
        raise GrantError("scope-organizations")
    if organizations:
        held = await tx.session.execute(
            select(func.count())
            .select_from(OrganizationRow)
            .where(col(OrganizationRow.id).in_(organizations))
        )
        if held.scalar_one() != len(set(organizations)):
            raise GrantError("organization-unknown")
    if ends_at is not None and ends_at <= max(tx.now, starts_at or tx.now):
        raise GrantError("grant-over")
    hands = granter.hands if granter else {granted_by}
    if person_id in hands:
        raise GrantError("grant-to-oneself")
    if granter is not None and not await may_give(tx, granter, post_id, role, scope, organizations):
        raise GrantError("grant-beyond")
    await one_at_a_time(tx)
    for holder in await who_holds(tx, post_id, role):
        await refuse_together(tx, holder, [role])
    row = Grant(
        post_id=post_id,
        role=role,
        scope=scope,
        organizations=[str(id) for id in organizations],
        starts_at=starts_at,
        ends_at=ends_at,
        granted_by=granter.real_person_id if granter else granted_by,
        created_at=tx.now,
    )
    tx.session.add(row)
    await tx.session.flush()
    await tx.raise_event(PersonChanged(person_id))
    return row.id


async def withdraw(tx: Transaction, grant_id: UUID) -> None:
    """Take a grant back; refused everywhere once this has returned. Raises `GrantError`."""
    found = (
        await tx.session.execute(
            update(Grant)
            .where(col(Grant.id) == grant_id, col(Grant.revoked_at).is_(None))
            .values(revoked_at=tx.now)
            .returning(col(Grant.post_id))
        )
    ).scalar_one_or_none()
    if found is None:
        raise GrantError("grant-unknown")
    person = await tx.session.execute(select(col(Post.person_id)).where(col(Post.id) == found))
    await tx.raise_event(PersonChanged(person.scalar_one()))


async def granter_of(tx: Transaction, grant: str) -> str:
    """Return the name of who gave a grant (`Permit.grant`), '' where nobody is on record."""
    if ":" in grant:  # of an audience, of an application
        return ""
    found = await tx.session.execute(
        select(col(Person.name))
        .join(Grant, col(Grant.granted_by) == col(Person.id))
        .where(col(Grant.id) == UUID(grant))
    )
    return found.scalar_one_or_none() or ""


async def post_of(tx: Transaction, grant_id: UUID) -> UUID | None:
    """Return the post that a grant is of, None when there is no such grant in force."""
    found = await tx.session.execute(
        select(col(Grant.post_id)).where(col(Grant.id) == grant_id, col(Grant.revoked_at).is_(None))
    )
    return found.scalar_one_or_none()


async def grants(
    tx: Transaction,
    *,
    person_id: UUID | None = None,
    role: str | None = None,
    ending_before: datetime | None = None,
    within: Within | None = None,
    limit: int = 200,
) -> list[GrantFacts]:
    """Return the grants that hold now or later, of a person, of a role, to posts `within` some
    organizations; with `ending_before` those that end soon, the first first."""
    columns: list[Any] = [
        Grant.id,
        Person.id,
        Person.name,
        Post.id,
        OrganizationRow.name,
        Post.title,
        Grant.role,
        Grant.scope,
        Grant.starts_at,
        Grant.ends_at,
        Grant.created_at,
    ]
    statement: Select[Any] = (
        select(*columns)
        .select_from(Grant)
        .join(Post, col(Post.id) == col(Grant.post_id))
        .join(Person, col(Person.id) == col(Post.person_id))
        .join(OrganizationRow, col(OrganizationRow.id) == col(Post.organization_id))
        .where(
            col(Grant.revoked_at).is_(None),
            or_(col(Grant.ends_at).is_(None), col(Grant.ends_at) > tx.now),
        )
        .order_by(col(Grant.created_at).desc())
        .limit(limit)
    )
    if ending_before is not None:
        statement = statement.where(col(Grant.ends_at) < ending_before)
        statement = statement.order_by(None).order_by(col(Grant.ends_at), col(Grant.id))
    if within is not None:
        statement = statement.where(within(col(Post.organization_id)))
    if person_id:
        statement = statement.where(col(Person.id) == person_id)
    if role:
        statement = statement.where(col(Grant.role) == role)
    return [GrantFacts(*row) for row in await tx.session.execute(statement)]
