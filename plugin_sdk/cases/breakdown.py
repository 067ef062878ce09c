"""The figures of cases by unit, by place, by kind: pages, and the same as CSV, XLSX and PDF.

Where fewer than five people rated, nothing is said of their ratings, nor of those from which,
with the ratings of all, theirs would be known by subtraction.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from plugin_sdk import documents
from plugin_sdk.cases.counting import CaseCounting
from plugin_sdk.cases.rollup import Sums, sums
from plugin_sdk.cases.suppression import left_out
from plugin_sdk.deadlines import local_day
from plugin_sdk.documents import Document, Table
from plugin_sdk.figures import Day, period_of, window
from plugin_sdk.ports import Actor, Answer, Hub, Read
from plugin_sdk.routes import actor_of, needs, respond
from plugin_sdk.views import ActionView, ChartView, FiguresView, FigureTable, Phrase, Words

DRAWN: Final = 12
"""Of so many values a chart is drawn; the table has all."""
COLUMNS: Final = (
    "opened",
    "response",
    "resolved",
    "resolution",
    "resolution_p90",
    "due",
    "on_time",
    "rated",
    "satisfied",
)
TIMED: Final = ("response_calendar", "resolution_working")
"""The histograms that the columns are made of."""
FILES: Final = {"csv": "text/csv", "xlsx": documents.XLSX, "pdf": "application/pdf"}

Names = Callable[[Sequence[str]], Awaitable[Mapping[str, Words]]]


class Dimension(msgspec.Struct, frozen=True, kw_only=True):
    """By what figures are told apart: a key of `CaseRow.dimensions` (or `unit`), what its page and
    its column are called, and its values (one without a name is shown as it is)."""

    key: str
    label: Phrase
    column: Phrase
    names: Names


class Line(msgspec.Struct, frozen=True):
    """The figures of one value; times in days, None where nothing is known or shown."""

    name: Words
    opened: int
    response: float | None
    resolved: int
    resolution: float | None
    resolution_p90: float | None
    due: int
    on_time: float | None
    rated: int | None
    satisfied: float | None


def line_of(name: Words, one: Sums, *, few: bool) -> Line:
    """Return the figures of a value as they are shown."""
    counts = one.counts
    return Line(
        name=name,
        opened=counts["opened"],
        response=_short(one.time("response_calendar", 0.5)),
        resolved=counts["resolved"],
        resolution=_short(one.time("resolution_working", 0.5)),
        resolution_p90=_short(one.time("resolution_working", 0.9)),
        due=counts["due"],
        on_time=_share(counts["on_time"], counts["due"]),
        rated=None if few else one.rated,
        satisfied=None if few else _share(one.satisfied, one.rated),
    )


def _short(days: float | None) -> float | None:
    return None if days is None else round(days, 1)


def _share(n: int, of: int) -> float | None:
    return round(100 * n / of, 1) if of else None


class Breakdown:
    """The figures of a flow by the dimensions that an app names, at `at` and below; of `more`
    pages the app itself returns the view and the table."""

    def __init__(
        self,
        counting: CaseCounting,
        permission: str,
        dimensions: Sequence[Dimension],
        *,
        name: str,
        at: str = "/figures",
        more: Sequence[tuple[str, Phrase]] = (),
    ) -> None:
        self.hub: Hub = counting.hub
        self.counting = counting
        self.permission = permission
        self.dimensions = {one.key: one for one in dimensions}
        self.name = name
        self.at = at
        self.here = f"/apps/{self.hub.app}{at}"
        self._more = more

    def links(self, shown: str, since: date, until: date) -> list[ActionView]:
        """Return the other pages of the same period; `shown` is the one that is open."""
        pages = [("", Phrase("case.figure.all"))]
        pages += [(f"/{one.key}", one.label) for one in self.dimensions.values()]
        pages += [(f"/{key}", label) for key, label in self._more]
        asked = urlencode({"since": since, "until": until})
        return [
            ActionView(
                verb="see",
                label=label,
                href=f"{self.here}{path}?{asked}",
                primary=path == (f"/{shown}" if shown else ""),
            )
            for path, label in pages
        ]

    def files(self, key: str, since: date, until: date) -> list[ActionView]:
        """Return the files of a page; what has no dimension is all of them at once."""
        asked = urlencode({"since": since, "until": until})
        path = f"{self.here}/{key}" if key else self.here
        return [
            ActionView(verb=kind, label=kind.upper(), href=f"{path}.{kind}?{asked}")
            for kind in FILES
            if key or kind != "csv"
        ]

    async def frame(self, read: Read, view: FiguresView, key: str) -> None:
        """Set what every page of these figures has: the other pages, the files, what waits."""
        view.links = self.links(key, view.since, view.until)
        view.files = self.files(key, view.since, view.until)
        waiting = await self.counting.waiting(read)
        if waiting:
            view.note = Phrase("case.figure.waiting", {"n": waiting})

    async def lines(self, read: Read, key: str, since: date, until: date) -> list[Line]:
        """Return the figures by the values of a dimension, those with the most cases first."""
        figures = self.counting.figures
        found = await sums(figures, read, key, since, until, self.permission, times=TIMED)
        names = await self.dimensions[key].names([value for value in found if value])
        few = left_out({value: one.rated for value, one in found.items()})
        nothing = Phrase("case.figure.unsaid")
        lines = [
            line_of(names.get(value, value) if value else nothing, one, few=value in few)
            for value, one in found.items()
        ]
        return sorted(lines, key=lambda line: (-line.opened, -line.resolved, str(line.name)))

    async def view(self, read: Read, key: str, since: date, until: date) -> FiguresView:
        """Return the page of a dimension."""
        lines = await self.lines(read, key, since, until)
        shown = FiguresView(
            title=Phrase("case.figure.title"),
            since=since,
            until=until,
            cards=[],
            charts=self._charts(key, lines) if lines else [],
            tables=[self._table(key, lines)] if lines else [],
        )
        await self.frame(read, shown, key)
        return shown

    async def table(self, read: Read, key: str, since: date, until: date) -> FigureTable:
        """Return the table of a dimension, as its files have it."""
        return self._table(key, await self.lines(read, key, since, until))

    def _table(self, key: str, lines: Sequence[Line]) -> FigureTable:
        return FigureTable(
            title=self.dimensions[key].label,
            note=Phrase("case.figure.by.note"),
            columns=[
                self.dimensions[key].column,
                *(Phrase(f"case.figure.by.{name}") for name in COLUMNS),
            ],
            rows=[[line.name, *(getattr(line, name) for name in COLUMNS)] for line in lines],
        )

    def _charts(self, key: str, lines: Sequence[Line]) -> list[ChartView]:
        drawn = lines[:DRAWN]

        def chart(name: str, unit: str, *columns: str) -> ChartView:
            return ChartView(
                kind="bars",
                title=Phrase(f"case.figure.chart.{name}"),
                sentence=Phrase("case.figure.chart.most", {"n": len(drawn), "of": len(lines)}),
                columns=[
                    self.dimensions[key].column,
                    *(Phrase(f"case.figure.by.{column}") for column in columns),
                ],
                rows=[[line.name, *(getattr(line, c) for c in columns)] for line in drawn],
                unit=unit,
            )

        return [
            chart("cases", "count", "opened", "resolved"),
            chart("shares", "percent", "on_time", "satisfied"),
            chart("times", "working_days", "resolution", "resolution_p90"),
        ]

    async def _tables(
        self, read: Read, keys: Sequence[str], since: date, until: date, language: str
    ) -> list[Table]:
        def say(words: Any) -> Any:
            return self.hub.pages.say(words, language) if isinstance(words, Phrase) else words

        tables = []
        for key in keys:
            table = await self.table(read, key, since, until)
            tables.append(
                Table(
                    say(table.title),
                    [say(column) for column in table.columns],
                    [[say(cell) for cell in row] for row in table.rows],
                    wide=(4, *[2] * (len(table.columns) - 1)),
                    note=say(table.note),
                )
            )
        return tables

    def routes(self) -> list[HTTPRouteHandler]:
        """Return the pages and files of every dimension and of more, and the files of all."""
        keys = [*self.dimensions, *(key for key, _ in self._more)]
        found = [self._page(key) for key in keys]
        found += [self._file(key, kind) for key in keys for kind in FILES]
        return [*found, *(self._file("", kind) for kind in FILES if kind != "csv")]

    def _page(self, key: str) -> HTTPRouteHandler:
        @get(
            f"{self.at}/{key}",
            opt=needs(self.permission),
            operation_id=f"{self.name}-figures-{key}",
        )
        async def show(
            request: Request[Any, Any, Any], since: Day = "", until: Day = ""
        ) -> Response[Any]:
            """Show the figures of a period on one of the pages."""
            first, last = self._period(since, until)
            async with self.hub.read(actor_of(request)) as read:
                view = await self.view(read, key, first, last)
            return await respond(self.hub, request, Answer(view=view))

        return show

    def _file(self, key: str, kind: str) -> HTTPRouteHandler:
        path = f"{self.at}/{key}.{kind}" if key else f"{self.at}.{kind}"
        operation = f"{self.name}-figures-{key or 'all'}-{kind}"

        @get(path, opt=needs(self.permission), operation_id=operation)
        async def send(
            request: Request[Any, Any, Any], since: Day = "", until: Day = ""
        ) -> Response[bytes]:
            """Send the figures of a period as a file."""
            first, last = self._period(since, until)
            actor: Actor = actor_of(request)
            keys = [key] if key else list(self.dimensions)
            say = self.hub.pages.say
            about = [say(window(first, last), actor.language)]
            async with self.hub.read(actor) as read:
                tables = await self._tables(read, keys, first, last, actor.language)
                if waiting := await self.counting.waiting(read):
                    said = Phrase("case.figure.waiting", {"n": waiting})
                    about.append(say(said, actor.language))
            title = say(Phrase("case.figure.title"), actor.language)
            document = Document(title=title, about=about, parts=tables)
            content = await asyncio.to_thread(_written, document, tables, kind, actor.language)
            name = f"{self.hub.app}-{key or 'figures'}-{first:%Y%m%d}-{last:%Y%m%d}.{kind}"
            return Response(
                content,
                media_type=FILES[kind],
                headers={
                    "Content-Disposition": f'attachment; filename="{name}"',
                    "Cache-Control": "no-store",
                },
            )

        return send

    def _period(self, since: str, until: str) -> tuple[date, date]:
        return period_of(since, until, local_day(self.hub.now()))


def _written(document: Document, tables: Sequence[Table], kind: str, language: str) -> bytes:
    if kind == "csv":
        return documents.csv(tables[0])
    if kind == "xlsx":
        return documents.workbook(document)
    return documents.pdf(document, lang=language, foot=document.title)


def units_named(hub: Hub) -> Names:
    """Return what names units and places: by the directory."""

    async def names(values: Sequence[str]) -> Mapping[str, Words]:
        found = await hub.directory.names([UUID(value) for value in values])
        return {str(id): name for id, name in found.items()}

    return names


async def as_they_are(values: Sequence[str]) -> Mapping[str, Words]:
    """Return nothing: the values are names."""
    return {}
