"""The tables of the hotline: orders (工单), their timeline and parties."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar, Final
from uuid import UUID

from sqlalchemy import Index, Text
from sqlmodel import Field, SQLModel

from plugin_sdk.cases.counted import SPOT
from plugin_sdk.cases.models import CaseCounted, CaseEntry, CaseFigure, CaseParty, CaseRow
from plugin_sdk.data import UtcTime, app_registry

ANSWERED: Final = ("replied", "closed")
"""The states of an order that has its answer."""


class Base(SQLModel, registry=app_registry("hotline")):
    """The base of the hotline's tables."""


class OrderParty(CaseParty, Base, table=True):
    """An organization that holds or held an order."""

    __tablename__ = "hotline_order_party"


class OrderEntry(CaseEntry, Base, table=True):
    """A step of an order."""

    __tablename__ = "hotline_order_entry"
    parties: ClassVar[type[CaseParty]] = OrderParty


class OrderCounted(CaseCounted, Base, table=True):
    """What of an order stands in the figures."""

    __tablename__ = "hotline_order_counted"


class OrderFigure(CaseFigure, Base, table=True):
    """What happened with orders on a day, in ten days or in a month."""

    __tablename__ = "hotline_order_figure"


class Order(CaseRow, Base, table=True):
    """An order: one request to the hotline.

    `kind` and `category_code` are None where an old system did not say (unclassified).
    With `secret` nobody but the requester sees who called, unless it is revealed. `line` is the
    old number it came by, `follows_id` the order that it repeats (never one that follows itself),
    `repeats_id` the one that its caller says it repeats, `split_from_id` the one that a
    coordination divided, `enterprise_id` whose matter it is.
    `wishes_public` is the requester's own wish, `published_at` when a moderator followed it.
    `votes_for` and `votes_against` are what readers of an old system said of it.
    """

    __tablename__ = "hotline_order"
    __table_args__ = (
        Index(None, "organization_id", "state", "due_at"),  # what waits at a desk, due first
        Index(None, "category_code", "opened_at"),  # the newest of a category
        Index(None, "region_id", "opened_at"),  # what is near, in place and time
    )
    parties: ClassVar[type[CaseParty]] = OrderParty
    entries: ClassVar[type[CaseEntry]] = OrderEntry
    counted: ClassVar[type[CaseCounted]] = OrderCounted
    figures: ClassVar[type[CaseFigure]] = OrderFigure

    kind: str | None = Field(default=None, max_length=20)
    category_code: str | None = Field(default=None, max_length=100)
    region_id: UUID | None = None
    place: str = Field(default="", max_length=200)
    longitude: float | None = None
    latitude: float | None = None
    outside_boundary: bool = False
    urgency: str = Field(default="normal", max_length=10)
    secret: bool = False
    channel: str = Field(max_length=10)
    line: str | None = Field(default=None, max_length=40, index=True)
    follows_id: UUID | None = Field(default=None, index=True)
    repeats_id: UUID | None = None
    split_from_id: UUID | None = Field(default=None, index=True)
    enterprise_id: UUID | None = Field(default=None, index=True)
    wishes_public: bool = False
    published_at: datetime | None = Field(default=None, sa_type=UtcTime, index=True)
    votes_for: int | None = None
    votes_against: int | None = None
    caller_name: str = Field(default="", max_length=100, index=True)
    caller_phone: str = Field(default="", max_length=20, index=True)
    text: str = Field(sa_type=Text)
    reply: str | None = Field(default=None, sa_type=Text)
    answered_at: datetime | None = Field(default=None, sa_type=UtcTime)

    @property
    def dimensions(self) -> Mapping[str, str]:
        """Return by what the figures of an order are told apart, beside its unit. The part of a
        decision counts by its unit alone: what was asked, where and how, the whole says."""
        if self.split_from_id is not None:
            return {}
        category = (self.category_code or "").partition("/")[0]
        region = str(self.region_id or "")
        return {
            "category": category,
            "region": region,
            "line": self.line or "",
            "channel": self.channel,
            SPOT: f"{category}|{region}",
        }
