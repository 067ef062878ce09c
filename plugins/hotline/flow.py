"""The flow of an order: received → answered at once, or dispatched → signed → processing →
replied → closed. The clock runs from the filing to the reply, through returns."""

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
    ReplyForm,
    ReturnForm,
)
from plugin_sdk.cases.shorthand import HOLDER, ORIGIN, REQUESTER, Acts
from plugin_sdk.deadlines import Term
from plugin_sdk.ports import Hub, Work
from plugin_sdk.problems import Invalid, field_error
from plugins.hotline.dispatching import following, returns
from plugins.hotline.forms import DispatchForm, Kind, Urgency
from plugins.hotline.models import Order

DAYS: Final = {
    "sign_days": 1,
    "return_days": 2,
    "reply_days": 15,
    "consult_days": 5,
    "urgent_days": 1,
    "reopen_days": 15,
    "close_days": 7,
}
"""Defaults of the app's settings: working days, but `reopen_days` and `close_days`."""

UNIT, CENTRE = HOLDER, ORIGIN
RUNNING: Final = "received following dispatched signed processing"
CLOSED: Final[dict[str, Any]] = {"effect": "order.closed", "event": "order.closed"}
_act: Final = Acts("order")
HANDLERS: Final = Notice(to="holder")
SIGNERS: Final = _act.holder("sign")
DISPATCHERS: Final = _act.origin("dispatch")
CLOSERS: Final = _act.origin("close", "notice.replied")
APPROVERS: Final = _act.origin("approve-extension")
SUPERVISORS: Final = _act.origin("supervise")


def days(settings: Mapping[str, Any], name: str) -> int:
    """Return a number of days as the county set it."""
    return int(settings.get(name, DAYS[name]))


def reply_term(settings: Mapping[str, Any], kind: Kind, urgency: Urgency) -> Term:
    """Return by when a request must be answered."""
    name = "consult_days" if kind is Kind.CONSULT else "reply_days"
    if urgency is Urgency.URGENT:
        name = "urgent_days"
    return Term(working_days=days(settings, name))


def order_flow(hub: Hub) -> Flow:
    """Return the flow with the county's terms."""
    settings = hub.settings
    reopening = Within(Term(calendar_days=days(settings, "reopen_days")), Since.RESOLUTION)
    returning = Within(Term(working_days=days(settings, "return_days")), Since.HANDOVER)
    closing = Lapse("close", Term(calendar_days=days(settings, "close_days")))
    signing = Term(working_days=days(settings, "sign_days"))

    async def dispatch(work: Work, row: Order, form: DispatchForm) -> None:
        await returns.ask_why_again(work, row, form)
        row.category_code = form.category or row.category_code
        if row.category_code is None:
            raise Invalid(field_error("category", "missing"))
        if form.due_on is not None:
            clock.ask_for(hub, row, form.due_on, work.now)

    async def stand_alone(work: Work, row: Order, form: ReasonForm) -> None:
        row.follows_id = None  # what was not settled by another's answer

    handed: dict[str, Any] = {"apply": dispatch, "moves": "unit", "event": "order.dispatched"}
    returned: dict[str, Any] = {"moves": "origin", "within": returning, "tone": "returned"}
    reopened: dict[str, Any] = {"moves": "origin", "within": reopening, "reopens": True}
    return Flow(
        name="order",
        series="order",
        path="/orders",
        start="received",
        read="order.read",
        file="order.file",
        figures="figures.read",
        event="order.filed",
        contact="caller_phone",
        remind=1,
        late="supervise",
        states=(
            State(key="received", waits_for="order.dispatch"),
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
            _answer("answer", "received", (Who.NOT_REQUESTER,)),
            *following.transitions(),
            _act("sign", "dispatched", "signed", UNIT, public=True),
            _act("process", "signed", "processing", UNIT, public=True),
            _answer("reply", "processing", UNIT, CLOSERS),
            _act(
                "return",
                "dispatched signed",
                "received",
                UNIT,
                ReturnForm,
                DISPATCHERS,
                reason_required=True,
                guard=returns.refuse_twice,
                **returned,
            ),
            _act(
                "extend",
                "signed processing",
                None,
                UNIT,
                ExtendForm,
                APPROVERS,
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
            _act("rate", "replied", "closed", REQUESTER, RateForm, does=Does.RATE, **CLOSED),
            _act("rate", "closed", None, REQUESTER, RateForm, does=Does.RATE),
            _act("close", "replied", "closed", CENTRE, public=True, **CLOSED),
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
        ),
    )


def _answer(verb: str, source: str, who: tuple[Who, ...], *notices: Notice) -> Transition:
    async def keep(work: Work, row: Order, form: ReplyForm) -> None:
        row.reply, row.answered_at = form.text, work.now

    requester = Notice(to="requester")
    done: dict[str, Any] = {"resolves": True, "public": True, "tone": "done"}
    counted = {"effect": "order.answered", "event": "order.replied"}
    return _act(
        verb, source, "replied", who, ReplyForm, requester, *notices, apply=keep, **done, **counted
    )
