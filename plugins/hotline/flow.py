"""The flow of an order: received → answered at once, or dispatched → signed → processing →
replied → closed. The clock runs from the filing to the reply, through returns, and while several
units' parts of it are coordinated: it is then dispatched to nobody."""

from collections.abc import Mapping
from typing import Any, Final

from plugin_sdk.cases import clock
from plugin_sdk.cases.flow import (
    Clock,
    Does,
    Flow,
    Lapse,
    Notice,
    Since,
    State,
    Transition,
    Who,
    Within,
)
from plugin_sdk.cases.forms import (
    ActForm,
    DecideForm,
    ExtendForm,
    NoteForm,
    RateForm,
    ReasonForm,
    ReturnForm,
)
from plugin_sdk.cases.shorthand import HOLDER, ORIGIN, REQUESTER, Acts
from plugin_sdk.deadlines import Term, local_day
from plugin_sdk.ports import Hub, Work
from plugin_sdk.problems import AppConflict, Invalid, field_error
from plugins.hotline.checking import rating, supervising
from plugins.hotline.dispatching import following, returns
from plugins.hotline.forms import CoordinateForm, DispatchForm, Kind, RedirectForm, Urgency
from plugins.hotline.knowledge.answering import Answering
from plugins.hotline.knowledge.forms import AnswerForm
from plugins.hotline.models import Order
from plugins.hotline.open311.publishing import changed, keep_secret, publicize, withhold
from plugins.hotline.reception.holding import signed_off
from plugins.hotline.terms import term

UNIT, CENTRE = HOLDER, ORIGIN
HANDLED: Final = "dispatched signed processing"
RUNNING: Final = f"received following coordinating {HANDLED}"
ALWAYS: Final = f"{RUNNING} replied closed"
CLOSED: Final[dict[str, Any]] = {"effect": "order.closed", "event": "order.closed"}
_act: Final = Acts("order")
HANDLERS: Final = Notice(to="holder")
SIGNERS: Final = _act.holder("sign")
DISPATCHERS: Final = _act.origin("dispatch")
CLOSERS: Final = _act.origin("close", "notice.replied")
APPROVERS: Final = _act.origin("approve-extension")
SUPERVISORS: Final = _act.origin("supervise")


def reply_term(
    settings: Mapping[str, Any], kind: Kind, urgency: Urgency, channel: str = ""
) -> Term:
    """Return by when a request must be answered: what the enterprise desk brings has its own."""
    name = "consult_days" if kind is Kind.CONSULT else "reply_days"
    if channel == "enterprise":
        name = "enterprise_days"
    if urgency is Urgency.URGENT:
        name = "urgent_days"
    return term(settings, name)


def order_flow(hub: Hub) -> Flow:
    """Return the flow with the county's terms."""
    settings, answering = hub.settings, Answering(hub)
    reopening = Within(term(settings, "reopen_days"), Since.RESOLUTION)
    returning = Within(term(settings, "return_days"), Since.HANDOVER)
    closing = Lapse("close", term(settings, "close_days"))
    signing = term(settings, "sign_days")

    async def dispatch(work: Work, row: Order, form: DispatchForm) -> None:
        await returns.ask_why_again(work, row, form)
        row.category_code = form.category or row.category_code
        if row.category_code is None:
            raise Invalid(field_error("category", "missing"))
        if form.due_on is not None:
            clock.ask_for(hub, row, form.due_on, work.now)

    async def supervise(work: Work, row: Order, form: NoteForm | None) -> None:
        late = f"late:{local_day(row.due_at or work.now)}"
        trigger = late if form is None else f"manual:{row.version}"
        why = (form.reason if form else None) or ""
        await supervising.supervise(hub, work, row, row.organization_id, trigger, why)

    async def give_back(work: Work, row: Order, form: ReturnForm) -> None:
        n, unit = row.returns + 1, str(row.organization_id)  # before it moves
        work.emit("order.returned", id=str(row.id), number=row.number, unit=unit, n=n)

    async def rate(work: Work, row: Order, form: RateForm) -> None:
        await rating.keep(work, row, form, rating.ACCOUNT)

    async def refuse_taking(work: Work, row: Order, form: RateForm) -> None:
        await rating.refuse_taking(hub, work, row)
        await signed_off(work, row, form)

    async def take_rating(work: Work, row: Order, form: RateForm) -> None:
        await rating.take(work, row, form)

    rated: dict[str, Any] = {"does": Does.RATE, "apply": rate}
    taking: dict[str, Any] = {"guard": refuse_taking, "apply": take_rating, "offered": False}
    taking["another_than"] = rating.HANDLING

    async def coordinate(work: Work, row: Order, form: CoordinateForm) -> None:
        row.category_code = form.category or row.category_code
        if row.category_code is None:
            raise Invalid(field_error("category", "missing"))

    async def stand_alone(work: Work, row: Order, form: ReasonForm) -> None:
        row.follows_id = None  # what was not settled by another's answer

    async def conceal(work: Work, row: Order, form: ActForm) -> None:
        await following.take_back(work, row)
        await keep_secret(work, row, form)

    handed: dict[str, Any] = {"apply": dispatch, "moves": "unit", "event": "order.dispatched"}
    returned: dict[str, Any] = {"moves": "origin", "within": returning, "tone": "returned"}
    reopened: dict[str, Any] = {"moves": "origin", "within": reopening, "reopens": True}
    return Flow(
        name="order",
        series="order",
        path="/orders",
        start="received",
        starts=("dispatched",),  # the part of a decision
        read="order.read",
        file="order.file",
        figures="figures.read",
        event="order.filed",
        contact="caller_phone",
        remind=1,
        late="supervise",
        states=(
            State(key="received", waits_for="order.dispatch"),
            State(key="coordinating"),
            following.FOLLOWING,
            State(key="dispatched", waits_for="order.sign", term=signing),
            State(key="signed", waits_for="order.process"),
            State(key="processing", waits_for="order.reply"),
            State(key="replied", clock=Clock.STOPPED, lapse=closing),
            State(key="closed", clock=Clock.STOPPED, final=True),
        ),
        transitions=(
            _act(
                "dispatch",
                "received",
                "dispatched",
                CENTRE,
                DispatchForm,
                SIGNERS,
                public=True,
                **handed,
            ),
            _answer(answering, "answer", "received", (Who.NOT_REQUESTER,)),
            _act(
                *("coordinate", "received", "coordinating", CENTRE, CoordinateForm),
                apply=coordinate,
                guard=_whole,
                public=True,
            ),
            _answer(answering, "summarize", "coordinating", CENTRE),
            _itself("resume", "coordinating", "received", DISPATCHERS),
            _itself("redirect", HANDLED, "dispatched", SIGNERS, form=RedirectForm, moves="unit"),
            *following.transitions(_whole),
            _act("sign", "dispatched", "signed", UNIT, public=True),
            _act("process", "signed", "processing", UNIT, public=True),
            _answer(answering, "reply", "processing", UNIT, CLOSERS),
            _act(
                "return",
                "dispatched signed",
                "received",
                UNIT,
                ReturnForm,
                DISPATCHERS,
                reason_required=True,
                guard=_may_return,
                apply=give_back,
                **returned,
            ),
            _act(
                "extend",
                "signed processing",
                None,
                UNIT,
                ExtendForm,
                APPROVERS,
                guard=_whole,
                does=Does.EXTEND,
                at_most=1,
            ),
            _act(
                "approve-extension",
                "signed processing",
                None,
                CENTRE,
                DecideForm,
                HANDLERS,
                does=Does.DECIDE,
            ),
            _act(
                "rate",
                "replied",
                "closed",
                REQUESTER,
                RateForm,
                guard=signed_off,
                **rated,
                **CLOSED,
            ),
            _act("rate", "closed", None, REQUESTER, RateForm, **rated),
            _act(
                "take-rating",
                "replied",
                "closed",
                CENTRE,
                RateForm,
                **taking,
                **CLOSED,
            ),
            _act("take-rating", "closed", None, CENTRE, RateForm, **taking),
            _act("close", "replied", "closed", CENTRE, public=True, guard=signed_off, **CLOSED),
            _act("urge", RUNNING, None, REQUESTER + CENTRE, ActForm, HANDLERS, does=Does.URGE),
            _act(
                "supervise",
                RUNNING,
                None,
                CENTRE,
                NoteForm,
                HANDLERS,
                SUPERVISORS,
                does=Does.SUPERVISE,
                apply=supervise,
            ),
            _act(
                "reopen",
                "replied closed",
                "received",
                REQUESTER + CENTRE,
                ReasonForm,
                DISPATCHERS,
                reason_required=True,
                public=True,
                apply=stand_alone,
                event="order.reopened",
                **reopened,
            ),
            _act("publicize", ALWAYS, None, REQUESTER, apply=publicize),
            _act("withhold", ALWAYS, None, REQUESTER + CENTRE, apply=withhold),
            _act(
                *("keep-secret", ALWAYS, None, REQUESTER + CENTRE),
                apply=conceal,
                event="order.concealed",
            ),
        ),
    )


async def _whole(work: Work, row: Order, form: ActForm) -> None:
    """Raise `AppConflict` for the part of a decision: its unit and its deadline are the decision's,
    and who disagrees objects to that."""
    if row.split_from_id is not None:
        raise AppConflict("hotline", "coordination.bound")


async def _may_return(work: Work, row: Order, form: ActForm) -> None:
    await _whole(work, row, form)
    await returns.refuse_twice(work, row, form)


def _itself(
    verb: str, sources: str, target: str, notice: Notice, form: type[ActForm] = ActForm, **more: Any
) -> Transition:
    """Return what a coordination does to an order: no person does it to the order itself."""
    return Transition(
        verb=verb,
        sources=tuple(sources.split()),
        target=target,
        permission="order.coordinate",
        who=(Who.SYSTEM,),
        form=form,
        notifies=(notice,),
        **more,
    )


def _answer(
    answering: Answering, verb: str, source: str, who: tuple[Who, ...], *notices: Notice
) -> Transition:
    async def keep(work: Work, row: Order, form: AnswerForm) -> None:
        await answering.check(work, row, form)
        row.reply, row.answered_at = form.text, work.now
        await changed(work, row)

    requester = Notice(to="requester")
    done: dict[str, Any] = {"resolves": True, "public": True, "tone": "done"}
    counted = {"effect": "order.answered", "event": "order.replied"}
    return _act(
        verb, source, "replied", who, AnswerForm, requester, *notices, apply=keep, **done, **counted
    )
