"""The routes of a register: list, export, one record, entering, changing and ending one."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Final
from uuid import UUID

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter
from litestar.response import Stream
from sqlalchemy import Select
from sqlmodel import col

from plugin_sdk.deadlines import local_day
from plugin_sdk.exports import take_out
from plugin_sdk.ports import Actor, Answer, Read, Work
from plugin_sdk.registers.desk import RegisterDesk
from plugin_sdk.registers.imports import import_routes
from plugin_sdk.routes import actor_of, needs, respond
from plugin_sdk.tables import csv_chunks
from plugin_sdk.taking import BLANK, Of, Typed, form_routes
from plugin_sdk.views import FieldView, Phrase, View

Ask = Request[Any, Any, Any]
Id = FromPath[UUID]
Query = Annotated[str, QueryParameter(max_length=200)]
Stage = Annotated[str, QueryParameter(name="state", max_length=20)]

COLUMNS: Final = ("code", "name", "state", "starts_on", "ends_on", "unit")


def register_routes(desk: RegisterDesk[Any]) -> list[HTTPRouteHandler]:
    """Return the handlers of a register, each marked with its permission."""
    imports = import_routes(desk) if desk.register.imports else []
    return [*_reading(desk), *_adding(desk), *_changing(desk), *imports]


def _reading(desk: RegisterDesk[Any]) -> list[HTTPRouteHandler]:
    hub, register = desk.hub, desk.register

    @get(register.path, opt=needs(register.read), operation_id=f"{register.name}-list")
    async def list_records(
        request: Ask, stage: Stage = "", q: Query = "", cursor: Query = ""
    ) -> Response[Any]:
        """List the records in scope, the last changed first."""
        async with hub.read(actor_of(request)) as read:
            view = await desk.list_view(read, stage, q.strip(), cursor, _asked(desk, request))
        return await respond(hub, request, Answer(view=view))

    @get(f"{register.path}.csv", opt=needs(register.read), operation_id=f"{register.name}-export")
    async def export_records(request: Ask, stage: Stage = "", q: Query = "") -> Stream:
        """Export a list as CSV, in scope, a page at a time; that it is taken out is recorded."""
        actor, asked = actor_of(request), _asked(desk, request)

        async def chosen(read: Read) -> Select[Any]:
            return await desk.chosen(read, stage, q.strip(), asked, col(desk.engine.row.id))

        how = {**asked, "state": stage, "searched": bool(q.strip())}
        act, subject = f"{register.name}.export", register.path.strip("/")
        await take_out(hub, actor, chosen, act, subject, format="csv", **how)
        name = f"{hub.app}-{register.name}-{local_day(hub.now()):%Y%m%d}.csv"
        return Stream(
            _csv(desk, actor, stage, q.strip(), asked),
            media_type="text/csv",
            headers={"content-disposition": f'attachment; filename="{name}"'},
        )

    @get(
        f"{register.path}/{{id:uuid}}",
        opt=needs(register.read),
        operation_id=f"{register.name}-record",
    )
    async def show_record(request: Ask, id: Id) -> Response[Any]:
        """Show a record with its versions."""
        async with hub.read(actor_of(request)) as read:
            view = await desk.record_view(read, await desk.engine.find(read, id))
        return await respond(hub, request, Answer(view=view))

    return [list_records, export_records, show_record]


def _asked(desk: RegisterDesk[Any], request: Ask) -> dict[str, str]:
    given = request.query_params
    return {name: given[name][:100] for name in desk.asks if given.get(name)}


async def _csv(
    desk: RegisterDesk[Any], actor: Actor, state: str, query: str, asked: Mapping[str, str]
) -> AsyncIterator[bytes]:
    """Yield a list; of a register that takes files, with all that its own file would say."""

    def say(words: Any) -> str:
        return desk.hub.pages.say(words, actor.language)

    header = [say(Phrase(f"registers.column.{name}")) for name in COLUMNS]
    whole = desk.register.imports is not None
    async with desk.hub.read(actor) as read:
        fields = await desk.fields(read, BLANK) if whole else []
        fields = [field for field in fields if field.kind != "hidden"]
    if whole:
        header = [say(field.label) for field in fields] + header[2:3]
    head = b"".join(csv_chunks(header, ()))
    yield head
    cursor: str | None = ""
    while cursor is not None:
        async with desk.hub.read(actor) as read:
            found, cursor = await desk.page(read, state, query, cursor, asked)
            names = await desk.hub.directory.names([row.organization_id for row in found])
            today = local_day(read.now)
        rows = [
            _cells(desk, row, fields, say, today)
            if whole
            else (
                row.code,
                row.name,
                say(Phrase(f"registers.state.{desk.state(row, today)}")),
                row.starts_on,
                row.ends_on,
                names.get(row.organization_id, ""),
            )
            for row in found
        ]
        yield b"".join(csv_chunks(header, rows))[len(head) :]


def _cells(
    desk: RegisterDesk[Any], row: Any, fields: Sequence[FieldView], say: Any, today: date
) -> list[Any]:
    spelled = desk.spelled(row)
    cells: list[Any] = []
    for field in fields:
        value = spelled.get(field.name)
        if field.kind == "checkbox":
            value = say(Phrase(f"case.check.{'yes' if value else 'no'}"))
        for option in field.options:
            if value is not None and option.value == str(value):
                value = say(option.label)
                break
        cells.append(value)
    return [*cells, say(Phrase(f"registers.state.{desk.state(row, today)}"))]


def _adding(desk: RegisterDesk[Any]) -> list[HTTPRouteHandler]:
    register, engine = desk.register, desk.engine

    async def show(read: Read, of: Of, typed: Typed) -> View:
        return await desk.new_view(read, typed)

    async def add(work: Work, of: Of, form: Any) -> Answer:
        await desk.refuse_unoffered(work, form)
        row = await engine.add(work, form)
        return Answer(
            view=await desk.record_view(work, row),
            location=engine.href(row.id),
            status=201,
            said=Phrase("registers.said.add"),
        )

    return form_routes(
        desk.hub,
        register.form,
        register.edit,
        name=f"{register.name}-add",
        does="Enter a record.",
        new=f"{register.path}/new",
        at=register.path,
        show=show,
        do=add,
    )


def _changing(desk: RegisterDesk[Any]) -> list[HTTPRouteHandler]:
    register, engine = desk.register, desk.engine

    def act(verb: str, form: Any, view: Any, do: Any, does: str) -> list[HTTPRouteHandler]:
        async def show(read: Read, of: Of, typed: Typed) -> View:
            found: View = await view(read, await engine.find(read, of["id"]), typed)
            return found

        async def done(work: Work, of: Of, form: Any) -> Answer:
            row = await do(work, of["id"], form)
            return Answer(
                view=await desk.record_view(work, row),
                location=engine.href(row.id),
                said=Phrase(f"registers.said.{verb}"),
            )

        return form_routes(
            desk.hub,
            form,
            register.edit,
            name=f"{register.name}-{verb}",
            does=does,
            at=f"{register.path}/{{id:uuid}}/{verb}",
            show=show,
            do=done,
        )

    async def change(work: Work, id: UUID, form: Any) -> Any:
        kept = set(register.form.model_fields)
        values = register.form.model_construct(**{name: getattr(form, name) for name in kept})
        await desk.refuse_unoffered(work, form, await engine.find(work, id))
        return await engine.change(work, id, values, form.version, form.reason)

    return [
        *act("change", desk.form_of(), desk.change_view, change, "Change a record."),
        *act("end", register.end_form, desk.end_view, engine.end, "End a record."),
    ]
