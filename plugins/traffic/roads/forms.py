"""The forms of road works and incidents."""

from enum import StrEnum
from typing import ClassVar, Self

from pydantic import Field, model_validator

from plugin_sdk.forms import Form
from plugin_sdk.problems import Invalid, field_error
from plugin_sdk.publishing import PublicText
from plugin_sdk.registers import RecordForm
from plugin_sdk.views import FieldKind


class Kind(StrEnum):
    """What is the matter."""

    WORKS = "works"  # 施工
    CLOSED = "closed"  # 封闭
    LIMITED = "limited"  # 限行
    ACCIDENT = "accident"  # 事故
    JAM = "jam"  # 拥堵
    WEATHER = "weather"  # 恶劣天气


class RoadForm(RecordForm):
    """A notice: what, where, from when until when, and what to do."""

    kinds: ClassVar[dict[str, FieldKind]] = {
        "kind": "select",
        "road": "select",
        "region": "select",
        "advice": "textarea",
    }

    name: PublicText = Field(min_length=1, max_length=60)
    kind: Kind
    road: str | None = Field(default=None, max_length=60)
    region: str | None = Field(default=None, max_length=40)
    stretch: PublicText = Field(min_length=1, max_length=100)
    hours: PublicText | None = Field(default=None, max_length=100)
    advice: PublicText = Field(min_length=1, max_length=500)

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if self.road is None and self.region is None:
            raise Invalid(field_error("road", "missing"))
        return self


class FollowForm(Form):
    """A road or a township to hear of."""

    kinds: ClassVar[dict[str, FieldKind]] = {"subject": "select"}

    subject: str = Field(min_length=1, max_length=70)


class UnfollowForm(Form):
    """Hear no more of it."""
