"""The tables of road works and incidents, and of who follows what."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlmodel import Field

from plugin_sdk.data import Owned, UtcTime
from plugin_sdk.registers import RegisterRow, RegisterVersion
from plugins.traffic.models import Base


class RoadNoticeVersion(RegisterVersion, Base, table=True):
    """A notice as it stood."""

    __tablename__ = "traffic_road_notice_version"
    shared: ClassVar[bool] = True


class RoadNotice(RegisterRow, Base, table=True):
    """Works on a road, or something that happened there: until `ends_on`, or until it was over
    before (`over_at`).

    `news` is the version of which followers are told, `told` the last of which all have been;
    `told_to` how far the telling of `news` has come.
    """

    __tablename__ = "traffic_road_notice"
    versions: ClassVar[type[RegisterVersion]] = RoadNoticeVersion
    shared: ClassVar[bool] = True

    kind: str = Field(max_length=20)
    road: str | None = Field(default=None, max_length=60)
    region: str | None = Field(default=None, max_length=40)
    stretch: str = Field(max_length=100)
    hours: str | None = Field(default=None, max_length=100)
    advice: str = Field(max_length=500)
    over_at: datetime | None = Field(default=None, sa_type=UtcTime)
    news: int = Field(default=1)
    told: int = Field(default=0)
    told_to: UUID | None = None


class RoadFollow(Owned, Base, table=True):
    """A road or a township that somebody wants to hear of. `key` makes it one a person."""

    __tablename__ = "traffic_road_follow"

    key: str = Field(max_length=120, unique=True)
    subject: str = Field(max_length=70, index=True)
    name: str = Field(max_length=100)
    since: datetime = Field(sa_type=UtcTime)
