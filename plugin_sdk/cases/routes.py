"""The routes of a flow: list, detail, acts, export, figures; pages and JSON API alike."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Annotated, Any, Final

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter
from litestar.response import Stream
from sqlalchemy import Select
from sqlmodel import col

from plugin_sdk.cases import figures, queries, rollup
from plugin_sdk.cases.desk import CaseDesk
from plugin_sdk.cases.filing import filing_routes
from plugin_sdk.cases.flow import Who
from plugin_sdk.cases.forms import RevealForm
from plugin_sdk.cases.queries import Filters
from plugin_sdk.deadlines import local_day
from plugin_sdk.exports import take_out
from plugin_sdk.figures import figures_route
from plugin_sdk.forms import Form, field_views, read_form
from plugin_sdk.ports import Actor, Answer, Read
from plugin_sdk.routes import actor_of, needs, respond
from plugin_sdk.tables import csv_chunks
from plugin_sdk.taking import Typed, keeping
from plugin_sdk.views import FiguresView, FormView, Phrase, View

Ask = Request[Any, Any, Any]
Number = FromPath[str]
Query = Annotated[str, QueryParameter(max_length=200)]
Stage = Annotated[str, QueryParameter(name="state", max_length=40)]

COLUMNS: Final = ("number", "title", "state", "unit", "opened", "due", "resolved", "closed")


def case_routes(desk: CaseDesk[Any], *, figures: str = "/figures") -> list[HTTPRouteHandler]:
    """Return the handlers of a flow, each marked with its permission. `figures` is where its
    figures stand: an app with several flows gives each its own."""
    routes = [*_reading(desk), *_export(desk)]
    if desk.form is not None and desk.flow.file:
        routes += filing_routes(desk, desk.form, desk.flow.file, check=True, drafts=True)
    for verb in desk.flow.verbs():
        act = desk.flow.by_verb(verb)
        if act.who == (Who.SYSTEM,) or not act.offered:
            continue  # a route that could only refuse, or that the app has in another form
        routes += _acting(desk, verb)
        if desk.urges(verb):
            routes.append(_undoing(desk, verb))
    if desk.flow.figures:
        routes.append(_figures(desk, desk.flow.figures, figures))
    return routes


def _filters(stage: str, late: str, mine: str, q: str) -> Filters:
    return Filters(state=stage, late=late == "1", mine=mine == "1", query=q.strip())


def _reading(desk: CaseDesk[Any]) -> list[HTTPRouteHandler]:
    hub, flow, engine = desk.hub, desk.flow, desk.engine

    @get(flow.path, opt=needs(flow.read), operation_id=f"{flow.name}-list")
    async def list_cases(
        request: Ask,
        stage: Stage = "",
        late: Query = "",
        mine: Query = "",
        q: Query = "",
        cursor: Query = "",
    ) -> Response[Any]:
        """List the cases in scope, newest first."""
        actor = actor_of(request)
        async with hub.read(actor) as read:
            view = await desk.list_view(read, _filters(stage, late, mine, q), cursor)
        return await respond(hub, request, Answer(view=view))

    @get(f"{flow.path}/{{number:str}}", opt=needs(flow.read), operation_id=f"{flow.name}-detail")
    async def show_case(request: Ask, number: Number) -> Response[Any]:
        """Show a case with its timeline."""
        actor = actor_of(request)
        async with hub.read(actor) as read:
            view = await desk.detail_view(read, await engine.find(read, number))
        return await respond(hub, request, Answer(view=view))

    return [list_cases, show_case]


def _export(desk: CaseDesk[Any]) -> list[HTTPRouteHandler]:
    hub, flow, engine = desk.hub, desk.flow, desk.engine

    @get(f"{flow.path}.csv", opt=needs(flow.read), operation_id=f"{flow.name}-export")
    async def export_cases(
        request: Ask, stage: Stage = "", late: Query = "", mine: Query = "", q: Query = ""
    ) -> Stream:
        """Export a list as CSV, in scope, a page at a time; that it is taken out is recorded."""
        actor = actor_of(request)
        filters = _filters(stage, late, mine, q)

        async def chosen(read: Read) -> Select[Any]:  # refused before the first byte, not after it
            ids = read.rows(engine.row, col(engine.row.id), permission=flow.read)
            return queries.narrow(ids, flow, engine.row, filters, read)

        how: dict[str, Any] = {"state": filters.state, "late": filters.late, "mine": filters.mine}
        how["searched"] = bool(filters.query)  # what for may name somebody
        subject = flow.path.strip("/")
        await take_out(hub, actor, chosen, f"{flow.name}.export", subject, format="csv", **how)
        header = [hub.pages.say(Phrase(f"case.column.{c}"), actor.language) for c in COLUMNS]
        states = {
            state.key: hub.pages.say(engine.words(f"state.{state.key}"), actor.language)
            for state in flow.states
        }
        name = f"{hub.app}-{flow.name}-{local_day(hub.now()):%Y%m%d}.csv"
        return Stream(
            _csv(desk, actor, filters, header, states),
            media_type="text/csv",
            headers={"content-disposition": f'attachment; filename="{name}"'},
        )

    return [export_cases]


async def _csv(
    desk: CaseDesk[Any], actor: Actor, filters: Filters, header: list[str], states: dict[str, str]
) -> AsyncIterator[bytes]:
    head = b"".join(csv_chunks(header, ()))
    yield head
    async for page in queries.export(desk.engine, actor, filters):
        async with desk.hub.read(actor) as read:
            found = await desk.shown(read, page)
        names = await desk.hub.directory.names(list({fact.organization_id for fact in found}))
        rows = [
            (
                fact.number,
                fact.title,
                states.get(fact.state, fact.state),
                names.get(fact.organization_id, ""),
                fact.opened_at,
                fact.due_at,
                fact.resolved_at,
                fact.closed_at,
            )
            for fact in found
        ]
        yield b"".join(csv_chunks(header, rows))[len(head) :]


def _acting(desk: CaseDesk[Any], verb: str) -> list[HTTPRouteHandler]:
    hub, flow, engine = desk.hub, desk.flow, desk.engine
    transition = flow.by_verb(verb)
    path = f"{flow.path}/{{number:str}}/{verb}"

    @get(path, opt=needs(transition.permission), operation_id=f"{flow.name}-{verb}-form")
    async def show_act(request: Ask, number: Number) -> Response[Any]:
        """Show the form of an act on a case."""
        actor = actor_of(request)
        async with hub.read(actor) as read:
            view = await desk.act_view(read, await engine.find(read, number), verb)
        return await respond(hub, request, Answer(view=view))

    @post(
        path,
        opt=needs(transition.permission, body=transition.form),
        operation_id=f"{flow.name}-{verb}",
    )
    async def act(request: Ask, number: Number) -> Response[Any]:
        """Do an act on a case."""
        actor = actor_of(request)

        async def again(read: Read, typed: Typed) -> View:
            return await desk.act_view(read, await engine.find(read, number), verb, typed)

        async with keeping(hub, request, actor, again):
            sent = await desk.draw(await read_form(request, transition.form, actor))
            await engine.prepare(verb)
            async with hub.work(actor, sent.key) as work:
                row = await engine.act(work, await engine.id_of(work, number), verb, sent.form)
                await desk.keep_files(work, row, sent)
                answer = work.answer(
                    Answer(
                        view=desk.acted_view(row),
                        location=engine.href(number),
                        said=engine.words(f"said.{verb}"),
                        undo=engine.href(number, f"undo-{verb}") if desk.urges(verb) else None,
                    )
                )
        return await respond(hub, request, answer)

    return [show_act, act]


def _undoing(desk: CaseDesk[Any], verb: str) -> HTTPRouteHandler:
    hub, flow, engine = desk.hub, desk.flow, desk.engine

    @post(
        f"{flow.path}/{{number:str}}/undo-{verb}",
        opt=needs(flow.by_verb(verb).permission, body=Form),
        operation_id=f"{flow.name}-undo-{verb}",
    )
    async def undo(request: Ask, number: Number) -> Response[Any]:
        """Take back an urging before its notice leaves."""
        actor = actor_of(request)
        sent = await read_form(request, Form, actor)
        async with hub.work(actor, sent.key) as work:
            row = await engine.undo_urge(work, await engine.id_of(work, number))
            answer = work.answer(
                Answer(
                    view=desk.acted_view(row),
                    location=engine.href(number),
                    said=Phrase("case.said.urge_undone"),
                )
            )
        return await respond(hub, request, answer)

    return undo


def reveal_routes(desk: CaseDesk[Any], permission: str) -> list[HTTPRouteHandler]:
    """Return the routes that show what is masked in a case: they ask why, and record it."""
    hub, flow, engine = desk.hub, desk.flow, desk.engine
    path = f"{flow.path}/{{number:str}}/reveal"

    @get(path, opt=needs(permission), operation_id=f"{flow.name}-reveal-form")
    async def ask_why(request: Ask, number: Number) -> Response[Any]:
        """Ask why it must be seen."""
        async with hub.read(actor_of(request)) as read:
            await engine.id_of(read, number)
        view = FormView(
            title=Phrase("case.reveal.title"),
            action=engine.href(number, "reveal"),
            verb=Phrase("case.reveal.act"),
            fields=field_views(RevealForm, "case.reveal"),
            cancel=engine.href(number),
        )
        return await respond(hub, request, Answer(view=view))

    @post(path, opt=needs(permission, body=RevealForm), operation_id=f"{flow.name}-reveal")
    async def reveal(request: Ask, number: Number) -> Response[Any]:
        """Show the case in full, and record who looked and why."""
        actor = actor_of(request)
        sent = await read_form(request, RevealForm, actor)
        async with hub.work(actor) as work:  # without a key: it must not be kept for a replay
            row = await engine.find(work, number)
            await work.require(permission, row)
            engine.audit(work, row, "reveal", reason=sent.form.reason)
            view = await desk.detail_view(work, row)
            view.summary = [*desk.revealed(row), *view.summary]
        return await respond(hub, request, Answer(view=view))

    return [ask_why, reveal]


def _figures(desk: CaseDesk[Any], permission: str, at: str) -> HTTPRouteHandler:
    engine = desk.engine

    async def view(read: Read, first: date, last: date) -> FiguresView:
        if engine.row.figures is not None:
            kept = await rollup.total(engine.row.figures, read, first, last, permission)
            shown = figures.view(engine, kept, first, last)
        else:
            found = await figures.tally(engine, read, first, last, permission)
            shown = figures.view(engine, found, first, last)
        await desk.add_figures(read, shown)
        return shown

    return figures_route(desk.hub, permission, view, name=f"{desk.flow.name}-figures", at=at)
