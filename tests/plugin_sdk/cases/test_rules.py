from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from plugin_sdk.acting import Agent, Delegated
from plugin_sdk.cases import clock, rules
from plugin_sdk.deadlines import Term
from plugin_sdk.ports import Actor
from plugin_sdk.problems import Conflict
from tests.plugin_sdk.cases.samples import FLOW, FakeHub, Question

MONDAY = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
CENTRE, UNIT, OTHER = UUID(int=1), UUID(int=2), UUID(int=3)
ANN, BEN, EVE = UUID(int=11), UUID(int=12), UUID(int=13)


def for_another(giver, **more):
    """Ben in a post that is delegated to him."""
    handed = Delegated(id=UUID(int=21), person_id=giver, name="", until=MONDAY)
    return Actor(person_id=BEN, delegation=handed, **more)


def on_behalf(agent, **more):
    """Ben, for whom somebody acts."""
    agent = Agent(
        consent_id=UUID(int=22),
        person_id=agent,
        name="",
        post_id=UUID(int=23),
        organization_id=OTHER,
        organization_name="",
        scope=("sample",),
        until=MONDAY,
    )
    return Actor(person_id=BEN, agent=agent, **more)


@pytest.fixture
def row():
    facts: dict[str, Any] = {
        "state": "open",
        "stage_entered_at": MONDAY,
        "held_at": MONDAY,
        "opened_at": MONDAY,
        "organization_id": UNIT,
        "origin_organization_id": CENTRE,
        "person_id": ANN,
    }
    row = Question(**facts)
    clock.start(FakeHub(), row, MONDAY, Term(working_days=5))
    return row


def code(call, *args):
    try:
        call(*args)
    except (rules.NotYours, Conflict) as problem:
        return problem.code
    return None


@pytest.mark.parametrize(
    ("verb", "actor", "expected"),
    [
        ("answer", Actor(person_id=BEN, organization_id=UNIT), None),
        ("answer", Actor(person_id=BEN, organization_id=OTHER), "case.not-holder"),
        ("answer", Actor(person_id=ANN, organization_id=UNIT), "case.own-filing"),
        ("answer", Actor(system=True), None),
        ("decide", Actor(person_id=BEN, organization_id=CENTRE), None),
        ("decide", Actor(person_id=BEN, organization_id=UNIT), "case.not-origin"),
        ("decide", Actor(person_id=EVE, organization_id=CENTRE), "case.own-request"),
        ("rate", Actor(person_id=ANN), None),
        ("rate", Actor(person_id=BEN), "case.not-requester"),
        ("urge", Actor(person_id=BEN), None),
        # a colleague who acts in the post of who asked, or filed, decides nothing for them
        ("decide", for_another(EVE, organization_id=CENTRE), "case.own-request"),
        ("answer", for_another(ANN, organization_id=UNIT), "case.own-filing"),
        ("rate", for_another(ANN), "case.not-requester"),
        ("decide", on_behalf(EVE, organization_id=CENTRE), "case.own-request"),
        ("answer", on_behalf(EVE, organization_id=UNIT), None),
    ],
)
def test_who_may(row, verb, actor, expected):
    row.extension_asked_by = EVE
    assert code(rules.who_may, "sample", FLOW.by_verb(verb), actor, row) == expected


@pytest.mark.parametrize(
    ("verb", "actor", "expected"),
    [
        ("answer", Actor(person_id=EVE, organization_id=UNIT), "case.own-filing"),
        ("answer", for_another(EVE, organization_id=UNIT), "case.own-filing"),
        ("decide", Actor(person_id=EVE, organization_id=CENTRE), "case.own-filing"),
        ("answer", Actor(person_id=BEN, organization_id=UNIT), None),
        ("rate", Actor(person_id=ANN), None),  # the requester keeps what is theirs
    ],
)
def test_who_filed_for_the_requester_does_not_act_on_it_for_a_unit(row, verb, actor, expected):
    transition, beside = FLOW.by_verb(verb), rules.Beside(filers=frozenset({EVE}))
    assert code(rules.who_may, "sample", transition, actor, row, beside) == expected


def test_nobody_rates_on_the_requesters_behalf(row):
    row.person_id, agent = BEN, on_behalf(EVE)
    assert code(rules.who_may, "sample", FLOW.by_verb("rate"), agent, row) == "case.not-requester"
    assert code(rules.who_may, "sample", FLOW.by_verb("urge"), agent, row) is None


def test_nobody_stands_in_for_a_requester_without_an_account(row):
    row.person_id = None
    transition = FLOW.by_verb("rate")
    assert code(rules.who_may, "sample", transition, Actor(), row) == "case.not-requester"


def when(row, verb, moment, done=()):
    return code(rules.when_may, FakeHub(), FLOW.by_verb(verb), row, moment, Counter(done))


def test_an_act_comes_so_often_and_until_then(row):
    assert when(row, "return", MONDAY) is None
    assert when(row, "return", MONDAY, ["return"]) == "case.too-often"
    assert when(row, "return", MONDAY + timedelta(days=3)) == "case.window-over"


def test_a_window_may_be_counted_from_the_resolution(row):
    row.resolved_at = MONDAY + timedelta(days=10)
    assert when(row, "reopen", MONDAY + timedelta(days=25)) is None
    assert when(row, "reopen", MONDAY + timedelta(days=26)) == "case.window-over"


def test_an_extension_is_asked_before_the_deadline_and_once_at_a_time(row):
    assert when(row, "decide", MONDAY) == "case.nothing-asked"
    assert when(row, "extend", MONDAY) is None
    assert when(row, "extend", MONDAY + timedelta(days=8)) == "case.extension-late"
    row.extension_asked = 2
    assert when(row, "decide", MONDAY) is None
    assert when(row, "extend", MONDAY) == "case.extension-asked"
    row.extension_asked, row.due_term = None, None
    assert when(row, "extend", MONDAY) == "case.no-deadline"


def test_a_case_is_urged_once_a_day_and_rated_once(row):
    row.urged_at, row.urged_by_post = MONDAY, "城管局 签收员"
    assert when(row, "urge", MONDAY + timedelta(hours=1)) == "case.urged-today"
    assert when(row, "urge", MONDAY + timedelta(days=1)) is None
    assert when(row, "rate", MONDAY) is None
    row.rating = 4
    assert when(row, "rate", MONDAY) == "case.rated"


def test_blocked_says_whether_a_rule_stands_against_it(row):
    actor = Actor(person_id=BEN, organization_id=UNIT)
    answer = FLOW.by_verb("answer")
    assert not rules.blocked(FakeHub(), answer, actor, row, MONDAY, {})
    assert rules.blocked(FakeHub(), FLOW.by_verb("decide"), actor, row, MONDAY, {})
