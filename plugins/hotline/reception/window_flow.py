"""The flow of a matter that could not be done: registered → checked with the unit that refused it
→ settled, explained by its rule, or found to be systemic. The unit that refused never closes it."""

from typing import Any, Final

import msgspec

from plugin_sdk.cases import CaseEngine
from plugin_sdk.cases.flow import Clock, Does, Flow, Notice, Since, State, Transition, Within
from plugin_sdk.cases.forms import NoteForm, ReasonForm
from plugin_sdk.cases.shorthand import HOLDER, ORIGIN, REQUESTER, Acts
from plugin_sdk.forms import Submission, validate
from plugin_sdk.ports import Work
from plugin_sdk.views import Phrase
from plugins.hotline.desk import OrderDesk
from plugins.hotline.forms import FileForm, Kind
from plugins.hotline.reception.forms import (
    AskForm,
    ExplainForm,
    Finding,
    SettleForm,
    StateForm,
    SystemicForm,
    TakeForm,
)
from plugins.hotline.reception.models import Matter
from plugins.hotline.refusals import NotTheirs
from plugins.hotline.terms import term

CHANNEL: Final = "window"
SETTLE: Final = "window.settle"
STATE: Final = "window.state"


class MatterEngine(CaseEngine[Matter]):
    """The engine of matters."""

    def __init__(self, orders: OrderDesk) -> None:
        super().__init__(orders.hub, matter_flow(orders), Matter)
        self.orders = orders

    async def prepare(self, verb: str | None = None) -> None:
        """Ask before the unit of work for what a suggestion, an order, will need there."""
        await super().prepare(verb)
        if verb == "systemic":
            await self.orders.prepare()

    async def refusers(self) -> list[Any]:
        """Return the units whose counters may have refused something."""
        return await self.units_with(STATE, max_age=5)


def matter_flow(orders: OrderDesk) -> Flow:
    """Return the flow with the county's terms."""
    act, hub = Acts("window"), orders.hub
    asker, officers = Notice(to="requester"), act.origin("settle")
    unit = act.holder("state")
    taking = term(hub.settings, "window_take_days")
    stating = term(hub.settings, "window_state_days")
    reopening = term(hub.settings, "window_reopen_days")

    def ends(verb: str, form: Any, **more: Any) -> Transition:
        """Return an act that ends it: by an officer of another unit who did not speak for it."""
        ended = act(verb, "stated", "closed", ORIGIN, form, asker, unit, **more)
        return msgspec.structs.replace(
            ended,
            permission=SETTLE,
            guard=another_unit,
            another_than=("state",),
            resolves=True,
            public=True,
            tone="done",
            effect="window.closed",
        )

    async def another_unit(work: Work, row: Matter, form: Any) -> None:
        if work.actor.organization_id == row.unit_id:
            raise NotTheirs(SETTLE, "own-refusal")

    async def take(work: Work, row: Matter, form: TakeForm) -> None:
        row.unit_id, row.representative = form.unit, form.representative

    async def state(work: Work, row: Matter, form: StateForm) -> None:
        row.upheld, row.rule = form.finding is Finding.RIGHT, form.rule or ""

    async def ask(work: Work, row: Matter, form: AskForm) -> None:
        row.unit_id = form.unit

    async def settle(work: Work, row: Matter, form: SettleForm) -> None:
        row.outcome, row.cause, row.reply = "settled", form.cause.value, form.text

    async def explain(work: Work, row: Matter, form: ExplainForm) -> None:
        row.outcome, row.cause, row.reply = "explained", form.cause.value, form.text
        row.rule = form.rule

    async def systemic(work: Work, row: Matter, form: SystemicForm) -> None:
        row.outcome, row.cause, row.reply = "systemic", form.cause.value, form.text
        row.order_number = await suggest(work, row, form.proposal)

    async def suggest(work: Work, row: Matter, proposal: str) -> str:
        why = hub.pages.say(Phrase("hotline.window.why", {"number": row.number}), "zh-CN")
        filed = validate(FileForm, {"kind": Kind.SUGGEST, "text": f"{proposal}\n{why}"})
        name = work.actor.organization_name
        order = await orders.open_order(
            work, Submission(filed, None), CHANNEL, None, caller_name=name
        )
        return order.number

    async def again(work: Work, row: Matter, form: ReasonForm) -> None:
        row.outcome = None

    return Flow(
        name="window",
        series="window",
        path="/window",
        start="registered",
        read="window.read",
        file="window.file",
        figures="figures.read",
        contact="caller_phone",
        remind=1,
        late="supervise",
        states=(
            State(key="registered", waits_for="window.take", term=taking),
            State(key="checking", waits_for=STATE, term=stating),
            State(key="stated", waits_for=SETTLE),
            State(key="closed", clock=Clock.STOPPED, final=True),
        ),
        transitions=(
            act(
                *("take", "registered", "checking", ORIGIN, TakeForm, unit, asker),
                moves="unit",
                apply=take,
                public=True,
            ),
            act(
                *("state", "checking", "stated", HOLDER, StateForm, officers),
                moves="origin",
                apply=state,
            ),
            ends("settle", SettleForm, apply=settle),
            ends("explain", ExplainForm, apply=explain),
            ends("systemic", SystemicForm, apply=systemic),
            msgspec.structs.replace(
                act(
                    *("ask", "stated", "checking", ORIGIN, AskForm, unit),
                    moves="unit",
                    apply=ask,
                    reason_required=True,
                    tone="returned",
                ),
                permission=SETTLE,
            ),
            act(
                *("supervise", "registered checking stated", None, ORIGIN, NoteForm),
                *(unit, act.origin("settle")),
                does=Does.SUPERVISE,
            ),
            act(
                *("reopen", "closed", "registered", REQUESTER, ReasonForm, act.origin("take")),
                moves="origin",
                within=Within(reopening, Since.RESOLUTION),
                reopens=True,
                reason_required=True,
                at_most=2,
                public=True,
                apply=again,
            ),
        ),
    )
