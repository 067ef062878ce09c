"""The flow of an accident, and its engine.

Reported at the place by one side, joined by the other; both see one statement, and each says how
liable they are. What fits ends in an agreement; what does not goes to the officers, where one
proposes and another confirms. An agreement with photos that contradict the report is looked at by
an officer first.
"""

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from plugin_sdk.cases import CaseEngine, clock
from plugin_sdk.cases.flow import Apply, Clock, Flow, Guard, Lapse, Notice, State, Transition, Who
from plugin_sdk.cases.forms import ActForm, NoteForm, ReasonForm
from plugin_sdk.cases.rules import NotYours
from plugin_sdk.deadlines import Term
from plugin_sdk.identifiers import redact
from plugin_sdk.ports import Hub, Read, To, Work
from plugin_sdk.problems import AppConflict, Invalid
from plugins.traffic.accidents.evidence import Evidence
from plugins.traffic.accidents.forms import (
    OTHER,
    AccidentForm,
    AgreeForm,
    AmendForm,
    ProposeForm,
    Share,
    moment,
)
from plugins.traffic.accidents.models import Accident, AccidentSide
from plugins.traffic.accidents.papers import Papers
from plugins.traffic.accidents.sides import in_person, own_side, sides_of
from plugins.traffic.drafting import DecisionForm, Drafting
from plugins.traffic.forms import wrong
from plugins.traffic.holders import those_concerned

HOURS: Final = ("accident_hours", 24)
DECIDE_DAYS: Final = ("accident_days", 3)
"""Settings of the county, with what holds without them: how long ago an accident may have been
that is settled here, and within how many working days an officer decides. No text of a rule was
at hand for either."""
MOST: Final = 10
"""So often the sides of one accident change what was said, and agree."""
A_DAY: Final = Term(calendar_days=1)
"""So long an accident waits for what its sides still have to do."""

TOLD: Final = (
    *("join", "amend", "agree", "dispute", "hand-over", "mark", "settle", "clear", "confirm"),
    *("refer", "withdraw", "lapse", "revoke"),
)
"""The acts of which both sides are told, but for who did it: `notice.<verb>`."""
PERMISSIONS: Final = {
    "file": ("amend", "withdraw"),
    "agree": ("agree", "dispute"),
    "decide": ("propose", "clear", "refer", "join", "hand-over", "mark", "settle", "lapse"),
    "confirm": ("confirm", "send-back"),
    "revoke": ("revoke",),
}
_PERMISSION_OF: Final = {verb: f"accident.{key}" for key, of in PERMISSIONS.items() for verb in of}


def accident_flow(hub: Hub, evidence: Evidence, papers: Papers) -> Flow:
    """Return the flow of an accident."""
    officers = Notice(to="holder", permission="accident.decide", words="notice.to_decide")
    term = Term(working_days=int(hub.settings.get(*DECIDE_DAYS)))
    drafting = Drafting(hub)
    holder, asker, itself = (Who.HOLDER,), (Who.REQUESTER,), (Who.SYSTEM,)
    closed: dict[str, Any] = {
        "resolves": True,
        "effect": "accident.settled",
        "event": "accident.closed",
        "public": True,
        "tone": "done",
    }

    def issuing(kind: Any) -> Apply:
        async def issue(work: Work, row: Accident, form: Any) -> None:
            if kind == "agreement":
                row.outcome = (await sides_of(work, row.id))["a"].share
            await papers.issue(work, row, kind)

        return issue

    async def proposed(work: Work, row: Accident, form: ProposeForm) -> None:
        await drafting.check(work, form.template)
        row.outcome, row.reply = form.outcome, form.text

    async def replied(work: Work, row: Accident, form: DecisionForm) -> None:
        await drafting.check(work, form.template)
        row.reply = form.text

    async def revoked(work: Work, row: Accident, form: ReasonForm) -> None:
        await papers.revoke(work, row)

    agreement = issuing("agreement")
    return Flow(
        name="accident",
        series="accident",
        path="/accidents",
        start="scene",
        read="accident.read",
        file="accident.file",
        figures="figures.read",
        event="accident.filed",
        states=(
            State(key="scene", lapse=Lapse("lapse", A_DAY)),
            State(key="confirming", lapse=Lapse("hand-over", A_DAY)),
            State(key="checking", waits_for="accident.decide", term=term),
            State(key="disputed", waits_for="accident.decide", term=term),
            State(key="proposed", waits_for="accident.confirm", term=term),
            *(
                State(key=key, clock=Clock.STOPPED, final=True)
                for key in ("agreed", "decided", "referred", "withdrawn", "revoked")
            ),
        ),
        transitions=(
            _act(
                "agree",
                "confirming",
                None,
                form=AgreeForm,
                guard=_may_agree(evidence),
                at_most=MOST,
            )(_agreed),
            _act("join", "scene", "confirming", who=itself)(),
            _act("settle", "confirming", "agreed", who=itself, **closed)(agreement),
            _act("mark", "confirming", "checking", officers, who=itself)(),
            _act("hand-over", "confirming", "disputed", officers, who=itself)(),
            _act("lapse", "scene", "withdrawn", who=itself)(),
            _act("clear", "checking", "agreed", who=holder, form=NoteForm, **closed)(agreement),
            _act(
                *("propose", "checking disputed", "proposed"),
                Notice(to="holder", permission="accident.confirm"),
                who=holder,
                form=ProposeForm,
                public=False,
            )(proposed),
            _act(
                *("confirm", "proposed", "decided"),
                who=holder,
                form=NoteForm,
                another_than=("propose",),
                **closed,
            )(issuing("decision")),
            _act(
                *("send-back", "proposed", "disputed"),
                Notice(to="holder", permission="accident.decide"),
                who=holder,
                form=ReasonForm,
                another_than=("propose",),
                reason_required=True,
                public=False,
                tone="returned",
            )(),
            _act(
                *("refer", "checking disputed", "referred"),
                who=holder,
                form=DecisionForm,
                resolves=True,
                event="accident.closed",
            )(replied),
            _act(
                "amend",
                "scene confirming",
                None,
                who=asker,
                form=AmendForm,
                guard=_may_amend(hub),
                at_most=MOST,
            )(_amended),
            _act(
                *("dispute", "confirming", "disputed", officers),
                form=ReasonForm,
                guard=_is_side,
                reason_required=True,
            )(),
            _act("withdraw", "scene", "withdrawn", who=asker, guard=_in_person)(),
            _act(
                *("revoke", "agreed decided", "revoked"),
                who=(Who.NOT_REQUESTER,),
                form=ReasonForm,
                reason_required=True,
                tone="returned",
            )(revoked),
        ),
    )


def _act(verb: str, sources: str, target: str | None, *notices: Notice, **more: Any) -> Any:
    """Return what makes an act of what it writes."""

    def of(apply: Apply | None = None) -> Transition:
        given: dict[str, Any] = {"public": True, **more}
        return Transition(
            verb=verb,
            sources=tuple(sources.split()),
            target=target,
            permission=_PERMISSION_OF[verb],
            notifies=notices,
            apply=apply,
            **given,
        )

    return of


async def _side(work: Work, row: Accident, verb: str) -> AccidentSide:
    in_person(work)
    side = await own_side(work, row.id)
    if side is None:
        raise NotYours(f"traffic.{_PERMISSION_OF[verb]}", "not-requester")
    return side


async def _in_person(work: Work, row: Accident, form: ActForm) -> None:
    in_person(work)


async def _is_side(work: Work, row: Accident, form: ReasonForm) -> None:
    await _side(work, row, "dispute")


def _may_agree(evidence: Evidence) -> Guard:
    async def check(work: Work, row: Accident, form: AgreeForm) -> None:
        side = await _side(work, row, "agree")
        if evidence.missing(await evidence.photos(work, row), side.side):
            raise AppConflict("traffic", "photos-missing")
        if (side.statement, side.share) == (row.statement, form.share):
            raise AppConflict("traffic", "accident-agreed")

    return check


async def _agreed(work: Work, row: Accident, form: AgreeForm) -> None:
    side = await _side(work, row, "agree")
    side.share, side.statement, side.agreed_at = form.share, row.statement, work.now


def check_time(hub: Hub, reported: datetime, form: AccidentForm | AmendForm) -> datetime:
    """Return when an accident happened. Raises `Invalid` for what lies after its report, and for
    what was too long ago to be settled here."""
    happened, hours = moment(form.happened_on, form.happened_time), int(hub.settings.get(*HOURS))
    if happened > reported:
        raise Invalid(wrong("happened_time", "happens-later"))
    if reported - happened > timedelta(hours=hours):
        raise Invalid(wrong("happened_on", "happened-long-ago", n=hours))
    return happened


def _may_amend(hub: Hub) -> Guard:
    async def check(work: Work, row: Accident, form: AmendForm) -> None:
        in_person(work)
        check_time(hub, row.opened_at, form)
        sides = await sides_of(work, row.id)
        if "b" in sides and form.other_plate != row.other_plate:
            raise AppConflict("traffic", "accident-joined")
        if form.other_plate == sides["a"].plate:
            raise Invalid(wrong("other_plate", "same-plate"))

    return check


async def _amended(work: Work, row: Accident, form: AmendForm) -> None:
    row.happened_at = moment(form.happened_on, form.happened_time)
    row.title = row.place = redact(form.place)
    row.what = redact(form.what)
    for name in ("other_plate", "collision", "weather", "road"):
        setattr(row, name, getattr(form, name))
    row.statement += 1  # whoever agreed before has agreed to something else


class AccidentEngine(CaseEngine[Accident]):
    """The engine of accidents: two people are sides of each."""

    def __init__(self, hub: Hub) -> None:
        self.evidence = Evidence(hub)
        self.papers = Papers(hub)
        super().__init__(hub, accident_flow(hub, self.evidence, self.papers), Accident)

    async def filers(self, read: Read, row: Accident) -> frozenset[UUID]:
        """Return both sides, and the actor where one of the vehicles is theirs: none of them, nor
        who acts in a post of theirs, decides it."""
        sides = (await sides_of(read, row.id)).values()
        plates = {row.other_plate, *(side.plate for side in sides)}
        own = await those_concerned(read, row.happened_at, *plates)
        return await super().filers(read, row) | {side.person_id for side in sides} | own

    async def act(self, work: Work, id: UUID, verb: str, form: ActForm) -> Accident:
        """Do an act. Both sides may agree at the same moment: what counts is that each has seen
        the statement as it stands. Raises as `CaseEngine.act` does."""
        if isinstance(form, AgreeForm):
            row = await work.get(Accident, id, permission=self.flow.read)
            if form.statement != row.statement:
                raise AppConflict("traffic", "accident-changed")
            form = form.model_copy(update={"version": row.version})
        row = await super().act(work, id, verb, form)
        if verb == "agree":
            await self._compare(work, row)
        return row

    async def joined(self, work: Work, id: UUID) -> Accident:
        """Let an accident wait for both sides to agree, now that there are two. Raises
        `AppConflict` for one that was closed meanwhile, or is of another vehicle by now."""
        row = await work.get(Accident, id, permission=self.flow.read)
        if row.state != "scene" or (await sides_of(work, id))["b"].plate != row.other_plate:
            raise AppConflict("traffic", "accident-not-there")  # since the invitation was read
        await self._by_itself(work, row, "join")
        return row

    async def _compare(self, work: Work, row: Accident) -> None:
        """Do what follows once both sides have said how liable they are."""
        sides = await sides_of(work, row.id)
        said = {key: side.share for key, side in sides.items() if side.statement == row.statement}
        if len(said) < 2:
            return
        if OTHER[Share(str(said["a"]))] != said["b"]:
            verb = "hand-over"
        else:
            verb = "mark" if await self.evidence.doubtful(work, row) else "settle"
        await self._by_itself(work, row, verb)

    def _settle(self, row: Accident, transition: Transition, state: State, now: datetime) -> None:
        """Let the term of a stage that waits for an officer be the accident's own: lists and
        queues say what is late by it."""
        super()._settle(row, transition, state, now)
        if transition.target is not None and not state.final:
            clock.start(self.hub, row, now, state.term)

    async def _perform(
        self, work: Work, row: Accident, transition: Transition, form: ActForm | None
    ) -> None:
        await super()._perform(work, row, transition, form)
        if transition.verb not in TOLD:
            return
        message = self.words(f"notice.{transition.verb}", number=row.number, title=row.title)
        for side in (await sides_of(work, row.id)).values():
            mine = side.person_id == work.actor.person_id
            if not mine or transition.verb in ("settle", "mark", "hand-over"):
                work.notify(To(person_id=side.person_id), message, self.href(row.number))
