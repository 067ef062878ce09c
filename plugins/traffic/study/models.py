"""The tables of study."""

from datetime import date, datetime

from sqlalchemy import JSON
from sqlmodel import Field

from plugin_sdk.data import Owned, UtcTime, Versioned
from plugins.traffic.models import Base


class StudyRun(Owned, Versioned, Base, table=True):
    """One study of somebody, from its beginning to what the police's system said of it.

    `state` is `learning`, `pending` (passed, the system is asked), `credited`, `refused`, `failed`
    or `expired`. `claim` is the person's while it is open, so that there is one. `done` are the
    lessons whose question was answered, `asked` the questions of the quiz in their order. `why`
    is a word of `plugins.traffic.handed.Ruling`.
    """

    __tablename__ = "traffic_study"

    reference: str = Field(max_length=64, unique=True)
    claim: str | None = Field(default=None, max_length=40, unique=True)
    state: str = Field(max_length=12, index=True)
    file_number: str = Field(max_length=12)
    period_first: date = Field(index=True)
    points: int
    begun_at: datetime = Field(sa_type=UtcTime, index=True)
    done: list[str] = Field(default_factory=list, sa_type=JSON)
    asked: list[str] = Field(default_factory=list, sa_type=JSON)
    tries: int = Field(default=0)
    passed_at: datetime | None = Field(default=None, sa_type=UtcTime)
    ruled_at: datetime | None = Field(default=None, sa_type=UtcTime)
    why: str = Field(default="", max_length=20)
