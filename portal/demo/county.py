"""The demonstration county: real divisions, invented units and people."""

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from core.access.grants import grant
from core.access.loading import load_actor
from core.access.models import Grant
from core.database import Transaction
from core.identity.arrivals import DirectoryRow, import_directory, read_directory
from core.identity.models import Person, Post
from core.identity.organizations import by_code, children
from core.identity.passwords import NewPassword
from core.identity.people import add_person, add_post
from plugin_sdk.manifest import Manifest
from plugin_sdk.ports import Actor, ScopeKind
from portal.demo.cast import CAST, CITY, CITY_UNIT, COUNTY, UNITS, VILLAGES, Member

DIVISIONS = Path(__file__).parent / "divisions.csv"


def directory(*, villages: bool = True) -> list[DirectoryRow]:
    """Return the organizations: the divisions (without `villages` down to the towns, and those
    villages in which the cast has posts), the county's units and one of the city's."""
    rows = [
        row
        for row in read_directory(DIVISIONS)
        if villages or row.level != "village" or row.code in VILLAGES
    ]
    city = DirectoryRow(CITY_UNIT, "市级部门（示例）", "unit", CITY)
    return [*rows, *(DirectoryRow(code, name, "unit", COUNTY) for code, name in UNITS), city]


async def build(tx: Transaction, rows: Sequence[DirectoryRow]) -> None:
    """Add the organizations."""
    await import_directory(tx, rows)


async def enlist(tx: Transaction, member: Member, password: NewPassword) -> None:
    """Add one person of the cast with post and grants."""
    person_id = await add_person(
        tx,
        member.username,
        member.name,
        password,
        demonstration=True,
        phone="+8613800000000",
    )
    if member.unit is None:
        return
    unit = await by_code(tx, member.unit)
    if unit is None:
        raise LookupError(f"the unit {member.unit} is not in the directory")
    post_id = await add_post(tx, person_id, unit.id, member.title)
    for role, scope in member.grants:
        await grant(tx, post_id, role, scope, granted_by=None)


async def towns(tx: Transaction) -> list[UUID]:
    """Return the towns of the county."""
    found = await by_code(tx, COUNTY)
    below = await children(tx, found.id) if found else []
    return [one.id for one in below if one.level == "township"]


async def staff(tx: Transaction, manifest: Manifest) -> None:
    """Let the unit's handler hold the roles of an app that nobody of the cast was made for."""
    if any(
        role.startswith(f"{manifest.identity.id}.") for member in CAST for role, _ in member.grants
    ):
        return
    unit = (await cast_actors(tx))["unit"]
    held = await tx.session.execute(
        select(col(Grant.role)).where(
            col(Grant.post_id) == unit.post_id, col(Grant.revoked_at).is_(None)
        )
    )
    known = set(held.scalars())
    for role in manifest.roles:
        key = f"{manifest.identity.id}.{role.key}"
        if unit.post_id and role.audience is None and not role.excludes and key not in known:
            await grant(tx, unit.post_id, key, ScopeKind.ORGANIZATION, granted_by=None)


async def cast_actors(tx: Transaction) -> dict[str, Actor]:
    """Return the cast as actors, by role."""
    found = [(member.role, await cast_actor(tx, member)) for member in CAST]
    return {role: actor for role, actor in found if actor is not None}


async def cast_actor(tx: Transaction, member: Member) -> Actor | None:
    """Return one of the cast as an actor, or None where the county has none of that name."""
    found = (
        await tx.session.execute(
            select(col(Person.id), col(Person.name), col(Post.id))
            .outerjoin(Post, col(Post.person_id) == col(Person.id))
            .where(col(Person.username) == member.username)
        )
    ).first()
    if found is None:
        return None
    person_id, name, post_id = found
    post: UUID | None = post_id
    return await load_actor(tx, person_id, name, post)
