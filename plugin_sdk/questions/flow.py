"""The flow of a question: asked → answered → closed."""

from typing import Any

from plugin_sdk.cases.flow import Clock, Does, Flow, Lapse, Notice, Since, State, Within
from plugin_sdk.cases.forms import ActForm, NoteForm, RateForm, ReasonForm, ReplyForm
from plugin_sdk.cases.shorthand import HOLDER, REQUESTER, Acts
from plugin_sdk.deadlines import Term
from plugin_sdk.ports import Hub, To, Work
from plugin_sdk.questions.models import QuestionRow
from plugin_sdk.views import Phrase


def question_flow(hub: Hub, name: str = "question") -> Flow:
    """Return the flow of questions; permissions are `<name>.read`, `.ask`, and one a verb.

    Settings, in calendar days: `close_days` (7) until an answer stands by itself, `reopen_days`
    (15) in which one may ask again.
    """
    closing = Term(calendar_days=int(hub.settings.get("close_days", 7)))
    again = Within(
        Term(calendar_days=int(hub.settings.get("reopen_days", 15))), since=Since.RESOLUTION
    )
    path = f"/{name}s"
    act = Acts(name)
    holder = act.holder("answer")
    closed: dict[str, Any] = {"effect": f"{name}.solved", "event": f"{name}.closed"}

    async def answer(work: Work, row: QuestionRow, form: ReplyForm) -> None:
        row.reply = form.text

    async def escalate(work: Work, row: QuestionRow, form: Any) -> None:
        if row.town_id is not None:
            to = To(organization_id=row.town_id, permission=f"{name}.supervise")
            said = {"number": row.number, "title": row.title}
            words = Phrase(f"{hub.app}.{name}.notice.escalated", said)
            work.notify(to, words, f"/apps/{hub.app}{path}/{row.number}")

    return Flow(
        name=name,
        series=name,
        path=path,
        start="asked",
        read=f"{name}.read",
        file=f"{name}.ask",
        opening="ask",
        event=f"{name}.asked",
        remind=1,
        late="supervise",
        states=(
            State(key="asked", waits_for=f"{name}.answer"),
            State(key="answered", clock=Clock.STOPPED, lapse=Lapse("close", closing)),
            State(key="closed", clock=Clock.STOPPED, final=True),
        ),
        transitions=(
            act(
                *("answer", "asked", "answered", HOLDER, ReplyForm, Notice(to="requester")),
                apply=answer,
                resolves=True,
                public=True,
                tone="done",
                event=f"{name}.answered",
            ),
            act("rate", "answered", "closed", REQUESTER, RateForm, does=Does.RATE, **closed),
            act("close", "answered", "closed", HOLDER, public=True, **closed),
            act("urge", "asked", None, REQUESTER, ActForm, holder, does=Does.URGE),
            act(
                *("supervise", "asked", None, (), NoteForm, holder),
                does=Does.SUPERVISE,
                apply=escalate,
                public=True,
            ),
            act(
                *("reopen", "answered closed", "asked", REQUESTER, ReasonForm, holder),
                within=again,
                reason_required=True,
                reopens=True,
                public=True,
            ),
        ),
    )
