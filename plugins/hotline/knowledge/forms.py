"""Forms of the knowledge base, and what an answer may leave open."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, ClassVar, Final, Self
from uuid import UUID

from pydantic import Field, model_validator

from plugin_sdk.cases.forms import LONG_TEXT, REASON, ReplyForm
from plugin_sdk.forms import Form
from plugin_sdk.problems import FieldError, Invalid, field_error
from plugin_sdk.views import FieldKind, Phrase
from plugins.hotline.categories import tree
from plugins.hotline.knowledge.private import by_form

PLACES: Final = ("编号", "单位", "日期", "期限")
"""What an answer may leave open, in braces: it is filled in from the very order that is answered,
and from nothing else."""
_PLACE: Final = re.compile(r"[{｛]([^{}｛｝]{0,40})[}｝]")


def wrong(field: str, code: str, **params: object) -> FieldError:
    """Return the error of a field in the words of the knowledge base."""
    return FieldError(field, Phrase(f"hotline.knowledge.wrong.{code}", params))


def left_open(text: str) -> list[str]:
    """Return the places that a text leaves open, as they are written."""
    return [name.strip() for name in _PLACE.findall(text)]


def filled(text: str, values: Mapping[str, str]) -> str:
    """Return a text with what is known filled in; what is not stays open for whoever sends it."""
    return _PLACE.sub(lambda place: values.get(place[1].strip()) or place[0], text)


class KnowledgeForm(Form):
    """An answer: to what, in which words, by which rule, from when to when, and where it holds."""

    kinds: ClassVar[dict[str, FieldKind]] = {
        "text": "textarea",
        "category": "select",
        "region": "select",
    }

    question: str = Field(min_length=1, max_length=200)
    text: str = Field(min_length=1, max_length=LONG_TEXT)
    basis: str = Field(min_length=1, max_length=300)
    starts_on: date | None = None
    ends_on: date
    category: Annotated[str | None, Field(max_length=100)] = None
    region: Annotated[str | None, Field(max_length=40)] = None
    keywords: Annotated[str | None, Field(max_length=200)] = None
    public: bool = False

    @model_validator(mode="after")
    def _fit_to_be_kept(self) -> Self:
        found = [
            error
            for name in ("question", "text", "basis", "keywords")
            for error in by_form(name, getattr(self, name) or "")
        ]
        places = left_open(self.text)
        unknown = [name for name in places if name not in PLACES]
        if unknown:
            found.append(wrong("text", "place", name=unknown[0], known="、".join(PLACES)))
        elif places and self.public:
            found.append(wrong("public", "open", name=places[0]))
        if self.starts_on and self.ends_on < self.starts_on:
            found.append(field_error("ends_on", "before-start"))
        if self.category is not None and self.category not in tree():
            found.append(field_error("category", "choice"))
        if found:
            raise Invalid(*found)
        return self


class ReviseForm(KnowledgeForm):
    """A new version (or a draft anew): what was seen, and why."""

    kinds: ClassVar[dict[str, FieldKind]] = {
        **KnowledgeForm.kinds,
        "version": "hidden",
        "reason": "textarea",
    }

    version: int = Field(ge=1)
    reason: str | None = Field(default=None, max_length=REASON)


class SeenForm(Form):
    """What was seen when a draft is published."""

    kinds: ClassVar[dict[str, FieldKind]] = {"version": "hidden"}

    version: int = Field(ge=1)


class WithdrawForm(SeenForm):
    """Why an answer is not to be given any more."""

    kinds: ClassVar[dict[str, FieldKind]] = {"version": "hidden", "reason": "textarea"}

    reason: str = Field(min_length=1, max_length=REASON)


class AnswerForm(ReplyForm):
    """An answer to whoever asked, and the version of the knowledge base that it began with."""

    kinds: ClassVar[dict[str, FieldKind]] = {**ReplyForm.kinds, "used": "hidden"}

    used: UUID | None = None
