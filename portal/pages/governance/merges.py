"""The routes of merges: the proof as a page and as a file, and looking whether it holds."""

import asyncio
from typing import Any

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from plugin_sdk.documents import pdf, workbook
from plugin_sdk.forms import field_views, read_form
from plugin_sdk.routes import actor_of, needs
from plugin_sdk.views import FieldView, Option, Phrase
from portal.pages.context import AnyRequest, Portal
from portal.pages.governance.files import PDF, XLSX, file
from portal.pages.governance.merge import Case, MergeView, case_of, merge
from portal.pages.governance.merge_acts import HERE, MAY, acts, candidates, home, open_case
from portal.pages.governance.merge_checks import check, compare
from portal.pages.governance.merge_files import document
from portal.pages.governance.merge_forms import ChooseForm
from portal.pages.session import Nothing


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""

    async def read(request: AnyRequest, app: str) -> MergeView:
        may = portal.may(actor_of(request), MAY, everywhere=True)
        async with portal.read() as tx:
            case = await case_of(portal, request, tx, app)
            choose = _choose(portal, case) if may else []
            return await merge(portal, tx, case, acts=may, choose=choose)

    @get(HERE, opt=needs("usage.read"), operation_id="merge")
    async def show(request: AnyRequest, app: FromPath[str]) -> Response[Any]:
        """Show what became of each function, of the data and of the links of an old app."""
        view = await read(request, app)
        title = portal.renderer.text(request.scope, Phrase("merge.title", {"app": view.name}))
        return await portal.show(request, view.template, title, view)

    def exported(kind: str) -> HTTPRouteHandler:
        @get(f"{HERE}/proof.{kind}", opt=needs("usage.read"), operation_id=f"merge-{kind}")
        async def export(request: AnyRequest, app: FromPath[str]) -> Response[bytes]:
            """Export the proof of a merge as the page shows it."""
            return await _sent(portal, request, await read(request, app), kind)

        return export

    @post(f"{HERE}/check", opt=needs(MAY, body=Nothing), operation_id="merge-check")
    async def look(request: AnyRequest, app: FromPath[str]) -> Response[Any]:
        """Call the pages of the new app and the targets of old links, as who asks; see what was
        used."""
        await read_form(request, Nothing, actor_of(request))
        async with portal.read() as tx:
            found = await check(portal, request, tx, await open_case(portal, request, tx, app))
        await found.ask()
        async with portal.change(request, "merge-checked", f"app:{app}", n=found.proven) as tx:
            await open_case(portal, request, tx, app)
            await found.keep(tx, request)
        return portal.done(request, home(app), "merge.act.checked", n=found.proven)

    @post(f"{HERE}/reconcile", opt=needs(MAY, body=Nothing), operation_id="merge-reconcile")
    async def reconcile(request: AnyRequest, app: FromPath[str]) -> Response[Any]:
        """Count and digest the data on both sides."""
        await read_form(request, Nothing, actor_of(request))
        async with portal.read() as tx:
            case = await open_case(portal, request, tx, app)
        both = await compare(portal, case)
        async with portal.change(request, "merge-reconciled", f"app:{app}") as tx:
            await open_case(portal, request, tx, app)
            await both.keep(tx, request)
        return portal.done(request, home(app), "merge.data.compared")

    return [show, *(exported(kind) for kind in ("pdf", "xlsx")), look, reconcile, *acts(portal)]


def _choose(portal: Portal, case: Case) -> list[FieldView]:
    """Return the form that chooses the new app; nothing once that is decided."""
    if case.stands.successor or case.over:
        return []
    options = [
        Option(app, Phrase("text", {"text": names}))
        for app, names in candidates(portal, case).items()
    ]
    given = {"successor": case.successor.app} if case.successor else {}
    return field_views(ChooseForm, "merge.choose", values=given, options={"successor": options})


async def _sent(portal: Portal, request: AnyRequest, view: MergeView, kind: str) -> Response[bytes]:
    language = portal.renderer.language(request.scope)

    def say(words: Any) -> str:
        return portal.renderer.catalogue.shown(language, words)

    made = document(view, say)
    name = f"{view.app}-merge.{kind}"
    if kind == "xlsx":
        return file(await asyncio.to_thread(workbook, made), XLSX, name)
    foot = f"{say(Phrase('frame.system'))} · {made.title}"
    return file(await asyncio.to_thread(pdf, made, lang=language, foot=foot), PDF, name)
