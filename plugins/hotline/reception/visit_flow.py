"""The flow of a visit: registered → received (promised, then signed off) or settled on the spot."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec
from sqlmodel import col

from plugin_sdk.cases import CaseEngine
from plugin_sdk.cases.flow import Flow, Notice, State, Transition, Who
from plugin_sdk.cases.forms import ActForm, NoteForm, ReasonForm
from plugin_sdk.cases.shorthand import HOLDER, ORIGIN, REQUESTER, Acts
from plugin_sdk.deadlines import local_day
from plugin_sdk.forms import Submission, validate
from plugin_sdk.ports import Actor, To, Work
from plugin_sdk.problems import AppConflict, NotFound
from plugin_sdk.views import Phrase
from plugins.hotline.desk import OrderDesk
from plugins.hotline.forms import IntakeForm, Kind
from plugins.hotline.models import ANSWERED, Order
from plugins.hotline.reception.days import DayEngine
from plugins.hotline.reception.forms import AnotherDayForm, HeardForm, ReceiveForm
from plugins.hotline.reception.holding import CHANNEL, PROMISED
from plugins.hotline.reception.models import Visit
from plugins.hotline.refusals import NotTheirs

RECEIVE = "reception.receive"
SIGN_OFF = "reception.sign_off"
LANGUAGE = "zh-CN"


class VisitEngine(CaseEngine[Visit]):
    """The engine of visits."""

    def __init__(self, orders: OrderDesk, days: DayEngine) -> None:
        super().__init__(orders.hub, visit_flow(orders, days), Visit)
        self.orders, self.days = orders, days

    async def act(self, work: Work, id: UUID, verb: str, form: ActForm) -> Visit:
        """Do an act: it may give a place back, take one, be the last that a day waited for."""
        found = work.rows(Visit, col(Visit.day_id), permission=self.flow.read)
        day = (await work.session.execute(found.where(col(Visit.id) == id))).scalar_one_or_none()
        to = form.day if isinstance(form, AnotherDayForm) else None
        await self.days.hold(work, {one for one in (day, to) if one is not None})
        return await super().act(work, id, verb, form)

    async def order_reopened(self, work: Work, event: Mapping[str, Any]) -> None:
        """Let the leader sign off again what they promised, whose order was reopened: once for
        each time, however often it is heard."""
        order_id = UUID(str(event["id"]))
        found = work.rows(Visit, col(Visit.id)).where(col(Visit.order_id) == order_id)
        id = (await work.session.execute(found)).scalar_one_or_none()
        if id is None:
            return
        order, row = await work.get(Order, order_id), await work.get(Visit, id)
        if row.reopened < order.reopened:
            await self._by_itself(work, row, "renew")
            row.reopened = order.reopened

    async def prepare(self, verb: str | None = None) -> None:
        """Ask before the unit of work for what a promise, which is an order, will need there."""
        await super().prepare(verb)
        if verb == "receive":
            await self.orders.prepare()

    async def _perform(
        self, work: Work, row: Visit, transition: Transition, form: ActForm | None
    ) -> None:
        day, state = row.day_id, row.state
        await super()._perform(work, row, transition, form)
        if (row.day_id, row.state) != (day, state):
            await self.days.found_another(work, day)

    async def heard(self, work: Work, event: Mapping[str, Any]) -> None:
        """Ask the leader to sign off what they promised while its order is answered. Events may
        come twice, late and in any order: what is asked follows from the order alone."""
        id = UUID(str(event["id"]))
        promised = work.rows(Visit, col(Visit.id)).where(
            col(Visit.order_id) == id, col(Visit.state) == PROMISED
        )
        found = (await work.session.execute(promised)).scalar_one_or_none()
        if found is None:
            return
        try:
            order, row = await work.get(Order, id), await work.get(Visit, found)
        except NotFound:
            return
        subject = self.subject(row.id)
        if row.state != PROMISED or order.state not in ANSWERED:
            await work.todo.close(subject)
            return
        to, href = To(organization_id=row.organization_id, permission=SIGN_OFF), row.number
        label, title = self.words(f"state.{PROMISED}"), self.item_title(row)
        await work.todo.open(subject, to, title, self.href(href), label=label)
        said = self.words("notice.answered", number=row.number)  # the order may be secret by now
        dedupe = f"{subject}:answered:{order.reopened}"
        work.notify(to, said, self.href(href), dedupe=dedupe)


def visit_flow(orders: OrderDesk, days: DayEngine) -> Flow:
    """Return the flow. Whoever received answers for what they promised, and signs it off."""
    act, hub = Acts("reception"), orders.hub
    asker = Notice(to="requester")
    shown: dict[str, Any] = {"public": True}

    def by(permission: str, *declared: Any, **more: Any) -> Transition:
        return msgspec.structs.replace(act(*declared, **more), permission=permission)

    async def on_the_day(work: Work, row: Visit, form: Any) -> None:
        if local_day(work.now) < row.day_on:
            raise AppConflict(hub.app, "reception-early", date=row.day_on)

    async def before_it(work: Work, row: Visit, form: Any) -> None:
        if local_day(work.now) > row.day_on:
            raise AppConflict(hub.app, "reception-past", date=row.day_on)

    async def promise(work: Work, row: Visit, form: ReceiveForm) -> None:
        row.sponsor_person_id, row.sponsor = sponsor_of(work.actor), _post(work.actor)
        row.minutes = form.text
        bound = hub.pages.say(Phrase("hotline.reception.bound", {"post": row.sponsor}), LANGUAGE)
        taken = validate(
            IntakeForm,
            {
                "kind": Kind.HELP,
                "text": f"{form.promise}\n{bound}",
                "phone": row.caller_phone,
                "caller_name": row.caller_name,
                "due_on": form.due_on,
            },
        )
        order = await orders.open_order(
            work,
            Submission(taken, None),
            CHANNEL,
            row.person_id,
            caller_name=row.caller_name,
            form=taken,
        )
        row.order_id, row.order_number = order.id, order.number

    async def keep_minutes(work: Work, row: Visit, form: HeardForm) -> None:
        row.minutes = form.text

    async def free(work: Work, row: Visit, form: Any) -> None:
        await days.free_place(work, row.day_id)

    async def move(work: Work, row: Visit, form: AnotherDayForm) -> None:
        if form.day == row.day_id:
            raise AppConflict(hub.app, "reception-same-day")
        for day in sorted((row.day_id, form.day)):  # both locked in the order everybody takes
            if day == row.day_id:
                await days.free_place(work, day)
            else:
                await place(work, days, row, day)

    async def sponsor_alone(work: Work, row: Visit, form: Any) -> None:
        if row.sponsor_person_id not in work.actor.hands:
            raise NotTheirs(SIGN_OFF, "not-sponsor")
        order = await orders.engine.find(work, str(row.order_number))
        if order.state not in ANSWERED:
            raise AppConflict(hub.app, "promise-unanswered", number=order.number)

    async def take_over(work: Work, row: Visit, form: ReasonForm) -> None:
        if row.sponsor_person_id in work.actor.hands:
            raise AppConflict(hub.app, "sponsor-already")
        row.sponsor_person_id, row.sponsor = sponsor_of(work.actor), _post(work.actor)

    ended: dict[str, Any] = {"resolves": True, "effect": "reception.settled", **shown}
    return Flow(
        name="reception",
        series="reception",
        path="/reception",
        start="registered",
        read="reception.read",
        file="reception.file",
        contact="caller_phone",
        states=(
            State(key="registered", waits_for=RECEIVE),
            State(key=PROMISED),  # it waits for the signature once the order is answered
            State(key="closed", final=True),
            State(key="withdrawn", final=True),
            State(key="absent", final=True),
        ),
        transitions=(
            by(
                RECEIVE,
                *("receive", "registered", PROMISED, HOLDER, ReceiveForm, asker),
                guard=on_the_day,
                apply=promise,
                **shown,
            ),
            by(
                RECEIVE,
                *("settle", "registered", "closed", HOLDER, HeardForm, asker),
                guard=on_the_day,
                apply=keep_minutes,
                **ended,
            ),
            by(
                "reception.announce",
                *("move", "registered", None, ORIGIN, AnotherDayForm, asker),
                apply=move,
                reason_required=True,
                **shown,
            ),
            by(
                "reception.announce",
                *("absent", "registered", "absent", ORIGIN, NoteForm),
                guard=on_the_day,
                **shown,
            ),
            by(
                "reception.file",
                *("withdraw", "registered", "withdrawn", REQUESTER, ActForm),
                guard=before_it,
                apply=free,
                **shown,
            ),
            by(
                SIGN_OFF,
                *("sign-off", PROMISED, "closed", HOLDER, NoteForm, asker),
                guard=sponsor_alone,
                **ended,
            ),
            by(
                SIGN_OFF,
                *("take-over", PROMISED, None, (Who.NOT_REQUESTER,), ReasonForm),
                apply=take_over,
                reason_required=True,
                **shown,
            ),
            by(
                SIGN_OFF,
                *("renew", "closed", PROMISED, (Who.SYSTEM,)),
                reopens=True,
                **shown,
            ),
        ),
    )


async def place(work: Work, days: DayEngine, row: Visit, day_id: UUID) -> None:
    """Give a visit a place of a day. Raises `Invalid`."""
    day = await days.take_place(work, day_id)
    row.day_id, row.day_on, row.leader = day.id, day.ends_on or row.day_on, day.leader


def sponsor_of(actor: Actor) -> UUID | None:
    """Return who answers for what is promised: whose post it is, where somebody acts in it."""
    return actor.delegation.person_id if actor.delegation else actor.person_id


def _post(actor: Actor) -> str:
    return " ".join(part for part in (actor.organization_name, actor.post_title) if part)
