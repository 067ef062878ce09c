"""The flow of a coordination: convened, held, decided by the chair; then the parts run."""

from collections.abc import Mapping
from typing import Any, Final

from plugin_sdk.cases.flow import Apply, Clock, Flow, Notice, Since, State, Transition, Who, Within
from plugin_sdk.cases.forms import ActForm, ReasonForm
from plugin_sdk.cases.shorthand import ASSISTANT, HOLDER, ORIGIN
from plugin_sdk.ports import Hub
from plugins.hotline.coordination.forms import (
    AbsentForm,
    AnotherForm,
    CallOffForm,
    ChairForm,
    ConveneForm,
    DropForm,
    ExpertForm,
    InviteForm,
    JudgeForm,
    ObjectForm,
    OpinionForm,
    ProposeForm,
    ShareForm,
    SignForm,
    SiteForm,
)
from plugins.hotline.terms import term

READ: Final = "coordination.read"
RUN: Final = "coordination.run"
ATTEND: Final = "coordination.attend"
NOTE: Final = "coordination.note"
OPINE: Final = "coordination.opine"
SIGN: Final = "coordination.sign"
JUDGE: Final = "coordination.judge"


def coordination_flow(hub: Hub, acts: Mapping[str, Apply] | None = None) -> Flow:
    """Return the flow; `acts` is what each verb writes."""
    does = acts or {}

    def act(
        verb: str,
        sources: str,
        target: str | None,
        permission: str,
        who: tuple[Who, ...],
        form: type[ActForm] = ActForm,
        *notices: Notice,
        **more: Any,
    ) -> Transition:
        return Transition(
            verb=verb,
            sources=tuple(sources.split()),
            target=target,
            permission=permission,
            who=who,
            form=form,
            notifies=notices,
            apply=does.get(verb),
            **more,
        )

    running, centre = Notice(to="origin", permission=RUN), ORIGIN
    signing = Notice(to="holder", permission=SIGN)
    objecting = Within(term(hub.settings, "objection_days"), Since.RESOLUTION)
    why: dict[str, Any] = {"reason_required": True}
    done: dict[str, Any] = {
        "resolves": True,
        "tone": "done",
        "effect": "coordination.decided",
        "event": "coordination.decided",
    }
    return Flow(
        name="coordination",
        series="coordination",
        path="/coordinations",
        start="convening",
        opening="open",
        read=READ,
        remind=1,
        states=(
            State(key="convening", waits_for=RUN),
            State(key="convened", waits_for=RUN),
            State(key="held", waits_for=RUN),
            State(key="proposed", waits_for=SIGN),
            State(key="decided", clock=Clock.STOPPED),
            State(key="done", clock=Clock.STOPPED, final=True),
            State(key="called_off", clock=Clock.STOPPED, final=True),
        ),
        transitions=(
            act("hold", "convened", "held", RUN, centre),
            act("share", "held", None, RUN, centre, ShareForm),
            act("propose", "held", "proposed", RUN, centre, ProposeForm, signing),
            act(
                *("sign", "proposed", "decided", SIGN, HOLDER, SignForm, running),
                another_than=("propose", "share", "convene", "another-chair"),
                **done,
            ),
            act(
                *("send-back", "proposed", "held", SIGN, HOLDER, ReasonForm, running),
                tone="returned",
                **why,
            ),
            act("judge", "decided", None, JUDGE, centre, JudgeForm, another_than=("sign",), **why),
            act("confirm", "convened held", None, ATTEND, ASSISTANT),
            act("opine", "convened held proposed", None, OPINE, ASSISTANT, OpinionForm, running),
            act("invite", "convening convened", None, RUN, centre, InviteForm),
            act("convene", "convening convened", "convened", RUN, centre, ConveneForm),
            act("invite-expert", "convening convened held", None, RUN, centre, ExpertForm),
            act("invite-requester", "convening convened", None, RUN, centre),
            act("note", "convened held", None, NOTE, centre + ASSISTANT, SiteForm),
            act("send-another", "convened held", None, ATTEND, ASSISTANT, AnotherForm, **why),
            act("decline", "convened", None, ATTEND, ASSISTANT, ReasonForm, running, **why),
            act("leave", "held", None, ATTEND, ASSISTANT, ReasonForm, running, **why),
            act("absent", "held", None, RUN, centre, AbsentForm, **why),
            act("drop", "held", None, RUN, centre, DropForm),
            act("another-chair", "held proposed", None, RUN, centre, ChairForm, **why),
            act(
                *("object", "decided", None, ATTEND, ASSISTANT, ObjectForm),
                Notice(to="origin", permission=JUDGE),
                within=objecting,
                **why,
            ),
            act(
                *("call-off", "convening convened held proposed", "called_off", RUN, centre),
                CallOffForm,
                tone="returned",
                **why,
            ),
            act("finish", "decided", "done", RUN, (Who.SYSTEM,), event="coordination.finished"),
        ),
    )
