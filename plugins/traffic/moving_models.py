"""The tables of 一键挪车: who asks for a car to be moved, and where its owner gets a text."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_
from sqlmodel import Field, col

from plugin_sdk.data import WITHHELD, Owned, UtcTime, Versioned
from plugins.traffic.models import Base


class MoveRequest(Owned, Versioned, Base, table=True):
    """Somebody (`person_id`) asks that a car be moved. `owner_person_id` is who has bound its
    plate, None where nobody has: who asks is never told which. `turn` and `plate_turn` count
    what was asked by one person and for one plate, so that many at once count too."""

    __tablename__ = "traffic_move_request"

    number: str = Field(max_length=40, unique=True)
    owner_person_id: UUID | None = Field(default=None, index=True, sa_column_kwargs=WITHHELD)
    plate: str = Field(max_length=10, index=True)
    place: str = Field(max_length=60)
    turn: str = Field(max_length=64, unique=True)
    plate_turn: str = Field(max_length=64, unique=True)
    asked_at: datetime = Field(sa_type=UtcTime, index=True)
    closes_at: datetime = Field(sa_type=UtcTime)
    answer: str | None = Field(default=None, max_length=10)
    answered_at: datetime | None = Field(default=None, sa_type=UtcTime)
    closed_at: datetime | None = Field(default=None, sa_type=UtcTime)

    @classmethod
    def reach_person(cls, person_id: UUID) -> Any:
        """Return the condition for what a person asked, and what was asked of them."""
        return or_(col(cls.person_id) == person_id, col(cls.owner_person_id) == person_id)

    def open(self, now: datetime) -> bool:
        """Return whether it can still be answered: it closes by itself."""
        return self.closed_at is None and now < self.closes_at


class MoveContact(Owned, Base, table=True):
    """The telephone at which an owner wants a text when their car is in the way."""

    __tablename__ = "traffic_move_contact"

    key: str = Field(max_length=40, unique=True)
    phone: str = Field(max_length=20)
