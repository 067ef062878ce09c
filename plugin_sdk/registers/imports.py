"""Bringing in a file: tried first, then whole or not at all.

A trial is the very import in a unit of work that is not committed, so that it can promise nothing
that the import does not keep.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler

from plugin_sdk.forms import read_form, validate
from plugin_sdk.ports import Answer, Hub, Read, Work
from plugin_sdk.problems import Invalid, Problem, field_error
from plugin_sdk.registers.desk import RegisterDesk
from plugin_sdk.registers.files import (
    MOST_ROWS,
    FileForm,
    FileRow,
    ImportView,
    RowView,
    counted,
    faults_of,
    file_rows,
    file_template,
    refused,
    row_view,
    text_of,
)
from plugin_sdk.routes import actor_of, needs, respond
from plugin_sdk.taking import BLANK
from plugin_sdk.views import FieldView, Phrase, Words

Ask = Request[Any, Any, Any]


class Imports(msgspec.Struct, frozen=True, kw_only=True):
    """What is brought in at `path`, which is the list of it; operations are named after `name`.

    `columns` are what a row may say, `enter` writes rows and returns what became of each
    (`row_taken`). A file has `most` rows; `arrives` is where they are then seen.
    """

    name: str
    path: str
    permission: str
    title: Words
    columns: Callable[[Read], Awaitable[Sequence[FieldView]]]
    enter: Callable[[Work, Sequence[FileRow], Sequence[FieldView]], Awaitable[list[RowView]]]
    most: int = MOST_ROWS
    arrives: str = ""


class _Tried(Exception):
    """Ends the unit of work of a trial: nothing of it stays."""


def file_routes(hub: Hub, imports: Imports) -> list[HTTPRouteHandler]:
    """Return the routes that take files: the page, the template, the file."""
    name, path, permission = imports.name, f"{imports.path}/import", imports.permission
    listed = f"/apps/{hub.app}{imports.path}"

    async def blank(request: Ask) -> ImportView:
        async with hub.read(actor_of(request)) as read:
            columns = await imports.columns(read)
        return ImportView(
            title=imports.title,
            action=f"{listed}/import",
            template_href=f"{listed}/import/template.csv",
            list_href=listed,
            columns=[field for field in columns if field.kind != "hidden"],
        )

    @get(path, opt=needs(permission), operation_id=f"{name}-import-form")
    async def show(request: Ask) -> Response[Any]:
        """Show how a file is brought in."""
        return await respond(hub, request, Answer(view=await blank(request)))

    @get(f"{path}/template.csv", opt=needs(permission), operation_id=f"{name}-import-template")
    async def template(request: Ask) -> Response[bytes]:
        """Return a file with the columns and no rows."""
        view = await blank(request)
        file = f"{hub.app}-{name}-template.csv"
        return Response(
            file_template(view.columns, hub.pages.say, actor_of(request).language),
            media_type="text/csv",
            headers={"content-disposition": f'attachment; filename="{file}"'},
        )

    @post(path, opt=needs(permission, body=FileForm), operation_id=f"{name}-import")
    async def take(request: Ask) -> Response[Any]:
        """Try a file, or bring it in: as a whole or not at all."""
        actor, view = actor_of(request), await blank(request)
        try:
            sent = await read_form(request, FileForm, actor, max_files=1)
            view.content = text_of(sent.form, sent.files)
            rows = file_rows(view.content, view.columns, hub.pages.say, imports.most)
        except Invalid as wrong:
            view.error = wrong.errors[0].message
            wrong.view = view
            raise
        real = sent.form.bring_in
        try:
            async with hub.work(actor, sent.key if real else None) as work:
                view.rows = await imports.enter(work, rows, view.columns)
                view.counts = counted(view.rows)
                if not real or not view.ready:
                    raise _Tried
                said = Phrase("registers.import.brought_in", view.counts)
                location = imports.arrives or view.list_href
                answer = work.answer(Answer(view=view, location=location, said=said))
        except _Tried:
            if real:
                raise Invalid(field_error("file", "rows-refused"), view=view) from None
            answer = Answer(view=view)
        return await respond(hub, request, answer)

    return [show, template, take]


async def row_taken(
    row: FileRow,
    name: str,
    fields: Sequence[FieldView],
    enter: Callable[[], Awaitable[RowView]],
) -> RowView:
    """Return what became of a row that `enter` writes; what it refuses was not written."""
    if row.fault is not None:
        return refused(row.line, name, [row.fault])
    try:
        return await enter()
    except Invalid as wrong:
        return refused(row.line, name, faults_of(wrong.errors, fields))
    except Problem as problem:
        return refused(row.line, name, [Phrase(f"{problem.words}.detail", problem.params)])


def import_routes(desk: RegisterDesk[Any]) -> list[HTTPRouteHandler]:
    """Return the routes that take files of records of a register."""
    register = desk.register
    imports = Imports(
        name=register.name,
        path=register.path,
        permission=register.imports or register.edit,
        title=desk.engine.words("list"),
        columns=partial(desk.fields, typed=BLANK),
        enter=partial(bring_in, desk),
    )
    return file_routes(desk.hub, imports)


async def bring_in(
    desk: RegisterDesk[Any], work: Work, rows: Sequence[FileRow], fields: Sequence[FieldView]
) -> list[RowView]:
    """Enter or change a record for each row; return what became of each. What is refused was
    not written; whether the rest stays is for the caller to say."""
    seen: dict[str, int] = {}
    return [
        await row_taken(
            row, row.values.get("name", ""), fields, partial(_entered, desk, work, row, seen)
        )
        for row in rows
    ]


async def _entered(
    desk: RegisterDesk[Any], work: Work, row: FileRow, seen: dict[str, int]
) -> RowView:
    engine = desk.engine
    values: Mapping[str, Any] = await desk.row_values(work, row.values)
    form = validate(desk.register.form, values)
    await desk.refuse_unoffered(work, form)
    owner = getattr(form, "organization", None) or work.actor.organization_id
    key = engine.key(owner, getattr(form, "code", None), form) if owner else ""
    if key and seen.setdefault(key, row.line) != row.line:
        raise Invalid(field_error("name", "row-twice", line=seen[key]))
    known = await engine.by_key(work, key) if key else None
    if known is None:
        record = await desk.take_row(work, form)
        said = await desk.remarks(work, record)
        return row_view(row.line, record.name, "new", *said)
    kept = {name: value for name, value in desk.spelled(known).items() if name not in values}
    form = validate(desk.register.form, {**_texts(desk, kept), **values})
    if engine.says(known, form):
        return row_view(row.line, known.name, "same", *await desk.remarks(work, known))
    await engine.change(work, known.id, form, known.version)
    return row_view(row.line, known.name, "changed", *await desk.remarks(work, known))


def _texts(desk: RegisterDesk[Any], kept: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a record says beside the columns of the file, as its form takes it."""
    asked = desk.register.form.model_fields
    return {name: value for name, value in kept.items() if name in asked and value is not None}
