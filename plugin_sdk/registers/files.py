"""Files of records: CSV under the names that a form's fields have on its page, in either language.

A file is tried as a whole: each row says whether it would be new, change something, or is refused
and why; then it is brought in as a whole or not at all.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final, Literal

import msgspec
from pydantic import Field

from plugin_sdk.forms import Form
from plugin_sdk.problems import FieldError, Invalid, field_error
from plugin_sdk.tables import BadRow, TableError, csv_chunks, read_rows
from plugin_sdk.views import FieldView, Phrase, View, Words

Say = Callable[[Words, str], str]
Outcome = Literal["new", "changed", "same", "refused"]

OUTCOMES: Final[tuple[Outcome, ...]] = ("refused", "new", "changed", "same")
LANGUAGES: Final = ("zh-CN", "en")
MOST_ROWS: Final = 2000
MOST_CHARACTERS: Final = 400_000
YES_OR_NO: Final = {"是": "true", "否": "false"}


class FileForm(Form):
    """A file of records: sent as one, or its text as it was tried; with `bring_in` it is not only
    tried."""

    content: str | None = Field(default=None, max_length=MOST_CHARACTERS)
    bring_in: bool = False


class FileRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row as it was written, by the names of fields; `fault` says why it cannot be read."""

    line: int
    values: Mapping[str, str] = {}
    fault: Phrase | None = None


class RowView(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of a row, and in words why."""

    line: int
    name: str
    outcome: Outcome
    label: Phrase
    remarks: tuple[Phrase, ...] = ()


class ImportView(View, kw_only=True):
    """A file of records before it is tried, or with what each row would do. `content` is what
    would be brought in; `sections` are the pages beside."""

    template: ClassVar[str] = "register_import.html"
    title: Words
    action: str
    template_href: str
    list_href: str
    columns: list[FieldView] = msgspec.field(default_factory=list)
    rows: list[RowView] = msgspec.field(default_factory=list)
    counts: dict[str, int] = msgspec.field(default_factory=dict)
    content: str = ""
    error: Phrase | None = None
    key: str = ""

    @property
    def ready(self) -> bool:
        """Return whether the file may be brought in: nothing in it is refused."""
        return bool(self.rows) and not self.counts.get("refused")


def text_of(form: FileForm, files: Sequence[tuple[str, str, bytes]]) -> str:
    """Return the text of the file that was sent. Raises `Invalid`."""
    if not files:
        if form.content is None:
            raise Invalid(field_error("file", "file-missing"))
        return form.content
    _, _, content = files[0]
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise Invalid(field_error("file", "table-encoding"))
    if len(text) > MOST_CHARACTERS:
        raise Invalid(field_error("file", "too-long", limit=MOST_CHARACTERS))
    if not text.strip():
        raise Invalid(field_error("file", "table-empty"))
    return text


def file_rows(
    text: str, fields: Sequence[FieldView], say: Say, most: int = MOST_ROWS
) -> list[FileRow]:
    """Return the rows of a file. Raises `Invalid` for a file that is none: it has no rows, too
    many, a column that is no field or stands twice, or lacks one that is required."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "records.csv")
        path.write_text(text, encoding="utf-8", newline="")
        try:
            rows = list(_read(path, fields, say))
        except TableError as error:
            raise Invalid(field_error("file", error.code, **_said(error.params))) from None
    if not rows:
        raise Invalid(field_error("file", "table-empty"))
    if len(rows) > most:
        raise Invalid(field_error("file", "table-too-many", limit=most))
    return rows


def file_template(fields: Sequence[FieldView], say: Say, language: str) -> bytes:
    """Return a file with the columns and no rows."""
    return b"".join(csv_chunks([say(field.label, language) for field in fields], []))


def _read(path: Path, fields: Sequence[FieldView], say: Say) -> Iterator[FileRow]:
    named = {
        name: field
        for field in fields
        for name in (field.name, *(say(field.label, language) for language in LANGUAGES))
    }
    checked = False
    for row in read_rows(path, expect=()):
        if isinstance(row, BadRow):
            params = {name: value for name, value in row.params.items() if name != "last"}
            yield FileRow(line=row.line, fault=Phrase(f"problem.import.{row.code}", params))
            continue
        if not checked:
            _check_columns(list(row.values), fields, named)
            checked = True
        values = {
            named[name].name: _value(cell.strip(), named[name], say)
            for name, cell in row.values.items()
            if name
        }
        if any(values.values()):
            yield FileRow(line=row.line, values=values)


def _check_columns(
    columns: Sequence[str], fields: Sequence[FieldView], named: Mapping[str, FieldView]
) -> None:
    if unknown := [name for name in columns if name and name not in named]:
        raise TableError("table-columns-unknown", columns=unknown)
    found = [named[name].name for name in columns if name]
    if twice := sorted({name for name in found if found.count(name) > 1}):
        raise TableError("table-columns-twice", columns=twice)
    if missing := [f.name for f in fields if f.required and f.name not in found]:
        raise TableError("table-columns-missing", columns=missing)


def _value(cell: str, field: FieldView, say: Say) -> str:
    """Return a cell as the form takes it: a choice may be written as the page shows it."""
    if field.kind == "checkbox":
        return YES_OR_NO.get(cell, cell)
    for option in field.options:
        if cell in {say(option.label, language) for language in LANGUAGES}:
            return option.value
    return cell.removeprefix("'")  # as files that a spreadsheet must not run are written


def _said(params: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: "、".join(value)[:200] if isinstance(value, list) else value
        for name, value in params.items()
    }


def refused(line: int, name: str, faults: Sequence[Phrase]) -> RowView:
    """Return a row that cannot be taken."""
    return row_view(line, name, "refused", *faults)


def row_view(line: int, name: str, outcome: Outcome, *remarks: Phrase) -> RowView:
    """Return what becomes of a row."""
    label = Phrase(f"registers.import.outcome.{outcome}")
    return RowView(line=line, name=name[:100], outcome=outcome, label=label, remarks=remarks)


def faults_of(errors: Sequence[FieldError], fields: Sequence[FieldView]) -> list[Phrase]:
    """Return what is wrong with the fields of a row, each with its column."""
    labels = {field.name: field.label for field in fields}
    return [
        Phrase(
            "registers.import.fault",
            {"column": labels.get(error.field, error.field), "fault": error.message},
        )
        for error in errors
    ]


def counted(rows: Sequence[RowView]) -> dict[str, int]:
    """Return how many rows have each outcome."""
    return {name: sum(row.outcome == name for row in rows) for name in OUTCOMES}
