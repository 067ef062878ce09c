"""The lists of the knowledge base: what staff find, what fits an order, what everybody reads."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_
from sqlmodel import col

from plugin_sdk.cursors import Position, cut, older, read_cursor
from plugin_sdk.deadlines import local_day
from plugin_sdk.ports import Hub, Read
from plugin_sdk.problems import Problem
from plugin_sdk.views import ActionView, FilterView, Option, Phrase
from plugins.hotline import categories
from plugins.hotline.desk import OrderDesk
from plugins.hotline.knowledge.counting import Uses, uses_of
from plugins.hotline.knowledge.finding import NEAREST, nearness
from plugins.hotline.knowledge.keeping import READ, REMIND, WRITE, Keeping
from plugins.hotline.knowledge.models import DRAFT, PUBLISHED, WITHDRAWN, KnowledgeVersion
from plugins.hotline.knowledge.views import (
    KnowledgeItem,
    KnowledgeListView,
    PublicAnswer,
    PublicKnowledgeView,
)
from plugins.hotline.models import Order

PAGE: Final = 20
EXCERPT: Final = 80
LATELY: Final = timedelta(days=29)
SOON: Final = timedelta(days=max(REMIND))
STATES: Final = ("in_force", "ending", "expired", "future", "draft", "replaced", "withdrawn")
TONES: Final[Mapping[str, str]] = {
    "in_force": "ok",
    "ending": "soon",
    "expired": "late",
    "future": "state",
    "draft": "state",
    "replaced": "paused",
    "withdrawn": "paused",
}
PREFIX: Final = "hotline.knowledge"
LINKS: Final = (
    ("/categories", "order.categories", "category.read"),
    ("/rules", "responsibility.list", "rule.read"),
    ("/lines", "line.list", "line.read"),
)
"""What else staff look up: where, what it is called, who may see it."""
Row = KnowledgeVersion


class KnowledgeLists:
    """The lists of a hub's knowledge base."""

    def __init__(self, desk: OrderDesk) -> None:
        self.desk = desk
        self.hub: Hub = desk.hub
        self.keeping = Keeping(desk.hub)
        self.here = self.keeping.href()

    async def listed(
        self, read: Read, asked: Mapping[str, str], cursor: str = ""
    ) -> KnowledgeListView:
        """Return a page of what staff may read. Raises `Problem` for what is no choice."""
        today, query = local_day(read.now), asked.get("q", "")
        statement = read.rows(Row, permission=READ).where(_standing(asked.get("state", ""), today))
        if asked.get("mine"):
            statement = statement.where(col(Row.organization_id) == read.actor.organization_id)
        if level := asked.get("category"):
            statement = statement.where(
                col(Row.category_code).startswith(f"{level}/", autoescape=True)
            )
        rows, following, cut_at = await _page(read, statement, query, cursor)
        kept = {name: value for name, value in asked.items() if value}
        writes = await read.holds(WRITE)
        return KnowledgeListView(
            title=Phrase(f"{PREFIX}.title"),
            items=await self.items(read, rows),
            filters=self._filters(asked),
            query=query,
            next_href=f"{self.here}?{urlencode({**kept, 'cursor': following})}"
            if following
            else None,
            create=ActionView(
                verb="new",
                label=Phrase(f"{PREFIX}.new"),
                href=self.keeping.href("new"),
                primary=True,
            )
            if writes
            else None,
            import_href=self.keeping.href("import") if writes else None,
            links=[
                link
                for path, words, permission in LINKS
                for link in await self.desk.link(read, path, Phrase(f"hotline.{words}"), permission)
            ],
            cut_at=cut_at,
        )

    async def to_begin(self, read: Read, row: Order, verb: str, query: str) -> KnowledgeListView:
        """Return what the answer of an order may begin with."""
        form = self.desk.engine.href(row.number, verb)
        found = await self.desk.answering.find(read, row, query, NEAREST + 1)
        items = await self.items(read, found[:NEAREST])
        for item, one in zip(items, found, strict=False):
            item.begin_href = self.desk.answering.choice(one, form).href
        return KnowledgeListView(
            title=Phrase(f"{PREFIX}.begin"),
            items=items,
            query=query,
            order=row.number,
            back_href=form,
            cut_at=NEAREST if len(found) > NEAREST else None,
        )

    async def public(self, read: Read, query: str, cursor: str) -> PublicKnowledgeView:
        """Return what everybody may read: what is in force and marked public. `read` is the hub's
        own, so that a visitor reads it too."""
        today = local_day(read.now)
        statement = read.rows(Row).where(Row.in_force(today), col(Row.public).is_(True))
        rows, following, cut_at = await _page(read, statement, query, cursor)
        names = await self.names(rows)
        asked = {"q": query} if query else {}
        return PublicKnowledgeView(
            items=[
                PublicAnswer(
                    question=row.question,
                    text=row.text,
                    basis=row.basis,
                    unit=names.get(row.organization_id, ""),
                    region=names.get(row.region_id, "") if row.region_id else "",
                    since=row.starts_on,
                    last_day=row.last_day,
                )
                for row in rows
            ],
            query=query,
            next_href=f"{self.here}?{urlencode({**asked, 'cursor': following})}"
            if following
            else None,
            file_href=f"/apps/{self.hub.app}/orders/new",
            cut_at=cut_at,
        )

    async def items(self, read: Read, rows: Sequence[Row]) -> list[KnowledgeItem]:
        """Return answers as lists show them."""
        today = local_day(read.now)
        names = await self.names(rows)
        uses = await uses_of(read, [row.id for row in rows], today - LATELY)
        return [
            KnowledgeItem(
                id=str(row.id),
                question=row.question,
                n=row.n,
                state=(state := state_of(row, today)),
                state_label=Phrase(f"{PREFIX}.state.{state}"),
                tone=TONES[state],
                unit=names.get(row.organization_id, ""),
                category=row.category_code,
                region=names.get(row.region_id, "") if row.region_id else "",
                starts_on=row.starts_on,
                last_day=row.last_day,
                public=row.public,
                used=uses.get(row.id, Uses()).total,
                href=self.keeping.href(row.knowledge_id),
                excerpt=_excerpt(row.text),
            )
            for row in rows
        ]

    async def names(self, rows: Sequence[Row]) -> dict[UUID, str]:
        """Return what the units and divisions of answers are called."""
        ids = {row.organization_id for row in rows} | {r.region_id for r in rows if r.region_id}
        return await self.hub.directory.names(list(ids))

    def _filters(self, asked: Mapping[str, str]) -> list[FilterView]:
        levels = dict.fromkeys(leaf.level1 for leaf in categories.tree().values())
        choices = {
            "state": [Option(state, Phrase(f"{PREFIX}.state.{state}")) for state in STATES],
            "category": [Option(level, level) for level in levels],
            "mine": [Option("1", Phrase("case.filter.yes"))],
        }
        return [
            FilterView(
                name=name,
                label=Phrase(f"{PREFIX}.filter.{name}"),
                options=options,
                value=asked.get(name, ""),
            )
            for name, options in choices.items()
        ]


def state_of(row: Row, today: date) -> str:
    """Return how an answer stands on a day."""
    if row.state in (DRAFT, WITHDRAWN):
        return row.state
    if row.replaced_by is not None and row.last_day < today:
        return "replaced"
    if row.last_day < today:
        return "expired"
    if row.starts_on > today:
        return "future"
    return "ending" if row.last_day <= today + SOON else "in_force"


def _standing(state: str, today: date) -> ColumnElement[bool]:
    """Return the condition for answers that stand so; without a state for all but what is
    replaced or withdrawn. Raises `Problem`."""
    newest = and_(col(Row.state) == PUBLISHED, col(Row.replaced_by).is_(None))
    over = and_(col(Row.state) == PUBLISHED, col(Row.last_day) < today)
    conditions: dict[str, ColumnElement[bool]] = {
        "": and_(
            col(Row.state) != WITHDRAWN,
            or_(col(Row.replaced_by).is_(None), col(Row.last_day) >= today),
        ),
        "in_force": Row.in_force(today),
        "ending": and_(Row.in_force(today), col(Row.last_day) <= today + SOON),
        "expired": and_(newest, col(Row.last_day) < today),
        "future": and_(col(Row.state) == PUBLISHED, col(Row.starts_on) > today),
        "draft": col(Row.state) == DRAFT,
        "replaced": and_(over, col(Row.replaced_by).is_not(None)),
        "withdrawn": col(Row.state) == WITHDRAWN,
    }
    if state not in conditions:
        raise Problem("case.unknown-state")
    return conditions[state]


async def _page(
    read: Read, statement: Any, query: str, cursor: str
) -> tuple[list[Row], str | None, int | None]:
    """Return a page of answers, where the next begins, and at how many a search was cut off."""
    near = nearness(query) if query else None
    if query and near is None:
        return [], None, None  # signs alone are found nowhere
    if near is not None:
        statement = statement.where(near[0]).order_by(
            near[1].desc(), col(Row.last_day).desc(), col(Row.id)
        )
        rows = list((await read.session.execute(statement.limit(NEAREST + 1))).scalars())
        return rows[:NEAREST], None, NEAREST if len(rows) > NEAREST else None
    if cursor:
        statement = statement.where(older(read_cursor(cursor), col(Row.changed_at), col(Row.id)))
    statement = statement.order_by(col(Row.changed_at).desc(), col(Row.id).desc())
    found = list((await read.session.execute(statement.limit(PAGE + 1))).scalars())
    rows, following = cut(found, PAGE, lambda row: Position(row.changed_at, row.id))
    return rows, following, None


def _excerpt(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= EXCERPT else f"{plain[:EXCERPT]}…"
