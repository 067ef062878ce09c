"""Tables of work items, drafts, pinned lists, timers, number series and holiday notices."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Index
from sqlmodel import Field

from core.database import CoreBase
from plugin_sdk.data import UtcTime, new_id


class WorkItem(CoreBase, table=True):
    """What waits for a person, or for whoever in a unit holds a permission."""

    __tablename__ = "work_item"
    __table_args__ = (
        Index("ix_work_item_unit", "organization_id", "permission", "closed_at"),
        Index("ix_work_item_person", "person_id", "closed_at"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    app: str
    subject: str = Field(index=True)
    person_id: UUID | None = None
    organization_id: UUID | None = None
    permission: str | None = None
    title: str = ""
    title_key: str | None = None
    label_key: str
    params: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    href: str
    opened_at: datetime = Field(sa_type=UtcTime)
    due_at: datetime | None = Field(default=None, sa_type=UtcTime)
    closed_at: datetime | None = Field(default=None, sa_type=UtcTime)


class DraftRow(CoreBase, table=True):
    """What a person has begun to fill in and not sent: texts alone, no photos.

    `key` is the key the form will be sent with, after the person's. With `session_id` it was
    written on a public computer (公用电脑) and ends with that session.
    """

    __tablename__ = "work_draft"

    key: str = Field(primary_key=True)
    person_id: UUID = Field(index=True)
    session_id: str | None = Field(default=None, index=True)
    app: str
    form: str
    href: str
    title: str = ""
    title_key: str
    lacking: list[str] = Field(default_factory=list, sa_type=JSON)
    texts: dict[str, str] = Field(default_factory=dict, sa_type=JSON)
    saved_at: datetime = Field(sa_type=UtcTime, index=True)


class PinRow(CoreBase, table=True):
    """A list that a person named and pinned: its state is its address."""

    __tablename__ = "work_pin"

    person_id: UUID = Field(primary_key=True)
    href: str = Field(primary_key=True)
    name: str
    pinned_at: datetime = Field(sa_type=UtcTime)


class Timer(CoreBase, table=True):
    """A moment at which an app wants to look at a subject again."""

    __tablename__ = "work_timer"

    app: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    subject: str = Field(primary_key=True)
    at: datetime = Field(sa_type=UtcTime, index=True)


class Series(CoreBase, table=True):
    """The last public number given in a series on a day."""

    __tablename__ = "work_series"

    app: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    day: str = Field(primary_key=True)
    last: int


class HolidayNotice(CoreBase, table=True):
    """The holidays of a year as the administrator entered them from the notice."""

    __tablename__ = "work_holiday_notice"

    year: int = Field(primary_key=True)
    holidays: list[str] = Field(sa_type=JSON)
    workdays: list[str] = Field(sa_type=JSON)
    entered_at: datetime = Field(sa_type=UtcTime)
