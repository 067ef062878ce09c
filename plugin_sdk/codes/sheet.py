"""Codes to print: an A4 sheet as PDF, one, four or eight to a page (docs/adr/0022)."""

import io
from collections.abc import Sequence
from typing import Any, Final

import msgspec
import segno

FONT: Final = "STSong-Light"  # named, not embedded: every reader of PDF has a Song face for it
WIDTH, HEIGHT = 595.276, 841.89  # A4 in points
MM: Final = 72 / 25.4
MARGIN: Final = 12 * MM
LAYOUTS: Final = {1: (1, 1), 4: (2, 2), 8: (2, 4)}
QUIET: Final = 4  # modules (ISO/IEC 18004)
LEAST: Final = 30 * MM


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """What stands on one card: whose code, what it opens, its address in words."""

    name: str
    place: str
    said: str
    address: str
    code: str


def sheet_pdf(cards: Sequence[Sheet], *, up: int, title: str) -> bytes:
    """Return a PDF of the cards, `up` (1, 4 or 8) to a page; the text can be selected.

    Each code has error correction M, a quiet zone of four modules and at least 30 mm.
    """
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.pdfgen.canvas import Canvas

    pdfmetrics.registerFont(UnicodeCIDFont(FONT))
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(WIDTH, HEIGHT), invariant=True, lang="zh-CN")
    canvas.setTitle(title)
    columns, rows = LAYOUTS[up]
    wide = (WIDTH - 2 * MARGIN) / columns
    high = (HEIGHT - 2 * MARGIN) / rows
    for n, card in enumerate(cards):
        place = n % up
        if n and not place:
            canvas.showPage()
        left = MARGIN + (place % columns) * wide
        top = HEIGHT - MARGIN - (place // columns) * high
        _card(canvas, card, left, top, wide, high)
    canvas.showPage()
    canvas.save()
    return out.getvalue()


def _card(canvas: Any, card: Sheet, left: float, top: float, wide: float, high: float) -> None:
    canvas.setStrokeGray(0.6)
    canvas.setLineWidth(0.4)
    canvas.rect(left, top - high, wide, high)
    unit = min(wide / 14, high / 11)
    middle = left + wide / 2
    _line(canvas, card.name, middle, top - 1.3 * unit, min(unit * 0.95, 30), wide)
    _line(canvas, card.place, middle, top - 2.1 * unit, min(unit * 0.6, 18), wide)
    modules = tuple(segno.make(card.address, error="m", micro=False).matrix)
    least = LEAST * (len(modules) + 2 * QUIET) / len(modules)
    size = max(least, min(wide * 0.7, high - 4.9 * unit))
    foot = top - high
    head, low = top - 2.4 * unit, foot + 2.5 * unit  # between the names and the lines below
    _code(canvas, modules, middle - size / 2, (head + low - size) / 2, size)
    spaced = f"{card.code[:4]} {card.code[4:]}".strip()
    _line(canvas, spaced, middle, foot + 1.95 * unit, min(unit * 0.65, 24), wide)
    _line(canvas, card.said, middle, foot + 1.2 * unit, min(unit * 0.55, 16), wide)
    _line(canvas, card.address, middle, foot + 0.5 * unit, min(unit * 0.45, 12), wide)


def _line(canvas: Any, text: str, middle: float, y: float, size: float, wide: float) -> None:
    """Write a line about its middle, smaller where it would not fit."""
    from reportlab.pdfbase.pdfmetrics import stringWidth

    needed = stringWidth(text, FONT, size)
    size = size if needed <= wide * 0.92 else size * wide * 0.92 / needed
    canvas.setFont(FONT, size)
    canvas.setFillGray(0)
    canvas.drawCentredString(middle, y, text)


def _code(canvas: Any, modules: tuple[Any, ...], left: float, bottom: float, size: float) -> None:
    step = size / (len(modules) + 2 * QUIET)
    canvas.setFillGray(0)
    path = canvas.beginPath()
    for y, row in enumerate(modules):
        for x, dark in enumerate(row):
            if dark:
                path.rect(
                    left + (x + QUIET) * step,
                    bottom + size - (y + QUIET + 1) * step,
                    step,
                    step,
                )
    canvas.drawPath(path, stroke=0, fill=1)
