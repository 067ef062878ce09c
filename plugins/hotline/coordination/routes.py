"""The routes of coordinations beside those of their flow: the paper, and how it is checked."""

from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from plugin_sdk.cases.routes import case_routes
from plugin_sdk.ports import Answer
from plugin_sdk.problems import NotFound
from plugin_sdk.routes import PUBLIC, actor_of, needs, respond
from plugins.hotline.coordination.deciding import shares_of
from plugins.hotline.coordination.desk import CoordinationDesk
from plugins.hotline.coordination.flow import READ
from plugins.hotline.coordination.papers import LENGTH
from plugins.hotline.coordination.seats import seats_of
from plugins.hotline.coordination.views import VerifyView

Ask = Request[Any, Any, Any]
Code = Annotated[str, QueryParameter(max_length=40)]


def of(desk: CoordinationDesk) -> list[HTTPRouteHandler]:
    """Return the routes of coordinations."""
    return [*_checking(desk), *case_routes(desk), _paper(desk)]


def _paper(desk: CoordinationDesk) -> HTTPRouteHandler:
    hub = desk.hub

    @get(
        "/coordinations/{number:str}/decision.pdf",
        opt=needs(READ),
        operation_id="coordination-paper",
    )
    async def paper(request: Ask, number: FromPath[str]) -> Response[bytes]:
        """Return the paper of a signed decision as a PDF, to whoever takes part."""
        papers = desk.engine.papers
        async with hub.read(actor_of(request)) as read:
            row = await desk.engine.find(read, number)
            found = await papers.of(read, row)
            if found is None:
                raise NotFound
            seats, shares = await seats_of(read, row.id), await shares_of(read, row.id)
            content = await papers.pdf(row, found, seats, shares)
        return Response(
            content,
            media_type="application/pdf",
            headers={"content-disposition": f'inline; filename="{number}.pdf"'},
        )

    return paper


def _checking(desk: CoordinationDesk) -> list[HTTPRouteHandler]:
    hub, words = desk.hub, desk.engine.words

    async def answer(request: Ask, typed: str) -> Response[Any]:
        code = "".join(typed.split()).upper()  # shown in groups
        facts = await desk.engine.papers.check(code) if len(code) == LENGTH else None
        state = "asked" if not code else "unknown" if facts is None else "good"
        view = VerifyView(
            title=words("verify.title"),
            state=state,
            state_label=words(f"verify.{state}"),
            tone="ok" if state == "good" else "late",
            facts=facts or [],
            code=code,
            action=f"{desk.here}/verify",
        )
        status = 404 if state == "unknown" else 200
        return await respond(hub, request, Answer(view=view, status=status))

    @get("/coordinations/verify", opt=needs(PUBLIC), operation_id="coordination-verify-entry")
    async def verify_typed(request: Ask, code: Code = "") -> Response[Any]:
        """Ask for the code of a decision, and check one that was typed."""
        return await answer(request, code)

    @get("/coordinations/verify/{code:str}", opt=needs(PUBLIC), operation_id="coordination-verify")
    async def verify(request: Ask, code: FromPath[str]) -> Response[Any]:
        """Check the code of a decision."""
        return await answer(request, code[:40])

    return [verify_typed, verify]
