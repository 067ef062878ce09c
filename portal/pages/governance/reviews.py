"""Reviews as the pages of governance and of owners lead to them; the decision as a document."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from sqlalchemy import select
from sqlmodel import col

from core.database import Transaction
from core.governance.lifecycle.models import Standing
from core.governance.lifecycle.steps import IN_USE
from core.governance.oversight.flows import OPEN, READ, REPLY
from core.governance.oversight.shown import ReviewView
from core.governance.register import RegisterEntry
from plugin_sdk.cases.queries import Filters, page
from plugin_sdk.documents import Document, Part, Table, pdf
from plugin_sdk.problems import NotFound
from plugin_sdk.routes import SIGNED_IN, actor_of, needs
from plugin_sdk.views import ActionView, CaseItem, FactView, Phrase
from portal import formats
from portal.pages.context import AnyRequest, Portal
from portal.pages.governance.decisions import APP, address_of, review_desk
from portal.pages.governance.files import PDF, file

HERE: Final = f"/apps/{APP}/reviews"
MOST: Final = 50
"""Notices that are shown to an owner at once."""
Say = Callable[[Any], str]


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""

    @get(
        "/governance/reviews/{number:str}/decision.pdf",
        opt=needs(SIGNED_IN),
        operation_id="export-review-decision",
    )
    async def decision(request: AnyRequest, number: FromPath[str]) -> Response[bytes]:
        """Export the decision on a review, to whoever may read the review."""
        desk = review_desk(portal)
        if desk is None:
            raise NotFound
        async with desk.hub.read(actor_of(request)) as read:
            row = await desk.engine.find(read, number)
            if not row.verdict:
                raise NotFound
            view = await desk.detail_view(read, row)
        language = portal.renderer.language(request.scope)

        def say(words: Any) -> str:
            return portal.renderer.catalogue.shown(language, words)

        made = document(view, say, language, address_of(portal, row))
        foot = f"{say(Phrase('frame.system'))} · {number}"
        content = await asyncio.to_thread(pdf, made, lang=language, foot=foot)
        return file(content, PDF, f"{number}.pdf")

    return [decision]


async def link_to_review(
    request: AnyRequest, tx: Transaction, entry: RegisterEntry
) -> ActionView | None:
    """Return what leads from an app to its review: the one that is open or decided, else the form
    that nominates it; None where the reader may do neither."""
    actor = actor_of(request)
    row = Standing
    found = await tx.session.execute(select(col(row.review)).where(col(row.app) == entry.app))
    number = found.scalar_one_or_none()
    if (
        entry.stage in IN_USE
        and entry.stage != "improve"
        and actor.permits_for(f"{APP}.{OPEN}", tx.now)
    ):
        label = Phrase("page.dossier.nominate")
        return ActionView(verb="nominate", label=label, href=f"{HERE}/new/{entry.app}")
    if number and actor.permits_for(f"{APP}.{READ}", tx.now):
        label = Phrase("page.dossier.review")
        return ActionView(verb="see", label=label, href=f"{HERE}/{number}")
    return None


async def notices(portal: Portal, request: AnyRequest) -> list[CaseItem]:
    """Return the reviews that the reader's unit has to answer, the first due first."""
    desk, actor = review_desk(portal), actor_of(request)
    now = portal.services.database.clock()
    if desk is None or not actor.permits_for(f"{APP}.{REPLY}", now):
        return []
    async with desk.hub.read(actor) as read:
        asked = Filters(state="waiting", mine=True)
        found, _ = await page(desk.engine, read, asked, kind=desk.kind, size=MOST)
        found.sort(key=lambda fact: (fact.due_at is None, fact.due_at))
        return await desk.items(read, found)


def document(view: ReviewView, say: Say, language: str, address: str) -> Document:
    """Return a decision as a document in a language; `say` gives words in it, `address` is where
    it is checked."""

    def words(key: str, **params: Any) -> str:
        return say(Phrase(f"{APP}.review.{key}", params))

    def facts(shown: tuple[FactView, ...] | list[FactView]) -> list[str]:
        return [
            words("paper.line", label=fact.label, value=_value(fact.value, say, language))
            for fact in shown
        ]

    findings = [
        Part(
            say(found.label),
            [
                *(say(said) for said in found.said),
                words("change") + say(found.change),
                words("basis", basis=found.basis),
            ],
        )
        for found in view.findings
    ]
    return Document(
        title=words("paper.title"),
        about=[
            f"{say(Phrase('text', {'text': view.name}))} · {formats.case_number(view.number)}",
            say(view.looked),
            words("paper.verify", address=address),
        ],
        parts=[
            Part(words("paper.decision_head"), facts(view.decision)),
            Part(words("paper.about_head"), facts(view.summary)),
            Part(words("paper.reply_head"), facts(view.reply) or [words("no_reply_yet")]),
            Part(words("paper.findings_head"), [] if findings else [words("no_findings")]),
            *findings,
            _course(view, say),
        ],
        address=address,
    )


def _course(view: ReviewView, say: Say) -> Table:
    """Return what happened, the first first."""
    names = ("when", "what", "who", "said")
    return Table(
        say(Phrase(f"{APP}.review.paper.timeline")),
        [say(Phrase(f"{APP}.review.paper.{name}")) for name in names],
        [
            [
                formats.table_moment(entry.at) if entry.at else "",
                say(entry.label),
                " ".join(filter(None, (entry.unit, entry.role))),
                entry.reason or entry.text or "",
            ]
            for entry in reversed(view.timeline)
        ],
        wide=(2, 2, 3, 4),
    )


def _value(value: Any, say: Say, language: str) -> Any:
    """Return a value of a summary in words: moments and days are written out."""
    if hasattr(value, "hour"):
        return f"{formats.full_day(value, language)} {formats.clock(value)}"
    if hasattr(value, "year"):
        return formats.full_day(value, language)
    return say(value) if isinstance(value, Phrase) else value
