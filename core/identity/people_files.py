"""Files of people, CSV or XLSX, as rows of text: what a row says, and what is wrong with it.

Nothing is looked up here. A workbook is read a row at a time, its size unpacked is bounded
before it is opened, and a formula is never taken for its result.
"""

import io
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from plugin_sdk.tables import BadRow, Row, TableError, csv_chunks, read_rows

MOST_BYTES: Final = 16 * 1024 * 1024
MOST_UNPACKED: Final = 200 * 1024 * 1024
MOST_SHARED: Final = 64 * 1024 * 1024  # the texts of a workbook, which are held at once
MOST_PARTS: Final = 1_000
MOST_ROWS: Final = 100_000
MOST_COLUMNS: Final = 50
EXACT_DIGITS: Final = 15  # a spreadsheet keeps no more of a number

COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "username": ("用户名", "user name", "username"),
    "name": ("姓名", "name"),
    "phone": ("手机", "手机号", "电话", "phone"),
    "number": ("身份证号", "公民身份号码", "identity number"),
    "organization": ("单位代码", "organization code", "organization"),
    "title": ("岗位", "岗位名称", "post title", "post"),
    "roles": ("角色", "role keys", "roles"),
    "legacy_system": ("原系统", "legacy system"),
    "legacy_id": ("原系统用户编号", "legacy user id"),
}
REQUIRED: Final = ("username", "name", "organization", "title")
LONGEST: Final[Mapping[str, int]] = {
    "username": 63,
    "name": 100,
    "phone": 30,
    "number": 30,
    "organization": 32,
    "title": 100,
    "roles": 500,
    "legacy_system": 63,
    "legacy_id": 100,
}


class FileRefused(ValueError):
    """A file that cannot be read as people at all; `code` says why.

    Codes: `file-too-large` (`limit` in MB), `file-kind`, `file-damaged`, `file-bomb`,
    `file-empty`, `file-too-many-rows` (`limit`), `columns-missing` and `columns-twice`
    (`columns`), `file-encoding`, `file-broken`.
    """

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


class Reason(msgspec.Struct, frozen=True):
    """Why a row is refused or worth a look: words at `people_import.<code>`."""

    code: str
    params: dict[str, Any] = {}


class PersonRow(msgspec.Struct, frozen=True):
    """A row as it was written, stripped; `faults` when it cannot be taken as it is."""

    line: int
    username: str = ""
    name: str = ""
    phone: str = ""
    number: str = ""
    organization: str = ""
    title: str = ""
    roles: tuple[str, ...] = ()
    legacy_system: str = ""
    legacy_id: str = ""
    faults: tuple[Reason, ...] = ()


class _Cells(msgspec.Struct, frozen=True):
    line: int
    values: Sequence[str]
    faults: tuple[Reason, ...] = ()


def read_people(name: str, content: bytes) -> list[PersonRow]:
    """Return the rows of a file, those that cannot be taken with their faults.

    Raises `FileRefused` for a file that is none.
    """
    if len(content) > MOST_BYTES:
        raise FileRefused("file-too-large", limit=MOST_BYTES // 1024 // 1024)
    if content.startswith(b"PK\x03\x04"):
        rows = _rows_of_workbook(content)
    elif name.lower().endswith((".csv", ".txt")):
        rows = _rows_of_csv(content)
    else:
        raise FileRefused("file-kind")
    found: list[PersonRow] = []
    lines: dict[str, dict[Any, int]] = {"username": {}, "number": {}, "legacy": {}}
    for row in rows:
        if len(found) == MOST_ROWS:
            raise FileRefused("file-too-many-rows", limit=MOST_ROWS)
        found.append(_once(row, lines))
    if not found:
        raise FileRefused("file-empty")
    return found


def template(language: str) -> bytes:
    """Return an example of such a file as CSV, its headers in a language."""
    which = 0 if language.startswith("zh") else 1
    header = [names[0] if which == 0 else names[-2] for names in COLUMNS.values()]
    return b"".join(csv_chunks(header, []))


def _once(row: PersonRow, lines: dict[str, dict[Any, int]]) -> PersonRow:
    """Return the row, with a fault when an earlier one claims the same."""
    claims = {
        "username": row.username,
        "number": row.number.upper(),
        "legacy": (row.legacy_system, row.legacy_id) if row.legacy_id else "",
    }
    faults = list(row.faults)
    for kind, value in claims.items():
        if value and lines[kind].setdefault(value, row.line) != row.line:
            faults.append(Reason(f"{kind}-twice", {"line": lines[kind][value]}))
    return msgspec.structs.replace(row, faults=tuple(faults))


def _people(header: Sequence[str], rows: Iterable[_Cells]) -> Iterator[PersonRow]:
    places = _places(header)
    for row in rows:
        texts = {key: row.values[at].strip() for key, at in places.items() if at < len(row.values)}
        if not any(texts.values()) and not row.faults:
            continue
        faults = list(row.faults)
        for key, text in texts.items():
            if len(text) > LONGEST[key]:
                texts[key] = text[: LONGEST[key]]
                faults.append(Reason("too-long", {"column": key, "limit": LONGEST[key]}))
            elif text and not text.isprintable():
                faults.append(Reason("control-characters", {"column": key}))
            elif text[:1] in ("=", "@"):
                faults.append(Reason("formula", {"column": key}))
        keys = texts.pop("roles", "").replace("，", ",").replace("、", ",").split(",")
        texts["username"] = texts.get("username", "").lower()
        yield PersonRow(
            line=row.line,
            roles=tuple(dict.fromkeys(key.strip() for key in keys if key.strip())),
            faults=tuple(faults),
            **texts,
        )


def _places(header: Sequence[str]) -> dict[str, int]:
    known = {name: key for key, names in COLUMNS.items() for name in names}
    places: dict[str, int] = {}
    for at, cell in enumerate(header):
        key = known.get(" ".join(cell.replace("_", " ").lower().split()))
        if key in places:
            raise FileRefused("columns-twice", columns=COLUMNS[key][0])
        if key:
            places[key] = at
    if missing := [COLUMNS[key][0] for key in REQUIRED if key not in places]:
        raise FileRefused("columns-missing", columns="、".join(missing))
    return places


def _rows_of_csv(content: bytes) -> Iterator[PersonRow]:
    with tempfile.TemporaryDirectory(prefix="yimen-people-") as folder:
        path = Path(folder) / "people.csv"
        path.write_bytes(content)
        try:
            rows = read_rows(path, expect=())
            first = next(rows, None)
            if first is None:
                raise FileRefused("file-empty")
            if isinstance(first, Row):
                header = list(first.values)
            else:  # its columns are told by a row that can be read
                header = _header(path)
            yield from _people(header, (_cells(row) for row in _again(first, rows)))
        except TableError as error:
            raise _refusal(error) from None


def _again(first: Row | BadRow, rows: Iterator[Row | BadRow]) -> Iterator[Row | BadRow]:
    yield first
    yield from rows


def _header(path: Path) -> list[str]:
    for row in read_rows(path, expect=()):
        if isinstance(row, Row):
            return list(row.values)
    raise FileRefused("file-broken")


def _refusal(error: TableError) -> FileRefused:
    code = {"table-empty": "file-empty", "table-encoding": "file-encoding"}.get(error.code)
    if error.code == "table-columns-twice":
        return FileRefused("columns-twice", columns="、".join(error.params["columns"]))
    return FileRefused(code or "file-broken")


def _cells(row: Row | BadRow) -> _Cells:
    if isinstance(row, Row):
        return _Cells(row.line, list(row.values.values()))
    return _Cells(row.line, (), (Reason(row.code),))


def _rows_of_workbook(content: bytes) -> Iterator[PersonRow]:
    _bound(content)
    from openpyxl import load_workbook

    try:
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=False, keep_links=False)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # what a file says of its own size is not believed
        rows = sheet.iter_rows(max_col=MOST_COLUMNS)
        header = next(rows, None)
        if header is None:
            raise FileRefused("file-empty")
        names = [_text(cell)[0] for cell in header]
        yield from _people(names, (_read(line, row) for line, row in enumerate(rows, start=2)))
    except FileRefused:
        raise
    except Exception:  # whatever a library raises for bytes that are no workbook
        raise FileRefused("file-damaged") from None


def _bound(content: bytes) -> None:
    """Raise `FileRefused` for a workbook that would unpack to more than a table of people."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, EOFError):
        raise FileRefused("file-damaged") from None
    shared = sum(part.file_size for part in parts if "sharedstrings" in part.filename.lower())
    whole = sum(part.file_size for part in parts)
    if len(parts) > MOST_PARTS or whole > MOST_UNPACKED or shared > MOST_SHARED:
        raise FileRefused("file-bomb", limit=MOST_UNPACKED // 1024 // 1024)


def _read(line: int, cells: Sequence[Any]) -> _Cells:
    if line > MOST_ROWS * 2:  # empty ones count too
        raise FileRefused("file-too-many-rows", limit=MOST_ROWS)
    texts, faults = [], []
    for cell in cells:
        text, fault = _text(cell)
        texts.append(text)
        if fault:
            faults.append(fault)
    return _Cells(line, texts, tuple(faults))


def _text(cell: Any) -> tuple[str, Reason | None]:
    value = cell.value
    if value is None:
        return "", None
    if cell.data_type == "f":
        return "", Reason("formula", {"column": cell.coordinate})
    if cell.data_type == "e":
        return "", Reason("cell-error", {"column": cell.coordinate})
    if isinstance(value, bool | str):
        return str(value), None
    if isinstance(value, datetime | date):
        return value.isoformat(), None
    spell: Callable[[Any], str] = str
    text = spell(int(value)) if float(value).is_integer() else spell(value)
    if len(text.lstrip("-")) > EXACT_DIGITS:
        return "", Reason("number-rounded", {"column": cell.coordinate})
    return text, None
