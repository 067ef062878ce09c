"""Devolution (赋权): which centre may accept which item, from when to when, by which document.

The register keeps its history: what ended stays, so that it can be asked for any day. Source of
the practice: a county's list of items handed to its towns (新北: 146 items).
"""

import csv
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Select, insert, or_, select, update
from sqlmodel import col

from core.access.models import Devolution
from core.database import Transaction
from core.identity.models import OrganizationRow
from plugin_sdk.data import new_id

COLUMNS = ("item", "name", "organization", "from", "until", "basis")
LONGEST = {"item": 64, "name": 200, "basis": 300}


class DevolutionError(ValueError):
    """A line of the register that cannot be; `code` names the problem in the catalogues."""

    def __init__(self, code: str, line: int = 0) -> None:
        super().__init__(f"line {line}: {code}" if line else code)
        self.code = code
        self.line = line


class DevolutionFacts(msgspec.Struct, frozen=True):
    """One line of the register; `ends_on` is the last day, None while there is none."""

    id: UUID
    item: str
    name: str
    organization_id: UUID
    organization: str
    starts_on: date
    ends_on: date | None
    basis: str


class Entry(msgspec.Struct, frozen=True):
    """A line as it is entered or read from a file: the organization by its code."""

    item: str
    name: str
    organization: str
    starts_on: date
    ends_on: date | None
    basis: str
    line: int = 0


def read_register(path: Path) -> list[Entry]:
    """Return the lines of a CSV file with the columns item, name, organization, from, until
    (may be empty) and basis. Raises `DevolutionError` for the first that cannot be read."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            if set(COLUMNS) - set(reader.fieldnames or ()):
                raise DevolutionError("devolution-columns")
            return [_entry(row, reader.line_num) for row in reader]
    except (UnicodeDecodeError, csv.Error):
        raise DevolutionError("devolution-file") from None


def _entry(row: dict[str, Any], line: int) -> Entry:
    values = {name: (row[name] or "").strip() for name in COLUMNS}
    try:
        starts = date.fromisoformat(values["from"])
        ends = date.fromisoformat(values["until"]) if values["until"] else None
    except ValueError:
        raise DevolutionError("devolution-day", line) from None
    return Entry(
        item=values["item"],
        name=values["name"],
        organization=values["organization"],
        starts_on=starts,
        ends_on=ends,
        basis=values["basis"],
        line=line,
    )


async def devolve(tx: Transaction, entries: Sequence[Entry], *, by: UUID | None) -> tuple[int, int]:
    """Add lines to the register; return how many were added and were there. Raises
    `DevolutionError`, and then nothing is kept if the caller rolls back: a line with an unknown
    organization, without a basis, or with days that another of its item and centre has."""
    added = present = 0
    for entry in entries:
        for name, longest in LONGEST.items():
            text = getattr(entry, name)
            if not text or len(text) > longest or not text.isprintable():
                raise DevolutionError(f"devolution-{name}", entry.line)
        if entry.ends_on is not None and entry.ends_on < entry.starts_on:
            raise DevolutionError("devolution-day", entry.line)
        found = await tx.session.execute(
            select(col(OrganizationRow.id)).where(col(OrganizationRow.code) == entry.organization)
        )
        unit = found.scalar_one_or_none()
        if unit is None:
            raise DevolutionError("organization-unknown", entry.line)
        beside = await register(tx, item=entry.item, organization_id=unit)
        if any(_same(known, entry) for known in beside):
            present += 1
            continue
        if any(_share_a_day(known, entry) for known in beside):
            raise DevolutionError("devolution-twice", entry.line)
        added += 1
        await tx.session.execute(
            insert(Devolution).values(
                id=new_id(),
                item=entry.item,
                name=entry.name,
                organization_id=unit,
                starts_on=entry.starts_on,
                ends_on=entry.ends_on,
                basis=entry.basis,
                recorded_by=by,
                created_at=tx.now,
            )
        )
    return added, present


def _same(known: DevolutionFacts, entry: Entry) -> bool:
    return (known.starts_on, known.ends_on, known.basis, known.name) == (
        entry.starts_on,
        entry.ends_on,
        entry.basis,
        entry.name,
    )


def _share_a_day(known: DevolutionFacts, entry: Entry) -> bool:
    return known.starts_on <= (entry.ends_on or date.max) and entry.starts_on <= (
        known.ends_on or date.max
    )


async def withdraw(tx: Transaction, id: UUID, last: date) -> UUID:
    """End a line with a day, which is its last; the line stays. Return whose line it is.
    Raises `DevolutionError`."""
    gone = await tx.session.execute(
        update(Devolution)
        .where(
            col(Devolution.id) == id,
            col(Devolution.starts_on) <= last,
            or_(col(Devolution.ends_on).is_(None), col(Devolution.ends_on) > last),
        )
        .values(ends_on=last)
        .returning(col(Devolution.organization_id))
    )
    organization_id = gone.scalar_one_or_none()
    if organization_id is None:
        raise DevolutionError("devolution-unknown")
    return organization_id


async def may_accept(
    tx: Transaction, organization_id: UUID, item: str, day: date
) -> DevolutionFacts | None:
    """Return the line by which a centre may accept an item on a day, None when it may not."""
    found = await register(tx, item=item, organization_id=organization_id, day=day)
    return found[0] if found else None


async def register(
    tx: Transaction,
    *,
    item: str | None = None,
    organization_id: UUID | None = None,
    day: date | None = None,
    limit: int = 500,
) -> list[DevolutionFacts]:
    """Return the lines of the register (of an item, of a centre, in force on a day)."""
    columns: list[Any] = [
        Devolution.id,
        Devolution.item,
        Devolution.name,
        Devolution.organization_id,
        OrganizationRow.name,
        Devolution.starts_on,
        Devolution.ends_on,
        Devolution.basis,
    ]
    statement: Select[Any] = (
        select(*columns)
        .join(OrganizationRow, col(OrganizationRow.id) == col(Devolution.organization_id))
        .order_by(col(Devolution.item), col(OrganizationRow.code), col(Devolution.starts_on))
        .limit(limit)
    )
    if item is not None:
        statement = statement.where(col(Devolution.item) == item)
    if organization_id is not None:
        statement = statement.where(col(Devolution.organization_id) == organization_id)
    if day is not None:
        statement = statement.where(
            col(Devolution.starts_on) <= day,
            or_(col(Devolution.ends_on).is_(None), col(Devolution.ends_on) >= day),
        )
    return [DevolutionFacts(*row) for row in await tx.session.execute(statement)]
