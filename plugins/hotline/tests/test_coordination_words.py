from types import SimpleNamespace

from plugin_sdk.cases.flow import words_of
from plugin_sdk.forms import field_views
from plugin_sdk.views import Phrase
from plugins.hotline.coordination.desk import CoordinationDesk
from plugins.hotline.coordination.engine import GROUNDS
from plugins.hotline.coordination.flow import coordination_flow
from plugins.hotline.coordination.forms import Ruling
from plugins.hotline.coordination.seats import (
    ABSENT,
    ASSIGNED,
    CONFIRMED,
    DECLINED,
    INVITED,
    LEFT,
    LEGAL,
    REQUESTER,
    UNIT,
)
from plugins.hotline.tests.test_words import catalogue

STANDING = (INVITED, CONFIRMED, DECLINED, LEFT, ABSENT, ASSIGNED)


def test_every_word_of_coordinations_is_there():
    found, words = catalogue(), set[str]()
    flow = coordination_flow(SimpleNamespace(settings={}))
    words |= words_of(flow, "hotline")
    for transition in flow.transitions:
        for view in field_views(
            transition.form, "hotline.coordination", hints=CoordinationDesk.hints
        ):
            if view.name != "version":
                said = [view.label, view.hint, *(option.label for option in view.options)]
                words |= {word.key for word in said if isinstance(word, Phrase)}
    many = {
        "now": [state.key for state in flow.states],
        "standing": STANDING,
        "ground": GROUNDS,
        "seat": (UNIT, LEGAL, REQUESTER, "outside"),
        "ruled": list(Ruling),
        "ruling": list(Ruling),
        "warning": ("unheard", "unheard_without_opinion", "needs_chair"),
        "verify": ("title", "asked", "good", "unknown"),
        "notice": (
            *("convene", "requester", "requester-off", "decided", "called-off", "judged"),
            *("answered", "another-chair"),
        ),
        "wrong": (
            *("seated", "chairs", "takes-part", "the-same", "not-there", "not-invited"),
            *("no-part", "unheard", "nothing-objected", "own-unit"),
            *("chairs-already", "two-experts"),
        ),
    }
    words |= {f"hotline.coordination.{group}.{name}" for group, of in many.items() for name in of}
    assert sorted(word for word in words if word not in found) == []
