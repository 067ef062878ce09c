"""The lessons and their questions: of our own making, in both languages (`data/study.json`)."""

from functools import cache
from pathlib import Path
from typing import Final

import msgspec

from plugin_sdk.text import Text
from plugin_sdk.views import Phrase

FILE: Final = Path(__file__).parent.parent / "data" / "study.json"


class Question(msgspec.Struct, frozen=True):
    """A question, its answers, which of them is right (from 0), and why."""

    key: str
    ask: Text
    answers: tuple[Text, ...]
    right: int
    why: Text


class Lesson(msgspec.Struct, frozen=True):
    """A lesson: its text, how many minutes reading it takes, and its questions, of which the first
    finishes it."""

    key: str
    minutes: int
    title: Text
    text: tuple[Text, ...]
    questions: tuple[Question, ...]


class Course(msgspec.Struct, frozen=True):
    """All lessons, in order."""

    lessons: tuple[Lesson, ...]

    def lesson(self, key: str) -> Lesson | None:
        """Return a lesson by its key."""
        return next((one for one in self.lessons if one.key == key), None)

    @property
    def questions(self) -> dict[str, Question]:
        """Return every question by its key."""
        return {one.key: one for lesson in self.lessons for one in lesson.questions}


@cache
def course() -> Course:
    """Return the course as the file tells it."""
    return msgspec.json.decode(FILE.read_bytes(), type=Course)


def words(text: Text) -> Phrase:
    """Return a text of a lesson as words, which each reader gets in their language."""
    return Phrase("traffic.study.text", {"text": text})
