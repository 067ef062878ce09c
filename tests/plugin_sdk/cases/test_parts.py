from typing import Any
from uuid import UUID

import pytest

from plugin_sdk.cases.flow import Clock, Does, Flow, FlowError, State, words_of
from plugin_sdk.cases.forms import AssignForm, PartForm, ReplyForm, SendBackForm
from plugin_sdk.cases.rules import Beside, NotYours, who_may
from plugin_sdk.cases.shorthand import ASSISTANT, HOLDER, Acts
from plugin_sdk.ports import Actor
from tests.plugin_sdk.cases.samples import Question

LEAD, UNIT, OTHER = UUID(int=1), UUID(int=2), UUID(int=3)
BEN = UUID(int=12)
act = Acts("job")
FLOW = Flow(
    name="job",
    series="job",
    path="/jobs",
    start="doing",
    starts=("idle",),
    read="job.read",
    states=(
        State(key="doing", waits_for="job.report"),
        State(key="idle", clock=Clock.STOPPED, final=True),
        State(key="done", clock=Clock.STOPPED, final=True),
    ),
    transitions=(
        act("report", "doing", "done", HOLDER, ReplyForm, does=Does.COLLECT),
        act("assign", "doing", None, HOLDER, AssignForm, does=Does.ASSIGN),
        act("reply-part", "doing", None, ASSISTANT, PartForm, does=Does.PART),
        act("send-back", "doing", None, HOLDER, SendBackForm, does=Does.SEND_BACK),
    ),
)


def test_an_act_in_one_line_names_its_permission_and_words():
    assert FLOW.by_verb("reply-part").permission == "job.reply_part"
    assert act.origin("reply-part").permission == "job.reply_part"
    words = words_of(FLOW, "sample")
    for name in ("assign", "send-back", "part_late", "part_remind"):
        assert f"sample.job.notice.{name}" in words


@pytest.mark.parametrize(
    ("unit", "expected"),
    [(UNIT, None), (OTHER, "case.not-assistant"), (LEAD, "case.not-assistant")],
)
def test_a_part_is_replied_to_by_its_unit_while_it_is_open(unit, expected):
    facts: dict[str, Any] = {"organization_id": LEAD, "origin_organization_id": LEAD}
    row = Question(**facts)
    actor, beside = Actor(person_id=BEN, organization_id=unit), Beside(assisting=frozenset({UNIT}))
    said = None
    try:
        who_may("sample", FLOW.by_verb("reply-part"), actor, row, beside)
    except NotYours as refused:
        said = refused.code
    assert said == expected


def test_a_part_needs_its_own_form():
    with pytest.raises(FlowError, match="must be a PartForm"):
        Flow(
            name="job",
            series="job",
            path="/jobs",
            start="doing",
            read="job.read",
            states=(State(key="doing", final=True),),
            transitions=(act("reply-part", "doing", None, ASSISTANT, ReplyForm, does=Does.PART),),
        )
