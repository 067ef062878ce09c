"""The flow of a report: filed → accepted → recorded, or rejected, or joined to one of the same."""

from typing import Any
from uuid import UUID

import msgspec
from sqlmodel import col

from plugin_sdk.cases import CaseEngine
from plugin_sdk.cases.flow import Clock, Does, Flow, Notice, State, Transition, Who
from plugin_sdk.cases.forms import ActForm, NoteForm
from plugin_sdk.cases.shorthand import HOLDER, Acts
from plugin_sdk.ports import Hub, Work
from plugin_sdk.problems import Invalid, NotFound
from plugin_sdk.views import Phrase
from plugins.traffic.drafting import Drafting, RefusalForm
from plugins.traffic.forms import wrong
from plugins.traffic.holders import concerns
from plugins.traffic.reports.forms import SameForm
from plugins.traffic.reports.models import Report


class ReportEngine(CaseEngine[Report]):
    """The engine of reports."""

    def __init__(self, hub: Hub) -> None:
        super().__init__(hub, report_flow(hub), Report)

    def item_title(self, row: Report) -> Phrase:
        """Return what was seen, without plate or place: the reported may sit in the post."""
        return self.words(f"kind.{row.kind}")

    async def act(self, work: Work, id: UUID, verb: str, form: ActForm) -> Report:
        """Act, as every engine does; of two that become one both are locked before either is
        looked at, in the order that everybody takes."""
        if isinstance(form, SameForm):
            statement = work.rows(Report, col(Report.id), permission="report.read")
            statement = statement.where(
                (col(Report.id) == id) | (col(Report.number) == form.number)
            )
            for one in sorted((await work.session.execute(statement)).scalars()):
                await work.get(Report, one, permission="report.read")
        return await super().act(work, id, verb, form)


def report_flow(hub: Hub) -> Flow:
    """Return the flow. What was accepted is handed to the police's system by the hub itself, which
    says whether it became a record; one that follows another shares its outcome, and takes its
    place where that was rejected."""
    act, drafting = Acts("report"), Drafting(hub)
    asker, officers = Notice(to="requester"), act.holder("accept")
    seen: dict[str, Any] = {"public": True}
    decided: dict[str, Any] = {"resolves": True, "effect": "report.decided", **seen}

    def itself(
        verb: str, source: str, target: str, told: Notice, *, form: Any = ActForm, **more: Any
    ) -> Transition:
        done = act(verb, source, target, (Who.SYSTEM,), form, told, **more)
        return msgspec.structs.replace(done, permission="report.accept")

    async def apart(work: Work, row: Report, form: Any) -> None:
        if await concerns(work, row.plate, row.happened_at):
            raise NotFound

    async def refused(work: Work, row: Report, form: RefusalForm) -> None:
        await apart(work, row, form)
        await drafting.check(work, form.template)

    async def same(work: Work, row: Report, form: SameForm) -> None:
        await apart(work, row, form)
        first = await _first(work, form.number)
        if first is None or first.id == row.id or first.plate != row.plate:
            raise Invalid(wrong("number", "not-same"))
        if first.state in ("joined", "rejected"):
            raise Invalid(wrong("number", "not-decided"))

    async def join(work: Work, row: Report, form: SameForm) -> None:
        first = await _first(work, form.number)
        row.same_as = first.id if first else None
        ids = work.rows(Report, col(Report.id), permission="report.read").where(
            col(Report.same_as) == row.id
        )
        for id in list((await work.session.execute(ids)).scalars()):
            follower = await work.get(Report, id, permission="report.read")
            follower.same_as = row.same_as

    return Flow(
        name="report",
        series="report",
        path="/reports",
        start="filed",
        starts=("joined",),
        read="report.read",
        file="report.file",
        figures="figures.read",
        remind=1,
        late="supervise",
        states=(
            State(key="filed", waits_for="report.accept"),
            State(key="accepted", clock=Clock.STOPPED),
            State(key="joined", clock=Clock.STOPPED),
            State(key="recorded", clock=Clock.STOPPED, final=True),
            State(key="rejected", clock=Clock.STOPPED, final=True),
        ),
        transitions=(
            act(
                *("accept", "filed", "accepted", HOLDER, NoteForm, asker),
                guard=apart,
                **decided,
            ),
            act(
                *("reject", "filed", "rejected", HOLDER, RefusalForm, asker),
                guard=refused,
                reason_required=True,
                tone="returned",
                **decided,
            ),
            act(
                *("same", "filed", "joined", HOLDER, SameForm, asker),
                guard=same,
                apply=join,
                **seen,
            ),
            itself("record", "accepted", "recorded", asker, tone="done", **seen),
            itself("bounce", "accepted", "filed", officers, form=NoteForm, reopens=True),
            itself("share", "joined", "recorded", asker, tone="done", **seen),
            itself("promote", "joined", "filed", officers, reopens=True),
            act(
                *("supervise", "filed", None, (), NoteForm, officers),
                does=Does.SUPERVISE,
            ),
        ),
    )


async def _first(work: Work, number: str) -> Report | None:
    statement = work.rows(Report, permission="report.read").where(col(Report.number) == number)
    found: Report | None = (await work.session.execute(statement)).scalar_one_or_none()
    return found
