"""The desk of the window for what could not be done: how a matter comes, what is shown of it, and
the figures by unit and cause."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func
from sqlmodel import col

from plugin_sdk.cases.desk import CaseDesk
from plugin_sdk.cases.rules import is_requester
from plugin_sdk.cases.suppression import left_out
from plugin_sdk.cases.titles import title_of
from plugin_sdk.cases.views import AskWho
from plugin_sdk.deadlines import local_day
from plugin_sdk.figures import bounds
from plugin_sdk.forms import Submission
from plugin_sdk.identifiers import mask_name, mask_phone
from plugin_sdk.ports import Audience, Hub, Read, Work
from plugin_sdk.problems import Invalid, field_error
from plugin_sdk.views import ChartView, FactView, FiguresView, Phrase, Words
from plugins.hotline.desk import OrderDesk, desk_of
from plugins.hotline.reception.forms import CallerMatterForm, MatterForm
from plugins.hotline.reception.models import Matter
from plugins.hotline.reception.window_flow import MatterEngine
from plugins.hotline.terms import term

WORDS: Final = "hotline.window"


class MatterDesk(CaseDesk[Matter]):
    """Matters that could not be done."""

    form = MatterForm
    hints = frozenset({"text", "said", "photos", "representative", "rule", "proposal"})
    with_files = True
    engine: MatterEngine

    def __init__(self, orders: OrderDesk) -> None:
        super().__init__(MatterEngine(orders))

    def organizations(self) -> Mapping[str, AskWho]:
        """Return the units that may have refused it."""
        return {"unit_id": self.engine.refusers}

    async def file(self, work: Work, sent: Submission[MatterForm]) -> Matter:
        """Register what the actor could not get done. Raises `Invalid` for a day to come."""
        return await self._open(work, sent, work.actor.person_id, work.actor.name)

    async def file_for(self, work: Work, sent: Submission[CallerMatterForm]) -> Matter:
        """Register it for whoever stands at the window."""
        return await self._open(work, sent, None, sent.form.caller_name)

    async def _open(
        self, work: Work, sent: Submission[Any], person_id: UUID | None, name: str
    ) -> Matter:
        form = sent.form
        if form.refused_on > local_day(work.now):
            raise Invalid(field_error("refused_on", "in-the-future"))
        row = await self.engine.open(
            work,
            title=title_of(form.matter),
            organization_id=await self.engine.receiver(work.actor),
            person_id=person_id,
            term=term(self.hub.settings, "window_days"),
            unit_id=form.unit_id,
            matter=form.matter,
            counter=form.counter,
            refused_on=form.refused_on,
            text=form.text,
            said=form.said or "",
            caller_name=name,
            caller_phone=form.phone,
        )
        await self.keep_files(work, row, sent)
        return row

    async def summary(self, read: Read, row: Matter) -> list[FactView]:
        """Return what was refused and why, and what came of it. What the unit said of its rule is
        for the staff until the window has decided."""
        own = is_requester(read.actor, row)
        staff = read.actor.audience is Audience.STAFF and not own
        decided = row.outcome is not None
        words = self.engine.words
        names = await self.hub.directory.names([row.unit_id])
        found: Words = ""
        if row.upheld is not None and (staff or decided):
            found = words(f"finding.{'right' if row.upheld else 'wrong'}")
        return [
            *self.facts(matter=row.matter, unit_id=names.get(row.unit_id, ""), counter=row.counter),
            FactView(words("field.refused_on"), row.refused_on),
            *self.facts(
                text=row.text,
                said=row.said,
                caller_name=row.caller_name if own else mask_name(row.caller_name),
                phone=mask_phone(row.caller_phone),
                representative=row.representative,
                finding=found,
                rule=row.rule if staff or decided else "",
                outcome=words(f"outcome_of.{row.outcome}") if row.outcome else "",
                cause=words(f"cause.{row.cause}") if row.cause and decided else "",
                reply=row.reply or "" if decided else "",
                suggestion=row.order_number or "" if staff else "",
            ),
        ]

    def revealed(self, row: Matter) -> list[FactView]:
        """Return who came."""
        words = self.engine.words
        return [
            FactView(words("field.caller_name"), row.caller_name or None),
            FactView(words("field.phone"), row.caller_phone or None),
        ]

    def known(self, row: Matter) -> Mapping[str, Any]:
        """Return what is known of the fields of its acts."""
        return {"unit": str(row.unit_id), "rule": row.rule or None}

    async def add_figures(self, read: Read, view: FiguresView) -> None:
        """Add how the matters of the period ended: by outcome, by unit and by cause."""
        start, end = bounds(view.since, view.until)
        statement = (
            read.rows(
                Matter,
                *(col(column) for column in (Matter.outcome, Matter.unit_id, Matter.cause)),
                func.count(),
                permission="figures.read",
            )
            .where(col(Matter.outcome).is_not(None), col(Matter.resolved_at) >= start)
            .where(col(Matter.resolved_at) < end)
            .group_by(col(Matter.outcome), col(Matter.unit_id), col(Matter.cause))
        )
        counts: dict[str, Counter[Any]] = {name: Counter() for name in ("outcome", "unit", "cause")}
        for outcome, unit, cause, n in await read.session.execute(statement):
            for name, key in (("outcome", outcome), ("unit", unit), ("cause", cause)):
                counts[name][key] += n
        names = await self.hub.directory.names(list(counts["unit"]))
        words = self.engine.words
        called: dict[str, Any] = {
            "outcome": lambda key: words(f"outcome_of.{key}"),
            "unit": lambda key: names.get(key, ""),
            "cause": lambda key: words(f"cause.{key}"),
        }
        view.charts = [
            *(self._chart(name, counts[name], called[name]) for name in counts),
            *view.charts,
        ]

    def _chart(self, name: str, counts: Counter[Any], called: Any) -> ChartView:
        few = left_out(counts)
        rows: list[list[Any]] = [
            [called(key), None if key in few else n] for key, n in counts.most_common()
        ]
        said = "few" if few else "all"
        return ChartView(
            kind="bars",
            title=Phrase(f"{WORDS}.chart.{name}"),
            sentence=Phrase(f"{WORDS}.chart.{said}", {"n": counts.total()})
            if counts
            else Phrase("case.chart.none"),
            columns=[Phrase(f"{WORDS}.chart.column.{name}"), Phrase("case.chart.cases")],
            rows=rows,
        )


def matter_desk(hub: Hub) -> MatterDesk:
    """Return the desk of a hub's matters that could not be done."""
    return hub.once(_desk)


def _desk(hub: Hub) -> MatterDesk:
    return MatterDesk(desk_of(hub))
