"""The forms of dispatching: a rule, what a rule would change, which order is followed."""

from typing import ClassVar
from uuid import UUID

from pydantic import Field

from plugin_sdk.cases.forms import ActForm, ReplyForm
from plugin_sdk.forms import Form
from plugin_sdk.registers import RecordForm
from plugin_sdk.views import FieldKind
from plugins.hotline.forms import Kind, Urgency

CATEGORY = 100


class WhatIfForm(Form):
    """A rule that is tried out: orders of what, where, of which kind and urgency, go to which
    unit."""

    kinds: ClassVar[dict[str, FieldKind]] = dict.fromkeys(
        ("category", "region", "kind", "urgency", "unit"), "select"
    )

    category: str | None = Field(default=None, max_length=CATEGORY)
    region: UUID | None = None
    kind: Kind | None = None
    urgency: Urgency | None = None
    unit: UUID


class ResponsibilityForm(WhatIfForm, RecordForm):
    """A rule, and why it is one."""

    kinds: ClassVar[dict[str, FieldKind]] = {**WhatIfForm.kinds, "basis": "textarea"}

    basis: str = Field(min_length=1, max_length=300)
    source: str | None = Field(default=None, max_length=60)


class FollowForm(ActForm):
    """Which order a request repeats, by its number."""

    original: str = Field(min_length=1, max_length=40)


class PassOnForm(ReplyForm):
    """The answer of an original, and the unit whose it is."""

    unit: UUID
