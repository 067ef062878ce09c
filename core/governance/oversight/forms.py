"""Forms of reviews."""

from datetime import date
from typing import Annotated, ClassVar

from pydantic import Field

from plugin_sdk.cases.forms import REASON, ActForm, ReplyForm
from plugin_sdk.forms import Form
from plugin_sdk.views import FieldKind

CAUSE = 2000
Photos = Annotated[str | None, Field(max_length=0)]


class NominateForm(Form):
    """Nominate (提请复核) an app: for what was found, or for a reason of one's own."""

    kinds: ClassVar[dict[str, FieldKind]] = {"app": "select", "cause": "textarea"}

    app: str = Field(min_length=1, max_length=60)
    cause: str | None = Field(default=None, max_length=CAUSE)


class AnswerForm(ReplyForm):
    """What the owner says, with pictures of documents beside it."""

    kinds: ClassVar[dict[str, FieldKind]] = {**ActForm.kinds, "photos": "photo"}
    photos: Photos = None


class PlanForm(ReplyForm):
    """A plan (整改计划): what will be done, and by when."""

    kinds: ClassVar[dict[str, FieldKind]] = {**ActForm.kinds, "photos": "photo"}

    planned_on: date
    photos: Photos = None


class ImproveForm(ActForm):
    """Improve (限期改进): until when, and why."""

    until: date
    reason: str = Field(min_length=1, max_length=REASON)


class MergeForm(ActForm):
    """Merge (整合): into which app, and why."""

    kinds: ClassVar[dict[str, FieldKind]] = {**ActForm.kinds, "successor": "select"}

    successor: str = Field(min_length=1, max_length=60)
    reason: str = Field(min_length=1, max_length=REASON)
