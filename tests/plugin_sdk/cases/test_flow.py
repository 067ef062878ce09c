from types import SimpleNamespace

import pytest

from plugin_sdk.cases.flow import Does, FlowError, Lapse, State, Transition, Who, words_of
from plugin_sdk.cases.forms import ActForm, RateForm
from plugin_sdk.deadlines import Term
from tests.plugin_sdk.cases.samples import FLOW, STATES, TAKE, TRANSITIONS, but, with_


def test_the_sample_is_a_flow():
    assert FLOW.state("papers").clock == "paused"
    assert FLOW.find("asked", "take") is TAKE
    assert FLOW.find("open", "take") is None
    assert [t.verb for t in FLOW.possible("answered")] == ["rate", "close", "reopen"]
    assert FLOW.by_verb("wait").needs_form is False
    assert FLOW.by_verb("answer").needs_form is True


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"start": "nowhere"}, "first state"),
        ({"states": (*STATES, STATES[0])}, "declared twice"),
        ({"states": (*STATES, State(key="island"))}, "no way to"),
        ({"states": tuple(s for s in STATES if not s.final)}, "no state is final"),
        ({"late": "close"}, "late verb"),
        ({"opening": "take"}, "opens a case"),
        (
            {
                "states": (
                    *STATES[:3],
                    State(key="answered", lapse=Lapse("vanish", Term(calendar_days=1))),
                    STATES[4],
                ),
                "late": None,
            },
            "cannot lapse",
        ),
        ({"transitions": (*TRANSITIONS, but(TAKE, target="elsewhere"))}, "unknown states"),
        ({"transitions": (*TRANSITIONS, TAKE)}, "declared twice from one state"),
        (
            {"transitions": (*TRANSITIONS, but(TAKE, sources=("open",), permission="q.other"))},
            "two meanings",
        ),
        ({"transitions": (*TRANSITIONS, but(TAKE, verb="x", sources=()))}, "no state to act"),
        ({"transitions": (*TRANSITIONS, but(TAKE, verb="x", permission=""))}, "permission"),
        ({"transitions": (*TRANSITIONS, but(TAKE, verb="x", moves="unit"))}, "no field 'unit'"),
        ({"transitions": (*TRANSITIONS, but(TAKE, verb="x", does=Does.EXTEND))}, "ExtendForm"),
        (
            {"transitions": (*TRANSITIONS, but(TAKE, verb="x", does=Does.RATE, form=RateForm))},
            "only the requester",
        ),
        ({"transitions": (*TRANSITIONS, but(TAKE, verb="x", reason_required=True))}, "reason"),
        ({"transitions": (*TRANSITIONS, but(TAKE, verb="x", at_most=0))}, "never"),
        (
            {"transitions": (*TRANSITIONS, but(TAKE, verb="x", another_than=("vanish",)))},
            "others must have done",
        ),
        (
            {"transitions": (*TRANSITIONS, but(TAKE, verb="x", target=None, reopens=True))},
            "reopening leads",
        ),
        (
            {"transitions": tuple(t for t in TRANSITIONS if t.verb not in ("rate", "close"))},
            "no way to",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_when_declared(changes, words):
    with pytest.raises(FlowError, match=words):
        with_(FLOW, **changes)


def test_a_state_without_a_way_out_is_refused():
    hole = Transition(verb="bury", sources=("open",), target="buried", permission="q.answer")
    with pytest.raises(FlowError, match="no way out"):
        with_(FLOW, states=(*STATES, State(key="buried")), transitions=(*TRANSITIONS, hole))


def test_words_follow_from_names():
    words = words_of(FLOW, "sample")
    assert {
        "sample.question.state.asked",
        "sample.question.act.take",
        "sample.question.said.file",
        "sample.question.outcome.return",
        "sample.question.field.legal_basis",
        "sample.question.notice.remind",
    } <= words
    assert "sample.question.field.version" not in words


def test_every_act_carries_the_version():
    assert all(issubclass(t.form, ActForm) for t in TRANSITIONS)
    assert SimpleNamespace(who=FLOW.by_verb("rate").who).who == (Who.REQUESTER,)


def test_a_decision_is_made_by_another_than_who_asked_and_more_can_be_named():
    decide, take = FLOW.by_verb("decide"), FLOW.by_verb("take")
    assert FLOW.apart_from(decide) == {"extend"}
    assert FLOW.apart_from(take) == frozenset()
    apart = but(take, another_than=("file", "answer"))
    assert FLOW.apart_from(apart) == {"file", "answer"}
