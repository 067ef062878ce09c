"""What a page shows, as data: one struct serves the page (through `Pages`) and the JSON API.

A view never holds HTML or a translated sentence. Words are a `Phrase` (a catalogue key and
its parameters); data (a unit's name, a category) is a plain string.
"""

from datetime import date, datetime
from typing import Any, ClassVar, Literal

import msgspec

from plugin_sdk.words import Money as Money  # noqa: PLC0414  views.py offers the words they hold
from plugin_sdk.words import Phrase as Phrase  # noqa: PLC0414  the same
from plugin_sdk.words import Secret as Secret  # noqa: PLC0414  the same
from plugin_sdk.words import Words as Words  # noqa: PLC0414  the same
from plugin_sdk.words import revealed as revealed  # noqa: PLC0414  the same


class View(msgspec.Struct, kw_only=True):
    """The base of all views; `template` names the page that shows it."""

    template: ClassVar[str] = ""


class Option(msgspec.Struct, frozen=True):
    """One choice of a field; options with the same `group` stand together."""

    value: str
    label: Words
    group: str | None = None


FieldKind = Literal[
    "text",
    "textarea",
    "select",
    "radio",
    "checkbox",
    "date",
    "number",
    "money",
    "phone",
    "password",
    "photo",
    "hidden",
]


class Rule(msgspec.Struct, frozen=True):
    """What a new password must be, in words; the device says by `kind` and `n` how far it is."""

    kind: Literal["length", "kinds", "other"]
    text: Words
    n: int = 0


class HeldView(msgspec.Struct, frozen=True, kw_only=True):
    """That a field says what the hub holds already: whence, since when, and where to put it
    right. `shown` is the mask of what the page does not hold: left empty, that is what is sent."""

    source: Words
    href: str | None = None
    since: datetime | None = None
    shown: str | None = None


class FieldView(msgspec.Struct, kw_only=True):
    """One field of a form with what was typed and what is wrong with it. An `original` photo
    leaves the device as the camera wrote it; of one that is `alone` there are no more."""

    name: str
    kind: FieldKind
    label: Words
    hint: Words | None = None
    required: bool = False
    value: Any = None
    options: list[Option] = []
    max_length: int | None = None
    autocomplete: str | None = None
    rules: list[Rule] = []
    held: HeldView | None = None
    original: bool = False
    alone: bool = False
    error: Phrase | None = None


class ActionView(msgspec.Struct, kw_only=True):
    """Something that may be done next. The first of a page is its primary action.

    `missing` names the permission that the actor lacks: the act is then shown with its
    reason, not hidden, when it belongs to the present step.
    """

    verb: str
    label: Words
    href: str
    primary: bool = False
    needs_form: bool = True
    permission: str = ""
    missing: str | None = None


class DeadlineView(msgspec.Struct, kw_only=True):
    """A deadline as people read it; `n` counts working days, or hours for `hours_left`."""

    kind: Literal[
        "none",
        "unknown",
        "paused",
        "days_left",
        "today",
        "hours_left",
        "overdue_under_day",
        "overdue_days",
        "done_on_time",
        "done_late",
    ]
    n: int | None = None
    due_at: datetime | None = None
    skipped: list[date] = []


class EntryView(msgspec.Struct, kw_only=True):
    """One step of a timeline. A time that the source did not have is a date alone."""

    verb: str
    label: Words
    at: datetime | None
    on: date | None = None
    role: str = ""
    unit: str = ""
    to: str = ""
    """The unit that the step names: to whom a case or a part of it went."""
    reason: str | None = None
    text: str | None = None
    version: int = 0
    tone: Literal["step", "done", "returned", "paused"] = "step"
    public: bool = True
    acting: Phrase | None = None
    """Said when the step was done for a resident, or in a delegated post."""


class FactView(msgspec.Struct, frozen=True):
    """One row of a summary list."""

    label: Words
    value: Words | date | Money | int | None


class AttachmentView(msgspec.Struct, kw_only=True):
    """A stored file: always re-encoded, opened through the hub."""

    href: str
    name: str
    width: int | None = None
    height: int | None = None


class AnswerView(msgspec.Struct, frozen=True):
    """One answer of a form, shown before it is sent; `anchor` is where it can be changed."""

    name: str
    anchor: str
    label: Words
    value: Words | None


class FormView(View, kw_only=True):
    """A page with one form. `hidden` holds what must come back (version); `key` is the key of
    a filing under way, '' for a new one; `draft` the address that keeps what was typed so far.
    With `offline` it can be filled in without the net: `<action>/shell` is the page to keep."""

    template: ClassVar[str] = "form.html"
    title: Words
    action: str
    verb: Words
    fields: list[FieldView]
    intro: Words | None = None
    hidden: dict[str, str] = {}
    key: str = ""
    multipart: bool = False
    draft: str | None = None
    offline: bool = False
    conflict: Phrase | None = None
    cancel: str | None = None
    about: list[FactView] = []


class CheckView(FormView, kw_only=True):
    """The answers of a form once more before they are sent. They travel in `hidden`; `fields`
    are those that cannot (photos), and `change` is the address of the form itself."""

    template: ClassVar[str] = "case_check.html"
    answers: list[AnswerView]
    change: str


class CaseItem(msgspec.Struct, kw_only=True):
    """A case in a list."""

    id: str
    number: str
    title: Words
    state: str
    state_label: Words
    deadline: DeadlineView
    unit: str
    opened_at: datetime
    href: str
    kind: Words | None = None


class FilterView(msgspec.Struct, kw_only=True):
    """One filter of a list; `value` is what is chosen now ('' for none). Without options it asks
    for a day."""

    name: str
    label: Words
    options: list[Option]
    value: str = ""


class PartView(msgspec.Struct, kw_only=True):
    """What an assisting unit is asked to do for a case, and its reply; `sent_back` says that
    the reply which stands here has to be given anew."""

    unit: str
    asked: str
    deadline: DeadlineView
    reply: str | None = None
    replied_at: datetime | None = None
    sent_back: bool = False


class CaseListView(View, kw_only=True):
    """A page of a list: newest first, with a cursor for what is older."""

    template: ClassVar[str] = "case_list.html"
    title: Words
    items: list[CaseItem]
    filters: list[FilterView] = []
    query: str = ""
    next_href: str | None = None
    create: ActionView | None = None
    links: list[ActionView] = []
    """Other pages that belong to the list: its figures, a register that it draws on."""
    export_href: str | None = None
    ever_any: bool = True


class CaseDetailView(View, kw_only=True):
    """One case: state, deadline, the next act first, what was asked, what happened."""

    template: ClassVar[str] = "case_detail.html"
    id: str
    number: str
    title: str
    state: str
    state_label: Words
    version: int
    deadline: DeadlineView
    summary: list[FactView]
    timeline: list[EntryView]
    actions: list[ActionView] = []
    attachments: list[AttachmentView] = []
    parts: list[PartView] = []
    unit: str = ""
    holder: Phrase | None = None
    """Who has to act now, or who dealt with it."""
    list_href: str = ""
    notice: Phrase | None = None


class ActView(FormView, kw_only=True):
    """A form for one act on a case: what will happen, to whom, until when."""

    template: ClassVar[str] = "case_act.html"
    number: str
    case_title: Words
    state_label: Words
    outcome: Phrase | None = None


class ActedView(View, kw_only=True):
    """What an act led to, for programs; people are sent back to the case."""

    template: ClassVar[str] = "case_acted.html"
    number: str
    state: str
    state_label: Words
    version: int
    due_at: datetime | None = None
    due_unknown: bool = False
    href: str = ""


class SubmittedView(View, kw_only=True):
    """Certainty after sending: number, code, the date by which an answer comes, and what is
    done now. Without `track_href` nobody follows it without sign-in: its code opens nothing."""

    template: ClassVar[str] = "submitted.html"
    number: str
    code: str
    due_at: datetime | None
    due_unknown: bool
    case_href: str
    next: Words
    track_href: str | None = None
    calendar_href: str | None = None
    notices: list[Phrase] = []


class TrackView(View, kw_only=True):
    """Public progress by number and code, without sign-in: nothing of a person in it."""

    template: ClassVar[str] = "track.html"
    number: str
    code: str
    found: bool
    asked: bool = True
    title: str = ""
    state_label: Words = ""
    deadline: DeadlineView | None = None
    timeline: list[EntryView] = []
    rate_href: str | None = None
    shut: list[Words] = []
    """Apps that are shut, and why: a case that was not found may be theirs."""


class FigureCard(msgspec.Struct, kw_only=True):
    """One figure with what it is: definition, n, window and gaps.

    `value` None means unknown; `suppressed` that too few people stand behind it;
    `not_applicable` that there is no such thing.
    """

    label: Words
    value: float | int | None
    unit: Literal[
        "count",
        "percent",
        "working_days",
        "calendar_days",
        "hours",
        "people",
        "milliseconds",
        "fen",
    ] = "count"
    n: int | None = None
    suppressed: bool = False
    not_applicable: bool = False
    what: Words = ""
    numerator: Words | None = None
    denominator: Words | None = None
    window: Words | None = None
    missing: Words | None = None


class ChartView(msgspec.Struct, kw_only=True):
    """A chart that is drawn from its own table. `sentence` says what it shows.

    The first column names the category; the others hold numbers (None is unknown). Of a
    `scatter` they are the two values, and a third above zero where the point is labelled.
    """

    kind: Literal["line", "bars", "stacked", "histogram", "scatter"]
    title: Words
    sentence: Words
    columns: list[Words]
    rows: list[list[Any]]
    unit: str = "count"


class FigureTable(msgspec.Struct, kw_only=True):
    """Figures side by side, a line for each unit, place or kind. The first column names it; None
    is unknown, or not shown where too few people stand behind it."""

    title: Words
    note: Words
    columns: list[Words]
    rows: list[list[Any]]


class FiguresView(View, kw_only=True):
    """Figures of an app for a period, in cards, charts and tables."""

    template: ClassVar[str] = "case_figures.html"
    title: Words
    since: date
    until: date
    cards: list[FigureCard]
    charts: list[ChartView] = []
    tables: list[FigureTable] = []
    links: list[ActionView] = []
    """Other pages of the same figures; `primary` is the one that is shown."""
    files: list[ActionView] = []
    """The same figures as files."""
    note: Words | None = None
    export_href: str | None = None
    filters: list[FilterView] = []
