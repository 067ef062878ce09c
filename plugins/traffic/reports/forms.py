"""The forms of reports."""

from datetime import date, datetime, time
from enum import StrEnum
from typing import ClassVar, Self

from pydantic import Field, model_validator

from plugin_sdk.cases.forms import ActForm
from plugin_sdk.forms import Form
from plugin_sdk.problems import Invalid, field_error
from plugin_sdk.publishing import PublicText
from plugin_sdk.times import SHANGHAI
from plugin_sdk.views import FieldKind
from plugins.traffic.forms import PlateText


class Kind(StrEnum):
    """What a resident may report. Which rule it breaks, its points and its fine say the police."""

    RED_LIGHT = "red_light"  # 闯红灯
    LINE = "line"  # 压实线、违反标线
    EMERGENCY_LANE = "emergency_lane"  # 占用应急车道
    WRONG_WAY = "wrong_way"  # 逆行
    NO_YIELD = "no_yield"  # 不礼让行人
    PARKING = "parking"  # 违法停车
    PHONE = "phone"  # 开车打手机
    THROWING = "throwing"  # 车窗抛物
    COVERED_PLATE = "covered_plate"  # 遮挡号牌


class ReportForm(Form):
    """What somebody saw. The photos come first: they are the evidence."""

    kinds: ClassVar[dict[str, FieldKind]] = {
        "kind": "select",
        "text": "textarea",
        "photos": "photo",
        "longitude": "hidden",
        "latitude": "hidden",
    }
    needed: ClassVar[frozenset[str]] = frozenset({"photos"})

    photos: str | None = Field(default=None, max_length=0)
    kind: Kind
    plate: PlateText
    happened_on: date
    clock: str = Field(min_length=4, max_length=5, pattern=r"^([01]?[0-9]|2[0-3])[:：][0-5][0-9]$")
    place: PublicText = Field(min_length=1, max_length=100)
    longitude: float | None = Field(default=None, ge=-180, le=180)
    latitude: float | None = Field(default=None, ge=-90, le=90)
    text: PublicText | None = Field(default=None, max_length=500)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.longitude is None) != (self.latitude is None):
            raise Invalid(field_error("latitude", "missing"))
        return self

    @property
    def happened_at(self) -> datetime:
        """Return when it happened."""
        hour, minute = self.clock.replace("：", ":").split(":")
        return datetime.combine(self.happened_on, time(int(hour), int(minute)), SHANGHAI)


class SameForm(ActForm):
    """Which report was of the same violation before."""

    number: str = Field(min_length=1, max_length=40)
