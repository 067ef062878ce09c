"""The directory: organizations as a tree that rows elsewhere join by id."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Select, func, insert, or_, select
from sqlmodel import col

from core.database import Transaction
from core.identity.models import LEVELS, OrganizationClosure, OrganizationRow, Post
from plugin_sdk.data import new_id
from plugin_sdk.ports import Organization

CHUNK = 5_000
REGION_LEVELS = ("county", "township", "village")


class OrganizationError(ValueError):
    """A row of a directory that cannot be taken; the message says what to change."""


class DirectoryRow(msgspec.Struct, frozen=True):
    """One line of a file of organizations."""

    code: str
    name: str
    level: str
    parent_code: str
    line: int = 0


def read_directory(path: Path) -> list[DirectoryRow]:
    """Return the rows of a CSV file with the columns code, name, level, parent_code.

    Raises `OrganizationError` with the line of the first row that cannot be read.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _read(path.name, csv.DictReader(file))
    except UnicodeDecodeError:
        raise OrganizationError(f"{path.name}: the file is not UTF-8") from None
    except csv.Error as error:
        raise OrganizationError(f"{path.name}: the file is not a table ({error})") from None


def _read(name: str, reader: "csv.DictReader[str]") -> list[DirectoryRow]:
    missing = {"code", "name", "level", "parent_code"} - set(reader.fieldnames or ())
    if missing:
        raise OrganizationError(f"{name}: the columns {sorted(missing)} are missing")
    rows = []
    for values in reader:
        row = DirectoryRow(
            code=(values["code"] or "").strip(),
            name=(values["name"] or "").strip(),
            level=(values["level"] or "").strip(),
            parent_code=(values["parent_code"] or "").strip(),
            line=reader.line_num,
        )
        where = f"{name}:{row.line}"
        if not (row.code.isascii() and row.code.isalnum()) or len(row.code) > 32:
            raise OrganizationError(f"{where}: the code {row.code!r} is not a code")
        if not row.name or len(row.name) > 200 or not row.name.isprintable():
            raise OrganizationError(f"{where}: enter a name of 1 to 200 characters")
        if row.level not in LEVELS:
            raise OrganizationError(f"{where}: the level must be one of {', '.join(LEVELS)}")
        rows.append(row)
    return rows


async def import_directory(tx: Transaction, rows: Sequence[DirectoryRow]) -> tuple[int, int]:
    """Add the organizations that are new; return how many were added and were there.

    Parents may follow their children. Raises `OrganizationError` for a code given twice
    with different facts, an unknown parent or a circle; nothing is then written.
    """
    known = {
        code: id
        for code, id in await tx.session.execute(
            select(col(OrganizationRow.code), col(OrganizationRow.id))
        )
    }
    present = 0
    fresh: dict[str, DirectoryRow] = {}
    for row in rows:
        if row.code in known:
            present += 1
        elif row.code in fresh:
            other = fresh[row.code]
            if (row.name, row.level, row.parent_code) != (
                other.name,
                other.level,
                other.parent_code,
            ):
                raise OrganizationError(
                    f"line {row.line}: the code {row.code} stands at line {other.line} otherwise"
                )
            present += 1
        else:
            fresh[row.code] = row
    ordered = list(_parents_first(fresh, known))
    ancestors: dict[UUID, list[UUID]] = {}
    organizations: list[dict[str, Any]] = []
    for row in ordered:
        id = new_id()
        parent = known.get(row.parent_code)
        known[row.code] = id
        if parent is not None and parent not in ancestors:
            ancestors[parent] = await _ancestors(tx, parent)
        ancestors[id] = [*(ancestors[parent] if parent else []), id]
        organizations.append(
            {
                "id": id,
                "code": row.code,
                "name": row.name,
                "level": row.level,
                "parent_id": parent,
                "created_at": tx.now,
            }
        )
    closure = (
        {"ancestor_id": above, "descendant_id": id, "depth": depth}
        for id in (item["id"] for item in organizations)
        for depth, above in enumerate(reversed(ancestors[id]))
    )
    for chunk in _chunks(organizations):
        await tx.session.execute(insert(OrganizationRow), chunk)
    for chunk in _chunks(closure):
        await tx.session.execute(insert(OrganizationClosure), chunk)
    return len(ordered), present


def _chunks(items: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    chunk: list[dict[str, Any]] = []
    for item in items:
        chunk.append(item)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _parents_first(
    fresh: dict[str, DirectoryRow], known: dict[str, UUID]
) -> Iterator[DirectoryRow]:
    done: set[str] = set()
    for start in fresh.values():
        trail: list[DirectoryRow] = []
        row: DirectoryRow | None = start
        while row is not None and row.code not in done:
            if row in trail:
                raise OrganizationError(f"line {row.line}: {row.code} stands below itself")
            trail.append(row)
            parent = row.parent_code
            if parent and parent not in known and parent not in fresh:
                raise OrganizationError(
                    f"line {row.line}: the parent {parent} of {row.code} is not in the directory"
                )
            row = fresh.get(parent)
        for item in reversed(trail):
            done.add(item.code)
            yield item


async def _ancestors(tx: Transaction, id: UUID) -> list[UUID]:
    found = await tx.session.execute(
        select(col(OrganizationClosure.ancestor_id))
        .where(col(OrganizationClosure.descendant_id) == id)
        .order_by(col(OrganizationClosure.depth).desc())
    )
    return list(found.scalars())


def subtree(ids: Sequence[UUID]) -> Select[UUID]:
    """Return a select of the ids of the organizations and all that stands below them."""
    return select(col(OrganizationClosure.descendant_id)).where(
        col(OrganizationClosure.ancestor_id).in_(ids)
    )


def _organizations() -> "Select[UUID, str, str, str, UUID | None]":
    row = OrganizationRow
    return select(
        col(row.id), col(row.code), col(row.name), col(row.level), col(row.parent_id)
    ).order_by(col(row.code))


async def organization(tx: Transaction, id: UUID) -> Organization | None:
    """Return an organization, None if there is none."""
    found = (
        await tx.session.execute(_organizations().where(col(OrganizationRow.id) == id))
    ).first()
    return Organization(*found) if found else None


async def by_code(tx: Transaction, code: str) -> Organization | None:
    """Return the organization of a code, None if there is none."""
    found = (
        await tx.session.execute(_organizations().where(col(OrganizationRow.code) == code))
    ).first()
    return Organization(*found) if found else None


async def children(tx: Transaction, id: UUID | None) -> list[Organization]:
    """Return what stands directly below an organization (or at the top), by code."""
    found = await tx.session.execute(
        _organizations().where(col(OrganizationRow.parent_id) == id)
        if id
        else _organizations().where(col(OrganizationRow.parent_id).is_(None))
    )
    return [Organization(*row) for row in found]


async def regions(tx: Transaction, root: UUID | None) -> list[Organization]:
    """Return the county and the towns below `root` (or everywhere), in order of code."""
    statement = _organizations().where(col(OrganizationRow.level).in_(("county", "township")))
    if root:
        statement = statement.where(col(OrganizationRow.id).in_(subtree([root])))
    return [Organization(*row) for row in await tx.session.execute(statement)]


async def names(tx: Transaction, ids: Sequence[UUID]) -> dict[UUID, str]:
    """Return the names of organizations by id."""
    if not ids:
        return {}
    found = await tx.session.execute(
        select(col(OrganizationRow.id), col(OrganizationRow.name)).where(
            col(OrganizationRow.id).in_(set(ids))
        )
    )
    return {id: name for id, name in found}


async def add_unit(tx: Transaction, code: str, name: str, level: str, parent: str) -> UUID:
    """Add an organization below the one with the code `parent`; return its id.

    Raises `OrganizationError` if the code is taken or the parent unknown.
    """
    if await by_code(tx, code) is not None:
        raise OrganizationError(f"the code {code} is taken")
    await import_directory(tx, [DirectoryRow(code, name, level, parent)])
    added = await by_code(tx, code)
    if added is None:
        raise OrganizationError(f"the organization {code} was not added")
    return added.id


class Branch(msgspec.Struct, frozen=True):
    """An organization in the tree as it is listed: how deep it stands, its posts."""

    depth: int
    code: str
    name: str
    level: str
    posts: int
    href: str | None = None


async def tree(tx: Transaction, *, villages: bool = False) -> list[Branch]:
    """Return the organizations in the order of the tree; villages only when asked for."""
    rows = OrganizationRow
    statement = select(
        col(rows.id), col(rows.parent_id), col(rows.code), col(rows.name), col(rows.level)
    ).order_by(col(rows.code))
    if not villages:
        statement = statement.where(col(rows.level) != "village")
    found = list(await tx.session.execute(statement))
    held = await tx.session.execute(
        select(col(Post.organization_id), func.count())
        .where(or_(col(Post.ends_at).is_(None), col(Post.ends_at) > tx.now))
        .group_by(col(Post.organization_id))
    )
    posts = {id: count for id, count in held}
    below: dict[UUID | None, list[Any]] = {}
    for row in found:
        below.setdefault(row[1], []).append(row)
    branches: list[Branch] = []
    waiting = [(row, 0) for row in reversed(below.get(None, []))]
    while waiting:
        (id, _, code, name, level), depth = waiting.pop()
        branches.append(Branch(depth, code, name, level, posts.get(id, 0)))
        waiting += [(row, depth + 1) for row in reversed(below.get(id, []))]
    return branches
