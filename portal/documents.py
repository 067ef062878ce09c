"""What a page shows, to send on: the same tables as a workbook or as an A4 document."""

import io
from collections.abc import Sequence
from datetime import datetime
from itertools import zip_longest
from typing import Any, Final
from xml.sax.saxutils import escape

import msgspec

from plugin_sdk.tables import Cell, csv_chunks, safe_text
from plugin_sdk.times import SHANGHAI

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FONT: Final = "STSong-Light"  # named, not embedded: every reader of PDF has a Song face for it
MM: Final = 72 / 25.4
SHEET_NAME: Final = 31
"""As many characters a spreadsheet allows the name of a sheet."""
WIDEST: Final = 60
"""As many digits a column of a sheet is made wide."""
LATIN: Final = "\u2e7f"
FORBIDDEN_IN_NAMES: Final = str.maketrans(dict.fromkeys("[]:*?/\\'", " "))


class Table(msgspec.Struct, frozen=True):
    """A table with its heading, as the page has it; cells are numbers, days or words. `wide`
    says of each column how much of the page it is given, `note` what a page says above it."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    wide: Sequence[int] = ()
    note: str = ""


class Part(msgspec.Struct, frozen=True):
    """A heading with the lines under it."""

    title: str
    lines: Sequence[str]


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """A title, what holds for all of it (whose, when, of what days), then parts and tables. `code`
    is an address that the page of paper carries as a QR code too."""

    title: str
    about: Sequence[str]
    parts: Sequence[Part | Table]
    code: str = ""


def csv(table: Table) -> bytes:
    """Return a table as CSV (`plugin_sdk.tables`)."""
    return b"".join(csv_chunks(table.columns, table.rows))


def workbook(document: Document) -> bytes:
    """Return a document as a workbook: what it says on the first sheet, then a sheet a table."""
    from openpyxl import Workbook
    from openpyxl.utils import get_column_letter

    book = Workbook(write_only=True)
    taken: set[str] = set()
    said = [part for part in document.parts if isinstance(part, Part)]
    if said or document.about:
        sheet = book.create_sheet(_sheet_name(document.title, taken))
        for line in (document.title, *document.about):
            sheet.append([safe_text(line)])
        for part in said:
            sheet.append([])
            sheet.append([safe_text(part.title)])
            for line in part.lines:
                sheet.append([safe_text(line)])
    for table in document.parts:
        if isinstance(table, Table):
            sheet = book.create_sheet(_sheet_name(table.title, taken))
            lines = [[_sheet_cell(cell) for cell in row] for row in (table.columns, *table.rows)]
            for number, column in enumerate(zip_longest(*lines), 1):
                width = min(WIDEST, max(map(_width, column)))
                sheet.column_dimensions[get_column_letter(number)].width = width + 2
            sheet.freeze_panes = "B2"
            for cells in lines:
                sheet.append(cells)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _width(cell: Cell) -> int:
    """Return how wide a cell is written, in digits; a sign of Chinese is as wide as two."""
    return sum(2 if sign > LATIN else 1 for sign in _written(cell))


def pdf(document: Document, *, lang: str, foot: str) -> bytes:
    """Return a document on A4: text that can be selected, the head of a table on each page, and
    on each page `foot` with its number."""
    from reportlab.lib.pagesizes import A4
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.platypus import SimpleDocTemplate

    pdfmetrics.registerFont(UnicodeCIDFont(FONT))

    def number(canvas: Any, built: Any) -> None:
        canvas.setFont(FONT, 8)
        canvas.drawString(built.leftMargin, 10 * MM, foot)
        canvas.drawRightString(A4[0] - built.rightMargin, 10 * MM, str(canvas.getPageNumber()))

    out = io.BytesIO()
    built = SimpleDocTemplate(
        out,
        pagesize=A4,
        leftMargin=18 * MM,
        rightMargin=18 * MM,
        topMargin=18 * MM,
        bottomMargin=20 * MM,
        title=document.title,
        lang=lang,
        invariant=True,
    )
    built.build(_flow(document, built.width), onFirstPage=number, onLaterPages=number)
    return out.getvalue()


def _flow(document: Document, width: float) -> list[Any]:
    from reportlab.platypus import Paragraph, Spacer

    plain, small, heading, title = (_style(size) for size in (9.5, 8, 12, 16))
    flow: list[Any] = [Paragraph(escape(document.title), title), Spacer(1, 2 * MM)]
    flow += [Paragraph(escape(line), small) for line in document.about]
    flow += [Spacer(1, 2 * MM), _qr_code(document.code)] if document.code else []
    for part in document.parts:
        flow += [Spacer(1, 5 * MM), Paragraph(escape(part.title), heading), Spacer(1, 1 * MM)]
        if isinstance(part, Part):
            flow += [Paragraph(escape(line), plain) for line in part.lines]
        else:
            flow += [Paragraph(escape(part.note), plain)] if part.note else []
            flow.append(_printed(part, width, small))
    return flow


def _qr_code(address: str) -> Any:
    """Return a QR code (ISO/IEC 18004) with error correction M, 28 mm wide."""
    from reportlab.graphics.barcode.qr import QrCodeWidget
    from reportlab.graphics.shapes import Drawing

    side = 28 * MM
    drawing = Drawing(side, side)
    drawing.add(QrCodeWidget(address, barLevel="M", barWidth=side, barHeight=side))
    return drawing


def _style(size: float) -> Any:
    from reportlab.lib.styles import ParagraphStyle

    return ParagraphStyle(
        f"of-{size}",
        fontName=FONT,
        fontSize=size,
        leading=size * 1.5,
        wordWrap="CJK",
        keepWithNext=size > 10,
    )


def _printed(table: Table, width: float, style: Any) -> Any:
    from reportlab.lib import colors
    from reportlab.platypus import LongTable, Paragraph, TableStyle

    shares = table.wide or [2, *[1] * (len(table.columns) - 1)]
    cells = [
        [Paragraph(escape(_written(cell)), style) for cell in row]
        for row in (table.columns, *table.rows)
    ]
    return LongTable(
        cells,
        colWidths=[width * share / sum(shares) for share in shares],
        repeatRows=1,
        style=TableStyle(
            [
                ("LINEBELOW", (0, 0), (-1, 0), 0.8, colors.black),
                ("LINEBELOW", (0, 1), (-1, -1), 0.3, colors.grey),
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LEFTPADDING", (0, 0), (-1, -1), 2),
                ("RIGHTPADDING", (0, 0), (-1, -1), 2),
            ]
        ),
    )


def _written(cell: Cell) -> str:
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        return "" if cell is None else str(cell)
    return f"{cell:,}" if isinstance(cell, int) else f"{cell:,.2f}".rstrip("0").rstrip(".")


def _sheet_cell(cell: Cell) -> Cell:
    if isinstance(cell, datetime):
        return cell.astimezone(SHANGHAI).replace(tzinfo=None)  # a sheet knows no zones
    return safe_text(cell) if isinstance(cell, str) else cell


def _sheet_name(title: str, taken: set[str]) -> str:
    """Return a name for a sheet that no other has."""
    plain = title.translate(FORBIDDEN_IN_NAMES).strip() or "1"
    name, n = plain[:SHEET_NAME], 2
    while name.lower() in taken:
        name = f"{plain[: SHEET_NAME - 3]} {n}"
        n += 1
    taken.add(name.lower())
    return name
