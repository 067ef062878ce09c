"""The dossiers of apps: the page, and the same as a file; for governance staff and owners."""

import asyncio
from typing import Any

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from plugin_sdk.documents import pdf, workbook
from plugin_sdk.routes import needs
from plugin_sdk.views import Phrase
from portal.pages.context import AnyRequest, Portal
from portal.pages.governance.dossier import FILES, DossierView, dossier
from portal.pages.governance.dossier_files import document
from portal.pages.governance.files import PDF, XLSX, file
from portal.pages.governance.lists import PAGES, check_whole


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""
    return [route for base in PAGES for route in _routes(portal, base)]


def _routes(portal: Portal, base: str) -> list[HTTPRouteHandler]:
    address, name = f"{base}/apps/{{app:str}}", base.strip("/")

    async def read(request: AnyRequest, app: str, since: str, until: str) -> DossierView:
        async with portal.read() as tx:
            check_whole(tx, request, base)
            return await dossier(portal, request, tx, app, (since, until), base)

    @get(address, opt=needs("usage.read"), operation_id=f"dossier-{name}")
    async def show(
        request: AnyRequest,
        app: FromPath[str],
        since: FromQuery[str] = "",
        until: FromQuery[str] = "",
    ) -> Response[Any]:
        """Show everything that is known of an app, of the days asked for."""
        view = await read(request, app, since, until)
        title = portal.renderer.text(request.scope, Phrase("text", {"text": view.name}))
        return await portal.show(request, view.template, title, view)

    def exported(kind: str) -> HTTPRouteHandler:
        @get(
            f"{address}/dossier.{kind}",
            opt=needs("usage.read"),
            operation_id=f"export-dossier-{name}-{kind}",
        )
        async def export(
            request: AnyRequest,
            app: FromPath[str],
            since: FromQuery[str] = "",
            until: FromQuery[str] = "",
        ) -> Response[bytes]:
            """Export a dossier as the page shows it."""
            view = await read(request, app, since, until)
            return await _sent(portal, request, view, kind)

        return export

    return [show, *(exported(kind) for kind in FILES)]


async def _sent(
    portal: Portal, request: AnyRequest, view: DossierView, kind: str
) -> Response[bytes]:
    language = portal.renderer.language(request.scope)

    def say(words: Any) -> str:
        return portal.renderer.catalogue.shown(language, words)

    made = document(view, say, language)
    name = f"{view.app}.{kind}"
    if kind == "xlsx":
        return file(await asyncio.to_thread(workbook, made), XLSX, name)
    foot = f"{say(Phrase('frame.system'))} · {made.title}"
    return file(await asyncio.to_thread(pdf, made, lang=language, foot=foot), PDF, name)
