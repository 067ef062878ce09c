"""A flow: the states of a procedure and the acts that lead on, as data that is checked when
it is declared.

Words follow from names, so a flow holds none: `<app>.<flow>.state.<key>`, `.act.<verb>`
(button), `.said.<verb>` (what is said once it is done, and on the timeline),
`.outcome.<verb>` (what will happen), `.notice.<verb>`, `.field.<name>`, `.hint.<name>`.
`words_of` lists them for the test that no catalogue lacks one.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from enum import StrEnum
from typing import Any, Literal

import msgspec

from plugin_sdk.cases.forms import (
    ActForm,
    AssignForm,
    DecideForm,
    ExtendForm,
    PartForm,
    RateForm,
    SendBackForm,
)
from plugin_sdk.deadlines import Term
from plugin_sdk.ports import Work


class FlowError(ValueError):
    """A flow that cannot be: the message names the state or verb and what is wrong."""


class Clock(StrEnum):
    """What a state does to the deadline of a case.

    Passing a case from unit to unit (return, transfer) is no reason to pause: a state is
    `PAUSED` only where the flow waits for the requester or for a third party.
    """

    RUNS = "runs"
    PAUSED = "paused"
    STOPPED = "stopped"


class Who(StrEnum):
    """Who may act, beside holding the permission. Staff never act on their own filing."""

    REQUESTER = "requester"  # the person who filed it
    NOT_REQUESTER = "not_requester"  # anyone but that person
    HOLDER = "holder"  # a post of the organization that holds the case now
    ORIGIN = "origin"  # a post of the organization that received it
    ASSISTANT = "assistant"  # a post of an organization whose part of it is open
    SYSTEM = "system"  # the hub itself, when a timer fires


class Does(StrEnum):
    """What an act does beyond its states."""

    PLAIN = "plain"
    RATE = "rate"  # keeps the rating; once, by the requester alone
    EXTEND = "extend"  # asks for more time, before the deadline
    DECIDE = "decide"  # decides what was asked, by another person
    URGE = "urge"  # 催办: once a working day, with ten seconds to undo
    SUPERVISE = "supervise"  # 督办
    ASSIGN = "assign"  # gives an assisting unit its part (`parts`)
    PART = "part"  # replies to the part of the actor's unit
    SEND_BACK = "send_back"  # sends such a reply back
    COLLECT = "collect"  # gives the one reply, when no part is open


class Since(StrEnum):
    """From where a window is counted."""

    STAGE = "stage"
    HANDOVER = "handover"  # when the present holder was given the case
    RESOLUTION = "resolution"
    OPENING = "opening"


class Within(msgspec.Struct, frozen=True):
    """A window in which an act is possible."""

    term: Term
    since: Since = Since.STAGE


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """Whom an act tells. `permission` picks who in the unit; without it whoever may read.

    `words` is a catalogue key below the flow's prefix, `notice.<verb>` unless named.
    """

    to: Literal["requester", "holder", "origin"]
    permission: str | None = None
    words: str | None = None


class Lapse(msgspec.Struct, frozen=True):
    """What the hub does by itself when a case has stood in a state for a term."""

    verb: str
    term: Term


class State(msgspec.Struct, frozen=True, kw_only=True):
    """A state. `waits_for` is the permission of whoever must act now: a work item is open
    for them in the holding organization, or, where the case only waits to be looked at, `at`
    the origin. `term` is the stage's own, within the case's."""

    key: str
    final: bool = False
    clock: Clock = Clock.RUNS
    waits_for: str | None = None
    at: Literal["holder", "origin"] = "holder"
    term: Term | None = None
    lapse: Lapse | None = None


Guard = Callable[[Work, Any, Any], Awaitable[None]]
"""Refuses an act by raising a `Problem`; given the unit of work, the case and the form."""

Apply = Callable[[Work, Any, Any], Awaitable[None]]
"""Writes what the act means for the app's own columns, in the same transaction."""


class Transition(msgspec.Struct, frozen=True, kw_only=True):
    """An act. `target` None means that the case stays in its state.

    `moves` names who holds it afterwards: `origin`, or a field of the form with a unit.
    `at_most` counts over the whole life of a case. `reopens` starts the case's own term anew.
    `apply` and `guard` get no form (None) when the hub acts by itself. The order of a flow's
    transitions is the order in which acts are offered. `another_than` names acts (the opening
    too) that must have been done by others (职责分离): nobody who had a hand in one of them does
    this, neither as themselves nor for another nor through their delegate. What is not `offered`
    has neither route nor button: the app does it in the actor's name within an act of its own.
    """

    verb: str
    sources: tuple[str, ...]
    permission: str
    target: str | None = None
    who: tuple[Who, ...] = ()
    another_than: tuple[str, ...] = ()
    form: type[ActForm] = ActForm
    does: Does = Does.PLAIN
    guard: Guard | None = None
    apply: Apply | None = None
    at_most: int | None = None
    within: Within | None = None
    moves: str | None = None
    reason_required: bool = False
    resolves: bool = False
    reopens: bool = False
    effect: str | None = None
    event: str | None = None
    public: bool = False
    offered: bool = True
    notifies: tuple[Notice, ...] = ()
    tone: Literal["step", "done", "returned", "paused"] = "step"

    @property
    def needs_form(self) -> bool:
        """Return whether the act asks for more than the version of the case."""
        return set(self.form.model_fields) != {"version"}


class Flow(msgspec.Struct, frozen=True, kw_only=True):
    """A procedure. Permissions are the app's own keys.

    `path` is where its pages stand (`/orders`), `series` numbers its cases, `start` is the
    state of a new case, `starts` are others that it may open in; `read`, `file` and `figures`
    are the permissions to see cases, to open one and to see figures; `event` is emitted when
    one opens. `late` is the verb the hub does by itself when a deadline passes; `remind` says
    how many working days before it those who hold the case are told; `contact` is the app's
    column with the telephone number of a requester who has no account and is told by short
    message. Raises `FlowError` when it is declared wrongly.
    """

    name: str
    series: str
    path: str
    start: str
    read: str
    states: tuple[State, ...]
    transitions: tuple[Transition, ...]
    starts: tuple[str, ...] = ()
    opening: str = "file"
    file: str | None = None
    figures: str | None = None
    event: str | None = None
    remind: int | None = None
    late: str | None = None
    contact: str | None = None

    def __post_init__(self) -> None:
        check(self)

    @property
    def followed(self) -> bool:
        """Return whether number and code show its progress without sign-in: where no step is
        public there is none to show."""
        return any(transition.public for transition in self.transitions)

    @property
    def rating(self) -> frozenset[str]:
        """Return the acts by which an outcome is rated, whoever writes the rating down."""
        return frozenset(t.verb for t in self.transitions if issubclass(t.form, RateForm))

    def state(self, key: str) -> State:
        """Return a state by its key."""
        return next(state for state in self.states if state.key == key)

    def find(self, source: str, verb: str) -> Transition | None:
        """Return the act of a verb from a state, None where there is none."""
        return next(self._from(source, verb), None)

    def _from(self, source: str, verb: str) -> Iterator[Transition]:
        return (t for t in self.transitions if t.verb == verb and source in t.sources)

    def possible(self, source: str) -> list[Transition]:
        """Return the acts of a state, first the one that leads on."""
        return [t for t in self.transitions if source in t.sources]

    def apart_from(self, transition: Transition) -> frozenset[str]:
        """Return the acts that others must have done: those it names, and for a decision the
        request it decides."""
        asking = transition.does is Does.DECIDE
        asked = (t.verb for t in self.transitions if asking and t.does is Does.EXTEND)
        return frozenset((*transition.another_than, *asked))

    def verbs(self) -> list[str]:
        """Return every verb once, in the order of declaration."""
        return list(dict.fromkeys(t.verb for t in self.transitions))

    def by_verb(self, verb: str) -> Transition:
        """Return the first act of a verb: permission, form and effect agree in all."""
        return next(t for t in self.transitions if t.verb == verb)


def check(flow: Flow) -> None:
    """Raise `FlowError` for what cannot be meant: an unknown state, one never reached, one
    without a way to an end, a verb twice from one state, a rule without its form."""
    keys = [state.key for state in flow.states]
    if len(set(keys)) != len(keys):
        raise FlowError(f"{flow.name}: a state is declared twice")
    known = set(keys)
    for start in (flow.start, *flow.starts):
        if start not in known:
            raise FlowError(f"{flow.name}: the first state {start!r} is unknown")
    if not any(state.final for state in flow.states):
        raise FlowError(f"{flow.name}: no state is final")
    for transition in flow.transitions:
        _check_transition(flow, transition, known)
    _check_verbs(flow)
    _check_ways(flow, known)
    for state in flow.states:
        if state.lapse is not None and flow.find(state.key, state.lapse.verb) is None:
            raise FlowError(f"{flow.name}: {state.key} cannot lapse by {state.lapse.verb!r}")
    if flow.late is not None:
        running = [s.key for s in flow.states if s.clock is Clock.RUNS and not s.final]
        lacking = [key for key in running if flow.find(key, flow.late) is None]
        if lacking:
            raise FlowError(f"{flow.name}: late verb {flow.late!r} is not possible in {lacking}")


_FORMS = {
    Does.RATE: RateForm,
    Does.EXTEND: ExtendForm,
    Does.DECIDE: DecideForm,
    Does.ASSIGN: AssignForm,
    Does.PART: PartForm,
    Does.SEND_BACK: SendBackForm,
}
PARTS = frozenset({Does.ASSIGN, Does.PART, Does.SEND_BACK, Does.COLLECT})


def _check_transition(flow: Flow, transition: Transition, known: set[str]) -> None:
    where = f"{flow.name}.{transition.verb}"
    states = {*transition.sources, *([transition.target] if transition.target else [])}
    if unknown := states - known:
        raise FlowError(f"{where}: unknown states {sorted(unknown)}")
    if not transition.sources:
        raise FlowError(f"{where}: no state to act from")
    if not transition.permission:
        raise FlowError(f"{where}: an act names its permission")
    if transition.moves not in (None, "origin") and (
        transition.moves not in transition.form.model_fields
    ):
        raise FlowError(f"{where}: the form has no field {transition.moves!r} to move to")
    needed = _FORMS.get(transition.does, ActForm)
    if needed not in transition.form.__mro__:
        raise FlowError(f"{where}: its form must be a {needed.__name__}")
    reason = transition.form.model_fields.get("reason")
    if transition.reason_required and (reason is None or not reason.is_required()):
        raise FlowError(f"{where}: a reason is required, so its form must ask for one")
    if transition.does is Does.RATE and transition.who != (Who.REQUESTER,):
        raise FlowError(f"{where}: only the requester rates")
    if transition.at_most is not None and transition.at_most < 1:
        raise FlowError(f"{where}: at most {transition.at_most} times is never")
    if transition.reopens and transition.target is None:
        raise FlowError(f"{where}: reopening leads to a state")
    acts = {flow.opening, *(t.verb for t in flow.transitions)}
    if unknown := set(transition.another_than) - acts:
        raise FlowError(f"{where}: unknown acts {sorted(unknown)} that others must have done")


def _check_verbs(flow: Flow) -> None:
    sources: dict[str, list[str]] = defaultdict(list)
    for transition in flow.transitions:
        sources[transition.verb] += transition.sources
        first = flow.by_verb(transition.verb)
        same = ("permission", "form", "does", "public", "offered")
        if any(getattr(first, name) != getattr(transition, name) for name in same):
            raise FlowError(f"{flow.name}.{transition.verb}: one verb, two meanings")
    for verb, found in sources.items():
        if len(set(found)) != len(found):
            raise FlowError(f"{flow.name}.{verb}: declared twice from one state")
    if flow.opening in sources:
        raise FlowError(f"{flow.name}.{flow.opening}: opens a case, so it is no act on one")


def _check_ways(flow: Flow, known: set[str]) -> None:
    ahead: dict[str, set[str]] = {key: set() for key in known}
    for transition in flow.transitions:
        for source in transition.sources:
            ahead[source].add(transition.target or source)
    unreached = known - _closure(ahead, {flow.start, *flow.starts})
    if unreached:
        raise FlowError(f"{flow.name}: no way to {sorted(unreached)}")
    back: dict[str, set[str]] = {key: set() for key in known}
    for source, targets in ahead.items():
        for target in targets:
            back[target].add(source)
    stuck = known - _closure(back, {state.key for state in flow.states if state.final})
    if stuck:
        raise FlowError(f"{flow.name}: no way out of {sorted(stuck)}")


def _closure(edges: dict[str, set[str]], found: set[str]) -> set[str]:
    found = set(found)
    waiting = list(found)
    while waiting:
        for following in edges[waiting.pop()] - found:
            found.add(following)
            waiting.append(following)
    return found


def words_of(flow: Flow, app: str) -> set[str]:
    """Return the catalogue keys that a flow's pages and notices use."""
    prefix = f"{app}.{flow.name}"
    words = {f"{prefix}.{name}" for name in ("list", "own", "new", "notice.redated")}
    words |= {f"{prefix}.{kind}.{flow.opening}" for kind in ("act", "said")}
    if flow.file is not None:
        words.add(f"{prefix}.next")
    words |= {f"{prefix}.state.{state.key}" for state in flow.states}
    if flow.remind is not None:
        words.add(f"{prefix}.notice.remind")
    if any(t.does is Does.DECIDE for t in flow.transitions):
        words.add(f"{prefix}.notice.extended")
    if any(state.term for state in flow.states):
        words |= {f"{prefix}.notice.stage_late", f"{prefix}.said.stage_late"}
    if any(t.does in PARTS for t in flow.transitions):
        words |= {f"{prefix}.notice.part_late", f"{prefix}.notice.part_remind"}
    for transition in flow.transitions:
        words |= {f"{prefix}.{kind}.{transition.verb}" for kind in ("act", "said", "outcome")}
        if transition.does in (Does.ASSIGN, Does.SEND_BACK):
            words.add(f"{prefix}.notice.{transition.verb}")
        words |= {
            f"{prefix}.{notice.words or f'notice.{transition.verb}'}"
            for notice in transition.notifies
        }
        words |= {
            f"{prefix}.field.{transition.form.words.get(name, name)}"
            for name in transition.form.model_fields
            if name != "version"
        }
    return words
