"""CSV out and in, a row at a time, whatever the size of the table.

Out: UTF-8 with BOM and CRLF, as the usual spreadsheets open it, with no cell that one of them
would run as a formula. In: files as old systems export them; a row that cannot be read is
answered with its line and reason, and reading goes on.
"""

import csv
import io
import itertools
import unicodedata
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec

from plugin_sdk.times import SHANGHAI

Cell = str | int | float | Decimal | date | datetime | None

_FORMULA_MARKS: Final = frozenset("=+-@−")
_CHUNK: Final = 64 * 1024
_BOM: Final = "\ufeff"
_ENCODINGS: Final = ("utf-8", "gb18030")


class TableError(ValueError):
    """A table that cannot be written or read at all; `code` says why.

    Codes: `table-empty`, `table-encoding` (neither UTF-8 nor GB18030), `table-columns-missing`
    and `table-columns-twice` (`columns`), `table-too-broken` (`limit` of bad rows), `row-width`
    (a row to write that does not fit its header: `row`, `found`, `expected`).
    """

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


class Limits(msgspec.Struct, frozen=True):
    """How much of a file is held at once: characters of a cell and a row, lines of a row."""

    cell: int = 20_000
    row: int = 256 * 1024
    lines: int = 1_000
    bad_rows: int = 10_000


class Row(msgspec.Struct, frozen=True):
    """A row that was read: the physical line it starts on (the header is line 1), its cells."""

    line: int
    values: dict[str, str]


class BadRow(msgspec.Struct, frozen=True):
    """Lines that are no row: the first of them, why, and in `params["last"]` the last of them.

    Codes: `row-columns` (`found`, `expected`), `row-quotes` (a quotation mark that is not
    closed, or closes too early), `row-encoding`, `row-nul`, `row-too-long`, and
    `row-cell-too-long` (`column`, `limit`).
    """

    line: int
    code: str
    params: dict[str, Any]


def csv_chunks(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[bytes]:
    """Yield a CSV file (RFC 4180) in chunks: UTF-8 with BOM, CRLF.

    Numbers stay numbers; dates read 2026-03-05, moments 2026-03-05 17:30:00 in Shanghai time;
    texts pass through `safe_text`. Raises `TableError` (`row-width`).
    """
    out = io.StringIO(_BOM, newline="")
    out.seek(0, io.SEEK_END)
    writer = csv.writer(out, lineterminator="\r\n")
    for number, row in enumerate(itertools.chain([header], rows)):
        if len(row) != len(header):
            raise TableError("row-width", row=number, found=len(row), expected=len(header))
        writer.writerow([_spell(cell) for cell in row])
        if out.tell() >= _CHUNK:
            yield out.getvalue().encode("utf-8", "replace")
            out.seek(0)
            out.truncate()
    yield out.getvalue().encode("utf-8", "replace")


def safe_text(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula, without control characters.

    An apostrophe goes before a text that begins, after spaces and invisible characters, with
    = + - @ in any width, or with a tab or line break (OWASP, CSV Injection).
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = "".join(c for c in lines if c in "\t\n" or unicodedata.category(c) != "Cc")
    for character in kept:
        if character in "\t\n" or unicodedata.normalize("NFKC", character)[0] in _FORMULA_MARKS:
            return "'" + kept
        if not (character.isspace() or unicodedata.category(character) == "Cf"):
            break
    return kept


def read_rows(
    path: Path, *, expect: Sequence[str], limits: Limits | None = None
) -> Iterator[Row | BadRow]:
    """Yield the rows of a CSV file under their header, and what could not be read as `BadRow`.

    Columns may come in any order and beside others. The encoding, UTF-8 or GB18030, is judged
    over the whole file. After a broken row reading goes on at the next line from which a row
    of the right width can be read. Raises `TableError` while it is iterated.
    """
    limits = limits or Limits()
    with path.open("rb") as file:
        encoding = _encoding(file, expect, limits)
        file.seek(0)
        lines = _Lines(file, encoding, limits)
        columns = _columns(lines, expect)
        bad = 0
        while lines.skip_blank():
            row = _next(lines, columns)
            bad += isinstance(row, BadRow)
            yield row
            if bad > limits.bad_rows:
                raise TableError("table-too-broken", limit=limits.bad_rows)


class _Line(msgspec.Struct, frozen=True):
    text: str
    fault: str = ""


class _Record(msgspec.Struct):
    """What was read from a line on: `used` lines of it, `broken` when quotation marks fail."""

    cells: list[str]
    used: int
    broken: bool = False

    def fits(self, width: int) -> bool:
        return not self.broken and len(self.cells) == width


class _Lines:
    """The physical lines ahead, with the number of the first; each is decoded by itself."""

    def __init__(self, file: BinaryIO, encoding: str, limits: Limits) -> None:
        self.number, self.limits = 1, limits
        self._file, self._encoding, self._ahead = file, encoding, deque[_Line]()

    def get(self, index: int) -> _Line | None:
        while len(self._ahead) <= index:
            raw = self._file.readline(self.limits.row + 1)
            if not raw:
                return None
            if self.number == 1 and not self._ahead:
                raw = raw.removeprefix(_BOM.encode(self._encoding))
            self._ahead.append(self._decode(raw))
        return self._ahead[index]

    def skip_blank(self) -> bool:
        """Pass over empty lines; return whether any line is left."""
        while (line := self.get(0)) is not None and not line.text.strip("\r\n") + line.fault:
            self.drop(1)
        return line is not None

    def drop(self, count: int) -> None:
        for _ in range(count):
            self._ahead.popleft()
        self.number += count

    def _decode(self, raw: bytes) -> _Line:
        if len(raw) > self.limits.row:
            while raw and not raw.endswith(b"\n"):
                raw = self._file.readline(_CHUNK)
            return _Line("\n", "row-too-long")
        try:
            return _Line(raw.decode(self._encoding), "row-nul" if b"\0" in raw else "")
        except UnicodeDecodeError:
            return _Line(raw.decode(self._encoding, "replace"), "row-encoding")


def _encoding(file: BinaryIO, expect: Sequence[str], limits: Limits) -> str:
    """Return the encoding that names the columns, else the one that fewer lines contradict."""
    head = file.readline(limits.row)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise TableError("table-encoding")
    if head.startswith(_BOM.encode()):
        return "utf-8"
    names = [e for e in _ENCODINGS if all(n in head.decode(e, "replace") for n in expect)]
    if len(names) == 1:
        return names[0]
    against = dict.fromkeys(_ENCODINGS, 0)
    while head:
        for encoding in _ENCODINGS:
            try:
                head.decode(encoding)
            except UnicodeDecodeError:
                against[encoding] += 1
        head = file.readline(limits.row)
    return min(_ENCODINGS, key=lambda encoding: against[encoding])


def _columns(lines: _Lines, expect: Sequence[str]) -> list[str]:
    if not lines.skip_blank():
        raise TableError("table-empty")
    record = _read(lines, 0)
    lines.drop(record.used)
    columns = [name.strip() for name in record.cells]
    if missing := [name for name in expect if name not in columns]:
        raise TableError("table-columns-missing", columns=missing)
    if twice := sorted({name for name in columns if columns.count(name) > 1}):
        raise TableError("table-columns-twice", columns=twice)
    return columns


def _next(lines: _Lines, columns: Sequence[str]) -> Row | BadRow:
    """Take the next row, or the broken lines up to the next row."""
    limits, width = lines.limits, len(columns)
    record = _read(lines, 0)
    fits = record.fits(width)
    used = record.used if fits else _broken_lines(lines, record, width)
    ahead = [lines.get(index) for index in range(used)]
    first, last = lines.number, {"last": lines.number + used - 1}
    lines.drop(used)
    if fault := next((line.fault for line in ahead if line and line.fault), ""):
        return BadRow(first, fault, last)
    if record.broken or used < record.used:
        return BadRow(first, "row-quotes", last)
    if not fits:
        return BadRow(first, "row-columns", {"found": len(record.cells), "expected": width, **last})
    values = dict(zip(columns, record.cells, strict=True))
    for column, cell in values.items():
        if len(cell) > limits.cell:
            return BadRow(
                first, "row-cell-too-long", {"column": column, "limit": limits.cell, **last}
            )
    return Row(first, values)


def _broken_lines(lines: _Lines, record: _Record, width: int) -> int:
    """Return how many lines belong to a broken record: those before the next one that fits."""
    most = lines.limits.lines if record.broken else record.used - 1
    for index in range(1, most + 1):
        if lines.get(index) is None or _read(lines, index).fits(width):
            return index
    return max(most, 1) if record.broken else record.used


def _read(lines: _Lines, start: int) -> _Record:
    """Return the record that starts `start` lines ahead (RFC 4180, marks taken strictly)."""
    cells: list[str] = []
    index, at, size = start, 0, 0
    text = line.text if (line := lines.get(start)) else ""
    while True:
        if not text.startswith('"', at):
            comma = text.find(",", at)
            if comma < 0:
                return _Record([*cells, text[at:].rstrip("\r\n")], index - start + 1)
            cells.append(text[at:comma])
            at = comma + 1
            continue
        at += 1
        parts: list[str] = []
        while (mark := text.find('"', at)) < 0 or text.startswith('"', mark + 1):
            if mark >= 0:  # a doubled mark stands for itself
                parts.append(text[at : mark + 1])
                at = mark + 2
                continue
            parts.append(text[at:])
            size += len(text)
            index += 1
            most = size > lines.limits.row or index - start >= lines.limits.lines
            if most or not (line := lines.get(index)):
                return _Record(cells, index - start, broken=True)
            text, at = line.text, 0
        parts.append(text[at:mark])
        at = mark + 1
        cells.append("".join(parts))
        if not text.startswith(",", at):
            whole = text[at:] in {"", "\n", "\r\n"}
            return _Record(cells, index - start + 1, broken=not whole)
        at += 1


def _spell(cell: Cell) -> str | int | float | Decimal:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return f"{cell.astimezone(SHANGHAI) if cell.tzinfo else cell:%Y-%m-%d %H:%M:%S}"
    if isinstance(cell, date):
        return cell.isoformat()
    return safe_text(cell) if isinstance(cell, str) else cell
