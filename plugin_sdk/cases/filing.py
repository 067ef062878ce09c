"""Opening a case: its form, the answers once more before they are sent, certainty after.

The answers travel in the form. Nothing of them is kept half-way, and one key makes a filing
one from the first page to the last.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from plugin_sdk.cases.desk import CaseDesk, Way
from plugin_sdk.forms import (
    CHANGE_FIELD,
    Form,
    asked_for,
    check_key,
    read_form,
    read_typed,
    validate,
)
from plugin_sdk.ports import Answer, Read
from plugin_sdk.problems import NotFound
from plugin_sdk.routes import actor_of, needs, respond
from plugin_sdk.taking import BLANK, Typed, keeping
from plugin_sdk.views import FormView, Phrase, View

Ask = Request[Any, Any, Any]
Number = FromPath[str]
DraftKey = Annotated[str, QueryParameter(max_length=100)]


def filing_routes(
    desk: CaseDesk[Any],
    form: type[Form],
    permission: str,
    *,
    at: str = "",
    name: str = "new",
    file: Callable[..., Awaitable[Any]] | None = None,
    check: bool = False,
    drafts: bool = False,
    offline: bool = False,
) -> list[HTTPRouteHandler]:
    """Return the routes of one way to open a case: a form, and the post that takes it.

    Without more they are the flow's own: `/orders/new` and `POST /orders`, which `desk.file`
    takes. Another way (an operator's desk) stands with both `at` an address of its own. With
    `check` people see their answers once more before they send them; programs send at once.
    With `drafts` what was typed is kept until it is sent. With `offline` the form, which then
    stands with its post `at` an address of its own and is filled in at one sitting, can be
    filled in without the net: the device keeps it and sends it once (ADR 0023).
    """
    if offline and (not at or check or drafts):
        raise ValueError(
            f"{desk.flow.name}.{name}: a form for use off line is one page at an address"
        )
    hub, flow = desk.hub, desk.flow
    path, new = at or flow.path, at or f"{flow.path}/new"
    checking = f"{at}/check" if at else new
    take, own = file or desk.file, file is None
    here = f"/apps/{hub.app}"
    way = Way(
        form=form,
        name=name,
        here=here + new,
        action=here + path,
        check=here + checking if check else None,
        draft=f"{here}{path}/draft" if drafts else None,
        offline=offline,
    )

    async def again(read: Read, typed: Typed) -> View:
        wrong = {error.field for error in typed.errors}
        if way.check and wrong and not typed.conflict and wrong <= way.photos:
            return await desk.check_view(read, way, typed)
        return await desk.new_view(read, way, typed)

    @get(new, opt=needs(permission, start=True), operation_id=f"{flow.name}-{name}-form")
    async def new_case(request: Ask, draft: DraftKey = "") -> Response[Any]:
        """Show the form that opens a case, empty or as a draft left it."""
        actor = actor_of(request)
        kept = await hub.drafts.find(actor, name, draft) if draft else None
        if draft and kept is None:
            raise NotFound
        async with hub.read(actor) as read:
            view = await desk.new_view(read, way, Typed(values=kept.texts) if kept else BLANK)
        view.key = draft
        return await respond(hub, request, Answer(view=view))

    @post(checking, opt=needs(permission, body=form), operation_id=f"{flow.name}-{name}-check")
    async def check_case(request: Ask) -> Response[Any]:
        """Show the answers before they are sent; or the form again, to change one."""
        actor = actor_of(request)
        async with keeping(hub, request, actor, again):
            values, key = await read_typed(request, actor)
            changing = await asked_for(request, CHANGE_FIELD)
            if not changing:
                validate(form, values)
        async with hub.read(actor) as read:
            show = desk.new_view if changing else desk.check_view
            view: FormView = await show(read, way, Typed(values=values))
        view.key = key
        return await respond(hub, request, Answer(view=view))

    @post(f"{path}/draft", opt=needs(permission), operation_id=f"{flow.name}-{name}-draft")
    async def keep_draft(request: Ask) -> Response[Any]:
        """Keep what was typed so far, under the key it will be sent with."""
        actor = actor_of(request)
        values, key = await read_typed(request, actor)
        check_key(key)
        if begun := desk.draft(way, key, values):
            await hub.drafts.keep(actor, begun)
        return await respond(hub, request, Answer(location="/", said=Phrase("case.said.draft")))

    @post(path, opt=needs(permission, body=form, start=True), operation_id=f"{flow.name}-{name}")
    async def file_case(request: Ask) -> Response[Any]:
        """Open a case."""
        actor = actor_of(request)
        async with keeping(hub, request, actor, again):
            sent = await desk.draw(await read_form(request, form, actor))
            await desk.prepare()
            await desk.refuse_unoffered(sent.form)
            async with hub.work(actor, sent.key) as work:
                row = await take(work, sent)
                await hub.elements.take(work, sent.form)
                answer = work.answer(
                    Answer(
                        view=desk.submitted_view(row),
                        location=desk.engine.href(row.number, "filed"),
                        status=201,
                        said=desk.engine.words(f"said.{flow.opening}"),
                    )
                )
        return await respond(hub, request, answer)

    @get(f"{path}/shell", opt=needs(permission), operation_id=f"{flow.name}-{name}-shell")
    async def show_shell(request: Ask) -> Response[Any]:
        """Show the empty form once more, for the device to keep: no procedure begins by it."""
        async with hub.read(actor_of(request)) as read:
            view = await desk.new_view(read, way)
        return await respond(hub, request, Answer(view=view))

    routes: list[HTTPRouteHandler] = [new_case, file_case]
    if offline:
        routes.append(show_shell)
    if check:
        routes.append(check_case)
    if drafts:
        routes.append(keep_draft)
    if own:
        routes += _filed(desk)
    return routes


def _filed(desk: CaseDesk[Any]) -> list[HTTPRouteHandler]:
    """Return the routes of what is shown after, to whoever filed the case or took the call."""
    hub, flow = desk.hub, desk.flow
    path = f"{flow.path}/{{number:str}}/filed"

    async def own(read: Read, number: str) -> Any:
        row = await desk.engine.find(read, number)
        if not await desk.engine.filed_by(read, row):
            raise NotFound
        return row

    @get(path, opt=needs(flow.read), operation_id=f"{flow.name}-filed")
    async def show_filed(request: Ask, number: Number) -> Response[Any]:
        """Show number, code and date once more."""
        async with hub.read(actor_of(request)) as read:
            view = desk.submitted_view(await own(read, number))
        return await respond(hub, request, Answer(view=view))

    @get(f"{path}.ics", opt=needs(flow.read), operation_id=f"{flow.name}-calendar")
    async def show_date(request: Ask, number: Number) -> Response[bytes]:
        """Return the date by which an answer comes, as a file for a calendar."""
        actor = actor_of(request)
        async with hub.read(actor) as read:
            content = desk.calendar_file(await own(read, number), actor.language)
        return Response(
            content,
            media_type="text/calendar; charset=utf-8",
            headers={"content-disposition": f'attachment; filename="{number}.ics"'},
        )

    return [show_filed, show_date]
