"""The record as a file: CSV, JSON lines or XLSX, a batch in memory at a time."""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Final, Protocol

from core.audit.service import AuditFacts, search
from core.database import Database, Transaction
from plugin_sdk.cursors import Position, cut
from plugin_sdk.tables import Cell, csv_chunks, safe_text
from plugin_sdk.times import SHANGHAI

BATCH: Final = 500
CHUNK: Final = 256 * 1024
MOST_ROWS_XLSX: Final = 1_048_575  # and the header: what a sheet holds
FORMATS: Final = {
    "csv": "text/csv",
    "jsonl": "application/jsonl",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
COLUMNS: Final = (
    "sequence",
    "at",
    "app",
    "act",
    "subject",
    "outcome",
    "person",
    "organization",
    "behalf_of",
    "system",
    "permission",
    "granted_by",
    "request_id",
    "facts",
)


class Names(Protocol):
    """Gives entries as rows of `COLUMNS`, people and organizations by name (masked)."""

    async def __call__(self, tx: Transaction, found: list[AuditFacts]) -> list[dict[str, Any]]:
        """Return the rows of a batch."""


async def rows(
    database: Database, names: Names, sought: dict[str, Any]
) -> AsyncIterator[list[dict[str, Any]]]:
    """Yield what was sought in batches, newest first, each read in a transaction of its own."""
    cursor: str | None = ""
    while cursor is not None:
        async with database.transaction() as tx:
            found = await search(tx, **sought, cursor=cursor, limit=BATCH + 1)
            shown, cursor = cut(found, BATCH, lambda entry: Position(entry.at, entry.id))
            batch = await names(tx, shown)
        yield batch


async def csv(batches: AsyncIterator[list[dict[str, Any]]], header: Sequence[str]) -> Any:
    """Yield a CSV file in chunks (`plugin_sdk.tables`: no cell is a formula)."""
    head = b"".join(csv_chunks(header, ()))
    yield head
    async for batch in batches:
        lines = [[_cell(row[name]) for name in COLUMNS] for row in batch]
        yield b"".join(csv_chunks(header, lines))[len(head) :]


async def jsonl(batches: AsyncIterator[list[dict[str, Any]]], header: Sequence[str]) -> Any:
    """Yield an object a line; the names are those of `COLUMNS` in any language."""
    async for batch in batches:
        lines = (json.dumps(row, ensure_ascii=False, default=_iso) for row in batch)
        yield "".join(f"{line}\n" for line in lines).encode()


async def xlsx(batches: AsyncIterator[list[dict[str, Any]]], header: Sequence[str]) -> Any:
    """Yield a workbook in chunks; it is put together on the disk. A sheet that is full is
    followed by another."""
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet, count = book.create_sheet(), 0
    sheet.append(list(header))
    async for batch in batches:
        if count + len(batch) > MOST_ROWS_XLSX:
            sheet, count = book.create_sheet(), 0
            sheet.append(list(header))
        count += len(batch)
        await asyncio.to_thread(_append, sheet, batch)
    with tempfile.TemporaryFile() as file:
        await asyncio.to_thread(book.save, file)
        file.seek(0)
        while chunk := await asyncio.to_thread(file.read, CHUNK):
            yield chunk


WRITERS: Final = {"csv": csv, "jsonl": jsonl, "xlsx": xlsx}


def _append(sheet: Any, batch: list[dict[str, Any]]) -> None:
    for row in batch:
        cells = (_cell(row[name]) for name in COLUMNS)
        sheet.append([_sheet_cell(cell) for cell in cells])


def _cell(value: Any) -> Cell:
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    cell: Cell = value
    return cell


def _sheet_cell(cell: Cell) -> Cell:
    if isinstance(cell, datetime):
        return cell.astimezone(SHANGHAI).replace(tzinfo=None)  # a sheet knows no zones
    return safe_text(cell) if isinstance(cell, str) else cell


def _iso(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
