"""The reports of governance: apps, public accounts, work groups. Every figure leads to exactly the
rows that it counts."""

import asyncio
from typing import Any, ClassVar, Final

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery

from core.database import Transaction
from core.governance.oversight import figures as kept
from core.governance.reports import AppLine, Figure, Period, app_figures, app_lines, counted
from core.identity import organizations
from plugin_sdk.deadlines import local_day
from plugin_sdk.documents import Document, Part, Table, pdf, workbook
from plugin_sdk.ports import Actor
from plugin_sdk.routes import actor_of, needs
from plugin_sdk.tables import Cell
from plugin_sdk.views import ChartView, FilterView, Phrase, View
from portal import formats
from portal.pages.admin.reach import need_everything
from portal.pages.context import AnyRequest, Portal
from portal.pages.governance.files import PDF, XLSX, file
from portal.pages.governance.register import OVERSIGHT, app_table, period_of

HERE: Final = "/governance/reports"
REGISTERS: Final = ("app", "account", "group")
COLUMNS: Final = ("code", "name", "unit", "starts_on", "ends_on")


class FigureView(msgspec.Struct, frozen=True, kw_only=True):
    """A figure with what it counts, and where the rows are."""

    key: str
    label: Phrase
    what: Phrase
    when: Phrase
    n: int
    href: str


class PartView(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one register, and the chart of those that are of the days asked for."""

    label: Phrase
    figures: list[FigureView]
    chart: ChartView | None


class ReportView(View, kw_only=True):
    """The figures of some days."""

    template: ClassVar[str] = "governance_reports.html"
    title: Phrase
    said: Phrase
    parts: list[PartView]
    unseen: Phrase | None
    filters: list[FilterView]
    action: str
    exports: dict[str, str]


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""

    async def read(request: AnyRequest, since: str, until: str) -> tuple[Period, list[AppLine]]:
        async with portal.read() as tx:
            need_everything(tx, request)
            return await lines_of(portal.governance, tx, since, until)

    @get(HERE, opt=needs("usage.read"), operation_id="governance-reports")
    async def show(
        request: AnyRequest, since: FromQuery[str] = "", until: FromQuery[str] = ""
    ) -> Response[Any]:
        """Show the figures of some days: this year's until today, unless others are asked for."""
        period, lines = await read(request, since, until)
        found = await figures_of(portal.apps.hubs, actor_of(request), lines, period)
        view = view_of(found, period)
        return await portal.show(request, view.template, view.title.key, view)

    def exported(kind: str) -> HTTPRouteHandler:
        @get(f"{HERE}.{kind}", opt=needs("usage.read"), operation_id=f"export-reports-{kind}")
        async def export(
            request: AnyRequest, since: FromQuery[str] = "", until: FromQuery[str] = ""
        ) -> Response[bytes]:
            """Export the figures; the workbook with the rows that each counts."""
            period, lines = await read(request, since, until)
            found = await figures_of(portal.apps.hubs, actor_of(request), lines, period)
            name = f"report-{period.since:%Y%m%d}-{period.until:%Y%m%d}.{kind}"
            made = _document(portal, request, found, period)
            if kind == "pdf":
                language = portal.renderer.language(request.scope)
                foot = f"{portal.renderer.say(Phrase('frame.system'), language)} · {made.title}"
                content = await asyncio.to_thread(pdf, made, lang=language, foot=foot)
                return file(content, PDF, name)
            rows = await _rows(portal, request, found, lines, period)
            made = msgspec.structs.replace(made, parts=(*made.parts, *rows))
            return file(await asyncio.to_thread(workbook, made), XLSX, name)

        return export

    return [show, *(exported(kind) for kind in ("xlsx", "pdf"))]


async def lines_of(
    governance: Any, tx: Transaction, since: str, until: str
) -> tuple[Period, list[AppLine]]:
    """Return the days of a report and the apps of the register. Raises `Problem` (422)."""
    period = period_of(since, until, local_day(tx.now))
    return period, await app_lines(tx, (await governance.register(tx)).values())


async def figures_of(hubs: Any, actor: Actor, lines: list[AppLine], period: Period) -> list[Figure]:
    """Return the figures that an actor may see: of accounts and groups those in their sight."""
    found = app_figures(lines, period)
    hub = hubs.get(OVERSIGHT)
    return found if hub is None else found + await kept.figures(hub, actor, period)


def label_of(figure: Figure) -> Phrase:
    """Return what a figure is called."""
    return Phrase(f"report.{figure.register}.{figure.key}")


def view_of(found: list[Figure], period: Period) -> ReportView:
    """Return the page of the figures of some days."""
    days = {"since": str(period.since), "until": str(period.until)}
    present = {figure.register for figure in found}
    return ReportView(
        title=Phrase("page.governance.reports"),
        said=Phrase("report.said", {"since": period.since, "until": period.until}),
        parts=[
            _part(register, [figure for figure in found if figure.register == register])
            for register in REGISTERS
            if register in present
        ],
        unseen=None if len(present) == len(REGISTERS) else Phrase("report.unseen"),
        filters=[
            FilterView(name=name, label=Phrase(f"report.{name}"), options=[], value=value)
            for name, value in days.items()
        ],
        action=HERE,
        exports={
            kind: f"{HERE}.{kind}?since={days['since']}&until={days['until']}"
            for kind in ("xlsx", "pdf")
        },
    )


def _part(register: str, found: list[Figure]) -> PartView:
    dated = [figure for figure in found if figure.dated]
    label = Phrase(f"report.of.{register}")
    chart = ChartView(
        kind="bars",
        title=Phrase("report.chart", {"register": label}),
        sentence=Phrase("report.chart_sentence", {"n": sum(figure.n for figure in dated)}),
        columns=[Phrase("report.figure"), Phrase("report.n")],
        rows=[[label_of(figure), figure.n] for figure in dated],
    )
    return PartView(
        label=label,
        figures=[
            FigureView(
                key=figure.key,
                label=label_of(figure),
                what=Phrase(f"report.what.{figure.register}.{figure.key}"),
                when=_when(figure),
                n=figure.n,
                href=figure.href,
            )
            for figure in found
        ],
        chart=chart if register == "group" and any(figure.n for figure in dated) else None,
    )


def _when(figure: Figure) -> Phrase:
    return Phrase("report.in_period" if figure.dated else "report.today")


def _document(portal: Portal, request: AnyRequest, found: list[Figure], period: Period) -> Document:
    def say(words: Any) -> str:
        return portal.renderer.text(request.scope, words)

    def table(register: str) -> Table:
        return Table(
            say(Phrase(f"report.of.{register}")),
            [say(Phrase(f"report.{name}")) for name in ("figure", "n", "when", "definition")],
            [
                [
                    say(label_of(figure)),
                    figure.n,
                    say(_when(figure)),
                    say(Phrase(f"report.what.{figure.register}.{figure.key}")),
                ]
                for figure in found
                if figure.register == register
            ],
            wide=(3, 1, 2, 7),
        )

    present = {figure.register for figure in found}
    now = formats.moment(portal.services.database.clock(), portal.renderer.language(request.scope))
    said = Phrase("report.said", {"since": period.since, "until": period.until})
    note = Part(say(Phrase("report.definition")), [say(Phrase("report.note"))])
    return Document(
        title=say(Phrase("page.governance.reports")),
        about=(say(said), say(Phrase("report.made", {"at": now}))),
        parts=(note, *(table(register) for register in REGISTERS if register in present)),
    )


async def _rows(
    portal: Portal,
    request: AnyRequest,
    found: list[Figure],
    lines: list[AppLine],
    period: Period,
) -> list[Table]:
    """Return the rows that each figure counts: a sheet a figure."""
    tables = []
    for figure in found:
        title = portal.renderer.text(request.scope, label_of(figure))
        if figure.register == "app":
            table = app_table(portal, request, counted(lines, figure.key, period))
            tables.append(msgspec.structs.replace(table, title=title))
        else:
            tables.append(await _records(portal, request, figure, period, title))
    return tables


async def _records(
    portal: Portal, request: AnyRequest, figure: Figure, period: Period, title: str
) -> Table:
    hub = portal.apps.hubs[OVERSIGHT]
    records = await kept.counted(hub, actor_of(request), figure, period)
    async with portal.read() as tx:
        names = await organizations.names(tx, [record.organization_id for record in records])

    def cells(record: Any) -> list[Cell]:
        unit = names.get(record.organization_id, "")
        return [record.code, record.name, unit, record.starts_on, record.ends_on]

    return Table(
        title,
        [
            portal.renderer.text(request.scope, Phrase(f"registers.column.{name}"))
            for name in COLUMNS
        ],
        [cells(record) for record in records],
    )
