"""Forms of 一键挪车."""

from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from plugin_sdk.forms import Form
from plugin_sdk.publishing import PublicText
from plugin_sdk.views import FieldKind
from plugins.traffic.forms import PlateText


class Reply(StrEnum):
    """What an owner says with one tap."""

    COMING = "coming"
    FIVE = "five"
    AWAY = "away"


class MoveForm(Form):
    """Which car is in the way, and where."""

    plate: PlateText
    place: PublicText = Field(min_length=1, max_length=60)


class AnswerForm(Form):
    """The owner's answer."""

    reply: Reply


class DoneForm(Form):
    """The car is gone."""


class ContactForm(Form):
    """The telephone at which an owner wants a text; none: messages alone."""

    kinds: ClassVar[dict[str, FieldKind]] = {"phone": "phone"}

    phone: str | None = Field(default=None, max_length=20)
