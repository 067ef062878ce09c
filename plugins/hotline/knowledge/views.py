"""What is shown of the knowledge base."""

from datetime import date, datetime
from typing import ClassVar

import msgspec

from plugin_sdk.views import ActionView, FactView, FilterView, Phrase, View, Words


class KnowledgeItem(msgspec.Struct, kw_only=True):
    """An answer in a list: `tone` is how its state looks."""

    id: str
    question: str
    n: int
    state: str
    state_label: Phrase
    tone: str
    unit: str
    category: str | None
    region: str
    starts_on: date
    last_day: date
    public: bool
    used: int
    href: str
    excerpt: str = ""
    begin_href: str | None = None
    """Where it fills the answer of the order that it was looked for."""


class KnowledgeListView(View, kw_only=True):
    """A page of the knowledge base; with words the nearest first, else what changed last."""

    template: ClassVar[str] = "hotline_knowledge.html"
    title: Words
    items: list[KnowledgeItem]
    filters: list[FilterView] = msgspec.field(default_factory=list)
    query: str = ""
    next_href: str | None = None
    create: ActionView | None = None
    import_href: str | None = None
    links: list[ActionView] = msgspec.field(default_factory=list)
    """What else one looks up: categories, who is responsible, merged lines."""
    order: str = ""
    """The number of the order that is to be answered."""
    back_href: str | None = None
    cut_at: int | None = None
    """How many were shown of more that were found."""


class StoodView(msgspec.Struct, kw_only=True):
    """A version of an answer: who wrote and who published it, and how often it was used."""

    n: int
    state: str
    state_label: Phrase
    tone: str
    at: datetime
    role: str
    unit: str
    published_at: datetime | None
    published_role: str
    withdrawn_at: datetime | None
    withdrawn_role: str
    withdrawn_reason: str | None
    reason: str | None
    used: int
    used_lately: int
    text: str
    facts: list[FactView]


class DayView(msgspec.Struct, frozen=True):
    """How often an answer was used on a day."""

    day: date
    n: int


class KnowledgeView(View, kw_only=True):
    """One answer: what it says now, how it stood before, how often it was used. `version` is what
    an act on it says it has seen, None to whom it is not theirs."""

    template: ClassVar[str] = "hotline_knowledge_answer.html"
    id: str
    question: str
    n: int
    state: str
    state_label: Phrase
    tone: str
    said: Phrase | None
    unit: str
    text: str
    facts: list[FactView]
    versions: list[StoodView]
    days: list[DayView]
    version: int | None
    actions: list[ActionView] = msgspec.field(default_factory=list)
    list_href: str = ""


class PublicAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer for everybody."""

    question: str
    text: str
    basis: str
    unit: str
    region: str
    since: date
    last_day: date


class PublicKnowledgeView(View, kw_only=True):
    """What everybody may read of the knowledge base."""

    template: ClassVar[str] = "hotline_knowledge_public.html"
    items: list[PublicAnswer]
    query: str = ""
    next_href: str | None = None
    file_href: str
    cut_at: int | None = None
