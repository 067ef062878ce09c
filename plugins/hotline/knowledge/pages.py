"""The pages of the knowledge base."""

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
from plugin_sdk.taking import Typed
from plugin_sdk.views import ActionView, FactView, FilterView, FormView, Option, Phrase
from plugins.hotline import categories
from plugins.hotline.desk import OrderDesk
from plugins.hotline.knowledge.counting import Uses, days_of, uses_of
from plugins.hotline.knowledge.finding import NEAREST, nearness
from plugins.hotline.knowledge.forms import KnowledgeForm, ReviseForm, SeenForm, WithdrawForm
from plugins.hotline.knowledge.keeping import PUBLISH, READ, REMIND, WRITE, Keeping
from plugins.hotline.knowledge.models import DRAFT, PUBLISHED, WITHDRAWN, KnowledgeVersion
from plugins.hotline.knowledge.views import (
    DayView,
    KnowledgeItem,
    KnowledgeListView,
    KnowledgeView,
    PublicAnswer,
    PublicKnowledgeView,
    StoodView,
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
HINTS: Final = frozenset({"text", "basis", "keywords", "public", "region", "category"})
Row = KnowledgeVersion


class KnowledgePages:
    """The pages of a hub's knowledge base."""

    def __init__(self, desk: OrderDesk) -> None:
        self.desk = desk
        self.hub: Hub = desk.hub
        self.keeping = Keeping(desk.hub)
        self.here = self.keeping.href()

    # Lists.

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
        names = await self._names(rows)
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
        names = await self._names(rows)
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

    # One answer.

    async def answer(self, read: Read, id: UUID) -> KnowledgeView:
        """Return an answer with its versions. Raises `NotFound`."""
        rows, today = await self.keeping.versions(read, id), local_day(read.now)
        names = await self._names(rows)
        uses = await uses_of(read, [row.id for row in rows], today - LATELY)
        shown = next((row for row in rows if row.offered_on(today)), rows[0])
        state = state_of(shown, today)
        version = await self.keeping.lock(read, id)
        return KnowledgeView(
            id=str(id),
            question=shown.question,
            n=shown.n,
            state=state,
            state_label=Phrase(f"{PREFIX}.state.{state}"),
            tone=TONES[state],
            said=None if state in ("in_force", "replaced") else _said(shown, state),
            unit=names.get(shown.organization_id, ""),
            text=shown.text,
            facts=self._facts(shown, names),
            versions=[self._stood(row, names, uses.get(row.id, Uses()), today) for row in rows],
            days=[DayView(*one) for one in await days_of(read, shown.id, today - LATELY)],
            version=version,
            actions=await self._acts(read, id, rows, today) if version is not None else [],
            list_href=self.here,
        )

    async def _acts(
        self, read: Read, id: UUID, rows: Sequence[Row], today: date
    ) -> list[ActionView]:
        draft = next((row for row in rows if row.state == DRAFT), None)
        verbs = []
        may_publish = draft is not None and not read.actor.hands & draft.signers
        if may_publish and await read.holds(PUBLISH):
            verbs.append("publish")
        if await read.holds(WRITE):
            verbs.append("redraft" if draft else "revise")
            if draft or any(row.state == PUBLISHED for row in rows):
                verbs.append("withdraw")
        return [
            ActionView(
                verb=verb,
                label=Phrase(f"{PREFIX}.act.{verb}"),
                href=self.keeping.href(id, "revise" if verb == "redraft" else verb),
                primary=at == 0,
            )
            for at, verb in enumerate(verbs)
        ]

    def _stood(self, row: Row, names: Mapping[UUID, str], uses: Uses, today: date) -> StoodView:
        state = state_of(row, today)
        return StoodView(
            n=row.n,
            state=state,
            state_label=Phrase(f"{PREFIX}.state.{state}"),
            tone=TONES[state],
            at=row.at,
            role=row.role,
            unit=row.unit,
            published_at=row.published_at,
            published_role=row.published_role,
            withdrawn_at=row.withdrawn_at,
            withdrawn_role=row.withdrawn_role,
            withdrawn_reason=row.withdrawn_reason,
            reason=row.reason,
            used=uses.total,
            used_lately=uses.lately,
            text=row.text,
            facts=self._facts(row, names),
        )

    def _facts(self, row: Row, names: Mapping[UUID, str]) -> list[FactView]:
        values: dict[str, Any] = {
            "basis": row.basis,
            "starts_on": row.starts_on,
            "last_day": row.last_day,
            "category": row.category_code or Phrase(f"{PREFIX}.every"),
            "region": names.get(row.region_id, "") if row.region_id else Phrase(f"{PREFIX}.whole"),
            "keywords": row.keywords or None,
            "public": Phrase(f"case.check.{'yes' if row.public else 'no'}"),
        }
        return [
            FactView(Phrase(f"{PREFIX}.field.{name}"), value)
            for name, value in values.items()
            if value is not None
        ]

    # Forms.

    async def new_view(self, read: Read, typed: Typed) -> FormView:
        """Return the form of a new answer."""
        return FormView(
            title=Phrase(f"{PREFIX}.new"),
            intro=Phrase(f"{PREFIX}.second"),
            action=self.here,
            verb=Phrase(f"{PREFIX}.keep"),
            fields=typed.fields(KnowledgeForm, PREFIX, options=await self.options(), hints=HINTS),
            conflict=typed.conflict,
            cancel=self.here,
        )

    async def revise_view(self, read: Read, id: UUID, typed: Typed) -> FormView:
        """Return the form of the next version, or of the draft. Raises `NotFound`."""
        row, version = await self._own(read, id)
        known = {
            "question": row.question,
            "text": row.text,
            "basis": row.basis,
            "starts_on": row.starts_on if row.state == DRAFT else None,
            "ends_on": row.ends_on,
            "category": row.category_code,
            "region": str(row.region_id) if row.region_id else None,
            "keywords": row.keywords,
            "public": row.public,
            "reason": row.reason if row.state == DRAFT else None,
        }
        fields = typed.fields(ReviseForm, PREFIX, known, options=await self.options(), hints=HINTS)
        act = "redraft" if row.state == DRAFT else "revise"
        return FormView(
            title=Phrase(f"{PREFIX}.act.{act}"),
            intro=Phrase(f"{PREFIX}.second"),
            action=self.keeping.href(id, "revise"),
            verb=Phrase(f"{PREFIX}.keep"),
            fields=[field for field in fields if field.name != "version"],
            hidden={"version": str(version)},
            conflict=typed.conflict,
            cancel=self.keeping.href(id),
        )

    async def act_view(self, read: Read, id: UUID, act: str, typed: Typed) -> FormView:
        """Return the form that publishes or withdraws. Raises `NotFound`."""
        row, version = await self._own(read, id)
        names = await self._names([row])
        form = SeenForm if act == "publish" else WithdrawForm
        fields = typed.fields(form, PREFIX)
        question = FactView(Phrase(f"{PREFIX}.field.question"), row.question)
        text = FactView(Phrase(f"{PREFIX}.field.text"), row.text)
        return FormView(
            title=Phrase(f"{PREFIX}.act.{act}"),
            intro=Phrase(f"{PREFIX}.outcome.{act}"),
            action=self.keeping.href(id, act),
            verb=Phrase(f"{PREFIX}.act.{act}"),
            fields=[field for field in fields if field.name != "version"],
            hidden={"version": str(version)},
            conflict=typed.conflict,
            cancel=self.keeping.href(id),
            about=[question, text, *self._facts(row, names)],
        )

    async def options(self) -> dict[str, list[Option]]:
        """Return the choices of the form."""
        regions = await self.desk.organizations()["region"]()
        return {
            "category": categories.options(),
            "region": [Option(str(one.id), one.name) for one in regions],
        }

    async def _own(self, read: Read, id: UUID) -> tuple[Row, int]:
        """Return the newest version of one's unit's answer, and what an act must have seen."""
        rows = await self.keeping.versions(read, id)
        version = await self.keeping.lock(read, id)
        if version is None:
            raise self.keeping.refused("not-yours")
        return rows[0], version

    async def _names(self, rows: Sequence[Row]) -> dict[UUID, str]:
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


def _said(row: Row, state: str) -> Phrase:
    return Phrase(f"{PREFIX}.said.{state}", {"date": row.last_day, "first": row.starts_on})


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
