"""The flows of supervision: findings from the check to its publication, tasks, projects."""

from typing import Any, Final

from plugin_sdk.cases import clock
from plugin_sdk.cases.flow import Clock, Does, Flow, State
from plugin_sdk.cases.forms import (
    ActForm,
    AssignForm,
    DecideForm,
    ExtendForm,
    NoteForm,
    PartForm,
    ReasonForm,
    ReturnForm,
    SendBackForm,
)
from plugin_sdk.cases.shorthand import ASSISTANT, HOLDER, ORIGIN, Acts
from plugin_sdk.deadlines import Term
from plugin_sdk.ports import Hub, Work
from plugin_sdk.problems import AppConflict, FieldError, Invalid
from plugin_sdk.views import Phrase
from plugins.supervision.forms import EvidenceForm, HandOverForm, WordsForm
from plugins.supervision.models import Finding, Project, Task

APART: Final = ("file",)
INSPECTORS: Final = ("file", "rectify")
TOOK_PART: Final = ("checkpoint", "notice", "opinion", "problem", "outcome", "declare")
DOERS: Final = ("progress", "reply-part", "report")
ANOTHER: Final[dict[str, Any]] = {"another_than": APART}
SKIPPED: Final[dict[str, Any]] = {"reason_required": True, "another_than": APART}
RETURNED: Final[dict[str, Any]] = {"reason_required": True, "tone": "returned"}


def finding_flow(hub: Hub) -> Flow:
    """Return the flow of a finding: 排查 → 移交 → 处置 → 追责 → 通报. The last two are skipped
    only with a recorded reason; nobody decides on what they found or put right themselves."""
    act = Acts("finding")
    unit = act.holder("rectify")
    done: dict[str, Any] = {"effect": "finding.closed", "event": "finding.closed"}

    async def hand_over(work: Work, row: Finding, form: HandOverForm) -> None:
        names = await hub.directory.names([form.unit])
        if form.unit == row.subject_unit_id or names.get(form.unit) == row.subject:
            raise Invalid(FieldError("unit", Phrase("supervision.wrong.subject")))
        clock.start(hub, row, work.now, Term(working_days=form.days))

    return Flow(
        name="finding",
        series="finding",
        path="/findings",
        start="found",
        starts=("clear",),
        read="finding.read",
        file="finding.file",
        figures="figures.read",
        event="finding.filed",
        remind=1,
        late="supervise",
        states=(
            State(key="found", waits_for="finding.hand_over"),
            State(key="clear", clock=Clock.STOPPED, final=True),
            State(key="handed", waits_for="finding.rectify"),
            State(key="rectified", waits_for="finding.pass", at="origin", clock=Clock.PAUSED),
            State(key="settled", waits_for="finding.pursue", at="origin", clock=Clock.STOPPED),
            State(key="pursued", waits_for="finding.publish", at="origin", clock=Clock.STOPPED),
            State(key="closed", clock=Clock.STOPPED, final=True),
        ),
        transitions=(
            act(
                *("hand-over", "found", "handed", ORIGIN, HandOverForm, unit),
                moves="unit",
                apply=hand_over,
                another_than=APART,
            ),
            act("rectify", "handed", "rectified", HOLDER, EvidenceForm, act.origin("pass")),
            act(
                *("return", "handed", "found", HOLDER, ReturnForm, act.origin("hand-over")),
                moves="origin",
                at_most=1,
                **RETURNED,
            ),
            act(
                *("pass", "rectified", "settled", ORIGIN, NoteForm, unit),
                another_than=INSPECTORS,
                resolves=True,
                effect="finding.settled",
            ),
            act(
                *("fail", "rectified", "handed", ORIGIN, ReasonForm, unit),
                another_than=INSPECTORS,
                reopens=True,
                **RETURNED,
            ),
            act("pursue", "settled", "pursued", ORIGIN, WordsForm, **ANOTHER),
            act("skip-pursuit", "settled", "pursued", ORIGIN, ReasonForm, **SKIPPED),
            act("publish", "pursued", "closed", ORIGIN, WordsForm, unit, **ANOTHER, **done),
            act("skip-publication", "pursued", "closed", ORIGIN, ReasonForm, **SKIPPED, **done),
            *_time(act, "handed", unit),
            act("supervise", "found handed", None, ORIGIN, NoteForm, unit, does=Does.SUPERVISE),
        ),
    )


def task_flow(hub: Hub) -> Flow:
    """Return the flow of a task: the lead does it with assisting units and reports once; whoever
    set it accepts, and nobody who had a hand in doing it."""
    act = Acts("task")
    lead, setter = act.holder("report"), act.origin("accept")

    async def advance(work: Work, row: Task, form: EvidenceForm) -> None:
        row.progress = form.text

    async def report(work: Work, row: Task, form: EvidenceForm) -> None:
        row.report = form.text

    return Flow(
        name="task",
        series="task",
        path="/tasks",
        start="doing",
        read="task.read",
        file="task.file",
        figures="figures.read",
        event="task.filed",
        remind=2,
        late="supervise",
        states=(
            State(key="doing", waits_for="task.report"),
            State(key="reported", waits_for="task.accept", at="origin", clock=Clock.PAUSED),
            State(key="accepted", clock=Clock.STOPPED, final=True),
        ),
        transitions=(
            act(
                *("report", "doing", "reported", HOLDER, EvidenceForm, setter),
                does=Does.COLLECT,
                apply=report,
            ),
            act("progress", "doing", None, HOLDER, EvidenceForm, apply=advance),
            act("assign", "doing", None, HOLDER + ORIGIN, AssignForm, does=Does.ASSIGN),
            act("reply-part", "doing", None, ASSISTANT, PartForm, lead, does=Does.PART),
            act("send-back", "doing", None, HOLDER, SendBackForm, does=Does.SEND_BACK),
            act(
                *("accept", "reported", "accepted", ORIGIN, NoteForm, lead),
                another_than=DOERS,
                resolves=True,
                effect="task.accepted",
            ),
            act(
                *("reject", "reported", "doing", ORIGIN, ReasonForm, lead),
                another_than=DOERS,
                **RETURNED,
            ),
            *_time(act, "doing", lead),
            act("supervise", "doing", None, ORIGIN, NoteForm, lead, setter, does=Does.SUPERVISE),
        ),
    )


def project_flow(hub: Hub) -> Flow:
    """Return the flow of a project under watch: its station records what it sees, and somebody
    who took no part audits it, once every problem has its outcome."""
    act = Acts("project")
    audit, head = act.origin("audit"), act.holder("checkpoint")

    async def raise_problem(work: Work, row: Project, form: EvidenceForm) -> None:
        row.problems += 1

    async def settle(work: Work, row: Project, form: EvidenceForm) -> None:
        if row.settled >= row.problems:
            raise AppConflict(hub.app, "no-problem")
        row.settled += 1
        work.effect("problem.settled", f"project:{row.id}:problem:{row.settled}")

    async def all_settled(work: Work, row: Project, form: WordsForm) -> None:
        if row.settled < row.problems:
            raise AppConflict(hub.app, "open-problems", n=row.problems - row.settled)

    return Flow(
        name="project",
        series="project",
        path="/projects",
        start="watched",
        read="project.read",
        file="project.file",
        states=(
            State(key="watched", waits_for="project.checkpoint"),
            State(key="audited", clock=Clock.STOPPED, final=True),
        ),
        transitions=(
            act("checkpoint", "watched", None, HOLDER, EvidenceForm),
            act("notice", "watched", None, HOLDER, EvidenceForm),
            act("opinion", "watched", None, HOLDER, EvidenceForm),
            act("problem", "watched", None, HOLDER, EvidenceForm, audit, apply=raise_problem),
            act("outcome", "watched", None, HOLDER, EvidenceForm, audit, apply=settle),
            act(
                *("audit", "watched", "audited", HOLDER + ORIGIN, WordsForm, head),
                guard=all_settled,
                another_than=TOOK_PART,
                resolves=True,
                effect="project.audited",
            ),
            act("declare", "watched", None, HOLDER + ORIGIN, ReasonForm),
        ),
    )


def _time(act: Acts, state: str, unit: Any) -> list[Any]:
    """Return the acts on a deadline that both flows have."""
    decide = act.origin("approve-extension")
    return [
        act("extend", state, None, HOLDER, ExtendForm, decide, does=Does.EXTEND),
        act("approve-extension", state, None, ORIGIN, DecideForm, unit, does=Does.DECIDE),
        act("urge", state, None, ORIGIN, ActForm, unit, does=Does.URGE),
    ]
