"""Files of people: what is read, and what is refused with which words."""

import io
import zipfile

import pytest

from core.identity import people_files
from core.identity.people_files import FileRefused, read_people, template
from plugin_sdk.tables import csv_chunks
from tests.core.identity.county import HEADER, as_csv, as_workbook, person

ENGLISH = ["User name", "Name", "Phone", "Organization code", "Post title"]


def faults(rows):
    return [[(fault.code, fault.params) for fault in row.faults] for row in rows]


def codes(row):
    return [fault.code for fault in row.faults]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_csv_in_each_encoding_says_the_same(encoding):
    rows = read_people("人员.csv", as_csv([person(n) for n in range(3)], encoding=encoding))
    assert [row.line for row in rows] == [2, 3, 4]
    assert rows[1].name == person(1)[1]
    assert rows[1].number == person(1)[3]
    assert faults(rows) == [[], [], []]


def test_a_workbook_says_the_same_as_the_csv():
    people = [person(n, role="probe.reader、probe.writer") for n in range(3)]
    assert read_people("a.xlsx", as_workbook(people)) == read_people("a.csv", as_csv(people))
    assert read_people("a.csv", as_csv(people))[0].roles == ("probe.reader", "probe.writer")


def test_english_headers_and_columns_beside_are_taken():
    content = as_csv([["LI", "x", "李兰", "", "U1", "岗"]], [ENGLISH[0], "other", *ENGLISH[1:]])
    (row,) = read_people("a.csv", content)
    assert (row.username, row.name, row.organization, row.title) == ("li", "李兰", "U1", "岗")


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_the_template_is_a_file_without_people(language):
    with pytest.raises(FileRefused, match="file-empty"):
        read_people("a.csv", template(language))
    header = template(language).decode("utf-8-sig").strip().split(",")
    (row,) = read_people("a.csv", b"".join(csv_chunks(header, [[*person(1)]])))
    assert row.legacy_id == person(1)[-1]


def test_what_is_twice_in_a_file_is_said_with_the_first_line():
    first, second = person(1), person(2)
    twin = [first[0].upper(), *second[1:3], first[3], *second[4:]]
    rows = read_people("a.csv", as_csv([first, second, twin]))
    assert codes(rows[2]) == ["username-twice", "number-twice", "legacy-twice"]
    assert [fault.params["line"] for fault in rows[2].faults] == [2, 2, 3]
    assert codes(rows[0]) == codes(rows[1]) == []


CELLS = {
    "a formula": ("=1+1", "formula"),
    "an at sign": ("@SUM(A1)", "formula"),
    "too long": ("名" * 101, "too-long"),
    "an invisible character": ("李\u200b兰", "control-characters"),
}


@pytest.mark.parametrize("what", CELLS)
def test_a_cell_that_cannot_be_taken_is_named(what):
    text, code = CELLS[what]
    row = person(1)
    row[1] = text
    rows = read_people("a.csv", as_csv([row, person(2)]))
    assert codes(rows[0]) == [code]
    assert codes(rows[1]) == []


def test_what_a_spreadsheet_made_of_a_cell_is_not_believed():
    row = person(1)
    row[1] = "=A1"
    row[3] = 990000196001010005  # as a number: a spreadsheet keeps 15 digits of it
    row[2] = 13800000001.0
    (read,) = read_people("a.xlsx", as_workbook([row]))
    assert faults([read]) == [[("formula", {"column": "B2"}), ("number-rounded", {"column": "D2"})]]
    assert read.phone == "13800000001"


def test_a_broken_row_is_named_and_the_next_is_read():
    content = as_csv([person(1)]) + b"a,b\r\n" + as_csv([], person(2)).removeprefix(b"\xef\xbb\xbf")
    rows = read_people("a.csv", content)
    assert [codes(row) for row in rows] == [[], ["row-columns"], []]


def bomb():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b" " * (people_files.MOST_UNPACKED + 1))
    return out.getvalue()


def with_part(name, content):
    """A workbook with one part of it replaced."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(as_workbook([person(1)]))) as old,
        zipfile.ZipFile(out, "w") as new,
    ):
        for part in old.namelist():
            new.writestr(part, content if part == name else old.read(part))
    return out.getvalue()


ENTITIES = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">
<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>
<row r="1"><c r="A1" t="inlineStr"><is><t>&b;</t></is></c></row></sheetData></worksheet>"""

REFUSED = {
    "50 MB": ("a.csv", lambda: b"x" * (50 * 1024 * 1024), "file-too-large"),
    "another kind": ("a.pdf", lambda: b"%PDF-1.7", "file-kind"),
    "an old workbook": ("a.xls", lambda: b"\xd0\xcf\x11\xe0", "file-kind"),
    "a zip bomb": ("a.xlsx", bomb, "file-bomb"),
    "half a workbook": ("a.xlsx", lambda: as_workbook([person(1)])[:3000], "file-damaged"),
    "another zip": ("a.xlsx", lambda: with_part("xl/workbook.xml", b"<x/>"), "file-damaged"),
    "entities": (
        "a.xlsx",
        lambda: with_part("xl/worksheets/sheet1.xml", ENTITIES),
        "file-damaged",
    ),
    "nothing": ("a.csv", lambda: b"", "file-empty"),
    "a header alone": ("a.csv", lambda: as_csv([]), "file-empty"),
    "utf-16": ("a.csv", lambda: as_csv([person(1)], encoding="utf-16"), "file-encoding"),
    "a column missing": ("a.csv", lambda: as_csv([["a"]], ["用户名"]), "columns-missing"),
    "a column twice": (
        "a.csv",
        lambda: as_csv([[*person(1), "x"]], [*HEADER, "Name"]),
        "columns-twice",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_file_that_is_none_is_refused(what):
    name, content, code = REFUSED[what]
    with pytest.raises(FileRefused) as refused:
        read_people(name, content())
    assert refused.value.code == code


def test_too_many_rows_are_refused(monkeypatch):
    monkeypatch.setattr(people_files, "MOST_ROWS", 3)
    for name, make in (("a.csv", as_csv), ("a.xlsx", as_workbook)):
        with pytest.raises(FileRefused, match="file-too-many-rows"):
            read_people(name, make([person(n) for n in range(9)]))
