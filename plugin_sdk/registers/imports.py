"""Bringing a file of records into a register: tried first, then whole or not at all.

A trial is the very import in a unit of work that is not committed, so that it can promise nothing
that the import does not keep.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler

from plugin_sdk.forms import read_form, validate
from plugin_sdk.ports import Answer, Work
from plugin_sdk.problems import Invalid, Problem, field_error
from plugin_sdk.registers.desk import RegisterDesk
from plugin_sdk.registers.files import (
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
from plugin_sdk.views import FieldView, Phrase

Ask = Request[Any, Any, Any]


class _Tried(Exception):
    """Ends the unit of work of a trial: nothing of it stays."""


def import_routes(desk: RegisterDesk[Any]) -> list[HTTPRouteHandler]:
    """Return the routes that take files of records: the page, the template, the file."""
    hub, register = desk.hub, desk.register
    permission, path = register.imports or register.edit, f"{register.path}/import"

    async def blank(request: Ask) -> ImportView:
        async with hub.read(actor_of(request)) as read:
            return ImportView(
                title=desk.engine.words("list"),
                action=desk.engine.href("import"),
                template_href=f"{desk.engine.href('import')}/template.csv",
                list_href=desk.engine.href(),
                columns=[f for f in await desk.fields(read, BLANK) if f.kind != "hidden"],
            )

    @get(path, opt=needs(permission), operation_id=f"{register.name}-import-form")
    async def show(request: Ask) -> Response[Any]:
        """Show how a file of records is brought in."""
        return await respond(hub, request, Answer(view=await blank(request)))

    @get(
        f"{path}/template.csv",
        opt=needs(permission),
        operation_id=f"{register.name}-import-template",
    )
    async def template(request: Ask) -> Response[bytes]:
        """Return a file with the columns and no rows."""
        view = await blank(request)
        name = f"{hub.app}-{register.name}-template.csv"
        return Response(
            file_template(view.columns, hub.pages.say, actor_of(request).language),
            media_type="text/csv",
            headers={"content-disposition": f'attachment; filename="{name}"'},
        )

    @post(path, opt=needs(permission, body=FileForm), operation_id=f"{register.name}-import")
    async def take(request: Ask) -> Response[Any]:
        """Try a file of records, or bring it in: as a whole or not at all."""
        actor, view = actor_of(request), await blank(request)
        try:
            sent = await read_form(request, FileForm, actor, max_files=1)
            view.content = text_of(sent.form, sent.files)
            rows = file_rows(view.content, view.columns, hub.pages.say)
        except Invalid as wrong:
            view.error = wrong.errors[0].message
            wrong.view = view
            raise
        real = sent.form.bring_in
        try:
            async with hub.work(actor, sent.key if real else None) as work:
                view.rows = await bring_in(desk, work, rows, view.columns)
                view.counts = counted(view.rows)
                if not real or not view.ready:
                    raise _Tried
                said = Phrase("registers.import.brought_in", view.counts)
                answer = work.answer(Answer(view=view, location=view.list_href, said=said))
        except _Tried:
            if real:
                raise Invalid(field_error("file", "rows-refused"), view=view) from None
            answer = Answer(view=view)
        return await respond(hub, request, answer)

    return [show, template, take]


async def bring_in(
    desk: RegisterDesk[Any], work: Work, rows: Sequence[FileRow], fields: Sequence[FieldView]
) -> list[RowView]:
    """Enter or change a record for each row; return what became of each. What is refused was
    not written; whether the rest stays is for the caller to say."""
    seen: dict[str, int] = {}
    return [await _take(desk, work, row, fields, seen) for row in rows]


async def _take(
    desk: RegisterDesk[Any],
    work: Work,
    row: FileRow,
    fields: Sequence[FieldView],
    seen: dict[str, int],
) -> RowView:
    name = row.values.get("name", "")
    if row.fault is not None:
        return refused(row.line, name, [row.fault])
    try:
        return await _entered(desk, work, row, seen)
    except Invalid as wrong:
        return refused(row.line, name, faults_of(wrong.errors, fields))
    except Problem as problem:
        return refused(row.line, name, [Phrase(f"{problem.words}.detail", problem.params)])


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
