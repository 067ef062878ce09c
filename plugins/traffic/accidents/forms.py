"""The forms of accidents."""

from datetime import date, datetime, time
from enum import StrEnum
from typing import Annotated, ClassVar, Final, Self

from pydantic import AfterValidator, Field, model_validator

from plugin_sdk.cases.forms import ActForm
from plugin_sdk.forms import Form
from plugin_sdk.problems import Invalid, field_error
from plugin_sdk.publishing import PublicText
from plugin_sdk.times import SHANGHAI
from plugin_sdk.views import FieldKind
from plugins.traffic.drafting import DecisionForm, Reference
from plugins.traffic.forms import OtherPlate, PlateText, wrong


class Stop(StrEnum):
    """What forbids that the two settle it themselves (道路交通事故处理程序规定, 公安部令第146号:
    第十三条, from `FACILITY` on 第十四条)."""

    NONE = "none"
    INJURY = "injury"  # 死亡、伤人
    LICENCE = "licence"  # 无有效驾驶证、准驾不符
    DRINK = "drink"  # 饮酒、服用国家管制的精神药品或者麻醉药品嫌疑
    COACH = "coach"  # 校车、客运车辆严重超员超速嫌疑
    PLATE = "plate"  # 无号牌，伪造、变造号牌
    STUCK = "stuck"  # 不能自行移动车辆
    LEFT = "left"  # 一方离开现场
    INTENT = "intent"  # 一方故意造成
    FACILITY = "facility"  # 碰撞建筑物、公共设施或者其他设施
    UNINSURED = "uninsured"  # 无检验合格标志、无保险标志


MOVED: Final = frozenset({Stop.FACILITY, Stop.UNINSURED})
"""After these the vehicles are moved off the road before the police are called (第十四条)."""


def _alone(stop: Stop) -> Stop:
    if stop is not Stop.NONE:
        raise Invalid(wrong("stop", "move-and-call" if stop in MOVED else "call-122"))
    return stop


class Collision(StrEnum):
    """How it happened (事故形态), as far as two vehicles touch."""

    REAR = "rear"
    LANE = "lane"
    TURN = "turn"
    REVERSE = "reverse"
    DOOR = "door"
    ONCOMING = "oncoming"
    OTHER = "other"


class Weather(StrEnum):
    """What the sky was like."""

    CLEAR = "clear"
    RAIN = "rain"
    SNOW = "snow"
    FOG = "fog"


class Road(StrEnum):
    """Where on the road it was."""

    STRETCH = "stretch"
    CROSSING = "crossing"
    PARKING = "parking"
    OTHER = "other"


class Share(StrEnum):
    """The liability of one side (道路交通事故处理程序规定 第六十条)."""

    FULL = "full"  # 全部责任
    MAIN = "main"  # 主要责任
    EQUAL = "equal"  # 同等责任
    MINOR = "minor"  # 次要责任
    NONE = "none"  # 无责任


OTHER: Final = dict(zip(Share, reversed(Share), strict=True))
"""What the liability of one side makes that of the other."""


class Outcome(StrEnum):
    """What an officer decides: the liability of side a, or that nobody is liable (各方均无过错)."""

    FULL = "full"
    MAIN = "main"
    EQUAL = "equal"
    MINOR = "minor"
    NONE = "none"
    NOBODY = "nobody"


Insurer = Annotated[str, Field(min_length=2, max_length=60)]
Clock = Annotated[str, Field(max_length=5, pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
KINDS: Final[dict[str, FieldKind]] = {
    "collision": "select",
    "weather": "select",
    "road": "select",
    "what": "textarea",
    "longitude": "hidden",
    "latitude": "hidden",
}


def moment(day: date, clock: str) -> datetime:
    """Return the moment of a day and a time of Shanghai."""
    return datetime.combine(day, time.fromisoformat(clock), SHANGHAI)


class AccidentForm(Form):
    """What somebody reports at the place of an accident."""

    kinds: ClassVar[dict[str, FieldKind]] = KINDS

    stop: Annotated[Stop, AfterValidator(_alone)]
    happened_on: date
    happened_time: Clock
    place: PublicText = Field(min_length=2, max_length=100)
    longitude: float | None = Field(default=None, ge=-180, le=180)
    latitude: float | None = Field(default=None, ge=-90, le=90)
    plate: PlateText
    insurer: Insurer
    other_plate: OtherPlate
    collision: Collision
    weather: Weather
    road: Road
    what: PublicText = Field(min_length=5, max_length=1000)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.longitude is None) != (self.latitude is None):
            raise Invalid(field_error("latitude", "missing"))
        if self.plate == self.other_plate:
            raise Invalid(wrong("other_plate", "same-plate"))
        return self


class AmendForm(ActForm):
    """A change of what was reported: both sides have to agree anew."""

    kinds: ClassVar[dict[str, FieldKind]] = {**ActForm.kinds, **KINDS}

    happened_on: date
    happened_time: Clock
    place: PublicText = Field(min_length=2, max_length=100)
    other_plate: OtherPlate
    collision: Collision
    weather: Weather
    road: Road
    what: PublicText = Field(min_length=5, max_length=1000)


class PhotoForm(Form):
    """A photo of one view."""

    kinds: ClassVar[dict[str, FieldKind]] = {"photo": "photo"}
    needed: ClassVar[frozenset[str]] = frozenset({"photo"})

    photo: str | None = Field(default=None, max_length=0)


class JoinForm(Form):
    """The other side: the code that they were shown, and their own vehicle."""

    code: str = Field(min_length=8, max_length=20)
    stop: Annotated[Stop, AfterValidator(_alone)]
    plate: PlateText
    insurer: Insurer


class AgreeForm(ActForm):
    """That one agrees to the statement of this version, and how liable one is."""

    kinds: ClassVar[dict[str, FieldKind]] = {**ActForm.kinds, "statement": "hidden"}

    statement: int = Field(ge=1)
    share: Share


class ProposeForm(ActForm):
    """What an officer would decide, and why; and the block that the reasons began with."""

    kinds: ClassVar[dict[str, FieldKind]] = {**DecisionForm.kinds, "text": "textarea"}
    words: ClassVar[dict[str, str]] = {"text": "reply"}

    outcome: Outcome
    text: PublicText = Field(min_length=1, max_length=2000)
    template: Reference | None = None
