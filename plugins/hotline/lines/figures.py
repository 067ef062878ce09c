"""The use of each line: calls and orders by line and month, and what still comes to a number that
was closed."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final

import msgspec

from plugin_sdk.cases.rollup import openings
from plugin_sdk.deadlines import local_day
from plugin_sdk.figures import LONGEST_PERIOD, window
from plugin_sdk.ports import Read
from plugin_sdk.problems import AppConflict
from plugin_sdk.times import last_of_month
from plugin_sdk.views import ChartView, FigureCard, FiguresView, Phrase, Words
from plugins.hotline.counts import CALLS, counted
from plugins.hotline.lines.models import Line
from plugins.hotline.lines.register import READ, STAGES, names, stage_of
from plugins.hotline.models import Order

MOST_MONTHS: Final = 36
OWN: Final = None
"""Of a call or an order that came by none of the old lines."""
Counts = dict[tuple[str | None, str], int]


class Use(msgspec.Struct, frozen=True):
    """Calls in and orders, by line and month (`2026-11`)."""

    months: list[str]
    calls: Counts
    orders: Counts

    def of(self, line: str | None) -> tuple[int, int]:
        """Return the calls and the orders of a line."""
        return (
            sum(n for (by, _), n in self.calls.items() if by == line),
            sum(n for (by, _), n in self.orders.items() if by == line),
        )

    def lines(self) -> list[str | None]:
        """Return the lines that were used, by calls and orders, most first."""
        used = {line for line, _ in (*self.calls, *self.orders)}
        return sorted(used, key=lambda line: (-sum(self.of(line)), line or ""))


def months_of(first: date, last: date) -> list[str]:
    """Return the months that two days lie in and between. Raises `AppConflict` for more than
    three years of them."""
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    if count > MOST_MONTHS:
        raise AppConflict("hotline", "line-months", limit=MOST_MONTHS)
    found = [(first.month - 1 + n, first.year) for n in range(count)]
    return [f"{year + month // 12}-{month % 12 + 1:02}" for month, year in found]


async def use(read: Read, months: list[str], line: str | None = None) -> Use:
    """Return the use of whole months within scope, of every line or of one."""
    since, until = _day(months[0]), last_of_month(_day(months[-1]))
    called = await counted(read, CALLS, since, until, "value", "since", value=line, permission=READ)
    calls: Counts = {}
    for (by, day), n in called.items():
        at = (by or OWN, f"{day:%Y-%m}")
        calls[at] = calls.get(at, 0) + n
    opened = await openings(Order.figures, read, "line", since, until, READ)
    orders = {(by or OWN, at): n for (by, at), n in opened.items() if line in (None, by)}
    return Use(months, calls, orders)


async def after_closing(read: Read, line: Line) -> int:
    """Return how many calls came to a number after its last day, in as many years as figures are
    shown of."""
    today = local_day(read.now)
    if line.ends_on is None or line.ends_on >= today:
        return 0
    since = max(line.ends_on, today - LONGEST_PERIOD) + timedelta(days=1)
    found = await counted(read, CALLS, since, today, value=line.code, permission=READ)
    return sum(found.values())


def by_month(used: Use) -> ChartView:
    """Return calls and orders month by month."""
    rows: list[list[Any]] = []
    for month in used.months:
        calls = sum(n for (_, at), n in used.calls.items() if at == month)
        orders = sum(n for (_, at), n in used.orders.items() if at == month)
        rows.append([month, calls, orders])
    most = max(rows, key=lambda row: row[1] + row[2], default=["", 0, 0])
    said = _words("by_month_none")
    if most[1] or most[2]:
        said = _words("by_month_sentence", month=most[0], calls=most[1], orders=most[2])
    return ChartView(
        kind="line",
        title=_words("by_month"),
        sentence=said,
        columns=[_words("month"), _words("calls"), _words("orders")],
        rows=rows,
    )


def _by_line(used: Use, called: Mapping[str | None, Words]) -> ChartView:
    rows = [[called.get(line, line or ""), *used.of(line)] for line in used.lines()]
    rows = rows or [[called[OWN], 0, 0]]
    return ChartView(
        kind="bars",
        title=_words("by_line"),
        sentence=_words("by_line_sentence", n=sum(1 for row in rows if row[1] or row[2])),
        columns=[_words("line"), _words("calls"), _words("orders")],
        rows=[[*row] for row in rows],
    )


async def figures_view(read: Read, first: date, last: date) -> FiguresView:
    """Return the use of the lines in the months of a period."""
    months = months_of(first, last)
    used = await use(read, months)
    called: dict[str | None, Words] = {OWN: Phrase("hotline.line.own")}
    called.update(await names(read))
    today = local_day(read.now)
    known = list((await read.session.execute(read.rows(Line, permission=READ))).scalars())
    stages = [stage_of(line, today) for line in known]
    since, until = _day(months[0]), last_of_month(_day(months[-1]))
    cards = [
        FigureCard(
            label=_words(f"{stage}.label"), what=_words(f"{stage}.what"), value=stages.count(stage)
        )
        for stage in STAGES
    ]
    for name, counts in (("calls", used.calls), ("orders", used.orders)):
        by = Phrase(f"hotline.line.figures.{name}_what")
        value = sum(counts.values())
        cards.append(
            FigureCard(label=_words(name), what=by, value=value, window=window(since, until))
        )
    return FiguresView(
        title=_words("title"),
        since=since,
        until=until,
        cards=cards,
        charts=[by_month(used), _by_line(used, called)],
    )


def _words(name: str, **params: Any) -> Phrase:
    return Phrase(f"hotline.line.figures.{name}", params)


def _day(month: str) -> date:
    return date.fromisoformat(f"{month}-01")
