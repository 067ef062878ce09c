"""A small procedure to try the kit on: ask, look into it, wait for papers, answer, close."""

from datetime import date, datetime
from types import SimpleNamespace
from typing import Any, ClassVar

import msgspec
from sqlmodel import SQLModel

from plugin_sdk.cases.flow import Clock, Does, Flow, Lapse, Since, State, Transition, Who, Within
from plugin_sdk.cases.forms import DecideForm, ExtendForm, RateForm, ReplyForm, ReturnForm
from plugin_sdk.cases.models import CaseEntry, CaseParty, CaseRow
from plugin_sdk.data import app_registry
from plugin_sdk.deadlines import CalendarUnknown, Term, due

STATES = (
    State(key="asked", waits_for="q.take", term=Term(working_days=1)),
    State(key="open", waits_for="q.answer"),
    State(key="papers", clock=Clock.PAUSED),
    State(
        key="answered",
        clock=Clock.STOPPED,
        lapse=Lapse("close", Term(calendar_days=7)),
    ),
    State(key="closed", final=True, clock=Clock.STOPPED),
)
TAKE = Transition(verb="take", sources=("asked",), target="open", permission="q.take")
TRANSITIONS = (
    TAKE,
    Transition(
        verb="return",
        sources=("open",),
        target="asked",
        permission="q.answer",
        form=ReturnForm,
        reason_required=True,
        at_most=1,
        within=Within(Term(working_days=2)),
        moves="origin",
        tone="returned",
    ),
    Transition(verb="wait", sources=("open",), target="papers", permission="q.answer"),
    Transition(verb="go_on", sources=("papers",), target="open", permission="q.answer"),
    Transition(
        verb="answer",
        sources=("open",),
        target="answered",
        permission="q.answer",
        form=ReplyForm,
        who=(Who.HOLDER,),
        resolves=True,
        public=True,
    ),
    Transition(
        verb="extend",
        sources=("open",),
        permission="q.answer",
        form=ExtendForm,
        does=Does.EXTEND,
        who=(Who.HOLDER,),
    ),
    Transition(
        verb="decide",
        sources=("open",),
        permission="q.decide",
        form=DecideForm,
        does=Does.DECIDE,
        who=(Who.ORIGIN,),
    ),
    Transition(verb="urge", sources=("asked", "open"), permission="q.urge", does=Does.URGE),
    Transition(verb="watch", sources=("asked", "open"), permission="q.watch", does=Does.SUPERVISE),
    Transition(
        verb="rate",
        sources=("answered",),
        target="closed",
        permission="q.rate",
        form=RateForm,
        does=Does.RATE,
        who=(Who.REQUESTER,),
    ),
    Transition(
        verb="close", sources=("answered",), target="closed", permission="q.close", public=True
    ),
    Transition(
        verb="reopen",
        sources=("answered", "closed"),
        target="asked",
        permission="q.reopen",
        reopens=True,
        within=Within(Term(calendar_days=15), Since.RESOLUTION),
    ),
)
FLOW = Flow(
    name="question",
    series="question",
    path="/questions",
    start="asked",
    read="q.read",
    file="q.file",
    figures="q.figures",
    states=STATES,
    transitions=TRANSITIONS,
    remind=1,
    late="watch",
)


class Base(SQLModel, registry=app_registry("sample")):
    """The tables of the sample app."""


class QuestionParty(CaseParty, Base, table=True):
    """Who holds or held a question."""

    __tablename__ = "sample_question_party"


class QuestionEntry(CaseEntry, Base, table=True):
    """A step of a question."""

    __tablename__ = "sample_question_entry"
    parties: ClassVar[type[CaseParty]] = QuestionParty


class Question(CaseRow, Base, table=True):
    """A question."""

    __tablename__ = "sample_question"
    parties: ClassVar[type[CaseParty]] = QuestionParty
    entries: ClassVar[type[CaseEntry]] = QuestionEntry


class Weekdays:
    """A calendar that knows one year and no holidays in it."""

    def __init__(self, year: int = 2026) -> None:
        self.year = year

    def is_working_day(self, day: date) -> bool:
        if day.year != self.year:
            raise CalendarUnknown(day.year)
        return day.weekday() < 5


class _Hub:
    """As much of a hub as arithmetic needs."""

    app = "sample"

    def __init__(self, year: int = 2026) -> None:
        self.calendar = Weekdays(year)
        self.pages = SimpleNamespace()

    def due(self, start: datetime, term: Term) -> datetime | None:
        try:
            return due(start, term, self.calendar)
        except CalendarUnknown:
            return None


FakeHub: Any = _Hub
"""Arithmetic asks for no more than this of a hub."""


def with_(flow: Flow, **changes: Any) -> Flow:
    """Return a flow that differs (and is checked)."""
    return Flow(**{**{f: getattr(flow, f) for f in flow.__struct_fields__}, **changes})


def but(transition: Transition, **changes: Any) -> Transition:
    """Return a transition that differs."""
    return msgspec.structs.replace(transition, **changes)
