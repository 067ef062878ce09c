"""Roles of one's own: an administrator composes them from the permissions of apps."""

import re
from collections.abc import Sequence

import msgspec
from sqlalchemy import delete, insert, select, update
from sqlmodel import col

from core.access.events import RolesChanged
from core.access.exclusion import holders, one_at_a_time, refuse_together
from core.access.granting import GRANTING, reaches
from core.access.grants import GrantError, grants
from core.access.models import Role, RolePermission
from core.database import Transaction
from plugin_sdk.ports import Actor
from plugin_sdk.text import Text

OWN = "own"
KEY = re.compile(r"[a-z][a-z0-9_]{1,39}")


class RoleFacts(msgspec.Struct, frozen=True):
    """A role with what it carries."""

    key: str
    app: str
    title: Text
    permissions: list[str]
    excludes: list[str]


async def roles(tx: Transaction) -> list[RoleFacts]:
    """Return all roles, by key."""
    carried: dict[str, list[str]] = {}
    for role, permission in await tx.session.execute(
        select(col(RolePermission.role), col(RolePermission.permission)).order_by(
            col(RolePermission.permission)
        )
    ):
        carried.setdefault(role, []).append(permission)
    found = await tx.session.execute(
        select(
            col(Role.key), col(Role.app), col(Role.title_zh), col(Role.title_en), col(Role.excludes)
        ).order_by(col(Role.key))
    )
    return [
        RoleFacts(key, app, Text(zh, en), carried.get(key, []), excludes)
        for key, app, zh, en, excludes in found
    ]


async def compose(
    tx: Transaction,
    by: Actor,
    name: str,
    title: Text,
    permissions: Sequence[str],
    *,
    excludes: Sequence[str] = (),
) -> str:
    """Make a role of one's own, or change what it carries, at once for who holds it; return
    its key. Raises `GrantError`.

    Only who administers grants everywhere composes roles, never one that they hold themselves,
    and never one that joins what two roles that exclude one another keep apart. Raises
    `Conflict` when somebody who holds the role would then hold two such roles.
    """
    if not await reaches(tx, by, GRANTING, []):
        raise GrantError("grant-beyond")
    if not KEY.fullmatch(name):
        raise GrantError("role-key")
    await one_at_a_time(tx)
    known = await roles(tx)
    offered = {item for role in known if role.app != OWN for item in role.permissions}
    wanted = set(permissions)
    if not wanted or wanted - offered:
        raise GrantError("role-permissions")
    key = f"{OWN}.{name}"
    if set(excludes) - {role.key for role in known if role.key != key}:
        raise GrantError("role-unknown")
    held_by = await holders(tx, key)
    if held_by & by.hands:
        raise GrantError("grant-to-oneself")
    by_key = {role.key: set(role.permissions) for role in known}
    for role in known:
        for other in role.excludes:
            one, two = by_key[role.key], by_key.get(other, set())
            if role.key != key and wanted & (one - two) and wanted & (two - one):
                raise GrantError("role-joins")
    values = {"title_zh": title.zh, "title_en": title.en, "excludes": sorted(set(excludes))}
    if key in by_key:
        await tx.session.execute(update(Role).where(col(Role.key) == key).values(**values))
        await tx.session.execute(delete(RolePermission).where(col(RolePermission.role) == key))
    else:
        await tx.session.execute(insert(Role).values(key=key, app=OWN, audience=None, **values))
    await tx.session.execute(
        insert(RolePermission), [{"role": key, "permission": item} for item in sorted(wanted)]
    )
    for person_id in sorted(held_by):
        await refuse_together(tx, person_id, [key])
    await tx.raise_event(RolesChanged(OWN))
    return key


async def drop(tx: Transaction, by: Actor, key: str) -> None:
    """Take away a role of one's own that nobody holds. Raises `GrantError`."""
    if not await reaches(tx, by, GRANTING, []):
        raise GrantError("grant-beyond")
    if await grants(tx, role=key, limit=1):
        raise GrantError("role-held")
    gone = await tx.session.execute(
        delete(Role).where(col(Role.key) == key, col(Role.app) == OWN).returning(col(Role.key))
    )
    if gone.first() is None:
        raise GrantError("role-unknown")
    await tx.session.execute(delete(RolePermission).where(col(RolePermission.role) == key))
    await tx.raise_event(RolesChanged(OWN))
