"""The tables of calls. They are many more than orders, and no list of orders reads them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field

from plugin_sdk.data import Owned, UtcTime
from plugins.hotline.models import Base


class Call(Owned, Base, table=True):
    """A call, in or out, of the centre that is its organization.

    `provider_id` is the exchange's name of it (None: it was asked for, and the exchange has said
    nothing yet). `phone` is the other side's, empty where it was hidden, and once the call became
    an order whose caller is secret. `line` is the old number that was dialled.
    `operator_person_id` says at whose desk it is while it has no `outcome`, and is empty
    afterwards: what people do is in the sealed record, and calls cannot be counted by who took
    them.
    `settled` marks an outcome that somebody chose.
    """

    __tablename__ = "hotline_call"
    __table_args__ = (
        Index("ix_hotline_call_phone_started_at", "phone", "started_at"),
        Index("ix_hotline_call_line_started_at", "line", "started_at"),
    )

    provider_id: str | None = Field(default=None, max_length=64, unique=True)
    direction: str = Field(max_length=3)
    phone: str = Field(default="", max_length=20)
    line: str | None = Field(default=None, max_length=40)
    started_at: datetime = Field(sa_type=UtcTime, index=True)
    answered_at: datetime | None = Field(default=None, sa_type=UtcTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcTime)
    operator_person_id: UUID | None = Field(default=None, index=True)
    outcome: str | None = Field(default=None, max_length=12, index=True)
    settled: bool = False
    note: str = Field(default="", max_length=500)
    order_id: UUID | None = Field(default=None, index=True)


class Seat(Owned, Base, table=True):
    """The telephone on which somebody takes calls: `person_id` has one, `extension` one person."""

    __tablename__ = "hotline_seat"

    extension: str = Field(max_length=10, unique=True)
