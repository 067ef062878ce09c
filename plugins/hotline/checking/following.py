"""Follow-up calls (回访): who is to be called about an answer, and what a call came to."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select
from sqlmodel import col

from plugin_sdk.cases.forms import SATISFIED, RateForm, ReasonForm
from plugin_sdk.deadlines import local_day
from plugin_sdk.extension import Card
from plugin_sdk.ports import Hub, Read, To, Work
from plugin_sdk.problems import AppConflict, FieldError, Invalid, NotFound
from plugin_sdk.registers import Register, RegisterEngine
from plugin_sdk.signing import signature
from plugin_sdk.views import Phrase
from plugins.hotline.checking import rating
from plugins.hotline.checking.forms import (
    QUESTIONS,
    Called,
    CallForm,
    QuestionForm,
    Result,
)
from plugins.hotline.checking.judged import count_judged
from plugins.hotline.checking.models import Check, FollowCall, FollowUp, Question, Rating
from plugins.hotline.checking.supervising import TWICE, supervise
from plugins.hotline.counts import FOLLOW_UPS, count
from plugins.hotline.desk import OrderDesk
from plugins.hotline.models import ANSWERED, Order

CALL: Final = "followup.call"
DISSATISFIED, UNRATED, SATISFIED_RANK = 1, 2, 3
OUTCOMES: Final = (
    *("reached", "refused", "given_up", "overtaken"),
    *("confirmed", "reopened", "explained"),
)
BESIDE: Final = frozenset({"take-rating", "reopen", "rate"})
"""What one may have done with an order and still ask, or check, how it was answered."""
UNSETTLED: Final = "回访时了解到诉求还没有解决，重新办理"
"""Why an order is reopened after such a call, as its requester reads it; the checker's note stays
with the call."""
TRIES, WAIT_HOURS = 3, 4
SHOWN: Final = 50
SCRIPT: Final = Register(
    name="question", path="/script", read=CALL, edit="script.edit", form=QuestionForm
)


def script(hub: Hub) -> RegisterEngine[Question]:
    """Return the script that the county edits."""
    return RegisterEngine(hub, SCRIPT, Question)


class Following:
    """Follow-ups on one hub."""

    def __init__(self, desk: OrderDesk) -> None:
        self.desk = desk
        self.hub = desk.hub
        self.script = script(desk.hub)

    @property
    def tries(self) -> int:
        """Return after how many calls that reached nobody it is given up."""
        return int(self.hub.settings.get("follow_up_tries", TRIES))

    @property
    def wait(self) -> timedelta:
        """Return how long after such a call nobody calls again."""
        return timedelta(hours=int(self.hub.settings.get("follow_up_wait_hours", WAIT_HOURS)))

    def href(self, id: UUID | str = "") -> str:
        """Return the address of the list, or of a follow-up."""
        return f"/apps/{self.hub.app}/follow-ups" + (f"/{id}" if id else "")

    # What follows from an order as it stands.

    async def heard(self, work: Work, event: Mapping[str, Any]) -> None:
        """Bring what is to be called, and supervised, in line with an order. Events may come
        twice, late and in any order: what is written follows from the order alone."""
        try:
            order = await work.get(Order, UUID(str(event["id"])))
        except NotFound:
            return
        if not order.imported:
            await self.align(work, order)

    async def returned(self, work: Work, event: Mapping[str, Any]) -> None:
        """Supervise the unit that returned an order for the second time."""
        try:
            order = await work.get(Order, UUID(str(event["id"])))
        except NotFound:
            return
        if int(event["n"]) >= TWICE:
            trigger = f"returned:{event['n']}"
            await supervise(self.hub, work, order, UUID(str(event["unit"])), trigger)

    async def concealed(self, work: Work, event: Mapping[str, Any]) -> None:
        """Let what is said of a secret order's answer be said of who holds it, where the unit that
        gave the answer may no longer see the order: nothing is asked of that unit any more."""
        order = await work.get(Order, UUID(str(event["id"])))
        party, of = order.parties, order.id
        seeing = select(col(party.organization_id)).where(col(party.case_id) == of)
        calls = work.rows(FollowUp, col(FollowUp.id)).where(
            col(FollowUp.order_id) == of, col(FollowUp.unit_id).not_in(seeing)
        )
        for id in list((await work.session.execute(calls)).scalars()):
            (await work.get(FollowUp, id)).unit_id = order.organization_id
        checks = work.rows(Check, col(Check.id)).where(
            col(Check.order_id) == of, col(Check.organization_id).not_in(seeing)
        )
        for id in list((await work.session.execute(checks)).scalars()):
            row = await work.get(Check, id)
            count_judged(work, row, -1)
            row.organization_id, row.version = order.organization_id, row.version + 1
            count_judged(work, row)
            if row.state == "asked":
                row.state, row.correction_due_at = "failed", None
                await work.todo.close(f"check:{row.id}")

    async def align(self, work: Work, order: Order) -> None:
        """Open, rank and close the follow-ups of an order; supervise a unit whose answers were
        found wanting twice."""
        statement = work.rows(FollowUp).where(col(FollowUp.order_id) == order.id)
        known = list((await work.session.execute(statement)).scalars())
        answered = order.state in ANSWERED
        for row in known:
            if not row.outcome and (row.round != order.reopened or not answered):
                await self._close(work, await work.get(FollowUp, row.id), "overtaken")
        ratings = await rating.of_order(work, order)
        if answered:
            await self._ask(work, order, known, ratings)
        wanting = [row for row in ratings if row.stars not in SATISFIED]
        if len(wanting) >= TWICE:
            unit, trigger = wanting[-1].organization_id, f"dissatisfied:{len(wanting)}"
            await supervise(self.hub, work, order, unit, trigger)

    async def _ask(
        self, work: Work, order: Order, known: Sequence[FollowUp], ratings: Sequence[Rating]
    ) -> None:
        now = {row.revisit: row for row in known if row.round == order.reopened}
        given = next((row.stars for row in ratings if row.round == order.reopened), None)
        wanting = given is not None and given not in SATISFIED
        first = now.get(False)
        if first is not None and not first.outcome:
            row = await work.get(FollowUp, first.id)
            row.rank = UNRATED if given is None else SATISFIED_RANK
            if wanting and True not in now:  # it is this very call that asks again
                row.rank, row.revisit = DISSATISFIED, True
                await self._await(work, row)
        elif wanting and True not in now:
            await self._open(work, order, DISSATISFIED, revisit=True)
        elif first is None and order.caller_phone and True not in now:
            await self._open(work, order, UNRATED if given is None else SATISFIED_RANK)

    async def _open(self, work: Work, order: Order, rank: int, *, revisit: bool = False) -> None:
        row = FollowUp(
            organization_id=order.origin_organization_id,
            order_id=order.id,
            order_number=order.number,
            title=order.title,
            unit_id=order.organization_id,
            round=order.reopened,
            revisit=revisit,
            rank=rank,
            opened_at=work.now,
            next_at=work.now,
        )
        await work.add(row, placed=True)
        if revisit:
            await self._await(work, row)

    async def _await(self, work: Work, row: FollowUp) -> None:
        await work.todo.open(
            f"follow-up:{row.id}",
            To(organization_id=row.organization_id, permission=CALL),
            row.title,
            self.href(row.id),
            label=Phrase(f"{self.hub.app}.checking.call.again"),
        )

    async def _close(self, work: Work, row: FollowUp, outcome: str) -> None:
        row.outcome, row.closed_at = outcome, work.now
        count(work, FOLLOW_UPS, outcome, local_day(work.now), row.organization_id)
        row.version += 1
        await work.todo.close(f"follow-up:{row.id}")

    # What a checker does.

    async def find(self, read: Read, id: UUID) -> FollowUp:
        """Return a follow-up in scope. Raises `NotFound`."""
        statement = read.rows(FollowUp, permission=CALL).where(col(FollowUp.id) == id)
        row: FollowUp | None = (await read.session.execute(statement)).scalar_one_or_none()
        if row is None:
            raise NotFound
        return row

    async def order_of(self, read: Read, row: FollowUp | Check) -> Order:
        """Return the order of a follow-up or a check. Raises `NotFound`."""
        statement = read.rows(Order, permission="order.read").where(col(Order.id) == row.order_id)
        order: Order | None = (await read.session.execute(statement)).scalar_one_or_none()
        if order is None:
            raise NotFound
        return order

    async def waiting(self, read: Read) -> Sequence[FollowUp]:
        """Return whom to call: the dissatisfied first, then the unrated, each oldest first; those
        who may not be called yet last."""
        statement = read.rows(FollowUp, permission=CALL).where(col(FollowUp.outcome) == "")
        later = col(FollowUp.next_at) > read.now
        order = (later, col(FollowUp.rank), col(FollowUp.opened_at), col(FollowUp.id))
        found: Sequence[FollowUp] = (
            (await read.session.execute(statement.order_by(*order).limit(SHOWN))).scalars().all()
        )
        return found

    async def counts(self, read: Read) -> Mapping[int, int]:
        """Return how many are to be called, by rank."""
        statement = (
            read.rows(FollowUp, col(FollowUp.rank), func.count(), permission=CALL)
            .where(col(FollowUp.outcome) == "")
            .group_by(col(FollowUp.rank))
        )
        return {rank: n for rank, n in await read.session.execute(statement)}

    async def card(self, read: Read) -> Card | None:
        """Return the card on a checker's home page, None where nobody is to be called."""
        if not await read.holds(CALL):
            return None
        count = sum((await self.counts(read)).values())
        if not count:
            return None
        words = f"{self.hub.app}.checking"
        return Card(
            title=Phrase(f"{words}.follow_ups"),
            text=Phrase(f"{words}.card", {"n": count}),
            href=self.href(),
            count=count,
        )

    async def calls(self, read: Read, row: FollowUp) -> Sequence[FollowCall]:
        """Return the calls of a follow-up, newest first."""
        statement = read.rows(FollowCall, permission=CALL).where(
            col(FollowCall.follow_up_id) == row.id
        )
        found: Sequence[FollowCall] = (
            (await read.session.execute(statement.order_by(col(FollowCall.at).desc())))
            .scalars()
            .all()
        )
        return found

    async def questions(self, read: Read) -> Sequence[Question]:
        """Return the script in force."""
        return (await self.script.in_force(read))[:QUESTIONS]

    def takes_rating(self, read: Read, row: FollowUp, order: Order) -> bool:
        """Return whether a rating may be taken down in the actor's post: not of the own unit."""
        return order.rating is None and row.unit_id != read.actor.organization_id

    async def apart(self, read: Read, order: Order) -> bool:
        """Return whether the actor had no hand in the order, nor asked for it."""
        engine = self.desk.engine
        verbs = frozenset({*engine.flow.verbs(), engine.flow.opening}) - BESIDE
        hands = await engine.hands(read, order.id, verbs)
        asked = await engine.filers(read, order)
        return not read.actor.hands & (hands | asked | {order.person_id})

    async def call(self, work: Work, id: UUID, form: CallForm) -> FollowUp:
        """Keep a call and what follows from it. Raises `NotFound`, `AppConflict`, `Invalid`."""
        # the order before what hangs on it, as its own acts and events do; what hangs on it is
        # loaded once it is held, since what was read before stays as it was read
        found = work.rows(FollowUp, col(FollowUp.order_id), permission=CALL)
        of = (await work.session.execute(found.where(col(FollowUp.id) == id))).scalar_one_or_none()
        if of is None:
            raise NotFound
        order = await work.get(Order, of, permission="order.read")
        row = await work.get(FollowUp, id, permission=CALL)
        await self._refuse(work, row, order, form)
        answers = await self._answers(work, form)
        row.tries += 1
        row.version += 1
        if form.outcome is Called.REACHED:
            await self._reached(work, row, order, form)
        elif form.outcome is Called.REFUSED:
            await self._close(work, row, "refused")
        elif row.tries >= self.tries:
            await self._close(work, row, "given_up")
        else:
            row.next_at = work.now + self.wait
        await work.add(
            FollowCall(
                organization_id=row.organization_id,
                follow_up_id=row.id,
                outcome=str(form.outcome),
                answers=answers,
                note=form.note or "",
                **signature(work),
            )
        )
        subject, outcome = f"follow-up:{row.id}", str(form.outcome)
        work.audit("follow-up.call", subject, number=row.order_number, outcome=outcome)
        return row

    async def _refuse(self, work: Work, row: FollowUp, order: Order, form: CallForm) -> None:
        app = self.hub.app
        if row.outcome:
            raise AppConflict(app, "follow-up-over")
        if row.version != form.version or row.round != order.reopened:
            raise AppConflict(app, "follow-up-stale")
        if work.now < row.next_at:
            raise AppConflict(app, "follow-up-early", time=row.next_at)
        if not await self.apart(work, order):
            raise AppConflict(app, "own-hand")

    async def _answers(self, work: Work, form: CallForm) -> list[dict[str, Any]]:
        if form.outcome is not Called.REACHED:
            return []
        questions = await self.questions(work)
        if form.script != script_of(questions):
            raise AppConflict(self.hub.app, "script-changed")
        return [
            {"code": one.code, "version": one.version, "question": one.name, "answer": answer}
            for one, answer in zip(questions, form.answers, strict=False)
            if answer is not None
        ]

    async def _reached(self, work: Work, row: FollowUp, order: Order, form: CallForm) -> None:
        if row.revisit != (form.result is not None):
            code = "result" if row.revisit else "no_result"
            said = Phrase(f"{self.hub.app}.checking.wrong.{code}")
            raise Invalid(FieldError("result", said))
        await self._close(work, row, str(form.result or "reached"))
        engine = self.desk.engine
        if form.rating is not None:
            taken = RateForm(version=order.version, rating=form.rating, comment=form.comment)
            await engine.act(work, order.id, "take-rating", taken)
        if form.result is Result.CONFIRMED:
            self._tell(work, row)
        elif form.result is Result.REOPENED:
            again = ReasonForm(version=order.version, reason=UNSETTLED)
            await engine.act(work, order.id, "reopen", again)

    def _tell(self, work: Work, row: FollowUp) -> None:
        said = {"number": row.order_number, "title": row.title}
        work.notify(
            To(organization_id=row.unit_id, permission="order.reply"),
            Phrase(f"{self.hub.app}.checking.notice.confirmed", said),
            self.desk.engine.href(row.order_number),
            dedupe=f"follow-up:{row.id}:confirmed",
        )


def script_of(questions: Sequence[Question]) -> str:
    """Return how a form names the script it was shown with: each question with its version."""
    return ",".join(f"{one.code}.{one.version}" for one in questions)[:1000]
