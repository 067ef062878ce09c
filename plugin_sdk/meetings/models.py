"""The mixin of a meeting. What is asked there is a `QuestionRow`: a promised day is its deadline.

class Meeting(MeetingRow, Base, table=True): ...
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import JSON, Text
from sqlmodel import Field

from plugin_sdk.data import Owned, UtcTime, Versioned


class MeetingRow(Owned, Versioned):
    """A meeting: `called`, then `held`, then its minutes `published`; or `cancelled`.

    `attendance` holds for each group how many came and how many belong to it.
    """

    number: str = Field(max_length=40, unique=True)
    title: str = Field(max_length=200)
    place: str = Field(max_length=200)
    state: str = Field(max_length=20, index=True)
    starts_at: datetime = Field(sa_type=UtcTime, index=True)
    agenda: str = Field(sa_type=Text)
    called_at: datetime = Field(sa_type=UtcTime)
    called_by: UUID | None = None
    held_at: datetime | None = Field(default=None, sa_type=UtcTime)
    attendance: dict[str, list[int]] = Field(default_factory=dict, sa_type=JSON)
    minutes: str | None = Field(default=None, sa_type=Text)
    published_at: datetime | None = Field(default=None, sa_type=UtcTime)
    cancelled_for: str | None = Field(default=None, max_length=1000)
    source_key: str | None = Field(default=None, max_length=200, unique=True)
