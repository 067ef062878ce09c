"""Forms of checking."""

from datetime import date
from enum import StrEnum
from typing import ClassVar, Final, Self

from pydantic import Field, model_validator

from plugin_sdk.cases.forms import REASON, ActForm, Rating
from plugin_sdk.forms import Form
from plugin_sdk.problems import FieldError, Invalid, field_error
from plugin_sdk.registers import RecordForm
from plugin_sdk.views import FieldKind, Phrase

QUESTIONS: Final = 8
"""How many questions a script has at most."""
FIRST_YEAR, LAST_YEAR = 2000, 3000


class ExplainForm(ActForm):
    """A unit's written explanation (书面说明)."""

    words: ClassVar[dict[str, str]] = {"text": "explanation"}

    text: str = Field(min_length=1, max_length=8000)


class QuestionForm(RecordForm):
    """A question of the script."""

    code: str = Field(min_length=1, max_length=40)


class Called(StrEnum):
    """What a call came to."""

    REACHED = "reached"
    NOT_REACHED = "not_reached"
    REFUSED = "refused"


class Result(StrEnum):
    """What asking again after a dissatisfied rating came to."""

    CONFIRMED = "confirmed"  # 情况属实，仍不满意
    REOPENED = "reopened"  # 重新办理
    EXPLAINED = "explained"  # 已解释，来电人认可


def _wrong(field: str, code: str) -> Invalid:
    return Invalid(FieldError(field, Phrase(f"hotline.checking.wrong.{code}")))


class CallForm(Form):
    """One call: what it came to, what was answered, what the requester says of the answer.

    `script` names the questions as the page showed them; `a1` to `a8` answer them in order.
    """

    kinds: ClassVar[dict[str, FieldKind]] = {
        "version": "hidden",
        "script": "hidden",
        "note": "textarea",
        "comment": "textarea",
    }

    version: int = Field(ge=1)
    script: str = Field(default="", max_length=1000)
    outcome: Called
    a1: str | None = Field(default=None, max_length=300)
    a2: str | None = Field(default=None, max_length=300)
    a3: str | None = Field(default=None, max_length=300)
    a4: str | None = Field(default=None, max_length=300)
    a5: str | None = Field(default=None, max_length=300)
    a6: str | None = Field(default=None, max_length=300)
    a7: str | None = Field(default=None, max_length=300)
    a8: str | None = Field(default=None, max_length=300)
    rating: Rating | None = None
    comment: str | None = Field(default=None, max_length=REASON)
    result: Result | None = None
    note: str | None = Field(default=None, max_length=REASON)

    @property
    def answers(self) -> list[str | None]:
        """Return the answers in the order of the script."""
        return [getattr(self, f"a{n}") for n in range(1, QUESTIONS + 1)]

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.outcome is not Called.REACHED:
            for field in ("rating", "result", *(f"a{n}" for n in range(1, QUESTIONS + 1))):
                if getattr(self, field) is not None:
                    raise _wrong(field, "not_reached")
        if self.comment is not None and self.rating is None:
            raise _wrong("comment", "comment_alone")
        if self.result is not None and self.note is None:
            raise Invalid(field_error("note", "missing"))
        return self


class DrawForm(Form):
    """Draw a sample: of which month, how much of it."""

    month: str = Field(min_length=7, max_length=7)
    share: int | None = Field(default=None, ge=1, le=100)
    number: int | None = Field(default=None, ge=1, le=500)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.share is None) == (self.number is None):
            raise _wrong("number", "share_or_number")
        try:
            first = date.fromisoformat(f"{self.month}-01")
        except ValueError:
            raise _wrong("month", "month") from None
        if not FIRST_YEAR <= first.year < LAST_YEAR:
            raise _wrong("month", "month")
        return self

    @property
    def first_day(self) -> date:
        """Return the first day of the month."""
        return date.fromisoformat(f"{self.month}-01")


class Verdict(StrEnum):
    """A question of a check, answered."""

    YES = "yes"
    NO = "no"


class JudgeForm(Form):
    """What a check of one answer found (质检单)."""

    kinds: ClassVar[dict[str, FieldKind]] = {"version": "hidden", "note": "textarea"}

    version: int = Field(ge=1)
    answered: Verdict
    verified: Verdict
    polite: Verdict
    on_time: Verdict
    evidence: Verdict
    note: str | None = Field(default=None, max_length=REASON)
    correct: bool = False

    @property
    def passed(self) -> bool:
        """Return whether nothing was found wanting."""
        found = (self.answered, self.verified, self.polite, self.on_time, self.evidence)
        return all(one is Verdict.YES for one in found)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.passed and self.note is None:
            raise _wrong("note", "note")
        if self.passed and self.correct:
            raise _wrong("correct", "nothing_to_correct")
        return self


class CorrectForm(Form):
    """How a unit put right what a check found wanting."""

    kinds: ClassVar[dict[str, FieldKind]] = {"version": "hidden", "text": "textarea"}

    version: int = Field(ge=1)
    text: str = Field(min_length=1, max_length=8000)
