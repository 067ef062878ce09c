"""Bringing in a directory of organizations, whatever its size, in memory of one chunk.

The rows stand in a table of their own while the transaction lasts. What is wrong is found there
before the first organization is written; then they are taken a wave at a time, parents first, and
the closure of each wave is told by that of its parents.
"""

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import and_, delete, exists, func, insert, literal, or_, select, update
from sqlalchemy.orm import aliased
from sqlmodel import col

from core.database import Transaction
from core.identity.models import LEVELS, Arriving, OrganizationClosure, OrganizationRow
from plugin_sdk.data import lock_key, new_id

CHUNK = 5_000
RANGE = 20_000  # organizations written in one statement
DEEPEST = 100


class OrganizationError(ValueError):
    """A row of a directory that cannot be taken; the message says what to change."""


class DirectoryRow(msgspec.Struct, frozen=True):
    """One line of a file of organizations."""

    code: str
    name: str
    level: str
    parent_code: str
    line: int = 0


def read_directory(path: Path) -> Iterator[DirectoryRow]:
    """Yield the rows of a CSV file with the columns code, name, level, parent_code.

    Raises `OrganizationError` with the line of the first row that cannot be read.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from _read(path.name, csv.DictReader(file))
    except UnicodeDecodeError:
        raise OrganizationError(f"{path.name}: the file is not UTF-8") from None
    except csv.Error as error:
        raise OrganizationError(f"{path.name}: the file is not a table ({error})") from None


def _read(name: str, reader: "csv.DictReader[str]") -> Iterator[DirectoryRow]:
    missing = {"code", "name", "level", "parent_code"} - set(reader.fieldnames or ())
    if missing:
        raise OrganizationError(f"{name}: the columns {sorted(missing)} are missing")
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
        yield row


async def lock_tree(tx: Transaction) -> None:
    """Let one transaction at a time change the tree; on SQLite one alone writes anyway."""
    if not tx.database.sqlite:
        key = lock_key("yimen.tree")
        await tx.session.execute(select(func.pg_advisory_xact_lock(key)))


async def import_directory(tx: Transaction, rows: Iterable[DirectoryRow]) -> tuple[int, int]:
    """Add the organizations that are new; return how many were added and were there.

    Parents may follow their children. Raises `OrganizationError` for a code given twice
    with different facts, an unknown parent or a circle; nothing is then written.
    """
    await lock_tree(tx)
    await tx.session.execute(delete(Arriving))
    arrived = present = 0
    for chunk in _chunks(rows):
        new = await _arrive(tx, chunk, arrived)
        arrived += new
        present += len(chunk) - new
    if arrived:
        await _refuse_unknown_parents(tx)
        waves = await _order(tx)
        for wave in range(waves):
            await _settle(tx, wave)
        await tx.session.execute(delete(Arriving))
    return arrived, present


def _chunks(rows: Iterable[DirectoryRow]) -> Iterator[list[DirectoryRow]]:
    chunk: list[DirectoryRow] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


async def _arrive(tx: Transaction, chunk: list[DirectoryRow], before: int) -> int:
    """Write those of a chunk that are new beside the others; return how many."""
    codes = {row.code for row in chunk}
    there = await tx.session.execute(
        select(col(OrganizationRow.code)).where(col(OrganizationRow.code).in_(codes))
    )
    known = set(there.scalars())
    arriving = await tx.session.execute(
        select(
            col(Arriving.code),
            col(Arriving.name),
            col(Arriving.level),
            col(Arriving.parent_code),
            col(Arriving.line),
        ).where(col(Arriving.code).in_(codes))
    )
    seen = {row.code: DirectoryRow(*row) for row in arriving}
    fresh: list[dict[str, Any]] = []
    for row in chunk:
        if row.code in known:
            continue
        other = seen.get(row.code)
        if other is None:
            seen[row.code] = row
            fresh.append(
                {
                    "number": before + len(fresh),
                    "id": new_id(),
                    "code": row.code,
                    "name": row.name,
                    "level": row.level,
                    "parent_code": row.parent_code,
                    "line": row.line,
                }
            )
        elif (row.name, row.level, row.parent_code) != (other.name, other.level, other.parent_code):
            raise OrganizationError(
                f"line {row.line}: the code {row.code} stands at line {other.line} otherwise"
            )
    if fresh:
        await tx.session.execute(insert(Arriving), fresh)
    return len(fresh)


async def _refuse_unknown_parents(tx: Transaction) -> None:
    above = aliased(Arriving)
    lost = (
        await tx.session.execute(
            select(col(Arriving.line), col(Arriving.parent_code), col(Arriving.code))
            .where(
                col(Arriving.parent_code) != "",
                ~exists().where(col(above.code) == col(Arriving.parent_code)),
                ~exists().where(col(OrganizationRow.code) == col(Arriving.parent_code)),
            )
            .order_by(col(Arriving.number))
            .limit(1)
        )
    ).first()
    if lost is not None:
        line, parent, code = lost
        raise OrganizationError(
            f"line {line}: the parent {parent} of {code} is not in the directory"
        )


async def _order(tx: Transaction) -> int:
    """Number the waves: what stands at the top or below what was there is the first, what
    stands below a wave is the next; return how many there are."""
    top = or_(
        col(Arriving.parent_code) == "",
        exists().where(col(OrganizationRow.code) == col(Arriving.parent_code)),
    )
    wave = 0
    while True:
        above = aliased(Arriving)
        next_ones = (
            top
            if not wave
            else col(Arriving.parent_code).in_(
                select(col(above.code)).where(col(above.wave) == wave - 1)
            )
        )
        ordered: Any = await tx.session.execute(
            update(Arriving)
            .where(col(Arriving.wave).is_(None), next_ones)
            .values(wave=wave)
            .execution_options(synchronize_session=False)
        )
        if not ordered.rowcount:
            break
        wave += 1
        if wave > DEEPEST:
            raise OrganizationError(f"the tree is deeper than {DEEPEST} organizations")
    await _refuse_circles(tx)
    return wave


async def _refuse_circles(tx: Transaction) -> None:
    found = (
        await tx.session.execute(
            select(col(Arriving.line), col(Arriving.code), col(Arriving.parent_code))
            .where(col(Arriving.wave).is_(None))
            .order_by(col(Arriving.number))
            .limit(1)
        )
    ).first()
    if found is None:
        return
    line, code, parent = found
    seen = {code}
    while parent not in seen:  # it may stand below the circle, and not in it
        seen.add(parent)
        line, code, parent = (
            await tx.session.execute(
                select(col(Arriving.line), col(Arriving.code), col(Arriving.parent_code)).where(
                    col(Arriving.code) == parent
                )
            )
        ).one()
    raise OrganizationError(f"line {line}: {code} stands below itself")


async def _settle(tx: Transaction, wave: int) -> None:
    """Write the organizations of a wave, and their closure, a range of them at a time."""
    first, last = (
        await tx.session.execute(
            select(func.min(col(Arriving.number)), func.max(col(Arriving.number))).where(
                col(Arriving.wave) == wave
            )
        )
    ).one()
    parent = aliased(OrganizationRow)
    above = aliased(OrganizationClosure)
    for start in range(first, last + 1, RANGE):
        here = and_(
            col(Arriving.wave) == wave,
            col(Arriving.number) >= start,
            col(Arriving.number) < start + RANGE,
        )
        organizations = (
            select(
                col(Arriving.id),
                col(Arriving.code),
                col(Arriving.name),
                col(Arriving.level),
                col(parent.id),
                literal(tx.now, OrganizationRow.__table__.c.created_at.type),  # type: ignore[attr-defined]
            )
            .outerjoin(parent, col(parent.code) == col(Arriving.parent_code))
            .where(here)
        )
        itself = select(col(Arriving.id), col(Arriving.id), literal(0)).where(here)
        ancestors = (
            select(col(above.ancestor_id), col(Arriving.id), col(above.depth) + 1)
            .join(parent, col(parent.code) == col(Arriving.parent_code))
            .join(above, col(above.descendant_id) == col(parent.id))
            .where(here)
        )
        await tx.session.execute(
            insert(OrganizationRow).from_select(
                ["id", "code", "name", "level", "parent_id", "created_at"], organizations
            )
        )
        for pairs in (itself, ancestors):
            await tx.session.execute(
                insert(OrganizationClosure).from_select(
                    ["ancestor_id", "descendant_id", "depth"], pairs
                )
            )
