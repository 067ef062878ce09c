"""The forms of a merge: the new app, the place of a function, a waiver, old data, old links."""

from typing import ClassVar

from pydantic import Field

from core.governance.merging.parity import LONGEST
from plugin_sdk.forms import Form
from plugin_sdk.views import FieldKind


class ChooseForm(Form):
    """Into which app an app is merged."""

    kinds: ClassVar[dict[str, FieldKind]] = {"successor": "select"}

    successor: str = Field(min_length=1, max_length=40)


class PlaceForm(Form):
    """Where a function is served now."""

    kinds: ClassVar[dict[str, FieldKind]] = {"route": "select", "function": "hidden"}

    function: str = Field(min_length=1, max_length=LONGEST)
    route: str = Field(min_length=1, max_length=LONGEST)
    example: str | None = Field(default=None, max_length=LONGEST)


class AddForm(Form):
    """A function that the inventory lacks."""

    name: str = Field(min_length=1, max_length=100)


class WhichForm(Form):
    """A function or a kind of data."""

    function: str | None = Field(default=None, max_length=LONGEST)
    kind: str | None = Field(default=None, max_length=40)


class WaiverForm(WhichForm):
    """Why a function or a kind of data is not carried over."""

    kinds: ClassVar[dict[str, FieldKind]] = {
        "reason": "textarea",
        "function": "hidden",
        "kind": "hidden",
    }

    reason: str = Field(min_length=1, max_length=500)


class DataForm(Form):
    """What an app that is elsewhere holds of a kind: in figures, or in a file that comes along."""

    kind: str = Field(default="cases", min_length=1, max_length=40)
    rows: int | None = Field(default=None, ge=0, le=2**31 - 1)
    digest: str | None = Field(default=None, max_length=64, pattern="[0-9a-f]{64}")


class LinkForm(Form):
    """Where an old path leads."""

    path: str = Field(min_length=1, max_length=LONGEST)
    target: str = Field(min_length=1, max_length=LONGEST)
    example: str | None = Field(default=None, max_length=LONGEST)


class RemoveForm(Form):
    """An old path that is to lead nowhere."""

    path: str = Field(min_length=1, max_length=LONGEST)
