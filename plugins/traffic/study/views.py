"""What the pages of study show."""

from datetime import datetime
from typing import ClassVar

import msgspec

from plugin_sdk.sources import FreshView
from plugin_sdk.views import FormView, Phrase, View, Words


class LessonItem(msgspec.Struct, frozen=True, kw_only=True):
    """A lesson in the list of one's study."""

    title: Words
    done: bool
    href: str


class RunItem(msgspec.Struct, frozen=True, kw_only=True):
    """A study that came to its end, or waits for the police's system."""

    begun_at: datetime
    state: str
    state_label: Phrase
    tone: str
    why: Phrase | None


class StudyView(View, kw_only=True):
    """How somebody stands: what is against a study, the one that is open, those before."""

    template: ClassVar[str] = "traffic_study.html"
    points: int | None
    taken_off: int
    most: int
    against: list[Words]
    begin_href: str | None
    lessons: list[LessonItem]
    quiz_href: str | None
    quiz_from: datetime | None
    until: datetime | None
    runs: list[RunItem]
    fresh: FreshView | None
    about: Phrase


class LessonView(FormView, kw_only=True):
    """A lesson, and the question that finishes it."""

    template: ClassVar[str] = "traffic_lesson.html"
    text: list[Phrase]
    back: str
    said: Words | None = None
