"""The table of notices."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Index, UniqueConstraint
from sqlmodel import Field

from core.database import CoreBase
from plugin_sdk.data import UtcTime, new_id


class Notice(CoreBase, table=True):
    """One notice to one person; its words are translated when it is read."""

    __tablename__ = "messages_notice"
    __table_args__ = (
        UniqueConstraint("source", "person_id"),
        Index("ix_messages_notice_inbox", "person_id", "at"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    source: UUID  # the outbox row: a notice that is sent again arrives once
    person_id: UUID = Field(foreign_key="identity_person.id")
    app: str
    key: str
    params: dict[str, Any] = Field(sa_type=JSON)
    href: str
    at: datetime = Field(sa_type=UtcTime)
    read_at: datetime | None = Field(default=None, sa_type=UtcTime)
