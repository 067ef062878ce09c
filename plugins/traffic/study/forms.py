"""The forms of study."""

from pydantic import Field

from plugin_sdk.forms import Form

MOST: int = 5


class LessonForm(Form):
    """The answer to the question of a lesson, counted from 0."""

    answer: int = Field(ge=0, le=MOST)


class QuizForm(Form):
    """The answers to the questions of a quiz, in their order."""

    a1: int = Field(ge=0, le=MOST)
    a2: int = Field(ge=0, le=MOST)
    a3: int = Field(ge=0, le=MOST)
    a4: int = Field(ge=0, le=MOST)
    a5: int = Field(ge=0, le=MOST)
    a6: int = Field(ge=0, le=MOST)
    a7: int = Field(ge=0, le=MOST)
    a8: int = Field(ge=0, le=MOST)
    a9: int = Field(ge=0, le=MOST)
    a10: int = Field(ge=0, le=MOST)

    @property
    def answers(self) -> list[int]:
        """Return the answers in order."""
        return [getattr(self, name) for name in type(self).model_fields]
