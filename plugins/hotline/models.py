"""The tables of the hotline: orders (工单), their timeline and parties."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import Index, Text
from sqlmodel import Field, SQLModel

from plugin_sdk.cases.models import CaseEntry, CaseParty, CaseRow
from plugin_sdk.data import UtcTime, app_registry


class Base(SQLModel, registry=app_registry("hotline")):
    """The base of the hotline's tables."""


class OrderParty(CaseParty, Base, table=True):
    """An organization that holds or held an order."""

    __tablename__ = "hotline_order_party"


class OrderEntry(CaseEntry, Base, table=True):
    """A step of an order."""

    __tablename__ = "hotline_order_entry"
    parties: ClassVar[type[CaseParty]] = OrderParty


class Order(CaseRow, Base, table=True):
    """An order: one request to the hotline.

    `kind` and `category_code` are None where an old system did not say (unclassified).
    With `secret` nobody but the requester sees who called, unless it is revealed. `line` is the
    old number it came by, `follows_id` the order that it repeats (never one that follows itself),
    `split_from_id` the one that a coordination divided, `enterprise_id` whose matter it is.
    `wishes_public` is the requester's own wish, `published_at` when a moderator followed it.
    """

    __tablename__ = "hotline_order"
    __table_args__ = (Index(None, "region_id", "opened_at"),)  # what is near, in place and time
    parties: ClassVar[type[CaseParty]] = OrderParty
    entries: ClassVar[type[CaseEntry]] = OrderEntry

    kind: str | None = Field(default=None, max_length=20)
    category_code: str | None = Field(default=None, max_length=100, index=True)
    region_id: UUID | None = Field(default=None, index=True)
    place: str = Field(default="", max_length=200)
    longitude: float | None = None
    latitude: float | None = None
    outside_boundary: bool = False
    urgency: str = Field(default="normal", max_length=10)
    secret: bool = False
    channel: str = Field(max_length=10)
    line: str | None = Field(default=None, max_length=40, index=True)
    follows_id: UUID | None = Field(default=None, index=True)
    split_from_id: UUID | None = Field(default=None, index=True)
    enterprise_id: UUID | None = Field(default=None, index=True)
    wishes_public: bool = False
    published_at: datetime | None = Field(default=None, sa_type=UtcTime, index=True)
    caller_name: str = Field(default="", max_length=100)
    caller_phone: str = Field(default="", max_length=20)
    text: str = Field(sa_type=Text)
    reply: str | None = Field(default=None, sa_type=Text)
    answered_at: datetime | None = Field(default=None, sa_type=UtcTime)
