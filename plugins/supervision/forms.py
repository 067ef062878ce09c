"""Forms of supervision. A photo is evidence beside words, never instead of them."""

from datetime import date
from enum import StrEnum
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from plugin_sdk.cases.forms import LONG_TEXT, REASON, ActForm, MoveForm, ReplyForm
from plugin_sdk.forms import Form
from plugin_sdk.money import Yuan
from plugin_sdk.registers import RecordForm
from plugin_sdk.views import FieldKind

Photos = Annotated[str | None, Field(max_length=0)]


class Result(StrEnum):
    """What a check showed."""

    CLEAR = "clear"  # 未发现问题
    PROBLEM = "problem"  # 发现问题


class FindingForm(Form):
    """The one filing for every topic: what was checked, when, and what it showed."""

    kinds: ClassVar[dict[str, FieldKind]] = {
        "topic": "select",
        "subject_unit": "select",
        "text": "textarea",
        "photos": "photo",
        "longitude": "hidden",
        "latitude": "hidden",
    }

    topic: str = Field(min_length=1, max_length=40)
    subject: str = Field(min_length=1, max_length=100)
    subject_unit: UUID | None = None
    checked_on: date
    result: Result
    text: str = Field(min_length=1, max_length=LONG_TEXT)
    place: str | None = Field(default=None, max_length=200)
    photos: Photos = None
    longitude: float | None = Field(default=None, ge=-180, le=180)
    latitude: float | None = Field(default=None, ge=-90, le=90)


class HandOverForm(MoveForm):
    """Hand over (移交): to whom, and how many working days they have to put it right."""

    words: ClassVar[dict[str, str]] = {"days": "term"}

    days: int = Field(default=15, ge=1, le=60)


class EvidenceForm(ReplyForm):
    """What was done, in words, with photos beside them."""

    kinds: ClassVar[dict[str, FieldKind]] = {**ReplyForm.kinds, "photos": "photo"}
    photos: Photos = None


class WordsForm(ActForm):
    """An act that says what was found or decided."""

    words: ClassVar[dict[str, str]] = {"text": "decided"}

    text: str = Field(min_length=1, max_length=LONG_TEXT)


class TaskForm(Form):
    """A task: what, whence, for whom, until when."""

    kinds: ClassVar[dict[str, FieldKind]] = {"text": "textarea", "unit": "select"}
    words: ClassVar[dict[str, str]] = {"unit": "lead"}

    title: str = Field(min_length=1, max_length=80)
    text: str = Field(min_length=1, max_length=LONG_TEXT)
    source: str = Field(min_length=1, max_length=200)
    unit: UUID
    due_on: date


class SpareForm(Form):
    """Leave an inspection out, since the shared result is enough."""

    kinds: ClassVar[dict[str, FieldKind]] = {"reason": "textarea"}

    reason: str = Field(min_length=1, max_length=REASON)


class TopicForm(RecordForm):
    """A topic of supervision."""

    code: str = Field(min_length=1, max_length=40)


class StationForm(RecordForm):
    """A liaison station: where, and who heads it."""

    kinds: ClassVar[dict[str, FieldKind]] = {"place_id": "select"}

    code: str = Field(min_length=1, max_length=40)
    place_id: UUID
    head: str = Field(min_length=1, max_length=50)


class Kind(StrEnum):
    """What a project spends or uses."""

    FUND = "fund"  # 资金
    ASSET = "asset"  # 资产
    RESOURCE = "resource"  # 资源
    INVESTMENT = "investment"  # 投资


class ProjectForm(Form):
    """A project that a station watches."""

    kinds: ClassVar[dict[str, FieldKind]] = {"text": "textarea", "station": "select"}

    title: str = Field(min_length=1, max_length=80)
    kind: Kind
    station: str = Field(min_length=1, max_length=40)
    amount: Yuan = Field(ge=0, le=10**13)
    households: int = Field(default=0, ge=0, le=1_000_000)
    text: str = Field(min_length=1, max_length=LONG_TEXT)
