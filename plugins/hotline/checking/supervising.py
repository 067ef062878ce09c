"""Supervision (督办): the unit that holds an order explains in writing by a stated day, or it is
heard of higher up: a reminder first, then a letter to the unit's head, then the leader.

It is what the act `supervise` of an order opens, by a person or by rule: when the order is late,
was returned twice, or was twice answered to the requester's dissatisfaction.
"""

from typing import Any, Final
from uuid import UUID

from sqlmodel import col

from plugin_sdk.cases import CaseEngine, clock
from plugin_sdk.cases.desk import CaseDesk
from plugin_sdk.cases.flow import Clock, Does, Flow, State
from plugin_sdk.cases.forms import ActForm, NoteForm, ReasonForm
from plugin_sdk.cases.shorthand import HOLDER, ORIGIN, Acts
from plugin_sdk.deadlines import Term
from plugin_sdk.ports import Hub, Read, To, Work
from plugin_sdk.problems import AppConflict
from plugin_sdk.views import ActionView, FactView, Phrase
from plugins.hotline.checking.forms import ExplainForm
from plugins.hotline.checking.models import Supervision
from plugins.hotline.models import Order
from plugins.hotline.terms import term

CAUSES: Final = ("late", "returned", "dissatisfied", "manual")
TWICE: Final = 2
"""From how many returns, or dissatisfied ratings, an order is supervised by rule."""
LETTER, LEADER = 2, 3
"""The grades from which the head of the unit, and the leader, are told."""


def term_of(hub: Hub, grade: int) -> Term:
    """Return by when a unit explains."""
    return term(hub.settings, f"supervise_days_{grade}")


def supervision_flow(hub: Hub) -> Flow:
    """Return the flow of a supervision: asked → explained → ended. Nobody ends what they
    explained themselves, and of a supervision of the centre itself that is its leader's to do."""
    act = Acts("supervision")
    unit, centre = act.holder("explain"), act.origin("end")
    apart: dict[str, Any] = {"another_than": ("explain",)}

    async def explain(work: Work, row: Supervision, form: ExplainForm) -> None:
        row.explanation = form.text

    async def ask_again(work: Work, row: Supervision, form: ReasonForm) -> None:
        clock.start(hub, row, work.now, term_of(hub, row.grade))

    async def end(work: Work, row: Supervision, form: NoteForm) -> None:
        row.claim = None

    async def not_ones_own(work: Work, row: Supervision, form: ActForm) -> None:
        own = row.organization_id == row.origin_organization_id
        if own and not await work.holds("supervision.letter", row):
            raise AppConflict(hub.app, "own-supervision")

    async def escalate(work: Work, row: Supervision, form: NoteForm | None) -> None:
        if row.grade < LEADER:
            row.grade += 1
            clock.start(hub, row, work.now, term_of(hub, row.grade))
        elif form is not None:
            raise AppConflict(hub.app, "top-grade")
        tell(hub, work, row)

    return Flow(
        name="supervision",
        series="supervision",
        path="/supervisions",
        start="asked",
        opening="open",
        read="supervision.read",
        remind=1,
        late="escalate",
        states=(
            State(key="asked", waits_for="supervision.explain"),
            State(key="explained", waits_for="supervision.end", at="origin", clock=Clock.PAUSED),
            State(key="ended", clock=Clock.STOPPED, final=True),
        ),
        transitions=(
            act("explain", "asked", "explained", HOLDER, ExplainForm, centre, apply=explain),
            act(
                *("end", "explained", "ended", ORIGIN, NoteForm, unit),
                guard=not_ones_own,
                apply=end,
                resolves=True,
                **apart,
            ),
            act(
                *("refuse", "explained", "asked", ORIGIN, ReasonForm, unit),
                apply=ask_again,
                reason_required=True,
                tone="returned",
                **apart,
            ),
            act(
                *("escalate", "asked", None, ORIGIN, NoteForm, unit),
                apply=escalate,
                does=Does.SUPERVISE,
            ),
            act(
                *("withdraw", "asked", "ended", ORIGIN, ReasonForm, unit),
                guard=not_ones_own,
                apply=end,
                reason_required=True,
                **apart,
            ),
        ),
    )


def tell(hub: Hub, work: Work, row: Supervision) -> None:
    """Tell the head of the unit from the second grade on, the leader from the third."""
    told = [(LETTER, row.organization_id), (LEADER, row.origin_organization_id)]
    for grade, organization_id in told:
        if row.grade >= grade:
            work.notify(
                To(organization_id=organization_id, permission="supervision.letter"),
                Phrase(
                    f"{hub.app}.supervision.letter",
                    {
                        "number": row.order_number,
                        "title": row.title,
                        "grade": Phrase(f"{hub.app}.supervision.grade.{row.grade}"),
                    },
                ),
                f"/apps/{hub.app}/supervisions/{row.number}",
                dedupe=f"supervision:{row.id}:{row.grade}:{grade}",
            )


async def supervise(
    hub: Hub, work: Work, order: Order, unit_id: UUID, trigger: str, why: str = ""
) -> None:
    """Open the supervision of a unit for an order. That unit's open one gets the trigger beside
    its own, and a trigger heard before changes nothing: `late:2026-03-24`, `returned:2`.

    The order is locked by now, so that two acts cannot open two.
    """
    names = ("id", "causes", "claim")
    statement = work.rows(
        Supervision,
        *(col(getattr(Supervision, name)) for name in names),
        permission="order.supervise",
    ).where(col(Supervision.order_id) == order.id, col(Supervision.organization_id) == unit_id)
    known = (await work.session.execute(statement)).all()
    if any(trigger in one.causes for one in known):
        return
    if (running := next((one for one in known if one.claim), None)) is not None:
        row = await work.get(Supervision, running.id, permission="order.supervise")
        if row.claim:  # it was not ended meanwhile
            row.causes = [*row.causes, trigger]
            return
    await supervision_desk(hub).engine.open(
        work,
        title=order.title,
        organization_id=unit_id,
        origin=order.origin_organization_id,
        person_id=None,
        term=term_of(hub, 1),
        order_id=order.id,
        order_number=order.number,
        claim=f"{order.id}:{unit_id}",
        causes=[trigger],
        why=why,
    )


class SupervisionDesk(CaseDesk[Supervision]):
    """Supervisions, for the unit that explains and those who asked it to."""

    async def summary(self, read: Read, row: Supervision) -> list[FactView]:
        """Return which order it is of, why and how high up it stands."""
        words = self.engine.words
        causes = dict.fromkeys(trigger.partition(":")[0] for trigger in row.causes)
        return [
            FactView(words("field.order"), row.order_number),
            *(FactView(words("field.cause"), words(f"cause.{cause}")) for cause in causes),
            FactView(words("field.grade"), words(f"grade.{row.grade}")),
            *self.facts(why=row.why, explanation=row.explanation),
        ]

    async def actions(self, read: Read, row: Supervision) -> list[ActionView]:
        """Return what may be done, and last the way to the order."""
        see = ActionView(
            verb="see",
            label=self.engine.words("see_order"),
            href=f"/apps/{self.hub.app}/orders/{row.order_number}",
        )
        return [*await super().actions(read, row), see]


def supervision_desk(hub: Hub) -> SupervisionDesk:
    """Return the desk of a hub's supervisions."""
    return hub.once(_desk)


def _desk(hub: Hub) -> SupervisionDesk:
    return SupervisionDesk(CaseEngine(hub, supervision_flow(hub), Supervision))


async def facts(read: Read, order: Order) -> list[FactView]:
    """Return the supervisions of an order, for those who may see them."""
    if not await read.holds("supervision.read"):
        return []
    statement = read.rows(Supervision, permission="supervision.read").where(
        col(Supervision.order_id) == order.id
    )
    found = (await read.session.execute(statement.order_by(col(Supervision.id)))).scalars()
    words = "hotline.supervision"
    return [
        FactView(
            Phrase(f"{words}.act.open"),
            Phrase(
                f"{words}.on_order",
                {
                    "grade": Phrase(f"{words}.grade.{row.grade}"),
                    "state": Phrase(f"{words}.state.{row.state}"),
                    "number": row.number,
                },
            ),
        )
        for row in found
    ]
