"""Objections (异议): a case for each, reviewed by an officer within its term; a fine that is not
small is cancelled by two."""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlmodel import col

from plugin_sdk.cases import CaseEngine
from plugin_sdk.cases.flow import Clock, Does, Flow, Notice, State
from plugin_sdk.cases.forms import ActForm, NoteForm, ReasonForm
from plugin_sdk.cases.shorthand import HOLDER, REQUESTER, Acts
from plugin_sdk.deadlines import Term, local_day
from plugin_sdk.forms import Submission
from plugin_sdk.identifiers import redact
from plugin_sdk.money import spell_yuan
from plugin_sdk.ports import Hub, Read, Work
from plugin_sdk.problems import AppConflict
from plugin_sdk.views import (
    ActionView,
    AttachmentView,
    CaseListView,
    FactView,
    FiguresView,
    Money,
    Phrase,
)
from plugins.traffic.drafting import (
    DecisionForm,
    Drafting,
    DraftingDesk,
    spelled_day,
    spelled_moment,
)
from plugins.traffic.figures import add_figures
from plugins.traffic.fines import Fines
from plugins.traffic.forms import ObjectionForm
from plugins.traffic.holders import those_concerned
from plugins.traffic.identifiers import shown_plate
from plugins.traffic.models import Handling, Objection
from plugins.traffic.violations import ViolationDesk

OBJECT_DAYS: Final = ("objection_days", 60)
REVIEW_DAYS: Final = ("review_days", 5)
SECOND_FROM: Final = ("second_person_fine", 20_000)
"""Settings of the county, with what holds without them: within how many days of a violation one
may object, within how many working days an officer decides, from which fine (in fen) on a second
officer confirms that it is cancelled. No text of a rule was at hand for them."""

PROPOSED: Final = ("propose",)
AFTERWARDS: Final = frozenset({"accepted", "paid", "elsewhere"})
"""How a violation may stand that was dealt with and is still objected to: what was paid goes back
when it is cancelled."""


def objection_flow(hub: Hub, fines: Fines) -> Flow:
    """Return the flow of an objection: filed → upheld or cancelled. A weighty one (a fine from
    the setting `second_person_fine`) is cancelled by one officer and confirmed by another."""
    act, drafting = Acts("objection"), Drafting(hub)
    asker = Notice(to="requester")
    closed: dict[str, Any] = {
        "resolves": True,
        "effect": "objection.decided",
        "event": "objection.closed",
        "public": True,
        "tone": "done",
    }

    def settling(state: str) -> Any:
        async def settle(work: Work, row: Objection, form: Any) -> None:
            row.reply = getattr(form, "text", None) or row.reply
            if isinstance(form, DecisionForm):
                await drafting.check(work, form.template)
            statement = work.rows(Handling, col(Handling.id), permission="objection.read")
            statement = statement.where(col(Handling.number) == row.violation)
            found = (await work.session.execute(statement)).scalar_one()
            handling = await work.get(Handling, found, permission="objection.read")
            stands = state if state == "cancelled" else await fines.stands(work, handling)
            if stands == "accepted" and handling.due_on is not None:
                # nobody may pay while it is reviewed, so that time is not counted as late
                handling.due_on += local_day(work.now) - local_day(handling.changed_at)
            handling.state, handling.changed_at = stands, work.now
            if state == "cancelled":
                await fines.dropped(work, handling)

        return settle

    async def propose(work: Work, row: Objection, form: DecisionForm) -> None:
        await drafting.check(work, form.template)
        row.reply = form.text

    return Flow(
        name="objection",
        series="objection",
        path="/objections",
        start="filed",
        starts=("weighty",),
        read="objection.read",
        file="objection.file",
        figures="figures.read",
        event="objection.filed",
        remind=1,
        late="supervise",
        states=(
            State(key="filed", waits_for="objection.cancel"),
            State(key="weighty", waits_for="objection.propose"),
            State(key="proposed", waits_for="objection.confirm"),
            State(key="cancelled", clock=Clock.STOPPED, final=True),
            State(key="upheld", clock=Clock.STOPPED, final=True),
        ),
        transitions=(
            act(
                *("cancel", "filed", "cancelled", HOLDER, DecisionForm, asker),
                apply=settling("cancelled"),
                **closed,
            ),
            act(
                *("propose", "weighty", "proposed", HOLDER, DecisionForm, act.holder("confirm")),
                apply=propose,
            ),
            act(
                *("confirm", "proposed", "cancelled", HOLDER, NoteForm, asker),
                apply=settling("cancelled"),
                another_than=PROPOSED,
                **closed,
            ),
            act(
                *("send-back", "proposed", "weighty", HOLDER, ReasonForm, act.holder("propose")),
                another_than=PROPOSED,
                reason_required=True,
                tone="returned",
            ),
            act(
                *("uphold", "filed weighty", "upheld", HOLDER, DecisionForm, asker),
                apply=settling("upheld"),
                **closed,
            ),
            act(
                *("urge", "filed weighty proposed", None, REQUESTER, ActForm),
                *(act.holder("uphold"),),
                does=Does.URGE,
            ),
            act(
                *("supervise", "filed weighty proposed", None, (), NoteForm),
                *(act.holder("uphold"),),
                does=Does.SUPERVISE,
            ),
        ),
    )


class ObjectionEngine(CaseEngine[Objection]):
    """The engine of objections: whose the vehicle is, or was, decides nothing of them."""

    async def filers(self, read: Read, row: Objection) -> frozenset[UUID]:
        """Return who filed it for another, and the actor where the vehicle is theirs."""
        own = await those_concerned(read, row.happened_at, row.plate)
        return await super().filers(read, row) | own


class ObjectionDesk(DraftingDesk[Objection]):
    """Objections to violations, from the page of the violation."""

    form = ObjectionForm
    hints = frozenset({"text", "photos", "reply"})
    with_files = True

    def __init__(self, hub: Hub, violations: ViolationDesk, fines: Fines) -> None:
        super().__init__(ObjectionEngine(hub, objection_flow(hub, fines), Objection))
        self.violations = violations

    async def file(self, work: Work, sent: Submission[ObjectionForm]) -> Objection:
        """Open an objection to a violation of the actor's. Raises `NotFound` for another's and
        `AppConflict` for one that was dealt with, or after the time for it."""
        number = sent.form.violation
        item, before = await self.violations.to_act_on(work, number, also=AFTERWARDS)
        objections = work.rows(Objection, col(Objection.id), permission="objection.read")
        known = await work.session.execute(objections.where(col(Objection.violation) == number))
        if known.first() is not None:
            raise AppConflict("traffic", "is-upheld")
        last = self.last_day(item.at)
        if local_day(work.now) > last:
            raise AppConflict("traffic", "objection-late", date=last)
        if before is None:
            await self.violations.record(work, item)
        else:
            before.state, before.changed_at = "objected", work.now
        weighty = item.fine >= int(self.hub.settings.get(*SECOND_FROM))
        row = await self.engine.open(
            work,
            title=f"{shown_plate(item.plate)} {item.what}",
            organization_id=await self.engine.receiver(work.actor),
            person_id=work.actor.person_id,
            term=Term(working_days=int(self.hub.settings.get(*REVIEW_DAYS))),
            state="weighty" if weighty else None,
            violation=item.number,
            plate=item.plate,
            happened_at=item.at,
            place=item.place,
            what=item.what,
            points=item.points,
            fine=item.fine,
            pictures=list(item.pictures),
            text=redact(sent.form.text),
        )
        await self.keep_files(work, row, sent)
        return row

    def last_day(self, happened_at: Any) -> Any:
        """Return the last day on which one may object to what happened at a moment."""
        return local_day(happened_at) + timedelta(days=int(self.hub.settings.get(*OBJECT_DAYS)))

    async def summary(self, read: Read, row: Objection) -> list[FactView]:
        """Return the violation, and why it should not stand."""
        return self.facts(
            violation=row.violation,
            plate=shown_plate(row.plate),
            happened_at=row.happened_at,
            place=row.place,
            what=row.what,
            points=Phrase("traffic.points", {"n": row.points}),
            fine=Money(row.fine),
            text=row.text,
            reply=row.reply,
        )

    async def attachments(self, read: Read, row: Objection) -> list[AttachmentView]:
        """Return the evidence of the source, then what the objector sent with it."""
        evidence = [
            AttachmentView(
                href=self.engine.href(row.number, f"evidence/{n}"), name=f"{row.violation}-{n}"
            )
            for n in range(len(row.pictures))
        ]
        return evidence + await super().attachments(read, row)

    async def said_of(self, read: Read, row: Objection) -> dict[str, str]:
        """See `DraftingDesk`."""
        return {
            "编号": row.number,
            "违法编号": row.violation,
            "车牌": shown_plate(row.plate),
            "违法时间": spelled_moment(row.happened_at),
            "违法地点": row.place,
            "违法行为": row.what,
            "记分": f"{row.points} 分",
            "罚款": f"{spell_yuan(row.fine)} 元",
            "今天": spelled_day(local_day(read.now)),
        }

    async def list_view(self, read: Read, filters: Any, cursor: str) -> CaseListView:
        """Return a page of the list. An objection begins at its violation."""
        view = await super().list_view(read, filters, cursor)
        view.create = None
        return view

    async def links(self, read: Read) -> list[ActionView]:
        """Return what else officers decide and keep, and the payments."""
        return [
            *await self.link(
                read, "/accidents", Phrase("traffic.accident.list"), "accident.decide"
            ),
            *await self.link(read, "/reports", Phrase("traffic.report.list"), "report.accept"),
            *await self.link(
                read, "/road-notices", Phrase("traffic.road_notice.list"), "road.publish"
            ),
            *await self.link(read, "/release", Phrase("traffic.release.title"), "binding.release"),
            *await self.link(
                read, "/payments", Phrase("traffic.act.payments"), "payment.reconcile"
            ),
        ]

    async def add_figures(self, read: Read, view: FiguresView) -> None:
        """Add what was bound and accepted."""
        await add_figures(read, view)
