"""The routes of codes: the list of those that may be printed, and the sheet."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from plugin_sdk.codes.registry import CodeBook
from plugin_sdk.codes.sheet import LAYOUTS, Sheet, sheet_pdf
from plugin_sdk.codes.views import CodeItem, CodesView
from plugin_sdk.ports import Actor, Answer, Organization
from plugin_sdk.problems import NotFound
from plugin_sdk.routes import actor_of, needs, respond
from plugin_sdk.views import ActionView, Phrase

Ask = Request[Any, Any, Any]
Reach = Callable[[Actor], Awaitable[Sequence[Organization]]]


def code_routes(
    book: CodeBook, permission: str, within: Reach, path: str
) -> list[HTTPRouteHandler]:
    """Return the list at `path` and the sheet `<path>.pdf`; `within` tells whose codes the
    actor may print: those that were given by then (see `CodeBook.give_all`)."""
    hub = book.hub
    say = Phrase("codes.title")

    async def codes(actor: Actor) -> list[tuple[Organization, str]]:
        units = await within(actor)
        async with hub.read(actor) as read:
            given = await book.codes(read, [unit.id for unit in units])
        return [(unit, given[unit.id]) for unit in units if unit.id in given]

    @get(path, opt=needs(permission), operation_id="codes")
    async def show_codes(request: Ask) -> Response[Any]:
        """List the codes of the organizations in reach."""
        found = await codes(actor_of(request))
        view = CodesView(
            title=say,
            items=[
                CodeItem(name=unit.name, code=code, href=book.href(code)) for unit, code in found
            ],
            sheets=[
                ActionView(
                    verb=f"sheet-{up}",
                    label=Phrase("codes.sheet", {"n": up}),
                    href=f"/apps/{hub.app}{path}.pdf?up={up}",
                )
                for up in LAYOUTS
            ],
        )
        return await respond(hub, request, Answer(view=view))

    @get(f"{path}.pdf", opt=needs(permission), operation_id="codes-sheet")
    async def print_codes(
        request: Ask, up: Annotated[int, QueryParameter(ge=1, le=8)] = 8
    ) -> Response[bytes]:
        """Return the sheet of codes as PDF, so many to a page."""
        if up not in LAYOUTS:
            raise NotFound
        actor = actor_of(request)
        found = await codes(actor)
        names = await hub.directory.names([unit.parent_id for unit, _ in found if unit.parent_id])
        said = hub.pages.say(Phrase("codes.said"), actor.language)
        cards = [
            Sheet(
                name=unit.name,
                place=names.get(unit.parent_id, "") if unit.parent_id else "",
                said=said,
                address=book.address(code),
                code=code,
            )
            for unit, code in found
        ]
        title = hub.pages.say(say, actor.language)
        content = await asyncio.to_thread(sheet_pdf, cards, up=up, title=title)
        return Response(
            content,
            media_type="application/pdf",
            headers={"content-disposition": f'attachment; filename="{hub.app}-codes.pdf"'},
        )

    return [show_codes, print_codes]
