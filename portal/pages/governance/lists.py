"""The lists of apps: of the whole hub for governance staff, of their own for owners."""

from typing import Any

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery

from core.database import Transaction
from core.governance.measured import share
from core.usage.measures import Measure
from plugin_sdk.documents import Document, Table, csv, workbook
from plugin_sdk.routes import needs
from plugin_sdk.tables import Cell
from plugin_sdk.views import Phrase
from portal import formats
from portal.pages.admin.reach import need_everything
from portal.pages.context import AnyRequest, Portal
from portal.pages.governance.files import CSV, XLSX, file
from portal.pages.governance.portfolio import Asked, choose, months_of, portfolio, rows_of
from portal.pages.governance.reviews import notices

PAGES = {"/governance": "portfolio.html", "/owner": "owner.html"}


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""
    return [route for base in PAGES for route in (_page(portal, base), *_files(portal, base))]


def check_whole(tx: Transaction, request: AnyRequest, base: str) -> None:
    """Raise `Denied` unless who asks for the pages of governance staff reaches every app."""
    if base == "/governance":
        need_everything(tx, request)


def _page(portal: Portal, base: str) -> HTTPRouteHandler:
    @get(base, opt=needs("usage.read"), operation_id=f"apps-of{base.replace('/', '-')}")
    async def apps(
        request: AnyRequest,
        month: FromQuery[str] = "",
        finding: FromQuery[str] = "",
        owner: FromQuery[str] = "",
        stage: FromQuery[str] = "",
        q: FromQuery[str] = "",
        cursor: FromQuery[str] = "",
    ) -> Response[Any]:
        """Show the apps that one governs or answers for, those with findings first."""
        asked = Asked(month=month, finding=finding, owner=owner, stage=stage, q=q)
        async with portal.read() as tx:
            check_whole(tx, request, base)
            view = await portfolio(portal, request, tx, asked, cursor, base)
        if base == "/owner":
            view.notices = await notices(portal, request)
        return await portal.show(request, PAGES[base], view.title.key, view)

    return apps


def _files(portal: Portal, base: str) -> list[HTTPRouteHandler]:
    def exported(kind: str) -> HTTPRouteHandler:
        name = f"export-apps-of{base.replace('/', '-')}-{kind}"

        @get(f"{base}.{kind}", opt=needs("usage.read"), operation_id=name)
        async def export(
            request: AnyRequest,
            month: FromQuery[str] = "",
            finding: FromQuery[str] = "",
            owner: FromQuery[str] = "",
            stage: FromQuery[str] = "",
            q: FromQuery[str] = "",
        ) -> Response[bytes]:
            """Export the apps that were asked for, with thirteen months of effects."""
            asked = Asked(month=month, finding=finding, owner=owner, stage=stage, q=q)
            async with portal.read() as tx:
                check_whole(tx, request, base)
                table = await _table(portal, request, tx, asked, base)
            if kind == "csv":
                return file(csv(table), CSV, "apps.csv")
            book = workbook(Document(title=table.title, about=(), parts=(table,)))
            return file(book, XLSX, "apps.xlsx")

        return export

    return [exported(kind) for kind in ("xlsx", "csv")]


async def _table(
    portal: Portal, request: AnyRequest, tx: Transaction, asked: Asked, base: str
) -> Table:
    """Return the whole list as a table; what is not known is said in words, as on the page."""
    language = portal.renderer.language(request.scope)

    def say(words: Any) -> str:
        return portal.renderer.catalogue.shown(language, words)

    def counted(effects: int | None) -> Cell:
        return formats.unknown(language) if effects is None else effects

    chosen = await choose(portal, request, tx, asked)
    rows = await rows_of(tx, chosen, chosen.apps, base)
    columns = [
        *("page.figures.app", "page.governance.owner", "page.governance.state"),
        *("page.governance.findings", "page.governance.reach_percent", "page.governance.reach_n"),
    ]
    comma = say(Phrase("ui.list_comma"))
    return Table(
        say(Phrase("page.governance.portfolio" if base == "/governance" else "page.owner.apps")),
        [
            *(say(Phrase(key)) for key in columns),
            *(
                say(Phrase("page.governance.effects_of", {"month": str(month)}))
                for month in months_of(chosen.month)
            ),
        ],
        [
            [
                say(row.name),
                row.owner,
                say(row.state_label),
                comma.join(say(finding.label) for finding in row.findings),
                reached(row.reach, language),
                row.reach.n if row.reach and row.reach.value is not None else None,
                *(counted(effects) for effects in row.spark),
            ]
            for row in rows
        ],
    )


def reached(measure: Measure | None, language: str) -> Cell:
    """Return a measure as a cell: its value, or in words why there is none."""
    if measure is None or measure.state == "unknown":
        return formats.unknown(language)
    if measure.state == "few":
        return formats.suppressed(language)
    if measure.state == "not_applicable":
        return formats.not_applicable(language)
    return share(measure)
