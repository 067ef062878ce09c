"""Bringing in an old knowledge base: a file of answers is tried first, each row says what becomes
of it, and it is brought in as a whole or not at all. What comes in is a draft, so that a second
person reads it before anybody answers with it."""

from typing import Any, Final

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from sqlmodel import col

from plugin_sdk.forms import read_form, validate
from plugin_sdk.ports import Answer, Work
from plugin_sdk.problems import Invalid, Problem, field_error
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
from plugins.hotline.knowledge.forms import KnowledgeForm
from plugins.hotline.knowledge.keeping import READ, WRITE
from plugins.hotline.knowledge.lists import PREFIX
from plugins.hotline.knowledge.models import WITHDRAWN, KnowledgeVersion
from plugins.hotline.knowledge.pages import HINTS, KnowledgePages

Ask = Request[Any, Any, Any]


MOST: Final = 500
"""How many rows a file may have: each is compared with who called."""


class _Tried(Exception):
    """Ends the unit of work of a trial: nothing of it stays."""


def import_routes(pages: KnowledgePages) -> list[HTTPRouteHandler]:
    """Return the routes that take files of answers: the page, the template, the file."""
    hub, here = pages.hub, pages.keeping.href("import")

    async def columns() -> list[FieldView]:
        options = await pages.options()
        return BLANK.fields(KnowledgeForm, PREFIX, options=options, hints=HINTS)

    async def blank() -> ImportView:
        return ImportView(
            title=Phrase(f"{PREFIX}.import"),
            action=here,
            template_href=f"{here}/template.csv",
            list_href=pages.here,
            columns=await columns(),
        )

    @get("/knowledge/import", opt=needs(WRITE), operation_id="knowledge-import-form")
    async def show(request: Ask) -> Response[Any]:
        """Show how a file of answers is brought in."""
        return await respond(hub, request, Answer(view=await blank()))

    @get(
        "/knowledge/import/template.csv",
        opt=needs(WRITE),
        operation_id="knowledge-import-template",
    )
    async def template(request: Ask) -> Response[bytes]:
        """Return a file with the columns and no rows."""
        return Response(
            file_template(await columns(), hub.pages.say, actor_of(request).language),
            media_type="text/csv",
            headers={"content-disposition": 'attachment; filename="hotline-knowledge.csv"'},
        )

    @post("/knowledge/import", opt=needs(WRITE, body=FileForm), operation_id="knowledge-import")
    async def take(request: Ask) -> Response[Any]:
        """Try a file of answers, or bring it in: as a whole or not at all."""
        actor, view = actor_of(request), await blank()
        try:
            sent = await read_form(request, FileForm, actor, max_files=1)
            view.content = text_of(sent.form, sent.files)
            rows = file_rows(view.content, view.columns, hub.pages.say)
            if len(rows) > MOST:
                raise Invalid(field_error("file", "table-too-many", limit=MOST))
        except Invalid as wrong:
            view.error = wrong.errors[0].message
            wrong.view = view
            raise
        real = sent.form.bring_in
        try:
            async with hub.work(actor, sent.key if real else None) as work:
                view.rows = [await _take(pages, work, row, view.columns) for row in rows]
                view.counts = counted(view.rows)
                if not real or not view.ready:
                    raise _Tried
                said = Phrase("registers.import.brought_in", view.counts)
                answer = work.answer(
                    Answer(view=view, location=f"{pages.here}?state=draft", said=said)
                )
        except _Tried:
            if real:
                raise Invalid(field_error("file", "rows-refused"), view=view) from None
            answer = Answer(view=view)
        return await respond(hub, request, answer)

    return [show, template, take]


async def _take(
    pages: KnowledgePages, work: Work, row: FileRow, fields: list[FieldView]
) -> RowView:
    name = row.values.get("question", "")[:200]
    if row.fault is not None:
        return refused(row.line, name, [row.fault])
    try:
        form = validate(KnowledgeForm, row.values)
        await pages.desk.refuse_unoffered(form)
        known = await _known(work, form.question)
        if known is None:
            await pages.keeping.write(work, form)
            return row_view(row.line, name, "new")
        if known == form.text:
            return row_view(row.line, name, "same")
    except Invalid as wrong:
        return refused(row.line, name, faults_of(wrong.errors, fields))
    except Problem as problem:
        return refused(row.line, name, [Phrase(f"{problem.words}.detail", problem.params)])
    return refused(row.line, name, [Phrase(f"{PREFIX}.wrong.asked-already")])


async def _known(work: Work, question: str) -> str | None:
    """Return what the unit answers to a question already, None for nothing."""
    row = KnowledgeVersion
    statement = work.rows(row, col(row.text), permission=READ).where(
        col(row.organization_id) == work.actor.organization_id,
        col(row.question) == question,
        col(row.state) != WITHDRAWN,
    )
    newest = statement.order_by(col(row.changed_at).desc(), col(row.n).desc()).limit(1)
    found: str | None = (await work.session.execute(newest)).scalar()
    return found
