"""One answer of the knowledge base with its versions, and the forms of what is done with it."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final
from uuid import UUID

from plugin_sdk.deadlines import local_day
from plugin_sdk.ports import Read
from plugin_sdk.taking import Typed
from plugin_sdk.views import ActionView, FactView, FormView, Option, Phrase
from plugins.hotline import categories
from plugins.hotline.knowledge.counting import Uses, days_of, uses_of
from plugins.hotline.knowledge.forms import KnowledgeForm, ReviseForm, SeenForm, WithdrawForm
from plugins.hotline.knowledge.keeping import PUBLISH, WRITE
from plugins.hotline.knowledge.lists import LATELY, PREFIX, TONES, KnowledgeLists, state_of
from plugins.hotline.knowledge.models import DRAFT, PUBLISHED, KnowledgeVersion
from plugins.hotline.knowledge.views import (
    DayView,
    KnowledgeView,
    StoodView,
)

HINTS: Final = frozenset({"text", "basis", "keywords", "public", "region", "category"})
Row = KnowledgeVersion


class KnowledgePages(KnowledgeLists):
    """The pages of a hub's knowledge base."""

    async def answer(self, read: Read, id: UUID) -> KnowledgeView:
        """Return an answer with its versions. Raises `NotFound`."""
        rows, today = await self.keeping.versions(read, id), local_day(read.now)
        names = await self.names(rows)
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
        names = await self.names([row])
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


def _said(row: Row, state: str) -> Phrase:
    return Phrase(f"{PREFIX}.said.{state}", {"date": row.last_day, "first": row.starts_on})
