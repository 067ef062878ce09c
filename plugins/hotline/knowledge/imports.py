"""Bringing in an old knowledge base. What comes in is a draft, so that a second person reads it
before anybody answers with it."""

from collections.abc import Sequence
from functools import partial
from typing import Final

from litestar.handlers import HTTPRouteHandler
from sqlmodel import col

from plugin_sdk.forms import validate
from plugin_sdk.ports import Read, Work
from plugin_sdk.registers.files import FileRow, RowView, refused, row_view
from plugin_sdk.registers.imports import Imports, file_routes, row_taken
from plugin_sdk.taking import BLANK
from plugin_sdk.views import FieldView, Phrase
from plugins.hotline.knowledge.forms import KnowledgeForm
from plugins.hotline.knowledge.keeping import READ, WRITE
from plugins.hotline.knowledge.lists import PREFIX
from plugins.hotline.knowledge.models import WITHDRAWN, KnowledgeVersion
from plugins.hotline.knowledge.pages import HINTS, KnowledgePages

MOST: Final = 500
"""How many rows a file may have: each is compared with who called."""


def import_routes(pages: KnowledgePages) -> list[HTTPRouteHandler]:
    """Return the routes that take files of answers."""

    async def columns(read: Read) -> list[FieldView]:
        return BLANK.fields(KnowledgeForm, PREFIX, options=await pages.options(), hints=HINTS)

    async def enter(
        work: Work, rows: Sequence[FileRow], fields: Sequence[FieldView]
    ) -> list[RowView]:
        return [
            await row_taken(row, _name(row), fields, partial(_entered, pages, work, row))
            for row in rows
        ]

    imports = Imports(
        name="knowledge",
        path="/knowledge",
        permission=WRITE,
        title=Phrase(f"{PREFIX}.import"),
        columns=columns,
        enter=enter,
        most=MOST,
        arrives=f"{pages.here}?state=draft",
    )
    return file_routes(pages.hub, imports)


def _name(row: FileRow) -> str:
    return row.values.get("question", "")


async def _entered(pages: KnowledgePages, work: Work, row: FileRow) -> RowView:
    form = validate(KnowledgeForm, row.values)
    await pages.desk.refuse_unoffered(form)
    known = await _known(work, form.question)
    if known is None:
        await pages.keeping.write(work, form)
        return row_view(row.line, _name(row), "new")
    if known == form.text:
        return row_view(row.line, _name(row), "same")
    return refused(row.line, _name(row), [Phrase(f"{PREFIX}.wrong.asked-already")])


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
