"""Forms of periodic duties. An app's form adds fields of the names of its columns."""

from typing import ClassVar

from pydantic import Field

from plugin_sdk.cases.forms import Decision
from plugin_sdk.forms import Form
from plugin_sdk.publishing import PublicText
from plugin_sdk.views import FieldKind

REASON = 1000


class ReturnForm(Form):
    """What is filed for an item; its fields are columns of the app's filing."""


class NilForm(Form):
    """Nothing this period (本月无): said, not left out."""


class CorrectForm(Form):
    """What a correction says beside the values: why."""

    kinds: ClassVar[dict[str, FieldKind]] = {"reason": "textarea"}

    reason: PublicText = Field(min_length=1, max_length=REASON)


class ReviewForm(Form):
    """A reviewer's decision; a refusal says why."""

    kinds: ClassVar[dict[str, FieldKind]] = {"remark": "textarea"}

    decision: Decision
    remark: str | None = Field(default=None, max_length=REASON)
