"""What an app holds, counted and digested, so that two apps are compared and neither is shown.

Two tallies of a kind are equal when both hold the same records, in whatever order and on whatever
engine. A record is what makes a thing one and dates it, as both apps can know it; of a case that
is its number and the second in which it was opened.
"""

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from plugin_sdk.tables import BadRow, TableError, read_rows
from plugin_sdk.times import TimeError, parse_legacy_time

CASES: Final = "cases"
COLUMNS: Final = ("number", "opened_at")
"""The columns of a file of records, exported from an app that is elsewhere."""

Record = tuple[str, str]


class Tally(msgspec.Struct, frozen=True):
    """How many records of a kind there are, and one digest of them all (SHA-256, in hex)."""

    kind: str
    rows: int
    digest: str


def record(number: str, opened_at: datetime) -> Record:
    """Return the record of what has a number and a beginning, of which the second counts: old
    systems export no more."""
    return number, opened_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def tally(kind: str, records: Iterable[Record]) -> Tally:
    """Return the tally of records: the digest of their digests, which stand in their own order."""
    every = sorted(
        hashlib.sha256(json.dumps(one, ensure_ascii=False).encode()).digest() for one in records
    )
    return Tally(kind, len(every), hashlib.sha256(b"".join(every)).hexdigest())


def tally_of_file(kind: str, path: Path) -> Tally:
    """Return the tally of a CSV file with the columns `number` and `opened_at` (Shanghai time).

    Raises `TableError` for a file that is no such table, and for the first row that names no
    record, or a number again (`row-unreadable`, with its `line`): a tally of most rows proves
    nothing.
    """
    found: dict[str, Record] = {}
    for row in read_rows(path, expect=COLUMNS):
        if isinstance(row, BadRow):
            raise TableError("row-unreadable", line=row.line)
        number, opened_at = (row.values[name].strip() for name in COLUMNS)
        try:
            one = record(number, parse_legacy_time(opened_at).at)
        except TimeError:
            raise TableError("row-unreadable", line=row.line) from None
        if not number or number in found:
            raise TableError("row-unreadable", line=row.line)
        found[number] = one
    return tally(kind, found.values())
